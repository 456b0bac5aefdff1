//! What holds a rollout at its step.

use super::{Rollout, Side};
use crate::limits::ROLLOUT_LACKS_STEPS;
use crate::plan::Family;

/// Why the next step is not taken when it is due.
#[derive(Debug, Clone, PartialEq)]
pub enum Hold {
    /// This source has no list: that of the other is all there is.
    Alone(String),
    /// It is not to go beyond this step.
    At(usize),
    /// The step would move more keys than a step may.
    Moves {
        /// The step.
        step: usize,
        /// The clients whose keys.
        client: Family,
        /// Their share; `None` where it can't be reckoned.
        share: Option<f64>,
    },
    /// Of the nodes that are to come more than half are gone: so many of so many.
    Lacks(usize, usize),
    /// Too many requests miss, or it is not known how many.
    HitRate(String),
}

impl Rollout {
    /// How far it may go of the steps that are due. Nothing holds a step back, so this is for those forward only.
    pub(super) fn reach(&self, from: usize, wanted: usize) -> usize {
        let is_guarded = self.plan.terms.guard.is_some();
        let most = match self.is_served {
            _ if self.lacks().is_some() => from,
            true if is_guarded && self.misses.is_some() => from,
            true if self.is_renewed && wanted > from + 1 => from,
            true if is_guarded => from + 1,
            _ => wanted,
        };
        let is_too_much = |step: &usize| self.steps.is_too_much(&self.plan, *step).is_some();
        (from + 1..=most).find(is_too_much).map_or(most, |step| step - 1)
    }

    /// Whether many nodes are gone that are to come, as long as that may be a mistake.
    fn lacks(&self) -> Option<(usize, usize)> {
        let (gone, of, since) = self.lacks?;
        (self.plan.due(self.wall) < since.saturating_add(ROLLOUT_LACKS_STEPS)).then_some((gone, of))
    }

    /// Why the next step will not be taken.
    pub(super) fn find_hold(&self) -> Option<Hold> {
        let terms = &self.plan.terms;
        if let Some(side) = self.has_none {
            return Some(Hold::Alone(if side == Side::From { &terms.from } else { &terms.to }.clone()));
        }
        let step = self.step();
        if step >= self.steps() {
            return None;
        }
        if let Some((gone, of)) = self.lacks() {
            return Some(Hold::Lacks(gone, of));
        }
        if terms.hold_at.is_some_and(|at| at <= step) {
            return terms.hold_at.map(Hold::At);
        }
        self.steps.is_too_much(&self.plan, step + 1).or_else(|| self.misses.clone().map(Hold::HitRate))
    }
}
