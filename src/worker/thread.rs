//! A worker's thread: pinned, named, and never gone without a word.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::buffers::Buffers;
use super::features::Features;
use super::freed::{Freed, keep_little};
use super::listener::{Listener, Listeners};
use super::probe::Unavailable;
use super::ring::{Making, Ring};
use super::slots::Slots;
use super::{Admission, Limits, Phase, TABLE, Worker};
use crate::census::Table;
use crate::mailbox::Mailbox;
use crate::metrics::Metrics;
use crate::session::Tally;
use crate::snapshot::Reader;
use crate::stats;

/// What workers are made of.
#[derive(Debug)]
pub struct Setup {
    /// The bound sockets; each worker takes its own.
    pub listeners: Listeners,
    /// What is served.
    pub reader: Reader,
    /// A mailbox for each worker, and its way to ask for `stats`.
    pub workers: Vec<(Mailbox, stats::Asker)>,
    /// What of io_uring they may use.
    pub features: Features,
    /// Who may come in.
    pub admission: Admission,
    /// Bounds, the same for all.
    pub limits: Limits,
    /// Where they count.
    pub metrics: Metrics,
}

/// A worker that can't be started.
#[derive(Debug)]
pub enum StartError {
    /// It has no ring.
    Ring(Unavailable),
    /// It has no thread.
    Thread(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ring(error) => error.fmt(f),
            Self::Thread(error) => {
                write!(
                    f,
                    "can't start a worker's thread: {error}; raise the limit on threads (ulimit -u, TasksMax=)"
                )
            }
        }
    }
}

impl std::error::Error for StartError {}

/// Called on a worker's thread when it leaves, with the reason where that is a fault.
pub type Exit = Box<dyn FnOnce(Result<(), String>) + Send>;

/// Starts the workers. They accept nobody until they get [`Mail::Serve`](crate::mailbox::Mail::Serve).
///
/// Returns once each has a ring, with what of io_uring they use; or with the reason why one has not.
pub fn spawn(
    setup: Setup,
    mut exit: impl FnMut(usize) -> Exit,
) -> Result<(Vec<JoinHandle<()>>, Features), StartError> {
    keep_little();
    let (ready, is_ready) = mpsc::channel();
    let cpus = cpus();
    let Setup { listeners, reader, workers, features: wanted, admission, limits, metrics } = setup;
    let mut threads = Vec::new();
    for (index, ((mailbox, stats), sockets)) in workers.into_iter().zip(listeners.workers).enumerate() {
        let (ready, exit) = (ready.clone(), exit(index));
        let (reader, metrics, admission) = (reader.clone(), metrics.clone(), admission.clone());
        #[cfg(not(test))]
        let making = Making::default();
        #[cfg(test)]
        let making = super::faults::making();
        let cpu = cpus.get(index % cpus.len().max(1)).copied();
        let body = move || {
            pin(cpu);
            let (ring, buffers) = match make(wanted, making) {
                Ok(made) => made,
                Err(error) => return drop(ready.send(Err(error))),
            };
            // The other end is gone only if the start was given up.
            let _ = ready.send(Ok(ring.features()));
            drop(ready);
            let now = Instant::now();
            let mut worker = Worker {
                ring,
                buffers,
                listeners: sockets.into_iter().map(Listener::new).collect(),
                slots: Slots::default(),
                phase: Phase::Waiting,
                now,
                started: now,
                reader,
                stats,
                mailbox,
                admission,
                limits,
                metrics,
                index,
                census: Table::new(limits.clients_tracked_max),
                tally: Tally::default(),
                touched: Vec::with_capacity(TABLE),
                inline: Vec::with_capacity(TABLE),
                starved: Vec::with_capacity(TABLE),
                freed: Freed::default(),
                lingering: 0,
                refused: 0,
                unfinished: false,
                ticking: false,
                warned: None,
                stopped: None,
            };
            let outcome = catch_unwind(AssertUnwindSafe(|| worker.run()));
            #[cfg(test)]
            worker.tell_end();
            // After a panic its tables may be in any state, and it was not the clients who were late.
            let unanswered = if outcome.is_ok() { worker.unanswered() } else { 0 };
            if unanswered > 0 {
                tracing::warn!(
                    worker = index,
                    clients = unanswered,
                    "left with clients unanswered: they did not read in time"
                );
            }
            exit(match outcome {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(format!("worker {index}: its ring failed: {error}")),
                Err(_) => Err(format!("worker {index} panicked")),
            });
        };
        let name = format!("worker-{index}");
        let thread = std::thread::Builder::new().name(name).spawn(body);
        threads.push(thread.map_err(StartError::Thread)?);
    }
    drop(ready);
    let mut features = None;
    // Each sends one or the other, unless it panicked.
    for _ in &threads {
        let gone = |_| StartError::Thread(io::Error::other("a worker ended before it began"));
        features = Some(is_ready.recv().map_err(gone)?.map_err(StartError::Ring)?);
    }
    let none = || StartError::Thread(io::Error::other("there are no workers"));
    Ok((threads, features.ok_or_else(none)?))
}

/// The CPUs that this process may run on: as many workers as these, each on its own.
pub fn cpus() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else { return Vec::new() };
    (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect()
}

fn pin(cpu: Option<usize>) {
    let Some(cpu) = cpu else { return };
    let mut set = CpuSet::new();
    set.set(cpu);
    // Without it the worker runs as well, only not always on the same core.
    if let Err(error) = sched_setaffinity(None, &set) {
        tracing::debug!(cpu, %error, "not pinned");
    }
}

fn make(wanted: Features, making: Making) -> Result<(Ring, Buffers), Unavailable> {
    let count = making.buffers;
    let ring = Ring::new(wanted, making)?;
    let failed = |error| Unavailable::of("registering a buffer ring (Linux 5.19)", error);
    let buffers = Buffers::new(&ring, count).map_err(failed)?;
    Ok((ring, buffers))
}
