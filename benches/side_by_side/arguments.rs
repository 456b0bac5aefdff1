//! The command line of the harness.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::workload::{self, Workload};

/// Runs mimikyu and its peers side by side.
#[derive(Parser)]
#[command(name = "side_by_side", version)]
pub struct Arguments {
    /// Rounds of every workload
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Length of a round
    #[arg(long, default_value_t = 1.0, value_parser = seconds)]
    seconds: f64,
    /// Only these workloads
    #[arg(long, value_name = "WORKLOAD", value_delimiter = ',')]
    only: Vec<String>,
    /// Only these peers (mimikyu, memcached, redis, floor, and those of the next two)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub peers: Vec<String>,
    /// Another mimikyu as a peer; repeatable
    #[arg(long, value_name = "NAME=PATH", value_parser = named)]
    pub mimikyu: Vec<(String, PathBuf)>,
    /// Another memcached as a peer; repeatable
    #[arg(long, value_name = "NAME=PATH", value_parser = named)]
    pub memcached: Vec<(String, PathBuf)>,
    /// Nodes in the list that is served; 12 make a reply of about 700 bytes
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub nodes: u16,
    /// Print one JSON document and nothing else
    #[arg(long)]
    pub json: bool,
    /// A short run of everything that checks replies and claims nothing
    #[arg(long, conflicts_with = "json")]
    pub test: bool,
    /// What cargo passes to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    /// What the user asked for; exits with a usage error where that makes no sense.
    pub fn read() -> Self {
        let arguments = Self::parse();
        for name in &arguments.only {
            if workload::named(name, false).is_none() {
                let known: Vec<_> = workload::all(false).iter().map(|workload| workload.name).collect();
                usage(&format!("--only: no workload {name:?}, there are {}", known.join(", ")));
            }
        }
        arguments
    }

    /// The workloads to run, in the order of the report.
    pub fn workloads(&self) -> Vec<Workload> {
        let mut all = workload::all(self.test);
        all.retain(|workload| self.only.is_empty() || self.only.iter().any(|name| name == workload.name));
        all
    }

    /// Whether this peer takes part.
    pub fn wants(&self, peer: &str) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|name| name == peer)
    }

    pub fn rounds(&self) -> usize {
        if self.test { 2 } else { self.rounds as usize }
    }

    /// How long one round measures.
    pub fn seconds(&self) -> Duration {
        Duration::from_secs_f64(if self.test { 0.05 } else { self.seconds })
    }
}

/// Ends the process as clap does for a wrong argument.
pub fn usage(what: &str) -> ! {
    eprintln!("side_by_side: {what}");
    std::process::exit(2);
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.01..=3600.0).contains(&seconds) { Ok(seconds) } else { Err("not from 0.01 to 3600".to_owned()) }
}

fn named(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), path.into())),
        _ => Err("not NAME=PATH".to_owned()),
    }
}
