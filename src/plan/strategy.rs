//! The ways from one list to another, as sequences of lists.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use super::Batch;
use crate::cluster::{Node, merge};

/// A way from one list to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// A new node takes an old node's place.
    ///
    /// The new node at a place of `to` takes the same place of `from` where the node there goes, else the first that
    /// is free; the places change in their order, a batch at a time. Nodes of both lists stay where they are. Where
    /// `from` is longer, what is left of it goes from the end; where `to` is, what is left of it is appended.
    Swap,
    /// The new nodes are appended batch by batch, then the old ones go batch by batch, the first of the list first.
    AddThenDrain,
    /// The new nodes are appended at once, as two merged sources are; then the old ones go as above.
    MergeThenDrain,
    /// The new list at once.
    Cut,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Strategy; 4] =
        [Strategy::Swap, Strategy::AddThenDrain, Strategy::MergeThenDrain, Strategy::Cut];

    /// The word for it in commands and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Swap => "swap",
            Self::AddThenDrain => "add-then-drain",
            Self::MergeThenDrain => "merge-then-drain",
            Self::Cut => "cut",
        }
    }

    /// The strategy of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.name() == name)
    }

    /// The lists from `from` (the first) to `to` (the last), both included.
    ///
    /// No list is empty or names a node twice, and each differs from the one before; but for [`Strategy::Cut`] and the
    /// merging of [`Strategy::MergeThenDrain`], at most `batch` nodes come and at most `batch` go in a step. Lists that
    /// share nodes may have them in another order than `to` when the last old node is gone: the end is then steps that
    /// put up to `batch` nodes where `to` has them, since the order of `to` is what will be served from then on.
    ///
    /// A node that a list names twice counts once. A list that is empty is no step: without nodes in one of the two,
    /// the other is all there is.
    pub fn lists(self, from: &[Node], to: &[Node], batch: Batch) -> Vec<Vec<Node>> {
        let (from, to) = (merge([from]), merge([to]));
        if from.is_empty() || to.is_empty() {
            return [from, to].into_iter().filter(|list| !list.is_empty()).collect();
        }
        let batch = batch.nodes(from.len().max(to.len()));
        let mut way = Way { lists: vec![from], to, batch };
        match self {
            Self::Swap => way.swap(),
            Self::AddThenDrain => {
                way.add(batch);
                way.drain();
            }
            Self::MergeThenDrain => {
                way.add(usize::MAX);
                way.drain();
            }
            Self::Cut => way.push(way.to.clone()),
        }
        way.arrange();
        way.lists
    }
}

/// A sequence while it is made. Invariants: it has a list, none is empty, and no list names a node twice.
struct Way {
    lists: Vec<Vec<Node>>,
    to: Vec<Node>,
    batch: usize,
}

impl Way {
    /// The list that was reached.
    fn list(&self) -> Vec<Node> {
        self.lists.last().cloned().unwrap_or_default()
    }

    fn push(&mut self, list: Vec<Node>) {
        if self.lists.last() != Some(&list) {
            self.lists.push(list);
        }
    }

    /// The nodes of `to` that are not in the list, with their places in `to`.
    fn coming(&self) -> Vec<(usize, Node)> {
        let list = self.list();
        let here: HashSet<_> = list.iter().map(Node::identity).collect();
        let coming = self.to.iter().enumerate().filter(|(_, node)| !here.contains(&node.identity()));
        coming.map(|(place, node)| (place, node.clone())).collect()
    }

    /// The places in the list of nodes that are not in `to`.
    fn going(&self) -> Vec<usize> {
        let there: HashSet<_> = self.to.iter().map(Node::identity).collect();
        let list = self.list();
        (0..list.len()).filter(|place| !there.contains(&list[*place].identity())).collect()
    }

    fn swap(&mut self) {
        let going = self.going();
        // Its own place if the node there goes, else any.
        let (own, others): (Vec<_>, Vec<_>) =
            self.coming().into_iter().partition(|(place, _)| going.contains(place));
        let taken: HashSet<usize> = own.iter().map(|(place, _)| *place).collect();
        let free = going.into_iter().filter(|place| !taken.contains(place));
        let mut takes = own;
        takes.extend(free.zip(others).map(|(place, (_, node))| (place, node)));
        takes.sort_by_key(|(place, _)| *place);
        for batch in takes.chunks(self.batch) {
            let mut list = self.list();
            for (place, node) in batch {
                list[*place] = node.clone();
            }
            self.push(list);
        }
        // What is left is of one list only.
        for places in self.going().rchunks(self.batch) {
            let mut list = self.list();
            places.iter().rev().for_each(|place| drop(list.remove(*place)));
            self.push(list);
        }
        self.add(self.batch);
    }

    /// Appends the nodes that are coming, so many at a time.
    fn add(&mut self, batch: usize) {
        for nodes in self.coming().chunks(batch) {
            let mut list = self.list();
            list.extend(nodes.iter().map(|(_, node)| node.clone()));
            self.push(list);
        }
    }

    /// Takes the nodes off that are going, a batch at a time.
    fn drain(&mut self) {
        let list = self.list();
        for places in self.going().chunks(self.batch) {
            let gone: HashSet<_> = places.iter().map(|place| list[*place].identity()).collect();
            let rest = self.list().into_iter().filter(|node| !gone.contains(&node.identity())).collect();
            self.push(rest);
        }
    }

    /// Brings nodes to the places that `to` has for them, a batch at a time. The list has the nodes of `to` already.
    fn arrange(&mut self) {
        loop {
            let (mut list, mut placed) = (self.list(), 0);
            for (place, node) in self.to.iter().enumerate() {
                if placed == self.batch {
                    break;
                }
                if list[place] == *node {
                    continue;
                }
                let found = list.iter().position(|other| other.identity() == node.identity());
                list.swap(place, found.unwrap_or(place));
                // Its ip may be another one.
                list[place] = node.clone();
                placed += 1;
            }
            if placed == 0 {
                return;
            }
            self.push(list);
        }
    }
}
