//! A migration in steps: which list is served at which time. Pure.
//!
//! ```text
//!  start       start + interval   start + 2 × interval
//!    │ step 1     │ step 2           │ step 3 …                the schedule: the clock, and nothing else
//!    ▼            ▼                  ▼
//!  due ──▶ no further than hold_at ──▶ no step that moves too much, and none while too much misses ──▶ the step served
//!                                      (what is not taken then is not made up for: the rest comes later by as much)
//! ```
//!
//! What is due follows from the configuration and the clock alone, so that replicas agree without talking to each other.

mod plan;
mod steps;
mod told;
mod way;

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::cluster::{Node, merge};
use crate::limits::ROLLOUT_STEPS_MAX;
use crate::plan::Family;
use crate::state::{Progress, Roster};

pub use plan::Plan;
pub use way::way;

use steps::Steps;

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
    /// Too many requests miss, or it is not known how many.
    HitRate(String),
}

/// A rollout under way, or to come.
///
/// Invariants: the step is not above the number of steps, nor above what is due; it rises by more than one at once only
/// where that many are due and nothing holds.
#[derive(Debug, Clone)]
pub struct Rollout {
    plan: Plan,
    /// The time since 1970, as it was told last.
    wall: Duration,
    /// Set once the first step was taken.
    progress: Option<Progress>,
    /// Whether it has been served in this process: before, the schedule is followed without asking whether nodes hit.
    is_served: bool,
    /// Whether the configuration is another one since the list was made: then no more than one step is made up for.
    is_renewed: bool,
    /// Why no step is to be taken, as far as the nodes' counters say.
    misses: Option<String>,
    /// Which of the two sources has no list, if one has none.
    has_none: Option<Side>,
    steps: Steps,
    /// Rises whenever the lists are others.
    revision: u64,
    hold: Option<Hold>,
}

/// One of the two sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    From,
    To,
}

impl Rollout {
    /// A rollout at this time, which goes on from where it was, if that was the same one.
    pub fn new(plan: Plan, progress: Option<Progress>, wall: Duration) -> Self {
        let mut rollout = Self {
            plan,
            wall,
            progress,
            is_served: false,
            is_renewed: false,
            misses: None,
            has_none: None,
            steps: Steps::default(),
            revision: 0,
            hold: None,
        };
        rollout.misses = rollout.unknown();
        rollout.keep_progress();
        rollout
    }

    /// A rollout that is configured while lists are served: what would have been due is not made up for.
    #[must_use]
    pub fn joining(mut self) -> Self {
        (self.is_served, self.is_renewed) = (true, true);
        self
    }

    /// Goes on under another plan.
    pub fn renew(&mut self, plan: Plan) {
        if plan == self.plan {
            return;
        }
        let guard = |plan: &Plan| plan.terms.guard;
        let is_same_guard = guard(&plan) == guard(&self.plan);
        self.plan = plan;
        if !is_same_guard {
            self.misses = self.unknown();
        }
        self.is_renewed = true;
        self.forget_steps();
        self.keep_progress();
    }

    fn forget_steps(&mut self) {
        self.steps = Steps::default();
        self.revision += 1;
    }

    /// What there is to say of the hit rate before anything is known.
    fn unknown(&self) -> Option<String> {
        self.plan.terms.guard.map(|_| "the hit rate of the nodes is not known yet".to_owned())
    }

    /// Forgets progress of another rollout, and how far behind it is where the schedule is another one.
    fn keep_progress(&mut self) {
        let (identity, terms) = (self.plan.identity(), &self.plan.terms);
        self.progress = self.progress.take().filter(|progress| progress.identity == identity);
        if let Some(progress) = &mut self.progress
            && (progress.start, progress.interval) != (terms.start, terms.interval)
        {
            (progress.start, progress.interval, progress.behind) = (terms.start, terms.interval, 0);
        }
    }

    /// What is configured.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How far it is, once the first step was taken.
    pub fn progress(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    /// What time it is; whether another list may be due.
    pub fn tick(&mut self, wall: Duration) -> bool {
        let before = self.plan.due(self.wall);
        self.wall = wall;
        self.plan.due(wall) != before
    }

    /// Takes note of why no step is to be taken, as far as the nodes' counters say; `None` where it may be.
    pub fn note_misses(&mut self, why: Option<String>) {
        self.misses = why;
        self.hold = self.find_hold();
    }

    /// The step that is served.
    pub fn step(&self) -> usize {
        self.progress.as_ref().map_or(0, |progress| progress.step)
    }

    /// How many steps there are, as far as that is known.
    pub fn steps(&self) -> usize {
        self.steps.count()
    }

    /// Whether every step is taken.
    pub fn is_done(&self) -> bool {
        let has_begun = self.plan.due(self.wall) > 0;
        has_begun && !self.steps.lists.is_empty() && self.step() == self.steps()
    }

    /// What it adds to the version. The end counts the same whatever way led there.
    pub fn version_part(&self) -> u32 {
        let is_to_alone = self.has_none == Some(Side::From);
        let part = if self.is_done() || is_to_alone {
            ROLLOUT_STEPS_MAX
        } else {
            self.step().min(ROLLOUT_STEPS_MAX - 1)
        };
        u32::try_from(part).unwrap_or(u32::MAX)
    }

    /// Differs where the lists of the steps do.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How long it is until another step is due, by the clock as it was told last.
    pub fn next_due_in(&self) -> Duration {
        let due = usize::try_from(self.plan.due(self.wall)).unwrap_or(usize::MAX);
        self.plan.due_at(due.saturating_add(1), 0).saturating_sub(self.wall)
    }

    /// Why it takes no further step; `None` where it will, or is done.
    pub fn hold(&self) -> Option<&Hold> {
        self.hold.as_ref()
    }

    /// Merges the lists of sources, each with the place of its source: those of the two that the rollout is of as one, at the
    /// place of `from`, in the state that is to be served now.
    pub fn list(&mut self, listed: &[(usize, &[Node])]) -> Vec<Node> {
        let of = |place: usize| {
            let found = listed.iter().find(|(other, nodes)| *other == place && !nodes.is_empty());
            found.map(|(_, nodes)| *nodes)
        };
        let sides = (of(self.plan.from), of(self.plan.to));
        self.has_none = match sides {
            (Some(_), Some(_)) => None,
            (None, _) => Some(Side::From),
            _ => Some(Side::To),
        };
        let (Some(from), Some(to)) = sides else {
            self.forget_steps();
            self.hold = self.find_hold();
            return merge(listed.iter().map(|(_, nodes)| *nodes));
        };
        let due = self.plan.due(self.wall).min(self.plan.terms.hold_at.map_or(u64::MAX, |step| step as u64));
        if due == 0 {
            self.progress = None;
        }
        match &mut self.progress {
            Some(progress) => progress.roster.note(from),
            None if due > 0 => {
                self.progress = Some(Progress {
                    identity: self.plan.identity(),
                    start: self.plan.terms.start,
                    interval: self.plan.terms.interval,
                    step: 0,
                    behind: 0,
                    roster: Roster::new(from, to),
                });
            }
            None => {}
        }
        self.refresh(listed, from, to);
        self.move_on();
        self.is_served = true;
        self.is_renewed = false;
        self.hold = self.find_hold();
        self.steps.lists.get(self.step()).cloned().unwrap_or_default()
    }

    /// Makes the lists of all steps anew, where they would be others.
    fn refresh(&mut self, listed: &[(usize, &[Node])], from: &[Node], to: &[Node]) {
        let roster = self.progress.as_ref().map(|progress| progress.roster.clone());
        let roster = roster.unwrap_or_else(|| Roster::new(from, to));
        if self.steps.refresh(&self.plan, roster, listed, from, to) {
            self.revision += 1;
        }
    }

    /// Takes the steps that are due and that nothing holds.
    fn move_on(&mut self) {
        let steps = self.steps();
        let due = self.plan.due(self.wall);
        let top = self.plan.terms.hold_at.map_or(steps, |step| step.min(steps));
        let Some(progress) = &self.progress else { return };
        let from = progress.step;
        let scheduled = |behind: u64| usize::try_from(due.saturating_sub(behind)).unwrap_or(usize::MAX);
        let wanted = scheduled(progress.behind).min(top);
        let mut reached = wanted;
        // Nothing holds a step back.
        if wanted > from {
            if self.is_renewed && self.is_served && wanted > from + 1 {
                reached = from;
            }
            if self.is_served && self.misses.is_some() {
                reached = from;
            }
            reached = (from + 1..=reached)
                .find(|step| self.steps.is_too_much(&self.plan, *step).is_some())
                .map_or(reached, |step| step - 1);
        }
        let is_held = reached < wanted;
        if let Some(progress) = &mut self.progress {
            progress.step = reached;
            if is_held {
                progress.behind = due.saturating_sub(reached as u64);
            }
        }
    }

    /// Why the next step will not be taken.
    fn find_hold(&self) -> Option<Hold> {
        let terms = &self.plan.terms;
        if let Some(side) = self.has_none {
            return Some(Hold::Alone(if side == Side::From { &terms.from } else { &terms.to }.clone()));
        }
        let step = self.step();
        if step >= self.steps() {
            return None;
        }
        if terms.hold_at.is_some_and(|at| at <= step) {
            return terms.hold_at.map(Hold::At);
        }
        self.steps.is_too_much(&self.plan, step + 1).or_else(|| self.misses.clone().map(Hold::HitRate))
    }
}
