//! Receive buffers shared by all connections of a worker: the kernel picks one when bytes have come.
//!
//! So an idle connection holds none. A buffer is given back as soon as its bytes were looked at, within
//! the batch that brought them.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::types::BufRingEntry;

use super::ring::Ring;

/// The one group of buffers that a worker has.
pub(super) const GROUP: u16 = 0;

/// Buffers of a worker. 1,024 of 2 KiB are 2 MiB: the longest line fits one, and a batch of a
/// thousand clients' requests fits them all.
pub(super) const BUFFERS: u16 = 1024;
const BUFFER_BYTES: usize = 2048;

/// A ring of buffers in memory that the kernel reads (the ring) and writes (the buffers).
///
/// Invariants: `count` is a power of two; `tail` counts the buffers ever put into the ring; between batches all of them
/// are in it.
#[derive(Debug)]
pub(super) struct Buffers {
    ring: NonNull<BufRingEntry>,
    memory: NonNull<u8>,
    count: u16,
    tail: u16,
}

/// The memory of the ring and of the buffers.
fn layouts(count: u16) -> (Layout, Layout) {
    let layout = |bytes| {
        Layout::from_size_align(usize::from(count) * bytes, 4096)
            .expect("u16 times 2 KiB is far from the end")
    };
    (layout(size_of::<BufRingEntry>()), layout(BUFFER_BYTES))
}

impl Buffers {
    /// Allocates this many buffers, a power of two, and hands them to the kernel.
    pub fn new(ring: &Ring, count: u16) -> io::Result<Self> {
        let (of_ring, of_memory) = layouts(count);
        // SAFETY: neither layout has size zero.
        let (entries, memory) = unsafe { (alloc_zeroed(of_ring), alloc_zeroed(of_memory)) };
        let Some(entries) = NonNull::new(entries.cast::<BufRingEntry>()) else { handle_alloc_error(of_ring) };
        let Some(memory) = NonNull::new(memory) else { handle_alloc_error(of_memory) };
        let mut buffers = Self { ring: entries, memory, count, tail: 0 };
        ring.register_buffers(entries.as_ptr() as u64, count, GROUP)?;
        for id in 0..count {
            buffers.give_back(id);
        }
        Ok(buffers)
    }

    /// How many there are.
    pub fn count(&self) -> u16 {
        self.count
    }

    /// The bytes that the kernel put into a buffer it picked. They are gone after [`Buffers::give_back`].
    pub fn bytes(&self, id: u16, length: usize) -> &[u8] {
        assert!(
            id < self.count && length <= BUFFER_BYTES,
            "the kernel stays within the buffers it was given"
        );
        // SAFETY: within `memory` by the assertion; the kernel does not write to a buffer between
        // its completion and its return, which needs `&mut self`.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr().add(id as usize * BUFFER_BYTES), length) }
    }

    /// Gives a buffer back to the kernel.
    pub fn give_back(&mut self, id: u16) {
        let place = self.tail & (self.count - 1);
        // SAFETY: `place` is within the ring, which lives as long as `self`, and `id` within `memory`;
        // the kernel reads an entry only once the tail has moved past it. The tail's two bytes are the kernel's
        // layout of the first entry (`BufRingEntry::tail`), shared with it and so written atomically.
        unsafe {
            let entry = &mut *self.ring.as_ptr().add(place as usize);
            entry.set_addr(self.memory.as_ptr().add(id as usize * BUFFER_BYTES) as u64);
            entry.set_len(BUFFER_BYTES as u32);
            entry.set_bid(id);
            self.tail = self.tail.wrapping_add(1);
            let tail = BufRingEntry::tail(self.ring.as_ptr()).cast::<AtomicU16>();
            (*tail).store(self.tail, Ordering::Release);
        }
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        let (of_ring, of_memory) = layouts(self.count);
        // SAFETY: allocated with these layouts in `new`; the ring that wrote to them is closed before
        // (it is declared before them in `Worker`), and with it every receive.
        unsafe {
            dealloc(self.ring.as_ptr().cast(), of_ring);
            dealloc(self.memory.as_ptr(), of_memory);
        }
    }
}
