//! Why an upstream gave no list.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::config::HostPort;
use crate::protocol::answer;

/// Why an upstream gave no answer that could be taken.
#[derive(Debug)]
pub enum Error {
    /// Its name has no address.
    Resolve {
        /// The name.
        target: HostPort,
        /// What the resolver said.
        source: io::Error,
    },
    /// Its name was not resolved in time.
    ResolveTimeout {
        /// The name.
        target: HostPort,
        /// How long it had.
        timeout: Duration,
    },
    /// It could not be reached, or the connection broke.
    Connection {
        /// The address that was tried last.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// It closed the connection before its answer was whole.
    Closed {
        /// The address.
        address: SocketAddr,
    },
    /// It did not answer in time.
    Timeout {
        /// The address.
        address: SocketAddr,
        /// How long it had.
        timeout: Duration,
    },
    /// It answered something that is no list.
    Answer {
        /// The address.
        address: SocketAddr,
        /// What is wrong with it.
        source: answer::Error,
    },
    /// Its answer to `stats` is too long.
    StatsTooLong {
        /// The address.
        address: SocketAddr,
    },
    /// More addresses than a list may have nodes.
    TooManyAddresses {
        /// The name.
        target: HostPort,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = Duration::as_millis;
        match self {
            Self::Resolve { target, source } => write!(f, "{} has no address: {source}", target.host),
            Self::ResolveTimeout { target, timeout } => {
                write!(f, "{} was not resolved within {} ms", target.host, ms(timeout))
            }
            Self::Connection { address, source } => write!(f, "{address}: {source}"),
            Self::Closed { address } => write!(f, "{address}: it closed the connection within its answer"),
            Self::Timeout { address, timeout } => write!(f, "{address}: no answer within {} ms", ms(timeout)),
            Self::Answer { address, source } => write!(f, "{address}: {source}"),
            Self::StatsTooLong { address } => write!(f, "{address}: its answer to stats is too long"),
            Self::TooManyAddresses { target } => {
                write!(f, "{} has more than {} addresses", target.host, crate::limits::NODES_MAX)
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Resolve { source, .. } | Self::Connection { source, .. } => Some(source),
            Self::Answer { source, .. } => Some(source),
            _ => None,
        }
    }
}
