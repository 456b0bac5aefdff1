//! Whether io_uring works here and what of it: found by trying, not by the kernel's version.
//!
//! It is switched off in many containers (seccomp), by a sysctl, or the kernel is too old; whoever
//! starts us there is told which of these it is and what to do.
#![allow(unsafe_code)]

use std::fmt;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use io_uring::types::BufRingEntry;
use io_uring::{IoUring, cqueue, opcode, types};
use rustix::io::Errno;

/// What of io_uring is in use. What every supported kernel has (multishot accept and receive, buffer
/// rings) is not listed: without it there is no start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// Completions are worked on when the worker waits for them, by a ring of one thread (Linux 6.1).
    pub defer_taskrun: bool,
    /// Completions do not interrupt the worker (Linux 5.19); implied by the first.
    pub coop_taskrun: bool,
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("multishot_accept,multishot_recv,buffer_ring")?;
        if self.defer_taskrun {
            f.write_str(",single_issuer,defer_taskrun")?;
        } else if self.coop_taskrun {
            f.write_str(",coop_taskrun")?;
        }
        Ok(())
    }
}

/// io_uring can't be used; says why, and what to do about it.
#[derive(Debug)]
pub struct Unavailable {
    what: &'static str,
    source: io::Error,
    /// `kernel.io_uring_disabled`, where the kernel has it.
    disabled: Option<u8>,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "io_uring is not available: {} failed: {}; ", self.what, self.source)?;
        match (Errno::from_io_error(&self.source), self.disabled) {
            (Some(Errno::PERM), Some(level @ 1..)) => {
                write!(f, "the sysctl kernel.io_uring_disabled is {level}: set it to 0")
            }
            (Some(Errno::PERM | Errno::ACCESS), _) => f.write_str(
                "a seccomp filter forbids it: allow io_uring_setup, io_uring_enter and io_uring_register in the container's profile",
            ),
            (Some(Errno::NOSYS), _) => f.write_str(
                "the kernel has none, or a seccomp filter hides it: use Linux 6.1 or later, and allow io_uring_setup, io_uring_enter and io_uring_register",
            ),
            (Some(Errno::INVAL | Errno::OPNOTSUPP), _) => {
                f.write_str("the kernel is too old for it: use Linux 6.0 or later (6.1 is best)")
            }
            (Some(Errno::NOMEM), _) => f.write_str("raise the locked-memory limit (ulimit -l, LimitMEMLOCK=)"),
            (Some(Errno::MFILE | Errno::NFILE), _) => f.write_str("raise the descriptor limit (ulimit -n, LimitNOFILE=)"),
            _ => f.write_str("see the kernel's log"),
        }
    }
}

impl std::error::Error for Unavailable {}

impl Unavailable {
    pub(super) fn setup(source: io::Error) -> Self {
        Self::of("io_uring_setup", source)
    }

    pub(super) fn of(what: &'static str, source: io::Error) -> Self {
        let disabled = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled").ok();
        Self { what, source, disabled: disabled.and_then(|text| text.trim().parse().ok()) }
    }
}

/// Whether workers could run here.
pub fn available() -> Result<Features, Unavailable> {
    Features::probe()
}

impl Features {
    /// Tries each feature on a small ring.
    pub(super) fn probe() -> Result<Self, Unavailable> {
        let best = Features { defer_taskrun: true, coop_taskrun: true };
        let fair = Features { defer_taskrun: false, coop_taskrun: true };
        let plain = Features { defer_taskrun: false, coop_taskrun: false };
        let mut refused = None;
        for features in [best, fair, plain] {
            match features.build(8, 16) {
                Ok(ring) => {
                    try_receive(ring)?;
                    return Ok(features);
                }
                // Only an unknown flag is worth another try; a ban is a ban.
                Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => refused = Some(error),
                Err(error) => return Err(Unavailable::setup(error)),
            }
        }
        Err(Unavailable::setup(refused.unwrap_or_else(|| Errno::INVAL.into())))
    }

    /// A ring with these features.
    pub(super) fn build(self, submissions: u32, completions: u32) -> io::Result<IoUring> {
        let mut builder = IoUring::builder();
        builder.setup_cqsize(completions).setup_clamp().dontfork();
        if self.defer_taskrun {
            builder.setup_single_issuer().setup_defer_taskrun();
        } else if self.coop_taskrun {
            builder.setup_coop_taskrun();
        }
        builder.build(submissions)
    }
}

/// Receives a byte the way that workers do: multishot, into a ring of buffers.
fn try_receive(mut ring: IoUring) -> Result<(), Unavailable> {
    /// One buffer, and the ring of one entry that leads to it, which the kernel wants on a page of its own.
    #[repr(align(4096))]
    struct Page([u64; 512]);
    let mut page = Box::new(Page([0; 512]));
    let buffer = Box::new([0u8; 8]);
    let entries: *mut BufRingEntry = page.0.as_mut_ptr().cast();
    // SAFETY: `page` and `buffer` live until `ring` is dropped below; the entry and the tail lie in the page.
    let registered = unsafe {
        (*entries).set_addr(buffer.as_ptr() as u64);
        (*entries).set_len(8);
        (*entries).set_bid(0);
        ring.submitter().register_buf_ring_with_flags(entries as u64, 1, 0, 0).map(|()| {
            BufRingEntry::tail(entries).cast_mut().write_volatile(1);
        })
    };
    registered.map_err(|error| Unavailable::of("registering a buffer ring (Linux 5.19)", error))?;
    let attempt = || -> io::Result<(i32, u32)> {
        let (mut here, there) = UnixStream::pair()?;
        here.write_all(b"x")?;
        let entry = opcode::RecvMulti::new(types::Fd(there.as_raw_fd()), 0).build();
        // SAFETY: it receives into `buffer`, which outlives the ring.
        unsafe { ring.submission().push(&entry) }.map_err(|_| Errno::BUSY)?;
        ring.submit_and_wait(1)?;
        let completion = ring.completion().next();
        let found = completion.map(|entry| (entry.result(), entry.flags())).unwrap_or((0, 0));
        // Ends the receive, so that nothing is in the kernel when the buffer goes.
        drop((here, there));
        Ok(found)
    };
    let mut attempt = attempt;
    let outcome = attempt();
    drop(ring);
    drop((page, buffer));
    let failed = |error| Err(Unavailable::of("a multishot receive (Linux 6.0)", error));
    match outcome {
        Ok((result, flags)) if result > 0 && cqueue::buffer_select(flags).is_some() => Ok(()),
        Ok((result, _)) if result < 0 => failed(io::Error::from_raw_os_error(-result)),
        Ok(_) => failed(Errno::INVAL.into()),
        Err(error) => failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_cause_and_the_cure() {
        let message = |errno: Errno, disabled| {
            Unavailable { what: "io_uring_setup", source: errno.into(), disabled }.to_string()
        };
        for (errno, disabled, expected) in [
            (Errno::PERM, Some(2), "kernel.io_uring_disabled is 2: set it to 0"),
            (Errno::PERM, Some(0), "seccomp filter forbids it"),
            (Errno::PERM, None, "seccomp filter forbids it"),
            (Errno::NOSYS, None, "the kernel has none"),
            (Errno::INVAL, None, "too old"),
            (Errno::NOMEM, None, "ulimit -l"),
            (Errno::MFILE, None, "ulimit -n"),
        ] {
            let message = message(errno, disabled);
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains('\n'));
        }
    }

    #[test]
    fn works_here_or_says_why_not() {
        if let Err(error) = Features::probe() {
            panic!("{error}");
        }
    }
}
