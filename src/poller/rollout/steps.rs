//! The whole lists of a rollout, one a step, and what each step changes and costs.

use super::plan::Plan;
use super::{Hold, way};
use crate::cluster::{Change, Node, merge};
use crate::config;
use crate::limits::{ROLLOUT_KEYS, ROLLOUT_RECKONED_MAX};
use crate::plan::{Family, Hashed, Keys, course};
use crate::state::Roster;

/// The seed of the keys: any would do, but it must be the same on all replicas.
const SEED: u64 = 1;

/// The lists of every step, kept as long as nothing that they are made of changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Steps {
    /// What they were made of: the listed sources with their places, and the roster.
    of: (Vec<(usize, Vec<Node>)>, Roster),
    /// The whole lists, with the nodes of the sources that have no part in it. Empty where one of the two has no list.
    pub lists: Vec<Vec<Node>>,
    /// What each step changes.
    pub changes: Vec<Change>,
    /// For each of the clients the share of keys that each step moves; empty where that is too much to reckon.
    pub moves: Vec<Vec<f64>>,
}

impl Steps {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.lists.len().saturating_sub(1)
    }

    /// Makes them anew, where they would be others: whether they are. `from` and `to` are the lists of the two sources
    /// among all those that are `listed`, and not empty.
    pub fn refresh(
        &mut self,
        plan: &Plan,
        roster: Roster,
        listed: &[(usize, &[Node])],
        from: &[Node],
        to: &[Node],
    ) -> bool {
        let (of, before) = &self.of;
        let is_same = || of.iter().zip(listed).all(|((one, had), (other, has))| one == other && had == has);
        if of.len() == listed.len() && *before == roster && is_same() {
            return false;
        }
        let config::Rollout { strategy, batch, .. } = plan.terms;
        let whole = |block: &Vec<Node>| {
            let others = listed.iter().filter(|(place, _)| *place != plan.to);
            merge(others.map(|(place, nodes)| if *place == plan.from { &block[..] } else { *nodes }))
        };
        let lists: Vec<_> = way(strategy, batch, &roster, from, to).iter().map(whole).collect();
        let of = (listed.iter().map(|(place, nodes)| (*place, nodes.to_vec())).collect(), roster);
        if lists == self.lists {
            self.of = of;
            return false;
        }
        let changes = lists.windows(2).map(|pair| Change::between(&pair[0], &pair[1])).collect();
        *self = Self { of, changes, moves: reckon(&plan.terms.clients, &lists), lists };
        true
    }

    /// The step whose list has the fewest nodes that another one has not, and the other way round. Of equals the last where it
    /// has taken steps already, which are not to be undone; else the first.
    pub fn nearest(&self, list: &[Node], has_begun: bool) -> usize {
        let distance = |other: &Vec<Node>| {
            let change = Change::between(other, list);
            change.added.len() + change.removed.len()
        };
        let distances = self.lists.iter().map(distance).enumerate();
        let nearest = distances.min_by_key(|(step, distance)| {
            (*distance, if has_begun { self.lists.len() - step } else { *step })
        });
        nearest.map_or(0, |(step, _)| step)
    }

    /// Whether a step moves more than one may: for whom, and how much.
    pub fn is_too_much(&self, plan: &Plan, step: usize) -> Option<Hold> {
        let config::Rollout { max_move, clients, .. } = &plan.terms;
        if *max_move == config::Share::OFF {
            return None;
        }
        let share = |of: usize| self.moves.get(of).and_then(|moves| moves.get(step - 1)).copied();
        let held = clients.iter().enumerate();
        let held = held.map(|(of, client)| Hold::Moves { step, client: *client, share: share(of) });
        let is_over = |hold: &Hold| match hold {
            Hold::Moves { share: Some(share), .. } => {
                !max_move.allows((share * ROLLOUT_KEYS as f64).round() as usize, ROLLOUT_KEYS)
            }
            _ => true,
        };
        held.into_iter().find(is_over)
    }
}

/// What a change of the list at once moves, for each of the clients; nothing where that is too much to reckon.
pub(super) fn cost(clients: &[Family], before: &[Node], after: &[Node]) -> Vec<(Family, f64)> {
    if before.is_empty() || after.is_empty() || before == after {
        return Vec::new();
    }
    let moves = reckon(clients, &[before.to_vec(), after.to_vec()]);
    clients.iter().zip(moves).filter_map(|(client, moves)| Some((*client, *moves.first()?))).collect()
}

/// What each step moves, for each of the clients.
fn reckon(clients: &[Family], lists: &[Vec<Node>]) -> Vec<Vec<f64>> {
    if lists.iter().map(Vec::len).sum::<usize>() > ROLLOUT_RECKONED_MAX {
        return Vec::new();
    }
    let keys = Keys::seeded(SEED, ROLLOUT_KEYS);
    let moves = |family: &Family| {
        let course = course(&Hashed::new(*family, &keys), lists, || {});
        course.steps.iter().map(|step| step.moved).collect()
    };
    clients.iter().map(moves).collect()
}
