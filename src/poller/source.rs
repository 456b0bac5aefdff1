//! One source's last good answer, and whether a new one takes its place. Pure.

use std::collections::HashSet;
use std::time::Duration;

pub use super::event::{Event, Failure};
pub use super::silence::Carried;
use super::silence::Silence;
use crate::cluster::{Cluster, Node, Version};
use crate::config::Share;
use crate::limits::STALE_POLLS;
use crate::upstream::Answer;

/// How a source is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It has not been asked yet.
    Waiting,
    /// Its last answer was taken.
    Fresh,
    /// Its last answer is older than, or contradicts, the one that is held.
    Stale,
    /// Its last answer lacks too many of the nodes of the one that is held.
    Shrunk,
    /// It gave no answer that could be taken.
    Failing,
}

/// What the configuration says of a source's answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms {
    /// The largest share of its nodes that one answer may remove.
    pub max_shrink: Share,
    /// How long it may be silent before its nodes are taken off the list; `None` is for ever.
    pub drop_after: Option<Duration>,
}

/// Why an answer is not taken at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// It is not newer than the one that is held.
    NotNewer,
    /// It lacks this many of so many nodes, which is more than one answer may remove.
    Shrinks { removed: usize, of: usize },
}

/// What is known of one source.
///
/// Invariants: `last` is never empty and is replaced only by a newer good answer that keeps enough of its nodes, or
/// by one that was seen [`STALE_POLLS`] times in a row; `doubted` is an answer that was seen fewer times than that.
#[derive(Debug, Clone)]
pub struct Source {
    max_shrink: Share,
    last: Option<Cluster>,
    /// Counts the changes of `last` and of what else is to be remembered.
    revision: u64,
    doubted: Option<(Cluster, u32)>,
    health: Health,
    trouble: bool,
    since: Duration,
    silence: Silence,
    /// Whether `last` is an answer of another place, which stands in until this source's own has come.
    is_stand_in: bool,
}

impl Source {
    /// A source whose last good answer may be known from before the start, and its silence since then.
    pub fn new(terms: Terms, last: Option<Cluster>, carried: Option<Carried>) -> Self {
        Self {
            max_shrink: terms.max_shrink,
            last,
            revision: 0,
            doubted: None,
            health: Health::Waiting,
            trouble: false,
            since: Duration::ZERO,
            silence: Silence::new(terms.drop_after, carried),
            is_stand_in: false,
        }
    }

    /// A source that nothing is known of, from `now` on.
    pub fn arriving(terms: Terms, now: Duration) -> Self {
        let mut arriving = Self::new(terms, None, None);
        arriving.since = now;
        arriving.silence.end(now);
        arriving
    }

    /// It goes on under other terms.
    pub fn renew(&mut self, terms: Terms) {
        self.max_shrink = terms.max_shrink;
        self.silence.renew(terms.drop_after);
    }

    /// A source that takes the place of this one at `now`: the list of this one stands in for its own until that has
    /// come, however old, short or different it is. Nodes that were off the list stay off it.
    pub fn replacement(&self, terms: Terms, now: Duration) -> Self {
        let last = self.last.clone().filter(|_| !self.is_dropped());
        let is_stand_in = last.is_some();
        Self { last, is_stand_in, ..Self::arriving(terms, now) }
    }

    /// Whether its last good answer is that of the source whose place it took.
    pub fn is_stand_in(&self) -> bool {
        self.is_stand_in
    }

    /// The last good answer.
    pub fn last(&self) -> Option<&Cluster> {
        self.last.as_ref()
    }

    /// Another number for every change of what a restart has to know of it: [`Source::last`], [`Source::carried`].
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How it is doing.
    pub fn health(&self) -> Health {
        self.health
    }

    /// Whether its nodes are off the list for its silence.
    pub fn is_dropped(&self) -> bool {
        self.silence.is_dropped()
    }

    /// How long it had been silent before the start, where that is known and it has not been heard since.
    pub fn silent_before_start(&self) -> Option<Duration> {
        self.silence.before_start()
    }

    /// Its silence, as far as a restart has to know of it.
    pub fn carried(&self, now: Duration) -> Option<Carried> {
        self.silence.carried(now)
    }

    /// Whether its last poll brought a list, if only one that is doubted.
    pub fn is_answering(&self) -> bool {
        matches!(self.health, Health::Fresh | Health::Stale | Health::Shrunk)
    }

    /// Takes note of whether another source answered during its last failure.
    pub fn witness(&mut self, by_another: bool) {
        self.silence.witness(by_another);
    }

    /// Takes its nodes off the list if it has been silent for too long; not while no other source answers.
    pub fn give_up(&mut self, now: Duration, is_another_answering: bool) -> Option<Event> {
        let after = self.silence.lasting(now);
        if self.last.is_none() || !self.silence.is_overdue(now) {
            None
        } else if !is_another_answering {
            self.silence.spare_nodes().then_some(Event::Spared { after })
        } else if self.silence.is_its_own() {
            self.silence.drop_nodes();
            self.revision += 1;
            Some(Event::Dropped { after })
        } else {
            None
        }
    }

    /// Takes note of a poll's outcome, at `now` since the start.
    pub fn observe(&mut self, outcome: Result<Answer, Failure>, now: Duration) -> Vec<Event> {
        match outcome {
            Err(failure) => {
                self.doubted = None;
                self.revision += u64::from(self.silence.go_on());
                self.turn(Health::Failing, now).map(|_| Event::Fails(failure)).into_iter().collect()
            }
            Ok(Answer::Unversioned { nodes, trouble }) => {
                let counted = self.count(nodes);
                let events = self.weigh(counted, now);
                events.into_iter().chain(self.note(trouble)).collect()
            }
            Ok(Answer::Versioned { cluster, filled: None, .. }) => self.weigh(cluster, now),
            Ok(Answer::Versioned { cluster, filled: Some(nodes), trouble }) => {
                let filled = self.fill(&cluster, nodes);
                // An ip that was found out is no other answer, and needs no other version.
                if self.last.as_ref().is_some_and(|last| is_filled(last, &cluster)) {
                    self.hold(filled.clone());
                }
                let events = self.weigh(filled, now);
                events.into_iter().chain(self.note(trouble)).collect()
            }
        }
    }

    /// The list with the ips that were found out; one that was not keeps what was known of it.
    fn fill(&self, cluster: &Cluster, mut nodes: Vec<Node>) -> Cluster {
        let last = self.last.as_ref().map_or(&[][..], |last| &last.nodes);
        for node in nodes.iter_mut().filter(|node| node.ip.is_empty()) {
            if let Some(known) = last.iter().find(|known| known.identity() == node.identity()) {
                node.ip = known.ip.clone();
            }
        }
        Cluster { version: cluster.version, nodes }
    }

    /// Takes note of what could not be found out; says when that begins and when it ends.
    fn note(&mut self, trouble: Option<String>) -> Option<Event> {
        let was_trouble = std::mem::replace(&mut self.trouble, trouble.is_some());
        match trouble {
            Some(what) if !was_trouble => Some(Event::Trouble(what)),
            None if was_trouble => Some(Event::TroubleOver),
            _ => None,
        }
    }

    fn hold(&mut self, cluster: Cluster) {
        if self.last.as_ref() != Some(&cluster) {
            self.last = Some(cluster);
            self.revision += 1;
        }
    }

    /// A list without a version: its version is the count of its changes.
    fn count(&self, nodes: Vec<Node>) -> Cluster {
        let version = match &self.last {
            Some(last) if last.nodes == nodes => last.version,
            Some(last) => last.version.next(),
            None => Version::FIRST,
        };
        Cluster { version, nodes }
    }

    /// Takes a list, unless there is a reason to doubt it and it was not seen often enough.
    fn weigh(&mut self, cluster: Cluster, now: Duration) -> Vec<Event> {
        self.revision += u64::from(self.silence.end(now));
        let before = self.doubted.take();
        let Some(doubt) = self.doubt(&cluster) else {
            let answers = self.turn(Health::Fresh, now).map(|after| Event::Answers { after });
            return answers.into_iter().chain(self.accept(cluster)).collect();
        };
        // A list that only shrinks is the same under a newer version: an upstream's may rise with every poll.
        let is_same = |before: &Cluster| match doubt {
            Doubt::NotNewer => *before == cluster,
            Doubt::Shrinks { .. } => before.nodes == cluster.nodes,
        };
        let seen = 1 + before.map_or(0, |(before, seen)| if is_same(&before) { seen } else { 0 });
        if seen >= STALE_POLLS {
            let from = self.last.as_ref().map_or(cluster.version, |last| last.version);
            let event = match doubt {
                Doubt::NotNewer => Event::Rewound { from, to: cluster.version },
                Doubt::Shrinks { removed, of } => Event::Shrank { removed, of },
            };
            self.turn(Health::Fresh, now);
            return [event].into_iter().chain(self.accept(cluster)).collect();
        }
        let (health, event) = match doubt {
            Doubt::NotNewer => (Health::Stale, Event::Stale(cluster.version)),
            Doubt::Shrinks { removed, of } => (Health::Shrunk, Event::Shrinks { removed, of }),
        };
        self.doubted = Some((cluster, seen));
        self.turn(health, now).map(|_| event).into_iter().collect()
    }

    /// Why a list should not be taken at once, if there is a reason.
    fn doubt(&self, cluster: &Cluster) -> Option<Doubt> {
        let last = self.last.as_ref().filter(|last| *last != cluster && !self.is_stand_in)?;
        if last.version >= cluster.version {
            return Some(Doubt::NotNewer);
        }
        let (removed, of) = removal(&last.nodes, &cluster.nodes);
        // Of what is off the list already nothing can be removed.
        (!self.is_dropped() && !self.max_shrink.allows(removed, of)).then_some(Doubt::Shrinks { removed, of })
    }

    /// Holds a list; its nodes are listed from now on, whatever they were before.
    fn accept(&mut self, cluster: Cluster) -> Option<Event> {
        self.hold(cluster);
        // A restart may know it from now on.
        self.revision += u64::from(std::mem::take(&mut self.is_stand_in));
        let returns = self.silence.list_nodes();
        self.revision += u64::from(returns);
        returns.then_some(Event::Returns)
    }

    /// Changes the health. Some if it changed, with how long it had been bad.
    fn turn(&mut self, health: Health, now: Duration) -> Option<Option<Duration>> {
        if self.health == health {
            return None;
        }
        let was_bad = matches!(self.health, Health::Failing | Health::Stale | Health::Shrunk);
        let after = was_bad.then(|| now.saturating_sub(self.since));
        self.health = health;
        self.since = now;
        Some(after)
    }
}

/// How many of a list's nodes are missing in another, and how many it has.
fn removal(before: &[Node], after: &[Node]) -> (usize, usize) {
    let before: HashSet<_> = before.iter().map(Node::identity).collect();
    let after: HashSet<_> = after.iter().map(Node::identity).collect();
    (before.difference(&after).count(), before.len())
}

/// Whether `held` is the list that came, but for ips that it came without.
fn is_filled(held: &Cluster, came: &Cluster) -> bool {
    let same = |(held, came): (&Node, &Node)| {
        held.identity() == came.identity() && (held.ip == came.ip || came.ip.is_empty())
    };
    held.version == came.version
        && held.nodes.len() == came.nodes.len()
        && held.nodes.iter().zip(&came.nodes).all(same)
}

#[cfg(test)]
mod tests;
