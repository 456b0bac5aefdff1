//! What happened in a world, for whoever has to find out why it failed; and how often it happened in all of them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;

/// The steps of one world. Printed when the test fails before [`Trail::end`].
pub struct Trail {
    seed: u64,
    shown: usize,
    steps: RefCell<Vec<String>>,
    ended: Cell<bool>,
}

impl Trail {
    pub fn new(seed: u64, shown: usize) -> Self {
        Self { seed, shown, steps: RefCell::default(), ended: Cell::new(false) }
    }

    pub fn step(&self, line: String) {
        self.steps.borrow_mut().push(line);
    }

    /// The world has ended well; all of its steps are returned, and printed where that is asked for.
    pub fn end(&self, print: bool) -> Vec<String> {
        self.ended.set(true);
        if print {
            self.print();
        }
        self.steps.borrow().clone()
    }

    fn print(&self) {
        let steps = self.steps.borrow();
        let from = steps.len().saturating_sub(self.shown);
        eprintln!("seed {} ({} steps; SIMULATOR_SEED={} replays it):", self.seed, steps.len(), self.seed);
        // The first line says what world it is.
        for line in steps.iter().take(from.min(1)).chain(&steps[from..]) {
            eprintln!("  {line}");
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        if !self.ended.get() {
            self.print();
        }
    }
}

/// How often each thing happened.
#[derive(Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

/// What has to happen in a run of many seeds.
const THINGS: [&str; 28] = [
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
];

impl Tally {
    pub fn count(&mut self, thing: &'static str) {
        assert!(THINGS.contains(&thing), "{thing} is not in the list");
        *self.0.entry(thing).or_default() += 1;
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
