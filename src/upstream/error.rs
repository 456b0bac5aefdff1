//! Why an upstream gave no list.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::config::HostPort;
use crate::limits::NODES_MAX;
use crate::protocol::{answer, counters};

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
    /// It answered `stats` with something that tells no hits and misses.
    Counters {
        /// The address.
        address: SocketAddr,
        /// What is wrong with it.
        source: counters::Error,
    },
    /// More addresses than a list may have nodes.
    TooManyAddresses {
        /// The name.
        target: HostPort,
    },
}

impl Error {
    /// What is wrong, without the address.
    pub fn what(&self) -> String {
        match self {
            Self::Resolve { target, source } => format!("{} has no address: {source}", target.host),
            Self::ResolveTimeout { target, .. } => format!("{} was not resolved in time", target.host),
            Self::Connection { source, .. } => source.to_string(),
            Self::Closed { .. } => "it closed the connection within its answer".into(),
            Self::Timeout { .. } => "it did not answer in time".into(),
            Self::Answer { source, .. } => source.to_string(),
            Self::Counters { source, .. } => source.to_string(),
            Self::StatsTooLong { .. } => "its answer to stats is too long".into(),
            Self::TooManyAddresses { target } => {
                format!("{} has more than {NODES_MAX} addresses", target.host)
            }
        }
    }

    /// The address that was tried last.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Connection { address, .. }
            | Self::Closed { address }
            | Self::Timeout { address, .. }
            | Self::Answer { address, .. }
            | Self::Counters { address, .. }
            | Self::StatsTooLong { address } => Some(*address),
            Self::Resolve { .. } | Self::ResolveTimeout { .. } | Self::TooManyAddresses { .. } => None,
        }
    }

    /// How long it had, where that was too short.
    pub fn timeout(&self) -> Option<Duration> {
        match self {
            Self::ResolveTimeout { timeout, .. } | Self::Timeout { timeout, .. } => Some(*timeout),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            Some(address) => write!(f, "{address}: {}", self.what()),
            None => f.write_str(&self.what()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Resolve { source, .. } | Self::Connection { source, .. } => Some(source),
            Self::Answer { source, .. } => Some(source),
            Self::Counters { source, .. } => Some(source),
            _ => None,
        }
    }
}
