//! Failures from below, by seed: between the worker and the kernel, for tests only.
//!
//! An operation that is to fail is replaced by one that does nothing and completes with the error, under the same
//! token; one that is to fall short or to end early is asked for less, or cancelled. So the kernel really does what
//! the worker is told that it did, and no byte that it received is lost by the test.
#![allow(unsafe_code)]

mod submission;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use io_uring::{IoUring, opcode, squeue};
use rustix::io::Errno;

use super::Worker;
use super::ring::{Completion, Making};
use super::token::{Operation, Token};
use submission::{
    ACCEPT_MULTISHOT, ASYNC_CANCEL, CAN_INJECT, Fields, INJECT, LATER, RECEIVE_MULTISHOT, SKIP_SUCCESS,
};

/// A way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    AcceptEnded,
    AcceptOnce,
    AcceptPassing,
    AcceptShort,
    BellFailed,
    CancelLate,
    EnterFailed,
    EnterInterrupted,
    EnterPart,
    InlineFull,
    InlineShort,
    ReceiveEnded,
    ReceiveFatal,
    ReceiveNoBuffer,
    ReceiveOnce,
    ReceivePassing,
    SendFatal,
    SendPassing,
    SendShort,
    TickFailed,
}

impl Fault {
    pub const ALL: [Fault; 20] = [
        Fault::AcceptEnded,
        Fault::AcceptOnce,
        Fault::AcceptPassing,
        Fault::AcceptShort,
        Fault::BellFailed,
        Fault::CancelLate,
        Fault::EnterFailed,
        Fault::EnterInterrupted,
        Fault::EnterPart,
        Fault::InlineFull,
        Fault::InlineShort,
        Fault::ReceiveEnded,
        Fault::ReceiveFatal,
        Fault::ReceiveNoBuffer,
        Fault::ReceiveOnce,
        Fault::ReceivePassing,
        Fault::SendFatal,
        Fault::SendPassing,
        Fault::SendShort,
        Fault::TickFailed,
    ];

    /// What the kernel may say; nothing where it is no error.
    fn errors(self) -> &'static [Errno] {
        match self {
            Fault::AcceptPassing => {
                &[Errno::CANCELED, Errno::INTR, Errno::AGAIN, Errno::CONNABORTED, Errno::PROTO]
            }
            Fault::AcceptShort => &[Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS],
            Fault::BellFailed => &[Errno::INTR, Errno::CANCELED, Errno::NOMEM],
            Fault::CancelLate => &[Errno::NOENT, Errno::ALREADY],
            Fault::EnterFailed => &[Errno::AGAIN, Errno::BUSY, Errno::NOMEM],
            Fault::EnterInterrupted => &[Errno::INTR],
            Fault::InlineFull => &[Errno::AGAIN],
            Fault::ReceiveFatal => &[Errno::CONNRESET, Errno::TIMEDOUT, Errno::NOMEM],
            Fault::ReceiveNoBuffer => &[Errno::NOBUFS],
            Fault::ReceivePassing => &[Errno::CANCELED, Errno::INTR, Errno::AGAIN],
            Fault::SendFatal => &[Errno::PIPE, Errno::CONNRESET, Errno::NOMEM],
            Fault::SendPassing => &[Errno::CANCELED, Errno::INTR, Errno::AGAIN],
            Fault::TickFailed => &[Errno::CANCELED, Errno::NOMEM],
            _ => &[],
        }
    }

    /// Whether it is an operation that completes with a result which it is asked for: not every kernel has these.
    pub fn is_injected(self) -> bool {
        !self.errors().is_empty() && !matches!(self, Fault::EnterFailed | Fault::EnterInterrupted)
    }

    /// Of how many occasions one is taken at most.
    fn rarest(self) -> u32 {
        match self {
            Fault::ReceiveFatal | Fault::SendFatal => 40,
            Fault::AcceptShort => 12,
            Fault::EnterPart => 2,
            Fault::InlineShort | Fault::SendShort | Fault::AcceptOnce | Fault::ReceiveOnce => 1,
            _ => 3,
        }
    }
}

/// What a worker met with, and how it ended.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub counts: BTreeMap<Fault, u64>,
    /// Clients whose connection failed for good.
    pub victims: HashSet<SocketAddr>,
    /// What was left when the worker was: slots, sends and receives, clients that linger.
    pub left: Option<[usize; 6]>,
}

/// The failures of one worker; by default there are none.
#[derive(Clone, Default)]
pub(super) struct Faults {
    chance: Option<Rng>,
    /// One in so many; a fault that is not in it does not happen.
    rates: BTreeMap<Fault, u32>,
    /// Whether this kernel completes an operation with the result that it is asked for (Linux 6.10), and later.
    can_fail: bool,
    can_fail_later: bool,
    /// Tokens of receives and accepts that may be in the kernel.
    armed: Vec<u64>,
    /// The generation of the tenant whose send or receive is in the kernel, by operation and slot. Inline sends are not
    /// among them, as their ends are not told.
    in_kernel: HashMap<(u8, u32), u32>,
    pub told: Arc<Mutex<Told>>,
    /// Sends before the worker panics.
    panics_after: Option<u32>,
}

impl Faults {
    /// Each seed has failures of its own, and others of its own often.
    pub fn new(chance: &mut Rng) -> Self {
        let mut rates = BTreeMap::new();
        for fault in Fault::ALL {
            if chance.u8(..3) > 0 {
                rates.insert(fault, fault.rarest() << chance.u32(..5));
            }
        }
        let (can_fail, can_fail_later) = *CAN_INJECT;
        Self { chance: Some(chance.fork()), rates, can_fail, can_fail_later, ..Self::default() }
    }

    /// Whether it is time for a fault.
    fn strikes(&mut self, fault: Fault) -> bool {
        let (Some(chance), Some(&rate)) = (&mut self.chance, self.rates.get(&fault)) else { return false };
        if (fault.is_injected() && !self.can_fail) || chance.u32(..rate) > 0 {
            return false;
        }
        *self.told.lock().unwrap().counts.entry(fault).or_default() += 1;
        true
    }

    fn one_of<T: Copy>(&mut self, some: &[T]) -> T {
        some[self.chance.as_mut().map_or(0, |chance| chance.usize(..some.len()))]
    }

    /// What is submitted in the place of an operation.
    pub fn submission(&mut self, entry: squeue::Entry, token: Token) -> squeue::Entry {
        let mut entry = self.instead(entry, token);
        let silent = Fields::of(&mut entry).flags & SKIP_SUCCESS != 0;
        if self.chance.is_some() && !silent && matches!(token.operation, Operation::Send | Operation::Receive)
        {
            self.enters_kernel(token);
        }
        entry
    }

    /// A slot is free only when nothing of it is in the kernel, and there is one send and one receive at a time.
    fn enters_kernel(&mut self, token: Token) {
        for operation in [Operation::Send, Operation::Receive] {
            let tenant = self.in_kernel.get(&(operation as u8, token.slot));
            let other = tenant.is_some_and(|&generation| generation != token.generation);
            assert!(!other, "the last tenant of slot {} has a {operation:?} in the kernel", token.slot);
        }
        let before = self.in_kernel.insert((token.operation as u8, token.slot), token.generation);
        assert!(before.is_none(), "two at once: {token:?}");
    }

    /// What has come from the kernel.
    pub fn completed(&mut self, batch: &[Completion]) {
        for completion in batch.iter().filter(|completion| !completion.more) {
            self.in_kernel.remove(&(completion.token.operation as u8, completion.token.slot));
        }
    }

    fn instead(&mut self, mut entry: squeue::Entry, token: Token) -> squeue::Entry {
        let fields = Fields::of(&mut entry);
        let inline = fields.flags & SKIP_SUCCESS != 0;
        match token.operation {
            Operation::Accept => {
                if let Some(fails) = self.failing(&[Fault::AcceptPassing, Fault::AcceptShort], token) {
                    return fails;
                }
                if self.strikes(Fault::AcceptOnce) {
                    fields.priority &= !ACCEPT_MULTISHOT;
                }
                self.armed.push(token.pack());
            }
            Operation::Receive => {
                let fatal = Fault::ReceiveFatal;
                let faults = [Fault::ReceiveNoBuffer, Fault::ReceivePassing, fatal];
                if let Some(fails) = self.failing_for(&faults, fatal, fields.descriptor, token) {
                    return fails;
                }
                if self.strikes(Fault::ReceiveOnce) {
                    fields.priority &= !RECEIVE_MULTISHOT;
                }
                self.armed.push(token.pack());
            }
            Operation::Send => {
                self.count_down();
                let fatal = Fault::SendFatal;
                let passing = if inline { Fault::InlineFull } else { Fault::SendPassing };
                if let Some(fails) = self.failing_for(&[passing, fatal], fatal, fields.descriptor, token) {
                    return fails;
                }
                let short = if inline { Fault::InlineShort } else { Fault::SendShort };
                if fields.length > 1 && self.strikes(short) {
                    let longest = fields.length;
                    fields.length = self.chance.as_mut().map_or(1, |chance| chance.u32(1..longest));
                    // A shorter one that succeeds is told of, as one that fell short is.
                    fields.flags &= !SKIP_SUCCESS;
                }
            }
            Operation::Cancel => return self.failing(&[Fault::CancelLate], token).unwrap_or(entry),
            Operation::Bell => return self.failing(&[Fault::BellFailed], token).unwrap_or(entry),
            Operation::Tick => return self.failing(&[Fault::TickFailed], token).unwrap_or(entry),
            // The cancel of an accept, and closes.
            Operation::Ignored if fields.operation == ASYNC_CANCEL => {
                return self.failing(&[Fault::CancelLate], token).unwrap_or(entry);
            }
            Operation::Ignored => {}
        }
        entry
    }

    /// The end of an operation that nobody asked to end.
    pub fn ending(&mut self) -> Option<squeue::Entry> {
        let victim = self.chance.as_mut().filter(|_| !self.armed.is_empty())?.usize(..self.armed.len());
        let target = self.armed.swap_remove(victim);
        let fault = match Token::unpack(target).operation {
            Operation::Accept => Fault::AcceptEnded,
            _ => Fault::ReceiveEnded,
        };
        if !self.strikes(fault) {
            if self.armed.len() < 32 {
                self.armed.push(target);
            }
            return None;
        }
        let entry = opcode::AsyncCancel::new(target).build();
        Some(entry.user_data(Token::of(Operation::Ignored, 0).pack()))
    }

    /// What a system call that does not take place, or not as asked for, says.
    pub fn enter(&mut self, io: &IoUring) -> Option<io::Result<usize>> {
        for fault in [Fault::EnterFailed, Fault::EnterInterrupted] {
            if self.strikes(fault) {
                return Some(Err(self.one_of(fault.errors()).into()));
            }
        }
        if !self.strikes(Fault::EnterPart) {
            return None;
        }
        // SAFETY: nobody else touches the queue during this call.
        let there = unsafe { io.submission_shared() }.len();
        let part = self.chance.as_mut().map_or(0, |chance| chance.usize(..=there));
        // SAFETY: it only submits what is in the queue, and no argument is passed.
        Some(unsafe { io.submitter().enter::<()>(part as u32, 0, 0, None) })
    }

    /// The failure of an operation, where it strikes the client as well.
    fn failing_for(
        &mut self,
        faults: &[Fault],
        fatal: Fault,
        socket: i32,
        token: Token,
    ) -> Option<squeue::Entry> {
        // SAFETY: the worker submits operations on descriptors that it holds open.
        let socket = unsafe { BorrowedFd::borrow_raw(socket) };
        let peer = rustix::net::getpeername(socket).ok().flatten();
        let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
        // A client that can't be named could not be excused.
        let faults: Vec<_> =
            faults.iter().copied().filter(|&fault| fault != fatal || peer.is_some()).collect();
        let fault = faults.into_iter().find(|&fault| self.strikes(fault))?;
        if fault == fatal {
            self.told.lock().unwrap().victims.extend(peer);
        }
        Some(self.failure(fault, token))
    }

    fn failing(&mut self, faults: &[Fault], token: Token) -> Option<squeue::Entry> {
        let fault = faults.iter().copied().find(|&fault| self.strikes(fault))?;
        Some(self.failure(fault, token))
    }

    /// An operation that does nothing and completes with one of the fault's errors: at once, or, unless it stands for
    /// one that is carried out while it is submitted, a moment later.
    fn failure(&mut self, fault: Fault, token: Token) -> squeue::Entry {
        let mut entry = opcode::Nop::new().build().user_data(token.pack());
        let error = self.one_of(fault.errors());
        let can_wait = self.can_fail_later && token.operation != Operation::Send;
        let later = can_wait && self.one_of(&[false, true]);
        Fields::of(&mut entry).fail(error, if later { INJECT | LATER } else { INJECT });
        entry
    }

    fn count_down(&mut self) {
        if let Some(sends) = &mut self.panics_after {
            assert!(*sends > 0, "the test wants the worker to panic");
            *sends -= 1;
        }
    }
}

impl Worker {
    /// Notes what is left of its clients.
    pub(super) fn tell_end(&mut self) {
        let left = [
            self.slots.len(),
            self.starved.len(),
            self.inline.len(),
            self.touched.len(),
            self.lingering,
            self.refused,
        ];
        self.ring.faults.told.lock().unwrap().left = Some(left);
    }
}

/// Whether operations can be made to fail on this kernel.
pub(super) fn can_fail() -> bool {
    CAN_INJECT.0
}

thread_local! {
    static NEXT: Cell<Option<Sizes>> = const { Cell::new(None) };
    static FAULTS: RefCell<Faults> = RefCell::default();
}

/// Entries for submissions and for completions of a ring, and its buffers.
pub(super) type Sizes = (u32, u32, u16);

/// Workers that this thread spawns have rings of these sizes, with these faults.
pub(super) fn prepare(sizes: Sizes, faults: Faults) {
    NEXT.set(Some(sizes));
    FAULTS.set(faults);
}

/// Workers that this thread spawns panic at the send after so many.
pub(crate) fn prepare_panic(sends: u32) {
    FAULTS.set(Faults { panics_after: Some(sends), ..Faults::default() });
}

/// How the rings of the workers that this thread spawns are made.
pub(super) fn making() -> Making {
    let faults = FAULTS.with_borrow(Clone::clone);
    match NEXT.get() {
        Some((submissions, completions, buffers)) => Making { submissions, completions, buffers, faults },
        None => Making { faults, ..Making::default() },
    }
}
