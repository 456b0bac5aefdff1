//! Requests a second, against how many workers answer.
//!
//! Server and load have all cores between them, as one thread asks and is as busy as a worker: where there are only two
//! cores, a second worker has to share one with it.

use std::io;
use std::thread;

use crate::arguments::Arguments;
use crate::exponent::exponent;
use crate::plot::{Axis, Picture, Scale, Series};
use crate::support::load::{self, Load, steady};
use crate::support::machine::Seat;
use crate::support::median;
use crate::support::round::Round;
use crate::support::servers::{self, Setup};
use crate::table::{Growth, grouped};

const NODES: u16 = 12;
const CONNECTIONS: usize = 64;
const DEPTHS: [usize; 2] = [1, 16];
/// Connections that servers are told to allow.
const CONNECTIONS_MAX: usize = 512;
const WORKERS_MAX: usize = 16;

pub fn measure(arguments: &Arguments) -> io::Result<Growth> {
    let cores = thread::available_parallelism()?.get();
    // Two of them even on one core: what they cost a request is told in any case.
    let workers: Vec<usize> = std::iter::successors(Some(1), |workers| Some(workers * 2))
        .take_while(|&workers| workers <= cores.clamp(2, WORKERS_MAX))
        .collect();
    let mut servers = Vec::new();
    for &count in &workers {
        let setup = Setup::new(NODES, CONNECTIONS_MAX)?.with_workers(count);
        let (server, _) = setup.mimikyu(&arguments.mimikyu, Seat::Free)?;
        servers::once(&server, &setup.config())?;
        servers.push((server, setup.config()));
    }
    let mut rounds: Vec<[Vec<Round>; 2]> = workers.iter().map(|_| Default::default()).collect();
    for _ in 0..arguments.rounds() {
        for ((server, question), rounds) in servers.iter().zip(&mut rounds) {
            for (depth, rounds) in DEPTHS.into_iter().zip(rounds) {
                let mut load = Load::new(server, question, load::SAMPLE_EVERY)?;
                rounds.push(steady::run(&mut load, CONNECTIONS, depth, arguments.length())?);
                drop(load);
                server.process.settle();
            }
        }
    }
    let mut rows = Vec::new();
    let mut rates: [Vec<(f64, f64)>; 2] = Default::default();
    let mut costs: [Vec<(f64, f64)>; 2] = Default::default();
    for (&count, rounds) in workers.iter().zip(&rounds) {
        let mut row = vec![count.to_string()];
        for (at, rounds) in rounds.iter().enumerate() {
            let of = |value: &dyn Fn(&Round) -> f64| median(rounds.iter().map(value).collect());
            let (rate, cost) = (of(&|round| round.requests_per_second), of(&|round| round.cpu));
            rates[at].push((count as f64, rate));
            costs[at].push((count as f64, cost));
            let busy = of(&|round| round.generator) * 100.0;
            row.extend([grouped(rate), format!("{cost:.2}"), format!("{busy:.0} %")]);
        }
        rows.push(row);
    }
    let figures = |depth: usize| {
        ["requests/s", "µs a request", "load busy"].map(|figure| format!("{CONNECTIONS}×{depth} {figure}"))
    };
    let exponents = DEPTHS.iter().enumerate().flat_map(|(at, depth)| {
        [
            (format!("requests/s {CONNECTIONS}×{depth}"), exponent(&rates[at])),
            (format!("µs a request {CONNECTIONS}×{depth}"), exponent(&costs[at])),
        ]
    });
    Ok(Growth {
        title: "Requests a second against workers",
        columns: std::iter::once("workers".to_owned()).chain(DEPTHS.into_iter().flat_map(figures)).collect(),
        rows,
        exponents: exponents.collect(),
        notes: vec![format!(
            "{cores} cores, which the servers share with the one thread that asks: what it takes, they don't have."
        )],
        broken: Vec::new(),
        picture: picture(&workers, rates),
    })
}

fn picture(workers: &[usize], rates: [Vec<(f64, f64)>; 2]) -> Picture {
    let [one, many] = rates;
    Picture {
        title: "Requests a second against workers",
        description: "Thousands of requests answered in a second, against the number of workers, which share the cores with one thread that asks.",
        x: Axis {
            name: "workers",
            scale: Scale::Linear,
            ticks: workers.iter().map(|&count| count as f64).collect(),
        },
        y: Axis { name: "1,000 requests/s", scale: Scale::Linear, ticks: Vec::new() },
        series: [("64 connections, 16 deep", many), ("64 connections, 1 deep", one)]
            .map(|(name, points)| {
                Series::measured(name, points.into_iter().map(|(x, y)| (x, y / 1e3)).collect())
            })
            .into(),
    }
}
