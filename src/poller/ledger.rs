//! What every source said last, and the list that follows from it. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use super::renewal::Origin;
use super::rollout::{Plan, Rollout};
use super::source::{Event, Failure, Source, Terms};
use crate::cluster::{Change, Cluster, Served, merge};
use crate::config::Require;
use crate::upstream::Answer;

/// Lists of ours that are known again after others have taken their place.
const FORMER_MAX: usize = 8;

/// What is settled by the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Whether a list without every source's nodes may be served.
    pub require: Require,
    /// Added to the sum of the upstreams' versions.
    pub version_base: u32,
}

/// A list to serve from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The list and its version.
    pub cluster: Cluster,
    /// What is different from the one before, which may be one of before the start.
    pub change: Change,
}

/// What a poll led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// What is worth a line in the log.
    pub events: Vec<Event>,
    /// The list to serve from now on, if it is another one.
    pub publication: Option<Publication>,
    /// Whether a restart has to know something else than before.
    pub is_news: bool,
}

/// The sources and the list.
///
/// Invariants: what is served never gets an older version, and never changes because a source failed, but where the
/// configuration says to drop one that has been silent for too long; then another one answers, whose nodes stay.
/// Before `settled`, no list is made of what only some of the sources answered.
#[derive(Debug, Clone)]
pub struct Ledger {
    rules: Rules,
    sources: Vec<Source>,
    /// The last list, served in this run or the one before.
    served: Option<Served>,
    /// Lists served before it: a poll under way when the list changed may still bring one.
    former: VecDeque<Cluster>,
    /// Whether `served` has been served in this run.
    published: bool,
    /// Whether every source has answered, or the grace is over.
    settled: bool,
    /// The migration in steps, if one is configured.
    rollout: Option<Rollout>,
}

impl Ledger {
    /// A ledger of what is remembered from before the start, with its rollout, and the list to serve at once, if any.
    ///
    /// Where every source's answer is remembered, the list is made of these. Where one is missing, the last
    /// list is served as it was, until every source has answered or the grace is over; unless every
    /// source is required.
    pub fn new(
        rules: Rules,
        sources: Vec<Source>,
        last: Option<Cluster>,
        rollout: Option<Rollout>,
    ) -> (Self, Option<Publication>) {
        let (served, former) = (last.map(Served), VecDeque::new());
        let mut ledger = Self { rules, sources, served, former, published: false, settled: false, rollout };
        let publication = match &ledger.served {
            _ if ledger.is_complete() => ledger.derive(),
            Some(Served(last)) if rules.require == Require::Any => {
                ledger.published = true;
                Some(Publication { cluster: last.clone(), change: Change::default() })
            }
            _ => None,
        };
        (ledger, publication)
    }

    /// Takes note of the outcome of a poll, at `now` since the start.
    pub fn observe(&mut self, source: usize, outcome: Result<Answer, Failure>, now: Duration) -> Observed {
        let outcome = match outcome {
            Ok(Answer::Versioned { ref cluster, .. }) if self.is_own(cluster) => Err(Failure {
                what: "it answers the very list that is served here: it leads back to this program".into(),
                ..Failure::default()
            }),
            outcome => outcome,
        };
        let before = self.sources[source].revision();
        let mut events = self.sources[source].observe(outcome, now);
        events.extend(self.give_up(source, now));
        let is_news = self.sources[source].revision() != before;
        let publication = if is_news { self.derive() } else { None };
        Observed { events, publication, is_news }
    }

    /// Takes the nodes of a source off the list that has been silent for too long, unless no other one
    /// answers: then the fault may be ours, and what is known is better than nothing.
    fn give_up(&mut self, source: usize, now: Duration) -> Option<Event> {
        if self.sources[source].is_answering() {
            return None;
        }
        let is_relied_on = |(other, it): (usize, &Source)| {
            other != source && it.is_answering() && it.last().is_some() && !it.is_dropped()
        };
        let is_another_answering = self.sources.iter().enumerate().any(is_relied_on);
        self.sources[source].witness(is_another_answering);
        if !self.published || !self.settled {
            return None;
        }
        self.sources[source].give_up(now, is_another_answering)
    }

    /// Whether an upstream's answer is our own: our version is greater than every upstream's. Taken, it would
    /// raise the version at every poll, and no node would ever leave.
    fn is_own(&self, answer: &Cluster) -> bool {
        self.published && (self.served() == Some(answer) || self.former.contains(answer))
    }

    /// Takes note of the time since 1970, by which a rollout takes its steps.
    pub fn tick(&mut self, wall: Duration) -> Option<Publication> {
        if self.rollout.as_mut()?.tick(wall) { self.derive() } else { None }
    }

    /// Takes note of why a rollout is to take no step; `None` where nothing speaks against it.
    pub fn note_misses(&mut self, why: Option<String>) {
        if let Some(rollout) = &mut self.rollout {
            rollout.note_misses(why);
        }
    }

    /// The migration in steps.
    pub fn rollout(&self) -> Option<&Rollout> {
        self.rollout.as_ref()
    }

    /// Goes on with another plan of a rollout, or with none, at `wall` since 1970. What that changes is seen with
    /// [`Ledger::renew`], which must follow: the plan's places are those of its sources.
    pub fn replan(&mut self, plan: Option<Plan>, wall: Duration) {
        let served = self.served.as_ref().filter(|_| self.published).map(|Served(cluster)| &cluster.nodes);
        self.rollout = plan.map(|plan| match self.rollout.take() {
            Some(mut rollout) => {
                rollout.renew(plan);
                rollout.tick(wall);
                rollout
            }
            None => match served {
                Some(nodes) => Rollout::new(plan, None, wall).joining(nodes),
                None => Rollout::new(plan, None, wall),
            },
        });
    }

    /// Goes on with other rules and sources, at `now` since the start; each with its terms and where it comes from.
    ///
    /// A source that is gone takes its nodes with it. Where new ones come at the same time, it does so only when all
    /// of those have answered, or the grace is over ([`Ledger::is_settled`]): else a source that is replaced would
    /// leave a gap. A list that would be empty, or lacks a source that is required, changes nothing.
    pub fn renew(
        &mut self,
        rules: Rules,
        sources: Vec<(Terms, Origin)>,
        now: Duration,
    ) -> Option<Publication> {
        let before = std::mem::take(&mut self.sources);
        let stays = |index| {
            let is_of = |(_, origin): &(_, Origin)| matches!(*origin, Origin::Kept(of) | Origin::Replaces(of) if of == index);
            sources.iter().any(is_of)
        };
        let is_gone = |(index, source): (usize, &Source)| source.last().is_some() && !stays(index);
        let is_any_gone = before.iter().enumerate().any(is_gone);
        let source = |&(terms, origin): &(Terms, Origin)| match origin {
            Origin::Kept(index) => {
                let mut kept = before[index].clone();
                kept.renew(terms);
                kept
            }
            Origin::Replaces(index) => before[index].replacement(terms, now),
            Origin::New => Source::arriving(terms, now),
        };
        self.rules = rules;
        self.sources = sources.iter().map(source).collect();
        let is_new = |(_, origin): &(_, Origin)| *origin == Origin::New;
        self.settled &= !(is_any_gone && sources.iter().any(is_new));
        self.derive()
    }

    /// Whether the list does not follow the sources, for want of answers.
    pub fn is_held(&self) -> bool {
        let is_any = self.sources.iter().any(|source| source.last().is_some());
        let must_wait = !self.settled || self.rules.require == Require::All;
        !is_any || (must_wait && !self.is_complete())
    }

    /// Whether every source has answered, or the time to wait for first answers is over.
    pub fn is_settled(&self) -> bool {
        self.settled
    }

    /// Takes note that the time to wait for first answers is over.
    pub fn end_grace(&mut self) -> Option<Publication> {
        self.settled = true;
        self.derive()
    }

    /// Whether clients may be let in: there is a list, or there is no more reason to wait for one.
    pub fn is_ready(&self) -> bool {
        self.published || self.settled
    }

    /// The sources, in their order.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Whether clients are served a list.
    pub fn is_published(&self) -> bool {
        self.published
    }

    /// The last list, served in this run or in the one before.
    pub fn served(&self) -> Option<&Cluster> {
        self.served.as_ref().map(|served| &served.0)
    }

    fn is_complete(&self) -> bool {
        self.sources.iter().all(|source| source.last().is_some())
    }

    /// The answers whose nodes are listed, with the places of their sources: not those of sources that were dropped,
    /// unless there are no others (whoever else there was is gone from the configuration).
    pub fn listed(&self) -> impl Iterator<Item = (usize, &Cluster)> {
        listed(&self.sources)
    }

    /// The list that follows from the last good answers, if it is another one. The versions of sources that were
    /// dropped count as before: the sum of all must not fall.
    fn derive(&mut self) -> Option<Publication> {
        self.settled |= self.is_complete();
        if !self.settled || (self.rules.require == Require::All && !self.is_complete()) {
            return None;
        }
        let answers: Vec<_> = self.sources.iter().filter_map(Source::last).collect();
        if answers.is_empty() {
            return None;
        }
        let versions: Vec<_> = answers.iter().map(|cluster| cluster.version).collect();
        let lists = listed(&self.sources).map(|(index, cluster)| (index, &cluster.nodes[..]));
        let (nodes, part) = match &mut self.rollout {
            Some(rollout) => (rollout.list(&lists.collect::<Vec<_>>()), rollout.version_part()),
            None => (merge(lists.map(|(_, nodes)| nodes)), 0),
        };
        let now = Served::following(self.served.as_ref(), nodes, self.rules.version_base + part, &versions);
        if self.published && self.served.as_ref() == Some(&now) {
            return None;
        }
        let before = self.served.as_ref().map_or(&[][..], |served| &served.0.nodes);
        let publication =
            Publication { change: Change::between(before, &now.0.nodes), cluster: now.0.clone() };
        self.former.extend(self.served.replace(now).map(|Served(cluster)| cluster));
        if self.former.len() > FORMER_MAX {
            self.former.pop_front();
        }
        self.published = true;
        Some(publication)
    }
}

/// See [`Ledger::listed`].
fn listed(sources: &[Source]) -> impl Iterator<Item = (usize, &Cluster)> {
    let is_listed = |source: &Source| source.last().is_some() && !source.is_dropped();
    let is_any = sources.iter().any(is_listed);
    let listed = sources.iter().enumerate().filter(move |(_, source)| !is_any || is_listed(source));
    listed.filter_map(|(index, source)| Some((index, source.last()?)))
}

#[cfg(test)]
mod tests;
