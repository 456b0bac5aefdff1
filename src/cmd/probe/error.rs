//! Why a probe has nothing to show, and what to do about it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mimikyu::config::HostPort;
use mimikyu::protocol::{LEGACY_KEY, answer};

/// Why there is no list to look at: the cause, then the cure.
#[derive(Debug)]
pub enum Error {
    /// The name has no address.
    Resolve {
        /// The name.
        target: HostPort,
        /// What the resolver said.
        source: io::Error,
    },
    /// The connection was refused, or it broke.
    Unreachable {
        /// The address.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// No whole answer in time.
    Silent {
        /// The address.
        address: SocketAddr,
        /// How long it had.
        timeout: Duration,
    },
    /// It closed the connection before its answer was whole.
    Closed {
        /// The address.
        address: SocketAddr,
    },
    /// Its answer is no list.
    Unusable {
        /// The address.
        address: SocketAddr,
        /// What is wrong with it.
        source: answer::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve { target, source } => {
                write!(f, "{} has no address: {source}; check the name and this machine's DNS", target.host)
            }
            Self::Unreachable { address, source } => {
                write!(f, "{address}: {source}; check the port, and what lets this machine in")
            }
            Self::Silent { address, timeout } => write!(
                f,
                "{address}: no whole answer within {} ms; try a longer --timeout, or TLS may be expected there",
                timeout.as_millis()
            ),
            Self::Closed { address } => write!(
                f,
                "{address}: it closed the connection before its answer was whole; see its log, or if it is full"
            ),
            Self::Unusable { address, source } => {
                write!(f, "{address}: {source}; {}", cure(source))
            }
        }
    }
}

/// What to do about an answer that is no list.
fn cure(error: &answer::Error) -> String {
    match error {
        answer::Error::UnknownCommand | answer::Error::Miss => {
            format!("ask a configuration endpoint, or store the list under {LEGACY_KEY}")
        }
        answer::Error::Refused(_) => "see the log of what answered".into(),
        answer::Error::Unexpected(_) => "check that it is memcached that listens there".into(),
        answer::Error::TooLong | answer::Error::Payload(_) => "correct the list where it comes from".into(),
    }
}

// The message of the cause is a part of ours, which goes on with the cure.
impl std::error::Error for Error {}
