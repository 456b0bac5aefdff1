//! Everything at once, for as long as one likes: clients that come and go, stay, read slowly or mean harm, while the
//! upstreams fail, lie and change their lists. Every answer is held against what the upstreams have ever said.
//!
//! `cargo test` runs it for a few seconds; `tests/soak MINUTES` for longer, and prints what it saw.

#[path = "soaking/clients.rs"]
mod clients;
mod harness;
#[path = "soaking/witness.rs"]
mod witness;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use harness::process::field;
use harness::upstream::payload;
use harness::{Behaviour, Mimikyu, Upstream, until};
use witness::{GUEST, Witness};

/// How long it runs unless it is told.
const SECONDS: u64 = 6;

/// What memory may grow by after the warm-up, in KiB: the allocator's slack, not a leak's.
const GROWTH_KIB_MAX: u64 = 8 * 1024;

#[test]
fn every_answer_is_right_whatever_happens_around_it() {
    let seconds =
        std::env::var("SOAK_SECONDS").ok().map(|text| text.parse().expect("SOAK_SECONDS is a number"));
    let length = Duration::from_secs(seconds.unwrap_or(SECONDS));
    let seed = fastrand::u64(..);
    println!("{length:?} with seed {seed}");
    let directory = tempfile::tempdir().expect("a directory");
    let state = directory.path().join("state");
    let file = directory.path().join("mimikyu.toml");

    let upstreams = ["a", "b"].map(|name| Upstream::list(1, &format!("{name}1 {name}2")));
    let witness = Arc::new(Witness::new(["a1 a2", "b1 b2"]));
    let configure = |random: &mut fastrand::Rng| {
        let (interval, connections_max) = (random.u64(20..200), random.u16(200..2000));
        let (request_timeout, is_guest) = (random.u8(1..4), random.bool());
        let mut sources: String = ["a", "b"]
            .iter()
            .zip(&upstreams)
            .map(|(name, upstream)| {
                format!("[[source]]\nname = \"{name}\"\nupstream = \"{}\"\n", upstream.address)
            })
            .collect();
        if is_guest {
            sources += &format!("[[source]]\nname = \"c\"\nstatic = [\"{GUEST}:11211\"]\n");
        }
        let head = format!(
            "poll_interval = \"{interval}ms\"\npoll_timeout = \"200ms\"\nstate = {state:?}\n\
             connections_max = {connections_max}\nrequest_timeout = \"{request_timeout}s\"\n"
        );
        std::fs::write(&file, head + &sources).expect("a file");
        is_guest
    };
    let mut random = fastrand::Rng::with_seed(seed);
    let mut is_guest = configure(&mut random);
    let mut mimikyu = Mimikyu::start(&["--workers", "2", "--config", file.to_str().expect("text")]);
    witness.heard(&mimikyu.ask("config get cluster\r\n"), 0);
    let descriptors = mimikyu.descriptors();

    let stop = Arc::new(AtomicBool::new(false));
    let clients = clients::start(mimikyu.address, &witness, &stop);
    let started = Instant::now();
    let mut warm = None;
    let mut steps = 0u64;
    let mut dead: Option<usize> = None;
    while started.elapsed() < length {
        let index = random.usize(..upstreams.len());
        step(&mut random, &witness, &upstreams[index], index);
        match dead {
            Some(which) if random.u8(..) < 64 => {
                upstreams[which].revive();
                dead = None;
            }
            None if random.u8(..) < 24 => {
                upstreams[index].kill();
                dead = Some(index);
            }
            _ => {}
        }
        if random.u8(..) < 16 {
            is_guest = configure(&mut random);
            mimikyu.signal("HUP");
        }
        steps += 1;
        if warm.is_none() && started.elapsed() > length / 5 {
            warm = Some(resident(&mimikyu));
        }
        // A time that nobody decided on: what happens next may come before or after the next poll.
        std::thread::park_timeout(Duration::from_millis(random.u64(1..120)));
        assert!(mimikyu.is_running(), "it ended");
        assert!(!clients.iter().any(JoinHandle::is_finished), "a client met what it should not");
        if let Some(fault) = witness.fault() {
            panic!("{fault}");
        }
    }
    stop.store(true, Ordering::Relaxed);
    let counts = clients.into_iter().map(|client| client.join().expect("no client panicked"));
    let counts = counts.fold(clients::Counts::default(), clients::Counts::plus);
    if let Some(fault) = witness.fault() {
        panic!("{fault}");
    }

    if let Some(which) = dead {
        upstreams[which].revive();
    }
    // All of it over: everything is given back, and the last lists are served.
    for (index, upstream) in upstreams.iter().enumerate() {
        let hosts = ["alast", "blast"][index];
        upstream.set_list(witness.tell(index, hosts), hosts);
    }
    mimikyu.until_hosts(if is_guest { "alast blast cguest" } else { "alast blast" });
    until("the descriptors to be given back", || (mimikyu.descriptors() <= descriptors + 4).then_some(()));
    let (warm, end) = (warm.unwrap_or_default(), resident(&mimikyu));
    println!(
        "{counts:?}; {steps} steps, {} lists; {warm} KiB after the warm-up, {end} at the end",
        witness.lists()
    );
    assert!(end <= warm + GROWTH_KIB_MAX, "{warm} KiB after the warm-up, {end} at the end");
    assert!(counts.all_happened(), "{counts:?}");
    mimikyu.signal("TERM");
    assert!(mimikyu.exit().success());
    let line = mimikyu.logged("INFO stopped");
    println!("{line}");
    assert!(field(&line, "requests").parse::<u64>().expect("a count") >= counts.answers());
}

/// Something happens to an upstream.
fn step(random: &mut fastrand::Rng, witness: &Witness, upstream: &Upstream, index: usize) {
    let name = ["a", "b"][index];
    let list = |random: &mut fastrand::Rng| {
        let nodes: Vec<_> = (1..=random.usize(1..12)).map(|_| format!("{name}{}", random.u16(..))).collect();
        let mut unlike = nodes.clone();
        unlike.sort();
        unlike.dedup();
        // A node twice would be merged to one, and this is not what is tested here.
        if unlike.len() == nodes.len() { nodes.join(" ") } else { format!("{name}1") }
    };
    match random.u8(..10) {
        0..4 => {
            let hosts = list(random);
            upstream.set(Behaviour::List(witness.tell(index, &hosts), hosts));
        }
        4 => {
            let hosts = list(random);
            upstream.set(Behaviour::Split(witness.tell(index, &hosts), hosts));
        }
        5 => upstream.set(Behaviour::Hangs),
        6 => upstream.set(Behaviour::Resets),
        7 => upstream.set(Behaviour::Bytes("ERROR\r\n\0\u{ff}garbage".into())),
        8 => upstream.set(Behaviour::Cut("CONFIG cluster 0 40\r\n7\na|10.0.0.1|".into())),
        // Another list of a version long gone, without its due end.
        _ => upstream.set(Behaviour::Bytes(format!("CONFIG cluster 0 999\r\n{}", payload(1, "evil1 evil2")))),
    }
}

/// Memory that it has, in KiB.
fn resident(mimikyu: &Mimikyu) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", mimikyu.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line of its memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
