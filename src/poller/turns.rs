//! Which node is asked next for what it counts, and when. Pure.
//!
//! One after the other, evenly over the time in which each is asked once: nodes under load are not asked by a whole
//! fleet of replicas in the same moment, and a new node waits for its turn no longer than for one of the others.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use crate::cluster::Node;
use crate::limits::HIT_RATE_CONVERSATIONS_MAX;

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Ask this node, and say when that is done.
    Ask(Node),
    /// Nothing before then.
    At(Duration),
    /// Nothing before a node that is being asked is done, or the list changes.
    Wait,
}

/// The nodes that wait for their turn, and those that are being asked.
///
/// Invariant: at most [`HIT_RATE_CONVERSATIONS_MAX`] nodes are being asked, those that left the list meanwhile included.
#[derive(Debug, Default)]
pub struct Turns {
    /// Time between two questions to a node.
    period: Duration,
    listed: HashSet<Node>,
    /// Who waits, the next first.
    line: VecDeque<Seat>,
    away: HashMap<Node, Seat>,
    /// When the last turn was due, which may be before it was taken.
    last: Option<Duration>,
}

#[derive(Debug, Clone)]
struct Seat {
    node: Node,
    /// When it was asked last.
    asked: Option<Duration>,
    /// Whether it did not answer then.
    is_failing: bool,
}

impl Turns {
    /// These are the nodes from now on, each to be asked once in a period. New ones come first.
    pub fn renew(&mut self, nodes: &[Node], period: Duration) {
        self.period = period;
        self.listed = nodes.iter().cloned().collect();
        self.line.retain(|seat| self.listed.contains(&seat.node));
        let mut seated: HashSet<Node> = self.line.iter().map(|seat| seat.node.clone()).collect();
        let new = |node: &&Node| !self.away.contains_key(*node) && seated.insert((*node).clone());
        let new: Vec<_> = nodes.iter().filter(new).cloned().collect();
        for node in new.into_iter().rev() {
            self.line.push_front(Seat { node, asked: None, is_failing: false });
        }
    }

    /// Whose turn it is; who is to be asked is taken for being asked from then on.
    pub fn next(&mut self, now: Duration) -> Turn {
        if self.away.len() >= HIT_RATE_CONVERSATIONS_MAX {
            return Turn::Wait;
        }
        // Those that fail may hang: they never take all the places.
        let failing = self.away.values().filter(|seat| seat.is_failing).count();
        let may_fail = failing < HIT_RATE_CONVERSATIONS_MAX / 2;
        let Some(place) = self.line.iter().position(|seat| may_fail || !seat.is_failing) else {
            return Turn::Wait;
        };
        let step = self.period / u32::try_from(self.listed.len()).unwrap_or(u32::MAX).max(1);
        let turn = self.last.map_or(now, |last| last.saturating_add(step));
        let again = self.line[place].asked.map_or(Duration::ZERO, |asked| asked.saturating_add(self.period));
        let due = turn.max(again);
        if due > now {
            return Turn::At(due);
        }
        // Turns that a coarse clock made late are caught up with, but not a crowd of them.
        let behind_max = step.saturating_mul(HIT_RATE_CONVERSATIONS_MAX as u32);
        self.last = Some(due.max(now.saturating_sub(behind_max)));
        let Some(seat) = self.line.remove(place) else { return Turn::Wait };
        let node = seat.node.clone();
        self.away.insert(node.clone(), Seat { asked: Some(now), ..seat });
        Turn::Ask(node)
    }

    /// This node has answered, or not. Whether it is listed still.
    pub fn done(&mut self, node: &Node, answered: bool) -> bool {
        let Some(seat) = self.away.remove(node).filter(|_| self.listed.contains(node)) else { return false };
        self.line.push_back(Seat { is_failing: !answered, ..seat });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(range: std::ops::Range<usize>) -> Vec<Node> {
        range.map(|n| Node::new(format!("n{n}"), "", 1)).collect()
    }

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn turns(nodes: &[Node], period: u64) -> Turns {
        let mut turns = Turns::default();
        turns.renew(nodes, ms(period));
        turns
    }

    /// Asks as time goes by, each at the moment that was named; every one answers at once. Who was asked, and when.
    fn asked(turns: &mut Turns, from: u64, until: u64) -> Vec<(String, u64)> {
        let (mut now, mut asked) = (ms(from), Vec::new());
        loop {
            match turns.next(now) {
                Turn::Ask(node) => {
                    assert!(turns.done(&node, true));
                    asked.push((node.host.to_string(), now.as_millis() as u64));
                }
                Turn::At(at) if at < ms(until) => {
                    assert!(at > now);
                    now = at;
                }
                Turn::At(_) | Turn::Wait => return asked,
            }
        }
    }

    #[test]
    fn nodes_are_asked_by_turns_evenly_and_each_once_in_a_period() {
        let told = |all: &[(&str, u64)]| all.iter().map(|(n, at)| (n.to_string(), *at)).collect::<Vec<_>>();
        let mut turns = turns(&nodes(0..4), 1000);
        let first = [("n0", 0), ("n1", 250), ("n2", 500), ("n3", 750), ("n0", 1000), ("n1", 1250)];
        assert_eq!(asked(&mut turns, 0, 1400), told(&first));
        // Two leave: nobody is asked sooner than a period after the last time.
        turns.renew(&nodes(0..2), ms(1000));
        assert_eq!(asked(&mut turns, 1400, 3000), told(&[("n0", 2000), ("n1", 2500)]));
        // New ones come first, in their order, also one that is another one by its address alone.
        let mut more = nodes(0..4);
        more[1].ip = "10.0.0.1".into();
        turns.renew(&more, ms(1000));
        let then = [("n1", 2750), ("n2", 3000), ("n3", 3250), ("n0", 3500), ("n1", 3750)];
        assert_eq!(asked(&mut turns, 2750, 3900), told(&then));
        turns.renew(&[], ms(1000));
        assert_eq!(turns.next(ms(9000)), Turn::Wait);
        assert!(turns.line.is_empty() && turns.away.is_empty());
    }

    #[test]
    fn a_new_node_does_not_wait_for_the_long_turn_of_a_short_list() {
        let mut turns = turns(&nodes(0..1), 600_000);
        assert_eq!(asked(&mut turns, 0, 1000).len(), 1);
        turns.renew(&nodes(0..60), ms(600_000));
        assert_eq!(turns.next(ms(1000)), Turn::At(ms(10_000)));
    }

    #[test]
    fn as_many_are_asked_at_a_time_as_the_bound_and_not_one_more() {
        let all = nodes(0..HIT_RATE_CONVERSATIONS_MAX + 1);
        let mut turns = turns(&all, 1000);
        for (n, node) in all[..HIT_RATE_CONVERSATIONS_MAX].iter().enumerate() {
            assert_eq!(turns.next(ms(100 * n as u64)), Turn::Ask(node.clone()));
        }
        assert_eq!(turns.next(ms(90_000)), Turn::Wait);
        // One that is not listed any more keeps its place until it is done.
        turns.renew(&all[1..], ms(1000));
        assert_eq!(turns.next(ms(90_000)), Turn::Wait);
        assert!(!turns.done(&all[0], true));
        assert_eq!(turns.next(ms(90_000)), Turn::Ask(all[HIT_RATE_CONVERSATIONS_MAX].clone()));
        assert!(!turns.done(&all[0], true), "it is done once");
    }

    #[test]
    fn one_that_comes_back_while_it_is_asked_is_not_asked_twice() {
        let all = nodes(0..2);
        let mut turns = turns(&all, 1000);
        assert_eq!(turns.next(ms(0)), Turn::Ask(all[0].clone()));
        turns.renew(&all[1..], ms(1000));
        turns.renew(&all, ms(1000));
        assert_eq!(turns.next(ms(1000)), Turn::Ask(all[1].clone()));
        assert_eq!(turns.next(ms(9000)), Turn::Wait);
        assert!(turns.done(&all[0], true));
        assert_eq!(turns.next(ms(9000)), Turn::Ask(all[0].clone()));
    }

    #[test]
    fn those_that_fail_leave_half_of_the_places_to_the_others() {
        let (half, all) = (HIT_RATE_CONVERSATIONS_MAX / 2, nodes(0..2 * HIT_RATE_CONVERSATIONS_MAX));
        let mut turns = turns(&all, 1000);
        // The first ones of the list fail.
        let mut now = 0;
        let mut rounds = |turns: &mut Turns, count: usize| -> Vec<Node> {
            let mut asked = Vec::new();
            while asked.len() < count {
                now += 1000;
                match turns.next(ms(now)) {
                    Turn::Ask(node) => asked.push(node),
                    Turn::At(_) => {}
                    Turn::Wait => break,
                }
            }
            asked
        };
        for _ in 0..2 {
            let these = rounds(&mut turns, HIT_RATE_CONVERSATIONS_MAX);
            let fails = these[0] == all[0];
            these.iter().for_each(|node| assert!(turns.done(node, !fails)));
        }
        // Now they hang: as many as may are asked, then those that are well, again and again.
        assert_eq!(rounds(&mut turns, half), all[..half]);
        for _ in 0..3 {
            let well = rounds(&mut turns, half);
            assert_eq!(well.len(), half);
            assert!(well.iter().all(|node| all[HIT_RATE_CONVERSATIONS_MAX..].contains(node)), "{well:?}");
            well.iter().for_each(|node| assert!(turns.done(node, true)));
        }
        // And the next one of those that fail once a place of theirs is free.
        assert!(turns.done(&all[0], false));
        assert_eq!(rounds(&mut turns, 1), all[half..=half]);
    }

    #[test]
    fn who_is_late_catches_up_with_few_turns() {
        let all = nodes(0..1000);
        let mut turns = turns(&all, 1000);
        assert_eq!(turns.next(ms(0)), Turn::Ask(all[0].clone()));
        // A coarse clock: five turns in one look.
        let mut late = 0;
        while let Turn::Ask(node) = turns.next(ms(5)) {
            late += 1;
            turns.done(&node, true);
        }
        assert_eq!(late, 5);
        let mut late = 0;
        while let Turn::Ask(node) = turns.next(ms(500)) {
            late += 1;
            turns.done(&node, true);
        }
        assert_eq!(late, HIT_RATE_CONVERSATIONS_MAX + 1);
    }
}
