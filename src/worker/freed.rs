//! Memory that clients' connections have let go of, given back to the system.
//!
//! An allocator keeps what is freed below anything that is still used, in case that it is wanted again. A crowd that
//! asks and never reads has had tens of KiB each, all of it between the tables of the worker: without a word from
//! here, most of that stays with the process for ever.
#![allow(unsafe_code)]

use crate::limits::{FREED_BYTES_MAX, TOP_BYTES_MAX};

/// Bytes that connections have let go of since the allocator was last asked to give back what it keeps.
#[derive(Debug, Default)]
pub(super) struct Freed(usize);

impl Freed {
    /// A connection has let go of so much.
    pub fn add(&mut self, bytes: usize) {
        self.0 = self.0.saturating_add(bytes);
    }

    /// At the end of a batch: has the allocator give back what it keeps, where it may be much.
    ///
    /// It takes some microseconds for each page, which a client has filled with requests before.
    pub fn give_back(&mut self) {
        if self.is_due() {
            self.0 = 0;
            trim();
        }
    }

    fn is_due(&self) -> bool {
        self.0 > FREED_BYTES_MAX
    }
}

/// Has the allocator keep little above what is used. By itself glibc keeps the more, the larger a block was that it has
/// ever given back (4 MiB a thread, after the receive buffers of the start's trial), and a trim leaves that alone.
#[cfg(all(target_env = "gnu", not(miri)))]
pub(super) fn keep_little() {
    /// `M_TRIM_THRESHOLD` of malloc.h.
    const TRIM_THRESHOLD: std::ffi::c_int = -1;
    unsafe extern "C" {
        // SAFETY: the signature is that of malloc.h; glibc's allocator locks what it changes.
        safe fn mallopt(parameter: std::ffi::c_int, value: std::ffi::c_int) -> std::ffi::c_int;
    }
    // It says whether it knows the parameter. If it does not, it keeps more.
    mallopt(TRIM_THRESHOLD, TOP_BYTES_MAX);
}

/// Other allocators keep what they keep.
#[cfg(not(all(target_env = "gnu", not(miri))))]
pub(super) fn keep_little() {}

/// Gives whole free pages back to the system.
#[cfg(all(target_env = "gnu", not(miri)))]
fn trim() {
    unsafe extern "C" {
        // SAFETY: the signature is that of malloc.h; glibc's allocator locks what it looks at.
        safe fn malloc_trim(pad: usize) -> std::ffi::c_int;
    }
    // What is kept at the end of a heap; it says whether it found anything, which changes nothing here.
    malloc_trim(0);
}

/// Other allocators give back by themselves, or can't be asked.
#[cfg(not(all(target_env = "gnu", not(miri))))]
fn trim() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_given_back_above_the_bound_and_counted_anew() {
        let mut freed = Freed::default();
        freed.add(FREED_BYTES_MAX);
        assert!(!freed.is_due());
        freed.give_back();
        assert_eq!(freed.0, FREED_BYTES_MAX, "it is not forgotten");
        freed.add(1);
        assert!(freed.is_due());
        freed.give_back();
        assert_eq!(freed.0, 0);
        freed.add(usize::MAX);
        freed.add(1);
        assert!(freed.is_due());
    }
}
