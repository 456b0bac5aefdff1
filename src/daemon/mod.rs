//! Builds the rooms, joins the threads, and takes them down again.
//!
//! ```text
//!  bind ──▶ rings ──▶ poll … until there is a list or the grace is over ──▶ listen, accept
//!                                                                              │ SIGTERM
//!  leave ◀── every reply sent, or the deadline ◀── take what is queued ◀───────┘ or another process has taken over:
//!                                                  leave it what is queued
//! ```

mod descriptors;
mod door;
mod lookout;
mod reload;
mod succession;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::config::{Config, RingFeature, SourceKind};
use crate::limits::DRAIN;
use crate::mailbox::{self, Mail, Postbox};
use crate::metrics::Metrics;
use crate::poller::Poller;
use crate::signal::Signals;
use crate::snapshot::Publisher;
use crate::stats::{Own, Questions, Terms};
use crate::takeover;
use crate::worker::{
    self, Admission, BindError, Exit, Feature, Features, Inherited, Limits, Listeners, Setup, StartError,
};
use descriptors::{Shares, share_out};
use door::{Door, Turn};
use lookout::Lookout;
use reload::Reload;
use succession::Succession;

pub use descriptors::TooFew;
pub use reload::Again;

/// Why the daemon could not start, or had to stop.
#[derive(Debug)]
pub enum Error {
    /// A running daemon can't be taken over, or this one could not be later.
    Takeover(takeover::Error),
    /// An address can't be listened on.
    Bind(BindError),
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

/// Serves until a signal, or until another process has taken over; on the sockets that were given to it, where they
/// fit. `ready` is called with the addresses once clients may come. With `again`, SIGHUP has the configuration read once
/// more; without, it ends the process.
pub fn run(
    config: Config,
    again: Option<Again>,
    mut inherited: Inherited,
    ready: impl FnOnce(&[SocketAddr]),
) -> Result<(), Error> {
    let workers = config.workers.unwrap_or_else(|| worker::cpus().len().max(1));
    let succession = Succession::begin(&config, &mut inherited).map_err(Error::Takeover)?;
    let given = inherited.len();
    let shares = share_out(&config, workers, given).map_err(Error::Descriptors)?;
    let listeners = worker::adopt(&config.listen, workers, inherited).map_err(Error::Bind)?;
    let runtime = tokio_uring::Runtime::new(&tokio_uring::builder());
    let daemon = Daemon { config, again, workers, given, shares, listeners, succession };
    match runtime {
        Ok(runtime) => runtime.block_on(daemon.run(ready)),
        // The workers' rings fail for the same reason, and say more about it.
        Err(error) => match worker::available() {
            Ok(_) => Err(Error::Control(error)),
            Err(unavailable) => Err(Error::Start(StartError::Ring(unavailable))),
        },
    }
}

/// What the configuration leaves out, as the workers know it.
fn feature(left_out: RingFeature) -> Feature {
    match left_out {
        RingFeature::MultishotRecv => Feature::MultishotRecv,
        RingFeature::InlineSend => Feature::InlineSend,
        RingFeature::DeferTaskrun => Feature::DeferTaskrun,
        RingFeature::CoopTaskrun => Feature::CoopTaskrun,
    }
}

/// The daemon before its threads run.
struct Daemon {
    config: Config,
    again: Option<Again>,
    workers: usize,
    /// How many sockets were given to it.
    given: usize,
    shares: Shares,
    listeners: Listeners,
    succession: Succession,
}

impl Daemon {
    async fn run(self, on_ready: impl FnOnce(&[SocketAddr])) -> Result<(), Error> {
        let Self { config, again, workers, given, shares, listeners, mut succession } = self;
        let Shares { connections_max, refused_max } = shares;
        let mut signals = Signals::catch().map_err(Error::Control)?;
        let again = again.map(|Again { places, found, watch, dial }| {
            Lookout::new(places.clone(), found, watch).map(|lookout| (lookout, places, dial))
        });
        let again = again.transpose().map_err(Error::Control)?;
        let publisher = Publisher::new(&config.version_reply);
        let questions = Questions::default();
        let metrics = Metrics::new(workers);

        let mut postboxes = Vec::new();
        let mut mailboxes = Vec::new();
        for _ in 0..workers {
            let (postbox, mailbox) = mailbox::pair().map_err(Error::Control)?;
            mailboxes.push((mailbox, questions.asker(postbox.clone())));
            postboxes.push(postbox);
        }
        let (left, exits) = mpsc::unbounded_channel();
        let exit = |_| -> Exit {
            let left = left.clone();
            // Nobody listens only when the daemon is leaving already.
            Box::new(move |outcome| drop(left.send(outcome)))
        };
        let admission = Admission::new(config.allow.clone(), config.connections_per_ip_max);
        let limits = Limits {
            connections_max,
            refused_max,
            request_timeout: config.request_timeout,
            idle_timeout: config.idle_timeout,
        };
        // The sockets are kept here too until they listen.
        let reader = publisher.reader();
        let door = Door::new(&config.listen, listeners.try_clone().map_err(Error::Bind)?);
        let door = Rc::new(RefCell::new(door));
        let left_out = config.ring_without.iter().copied().map(feature);
        let features = left_out.fold(Features::ALL, Features::without);
        let setup = Setup {
            listeners,
            reader,
            workers: mailboxes,
            features,
            admission,
            limits,
            metrics: metrics.clone(),
        };
        let (threads, features) = worker::spawn(setup, exit).map_err(Error::Start)?;
        let mut crew = Crew { postboxes, threads, exits };

        let own = Own {
            metrics: metrics.clone(),
            version: config.version_reply.clone(),
            connections_max,
            started: Instant::now(),
        };
        let mut tasks = JoinSet::new();
        let terms = watch::Sender::new(questioned(&config, connections_max, own));
        tasks.spawn_local(questions.answer(terms.subscribe()));
        let (ready, is_ready) = oneshot::channel();
        let configs = watch::Sender::new(Arc::new(config.clone()));
        let (holds, is_held) = mpsc::channel(1);
        let (poller_config, counters, others) = (config.clone(), metrics.clone(), configs.subscribe());
        let before = succession.state.take();
        tasks.spawn_local(async move {
            Poller::open(&poller_config, before, publisher, counters).await.run(ready, is_held, others).await
        });
        let in_force = configs.subscribe();
        let turn = Turn::default();
        let mut reloading = Vec::new();
        if let Some((lookout, places, dial)) = again {
            let (finds, found) = mpsc::channel(1);
            let (door, turn, postboxes) = (door.clone(), turn.clone(), crew.postboxes.clone());
            let (config, metrics) = (config.clone(), metrics.clone());
            let reload = Reload {
                places,
                dial,
                config,
                shares,
                workers,
                given,
                door,
                turn,
                postboxes,
                configs,
                terms,
                metrics,
            };
            reloading.push(tasks.spawn_local(lookout.run(finds)));
            reloading.push(tasks.spawn_local(reload.run(found)));
        }

        tokio::select! {
            Ok(()) = is_ready => {}
            _ = tasks.join_next() => return Err(Error::ControlEnded),
            signal = signals.next() => {
                tracing::info!(signal, "stopping before anything was served");
                return crew.dismiss();
            }
            outcome = crew.loss() => return Err(outcome),
            error = succession.withdrawn() => return Err(Error::Takeover(error)),
        }
        let taking_place = turn.lock().await;
        let addresses: Vec<_> = door.borrow().addresses().collect();
        succession.take_place(&addresses).await.map_err(Error::Takeover)?;
        door.borrow_mut().open().map_err(Error::Bind)?;
        crew.tell(|| Mail::Serve);
        drop(taking_place);
        tracing::info!(
            mimikyu = env!("CARGO_PKG_VERSION"),
            listen = %joined(&addresses),
            workers,
            connections_max,
            ring = %features,
            sources = %joined(in_force.borrow().sources.iter().map(|source| &source.name)),
            "ready"
        );
        on_ready(&addresses);
        let mut heirs = succession.open(holds, turn, crew.postboxes.clone());

        let heir = tokio::select! {
            signal = signals.next() => {
                tracing::info!(signal, "stopping: answering what was asked");
                None
            }
            heir = heirs.next() => {
                tracing::info!("taken over: answering what was asked");
                Some(heir)
            }
            _ = tasks.join_next() => return Err(Error::ControlEnded),
            outcome = crew.loss() => return Err(outcome),
        };
        // Who leaves takes nothing over any more.
        reloading.iter().for_each(AbortHandle::abort);
        match &heir {
            Some(heir) => {
                crew.hand_over(heir).await;
                succession.leave();
            }
            None => crew.tell(|| Mail::Drain),
        }
        tokio::select! {
            outcome = crew.gone() => outcome?,
            _ = signals.next() => return Err(Error::CutShort),
        }
        tracing::info!(
            accepted = metrics.sum(|worker| &worker.accepted),
            refused = metrics.sum(|worker| &worker.refused),
            refused_per_ip = metrics.sum(|worker| &worker.refused_per_ip),
            not_allowed = metrics.sum(|worker| &worker.not_allowed),
            late_closed = metrics.sum(|worker| &worker.late_closed),
            idle_closed = metrics.sum(|worker| &worker.idle_closed),
            requests = metrics.sum(|worker| &worker.requests),
            errors = metrics.sum(|worker| &worker.errors),
            enters = metrics.sum(|worker| &worker.enters),
            pauses = metrics.sum(|worker| &worker.pauses),
            accept_failures = metrics.sum(|worker| &worker.accept_failures),
            buffers_exhausted = metrics.sum(|worker| &worker.buffers_exhausted),
            overflows = metrics.sum(|worker| &worker.overflows),
            reloads = metrics.control().reloads.value(),
            reloads_refused = metrics.control().reloads_refused.value(),
            "stopped"
        );
        crew.dismiss()
    }
}

/// The workers' threads, as the control plane knows them.
struct Crew {
    postboxes: Vec<Postbox>,
    threads: Vec<JoinHandle<()>>,
    exits: mpsc::UnboundedReceiver<Result<(), String>>,
}

impl Crew {
    fn tell(&self, mail: impl Fn() -> Mail) {
        for postbox in &self.postboxes {
            postbox.post(mail());
        }
    }

    /// Waits for a worker to leave that was not told to.
    async fn loss(&mut self) -> Error {
        match self.exits.recv().await {
            Some(Err(what)) => Error::Worker(what),
            _ => Error::Worker("a worker left".into()),
        }
    }

    /// Waits until all have left. They watch the deadline themselves; that one does not is a fault.
    async fn gone(&mut self) -> Result<(), Error> {
        for _ in 0..self.threads.len() {
            match tokio::time::timeout(DRAIN + Duration::from_secs(1), self.exits.recv()).await {
                Ok(Some(Ok(()))) => {}
                Ok(Some(Err(what))) => return Err(Error::Worker(what)),
                _ => return Err(Error::Worker("a worker did not stop".into())),
            }
        }
        Ok(())
    }

    /// Has them leave, whatever is under way, and waits for the threads' ends.
    fn dismiss(self) -> Result<(), Error> {
        self.tell(|| Mail::Leave);
        for thread in self.threads {
            if thread.join().is_err() {
                return Err(Error::Worker("a worker panicked".into()));
            }
        }
        Ok(())
    }
}

/// Who is asked for `stats`, and what answers where nobody can.
fn questioned(config: &Config, connections_max: usize, own: Own) -> Terms {
    let own = Own { version: config.version_reply.clone(), connections_max, ..own };
    Terms { endpoints: endpoints(config), timeout: config.poll_timeout, own }
}

/// The sources that can be asked for `stats`, in their order.
fn endpoints(config: &Config) -> Vec<crate::config::HostPort> {
    let endpoint = |source: &crate::config::Source| match &source.kind {
        SourceKind::Endpoint(target) => Some(target.clone()),
        SourceKind::Static(_) | SourceKind::Dns(_) => None,
    };
    config.sources.iter().filter_map(endpoint).collect()
}

fn joined<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(",")
}
