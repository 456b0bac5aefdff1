//! What an operator sees of the sources and of the list, kept ready. Pure.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::chronicle::{Chronicle, Held};
use super::event::Event;
use super::ledger::Ledger;
use super::renewal::Origin;
use super::source::{Health, Source};
use super::troubles::Troubles;
use crate::cluster::Node;
use crate::config;
use crate::limits::SOURCES_MAX;
use crate::status::{self, Fault, History, Rollout, RolloutPlan, State, Trouble};

/// The view that the poller keeps up to date, for who looks at it on the same thread.
pub type Shared = Rc<RefCell<View>>;

/// When a source is asked next; none while it is being asked.
pub type NextPoll = Rc<Cell<Option<Instant>>>;

/// The view.
#[derive(Debug, Default)]
pub struct View {
    sources: Vec<Watched>,
    /// For each node of the list, in its order, a bit for each source that has it.
    owners: Vec<u64>,
    since: Option<String>,
    chronicle: Chronicle,
    troubles: Troubles,
    /// Empty where none is configured.
    rollout: RolloutPlan,
}

/// A bit for each source.
const _: () = assert!(SOURCES_MAX <= u64::BITS as usize);

/// A source as it is seen.
#[derive(Debug)]
struct Watched {
    name: String,
    kind: &'static str,
    target: String,
    record: Record,
    next_poll: NextPoll,
}

/// What polls of a source led to in this run; `good_at` may be of before it.
#[derive(Debug, Clone)]
struct Record {
    state: State,
    since: Instant,
    version: Option<u32>,
    nodes: usize,
    is_stand_in: bool,
    good_at: Option<Instant>,
    fault: Option<(String, Instant)>,
    address: Option<SocketAddr>,
    good: u64,
    doubted: u64,
    failed: u64,
}

impl View {
    /// The sources are these, from `now` on; each with where it comes from, which is nowhere at the start.
    pub fn renew(
        &mut self,
        sources: &[config::Source],
        origins: &[Origin],
        ledger: &Ledger,
        next_polls: impl Iterator<Item = NextPoll>,
        now: Instant,
    ) {
        let before = std::mem::take(&mut self.sources);
        let watched =
            |((source, next_poll), (at, known)): ((&config::Source, NextPoll), (usize, &Source))| {
                let kept = match origins.get(at) {
                    Some(&Origin::Kept(index)) => before.get(index).map(|watched| watched.record.clone()),
                    _ => None,
                };
                let mut record = kept.unwrap_or_else(|| Record::new(known, now));
                record.refresh(known, now);
                let (name, kind, target) = (source.name.clone(), source.kind_name(), source.target());
                Watched { name, kind, target, record, next_poll }
            };
        let sources = sources.iter().zip(next_polls).zip(ledger.sources().iter().enumerate());
        self.sources = sources.map(watched).collect();
        self.attribute(ledger);
    }

    /// Takes note of a poll at `now`, after which the source is `known` so. `failure` is why it failed, if it did.
    pub fn polled(&mut self, source: usize, known: &Source, poll: Poll, now: Instant) {
        if let Some(watched) = self.sources.get_mut(source) {
            watched.record.polled(known, poll, now);
        }
    }

    /// Takes note of which sources have which nodes of the list.
    pub fn attribute(&mut self, ledger: &Ledger) {
        let mut owners: HashMap<_, u64> = HashMap::new();
        for (index, cluster) in ledger.listed() {
            for node in &cluster.nodes {
                *owners.entry(node.identity()).or_default() |= 1 << index;
            }
        }
        let owner = |node: &Node| owners.get(&node.identity()).copied().unwrap_or_default();
        self.owners = ledger.served().map_or(&[][..], |list| &list.nodes).iter().map(owner).collect();
    }

    /// Takes note of since when the list is served; none where it was so before the start.
    pub fn serve_since(&mut self, since: Option<String>) {
        self.since = since;
    }

    /// What has changed.
    pub fn chronicle(&mut self) -> &mut Chronicle {
        &mut self.chronicle
    }

    /// What is wrong with the whole.
    pub fn troubles(&mut self) -> &mut Troubles {
        &mut self.troubles
    }

    /// What is wrong with the whole, the worst first.
    pub fn known_troubles(&self) -> Vec<Trouble> {
        self.troubles.told()
    }

    /// The rollout is so from now on.
    pub fn show_rollout(&mut self, plan: RolloutPlan) {
        self.rollout = plan;
    }

    /// The rollout with every step, which may be as many as there are nodes.
    pub fn rollout(&self) -> RolloutPlan {
        self.rollout.clone()
    }

    /// How far the rollout is.
    pub fn rollout_so_far(&self) -> Option<Rollout> {
        self.rollout.rollout.clone()
    }

    /// What was held of a source when it was polled last.
    pub fn held(&self, source: usize) -> Held {
        match self.sources.get(source).map(|watched| &watched.record) {
            Some(record) if record.is_stand_in => Held::StandIn,
            Some(record) if record.version.is_some() => Held::Own,
            _ => Held::Nothing,
        }
    }

    /// The last changes.
    pub fn history(&self) -> History {
        self.chronicle.history()
    }

    /// Since when the list is served.
    pub fn since(&self) -> Option<String> {
        self.since.clone()
    }

    /// The sources that have never answered.
    pub fn missing(&self) -> Vec<&str> {
        let missing = self.sources.iter().filter(|watched| watched.record.version.is_none());
        missing.map(|watched| watched.name.as_str()).collect()
    }

    /// Which sources have the node at this place of the list.
    pub fn owners(&self, place: usize) -> Vec<String> {
        let bits = self.owners.get(place).copied().unwrap_or_default();
        let has = |(index, _): &(usize, &Watched)| bits & (1 << index) != 0;
        self.sources.iter().enumerate().filter(has).map(|(_, watched)| watched.name.clone()).collect()
    }

    /// The sources as they are `now`.
    pub fn sources(&self, now: Instant) -> Vec<status::Source> {
        self.sources.iter().map(|watched| watched.status(now)).collect()
    }
}

/// What there is to say of a poll.
#[derive(Debug, Default)]
pub struct Poll {
    /// What was wrong, where that is something new.
    pub fault: Option<String>,
    /// Who answered.
    pub address: Option<SocketAddr>,
}

impl Poll {
    /// What was wrong: the failure, or else what became of the source for the first time.
    pub fn new(failure: Option<String>, events: &[Event], address: Option<SocketAddr>) -> Self {
        let told = || {
            events.iter().find_map(|event| match event {
                Event::Fails(failure) => Some(failure.what.clone()),
                Event::Stale(version) => Some(format!(
                    "it answers version {}, which is not newer than the one that is held",
                    version.number()
                )),
                Event::Shrinks { removed, of } => {
                    Some(format!("it answers a list that lacks {removed} of {of} nodes, which is held back"))
                }
                Event::Trouble(what) => Some(what.clone()),
                _ => None,
            })
        };
        Self { fault: failure.or_else(told), address }
    }
}

impl Record {
    /// Nothing is known of this run, but perhaps when the source was heard last before it.
    fn new(known: &Source, now: Instant) -> Self {
        Self {
            state: State::Waiting,
            since: now,
            version: None,
            nodes: 0,
            is_stand_in: false,
            good_at: known.silent_before_start().and_then(|lasting| now.checked_sub(lasting)),
            fault: None,
            address: None,
            good: 0,
            doubted: 0,
            failed: 0,
        }
    }

    fn polled(&mut self, known: &Source, Poll { fault, address }: Poll, now: Instant) {
        match known.health() {
            Health::Waiting => {}
            Health::Fresh => {
                self.good += 1;
                self.good_at = Some(now);
            }
            Health::Stale | Health::Shrunk => self.doubted += 1,
            Health::Failing => self.failed += 1,
        }
        if let Some(what) = fault {
            self.fault = Some((what, now));
        } else if known.health() != Health::Fresh {
            // As before.
            self.fault.iter_mut().for_each(|(_, at)| *at = now);
        }
        self.address = address.or(self.address);
        self.refresh(known, now);
    }

    fn refresh(&mut self, known: &Source, now: Instant) {
        let state = match known.health() {
            _ if known.is_dropped() => State::Dropped,
            Health::Waiting => State::Waiting,
            Health::Fresh => State::Fresh,
            Health::Stale => State::Stale,
            Health::Shrunk => State::Shrunk,
            Health::Failing => State::Failing,
        };
        if self.state != state {
            (self.state, self.since) = (state, now);
        }
        self.version = known.last().map(|last| last.version.number());
        self.nodes = known.last().map_or(0, |last| last.nodes.len());
        self.is_stand_in = known.is_stand_in();
    }
}

impl Watched {
    fn status(&self, now: Instant) -> status::Source {
        let age = |at: Instant| seconds(now.saturating_duration_since(at));
        let Record { state, since, version, nodes, is_stand_in, good, doubted, failed, .. } = self.record;
        let fault = self.record.fault.clone();
        let next_poll = self.next_poll.get().map(|next| seconds(next.saturating_duration_since(now)));
        status::Source {
            name: self.name.clone(),
            kind: self.kind.into(),
            target: self.target.clone(),
            state,
            state_age: age(since),
            version,
            nodes,
            is_stand_in,
            last_good_age: self.record.good_at.map(age),
            last_error: fault.map(|(what, at)| Fault { what, age: age(at) }),
            next_poll,
            address: self.record.address,
            polls_good: good,
            polls_doubted: doubted,
            polls_failed: failed,
        }
    }
}

/// Seconds, with milliseconds and no more: ages are for people too.
pub fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests;
