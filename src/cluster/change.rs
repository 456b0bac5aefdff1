//! What differs between two lists, in words that an operator wants to read.

use std::collections::{HashMap, HashSet};

use super::Node;

/// What became of the nodes from one list to the next, by their identity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Nodes that were not listed before.
    pub added: Vec<Node>,
    /// Nodes that are listed no more.
    pub removed: Vec<Node>,
    /// Nodes that stand elsewhere among those that stayed: the fewest whose move explains the new order.
    pub moved: Vec<Node>,
    /// Nodes whose ip is another one.
    pub readdressed: Vec<Node>,
}

impl Change {
    /// The change that leads from `before` to `after`.
    pub fn between(before: &[Node], after: &[Node]) -> Self {
        let places: HashMap<_, _> =
            before.iter().enumerate().map(|(place, node)| (node.identity(), place)).collect();
        let mut change = Self::default();
        let mut stayed = Vec::new();
        for node in after {
            match places.get(&node.identity()) {
                None => change.added.push(node.clone()),
                Some(&place) => {
                    if before[place].ip != node.ip {
                        change.readdressed.push(node.clone());
                    }
                    stayed.push((place, node));
                }
            }
        }
        let kept: HashSet<_> = after.iter().map(Node::identity).collect();
        change.removed = before.iter().filter(|node| !kept.contains(&node.identity())).cloned().collect();
        change.moved = out_of_order(&stayed);
        change
    }

    /// Whether the lists are the same, byte for byte.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.removed.is_empty()
            && self.moved.is_empty()
            && self.readdressed.is_empty()
    }
}

/// The nodes outside the longest run of places that still rise (patience sorting, n log n).
fn out_of_order(stayed: &[(usize, &Node)]) -> Vec<Node> {
    // tails[k]: the entry that ends the best rising run of k + 1 entries; before[i]: the one ahead of i in its run.
    let mut tails: Vec<usize> = Vec::new();
    let mut before = vec![None; stayed.len()];
    for (entry, (place, _)) in stayed.iter().enumerate() {
        let length = tails.partition_point(|&tail| stayed[tail].0 < *place);
        before[entry] = length.checked_sub(1).map(|ahead| tails[ahead]);
        if length == tails.len() {
            tails.push(entry);
        } else {
            tails[length] = entry;
        }
    }
    let mut in_order = vec![false; stayed.len()];
    let mut entry = tails.last().copied();
    while let Some(current) = entry {
        in_order[current] = true;
        entry = before[current];
    }
    stayed.iter().zip(in_order).filter(|(_, kept)| !kept).map(|((_, node), _)| (*node).clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(hosts: &str) -> Vec<Node> {
        hosts.split_whitespace().map(|host| Node::new(host, "", 11211)).collect()
    }

    #[track_caller]
    fn change(before: &str, after: &str, added: &str, removed: &str, moved: &str) {
        let change = Change::between(&nodes(before), &nodes(after));
        assert_eq!(change.added, nodes(added), "added");
        assert_eq!(change.removed, nodes(removed), "removed");
        assert_eq!(change.moved, nodes(moved), "moved");
        assert_eq!(change.is_empty(), before == after);
    }

    #[test]
    fn tells_added_removed_and_moved() {
        change("a b", "a b", "", "", "");
        change("", "a b", "a b", "", "");
        change("a b c", "a c d", "d", "b", "");
        change("a b c d", "b c d a", "", "", "a");
        change("a b c d", "a x c b", "x", "d", "c");
        change("a b", "", "", "a b", "");
    }

    #[test]
    fn tells_another_address() {
        let before = [Node::new("a", "10.0.0.1", 1)];
        let after = [Node::new("a", "10.0.0.2", 1)];
        let change = Change::between(&before, &after);
        assert_eq!(change.readdressed, after);
        assert!(!change.is_empty() && change.added.is_empty() && change.moved.is_empty());
    }
}
