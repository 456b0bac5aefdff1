//! The loop that asks the sources, merges what they say, saves and publishes it.
//!
//! ```text
//!  a task a source:   ask ──▶ report ──▶ wait (poll interval, or longer after a failure) ──▶ ask …
//!                                │
//!                                ▼
//!  one task:                  ledger ──▶ save (bounded wait) ──▶ publish ──▶ log
//! ```
//!
//! The sources know nothing of each other: one that hangs delays none. The decisions are pure and in
//! [`source`], [`silence`], [`ledger`], [`rollout`], [`memory`], [`renewal`], [`doubts`], [`backoff`], [`hit_rate`] and
//! [`turns`]; what operators are told is kept ready in [`view`], [`chronicle`] and [`troubles`].

pub mod backoff;
pub mod chronicle;
pub mod doubts;
pub mod event;
pub mod hit_rate;
pub mod ledger;
pub mod memory;
pub mod renewal;
pub mod rollout;
pub mod silence;
pub mod source;
pub mod troubles;
pub mod turns;
pub mod view;

mod advance;
mod announce;
mod ask;
mod guard;
mod hold;
mod renew;
mod show;
mod tell;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot, watch};

use crate::cluster::{Cluster, Node};
use crate::config::{self, Config, SourceKind};
use crate::limits::LOAD_WAIT;
use crate::lint;
use crate::metrics::Metrics;
use crate::offload::offload;
use crate::protocol::payload;
use crate::snapshot::Publisher;
use crate::state::{self, Claim, Opened, Saver, State};
use announce::{Announcement, announce};
use ask::{Askers, Pace, Report};
use doubts::Doubts;
use ledger::{Ledger, Observed, Publication};

pub use hold::Hold;

/// Keeps what is served up to date.
#[derive(Debug)]
pub struct Poller {
    sources: Vec<config::Source>,
    askers: Askers,
    pace: watch::Sender<Pace>,
    /// How long first answers are waited for, and since when.
    grace: Duration,
    waiting_since: Instant,
    ledger: Ledger,
    /// What can be served before any source was asked.
    first: Option<Publication>,
    /// The sources whose first answer keeps clients out; empty once they are let in.
    waits: watch::Sender<Vec<String>>,
    /// The list of the run before.
    last: Option<Cluster>,
    /// Where that is from, in a sentence.
    why: &'static str,
    doubts: Doubts,
    saver: Saver,
    publisher: Publisher,
    /// Where each source that is an endpoint has been looked for; `None` before its first poll. No list is stored
    /// there: what an endpoint's own key holds is its cluster's list.
    endpoints: Vec<Option<HashSet<SocketAddr>>>,
    /// What nodes are to hold, where any are to.
    announcement: watch::Sender<Announcement>,
    /// Whether there is a task that has them hold it.
    is_announcing: bool,
    metrics: Metrics,
    view: view::Shared,
    started: Instant,
    /// What was told of the rollout last.
    told: Option<advance::Told>,
    /// When the clock was looked at last for a rollout, since 1970.
    looked: Duration,
    /// Which nodes are asked for their hits, and what they say.
    guard: watch::Sender<guard::Wanted>,
    hit_rate: watch::Receiver<Option<guard::Seen>>,
    /// For the task that asks them, until there is one.
    hit_rates: Option<watch::Sender<Option<guard::Seen>>>,
}

impl Poller {
    /// A poller that goes on from what the process before this one has handed over, else from the state file, where
    /// there is one.
    pub async fn open(
        config: &Config,
        handed_over: Option<State>,
        publisher: Publisher,
        metrics: Metrics,
        view: view::Shared,
    ) -> Self {
        let started = Instant::now();
        let (state, mut saver) = match &config.state {
            Some(path) => remembered(path).await,
            None => {
                tell::forgetful();
                Default::default()
            }
        };
        let why = if handed_over.is_some() { show::TAKEN_OVER } else { show::RESTORED };
        let state = match handed_over {
            Some(handed_over) => {
                saver.save(handed_over.clone()).await;
                handed_over
            }
            None => state,
        };
        let (ledger, first) = memory::recall(config, &state, wall());
        let pace = watch::Sender::new(Pace::of(config));
        let (hit_rates, hit_rate) = watch::channel(None);
        let poller = Self {
            first,
            waits: watch::Sender::default(),
            last: state.served,
            why,
            sources: config.sources.clone(),
            askers: Askers::new(pace.subscribe()),
            pace,
            grace: config.startup_grace,
            waiting_since: started,
            ledger,
            doubts: Doubts::default(),
            saver,
            publisher,
            endpoints: vec![None; config.sources.len()],
            announcement: watch::Sender::default(),
            is_announcing: false,
            metrics,
            view,
            started,
            told: None,
            looked: wall(),
            guard: watch::Sender::default(),
            hit_rate,
            hit_rates: Some(hit_rates),
        };
        poller.tell_who_is_waited_for(true);
        poller
    }

    /// The sources whose first answer keeps clients out; empty once they are let in.
    pub fn waits(&self) -> watch::Receiver<Vec<String>> {
        self.waits.subscribe()
    }

    fn tell_who_is_waited_for(&self, is_shut: bool) {
        let names = match is_shut && !self.ledger.is_ready() {
            true => self.missing().into_iter().map(str::to_owned).collect(),
            false => Vec::new(),
        };
        self.waits.send_if_modified(|told| {
            let is_news = *told != names;
            *told = names;
            is_news
        });
    }

    /// Polls for ever; that it ends is a fault. `ready` is told once clients may be let in: when there is a
    /// list, or the grace is over. Another configuration is taken over when there is one. While it is held it does
    /// nothing.
    pub async fn run(
        mut self,
        ready: oneshot::Sender<()>,
        mut holds: mpsc::Receiver<Hold>,
        mut configs: watch::Receiver<Arc<Config>>,
    ) {
        let mut ready = Some(ready);
        self.begin().await;
        for (index, source) in self.sources.iter().enumerate() {
            self.askers.start(source, self.ledger.sources()[index].last());
        }
        self.show_sources(&[]);
        self.announce_if_wanted();
        let grace = tokio::time::sleep(self.grace);
        tokio::pin!(grace);
        // Not made anew at every turn: reports would put it off for ever.
        let step = tokio::time::sleep_until(self.next_step());
        tokio::pin!(step);
        loop {
            self.tell_who_is_waited_for(ready.is_some());
            self.show_state_file();
            self.guard_if_wanted();
            self.tell_rollout();
            if let Some(ready) = ready.take_if(|_| self.ledger.is_ready()) {
                // Nobody listens only when the daemon is leaving already.
                let _ = ready.send(());
            }
            tokio::select! {
                report = self.askers.report() => match report {
                    Some(report) => self.take(report).await,
                    // A task has panicked. The rest must not go on as if the source were only slow.
                    None => return,
                },
                Some(hold) = holds.recv() => self.hold(hold).await,
                Ok(()) = self.hit_rate.changed() => self.note_hit_rate(),
                () = &mut step, if self.ledger.rollout().is_some() => {
                    self.step().await;
                    step.as_mut().reset(self.next_step());
                }
                () = &mut grace, if !self.ledger.is_settled() => {
                    let publication = self.ledger.end_grace();
                    if let Some(publication) = publication {
                        let why = show::without(&self.missing());
                        self.publish(publication, why).await;
                    } else if !self.ledger.is_published() {
                        tell::nothing_to_serve(&self.missing());
                    } else {
                        self.tell_what_is_missing();
                    }
                }
                Ok(()) = configs.changed() => {
                    let config = configs.borrow_and_update().clone();
                    self.renew(&config).await;
                    let deadline = self.waiting_since + self.grace;
                    grace.as_mut().reset(deadline.into());
                    step.as_mut().reset(self.next_step());
                }
            }
        }
    }

    /// Serves what is known from before the start: the last list as it was, or the one that follows from the last
    /// answers under another configuration.
    async fn begin(&mut self) {
        match self.first.take() {
            Some(Publication { cluster, .. }) if self.last.as_ref() == Some(&cluster) => {
                tell::restored(&cluster);
                self.doubt(&cluster);
                self.show_restored(&cluster);
                self.publisher.publish(cluster);
                self.announce();
            }
            Some(publication) => {
                self.publish(publication, format!("{}, with another configuration", self.why)).await
            }
            None => {}
        }
    }

    /// The sources that have never answered.
    fn missing(&self) -> Vec<&str> {
        let known = self.ledger.sources().iter().map(|source| source.last().is_some());
        let names = self.sources.iter().map(|source| source.name.as_str());
        names.zip(known).filter(|(_, known)| !known).map(|(name, _)| name).collect()
    }

    async fn take(&mut self, Report { asker, outcome, address, places }: Report) {
        // Of a source that has gone since, nobody wants to know.
        let Some(source) = self.askers.place(asker) else { return };
        let name = &self.sources[source].name;
        let failure = outcome.as_ref().err().map(|failure| failure.what.clone());
        let observed = self.ledger.observe(source, outcome, self.started.elapsed());
        let Observed { events, publication, is_news } = observed;
        let why = self.show_poll(source, failure, &events, address);
        let held = &self.ledger.sources()[source];
        for event in events {
            tell::event(name, event, held, address);
        }
        // The first look for an endpoint lets go what was held back for it, also where it led nowhere.
        let is_first = self.endpoints[source].is_none();
        let known = self.endpoints[source].get_or_insert_default();
        let places_before = known.len();
        known.extend(places);
        if (is_first || known.len() != places_before) && publication.is_none() {
            self.announce();
        }
        match publication {
            Some(publication) => self.publish(publication, why).await,
            None if is_news => {
                self.view.borrow_mut().attribute(&self.ledger);
                self.saver.save(self.state()).await;
            }
            None => self.saver.retry().await,
        }
    }

    /// Saves first: a version that was served must not be served again with another list after a crash.
    async fn publish(&mut self, Publication { cluster, change }: Publication, why: String) {
        self.saver.save(self.state()).await;
        tell::published(&cluster, &change);
        self.doubt(&cluster);
        self.show_list(&cluster, &change, why);
        self.publisher.publish(cluster);
        self.announce();
    }

    /// Says which clients a list hurts, unless that was said of the one before.
    fn doubt(&mut self, cluster: &Cluster) {
        let news = self.doubts.observe(lint::served(cluster));
        tell::doubts(cluster, news, self.doubts.findings());
        self.show_doubts();
    }

    /// Starts the task that has nodes hold the list, once there are any.
    fn announce_if_wanted(&mut self) {
        if !self.is_announcing && self.sources.iter().any(|source| source.publish) {
            self.is_announcing = true;
            let wanted = self.announcement.subscribe();
            let (pace, metrics, view) = (self.pace.subscribe(), self.metrics.clone(), self.view.clone());
            self.askers.spawn(announce(wanted, pace, metrics, view));
        }
    }

    /// Has the nodes of the sources that want it keep what is served. Not before every endpoint has been looked for
    /// once: one of these nodes may be one of them.
    fn announce(&self) {
        let looked_for = |(source, places): (&config::Source, &Option<_>)| {
            places.is_some() || !matches!(source.kind, SourceKind::Endpoint(_))
        };
        let served = self.ledger.served().filter(|_| self.ledger.is_published());
        let Some(cluster) = served.filter(|_| self.sources.iter().zip(&self.endpoints).all(looked_for))
        else {
            return;
        };
        let is_endpoint = |node: &&Node| {
            self.sources.iter().any(|source| match &source.kind {
                SourceKind::Endpoint(target) => *node.host == *target.host && node.port == target.port,
                SourceKind::Static(_) | SourceKind::Dns(_) => false,
            })
        };
        let sources = self.sources.iter().zip(self.ledger.sources());
        let lists = sources.filter(|(source, _)| source.publish).filter_map(|(_, known)| known.last());
        let nodes = lists.flat_map(|last| &last.nodes).filter(|node| !is_endpoint(node));
        let mut nodes: Vec<_> = nodes.filter_map(announce::address).collect();
        let mut seen: HashSet<_> = self.endpoints.iter().flatten().flatten().copied().collect();
        nodes.retain(|node| seen.insert(*node));
        let payload = payload::encode(cluster).into();
        self.announcement.send_replace(Announcement { payload, nodes });
    }

    fn state(&self) -> State {
        memory::remember(&self.sources, &self.ledger, self.started.elapsed(), wall())
    }
}

/// The time since 1970, by a clock that may be set.
fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// What the state file remembers, and who keeps it up to date; where that is nothing, it says so and goes on.
async fn remembered(path: &Path) -> (State, Saver) {
    let opened = {
        let path = path.to_path_buf();
        offload("state", move || state::open(&path))
    };
    let opened = match opened {
        Ok(opened) => tokio::time::timeout(LOAD_WAIT, opened).await.ok().and_then(Result::ok),
        Err(_) => None,
    };
    let Some(Opened { path, state, claim }) = opened else {
        let state = path.display().to_string();
        tracing::warn!(state, "the state file can't be read in time: starting without a last known list");
        // What it holds may be newer than what would be written.
        return (State::default(), Saver::new(path.into(), Claim::Refused));
    };
    let state = state.unwrap_or_else(|error| {
        tracing::warn!("{error}; starting without a last known list");
        State::default()
    });
    (state, Saver::new(path, claim))
}
