//! What is configured of a rollout, and what is due by the clock.

use std::time::Duration;

use crate::config;

/// What is configured, with the places of the two sources among all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The table.
    pub terms: config::Rollout,
    /// The place of its `from`.
    pub from: usize,
    /// The place of its `to`.
    pub to: usize,
}

impl Plan {
    /// The plan of a configuration, if it has a rollout.
    pub fn of(rollout: Option<&config::Rollout>, sources: &[config::Source]) -> Option<Self> {
        let terms = rollout?.clone();
        let place = |name: &str| sources.iter().position(|source| source.name == name);
        Some(Self { from: place(&terms.from)?, to: place(&terms.to)?, terms })
    }

    /// What must be the same for a step's number to mean the same.
    pub fn identity(&self) -> String {
        let config::Rollout { from, to, strategy, batch, .. } = &self.terms;
        format!("{from} to {to} by {} of {batch}", strategy.name())
    }

    /// How many steps are due by the clock, `wall` being the time since 1970.
    pub(super) fn due(&self, wall: Duration) -> u64 {
        let since = wall.checked_sub(self.terms.start);
        let interval = self.terms.interval.as_nanos().max(1);
        since.map_or(0, |since| {
            u64::try_from(since.as_nanos() / interval).unwrap_or(u64::MAX).saturating_add(1)
        })
    }

    /// When a step is due that comes so many steps late.
    pub(super) fn due_at(&self, step: usize, behind: u64) -> Duration {
        let intervals = (step as u64).saturating_sub(1).saturating_add(behind);
        self.terms
            .start
            .saturating_add(self.terms.interval.saturating_mul(u32::try_from(intervals).unwrap_or(u32::MAX)))
    }
}
