//! What operators are told of a rollout.

use std::fmt;
use std::time::Duration;

use super::{Hold, Rollout};
use crate::cluster::Node;
use crate::status::{self, HitRate, Moves, RolloutPlan, RolloutStep};

/// In a sentence.
impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone(name) => write!(f, "{name} has no list: that of the other source is all there is"),
            Self::At(step) => write!(f, "hold_at is {step}: it goes no further"),
            Self::Moves { step, client, share: Some(share) } => write!(
                f,
                "step {step} would move {:.1} % of the keys of {}, which is more than max_move",
                share * 100.0,
                client.name()
            ),
            Self::Moves { step, share: None, .. } => write!(
                f,
                "max_move is set, and what step {step} moves can't be reckoned: the lists are too long; take a larger batch, or leave max_move out"
            ),
            Self::Lacks(gone, of) => {
                write!(f, "{gone} of the {of} nodes that are to come are gone from their source")
            }
            Self::HitRate(why) => f.write_str(why),
        }
    }
}

impl Rollout {
    /// What there is to tell; `shown` is how a time since 1970 is written.
    pub fn told(&self, hit_rate: Option<HitRate>, shown: impl Fn(Duration) -> String) -> RolloutPlan {
        let terms = &self.plan.terms;
        let step = self.step();
        let behind = self.progress.as_ref().map_or(0, |progress| progress.behind);
        let all: Vec<_> = (1..=self.steps()).map(|number| self.told_step(number, behind, &shown)).collect();
        let rollout = status::Rollout {
            from: terms.from.clone(),
            to: terms.to.clone(),
            strategy: terms.strategy.name().into(),
            batch: terms.batch.to_string(),
            start: shown(terms.start),
            interval: terms.interval.as_secs_f64(),
            progress: self.told_progress(),
            step,
            steps: self.steps(),
            hold_at: terms.hold_at,
            hold: self.hold.as_ref().map(Hold::to_string),
            behind: self.behind(),
            start_to_agree: self.start_to_agree().map(&shown),
            next: all.get(step).cloned(),
            hit_rate,
        };
        RolloutPlan { rollout: Some(rollout), steps: all }
    }

    /// Steps that were due and not taken, of those that there are.
    pub fn behind(&self) -> u64 {
        let left = self.steps().saturating_sub(self.step()) as u64;
        let behind = self.progress.as_ref().map_or(0, |progress| progress.behind);
        u64::try_from(behind).unwrap_or_default().min(left)
    }

    /// With which start a process that knows nothing else is at this step, where that is another one than is configured.
    pub fn start_to_agree(&self) -> Option<Duration> {
        let behind = self.progress.as_ref().filter(|_| !self.is_done())?.behind;
        (behind != 0).then(|| self.plan.start(behind))
    }

    /// What it is doing.
    pub fn told_progress(&self) -> status::Progress {
        use status::Progress::{Done, Held, Running, Waiting};
        match self.hold {
            _ if self.is_done() => Done,
            _ if self.plan.due(self.wall) == 0 => Waiting,
            Some(_) => Held,
            None => Running,
        }
    }

    /// A step, from 1, which there is.
    fn told_step(&self, step: usize, behind: i64, shown: impl Fn(Duration) -> String) -> RolloutStep {
        let change = &self.steps.changes[step - 1];
        let names =
            |nodes: &[Node]| nodes.iter().map(|node| format!("{}:{}", node.host, node.port)).collect();
        let is_to_come = step > self.step();
        let is_allowed = self.plan.terms.hold_at.is_none_or(|at| step <= at);
        RolloutStep {
            step,
            at: (is_to_come && is_allowed).then(|| shown(self.plan.due_at(step, behind))),
            nodes: self.steps.lists[step].len(),
            added: names(&change.added),
            removed: names(&change.removed),
            moved: names(&change.moved),
            moves: self.moves_of(step),
        }
    }

    /// What a step, from 1, moves for each of the clients; nothing where that is not reckoned.
    pub(super) fn moves_of(&self, step: usize) -> Vec<Moves> {
        let clients = self.plan.terms.clients.iter().zip(&self.steps.moves);
        let moves = clients.filter_map(|(client, shares)| {
            let share = *shares.get(step.checked_sub(1)?)?;
            Some(Moves { client: client.name().into(), share })
        });
        moves.collect()
    }
}
