//! mimikyu beside its peers: what a request costs the server, over the same connections in the same minutes.
//!
//! Not a criterion bench: a server's cost is the processor time that its process is charged with, and not how long
//! something took here. `docs/performance.md` tells how to run it and how to read it.

mod arguments;
mod floor;
mod json;
mod peers;
mod report;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "no bench needs all of it")]
mod support;
mod workload;

use std::io;
use std::process::ExitCode;

use arguments::Arguments;
use peers::Peer;
use report::{Outcome, Report};
use support::load::{self, Load};
use support::machine::{self, Cores};
use support::round::Round;
use workload::{Shape, Workload};

fn main() -> ExitCode {
    if let Some(order) = floor::order() {
        return floor::serve(order);
    }
    match run(&Arguments::read()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("side_by_side: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    let limit = machine::raise_descriptor_limit();
    let cores = Cores::of_this_thread()?;
    let (peers, skipped) = peers::start(arguments, &cores, limit)?;
    cores.pin_load()?;
    let mut report = Report::new(&cores, limit, skipped);
    if !arguments.json {
        print!("{}", report.header(&peers));
    }
    for workload in arguments.workloads() {
        if let Some(reason) = workload.beyond(limit) {
            report.skipped.push(format!("{}: {reason}", workload.name));
            continue;
        }
        let outcome = side_by_side(workload, arguments, &cores, &peers)?;
        if !arguments.json {
            print!("{}", report::table(&outcome, &peers));
        }
        report.outcomes.push(outcome);
    }
    if arguments.json {
        print!("{}", json::document(&report, &peers));
        return Ok(());
    }
    if !arguments.test {
        print!("{}", report.targets(&peers));
    }
    print!("{}", report.absences());
    if arguments.test {
        println!("a smoke run: every reply was right; its figures say nothing");
    }
    Ok(())
}

/// All rounds of one workload. Each round asks every peer once; who is first changes from round to round, so that
/// what else happens on the machine meets all of them alike.
fn side_by_side(
    workload: Workload,
    arguments: &Arguments,
    cores: &Cores,
    peers: &[Peer],
) -> io::Result<Outcome> {
    let mut outcome = Outcome { workload, rounds: peers.iter().map(|_| Vec::new()).collect() };
    for turn in 0..arguments.rounds() {
        for place in 0..peers.len() {
            let index = (turn + place) % peers.len();
            let peer = &peers[index];
            if peer.absent(&workload).is_some() {
                continue;
            }
            let round = one(workload, arguments, cores, peer)
                .map_err(|error| io::Error::other(format!("{} at {}: {error}", peer.name, workload.name)))?;
            outcome.rounds[index].push(round);
        }
    }
    Ok(outcome)
}

/// One round of one peer.
fn one(workload: Workload, arguments: &Arguments, cores: &Cores, peer: &Peer) -> io::Result<Round> {
    let own;
    let server = match &peer.server {
        Some(server) => server,
        None => {
            own = floor::start(workload.shape, &peer.question, cores)?;
            &own
        }
    };
    let sample = if arguments.test { 1 } else { load::SAMPLE_EVERY };
    let mut load = Load::new(server, &peer.question, sample)?;
    let seconds = arguments.seconds();
    let round = match workload.shape {
        Shape::Steady { connections, depth } => load::steady::run(&mut load, connections, depth, seconds),
        Shape::Churn { at_once } => load::visits::churn(&mut load, at_once, seconds),
        Shape::Poll { connections } => load::poll::run(&mut load, connections, seconds),
        Shape::Storm { connections } => load::visits::storm(&mut load, connections),
    }?;
    // Closing thousands of connections is work too, and none of the next peer's.
    drop(load);
    server.process.settle();
    Ok(round)
}
