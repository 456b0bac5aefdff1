//! What a poll of a source leads to that is worth a line in the log. Pure.

use std::net::SocketAddr;
use std::time::Duration;

use crate::cluster::Version;

/// A change of a source's health, or another thing worth a line in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Its first answer, or the first after failures or stale ones.
    Answers {
        /// How long it was otherwise; `None` where it never was.
        after: Option<Duration>,
    },
    /// It fails, for this reason.
    Fails(Failure),
    /// It answers a list of this version, which is not newer than the one that is held.
    Stale(Version),
    /// It answered the same older list in several polls in a row, which was therefore taken.
    Rewound {
        /// The version that was held.
        from: Version,
        /// The version that is held now.
        to: Version,
    },
    /// It answers a list that lacks more of its nodes than one answer may remove: held back.
    Shrinks {
        /// How many nodes are missing.
        removed: usize,
        /// How many it had.
        of: usize,
    },
    /// It answered the same shorter list in several polls in a row, which was therefore taken.
    Shrank {
        /// How many nodes are gone.
        removed: usize,
        /// How many it had.
        of: usize,
    },
    /// It was silent for too long: its nodes are off the list.
    Dropped {
        /// How long it has been silent.
        after: Duration,
    },
    /// It was silent for too long, but its nodes stay, since no other source answers.
    Spared {
        /// How long it has been silent.
        after: Duration,
    },
    /// Its nodes, which were off the list, are on it again.
    Returns,
    /// It answers, but something could not be found out.
    Trouble(String),
    /// What could not be found out has been.
    TroubleOver,
}

/// Why a poll brought no answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// What is wrong, in a sentence.
    pub what: String,
    /// The address that was tried last, if it came to that.
    pub address: Option<SocketAddr>,
    /// How long it had, where that was too short.
    pub timeout: Option<Duration>,
}
