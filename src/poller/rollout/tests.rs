//! What holds of every rollout; the stories are `tests/scripts/ledger/rollout_*`.

use super::*;
use crate::cluster::Change;
use crate::config;
use crate::limits::ROLLOUT_RECKONED_MAX;
use crate::plan::{Batch, Strategy};

const START: Duration = Duration::from_secs(1_800_000_000);
const INTERVAL: Duration = Duration::from_secs(60);

/// Hosts, one letter or digit each.
fn nodes(hosts: &str) -> Vec<Node> {
    hosts.chars().map(|host| Node::new(host.to_string(), format!("10.0.0.{}", host as u32), 11211)).collect()
}

fn plan(strategy: Strategy, batch: Batch) -> Plan {
    let terms = config::Rollout {
        from: "a".into(),
        to: "b".into(),
        strategy,
        batch,
        start: START,
        interval: INTERVAL,
        hold_at: None,
        // Nothing is reckoned, which would take most of the time.
        clients: Vec::new(),
        max_move: config::Share::OFF,
        guard: None,
    };
    Plan { terms, from: 1, to: 3, ends: ["a".into(), "b".into()] }
}

/// A rollout of the second and the fourth of four sources, when so many steps are due.
struct Stage {
    rollout: Rollout,
    from: Vec<Node>,
    to: Vec<Node>,
}

impl Stage {
    fn new(plan: Plan, from: Vec<Node>, to: Vec<Node>) -> Self {
        Self { rollout: Rollout::new(plan, None, Duration::ZERO), from, to }
    }

    /// The list without the nodes of the other sources, which must be where they are.
    fn list(&mut self) -> Vec<Node> {
        let (first, third) = (nodes("+"), nodes("-"));
        let list = self.rollout.list(&[(0, &first), (1, &self.from), (2, &third), (3, &self.to)]);
        assert_eq!((list.first(), list.last()), (first.first(), third.first()));
        list[1..list.len() - 1].to_vec()
    }

    fn due(&mut self, steps: u32) {
        let wall = if steps == 0 { START - INTERVAL } else { START + INTERVAL * (steps - 1) };
        self.rollout.tick(wall);
    }
}

/// Two lists that share no node, a way from one to the other and a batch.
fn chance(rng: &mut fastrand::Rng) -> (Vec<Node>, Vec<Node>, Strategy, Batch) {
    let mut list = |pool: &str| {
        let mut pool: Vec<char> = pool.chars().collect();
        rng.shuffle(&mut pool);
        nodes(&pool[..rng.usize(1..=pool.len())].iter().collect::<String>())
    };
    let (from, to) = (list("abcdefghijkl"), list("ABCDEFGHIJKL"));
    let batch = if rng.bool() { rng.usize(1..5).to_string() } else { format!("{}%", rng.usize(1..=100)) };
    (from, to, Strategy::ALL[rng.usize(..4)], batch.parse().unwrap())
}

#[test]
fn a_rollout_is_the_plan_s_lists_one_a_step() {
    for seed in 0..150 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (from, to, strategy, batch) = chance(&mut rng);
        let lists = strategy.lists(&from, &to, batch);
        let mut stage = Stage::new(plan(strategy, batch), from, to.clone());
        for (step, list) in lists.iter().enumerate() {
            stage.due(step as u32);
            assert_eq!(stage.list(), *list, "seed {seed}, step {step}");
            // One that begins now is where the others are.
            let mut other = Stage::new(plan(strategy, batch), stage.from.clone(), to.clone());
            other.due(step as u32);
            assert_eq!(other.list(), *list, "seed {seed}, step {step}, late");
            assert_eq!(other.rollout.version_part(), stage.rollout.version_part());
        }
        assert!(stage.rollout.is_done());
        stage.due(1_000_000);
        assert_eq!(stage.list(), to, "seed {seed}");
    }
}

/// Nodes come, go and get other addresses in both clusters while it runs.
#[test]
fn what_comes_and_goes_moves_no_other_node() {
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (from, to, strategy, batch) = chance(&mut rng);
        let steps = strategy.lists(&from, &to, batch).len() - 1;
        let mut stage = Stage::new(plan(strategy, batch), from, to);
        let mut newcomers = "mnopqrMNOPQR0123456789".chars();
        for step in 1..steps as u32 {
            stage.due(step);
            stage.list();
            for _ in 0..rng.usize(..3) {
                let before = stage.list();
                let list = if rng.bool() { &mut stage.from } else { &mut stage.to };
                let place = rng.usize(..list.len());
                let touched = match rng.u8(..3) {
                    0 if list.len() > 1 => list.remove(place),
                    1 => {
                        list[place].ip = "10.9.9.9".into();
                        list[place].clone()
                    }
                    _ => {
                        let Some(newcomer) = newcomers.next() else { continue };
                        list.insert(place, nodes(&newcomer.to_string()).remove(0));
                        list[place].clone()
                    }
                };
                let after = stage.list();
                let change = Change::between(&before, &after);
                let story =
                    format!("seed {seed}, {strategy:?} by {batch}, step {step} of {steps}, {touched}");
                assert_eq!(change.moved, [], "{story}");
                // The last of a list leaves the whole of the other.
                let is_last = before.len() == 1;
                let is_touched = |node: &Node| is_last || node.identity() == touched.identity();
                assert!(
                    change.removed.iter().chain(&change.readdressed).all(is_touched),
                    "{story}: {change:?}"
                );
                // Who waits takes the place of who goes.
                let place = before.iter().position(|node| node.identity() == touched.identity());
                let is_successor = |node: &Node| place.is_some_and(|place| after[place] == *node);
                assert!(
                    change.added.iter().all(|node| is_touched(node) || is_successor(node)),
                    "{story}: {change:?}"
                );
                assert!(!after.is_empty() && merge([&after[..]]) == after, "{story}");
            }
        }
        stage.due(1_000_000);
        assert_eq!(stage.list(), stage.to, "seed {seed}");
    }
}

#[test]
fn the_keys_that_steps_move_are_reckoned_up_to_a_bound() {
    let names = |prefix: &str, count: usize| -> Vec<Node> {
        (0..count)
            .map(|n| Node::new(format!("{prefix}{n}"), format!("10.0.{}.{}", n / 250, n % 250), 11211))
            .collect()
    };
    // `cut` is two lists of as many nodes, and two of other sources in each.
    let reckons = |count: usize| {
        let mut plan = plan(Strategy::Cut, Batch::default());
        plan.terms.clients = vec![Family::LibmemcachedModula];
        let mut stage = Stage::new(plan, names("a", count), names("b", count));
        stage.due(0);
        stage.list();
        let moves = stage.rollout.moves_of(1);
        (!moves.is_empty()).then(|| moves[0].share)
    };
    let most = ROLLOUT_RECKONED_MAX / 2 - 2;
    assert!(reckons(most).is_some_and(|share| share > 0.99));
    assert_eq!(reckons(most + 1), None);
}

#[test]
fn a_step_that_can_not_be_reckoned_is_held_by_max_move() {
    let names = |prefix: &str| -> Vec<Node> {
        (0..ROLLOUT_RECKONED_MAX / 2).map(|n| Node::new(format!("{prefix}{n}"), "", 11211)).collect()
    };
    let mut plan = plan(Strategy::Cut, Batch::default());
    plan.terms.clients = vec![Family::LibmemcachedModula];
    plan.terms.max_move = config::Share::new("99%").unwrap();
    let mut stage = Stage::new(plan, names("a"), names("b"));
    stage.due(1);
    assert_eq!(stage.list(), stage.from);
    assert!(stage.rollout.hold().unwrap().to_string().contains("can't be reckoned"));
}

#[test]
fn the_version_s_part_is_above_every_step_at_the_end() {
    let names = |prefix: &str| -> Vec<Node> {
        (0..crate::limits::NODES_MAX).map(|n| Node::new(format!("{prefix}{n}"), "", 11211)).collect()
    };
    let longest = Strategy::AddThenDrain.lists(&names("a"), &names("b"), Batch::default()).len();
    assert!(longest < ROLLOUT_STEPS_MAX, "{longest}");
}

#[test]
fn a_clock_that_is_set_back_takes_steps_back() {
    let mut stage = Stage::new(plan(Strategy::Swap, Batch::default()), nodes("abc"), nodes("ABC"));
    stage.due(2);
    assert_eq!(stage.list(), nodes("ABc"));
    assert_eq!(stage.rollout.next_due_in(), INTERVAL);
    stage.due(1);
    assert_eq!(stage.list(), nodes("Abc"));
    stage.due(0);
    assert_eq!((stage.list(), stage.rollout.progress()), (nodes("abc"), None));
    assert_eq!(stage.rollout.next_due_in(), INTERVAL);
}

/// One that was held and is behind tells with which start another one is where it is.
#[test]
fn the_start_that_is_told_makes_others_agree() {
    let with = |guard, start| {
        let mut plan = plan(Strategy::Swap, Batch::default());
        (plan.terms.guard, plan.terms.start) = (guard, start);
        Stage::new(plan, nodes("abcdef"), nodes("ABCDEF"))
    };
    let guard =
        config::Guard { floor: config::Share::new("0.9").unwrap(), window: INTERVAL, requests_min: 1 };
    let mut held = with(Some(guard), START);
    held.due(0);
    held.list();
    held.due(4);
    assert_eq!(held.list(), nodes("abcdef"));
    held.rollout.note_misses(None);
    // One at a time.
    held.due(6);
    assert_eq!(held.list(), nodes("Abcdef"));
    held.due(7);
    assert_eq!(held.list(), nodes("ABcdef"));
    let told = held.rollout.told(None, |time| time.as_secs().to_string()).rollout.unwrap();
    assert_eq!((told.behind, told.step), (4, 2), "of the five that were not taken four are left");
    let start = Duration::from_secs(told.start_to_agree.unwrap().parse().unwrap());
    let mut other = with(None, start);
    other.rollout.tick(START + INTERVAL * 6);
    assert_eq!(other.list(), held.list());
    assert_eq!(told.next.unwrap().at.unwrap(), (START + INTERVAL * 7).as_secs().to_string());
}

#[test]
fn a_clock_that_is_mended_by_a_little_undoes_no_step() {
    let mut stage = Stage::new(plan(Strategy::Swap, Batch::default()), nodes("abc"), nodes("ABC"));
    stage.due(1);
    stage.list();
    stage.rollout.tick(START - ROLLOUT_CLOCK_BACK);
    assert_eq!(stage.list(), nodes("Abc"));
    stage.rollout.tick(START - ROLLOUT_CLOCK_BACK - Duration::from_nanos(1));
    assert_eq!(stage.list(), nodes("abc"));
}

/// Second by second: what one serves now, the other one serves two seconds later, and the same version part with it.
#[test]
fn replicas_whose_clocks_are_two_seconds_apart_serve_the_same_at_each_step() {
    let clusters = || (nodes("abcd"), nodes("ABCDE"));
    let mut replicas = [(); 2].map(|()| {
        let (from, to) = clusters();
        Stage::new(plan(Strategy::AddThenDrain, "2".parse().unwrap()), from, to)
    });
    let mut seen = [Vec::new(), Vec::new()];
    for second in 0..600 {
        for (replica, late) in [(0, 0), (1, 2)] {
            let wall = START - INTERVAL + Duration::from_secs(second) - Duration::from_secs(late);
            replicas[replica].rollout.tick(wall);
            let list = replicas[replica].list();
            seen[replica].push((list, replicas[replica].rollout.version_part()));
        }
    }
    assert_eq!(seen[0][..598], seen[1][2..]);
    let [first, second] = seen.map(|mut seen| {
        seen.dedup();
        seen
    });
    assert_eq!(first, second);
    assert_eq!(first.len(), 6, "{first:?}");
    assert_eq!(first.last().unwrap().0, clusters().1);
}
