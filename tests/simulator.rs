//! A simulator: sources that answer well and badly, replicas that ask them, disks, restarts and clocks; no socket, no
//! file, no real time. What decides is the real code: the answer parser, the ledger, the state file's bytes, the
//! back-off, the snapshot. What must hold is written down a second time, naively, in `simulator/judge.rs`.
//!
//! Every seed is a world of its own; one that fails is printed with its last steps. `SIMULATOR_SEEDS=5000` or `=300..900`
//! runs others than the default ones, `SIMULATOR_SEED=17` replays one and prints all of its steps (`-- --nocapture`).

#[path = "simulator/disk.rs"]
mod disk;
#[path = "simulator/garbage.rs"]
mod garbage;
#[path = "simulator/judge.rs"]
mod judge;
#[path = "simulator/plan.rs"]
mod plan;
#[path = "simulator/replica.rs"]
mod replica;
#[path = "simulator/served.rs"]
mod served;
#[path = "simulator/trail.rs"]
mod trail;
#[path = "simulator/upstream.rs"]
mod upstream;
#[path = "simulator/world.rs"]
mod world;

use std::env;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use trail::{Tally, Trail};

/// Seeds of an ordinary run.
const SEEDS: Range<u64> = 0..300;

/// Seeds by which everything that can happen has happened.
const SEEDS_MANY: usize = 200;

/// Most threads at a time.
const THREADS_MAX: usize = 8;

/// Lines of a failing seed's story that are printed.
const STEPS_SHOWN: usize = 40;

fn number(text: &str) -> u64 {
    text.parse().expect("a seed is a number")
}

fn seeds() -> Range<u64> {
    if let Ok(seed) = env::var("SIMULATOR_SEED") {
        return number(&seed)..number(&seed) + 1;
    }
    match env::var("SIMULATOR_SEEDS") {
        Ok(range) => match range.split_once("..") {
            Some((from, to)) => number(from)..number(to),
            None => 0..number(&range),
        },
        Err(_) => SEEDS,
    }
}

/// Lives through a world; what went wrong in it, be it a panic.
fn run(seed: u64, trail: &Trail, tally: &mut Tally) -> Result<(), String> {
    let world = AssertUnwindSafe(|| world::run(seed, trail, tally));
    catch_unwind(world).unwrap_or_else(|_| Err("a panic, which is told above".into()))
}

/// Lives through some worlds; what happened in them, and the first that went wrong.
fn run_some(mut seeds: impl Iterator<Item = u64>) -> (Tally, Option<u64>) {
    let mut tally = Tally::default();
    let failed = seeds.find(|seed| run(*seed, &Trail::default(), &mut tally).is_err());
    (tally, failed)
}

/// The story of a world, as a test that fails tells it: the last steps, or all of them.
fn story(seed: u64, shown: usize) -> String {
    let trail = Trail::kept();
    let outcome = run(seed, &trail, &mut Tally::default());
    let steps = trail.steps();
    let last = &steps[steps.len().saturating_sub(shown).max(1).min(steps.len())..];
    let told: Vec<_> = steps.iter().take(1).chain(last).map(|step| format!("  {step}\n")).collect();
    let end = outcome.map_or_else(|what| what, |()| "all is well".into());
    format!(
        "seed {seed} (SIMULATOR_SEED={seed} replays it), {} steps:\n{}  {end}",
        steps.len(),
        told.concat()
    )
}

#[test]
fn every_promise_is_kept_in_every_world() {
    if let Ok(seed) = env::var("SIMULATOR_SEED") {
        println!("{}", story(number(&seed), usize::MAX));
    }
    let seeds = seeds();
    let count = seeds.end.saturating_sub(seeds.start) as usize;
    let mut tally = Tally::default();
    let mut failed = None;
    // Worlds know nothing of each other: a thread for each CPU takes every so manieth of them.
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    thread::scope(|scope| {
        let some = |first| seeds.clone().skip(first).step_by(threads);
        let threads: Vec<_> = (0..threads).map(|first| scope.spawn(move || run_some(some(first)))).collect();
        for thread in threads {
            let (of_some, failed_of_some) = thread.join().expect("it catches panics");
            tally.add(of_some);
            failed = failed.into_iter().chain(failed_of_some).min();
        }
    });
    if let Some(seed) = failed {
        panic!("the {}th seed fails:\n{}", seed - seeds.start + 1, story(seed, STEPS_SHOWN));
    }
    println!("{count} seeds: {tally}");
    if count >= SEEDS_MANY {
        assert_eq!(
            tally.never(),
            [""; 0],
            "these things never happened: the simulator proves less than it says"
        );
    }
}

#[test]
fn a_seed_replays() {
    for seed in [1, 2, 3] {
        assert_eq!(story(seed, usize::MAX), story(seed, usize::MAX));
    }
    assert_ne!(story(1, usize::MAX).lines().nth(1), story(2, usize::MAX).lines().nth(1));
}
