//! A simulator: sources that answer well and badly, replicas that ask them, disks, restarts and clocks; no socket, no
//! file, no real time. What decides is the real code: the answer parser, the ledger, the state file's bytes, the
//! back-off, the snapshot. What must hold is written down a second time, naively, in `simulator/judge.rs`.
//!
//! Every seed is a world of its own; one that fails is printed with its last steps. `SIMULATOR_SEEDS=5000` or `=300..900`
//! runs others than the default ones, `SIMULATOR_SEED=17` replays one and prints all of its steps.

#[path = "simulator/disk.rs"]
mod disk;
#[path = "simulator/garbage.rs"]
mod garbage;
#[path = "simulator/judge.rs"]
mod judge;
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

use trail::{Tally, Trail};

/// Seeds of an ordinary run.
const SEEDS: Range<u64> = 0..300;

/// Seeds by which everything that can happen has happened.
const SEEDS_MANY: usize = 200;

/// Lines of a failing seed's story that are printed.
const STEPS_SHOWN: usize = 40;

fn seeds() -> Range<u64> {
    let number = |text: &str| text.parse::<u64>().expect("a seed is a number");
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

#[test]
fn every_promise_is_kept_in_every_world() {
    let (seeds, shown) = match env::var("SIMULATOR_SEED") {
        Ok(_) => (seeds(), usize::MAX),
        Err(_) => (seeds(), STEPS_SHOWN),
    };
    let count = seeds.end.saturating_sub(seeds.start) as usize;
    let mut tally = Tally::default();
    for seed in seeds {
        // It tells the seed and the last steps where the code under test panics, too.
        let trail = Trail::new(seed, shown);
        if let Err(what) = world::run(seed, &trail, &mut tally) {
            panic!("seed {seed}: {what}");
        }
        trail.end(shown == usize::MAX);
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
    let told = |seed| {
        let trail = Trail::new(seed, usize::MAX);
        world::run(seed, &trail, &mut Tally::default()).unwrap();
        trail.end(false)
    };
    for seed in [1, 2, 3] {
        assert_eq!(told(seed), told(seed));
    }
    assert_ne!(told(1), told(2));
}
