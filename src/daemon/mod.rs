//! Builds the rooms, joins the threads, and takes them down again.
//!
//! ```text
//!  bind ──▶ rings ──▶ poll … until there is a list or the grace is over ──▶ listen, accept
//!                                                                              │ SIGTERM
//!  leave ◀── every reply sent, or the deadline ◀── take what is queued ◀───────┘ or another process has taken over:
//!                                                  leave it what is queued
//! ```

mod control;
mod crew;
mod descriptors;
mod door;
mod end;
mod error;
mod lookout;
mod pulse;
mod reception;
mod reload;
mod service;
mod succession;
mod teller;
#[cfg(test)]
mod tests;
mod waiting;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::census::Surveyor;
use crate::config::{Config, Provenance, RingFeature, SourceKind};
use crate::limits::TAKEOVER_STOP;
use crate::mailbox::{self, Mail};
use crate::metrics::Metrics;
use crate::poller::{Poller, view};
use crate::signal::{Hangups, Signals};
use crate::snapshot::Publisher;
use crate::stats::{Own, Questions, Terms};
use crate::worker::{self, Admission, Exit, Feature, Features, Inherited, Limits, Listeners, Setup};
use control::Running;
use crew::Crew;
use descriptors::{Shares, share_out};
use door::{Door, Turn};
use end::End;
use lookout::Lookout;
use pulse::Pulse;
use reception::Reception;
use reload::Reload;
use service::Service;
use succession::Succession;
use teller::{Phase, Teller};

pub use control::Control;
pub use descriptors::{Foreseen, TooFew, foresee};
pub use error::Error;
pub use reload::Again;

/// Serves until a signal, or until another process has taken over; on the sockets that were given to it, where they
/// fit. `given` is where what is in force was given. `ready` is called with the addresses, and with the admin address, once clients may come. With `again`, and where
/// `control` has caught it, SIGHUP has the configuration read once more.
pub fn run(
    mut control: Control,
    config: Config,
    given: Provenance,
    again: Option<Again>,
    inherited: Inherited,
    ready: impl FnOnce(&[SocketAddr], Option<SocketAddr>),
) -> Result<(), Error> {
    let begun = control.unless_told_to_leave("start", move || Daemon::begin(config, inherited))?;
    let daemon = match begun {
        Ok(daemon) => daemon?,
        Err(signal) => {
            tracing::info!(signal, "stopping before anything was served");
            return Ok(());
        }
    };
    let Running { runtime, signals, hangups } = control.run()?;
    runtime.block_on(daemon.run(signals, given, again.zip(hangups), ready))
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
    workers: usize,
    /// How many sockets were given to it.
    given: usize,
    shares: Shares,
    listeners: Listeners,
    succession: Succession,
}

impl Daemon {
    /// Asks for what there is to inherit, and binds. Blocks.
    fn begin(config: Config, mut inherited: Inherited) -> Result<Self, Error> {
        let workers = config.workers.unwrap_or_else(|| worker::cpus().len().max(1));
        let succession = Succession::begin(&config, &mut inherited).map_err(Error::Takeover)?;
        let given = inherited.len();
        let shares = share_out(&config, workers, given).map_err(Error::Descriptors)?;
        let listeners = worker::adopt(&config.listen, workers, inherited).map_err(Error::Bind)?;
        Ok(Self { config, workers, given, shares, listeners, succession })
    }

    async fn run(
        self,
        mut signals: Signals,
        given_at: Provenance,
        again: Option<(Again, Hangups)>,
        on_ready: impl FnOnce(&[SocketAddr], Option<SocketAddr>),
    ) -> Result<(), Error> {
        let Self { config, workers, given, shares, listeners, mut succession } = self;
        let Shares { connections_max, refused_max } = shares;
        let started = (SystemTime::now(), Instant::now());
        let mut reception =
            Reception::bind(config.admin, &config.listen, succession.is_taking_over()).await?;
        let again = again.map(|(Again { places, found, watch, dial }, hangups)| {
            (Lookout::new(places.clone(), found, watch, hangups), places, dial)
        });
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
            clients_tracked_max: share_of(config.clients_tracked_max, workers),
        };
        // The sockets are kept here too until they listen.
        let (reader, own_reader) = (publisher.reader(), publisher.reader());
        let service_reader = publisher.reader();
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
            started: started.1,
        };
        let mut tasks = JoinSet::new();
        let terms = watch::Sender::new(questioned(&config, connections_max, own));
        tasks.spawn_local(questions.answer(terms.subscribe()));
        let (ready, is_ready) = oneshot::channel();
        let configs = watch::Sender::new(Arc::new(config.clone()));
        let service = Service::begin(service_reader, configs.subscribe());
        let pulse = Rc::new(Pulse::new(crew.postboxes.clone()));
        tasks.spawn_local(service.clone().run(pulse.clone()));
        let (holds, is_held) = mpsc::channel(1);
        let (poller_config, counters, others) = (config.clone(), metrics.clone(), configs.subscribe());
        let before = succession.state.take();
        let view = view::Shared::default();
        let seen = view.clone();
        tasks.spawn_local(async move {
            let poller = Poller::open(&poller_config, before, publisher, counters, view).await;
            // Not among the tasks: its end is no fault.
            tokio::task::spawn_local(waiting::tell(poller.waits(), poller_config.startup_grace));
            poller.run(ready, is_held, others).await
        });
        let in_force = configs.subscribe();
        let turn = Turn::default();
        let provenance = Rc::new(RefCell::new(given_at));
        let phase = Rc::new(Cell::new(Phase::default()));
        let teller = Rc::new(Teller {
            started,
            phase: phase.clone(),
            view: seen.clone(),
            reader: RefCell::new(own_reader),
            door: door.clone(),
            metrics: metrics.clone(),
            features,
            terms: terms.subscribe(),
            configs: configs.subscribe(),
            provenance: provenance.clone(),
            pulse,
            surveyor: Mutex::new(Surveyor::new(crew.postboxes.clone(), metrics.clone())),
            digest: RefCell::default(),
        });
        reception.open(&teller, connections_max, &mut tasks);
        let mut reloading = Vec::new();
        if let Some((lookout, places, dial)) = again {
            let (finds, found) = mpsc::channel(1);
            let (door, turn, postboxes) = (door.clone(), turn.clone(), crew.postboxes.clone());
            let (config, metrics, service) = (config.clone(), metrics.clone(), service.clone());
            let lookout = lookout.run(finds, service.clone());
            let reload = Reload {
                places,
                dial,
                config,
                provenance,
                shares,
                workers,
                given,
                door,
                turn,
                postboxes,
                configs,
                terms,
                metrics,
                service,
                view: seen,
            };
            reloading.push(tasks.spawn_local(lookout));
            reloading.push(tasks.spawn_local(reload.run(found)));
        }

        tokio::select! {
            Ok(()) = is_ready => {}
            _ = tasks.join_next() => return Err(Error::ControlEnded),
            signal = signals.next() => {
                tracing::info!(signal, "stopping before anything was served");
                service.stopping("stopping before anything was served");
                return crew.dismiss();
            }
            outcome = crew.loss() => return Err(outcome),
            error = succession.withdrawn() => return Err(Error::Takeover(error)),
        }
        let taking_place = turn.lock().await;
        let addresses: Vec<_> = door.borrow().addresses().collect();
        // Before the running daemon is told to go: afterwards nobody would serve.
        door.borrow().listen().map_err(Error::Bind)?;
        succession.take_place(&addresses).await.map_err(Error::Takeover)?;
        door.borrow_mut().open();
        crew.tell(|| Mail::Serve);
        drop(taking_place);
        phase.set(Phase::Serving);
        reception.take_place().await;
        reception.open(&teller, connections_max, &mut tasks);
        // Who is told that this process is ready may start the next one at once.
        let heirs = succession.open(holds, turn, crew.postboxes.clone());
        let mut stage = heirs.stage();
        let mut next = pin!(heirs.next());
        let admin = reception.address();
        tracing::info!(
            mimikyu = env!("CARGO_PKG_VERSION"),
            listen = %joined(&addresses),
            admin = admin.map(tracing::field::display),
            // Clients may come, and are told that there is none.
            list = (!teller.has_list()).then(|| tracing::field::display("none")),
            workers,
            connections_max,
            ring = %features,
            sources = %joined(in_force.borrow().sources.iter().map(|source| &source.name)),
            "ready"
        );
        service.opened();
        on_ready(&addresses, admin);
        let heir = tokio::select! {
            signal = signals.next() => {
                tracing::info!(signal, "stopping: answering what was asked");
                None
            }
            heir = &mut next => Some(heir),
            _ = tasks.join_next() => return Err(Error::ControlEnded),
            outcome = crew.loss() => return Err(outcome),
        };
        service.stopping("answering what was asked");
        // Who leaves takes nothing over any more.
        reloading.iter().for_each(AbortHandle::abort);
        phase.set(Phase::Leaving);
        let end = match heir {
            Some(heir) => End::TakenOver(heir),
            None => tokio::select! {
                end = End::after_signal(next.as_mut(), &mut stage, TAKEOVER_STOP) => end,
                _ = signals.next() => return Err(Error::CutShort),
            },
        };
        match &end {
            End::TakenOver(heir) => {
                tracing::info!("taken over: answering what was asked");
                reception.leave().await;
                crew.leave_queues(&heir.successor.keeps, TAKEOVER_STOP).await;
                heir.successor.tell_stopped();
                succession.leave();
            }
            End::Left => {
                tracing::info!("new clients wait for the process that takes over, which is not ready yet");
                let addresses: Vec<_> = door.borrow().addresses().collect();
                reception.leave().await;
                crew.leave_queues(&addresses, TAKEOVER_STOP).await;
                succession.leave();
            }
            End::Alone => crew.tell(|| Mail::Drain),
        }
        tokio::select! {
            outcome = crew.gone() => outcome?,
            _ = signals.next() => return Err(Error::CutShort),
            () = end.tell_when_ready(next) => {}
        }
        tracing::info!(
            accepted = metrics.sum(|worker| &worker.accepted),
            refused = metrics.sum(|worker| &worker.refused),
            refused_per_ip = metrics.sum(|worker| &worker.refused_per_ip),
            not_allowed = metrics.sum(|worker| &worker.not_allowed),
            late_closed = metrics.sum(|worker| &worker.late_closed),
            idle_closed = metrics.sum(|worker| &worker.idle_closed),
            requests = metrics.requests(),
            errors = metrics.errors(),
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

/// What each worker gets of something that there is so much of in all, where there is any.
fn share_of(all: usize, workers: usize) -> usize {
    all.div_ceil(workers.max(1))
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
