//! Counters: a worker owns its own, on cache lines of its own; they are summed when they are read.

mod latency;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

pub use latency::{BOUNDS_MICROS, Latency, Spread};

use crate::session::{Command, Encoding, ReplyKind, Tally};

/// A number that one thread writes and any thread reads.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to it. Only the owning thread may: without a second writer, no atomic addition is needed.
    pub fn add(&self, amount: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
    }

    /// Its value.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one worker counts. Aligned so that no two workers share a cache line (or the pair that is
/// fetched together).
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct WorkerMetrics {
    /// Connections accepted.
    pub accepted: Counter,
    /// Connections closed, refused ones included, but neither idle nor late ones.
    pub closed: Counter,
    /// Connections refused because there were too many.
    pub refused: Counter,
    /// Connections refused because their address had too many.
    pub refused_per_ip: Counter,
    /// Connections closed at once because their network is not allowed.
    pub not_allowed: Counter,
    /// Accepts that failed for want of descriptors or memory.
    pub accept_failures: Counter,
    /// Requests, those that were answered with an error included: by [`Encoding`], then by [`Command`].
    pub requests: [[Counter; Command::ALL.len()]; Encoding::ALL.len()],
    /// Replies, by [`ReplyKind`]: counted when they are on their way.
    pub replies: [Counter; ReplyKind::ALL.len()],
    /// From the look at a batch of completions to the moment at which its sends are handed to the kernel, for each of its
    /// requests; the kernel's work of sending is not in it. Without `stats`, which wait for an upstream.
    pub latency: Latency,
    /// Bytes received.
    pub bytes_received: Counter,
    /// Bytes sent.
    pub bytes_sent: Counter,
    /// Connections closed for being idle too long.
    pub idle_closed: Counter,
    /// Connections closed because they took too long over one request.
    pub late_closed: Counter,
    /// Times a connection stopped receiving because it owed reading.
    pub pauses: Counter,
    /// Times the receive buffers ran out.
    pub buffers_exhausted: Counter,
    /// System calls of the ring's loop.
    pub enters: Counter,
    /// Completions of the ring: what the kernel said had happened.
    pub completions: Counter,
    /// Multishot accepts and receives that ended before what they were for, and were asked for again. Each receive after a
    /// connection's first is one where the kernel has no multishot receive.
    pub rearms: Counter,
    /// Batches before which completions did not fit the completion queue, and came later.
    pub overflows: Counter,
    /// Connections that were served a list, and whose address could not be learned.
    pub clients_unknown: Counter,
    /// Connections that were served a list, and whose client there was no room to remember.
    pub clients_untracked: Counter,
}

/// What the control thread counts.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct ControlMetrics {
    /// Times a node was given the list.
    pub announced: Counter,
    /// Times a node could not be asked for the list, or given it.
    pub announce_failures: Counter,
    /// Times a node told its counters, for the hit rate.
    pub hit_rate_polls: Counter,
    /// Times a node did not, though it was asked.
    pub hit_rate_failures: Counter,
    /// Times a configuration was taken over while running, also where it was no other one.
    pub reloads: Counter,
    /// Times a configuration was refused while running.
    pub reloads_refused: Counter,
}

impl WorkerMetrics {
    /// Adds what the sessions did in a batch. Most counters of most batches stay as they are, and are not touched.
    pub fn count(&self, tally: &Tally) {
        let counters = self.requests.iter().flatten().chain(&self.replies);
        let amounts = tally.requests.iter().flatten().chain(&tally.replies);
        for (counter, amount) in counters.zip(amounts).filter(|(_, amount)| **amount > 0) {
            counter.add(*amount);
        }
    }
}

/// The counters of all threads.
#[derive(Debug, Clone)]
pub struct Metrics {
    workers: Arc<[WorkerMetrics]>,
    control: Arc<ControlMetrics>,
    open: Arc<AtomicUsize>,
}

impl Metrics {
    /// Counters for this many workers.
    pub fn new(workers: usize) -> Self {
        Self {
            workers: (0..workers).map(|_| WorkerMetrics::default()).collect(),
            control: Arc::default(),
            open: Arc::default(),
        }
    }

    /// What worker `index` counts.
    pub fn worker(&self, index: usize) -> &WorkerMetrics {
        &self.workers[index]
    }

    /// What the control thread counts; no other thread may add to it.
    pub fn control(&self) -> &ControlMetrics {
        &self.control
    }

    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    /// The sum of one counter over all workers.
    pub fn sum(&self, counter: impl Fn(&WorkerMetrics) -> &Counter) -> u64 {
        self.workers.iter().map(|worker| counter(worker).value()).sum()
    }

    /// Requests for one thing by one encoding.
    pub fn requests_of(&self, encoding: Encoding, command: Command) -> u64 {
        self.sum(|worker| &worker.requests[encoding as usize][command as usize])
    }

    /// Requests for one thing, whichever way it was asked.
    pub fn commands(&self, command: Command) -> u64 {
        Encoding::ALL.into_iter().map(|encoding| self.requests_of(encoding, command)).sum()
    }

    /// Requests of any kind.
    pub fn requests(&self) -> u64 {
        Command::ALL.into_iter().map(|command| self.commands(command)).sum()
    }

    /// Replies of one kind.
    pub fn replies(&self, kind: ReplyKind) -> u64 {
        self.sum(|worker| &worker.replies[kind as usize])
    }

    /// Replies with the list in them.
    pub fn lists(&self) -> u64 {
        self.replies(ReplyKind::List) + self.replies(ReplyKind::Value)
    }

    /// Requests that were answered with an error.
    pub fn errors(&self) -> u64 {
        let answers = |kind: &ReplyKind| kind.is_error() && *kind != ReplyKind::TooManyConnections;
        ReplyKind::ALL.into_iter().filter(answers).map(|kind| self.replies(kind)).sum()
    }

    /// How long requests took inside the workers; see [`WorkerMetrics::latency`].
    pub fn latency(&self) -> Spread {
        self.workers.iter().fold(Spread::default(), |spread, worker| spread.with(&worker.latency))
    }

    /// Takes one of `connections_max` places, unless all are taken. All workers share them, because
    /// `SO_REUSEPORT` spreads connections by chance and not evenly.
    pub fn open_connection(&self, connections_max: usize) -> bool {
        let before = self.open.fetch_add(1, Ordering::Relaxed);
        if before >= connections_max {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
        before < connections_max
    }

    /// Gives a place back.
    pub fn close_connection(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// Connections that were not let in, for whatever reason.
    pub fn rejected(&self) -> u64 {
        self.sum(|worker| &worker.refused)
            + self.sum(|worker| &worker.refused_per_ip)
            + self.sum(|worker| &worker.not_allowed)
    }

    /// Connections held now, refused ones not counted.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_over_workers() {
        let metrics = Metrics::new(2);
        let mut tally = Tally::default();
        tally.asked(Encoding::Ascii, Command::ConfigGet);
        tally.replied(ReplyKind::List);
        metrics.worker(0).count(&tally);
        tally.asked(Encoding::Binary, Command::ConfigGet);
        tally.asked(Encoding::Binary, Command::Invalid);
        tally.replied(ReplyKind::Value);
        tally.replied(ReplyKind::Unsupported);
        tally.replied(ReplyKind::TooManyConnections);
        metrics.worker(1).count(&tally);
        let of = |encoding| metrics.requests_of(encoding, Command::ConfigGet);
        assert_eq!((of(Encoding::Ascii), of(Encoding::Binary)), (2, 1));
        assert_eq!((metrics.commands(Command::ConfigGet), metrics.requests()), (3, 4));
        assert_eq!((metrics.lists(), metrics.replies(ReplyKind::List)), (3, 2));
        assert_eq!(metrics.errors(), 1, "who is turned away has asked nothing");
    }

    #[test]
    fn lets_in_as_many_as_the_bound_and_not_one_more() {
        let metrics = Metrics::new(1);
        assert!(metrics.open_connection(2) && metrics.open_connection(2));
        assert!(!metrics.open_connection(2));
        assert_eq!(metrics.open(), 2);
        metrics.close_connection();
        assert!(metrics.open_connection(2));
    }
}
