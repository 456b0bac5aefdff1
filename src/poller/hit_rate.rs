//! Whether enough requests hit, by what the nodes themselves count. Pure.
//!
//! What is not known holds a rollout as what is bad does: it goes on only where every node says that all is well.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::cluster::Node;
use crate::config::Guard;
use crate::limits::HIT_RATE_SAMPLES_MAX;
use crate::upstream::node::Counters;

#[cfg(test)]
mod tests;

/// What there is to say of the hit rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Whether steps may be taken.
    pub is_good: bool,
    /// The share of the requests that hit; none where that is not known.
    pub rate: Option<f64>,
    /// The requests within the window that are known of.
    pub requests: u64,
    /// Why no step may be taken, in a sentence.
    pub why: Option<String>,
}

/// The rate from which a rollout goes on that was held below `floor`: `floor + min(0.02, (1 − floor) / 2)`.
///
/// Above the floor, so that a rate which trembles there does not hold and let go by turns; never above 1. To the half
/// of a millionth, in which it is exact, so that it reads 0.87 and not 0.8700000000000001.
pub fn resume(floor: f64) -> f64 {
    let above = ((1.0 - floor) / 2.0).min(0.02);
    ((floor + above) * 2e6).round() / 2e6
}

/// What every node has counted lately, and whether that was too little.
#[derive(Debug)]
pub struct HitRate {
    guard: Guard,
    /// In the order of the list, each once.
    nodes: Vec<History>,
    /// Where each of them is.
    places: HashMap<(Box<str>, u16), usize>,
    /// Whether the last rate that was known holds the rollout.
    is_low: bool,
}

impl HitRate {
    /// Knows nothing yet, of no nodes.
    pub fn new(guard: Guard) -> Self {
        Self { guard, nodes: Vec::new(), places: HashMap::new(), is_low: false }
    }

    /// Goes on with another guard. Another floor is a new question: who lowers it means that it may go on.
    pub fn renew(&mut self, guard: Guard) {
        self.is_low &= guard.floor == self.guard.floor;
        self.guard = guard;
    }

    /// These are the nodes from now on: those that stay keep their history, those that are gone are forgotten.
    pub fn ask_again(&mut self, nodes: &[Node]) {
        let places = std::mem::take(&mut self.places);
        let mut before: Vec<_> = std::mem::take(&mut self.nodes).into_iter().map(Some).collect();
        for node in nodes {
            let key = key(node);
            if self.places.contains_key(&key) {
                continue;
            }
            let kept = places.get(&key).and_then(|place| before[*place].take());
            self.nodes.push(kept.unwrap_or_else(|| History::of(node)));
            self.places.insert(key, self.nodes.len() - 1);
        }
    }

    /// Takes note of what a node told, or of why it did not. One that is not listed any more is none of ours.
    pub fn note(&mut self, node: &Node, outcome: Result<Counters, String>, now: Duration) {
        if let Some(place) = self.places.get(&key(node)) {
            self.nodes[*place].note(outcome, now, self.guard.window);
        }
    }

    /// Whether every node was asked for long enough to tell something. Before, a verdict is bad without being news.
    pub fn is_settled(&self) -> bool {
        !self.nodes.is_empty() && self.nodes.iter().all(|node| node.polls >= 2)
    }

    /// What follows from all of that now.
    pub fn verdict(&mut self, now: Duration) -> Verdict {
        let since = now.saturating_sub(self.guard.window);
        // No sum of what so many nodes count overflows these.
        let (mut hits, mut requests) = (0_u128, 0_u128);
        let mut silent = Vec::new();
        for node in &self.nodes {
            match node.counted(since) {
                Some(Counters { hits: hit, misses }) => {
                    hits += u128::from(hit);
                    requests += u128::from(hit) + u128::from(misses);
                }
                None => silent.push(node),
            }
        }
        let is_enough = requests >= u128::from(self.guard.requests_min.max(1));
        let is_known = silent.is_empty() && !self.nodes.is_empty() && is_enough;
        let rate = is_known.then(|| hits as f64 / requests as f64);
        if let Some(rate) = rate {
            let floor = self.guard.floor.fraction();
            self.is_low = rate < if self.is_low { resume(floor) } else { floor };
        }
        let why = match (silent.first(), rate) {
            (Some(node), _) => Some(self.silence(silent.len(), node)),
            (None, None) => Some(self.too_few(requests)),
            (None, Some(rate)) => self.is_low.then(|| self.too_low(rate, hits, requests)),
        };
        Verdict { is_good: why.is_none(), rate, requests: u64::try_from(requests).unwrap_or(u64::MAX), why }
    }

    fn silence(&self, count: usize, node: &History) -> String {
        let (of, window) = (self.nodes.len(), self.window());
        let named = match &node.fault {
            Some(fault) => format!("{}, {fault}", node.name),
            None => node.name.clone(),
        };
        format!("{count} of {of} nodes did not tell their hits and misses within {window}: {named}")
    }

    fn too_few(&self, requests: u128) -> String {
        if self.nodes.is_empty() {
            return "no node is listed, so none tells its hits and misses".into();
        }
        let (least, window) = (self.guard.requests_min.max(1), self.window());
        format!("{requests} of the {least} requests that tell a hit rate were counted within {window}")
    }

    fn too_low(&self, rate: f64, hits: u128, requests: u128) -> String {
        let floor = self.guard.floor.fraction();
        // Rounded down, so that what is below the floor never reads as the floor.
        let rounded = (hits * 10_000 / requests) as f64 / 10_000.0;
        let told = format!("{} of {requests} requests hit within {}", percent(rounded), self.window());
        let after = if rate < floor { "" } else { "after " };
        format!("{told}, {after}less than {}: it goes on from {}", percent(floor), percent(resume(floor)))
    }

    fn window(&self) -> humantime::FormattedDuration {
        humantime::format_duration(self.guard.window)
    }
}

/// What one node has told lately.
///
/// Invariant: neither the times nor the counters of the samples ever fall.
#[derive(Debug)]
struct History {
    name: String,
    /// The oldest first.
    samples: VecDeque<Sample>,
    /// Answers and failures, as far as that is of interest.
    polls: u8,
    /// Why it did not answer last, where it did not.
    fault: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Duration,
    counters: Counters,
}

impl History {
    fn of(node: &Node) -> Self {
        let name = format!("{}:{}", node.host, node.port);
        Self { name, samples: VecDeque::new(), polls: 0, fault: None }
    }

    fn note(&mut self, outcome: Result<Counters, String>, now: Duration, window: Duration) {
        self.polls = self.polls.saturating_add(1);
        let counters = match outcome {
            Ok(counters) => counters,
            Err(fault) => return self.fault = Some(fault),
        };
        self.fault = None;
        let fell = |last: &Sample| {
            counters.hits < last.counters.hits || counters.misses < last.counters.misses || now < last.at
        };
        if self.samples.back().is_some_and(fell) {
            // It was started anew, or its statistics were: what it had counted before is no measure of this.
            self.samples.clear();
        }
        let since = now.saturating_sub(window);
        while self.samples.front().is_some_and(|sample| sample.at < since)
            || self.samples.len() >= HIT_RATE_SAMPLES_MAX
        {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample { at: now, counters });
    }

    /// What it has counted from its first answer since then to its last; none where there is no answer since then.
    fn counted(&self, since: Duration) -> Option<Counters> {
        let first = self.samples.iter().find(|sample| sample.at >= since)?.counters;
        let last = self.samples.back()?.counters;
        Some(Counters {
            hits: last.hits.saturating_sub(first.hits),
            misses: last.misses.saturating_sub(first.misses),
        })
    }
}

fn key(node: &Node) -> (Box<str>, u16) {
    (node.host.clone(), node.port)
}

/// A share as people write it.
fn percent(share: f64) -> String {
    let fine = format!("{:.4}", share * 100.0);
    format!("{}%", fine.trim_end_matches('0').trim_end_matches('.'))
}
