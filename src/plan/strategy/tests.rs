//! Sequences as stories, and what holds of all of them.

use super::*;

/// Hosts, one letter or digit each.
fn nodes(hosts: &str) -> Vec<Node> {
    hosts.chars().map(|host| Node::new(host.to_string(), format!("10.0.0.{}", host as u32), 11211)).collect()
}

fn story(strategy: Strategy, from: &str, to: &str, batch: &str) -> String {
    let hosts = |list: &Vec<Node>| list.iter().map(|node| &*node.host).collect::<String>();
    let lists = strategy.lists(&nodes(from), &nodes(to), batch.parse().unwrap());
    lists.iter().map(hosts).collect::<Vec<_>>().join(" ")
}

#[test]
fn swaps() {
    for (from, to, batch, expected) in [
        ("ab", "12", "1", "ab 1b 12"),
        ("abcdef", "123456", "2", "abcdef 12cdef 1234ef 123456"),
        ("abcdef", "123456", "34%", "abcdef 12cdef 1234ef 123456"),
        ("abc", "12345", "1", "abc 1bc 12c 123 1234 12345"),
        ("abc", "12345", "2", "abc 12c 123 12345"),
        ("abcde", "123", "1", "abcde 1bcde 12cde 123de 123d 123"),
        ("abcde", "123", "4", "abcde 123de 123"),
        ("a", "1", "7", "a 1"),
        // A node of both stays where it is; in the middle that is all there is to it.
        ("abc", "a1c", "1", "abc a1c"),
        ("abc", "abc", "1", "abc"),
        // A coming node's own place first, so that the order need not be mended.
        ("abc", "1c2", "1", "abc 1bc 12c 1c2"),
        ("ab", "b1", "1", "ab 1b b1"),
        ("abcd", "dcba", "1", "abcd dbca dcba"),
        ("abcd", "cb", "1", "abcd abc bc cb"),
    ] {
        assert_eq!(story(Strategy::Swap, from, to, batch), expected, "{from} to {to} by {batch}");
    }
}

#[test]
fn the_others() {
    use Strategy::{AddThenDrain, Cut, MergeThenDrain};
    for (strategy, from, to, batch, expected) in [
        (AddThenDrain, "ab", "12", "1", "ab ab1 ab12 b12 12"),
        (AddThenDrain, "abc", "12", "2", "abc abc12 c12 12"),
        (MergeThenDrain, "ab", "12", "1", "ab ab12 b12 12"),
        (MergeThenDrain, "ab", "12", "100%", "ab ab12 12"),
        (Cut, "ab", "12", "1", "ab 12"),
        (Cut, "ab", "ba", "1", "ab ba"),
        (AddThenDrain, "abc", "1b", "1", "abc abc1 bc1 b1 1b"),
        (MergeThenDrain, "ab", "ab", "1", "ab"),
    ] {
        assert_eq!(story(strategy, from, to, batch), expected, "{strategy:?}: {from} to {to} by {batch}");
    }
}

#[test]
fn lists_that_are_empty_or_name_a_node_twice() {
    for strategy in Strategy::ALL {
        assert_eq!(story(strategy, "", "12", "1"), "12");
        assert_eq!(story(strategy, "ab", "", "1"), "ab");
        assert_eq!(story(strategy, "", "", "1"), "");
        assert_eq!(story(strategy, "aba", "121", "1"), story(strategy, "ab", "12", "1"));
    }
}

#[test]
fn a_node_of_both_lists_gets_the_new_ones_ip() {
    let mut to = nodes("1b");
    to[1].ip = "10.9.9.9".into();
    for strategy in Strategy::ALL {
        let lists = strategy.lists(&nodes("ab"), &to, Batch::default());
        assert_eq!(lists.last(), Some(&to), "{strategy:?}");
    }
}

/// Thousands of pairs of lists, disjoint or not, and batches: what [`Strategy::lists`] promises.
#[test]
fn what_holds_of_every_sequence() {
    let pool: Vec<char> = ('a'..='z').chain('0'..='9').collect();
    for seed in 0..3000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut list = |pool: &[char], most: usize| -> Vec<Node> {
            let mut pool = pool.to_vec();
            rng.shuffle(&mut pool);
            nodes(&pool[..rng.usize(1..=most)].iter().collect::<String>())
        };
        // Every other pair shares no node.
        let disjoint = seed % 2 == 0;
        let (first, second) = if disjoint { pool.split_at(18) } else { (&pool[..], &pool[..]) };
        let (from, to) = (list(first, 18), list(second, 18));
        let batch: Batch = if rng.bool() {
            rng.usize(1..8).to_string().parse().unwrap()
        } else {
            format!("{}%", rng.usize(1..=100)).parse().unwrap()
        };
        let most = batch.nodes(from.len().max(to.len()));
        for strategy in Strategy::ALL {
            let story = format!("seed {seed}, {strategy:?} by {batch}");
            let lists = strategy.lists(&from, &to, batch);
            assert_eq!((lists.first(), lists.last()), (Some(&from), Some(&to)), "{story}");
            for list in &lists {
                assert!(!list.is_empty(), "{story}");
                assert_eq!(merge([&list[..]]), *list, "{story}: a node is named twice");
            }
            for pair in lists.windows(2) {
                check_step(strategy, &pair[0], &pair[1], &to, most, disjoint, &story);
            }
        }
    }
}

fn check_step(
    strategy: Strategy,
    before: &[Node],
    after: &[Node],
    to: &[Node],
    most: usize,
    disjoint: bool,
    story: &str,
) {
    assert_ne!(before, after, "{story}: a step changes nothing");
    let not_in = |list: &[Node], other: &[Node]| list.iter().filter(|node| !other.contains(node)).count();
    let (came, went) = (not_in(after, before), not_in(before, after));
    let bounded = match strategy {
        Strategy::Swap | Strategy::AddThenDrain => came <= most && went <= most,
        Strategy::MergeThenDrain => went <= most,
        Strategy::Cut => true,
    };
    assert!(bounded, "{story}: {came} come and {went} go");
    assert_eq!(not_in(after, to).saturating_sub(not_in(before, to)), 0, "{story}: an old node comes back");
    if strategy == Strategy::Swap {
        let places = before.len().max(after.len());
        let changed = (0..places).filter(|place| before.get(*place) != after.get(*place)).count();
        if disjoint {
            assert!(changed <= most, "{story}: {changed} places change");
        } else if came + went == 0 {
            assert!(changed <= 2 * most, "{story}: {changed} places change");
        }
    }
}
