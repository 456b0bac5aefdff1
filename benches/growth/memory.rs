//! Memory of an idle connection, against how many there are.
//!
//! What is shared (code, buffers, the list) is in place before: the server has answered 64 connections for a while,
//! which are gone again. Then come the connections that stay, and what has come with them is theirs.

use std::io;
use std::time::Duration;

use crate::arguments::Arguments;
use crate::exponent::exponent;
use crate::plot::{Axis, Picture, Scale, Series};
use crate::support::load::{self, Load, steady, visits};
use crate::support::machine::{Cores, Seat};
use crate::support::median;
use crate::support::process::Server;
use crate::support::question::Question;
use crate::support::servers::{self, Setup};
use crate::table::{Growth, grouped};

/// Connections, and the last where the descriptors do not suffice for it.
const CONNECTIONS: [usize; 4] = [1_000, 5_000, 10_000, 50_000];
const CONNECTIONS_INSTEAD: usize = 18_000;
const CONNECTIONS_TEST: [usize; 2] = [100, 300];
/// Descriptors of a process that are no client's, generously.
const OTHER_DESCRIPTORS: usize = 200;
/// Every one of the shared receive buffers is used several times in this while.
const WARM: Duration = Duration::from_millis(150);
const NODES: u16 = 12;
/// A server starts anew for each, and its memory hardly differs.
const ROUNDS_MAX: usize = 3;
/// What memory may grow faster than the connections do, and what it may grow by in any case: an allocator takes pages.
const FASTER_MAX: f64 = 1.25;
const SLACK_BYTES: f64 = 256.0 * 1024.0;

/// What the connections do before they fall silent.
#[derive(Clone, Copy)]
enum Said {
    Nothing,
    OneRequest,
}

pub fn measure(arguments: &Arguments, cores: &Cores, limit: usize) -> io::Result<Growth> {
    cores.pin_load()?;
    let mut notes = Vec::new();
    let counts = connections(arguments.test, limit, &mut notes);
    let most = counts.last().copied().unwrap_or(0) + OTHER_DESCRIPTORS / 2;
    let setup = Setup::new(NODES, most)?;
    let seat = Seat::Pinned(cores);
    let mimikyu = || Ok(setup.mimikyu(&arguments.mimikyu, seat)?.0);
    let has_memcached = servers::version("memcached", "-V");
    match &has_memcached {
        Some(version) => notes.push(format!("The memcached is {version}, with `-t 1`.")),
        None => notes.push("Skipped: memcached is not installed.".to_owned()),
    }
    let (mut silent, mut spoken, mut memcached) = (Vec::new(), Vec::new(), Vec::new());
    for &count in &counts {
        let rounds = arguments.rounds().min(ROUNDS_MAX);
        let each = |start: &dyn Fn() -> io::Result<Server>, question: &Question, said| {
            let all =
                (0..rounds).map(|_| held(&start()?, question, count, said)).collect::<io::Result<_>>()?;
            io::Result::Ok((count as f64, median(all)))
        };
        silent.push(each(&mimikyu, &setup.config(), Said::Nothing)?);
        spoken.push(each(&mimikyu, &setup.config(), Said::OneRequest)?);
        if has_memcached.is_some() {
            let start = || setup.memcached("memcached", seat);
            memcached.push(each(&start, &setup.memcached_question(), Said::OneRequest)?);
        }
    }
    let bytes = |all: &[(f64, f64)], at: usize| {
        all.get(at).map_or("-".to_owned(), |&(count, bytes)| grouped(bytes / count))
    };
    let row = |at: usize| {
        vec![grouped(counts[at] as f64), bytes(&silent, at), bytes(&spoken, at), bytes(&memcached, at)]
    };
    let mut exponents = vec![("all connections".to_owned(), exponent(&spoken))];
    if has_memcached.is_some() {
        exponents.push(("memcached's".to_owned(), exponent(&memcached)));
    }
    Ok(Growth {
        title: "Memory of an idle connection",
        columns: [
            "connections",
            "bytes, has not asked",
            "bytes, has asked once",
            "memcached, has asked once",
        ]
        .map(str::to_owned)
        .into(),
        rows: (0..counts.len()).map(row).collect(),
        exponents,
        notes,
        broken: broken(&silent, &spoken),
        picture: picture(&spoken, &memcached),
    })
}

/// What is within the limit, with a note of what is not.
fn connections(test: bool, limit: usize, notes: &mut Vec<String>) -> Vec<usize> {
    if test {
        return CONNECTIONS_TEST.into();
    }
    let fits = |count: &usize| count + OTHER_DESCRIPTORS <= limit;
    let mut counts: Vec<usize> = CONNECTIONS.into_iter().filter(fits).collect();
    for count in CONNECTIONS.into_iter().filter(|count| !fits(count)) {
        let needed = grouped((count + OTHER_DESCRIPTORS) as f64);
        let (count, limit) = (grouped(count as f64), grouped(limit as f64));
        notes.push(format!("Skipped: {count} connections need {needed} descriptors, the limit is {limit}."));
    }
    if counts.len() + 1 == CONNECTIONS.len() && fits(&CONNECTIONS_INSTEAD) {
        counts.push(CONNECTIONS_INSTEAD);
    }
    counts
}

/// Bytes that so many connections have added to a server.
fn held(server: &Server, question: &Question, count: usize, said: Said) -> io::Result<f64> {
    servers::once(server, question)?;
    let process = &server.process;
    process.settle();
    let descriptors = process.descriptors()?;
    let mut load = Load::new(server, question, load::SAMPLE_EVERY)?;
    steady::run(&mut load, 64, 1, WARM)?;
    drop(load);
    // Fewer, where it was still closing what came before.
    process.await_descriptors(..=descriptors)?;
    process.settle();
    let descriptors = process.descriptors()?;
    let before = process.anonymous_bytes()?;
    let mut load = Load::new(server, question, 1)?;
    let clients = match said {
        Said::Nothing => load.clients(count)?,
        Said::OneRequest => visits::gather(&mut load, count)?,
    };
    process.await_descriptors(descriptors + count..)?;
    process.settle();
    let after = process.anonymous_bytes()?;
    drop(clients);
    Ok(after as f64 - before as f64)
}

/// The only claims of this bench that can fail: bytes are counted and not timed.
fn broken(silent: &[(f64, f64)], spoken: &[(f64, f64)]) -> Vec<String> {
    let mut broken = Vec::new();
    let Some((&(many, many_bytes), fewer)) = spoken.split_last() else {
        return broken;
    };
    // The size with the cheapest connections: pages and lists that are shared weigh much where there are few.
    let cheapest = fewer.iter().copied().min_by(|one, other| (one.1 / one.0).total_cmp(&(other.1 / other.0)));
    let (few, few_bytes) = cheapest.unwrap_or((many, many_bytes));
    if many_bytes > few_bytes * many / few * FASTER_MAX + SLACK_BYTES {
        broken.push(format!("{many} connections take {many_bytes} bytes, {few} take {few_bytes}"));
    }
    for (&(count, silent), &(_, spoken)) in silent.iter().zip(spoken) {
        if spoken > silent * FASTER_MAX + SLACK_BYTES {
            broken.push(format!(
                "{count} connections take {spoken} bytes once they have asked, {silent} before"
            ));
        }
    }
    broken
}

fn picture(mimikyu: &[(f64, f64)], memcached: &[(f64, f64)]) -> Picture {
    let each = |name: &str, all: &[(f64, f64)]| {
        Series::measured(name, all.iter().map(|&(count, bytes)| (count, bytes / count)).collect())
    };
    Picture {
        title: "Memory of an idle connection",
        description: "Bytes that each of many idle connections adds to the server's own memory, against their number; level is linear growth.",
        x: Axis {
            name: "idle connections",
            scale: Scale::Linear,
            ticks: mimikyu.iter().map(|&(count, _)| count).collect(),
        },
        y: Axis { name: "bytes a connection", scale: Scale::Linear, ticks: Vec::new() },
        series: [("mimikyu", mimikyu), ("memcached -t 1", memcached)]
            .into_iter()
            .filter(|(_, all)| !all.is_empty())
            .map(|(name, all)| each(name, all))
            .collect(),
    }
}
