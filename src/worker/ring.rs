//! The ring: operations in, completions out, and the few system calls between.
#![allow(unsafe_code)]

use std::io;
use std::time::{Duration, Instant};

use io_uring::{IoUring, cqueue, opcode, squeue, types};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use super::buffers::BUFFERS;
use super::features::{Feature, Features};
use super::probe::Unavailable;
use super::token::Token;
use crate::limits::ENTER_RETRY;

/// Entries of the submission queue: operations that go in with one system call.
const SUBMISSIONS: u32 = 4096;
/// Entries of the completion queue: a storm of clients completes in one batch.
const COMPLETIONS: u32 = 16384;

/// How long a system call that failed for want of memory is repeated without a pause, and each pause from then on.
const ENTER_PAUSE: Duration = Duration::from_millis(1);

/// `IORING_RECVSEND_POLL_FIRST` and `IORING_RECV_MULTISHOT` (io_uring.h), which the crate does not show.
const POLL_FIRST: u16 = 1;
const RECV_MULTISHOT: u16 = 1 << 1;

/// An end of an operation, or one of the many of a multishot operation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Completion {
    pub token: Token,
    /// What the operation returned, or its error.
    pub result: Result<u32, Errno>,
    /// The buffer that holds what was received.
    pub buffer: Option<u16>,
    /// Whether the multishot operation goes on.
    pub more: bool,
}

/// How a ring is made; tests make it small, and have it fail.
pub(super) struct Making {
    pub submissions: u32,
    pub completions: u32,
    /// Receive buffers, a power of two.
    pub buffers: u16,
    #[cfg(test)]
    pub faults: super::faults::Faults,
}

impl Default for Making {
    fn default() -> Self {
        Self {
            submissions: SUBMISSIONS,
            completions: COMPLETIONS,
            buffers: BUFFERS,
            #[cfg(test)]
            faults: Default::default(),
        }
    }
}

/// A worker's ring.
pub(super) struct Ring {
    io: IoUring,
    features: Features,
    /// Completions that were taken out early to make room, before those still in the queue.
    early: Vec<Completion>,
    /// Whether completions did not fit the queue.
    overflowed: bool,
    /// See [`Ring::is_clear`].
    clear: bool,
    /// System calls.
    enters: u64,
    /// Why operations can't be submitted any more; told by the next wait.
    failed: Option<io::Error>,
    /// Since when each system call fails for want of memory.
    failing: Option<Instant>,
    /// The timer's duration; the kernel reads it when the operation is submitted.
    tick: Box<types::Timespec>,
    /// Where the kernel puts the count of rings of the bell.
    bell: Box<[u8; 8]>,
    #[cfg(test)]
    pub faults: super::faults::Faults,
}

impl Ring {
    /// A ring with those of the `wanted` features that this kernel has; to be called on the thread that uses it.
    pub fn new(wanted: Features, making: Making) -> Result<Self, Unavailable> {
        let features = wanted.probe()?;
        let io = features.build(making.submissions, making.completions).map_err(Unavailable::setup)?;
        Ok(Self {
            io,
            features,
            early: Vec::new(),
            overflowed: false,
            clear: true,
            enters: 0,
            failed: None,
            failing: None,
            tick: Box::new(types::Timespec::new()),
            bell: Box::new([0; 8]),
            #[cfg(test)]
            faults: making.faults,
        })
    }

    /// What it uses.
    pub fn features(&self) -> Features {
        self.features
    }

    /// Hands a ring of buffers to the kernel.
    pub fn register_buffers(&self, address: u64, count: u16, group: u16) -> io::Result<()> {
        // SAFETY: `Buffers` keeps the memory until this ring is closed.
        unsafe { self.io.submitter().register_buf_ring_with_flags(address, count, group, 0) }
    }

    /// Accepts connections until cancelled.
    pub fn accept(&mut self, listener: i32, token: Token) {
        let flags = rustix::net::SocketFlags::CLOEXEC.bits() as i32;
        self.push(opcode::AcceptMulti::new(types::Fd(listener)).flags(flags).build(), token);
    }

    /// Receives into the buffers of `group`: until the input ends or the buffers do, or, where the kernel has no
    /// multishot receive, once.
    pub fn receive(&mut self, socket: i32, group: u16, token: Token) {
        self.push(receive(self.features, socket, group), token);
    }

    /// Sends. The caller keeps `bytes` where they are until the completion.
    pub fn send(&mut self, socket: i32, bytes: &[u8], token: Token) {
        self.push(opcode::Send::new(types::Fd(socket), bytes.as_ptr(), length(bytes)).build(), token);
    }

    /// Sends while it is submitted, as much as the socket takes at once. A completion comes only if that was less
    /// than all of it, and is then there with the next [`Ring::wait`]; silence after one that [`Ring::is_clear`]
    /// is success. The caller keeps `bytes` where they are until then.
    ///
    /// False, and nothing is done, where the kernel can't.
    pub fn send_inline(&mut self, socket: i32, bytes: &[u8], token: Token) -> bool {
        let can = self.features.has(Feature::InlineSend);
        if can {
            self.push(send_inline(socket, bytes), token);
        }
        can
    }

    /// Ends the operation that was submitted with a token; its last completion follows.
    pub fn cancel(&mut self, target: Token, token: Token) {
        self.push(opcode::AsyncCancel::new(target.pack()).build(), token);
    }

    /// Closes a descriptor. Nobody hears of it unless it fails.
    pub fn close(&mut self, descriptor: i32, token: Token) {
        let entry = opcode::Close::new(types::Fd(descriptor)).build();
        self.push(entry.flags(squeue::Flags::SKIP_SUCCESS), token);
    }

    /// Completes once the bell has been rung.
    pub fn listen_for_bell(&mut self, bell: i32, token: Token) {
        let entry = opcode::Read::new(types::Fd(bell), self.bell.as_mut_ptr(), 8).build();
        self.push(entry, token);
    }

    /// Completes after this long. Not to be called again before it has.
    pub fn tick_after(&mut self, time: Duration, token: Token) {
        *self.tick = types::Timespec::from(time);
        let entry = opcode::Timeout::new(&raw const *self.tick).build();
        self.push(entry, token);
    }

    /// Submits all that was asked for, and waits for nothing else.
    pub fn submit(&mut self) -> io::Result<()> {
        loop {
            self.enter(0)?;
            if self.io.submission().is_empty() {
                return Ok(());
            }
            take(&mut self.io, &mut self.early);
        }
    }

    /// Submits what was asked for, waits for a completion if it `may_sleep`, and puts all there are into `batch`.
    pub fn wait(&mut self, batch: &mut Vec<Completion>, may_sleep: bool) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.overflowed |= self.io.submission().cq_overflow();
        batch.append(&mut self.early);
        // It is in use in storms only.
        self.early = Vec::new();
        let want = usize::from(may_sleep && batch.is_empty());
        self.enter(want)?;
        let submitted = self.io.submission().is_empty();
        take(&mut self.io, batch);
        #[cfg(test)]
        self.faults.completed(batch);
        self.clear = submitted && !self.io.submission().cq_overflow();
        if self.io.completion().overflow() > 0 {
            // What they were about is not known, so nothing that is in the kernel can be relied on any more.
            return Err(io::Error::other("the kernel had no memory for completions and dropped some"));
        }
        Ok(())
    }

    /// Whether everything pushed before the last [`Ring::wait`] was submitted, and all that had completed by then
    /// was told.
    pub fn is_clear(&self) -> bool {
        self.clear
    }

    /// System calls made by this ring's loop since it was asked last.
    pub fn take_enters(&mut self) -> u64 {
        std::mem::take(&mut self.enters)
    }

    /// Whether completions did not fit the queue since this was asked last. They came later; none is lost.
    pub fn take_overflow(&mut self) -> bool {
        std::mem::take(&mut self.overflowed)
    }

    fn push(&mut self, entry: squeue::Entry, token: Token) {
        let entry = entry.user_data(token.pack());
        #[cfg(test)]
        let entry = self.faults.submission(entry, token);
        self.put(&entry);
        #[cfg(test)]
        if let Some(entry) = self.faults.ending() {
            self.put(&entry);
        }
    }

    fn put(&mut self, entry: &squeue::Entry) {
        loop {
            // SAFETY: each operation's memory outlives it: sends by the outbox, which is kept until the
            // completion; receives by `Buffers`; the timer and the bell by boxes in `self`.
            if unsafe { self.io.submission().push(entry) }.is_ok() {
                return;
            }
            // The queue is full in the middle of a batch: submit, and keep what completes for the next one.
            if let Err(error) = self.enter(0) {
                self.failed = Some(error);
                return;
            }
            if self.io.submission().is_full() {
                take(&mut self.io, &mut self.early);
            }
        }
    }

    /// The one system call. Where it fails in a way that passes, less was submitted, or nothing waited for.
    fn enter(&mut self, want: usize) -> io::Result<()> {
        self.enters += 1;
        #[cfg(test)]
        let outcome = self.faults.enter(&self.io).unwrap_or_else(|| self.io.submit_and_wait(want));
        #[cfg(not(test))]
        let outcome = self.io.submit_and_wait(want);
        let Err(error) = outcome else {
            self.failing = None;
            return Ok(());
        };
        match Errno::from_io_error(&error) {
            // A signal.
            Some(Errno::INTR) => Ok(()),
            // No memory for operations; or completions that must be taken out first.
            Some(Errno::AGAIN | Errno::NOMEM | Errno::BUSY) => {
                let failing = self.failing.get_or_insert_with(Instant::now).elapsed();
                if failing >= ENTER_RETRY {
                    return Err(error);
                }
                if failing >= ENTER_PAUSE {
                    std::thread::park_timeout(ENTER_PAUSE);
                }
                Ok(())
            }
            _ => Err(error),
        }
    }
}

/// A receive into the buffers of `group` that is carried out once something has come: right after its accept, a
/// connection has mostly said nothing yet, and a first look would find nothing.
pub(super) fn receive(features: Features, socket: i32, group: u16) -> squeue::Entry {
    let multishot = if features.has(Feature::MultishotRecv) { RECV_MULTISHOT } else { 0 };
    let anywhere = std::ptr::null_mut();
    let entry =
        opcode::Recv::new(types::Fd(socket), anywhere, 0).ioprio(POLL_FIRST | multishot).buf_group(group);
    entry.build().flags(squeue::Flags::BUFFER_SELECT)
}

/// A send that never waits, and whose completion comes only if not all was sent: `MSG_WAITALL` makes less than all
/// a failure, and only success is silent.
pub(super) fn send_inline(socket: i32, bytes: &[u8]) -> squeue::Entry {
    let flags = SendFlags::DONTWAIT.bits() as i32 | RecvFlags::WAITALL.bits() as i32;
    let entry = opcode::Send::new(types::Fd(socket), bytes.as_ptr(), length(bytes)).flags(flags).build();
    entry.flags(squeue::Flags::SKIP_SUCCESS)
}

/// A length beyond u32 can't be owed to one client; a shorter send is only a short send.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn take(io: &mut IoUring, batch: &mut Vec<Completion>) {
    batch.extend(io.completion().map(|entry| Completion {
        token: Token::unpack(entry.user_data()),
        result: u32::try_from(entry.result()).map_err(|_| Errno::from_raw_os_error(-entry.result())),
        buffer: cqueue::buffer_select(entry.flags()),
        more: cqueue::more(entry.flags()),
    }));
}
