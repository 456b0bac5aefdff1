//! Processor time of a request, against how many nodes are in the list that answers it.

use std::io;

use crate::arguments::Arguments;
use crate::exponent::exponent;
use crate::plot::{Axis, Picture, Scale, Series};
use crate::support::load::{self, Load, steady};
use crate::support::machine::{Cores, Seat};
use crate::support::median;
use crate::support::round::Round;
use crate::support::servers::{self, Setup};
use crate::table::{Growth, grouped};

const NODES: [u16; 8] = [2, 5, 10, 20, 50, 100, 200, 500];
const NODES_TEST: [u16; 3] = [2, 20, 100];
const CONNECTIONS: usize = 64;
/// Connections that servers are told to allow.
const CONNECTIONS_MAX: usize = 512;

pub fn measure(arguments: &Arguments, cores: &Cores) -> io::Result<Growth> {
    cores.pin_load()?;
    let nodes: &[u16] = if arguments.test { &NODES_TEST } else { &NODES };
    let mut servers = Vec::new();
    for &count in nodes {
        let setup = Setup::new(count, CONNECTIONS_MAX)?;
        let (server, _) = setup.mimikyu(&arguments.mimikyu, Seat::Pinned(cores))?;
        servers::once(&server, &setup.config())?;
        servers.push((server, setup.config()));
    }
    let mut rounds: Vec<Vec<Round>> = nodes.iter().map(|_| Vec::new()).collect();
    // All sizes in each turn, so that what else happens on the machine meets them alike.
    for _ in 0..arguments.rounds() {
        for ((server, question), rounds) in servers.iter().zip(&mut rounds) {
            let mut load = Load::new(server, question, load::SAMPLE_EVERY)?;
            rounds.push(steady::run(&mut load, CONNECTIONS, 1, arguments.length())?);
            drop(load);
            server.process.settle();
        }
    }
    let (mut rows, mut cpu) = (Vec::new(), Vec::new());
    for ((&count, (_, question)), rounds) in nodes.iter().zip(&servers).zip(&rounds) {
        let of = |value: &dyn Fn(&Round) -> f64| median(rounds.iter().map(value).collect());
        let bytes = question.reply.len() as f64;
        let each = of(&|round| round.cpu);
        cpu.push((f64::from(count), each));
        rows.push(vec![
            count.to_string(),
            grouped(bytes),
            format!("{each:.2}"),
            format!("{:.2}", each / (bytes / 1024.0)),
            grouped(of(&|round| round.requests_per_second)),
            format!("{:.0} %", of(&|round| round.generator) * 100.0),
        ]);
    }
    Ok(Growth {
        title: "Processor time of a request against the length of the list",
        columns: ["nodes", "reply bytes", "µs a request", "µs a KiB", "requests/s", "load busy"]
            .map(str::to_owned)
            .into(),
        rows,
        exponents: vec![("processor time".to_owned(), exponent(&cpu))],
        notes: vec![format!(
            "{CONNECTIONS} connections, each asking again as soon as it has its reply; one worker."
        )],
        broken: Vec::new(),
        picture: picture(cpu),
    })
}

fn picture(cpu: Vec<(f64, f64)>) -> Picture {
    let linear = Series::linear(&cpu);
    Picture {
        title: "Processor time of a request against the length of the list",
        description: "Microseconds of the server's processor time for one request, against the number of nodes in its reply; the dashed line is linear growth.",
        x: Axis {
            name: "nodes in the list",
            scale: Scale::Log,
            ticks: cpu.iter().map(|&(nodes, _)| nodes).collect(),
        },
        y: Axis { name: "processor time of a request, µs", scale: Scale::Log, ticks: Vec::new() },
        series: vec![Series::measured("mimikyu, 64 connections", cpu), linear],
    }
}
