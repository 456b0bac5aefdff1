//! What can go wrong with a takeover, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why there is no takeover. The old process, if there is one, goes on serving.
#[derive(Debug)]
pub enum Error {
    /// The socket can't be made, or not be connected to.
    Socket {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another user listens there.
    Stranger {
        /// Where.
        path: PathBuf,
        /// The user's number.
        uid: u32,
    },
    /// Who listens there does not hand over, and says why.
    Refused {
        /// Where it listens.
        path: PathBuf,
        /// Its reason.
        reason: String,
    },
    /// Who listens there says something else, or not all of it.
    Garbage {
        /// Where it listens.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket { path, source } => write!(
                f,
                "the socket for takeovers {}: {source}; give a path in a directory of this user, or leave --takeover out",
                path.display()
            ),
            Self::Stranger { path, uid } => write!(
                f,
                "the socket for takeovers {} is another user's (uid {uid}); run as that user, or give another path",
                path.display()
            ),
            Self::Refused { path, reason } => write!(
                f,
                "the daemon at {} does not hand over: {reason}; it goes on serving: mend that and start again",
                path.display()
            ),
            Self::Garbage { path, what } => write!(
                f,
                "who listens at {} does not hand over as this version does: {what}; stop it first, or give another path",
                path.display()
            ),
        }
    }
}

impl std::error::Error for Error {}
