//! A new process takes the place of a running one, without a refused connection.
//!
//! ```text
//!  the new one (successor)                   the old one (predecessor), at its door: a unix socket
//!     │  ── mimikyu-takeover 1 ──────────────▶  who is it? its list and its state file are held still
//!     │  ◀─ {"sockets":2,"state_bytes":512} ──  copies of its listening sockets (SCM_RIGHTS), what it serves
//!     │     rings, workers, polls; ready           … serves as before …
//!     │  ── go 0.0.0.0:11211 ────────────────▶  stops accepting there
//!     │  ◀─ stopped ──────────────────────────  answers what was asked, and leaves
//!     │     accepts; moves into the door
//! ```
//!
//! Until `go`, whatever goes wrong leaves the old one serving as if nothing had happened. Both have the same sockets,
//! so that the clients in their queues wait for whoever accepts next. The conversation blocks, on threads of its own, and
//! neither side waits for the other for longer than its [`Patience`].

mod door;
mod error;
mod patience;
mod predecessor;
mod successor;
#[cfg(test)]
mod tests;
mod wire;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use crate::state::State;

pub use door::Door;
pub use error::Error;
pub use patience::Patience;
pub use predecessor::{Request, Successor, attend};
pub use successor::{Predecessor, Verdict, find};

/// What is handed over.
#[derive(Debug)]
pub struct Estate {
    /// The listening sockets, those of a worker together.
    pub sockets: Vec<OwnedFd>,
    /// The list that is served, and what is known of the sources.
    pub state: State,
}

/// The first line, by which the one knows the other; the number changes with the conversation.
const HELLO: &str = "mimikyu-takeover 1";

/// Before the addresses that the new process goes on with.
const GO: &str = "go ";

/// None of the sockets that the new process goes on with is accepted on by the old one.
const STOPPED: &str = "stopped";

/// Before the reason why there is no takeover.
const NO: &str = "no ";

/// The addresses of a `go` line.
fn addresses(text: &str) -> Option<Vec<SocketAddr>> {
    text.split(',').map(|address| address.parse().ok()).collect()
}
