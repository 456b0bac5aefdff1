//! Asks the nodes that are served what they count, for the guard of a rollout.
//!
//! Each on a connection of its own, by turns ([`turns`](super::turns)); what follows is reckoned in
//! [`hit_rate`](super::hit_rate). It changes nothing of what is served: whoever takes the steps looks at what is told here.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::ask::Pace;
use super::hit_rate::{HitRate, Verdict, resume};
use super::turns::{Turn, Turns};
use crate::cluster::Node;
use crate::config::Guard;
use crate::limits::{HIT_RATE_INTERVAL_MIN, HIT_RATE_LOOKUPS_MAX, HIT_RATE_POLLS, HIT_RATE_RECKONING};
use crate::metrics::Metrics;
use crate::status;
use crate::upstream::Error;
use crate::upstream::node::{Counted, Counters, Lookups};

#[cfg(test)]
mod tests;

/// What is to be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// By which measure; none where nothing is to be asked.
    pub guard: Option<Guard>,
    /// The nodes that are served now.
    pub nodes: Vec<Node>,
    /// Another number has everything begin anew, with nothing known.
    pub beginning: u64,
}

/// What was found, and by which measure.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    pub verdict: Verdict,
    pub guard: Guard,
}

impl From<&Seen> for status::HitRate {
    fn from(Seen { verdict, guard }: &Seen) -> Self {
        let floor = guard.floor.fraction();
        Self {
            rate: verdict.rate,
            requests: verdict.requests,
            floor,
            resume: resume(floor),
            window: guard.window.as_secs_f64(),
            is_good: verdict.is_good,
            why: verdict.why.clone(),
        }
    }
}

/// Looks at what is wanted for ever. What is seen is told whenever it is something else; none where nothing is wanted.
pub(super) async fn watch(
    mut wanted: watch::Receiver<Wanted>,
    pace: watch::Receiver<Pace>,
    told: watch::Sender<Option<Seen>>,
    metrics: Metrics,
) {
    loop {
        let guard = wanted.borrow_and_update().guard;
        let changed = match guard {
            Some(guard) => Lookout::new(guard, metrics.clone()).watch(&mut wanted, &pace, &told).await,
            None => {
                told.send_if_modified(|told| told.take().is_some());
                wanted.changed().await
            }
        };
        if changed.is_err() {
            return;
        }
    }
}

/// Time between two questions to one node.
fn period(window: Duration) -> Duration {
    (window / HIT_RATE_POLLS).max(HIT_RATE_INTERVAL_MIN)
}

/// How an answer came out, of whom, and what is remembered of where that one is.
type Answer = (Node, Counted, Result<Counters, Error>);

/// A guard at its work.
struct Lookout {
    guard: Guard,
    hit_rate: HitRate,
    turns: Turns,
    /// The nodes that were asked before and are not being asked.
    known: HashMap<Node, Counted>,
    lookups: Lookups,
    /// Given up, with their conversations, when there is nothing to guard any more.
    under_way: JoinSet<Answer>,
    started: Instant,
    /// When the verdict was reckoned last; none where the list or the measure is another one since.
    reckoned: Option<Duration>,
    /// Whether there is news since then.
    is_news: bool,
    /// Whether the log was told that it is bad.
    is_told_bad: bool,
    metrics: Metrics,
}

impl Lookout {
    fn new(guard: Guard, metrics: Metrics) -> Self {
        Self {
            guard,
            hit_rate: HitRate::new(guard),
            turns: Turns::default(),
            known: HashMap::new(),
            lookups: Lookups::new(HIT_RATE_LOOKUPS_MAX),
            under_way: JoinSet::new(),
            started: Instant::now(),
            reckoned: None,
            is_news: true,
            is_told_bad: false,
            metrics,
        }
    }

    /// Until no guard is wanted, or nobody is there to want one.
    async fn watch(
        mut self,
        wanted: &mut watch::Receiver<Wanted>,
        pace: &watch::Receiver<Pace>,
        told: &watch::Sender<Option<Seen>>,
    ) -> Result<(), watch::error::RecvError> {
        let first = wanted.borrow().beginning;
        loop {
            let Wanted { guard, nodes, beginning } = wanted.borrow_and_update().clone();
            let Some(guard) = guard.filter(|_| beginning == first) else { return Ok(()) };
            self.renew(guard, &nodes);
            loop {
                let now = self.started.elapsed();
                let next_turn = self.ask(now, pace.borrow().timeout);
                let reckoning = self.reckon(now, told);
                let next = next_turn.into_iter().chain(reckoning).min();
                tokio::select! {
                    changed = wanted.changed() => {
                        changed?;
                        break;
                    }
                    Some(done) = self.under_way.join_next() => match done {
                        Ok(answer) => self.take(answer),
                        // That one is never asked again, which holds the rollout.
                        Err(error) => tracing::error!(%error, "a question to a node was lost"),
                    },
                    () = tokio::time::sleep(next.unwrap_or_default().saturating_sub(now)), if next.is_some() => {}
                }
            }
        }
    }

    fn renew(&mut self, guard: Guard, nodes: &[Node]) {
        self.guard = guard;
        self.hit_rate.renew(guard);
        self.hit_rate.ask_again(nodes);
        self.turns.renew(nodes, period(guard.window));
        self.known.retain(|node, _| nodes.contains(node));
        (self.reckoned, self.is_news) = (None, true);
    }

    /// Asks those whose turn it is; when the next one's is, unless somebody has to be done first.
    fn ask(&mut self, now: Duration, timeout: Duration) -> Option<Duration> {
        loop {
            let node = match self.turns.next(now) {
                Turn::Ask(node) => node,
                Turn::At(next) => return Some(next),
                Turn::Wait => return None,
            };
            let known = self.known.remove(&node);
            let mut counted = known.unwrap_or_else(|| Counted::new(&node, self.lookups.clone()));
            self.under_way.spawn_local(async move {
                let outcome = counted.counters(timeout).await;
                (node, counted, outcome)
            });
        }
    }

    fn take(&mut self, (node, counted, outcome): Answer) {
        let control = self.metrics.control();
        match &outcome {
            Ok(_) => control.hit_rate_polls.add(1),
            Err(_) => control.hit_rate_failures.add(1),
        }
        let is_listed = self.turns.done(&node, outcome.is_ok());
        // One that has the name of a listed node, but was at another address, is no longer it.
        if is_listed {
            self.hit_rate.note(&node, outcome.map_err(|error| error.what()), self.started.elapsed());
            self.known.insert(node, counted);
            self.is_news = true;
        }
    }

    /// Tells what follows from the news; when that is to be done, where it was done a moment ago.
    fn reckon(&mut self, now: Duration, told: &watch::Sender<Option<Seen>>) -> Option<Duration> {
        if !self.is_news {
            return None;
        }
        let due = self.reckoned.map_or(now, |last| last.saturating_add(HIT_RATE_RECKONING));
        if due > now {
            return Some(due);
        }
        (self.reckoned, self.is_news) = (Some(now), false);
        let verdict = self.hit_rate.verdict(now);
        self.log(&verdict);
        let seen = Some(Seen { verdict, guard: self.guard });
        told.send_if_modified(|told| {
            let is_other = *told != seen;
            *told = seen;
            is_other
        });
        None
    }

    /// A line a change. Not while a node is so new that nothing can be known of it: each step would be one.
    fn log(&mut self, verdict: &Verdict) {
        let Verdict { is_good, rate, requests, why } = verdict;
        if *is_good && self.is_told_bad {
            tracing::info!(rate, requests, "hit rate is good again: the rollout may go on");
            self.is_told_bad = false;
        }
        if !is_good && !self.is_told_bad && self.hit_rate.is_settled() {
            tracing::warn!(rate, requests, reason = why, "hit rate holds the rollout");
            self.is_told_bad = true;
        }
    }
}
