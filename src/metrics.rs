//! Counters: a worker owns its own, on cache lines of its own; they are summed when they are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::session::Tally;

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
    /// Connections closed, refused ones included.
    pub closed: Counter,
    /// Connections refused because there were too many.
    pub refused: Counter,
    /// Connections refused because their address had too many.
    pub refused_per_ip: Counter,
    /// Connections closed at once because their network is not allowed.
    pub not_allowed: Counter,
    /// Accepts that failed for want of descriptors or memory.
    pub accept_failures: Counter,
    /// Requests, those that were answered with an error included.
    pub requests: Counter,
    /// `config get` requests.
    pub config_get: Counter,
    /// `get` and `gets` requests.
    pub get: Counter,
    /// `version` requests.
    pub version: Counter,
    /// `stats` requests.
    pub stats: Counter,
    /// Lines answered with an error.
    pub errors: Counter,
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
    /// Batches before which completions did not fit the completion queue, and came later.
    pub overflows: Counter,
}

/// What the control thread counts.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct ControlMetrics {
    /// Times a node was given the list.
    pub announced: Counter,
    /// Times a node could not be asked for the list, or given it.
    pub announce_failures: Counter,
    /// Times a configuration was taken over while running, also where it was no other one.
    pub reloads: Counter,
    /// Times a configuration was refused while running.
    pub reloads_refused: Counter,
}

impl WorkerMetrics {
    /// Adds what the sessions did.
    pub fn count(&self, tally: &Tally) {
        self.config_get.add(tally.config_get);
        self.get.add(tally.get);
        self.version.add(tally.version);
        self.stats.add(tally.stats);
        self.errors.add(tally.errors);
        self.requests.add(tally.requests());
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
        metrics.worker(0).count(&Tally { config_get: 2, ..Tally::default() });
        metrics.worker(1).count(&Tally { config_get: 3, errors: 1, ..Tally::default() });
        assert_eq!(metrics.sum(|worker| &worker.config_get), 5);
        assert_eq!(metrics.sum(|worker| &worker.errors), 1);
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
