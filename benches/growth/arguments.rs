//! The command line of the bench.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Measures how the cost of mimikyu grows.
#[derive(Parser)]
#[command(name = "growth", version)]
pub struct Arguments {
    /// Only these parts
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    only: Vec<Part>,
    /// Rounds of every line of a table; the median is told
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Length of a round under load, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u32).range(10..=60_000))]
    milliseconds: u32,
    /// The mimikyu to measure, instead of the one that cargo built
    #[arg(long, value_name = "PATH", default_value = env!("CARGO_BIN_EXE_mimikyu"))]
    pub mimikyu: PathBuf,
    /// Where the pictures go
    #[arg(long, value_name = "DIRECTORY", default_value = "docs")]
    pub pictures: PathBuf,
    /// A short run of everything that checks replies, claims nothing and draws nothing
    #[arg(long)]
    pub test: bool,
    /// What cargo passes to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

/// A table and its picture.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Memory against idle connections
    Memory,
    /// Processor time of a request against nodes in the list
    List,
    /// Requests a second against workers
    Workers,
    /// Time of a publish against nodes and upstreams
    Publish,
}

impl Part {
    /// As the command line and the picture's file have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::List => "list",
            Self::Workers => "workers",
            Self::Publish => "publish",
        }
    }
}

impl Arguments {
    pub fn read() -> Self {
        Self::parse()
    }

    /// The parts to run, in the order of the report.
    pub fn parts(&self) -> Vec<Part> {
        let wanted = |part: &Part| self.only.is_empty() || self.only.contains(part);
        Part::value_variants().iter().copied().filter(wanted).collect()
    }

    pub fn rounds(&self) -> usize {
        if self.test { 2 } else { self.rounds as usize }
    }

    /// How long one round under load measures.
    pub fn length(&self) -> Duration {
        Duration::from_millis(if self.test { 50 } else { self.milliseconds.into() })
    }
}
