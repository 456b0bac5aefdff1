//! The data plane: a thread, a ring and a listener per core.
//!
//! ```text
//!            ┌──────────────────────── one io_uring_enter ───────────────────────┐
//!            ▼                                                                   │
//!  completions ──▶ accept ──▶ slot ──▶ receive ──▶ session ──▶ outbox ──▶ settle ┘
//!                                         │                                 (send, receive, close)
//!                                 buffer goes back
//! ```
//!
//! All completions of a batch are looked at before anything is sent, so that requests which came in
//! several pieces are answered in one send, and all sends of the batch go out in one system call. The loop
//! knows completions and slots; what a connection speaks is the [`session`](crate::session)'s affair.
//!
//! `unsafe` lives in this room alone.

mod accept;
mod admission;
mod batch;
mod buffers;
mod connection;
mod customers;
mod drain;
#[cfg(test)]
pub(crate) mod faults;
mod features;
mod freed;
mod hand_over;
mod inherit;
mod listener;
mod mail;
mod probe;
mod receive;
mod renew;
mod ring;
mod settle;
mod slots;
#[cfg(test)]
mod tests;
mod thread;
mod tick;
mod token;

use std::convert::Infallible;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

pub use admission::Admission;
pub use features::{Feature, Features};
pub use inherit::{Inherited, Unusable, activated, fits};
pub use listener::{BindError, Listeners, adopt, bind, bind_among};
pub use probe::{Unavailable, available};
pub use thread::{Exit, Setup, StartError, cpus, spawn};

use crate::census::Table;
use crate::mailbox::Mailbox;
use crate::metrics::{Metrics, WorkerMetrics};
use crate::session::Tally;
use crate::snapshot::Reader;
use crate::stats;
use buffers::Buffers;
use connection::Moment;
use freed::Freed;
use listener::Listener;
use ring::Ring;
use slots::Slots;

/// Places that the tables of a batch have from the start, so that no ordinary one has them grow: as many as there are
/// buffers, some 40 KiB for all of them.
const TABLE: usize = buffers::BUFFERS as usize;

/// What a worker may use up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections of all workers together.
    pub connections_max: usize,
    /// Refused connections of a worker that linger at a time; above it they are closed at once.
    pub refused_max: usize,
    /// Time after which a connection that has begun a request and not ended it is closed; zero is never.
    pub request_timeout: Duration,
    /// Time after which a connection that asks nothing is closed; zero is never.
    pub idle_timeout: Duration,
    /// Clients that a worker remembers with the version they were served last; zero is none, and none is asked for its address.
    pub clients_tracked_max: usize,
}

/// Where a worker is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Until there is something to serve: not accepting.
    Waiting,
    /// Accepting.
    Serving,
    /// Not accepting; answering what was asked until then.
    Draining(Instant),
    /// Done.
    Left,
}

/// One thread of the data plane, on its own thread from its first moment.
struct Worker {
    /// First, so that it is gone before the buffers that the kernel writes to.
    ring: Ring,
    buffers: Buffers,
    listeners: Vec<Listener>,
    slots: Slots,
    phase: Phase,
    /// When the batch that is being worked on began.
    now: Instant,
    /// When the first one did.
    started: Instant,
    /// What is served, and its questions to the control plane.
    reader: Reader,
    stats: stats::Asker,
    mailbox: Mailbox,
    admission: Admission,
    limits: Limits,
    metrics: Metrics,
    index: usize,
    /// Who was served which version.
    census: Table,
    /// Requests of this batch, not yet in the metrics.
    tally: Tally,
    /// Slots with something to settle at the end of the batch.
    touched: Vec<u32>,
    /// Slots with an inline send in the kernel, and such as had one whose failure was told.
    inline: Vec<u32>,
    /// Slots whose receive found no buffer.
    starved: Vec<u32>,
    /// Memory that clients had and have no more.
    freed: Freed,
    /// Connections that linger, and those among them that were refused.
    lingering: usize,
    refused: usize,
    /// Whether some connection may have an unfinished request; the next look round tells.
    unfinished: bool,
    /// Whether the timer is in the ring.
    ticking: bool,
    /// When a shortage of descriptors was last spoken of.
    warned: Option<Instant>,
    /// Dropped when the sockets that another process has taken over are not accepted on any more.
    stopped: Option<UnboundedSender<Infallible>>,
}

impl Worker {
    fn counters(&self) -> &WorkerMetrics {
        self.metrics.worker(self.index)
    }

    /// What time it is, for who may not need to know: most requests are whole, and nobody asks when they began.
    fn clock(&self) -> impl FnOnce() -> Moment + use<> {
        let (now, started) = (self.now, self.started);
        move || Moment::after(now.saturating_duration_since(started))
    }
}
