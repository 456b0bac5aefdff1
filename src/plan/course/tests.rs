//! Figures that are known beforehand, and agreement with picking key by key.

use super::super::Strategy;
use super::*;

fn nodes(name: &str, network: u8, count: usize) -> Vec<Node> {
    let node = |n: usize| {
        Node::new(format!("{name}.{n:04}.use1.cache.example"), format!("10.0.{network}.{n}"), 11211)
    };
    (1..=count).map(node).collect()
}

/// The slow and obvious way.
fn picked(family: Family, keys: &Keys, lists: &[Vec<Node>]) -> Vec<(f64, f64)> {
    let owners = |list: &Vec<Node>| -> Vec<String> {
        let picker = family.picker(list);
        let owner = |key| list[picker.pick(key)].identity();
        keys.iter().map(owner).map(|(host, port)| format!("{host}:{port}")).collect()
    };
    let step = |pair: &[Vec<Node>]| {
        let (before, after) = (owners(&pair[0]), owners(&pair[1]));
        let moved = before.iter().zip(&after).filter(|(before, after)| before != after).count();
        let most = after.iter().map(|owner| after.iter().filter(|other| *other == owner).count()).max();
        let even = keys.len() as f64 / pair[1].len() as f64;
        (moved as f64 / keys.len() as f64, most.unwrap() as f64 / even)
    };
    lists.windows(2).map(step).collect()
}

#[test]
fn every_step_is_what_picking_key_by_key_finds() {
    let keys = Keys::seeded(3, 400);
    let (from, mut to) = (nodes("old", 0, 4), nodes("new", 1, 6));
    // One that both have, under another ip and at another place.
    to[4] = Node::new(from[1].host.clone(), "10.9.9.9", 11211);
    // One that shares its ip with an old one, but not its host.
    to[5].ip = from[2].ip.clone();
    for family in Family::ALL {
        let hashed = Hashed::new(family, &keys);
        for strategy in Strategy::ALL {
            for batch in ["1", "3"] {
                let lists = strategy.lists(&from, &to, batch.parse().unwrap());
                let (mut heard, story) = (0, format!("{} by {}", family.name(), strategy.name()));
                let course = course(&hashed, &lists, || heard += 1);
                assert_eq!(heard, lists.len());
                let slow = picked(family, &keys, &lists);
                assert_eq!(course.steps.len(), slow.len());
                for (step, (moved, most)) in course.steps.iter().zip(slow) {
                    assert!((step.moved - moved).abs() < 1e-9, "{story}: {step:?}, not {moved}");
                    assert!((step.load.max - most).abs() < 1e-9, "{story}: {step:?}, not {most}");
                }
            }
        }
    }
}

/// The table of what list changes cost that the issue begins with: 60,000 keys, 6 old nodes replaced by 6 new ones.
///
/// Ketama's figures are of the nodes' names: with others, its worst step is up to 2 points and its sum up to 6 points
/// away. The table does not say its names; with these the figures are the same.
#[test]
fn the_costs_that_are_known_come_out() {
    let keys = Keys::seeded(0, 60_000);
    let named = |cluster: &str| -> Vec<Node> {
        let host = |n| format!("{cluster}.k3vwqp.{n:04}.use1.cache.amazonaws.com");
        (0..6).map(|n| Node::new(host(n), "", 11211)).collect()
    };
    let (from, to) = (named("alpha"), named("beta"));
    let [ketama, modulo, jump] =
        [Family::LibmemcachedKetama, Family::LibmemcachedModula, Family::Jump].map(|family| (family, &keys));
    for (strategy, batch, expected) in [
        (Strategy::Cut, "1", [(100, 100), (100, 100), (100, 100)]),
        (Strategy::MergeThenDrain, "6", [(52, 100), (50, 100), (92, 142)]),
        (Strategy::MergeThenDrain, "1", [(48, 116), (92, 585), (99, 642)]),
        (Strategy::AddThenDrain, "1", [(16, 134), (92, 1070), (99, 657)]),
        (Strategy::Swap, "1", [(29, 172), (17, 100), (17, 100)]),
    ] {
        let lists = strategy.lists(&from, &to, batch.parse().unwrap());
        for ((family, keys), (peak, sum)) in [ketama, modulo, jump].into_iter().zip(expected) {
            let course = course(&Hashed::new(family, keys), &lists, || {});
            let (found_peak, found_sum) = (course.peak().0 * 100.0, course.sum() * 100.0);
            assert!((found_peak - f64::from(peak)).abs() <= 1.5, "{strategy:?} {family:?}: {found_peak}");
            assert!((found_sum - f64::from(sum)).abs() <= 1.5, "{strategy:?} {family:?}: {found_sum}");
        }
    }
}

#[test]
fn a_change_of_nothing_moves_nothing_and_a_change_of_all_moves_all() {
    let keys = Keys::seeded(1, 2000);
    let (from, to) = (nodes("old", 0, 3), nodes("new", 1, 3));
    for family in Family::ALL {
        assert_eq!(simulate(&from, &from, &keys, family).moved, 0.0, "{}", family.name());
        let change = simulate(&from, &to, &keys, family);
        assert_eq!(change.moved, 1.0, "{}", family.name());
        assert!(change.before.min <= 1.0 && change.before.max >= 1.0, "{change:?}");
    }
    let one = simulate(&from[..1], &to[..1], &keys, Family::Jump);
    assert_eq!(one.after, Load { min: 1.0, max: 1.0, deviation: 0.0 });
}

#[test]
fn load_is_told_in_even_parts() {
    assert_eq!(Load::of(&[10, 20, 30]), Load { min: 0.5, max: 1.5, deviation: (1.0_f64 / 6.0).sqrt() });
    assert_eq!(Load::of(&[0, 0]).max, 0.0);
}

#[test]
fn the_worst_step_is_the_first_of_equals_and_the_sum_is_of_all() {
    let step = |moved, moved_in_all| Step { nodes: 1, moved, moved_in_all, load: Load::default() };
    let steps = vec![step(0.25, 0.25), step(0.5, 0.75), step(0.5, 1.25)];
    let course = Course { nodes: 1, load: Load::default(), steps };
    assert_eq!((course.peak(), course.sum()), ((0.5, 2), 1.25));
    let still = Course { nodes: 1, load: Load::default(), steps: vec![] };
    assert_eq!((still.peak(), still.sum()), ((0.0, 0), 0.0));
}
