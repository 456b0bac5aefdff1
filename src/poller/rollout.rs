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
//! What is due follows from the configuration and the clock alone, so that replicas agree without talking to each other. So a
//! process that starts, or that stood still, takes all that is due at once. It does not where that would be another list than
//! anybody asked for: after a reload, while nodes are asked whether they hit, and where one of the two sources had no list.

mod hold;
mod plan;
mod steps;
mod told;
mod way;

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::cluster::{Node, merge};
use crate::config;
use crate::limits::{ROLLOUT_CLOCK_BACK, ROLLOUT_STEPS_MAX};
use crate::plan::Family;
use crate::state::{Progress, Roster};

pub use hold::Hold;
pub use plan::Plan;
pub use way::way;

use steps::{Steps, cost};

/// A rollout under way, or to come.
///
/// Invariants: the step is not above the number of steps, nor above what is due; where nodes are asked whether they hit, and
/// after a reload, it rises by one at a time. Once it is done, nothing holds back what the source does that it led to.
#[derive(Debug, Clone)]
pub struct Rollout {
    plan: Plan,
    /// The time since 1970, as it was told last.
    wall: Duration,
    /// Set once the first step was taken.
    progress: Option<Progress>,
    /// The list that was served last while both sources had one; empty before.
    last: Vec<Node>,
    /// Whether clients have been served by it, perhaps by the process before.
    is_served: bool,
    /// Whether what is due is due for another reason than that time has passed: then no more than one step of it is taken.
    is_renewed: bool,
    /// Whether it is another way than before, which begins where that one was.
    is_other: bool,
    /// Why no step is to be taken, as far as the nodes' counters say.
    misses: Option<String>,
    /// Which of the two sources has no list, if one has none.
    has_none: Option<Side>,
    /// Whether nothing is known of the time before this process, nor has `from` had a list since.
    knows_nothing: bool,
    /// Nodes that are to come and are gone, where those are many, and how many steps were due when that was seen first.
    lacks: Option<(usize, usize, i64)>,
    steps: Steps,
    /// What the last change of the step moved.
    cost: Vec<(Family, f64)>,
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
            last: Vec::new(),
            is_served: false,
            is_renewed: false,
            is_other: false,
            misses: None,
            has_none: None,
            knows_nothing: false,
            lacks: None,
            steps: Steps::default(),
            cost: Vec::new(),
            revision: 0,
            hold: None,
        };
        rollout.misses = rollout.unknown();
        // A hold is not let go of by a restart.
        rollout.is_renewed = rollout.keep_progress();
        rollout.is_served =
            rollout.is_renewed || rollout.progress.is_some() && rollout.plan.terms.guard.is_some();
        rollout.knows_nothing = rollout.progress.is_none();
        rollout
    }

    /// A rollout that goes on from this list of the process before: near to it, where it is another way than before, and where
    /// nodes are to be asked first.
    #[must_use]
    pub fn after(mut self, last: &[Node]) -> Self {
        let has_begun = self.progress.is_some();
        if has_begun {
            self.last = last.to_vec();
        } else if self.plan.terms.guard.is_some() {
            self = self.joining(last);
        }
        self
    }

    /// A rollout that is configured while this list is served: it begins near to it.
    #[must_use]
    pub fn joining(mut self, last: &[Node]) -> Self {
        (self.is_served, self.is_renewed, self.is_other) = (true, true, true);
        self.knows_nothing = false;
        self.last = last.to_vec();
        self
    }

    /// Goes on under another plan.
    pub fn renew(&mut self, plan: Plan) {
        if plan == self.plan {
            return;
        }
        let is_same_guard = plan.terms.guard == self.plan.terms.guard;
        self.is_other |= plan.identity() != self.plan.identity();
        self.plan = plan;
        self.cost.clear();
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

    /// Forgets progress of another rollout, and how far behind it is where the start is another one: whether anything that it
    /// goes by is.
    fn keep_progress(&mut self) -> bool {
        let (identity, terms) = (self.plan.identity(), &self.plan.terms);
        self.progress = self.progress.take().filter(|progress| progress.identity == identity);
        let Some(progress) = &mut self.progress else { return false };
        let way = self.plan.way();
        let is_other_start = progress.start != terms.start;
        let is_other_pace = progress.interval != terms.interval;
        let holds_elsewhere = progress.hold_at != terms.hold_at;
        self.is_other |= progress.way != way;
        if is_other_start {
            (progress.behind, progress.done) = (0, None);
        } else if is_other_pace {
            // It goes on from where it is.
            progress.behind = self.plan.behind(progress.step, self.wall);
        }
        (progress.start, progress.interval) = (terms.start, terms.interval);
        (progress.hold_at, progress.way) = (terms.hold_at, way);
        is_other_start || is_other_pace || holds_elsewhere || self.is_other
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
        // A clock that is mended by a little must not undo a step.
        let back = self.wall.saturating_sub(wall);
        if back.is_zero() || back > ROLLOUT_CLOCK_BACK {
            self.wall = wall;
        }
        self.plan.due(self.wall) != before
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
        self.progress.as_ref().is_some_and(|progress| progress.done.is_some())
    }

    /// What it adds to the version. The end counts the same whatever way led there; so does what is all there is where a
    /// process starts in the middle, or after the end, and the source that is left behind can't be asked any more.
    pub fn version_part(&self) -> u32 {
        let has_begun = self.plan.due(self.wall) > 0;
        let is_left_behind = self.has_none == Some(Side::From) && self.knows_nothing && has_begun;
        let part = if self.is_done() || is_left_behind {
            ROLLOUT_STEPS_MAX
        } else {
            self.step().min(ROLLOUT_STEPS_MAX - 1)
        };
        u32::try_from(part).unwrap_or(u32::MAX)
    }

    /// What the last change of the step moved, as a share of the keys of each of the clients.
    pub fn cost(&self) -> &[(Family, f64)] {
        &self.cost
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
        self.knows_nothing &= sides.0.is_none();
        self.has_none = match sides {
            (Some(_), Some(_)) => None,
            (None, _) => Some(Side::From),
            _ => Some(Side::To),
        };
        let (Some(from), Some(to)) = sides else {
            self.forget_steps();
            self.hold = self.find_hold();
            // What the other one brings back is not made up for at once.
            (self.is_served, self.is_renewed) = (true, true);
            return merge(listed.iter().map(|(_, nodes)| *nodes));
        };
        let (before, is_other) = (self.step(), self.is_other);
        self.note(from, to);
        self.refresh(listed, from, to);
        self.begin_near();
        self.move_on();
        (self.is_served, self.is_renewed, self.is_other) = (true, false, false);
        self.hold = self.find_hold();
        let now = self.steps.lists.get(self.step()).cloned().unwrap_or_default();
        if self.step() != before || is_other {
            self.cost = cost(&self.plan.terms.clients, &self.last, &now);
        }
        self.last.clone_from(&now);
        now
    }

    /// Takes note of what the two sources have, from the first step on.
    fn note(&mut self, from: &[Node], to: &[Node]) {
        let config::Rollout { strategy, batch, start, interval, hold_at, .. } = self.plan.terms;
        if self.plan.due(self.wall) == 0 {
            self.progress = None;
        } else if self.progress.is_none() {
            let (identity, way, roster) = (self.plan.identity(), self.plan.way(), Roster::new(from, to));
            self.progress =
                Some(Progress { identity, way, start, interval, hold_at, roster, ..Progress::default() });
        }
        let due = self.plan.due(self.wall);
        let lacks = self.progress.as_mut().and_then(|progress| {
            progress.roster.note(strategy, batch, progress.step, from, to);
            progress.roster.lacks(to)
        });
        let since = self.lacks.map_or(due, |(.., since)| since);
        self.lacks = lacks.map(|(gone, of)| (gone, of, since));
    }

    /// Another way than before begins with the step that is nearest to what was served.
    fn begin_near(&mut self) {
        if self.is_other
            && !self.last.is_empty()
            && let Some(progress) = self.progress.as_mut().filter(|progress| progress.done.is_none())
        {
            progress.step = self.steps.nearest(&self.last, progress.step > 0);
            progress.behind = self.plan.behind(progress.step, self.wall);
        }
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
        let Some(progress) = &mut self.progress else { return };
        let scheduled = usize::try_from(due.saturating_sub(progress.behind).max(0)).unwrap_or(usize::MAX);
        let wanted = self.plan.terms.hold_at.map_or(scheduled, |step| step.min(scheduled));
        // Whatever the source does then is what is served.
        let goes_back = |count| self.plan.terms.hold_at.is_some_and(|at| at < count);
        if progress.done.is_some_and(|count| !goes_back(count)) {
            (progress.step, progress.behind, progress.done) = (steps, 0, Some(steps));
            return;
        }
        let (from, wanted) = (progress.step, wanted.min(steps));
        let reached = if wanted > from { self.reach(from, wanted) } else { wanted };
        let Some(progress) = &mut self.progress else { return };
        progress.step = reached;
        if reached < wanted {
            progress.behind = self.plan.behind(reached, self.wall);
        }
        progress.done = (reached == steps && steps > 0).then_some(steps);
        if progress.done.is_some() {
            progress.behind = 0;
            self.misses = self.unknown();
        }
    }
}
