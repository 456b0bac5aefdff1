//! A real worker in this process, with real clients, and failures from below ([`super::faults`]).
//!
//! Every seed is a worker with faults of its own. `FAULTS_SEEDS=1000` or `=300..900` runs others than the default
//! ones, `FAULTS_SEED=17` one alone. What the kernel and the threads do first is not the seed's, so a seed that fails may have to be run
//! more than once to fail again; the faults and their rates are the same.

mod clients;
mod customers;
mod panics;
mod server;

use std::collections::BTreeMap;
use std::env;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;

use super::faults::{Fault, Faults, can_fail};
use super::{Feature, Features};
use clients::Part;
use server::Server;

/// Seeds of an ordinary run, and by how many everything has happened.
const SEEDS: Range<u64> = 0..100;
const SEEDS_MANY: u64 = 50;

/// Workers at a time.
const WORLDS: usize = 6;

fn number(text: &str) -> u64 {
    text.parse().expect("a seed is a number")
}

fn seeds() -> Range<u64> {
    if let Ok(seed) = env::var("FAULTS_SEED") {
        return number(&seed)..number(&seed) + 1;
    }
    match env::var("FAULTS_SEEDS") {
        Ok(range) => match range.split_once("..") {
            Some((from, to)) => number(from)..number(to),
            None => 0..number(&range),
        },
        Err(_) => SEEDS,
    }
}

/// How often everything happened over all seeds.
#[derive(Debug, Default)]
struct Tally {
    faults: BTreeMap<Fault, u64>,
    overflows: u64,
    buffers_exhausted: u64,
    pauses: u64,
    accepted: u64,
    requests: u64,
    victims: u64,
}

#[test]
fn no_fault_from_below_harms_another_connection() {
    // Without errors from the kernel this would be another, weaker test under the same name.
    let without_errors = !can_fail() && env::var_os("FAULTS_WITHOUT_ERRORS").is_some();
    assert!(
        can_fail() || without_errors,
        "this kernel can't have operations fail (IORING_NOP_INJECT_RESULT, Linux 6.10), so most faults would never happen; \
         FAULTS_WITHOUT_ERRORS=1 runs the others alone"
    );
    let seeds = seeds();
    let many = seeds.end.saturating_sub(seeds.start) >= SEEDS_MANY;
    let (next, tally, failed) =
        (AtomicU64::new(seeds.start), Mutex::new(Tally::default()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..WORLDS {
            scope.spawn(|| {
                while failed.lock().unwrap().is_empty() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    if let Err(what) = live(seed, &tally) {
                        failed.lock().unwrap().push(format!("FAULTS_SEED={seed}: {what}"));
                    }
                }
            });
        }
    });
    let (tally, failed) = (tally.into_inner().unwrap(), failed.into_inner().unwrap());
    println!("{seeds:?}: {tally:?}");
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
    if many {
        let happened = [tally.overflows, tally.buffers_exhausted, tally.pauses];
        assert!(happened.iter().all(|&count| count > 0), "some never happened: {tally:?}");
        let may = |fault: &Fault| !(without_errors && fault.is_injected());
        let (may, skipped): (Vec<_>, Vec<_>) = Fault::ALL.into_iter().partition(may);
        if without_errors {
            println!("skipped, since this kernel has no such errors: {skipped:?}");
        }
        let never: Vec<_> = may.iter().filter(|fault| !tally.faults.contains_key(fault)).collect();
        assert!(never.is_empty(), "never happened: {never:?}");
    }
}

/// One worker's life: its clients, then its end with some clients still there.
fn live(seed: u64, tally: &Mutex<Tally>) -> Result<(), String> {
    let mut chance = Rng::with_seed(seed);
    let faults = Faults::new(&mut chance);
    let told = faults.told.clone();
    let left_out = Feature::ALL.into_iter().filter(|_| chance.u8(..6) == 0);
    let features = left_out.fold(Features::ALL, Features::without);
    let submissions = if chance.bool() { 4096 } else { 8 << chance.u32(..4) };
    let completions = if chance.bool() { submissions * 2 } else { 2 * 4096 };
    let buffers = if chance.bool() { 1024 } else { 1 << chance.u16(..5) };
    // Without one the worker's timer does not wake it, whatever it has forgotten.
    let idle_timeout = if chance.bool() { Duration::ZERO } else { Duration::from_secs(3600) };
    let server = Server::start(features, (submissions, completions, buffers), idle_timeout, faults);
    let world =
        format!("{features}, {submissions} submissions, {completions} completions, {buffers} buffers");
    let part = Part { address: server.address, list: &server.list, told: &told };
    let outcome = part.all(&mut chance, || server.until_empty(), || server.drain());
    let left = server.end();
    let told = std::mem::take(&mut *told.lock().unwrap());
    let report = |what: String| format!("{what}\n  with {world}\n  {:?}", told.counts);
    outcome.map_err(report)?;
    let metrics = left.map_err(report)?;
    if told.left != Some([0; 6]) {
        return Err(report(format!(
            "left with {:?} slots, starved, inline, touched, lingering, refused",
            told.left
        )));
    }
    let mut tally = tally.lock().unwrap();
    for (fault, count) in &told.counts {
        *tally.faults.entry(*fault).or_default() += count;
    }
    let worker = metrics.worker(0);
    tally.overflows += worker.overflows.value();
    tally.buffers_exhausted += worker.buffers_exhausted.value();
    tally.pauses += worker.pauses.value();
    tally.accepted += worker.accepted.value();
    tally.requests += metrics.requests();
    tally.victims += told.victims.len() as u64;
    Ok(())
}
