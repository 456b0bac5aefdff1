//! What a sequence of lists does to a set of keys: how many move at each step, and what each node is left with.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::family::{Continuum, Family, Method, jump, modulo, points_of};
use super::hashed::{Hashed, Hashes};
use super::keys::Keys;
use super::scores::Scores;
use crate::cluster::Node;

/// How evenly keys lie on nodes, in shares of an even part: 1 is what each node would have of an even spread.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Load {
    /// The node with the fewest.
    pub min: f64,
    /// The node with the most.
    pub max: f64,
    /// The standard deviation.
    pub deviation: f64,
}

/// One step of a sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Nodes of the list.
    pub nodes: usize,
    /// The share of the keys that another node has now: from 0 to 1. A node is its host and port, wherever in the list.
    pub moved: f64,
    /// The sum of that over all steps so far, which may be above 1.
    pub moved_in_all: f64,
    /// How the keys lie now.
    pub load: Load,
}

/// A whole sequence as one family goes through it.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// Nodes of the first list.
    pub nodes: usize,
    /// How the keys lay at first.
    pub load: Load,
    /// What came then, in order.
    pub steps: Vec<Step>,
}

impl Course {
    /// The share of the keys that moves in the worst step, and its number, from 1; 0 and 0 where there is no step.
    pub fn peak(&self) -> (f64, usize) {
        let moved = self.steps.iter().map(|step| step.moved).zip(1..);
        // The first of equals.
        moved.fold((0.0, 0), |worst, step| if step.0 > worst.0 { step } else { worst })
    }

    /// The sum of what moves, over all steps.
    pub fn sum(&self) -> f64 {
        self.steps.last().map_or(0.0, |step| step.moved_in_all)
    }
}

/// What one change does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The share of the keys that move.
    pub moved: f64,
    /// How they lay.
    pub before: Load,
    /// How they lie.
    pub after: Load,
}

/// What a change from one list to another, at once, does to these keys. Neither list is empty.
pub fn simulate(before: &[Node], after: &[Node], keys: &Keys, family: Family) -> Change {
    let course = course(&Hashed::new(family, keys), &[before.to_vec(), after.to_vec()], || {});
    let (moved, load) = course.steps.first().map_or((0.0, course.load), |step| (step.moved, step.load));
    Change { moved, before: course.load, after: load }
}

/// Leads the keys through lists, none of which is empty; `on_list` is called after each.
pub fn course(keys: &Hashed<'_>, lists: &[Vec<Node>], mut on_list: impl FnMut()) -> Course {
    let mut walk = Walk::new(keys);
    let mut course = Course { nodes: 0, load: Load::default(), steps: Vec::new() };
    for (at, list) in lists.iter().enumerate() {
        let (moved, load) = walk.next(list);
        if at == 0 {
            (course.nodes, course.load) = (list.len(), load);
        } else {
            let moved_in_all = course.sum() + moved;
            course.steps.push(Step { nodes: list.len(), moved, moved_in_all, load });
        }
        on_list();
    }
    course
}

/// Keys on their way through lists.
struct Walk<'a> {
    keys: &'a Hashed<'a>,
    /// For each key the number of its node.
    owners: Vec<usize>,
    /// The numbers of nodes, by what makes them the same.
    numbers: HashMap<(&'a str, u16), usize>,
    /// The points of nodes, which are dear, by all that they could be made of.
    points: HashMap<&'a Node, Vec<u32>>,
    scores: Scores,
}

impl<'a> Walk<'a> {
    fn new(keys: &'a Hashed<'a>) -> Self {
        let owners = vec![usize::MAX; keys.len()];
        Self { keys, owners, numbers: HashMap::new(), points: HashMap::new(), scores: Scores::default() }
    }

    /// Takes the next list: the share of the keys that moves, and how they lie then.
    fn next(&mut self, list: &'a [Node]) -> (f64, Load) {
        let Self { keys, owners, numbers, points, scores } = self;
        let owner_at: Vec<usize> = list
            .iter()
            .map(|node| {
                let next = numbers.len();
                *numbers.entry(node.identity()).or_insert(next)
            })
            .collect();
        let (mut counts, mut moved) = (vec![0_usize; list.len()], 0_usize);
        let mut each_owner = owners.iter_mut();
        let mut found = |place: usize| {
            counts[place] += 1;
            if let Some(owner) = each_owner.next() {
                moved += usize::from(*owner != owner_at[place]);
                *owner = owner_at[place];
            }
        };
        match (&keys.hashes, keys.family.method()) {
            (Hashes::Modulo(hashes), _) => {
                hashes.iter().for_each(|hash| found(modulo(*hash, list.len())));
            }
            (Hashes::Long(hashes), _) => hashes.iter().for_each(|hash| found(jump(*hash, list.len()))),
            (Hashes::Whole(keys), _) => scores.next(list, keys, found),
            (Hashes::Rising(hashes), Method::Points(_, kind, rule)) => {
                for node in list {
                    points.entry(node).or_insert_with(|| points_of(kind, node));
                }
                Continuum::new(rule, list.iter().map(|node| &points[node][..])).pick_sorted(hashes, found);
            }
            // Hashes rise for families with points only.
            (Hashes::Rising(_), _) => {}
        }
        (moved as f64 / keys.len().max(1) as f64, Load::of(&counts))
    }
}

impl Load {
    /// Of so many keys on each node.
    fn of(counts: &[usize]) -> Self {
        let nodes = counts.len().max(1) as f64;
        let even = (counts.iter().sum::<usize>() as f64 / nodes).max(f64::MIN_POSITIVE);
        let shares = || counts.iter().map(|count| *count as f64 / even);
        let variance = shares().map(|share| (share - 1.0).powi(2)).sum::<f64>() / nodes;
        Self {
            min: shares().fold(f64::INFINITY, f64::min),
            max: shares().fold(0.0, f64::max),
            deviation: variance.sqrt(),
        }
    }
}
