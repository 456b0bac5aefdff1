//! Whether io_uring works here and what of it: found by trying, not by the kernel's version.
//!
//! It is switched off in many containers (seccomp), by a sysctl, or the kernel is too old; whoever
//! starts us there is told which of these it is and what to do.
#![allow(unsafe_code)]

use std::fmt;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use io_uring::cqueue;
use io_uring::types::BufRingEntry;
use rustix::io::Errno;

use super::features::{Feature, Features};
use super::ring::{receive, send_inline};

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
                f.write_str("the kernel is too old for it: use Linux 5.19 or later (6.1 is best)")
            }
            (Some(Errno::NOMEM), _) => f.write_str("raise the locked-memory limit (ulimit -l, LimitMEMLOCK=)"),
            (Some(Errno::MFILE | Errno::NFILE), _) => f.write_str("raise the descriptor limit (ulimit -n, LimitNOFILE=)"),
            _ => f.write_str("see the kernel's log"),
        }
    }
}

impl std::error::Error for Unavailable {}

impl Unavailable {
    /// Whether it is kept from us, and not only missing or short of something.
    pub fn is_forbidden(&self) -> bool {
        matches!(Errno::from_io_error(&self.source), Some(Errno::PERM | Errno::ACCESS | Errno::NOSYS))
    }

    /// What the kernel said, as `errno.h` calls it where that is one of the usual causes.
    pub fn errno_name(&self) -> String {
        match Errno::from_io_error(&self.source) {
            Some(Errno::PERM) => "EPERM".into(),
            Some(Errno::ACCESS) => "EACCES".into(),
            Some(Errno::NOSYS) => "ENOSYS".into(),
            _ => self.source.to_string(),
        }
    }

    pub(super) fn setup(source: io::Error) -> Self {
        Self::of("io_uring_setup", source)
    }

    pub(super) fn of(what: &'static str, source: io::Error) -> Self {
        let disabled = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled").ok();
        Self { what, source, disabled: disabled.and_then(|text| text.trim().parse().ok()) }
    }
}

/// Whether workers could run here, and with what.
pub fn available() -> Result<Features, Unavailable> {
    Features::ALL.probe()
}

impl Features {
    /// Tries each feature on a small ring: those of this set that work here.
    pub(super) fn probe(self) -> Result<Self, Unavailable> {
        let mut features = self;
        // Each attempt leaves out one more.
        let mut last_resorts = [Feature::DeferTaskrun, Feature::CoopTaskrun].into_iter();
        loop {
            match features.build(8, 16) {
                Ok(_) => break,
                // Only an unknown flag is worth another try; a ban is a ban.
                Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => match last_resorts.next()
                {
                    Some(feature) => features = features.without(feature),
                    None => return Err(Unavailable::setup(error)),
                },
                Err(error) => return Err(Unavailable::setup(error)),
            }
        }
        if features.has(Feature::MultishotRecv) && try_receive(features).is_err() {
            features = features.without(Feature::MultishotRecv);
        }
        if !features.has(Feature::MultishotRecv) {
            try_receive(features)?;
        }
        if features.has(Feature::InlineSend) && !try_inline_send(features) {
            features = features.without(Feature::InlineSend);
        }
        Ok(features)
    }
}

/// Receives a byte the way that workers do: into a ring of buffers, multishot if that is among the features.
fn try_receive(features: Features) -> Result<(), Unavailable> {
    /// One buffer, and the ring of one entry that leads to it, which the kernel wants on a page of its own.
    #[repr(align(4096))]
    struct Page([u64; 512]);
    let mut page = Box::new(Page([0; 512]));
    let buffer = Box::new([0u8; 8]);
    let entries: *mut BufRingEntry = page.0.as_mut_ptr().cast();
    let mut ring = features.build(8, 16).map_err(Unavailable::setup)?;
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
        let entry = receive(features, there.as_raw_fd(), 0);
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
    let failed = |error| Err(Unavailable::of("a receive into a buffer ring (Linux 5.19)", error));
    match outcome {
        Ok((result, flags)) if result > 0 && cqueue::buffer_select(flags).is_some() => Ok(()),
        Ok((result, _)) if result < 0 => failed(io::Error::from_raw_os_error(-result)),
        Ok(_) => failed(Errno::INVAL.into()),
        Err(error) => failed(error),
    }
}

/// Whether an inline send that fits says nothing, and one that does not fit says how far it came.
fn try_inline_send(features: Features) -> bool {
    /// More than the kernel queues on a socket pair by default.
    const TOO_MUCH: usize = 4 << 20;
    let bytes = vec![0; TOO_MUCH];
    let attempt = || -> io::Result<bool> {
        let mut ring = features.build(8, 16)?;
        let (here, there) = UnixStream::pair()?;
        for (length, fits) in [(1, true), (TOO_MUCH, false)] {
            let entry = send_inline(here.as_raw_fd(), &bytes[..length]);
            // SAFETY: `bytes` outlives the ring.
            unsafe { ring.submission().push(&entry) }.map_err(|_| Errno::BUSY)?;
            ring.submit()?;
            let told = ring.completion().next().map(|entry| entry.result());
            let short = told.is_some_and(|result| result > 0 && (result as usize) < length);
            if fits == told.is_some() || fits == short {
                return Ok(false);
            }
        }
        drop(there);
        Ok(true)
    };
    attempt().unwrap_or(false)
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
    fn works_here_with_and_without_each_feature() {
        for left_out in Feature::ALL {
            let wanted = Features::ALL.without(left_out);
            match wanted.probe() {
                Ok(found) => assert!(!found.has(left_out), "{found}"),
                Err(error) => panic!("{error}"),
            }
        }
        if let Err(error) = Features::ALL.probe() {
            panic!("{error}");
        }
    }
}
