//! What is configured of a rollout, and what is due by the clock.

use std::time::Duration;

use crate::config::{self, SourceKind};
use crate::state;

/// What is configured, with the places of the two sources among all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The table.
    pub terms: config::Rollout,
    /// The place of its `from`.
    pub from: usize,
    /// The place of its `to`.
    pub to: usize,
    /// What the two are, whatever they are called.
    pub ends: [String; 2],
}

impl Plan {
    /// The plan of a configuration, if it has a rollout.
    pub fn of(rollout: Option<&config::Rollout>, sources: &[config::Source]) -> Option<Self> {
        let terms = rollout?.clone();
        let place = |name: &str| sources.iter().position(|source| source.name == name);
        let (from, to) = (place(&terms.from)?, place(&terms.to)?);
        let end = |source: &config::Source| match source.kind {
            // Of these the name is all that stays where nodes are given and taken away.
            SourceKind::Static(_) => format!("static {}", source.name),
            _ => state::identity(&source.kind),
        };
        Some(Self { from, to, ends: [end(&sources[from]), end(&sources[to])], terms })
    }

    /// What must be the same for it to be the same migration.
    pub fn identity(&self) -> String {
        self.ends.join(" to ")
    }

    /// What must be the same, too, for a step's number to mean the same.
    pub fn way(&self) -> String {
        format!("{} of {}", self.terms.strategy.name(), self.terms.batch)
    }

    /// How many steps are due by the clock, `wall` being the time since 1970.
    pub(super) fn due(&self, wall: Duration) -> i64 {
        let since = wall.checked_sub(self.terms.start);
        let interval = self.terms.interval.as_nanos().max(1);
        since.map_or(0, |since| {
            i64::try_from(since.as_nanos() / interval).unwrap_or(i64::MAX).saturating_add(1)
        })
    }

    /// How many steps one is behind who is at this step at that time; less than none where it is ahead.
    pub(super) fn behind(&self, step: usize, wall: Duration) -> i64 {
        self.due(wall).saturating_sub(i64::try_from(step).unwrap_or(i64::MAX))
    }

    /// The start of the schedule that one follows who is so many steps behind this one.
    pub(super) fn start(&self, behind: i64) -> Duration {
        let by = u32::try_from(behind.unsigned_abs()).unwrap_or(u32::MAX);
        let by = self.terms.interval.saturating_mul(by);
        if behind < 0 { self.terms.start.saturating_sub(by) } else { self.terms.start.saturating_add(by) }
    }

    /// When a step, from 1, is due that comes so many steps late.
    pub(super) fn due_at(&self, step: usize, behind: i64) -> Duration {
        let intervals = u32::try_from(step.saturating_sub(1)).unwrap_or(u32::MAX);
        self.start(behind).saturating_add(self.terms.interval.saturating_mul(intervals))
    }
}
