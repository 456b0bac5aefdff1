//! What of io_uring a worker uses: each feature beyond the least that is needed may be missing, or left out.

use std::fmt;
use std::io;
use std::time::Instant;

use io_uring::IoUring;
use rustix::io::Errno;

use crate::limits::{RING_PAUSE, RING_RETRY};

/// A feature that a worker can do without, at some cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// One receive brings input until it is ended, and need not be renewed each time (Linux 6.0).
    MultishotRecv,
    /// A send of all that is owed is carried out while it is submitted, and completes silently (Linux 5.19).
    InlineSend,
    /// Completions are worked on when the worker waits for them, by a ring of one thread (Linux 6.1).
    DeferTaskrun,
    /// Completions do not interrupt the worker (Linux 5.19); implied by the last.
    CoopTaskrun,
}

impl Feature {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Feature; 4] =
        [Feature::MultishotRecv, Feature::InlineSend, Feature::DeferTaskrun, Feature::CoopTaskrun];

    /// The name in the configuration and the log.
    pub fn name(self) -> &'static str {
        match self {
            Feature::MultishotRecv => "multishot_recv",
            Feature::InlineSend => "inline_send",
            Feature::DeferTaskrun => "defer_taskrun",
            Feature::CoopTaskrun => "coop_taskrun",
        }
    }
}

/// A set of features. What every supported kernel has (multishot accept, buffer rings: Linux 5.19) is not
/// among them: without it there is no start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features(u8);

impl Features {
    /// All of them.
    pub const ALL: Features = Features((1 << Feature::ALL.len()) - 1);

    /// Whether one is in the set.
    pub fn has(self, feature: Feature) -> bool {
        self.0 & (1 << feature as u8) != 0
    }

    /// The set without one.
    #[must_use]
    pub fn without(self, feature: Feature) -> Self {
        Self(self.0 & !(1 << feature as u8))
    }

    /// The names of what is used, in the order in which they are shown: to the log, to operators, by `doctor`. What every
    /// kernel has is among them; what another one implies is not.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let is_implied = move |feature| feature == Feature::CoopTaskrun && self.has(Feature::DeferTaskrun);
        let used = Feature::ALL.into_iter().filter(move |&feature| self.has(feature) && !is_implied(feature));
        ["multishot_accept", "buffer_ring"].into_iter().chain(used.map(Feature::name))
    }

    /// A ring with these features. Where memory is short it tries again for a moment, and blocks: what the rings of a process
    /// before this one had locked is counted until the kernel has taken them down, which is later than that process's end; and a
    /// start on a busy machine, with memory enough, was seen to fail of it.
    pub(super) fn build(self, submissions: u32, completions: u32) -> io::Result<IoUring> {
        let mut builder = IoUring::builder();
        builder.setup_cqsize(completions).setup_clamp().dontfork();
        if self.has(Feature::DeferTaskrun) {
            builder.setup_single_issuer().setup_defer_taskrun();
        } else if self.has(Feature::CoopTaskrun) {
            builder.setup_coop_taskrun();
        }
        let deadline = Instant::now() + RING_RETRY;
        loop {
            match builder.build(submissions) {
                Err(error)
                    if Errno::from_io_error(&error) == Some(Errno::NOMEM) && Instant::now() < deadline =>
                {
                    std::thread::park_timeout(RING_PAUSE);
                }
                outcome => return outcome,
            }
        }
    }
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_shown_by_name() {
        let best = Features::ALL;
        assert_eq!(best.to_string(), "multishot_accept,buffer_ring,multishot_recv,inline_send,defer_taskrun");
        let fair = best.without(Feature::DeferTaskrun).without(Feature::MultishotRecv);
        assert_eq!(fair.to_string(), "multishot_accept,buffer_ring,inline_send,coop_taskrun");
        assert!(fair.has(Feature::InlineSend) && !fair.has(Feature::MultishotRecv));
    }
}
