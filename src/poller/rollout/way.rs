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

    /// Takes note of what the two have now, when `step` is served.
    ///
    /// Who is gone leaves a place, which the next to come to the same source takes: for good, and at once where that place is
    /// in the list. Who comes to `from` and finds no place is late; who comes to `to` waits for the end.
    pub fn note(&mut self, strategy: Strategy, batch: Batch, step: usize, from: &[Node], to: &[Node]) {
        self.late.retain(|node| has(from, node));
        let new = |known: &Self, node: &Node| {
            !has(&known.from, node) && !has(&known.to, node) && !has(&known.late, node)
        };
        let mut comes_to = to.iter().filter(|node| new(self, node)).cloned().collect::<Vec<_>>().into_iter();
        let comes_from: Vec<_> =
            from.iter().filter(|node| new(self, node) && !has(to, node)).cloned().collect();
        for place in self.to.iter_mut().filter(|node| !has(to, node) && !has(from, node)) {
            let Some(node) = comes_to.next() else { break };
            *place = node;
        }
        if comes_from.is_empty() {
            return;
        }
        let lists = strategy.lists(&self.from, &self.to, self.batch(batch));
        let listed = lists.into_iter().nth(step).unwrap_or_default();
        let mut comes_from = comes_from.into_iter();
        let is_gone = |node: &&mut Node| !has(from, node) && !has(to, node) && has(&listed, node);
        for place in self.from.iter_mut().filter(is_gone) {
            let Some(node) = comes_from.next() else { break };
            *place = node;
        }
        self.late.extend(comes_from);
    }

    /// Whether more than half of the nodes that are to come are nowhere to be seen: how many, of how many.
    pub fn lacks(&self, to: &[Node]) -> Option<(usize, usize)> {
        let gone = self.to.iter().filter(|node| !has(to, node)).count();
        (2 * gone > self.to.len()).then_some((gone, self.to.len()))
    }

    /// The batch in nodes: of the lists at the beginning, so that what comes later makes no step larger.
    fn batch(&self, batch: Batch) -> Batch {
        let nodes = batch.nodes(self.from.len().max(self.to.len()));
        Batch::Nodes(NonZeroUsize::new(nodes).unwrap_or(NonZeroUsize::MIN))
    }
}

fn has(list: &[Node], node: &Node) -> bool {
    list.iter().any(|known| known.identity() == node.identity())
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
