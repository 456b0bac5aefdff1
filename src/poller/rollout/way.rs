//! The lists of a rollout, one a step, from what the two sources have now and what they had when it began. Pure.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use crate::cluster::Node;
use crate::limits::ROLLOUT_STEPS_MAX;
use crate::plan::{Batch, Strategy};
use crate::state::Roster;

impl Roster {
    /// The lists as they are when a rollout begins.
    pub fn new(from: &[Node], to: &[Node]) -> Self {
        Self { from: from.to_vec(), to: to.to_vec(), late: Vec::new() }
    }

    /// Takes note of what `from` has now.
    pub fn note(&mut self, from: &[Node]) {
        let Self { from: first, to, late } = self;
        let has = |list: &[Node], node: &Node| list.iter().any(|known| known.identity() == node.identity());
        late.retain(|node| has(from, node));
        for node in from {
            if !has(first, node) && !has(to, node) && !has(late, node) {
                late.push(node.clone());
            }
        }
    }

    /// The batch in nodes: of the lists at the beginning, so that what comes later makes no step larger.
    fn batch(&self, batch: Batch) -> Batch {
        let nodes = batch.nodes(self.from.len().max(self.to.len()));
        Batch::Nodes(NonZeroUsize::new(nodes).unwrap_or(NonZeroUsize::MIN))
    }
}

/// The lists of the two sources' nodes, the first before any step and the last the list of `to` as it is. None is empty.
///
/// `from` and `to` are the sources' lists as they are now, neither of them empty. Nodes that are gone from both are
/// nowhere; their steps are left, and change nothing. What has come to `from` since the beginning is at the end of the list, and
/// what has come to `to` is taken in by more steps of the same strategy.
pub fn way(strategy: Strategy, batch: Batch, roster: &Roster, from: &[Node], to: &[Node]) -> Vec<Vec<Node>> {
    let batch = roster.batch(batch);
    // The first source to name a node has its ip, as in every merged list.
    let here: HashMap<_, _> = to.iter().chain(from).map(|node| (node.identity(), node)).collect();
    let as_it_is = |node: Node| here.get(&node.identity()).map(|node| (*node).clone());
    let or_all = |list: Vec<Node>| if list.is_empty() { to.to_vec() } else { list };
    let begun = strategy.lists(&roster.from, &roster.to, batch);
    let begun = begun.into_iter().map(|list| list.into_iter().chain(roster.late.clone()));
    let mut lists: Vec<Vec<Node>> = begun.map(|list| or_all(list.filter_map(as_it_is).collect())).collect();
    let last = lists.pop().unwrap_or_default();
    lists.extend(strategy.lists(&last, to, batch));
    lists.truncate(ROLLOUT_STEPS_MAX);
    lists
}
