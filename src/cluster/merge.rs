//! Several lists become one.

use std::collections::HashSet;

use super::Node;

/// Concatenates the lists in the order given, each in its own order.
///
/// A node whose host and port are already there is dropped: the first source to name it decides its
/// place and its ip. Nothing is sorted or shuffled.
pub fn merge<'a>(lists: impl IntoIterator<Item = &'a [Node]>) -> Vec<Node> {
    let mut seen = HashSet::new();
    lists.into_iter().flatten().filter(|node| seen.insert(node.identity())).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(host: &str, port: u16) -> Node {
        Node::new(host, "", port)
    }

    #[test]
    fn keeps_the_order_of_sources_and_of_their_nodes() {
        let old = [node("z", 1), node("a", 1)];
        let new = [node("m", 1), node("b", 1)];
        let hosts: Vec<_> =
            merge([&old[..], &new[..]]).into_iter().map(|node| node.host.to_string()).collect();
        assert_eq!(hosts, ["z", "a", "m", "b"]);
    }

    #[test]
    fn the_first_source_to_name_a_node_keeps_it() {
        let first = [Node::new("a", "10.0.0.1", 1)];
        let second = [Node::new("a", "10.0.0.2", 1), Node::new("a", "10.0.0.1", 2)];
        assert_eq!(
            merge([&first[..], &second[..]]),
            [Node::new("a", "10.0.0.1", 1), Node::new("a", "10.0.0.1", 2)]
        );
    }

    #[test]
    fn one_list_may_name_a_node_twice() {
        assert_eq!(merge([&[node("a", 1), node("b", 1), node("a", 1)][..]]).len(), 2);
    }
}
