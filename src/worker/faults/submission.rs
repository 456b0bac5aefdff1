//! The fields of a submission, and operations that complete with the result that they are asked for.
#![allow(unsafe_code)]

use std::io;
use std::sync::LazyLock;

use io_uring::{IoUring, opcode, squeue};
use rustix::io::Errno;

/// `IORING_NOP_INJECT_RESULT` and `IORING_NOP_TW`, `IOSQE_CQE_SKIP_SUCCESS`, `IORING_ACCEPT_MULTISHOT`,
/// `IORING_RECV_MULTISHOT` and `IORING_OP_ASYNC_CANCEL` (io_uring.h).
pub(super) const INJECT: u32 = 1;
pub(super) const LATER: u32 = 1 << 4;
pub(super) const SKIP_SUCCESS: u8 = 1 << 6;
pub(super) const ACCEPT_MULTISHOT: u16 = 1;
pub(super) const RECEIVE_MULTISHOT: u16 = 1 << 1;
pub(super) const ASYNC_CANCEL: u8 = 14;

/// The kernel's layout of a submission (`io_uring_sqe`), which the crate does not show.
#[repr(C)]
pub(super) struct Fields {
    pub operation: u8,
    pub flags: u8,
    pub priority: u16,
    pub descriptor: i32,
    offset: u64,
    address: u64,
    pub length: u32,
    operation_flags: u32,
    rest: [u64; 4],
}

impl Fields {
    pub fn of(entry: &mut squeue::Entry) -> &mut Fields {
        const { assert!(size_of::<Fields>() == size_of::<squeue::Entry>()) };
        // SAFETY: both are the 64 bytes of an `io_uring_sqe`, aligned to 8, and any bytes are valid for both.
        unsafe { &mut *std::ptr::from_mut(entry).cast() }
    }

    pub fn fail(&mut self, error: Errno, flags: u32) {
        self.length = error.raw_os_error().wrapping_neg() as u32;
        self.operation_flags = flags;
    }
}

/// Whether operations can be made to fail on this kernel, and whether later than at once.
///
/// Tried once, on a thread of its own: the end of a ring interrupts the thread that had it.
pub(super) static CAN_INJECT: LazyLock<(bool, bool)> = LazyLock::new(|| {
    let attempt = std::thread::spawn(|| (can_inject(INJECT), can_inject(INJECT | LATER)));
    attempt.join().expect("no panic")
});

/// Whether an operation that does nothing completes with the result that it is asked for.
fn can_inject(flags: u32) -> bool {
    let attempt = || -> io::Result<i32> {
        let mut ring = IoUring::new(2)?;
        let mut entry = opcode::Nop::new().build();
        Fields::of(&mut entry).fail(Errno::MFILE, flags);
        // SAFETY: it has no memory.
        unsafe { ring.submission().push(&entry) }.map_err(|_| Errno::BUSY)?;
        ring.submit_and_wait(1)?;
        Ok(ring.completion().next().map_or(0, |entry| entry.result()))
    };
    attempt().is_ok_and(|result| result == -Errno::MFILE.raw_os_error())
}
