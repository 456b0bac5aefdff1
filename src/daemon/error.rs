//! Why there is no daemon, or none any more.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use super::TooFew;
use crate::takeover;
use crate::worker::{BindError, StartError};

/// Why the daemon could not start, or had to stop.
#[derive(Debug)]
pub enum Error {
    /// A running daemon can't be taken over, or this one could not be later.
    Takeover(takeover::Error),
    /// An address can't be listened on.
    Bind(BindError),
    /// The admin address that was asked for can't be listened on.
    Admin {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The descriptor limit is too low for even one client.
    Descriptors(TooFew),
    /// A worker can't be started.
    Start(StartError),
    /// The control plane can't be built.
    Control(io::Error),
    /// A task of the control plane ended, which it does only by a panic.
    ControlEnded,
    /// A worker stopped by itself; the rest does not go on without it.
    Worker(String),
    /// A second signal came before all was answered.
    CutShort,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Takeover(error) => error.fmt(f),
            Self::Bind(error) => error.fmt(f),
            Self::Admin { address, source } => {
                write!(
                    f,
                    "can't listen on {address} for operators: {source}; give another address with --admin, or none"
                )
            }
            Self::Descriptors(error) => error.fmt(f),
            Self::Start(error) => error.fmt(f),
            Self::Control(error) => {
                write!(f, "the control thread can't run: {error}; see the limits of the process (ulimit -a)")
            }
            Self::ControlEnded => f.write_str(
                "the control thread panicked; stopping rather than serve a list that nobody keeps up to date",
            ),
            Self::Worker(what) => write!(f, "{what}; stopping rather than serve with fewer workers"),
            Self::CutShort => f.write_str("a second signal: left before every client was answered"),
        }
    }
}

impl std::error::Error for Error {}
