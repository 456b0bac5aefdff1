//! What happened in a world, for whoever has to find out why it failed; and how often it happened in all of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

/// The steps of one world, where they are wanted: telling them takes longer than living through them.
#[derive(Default)]
pub struct Trail(Option<RefCell<Vec<String>>>);

impl Trail {
    /// One that keeps every step.
    pub fn kept() -> Self {
        Self(Some(RefCell::default()))
    }

    pub fn step(&self, line: impl FnOnce() -> String) {
        if let Some(steps) = &self.0 {
            steps.borrow_mut().push(line());
        }
    }

    /// Every step, the first of which says what world it is.
    pub fn steps(&self) -> Vec<String> {
        self.0.as_ref().map_or(Vec::new(), |steps| steps.borrow().clone())
    }
}

/// How often each thing happened.
#[derive(Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

/// What has to happen in a run of many seeds.
const THINGS: [&str; 44] = [
    "answers",
    "returns",
    "rewound",
    "stale",
    "fails",
    "shrinks",
    "shrank",
    "dropped",
    "spared",
    "publication",
    "good",
    "garbage",
    "empty",
    "hung",
    "own list",
    "other address",
    "restart",
    "restored",
    "state absent",
    "state torn",
    "state older",
    "state changed",
    "state not written",
    "disk full",
    "clock set",
    "grace ended",
    "replicas compared",
    "huge versions",
    "filled",
    "not filled",
    "trouble",
    "source added",
    "base raised",
    "shrink changed",
    "source removed",
    "dropped source removed",
    "source swapped",
    "source replaced",
    "filling changed",
    "order changed",
    "limits changed",
    "rules changed",
    "stood in for",
    "list held",
];

impl Tally {
    pub fn count(&mut self, thing: &'static str) {
        assert!(THINGS.contains(&thing), "{thing} is not in the list");
        *self.0.entry(thing).or_default() += 1;
    }

    /// What happened elsewhere happened too.
    pub fn add(&mut self, other: Self) {
        for (thing, times) in other.0 {
            *self.0.entry(thing).or_default() += times;
        }
    }

    /// What never happened.
    pub fn never(&self) -> Vec<&'static str> {
        THINGS.into_iter().filter(|thing| !self.0.contains_key(thing)).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<_> = self.0.iter().map(|(thing, times)| format!("{thing} {times}")).collect();
        f.write_str(&counts.join(", "))
    }
}
