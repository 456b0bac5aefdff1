//! What was found, as tables for people.

use std::fmt::Write;

use crate::peers::{Kind, Peer};
use crate::support::machine::{self, Cores};
use crate::support::median;
use crate::support::round::Round;
use crate::workload::Workload;

/// All rounds of one workload: a list for each peer, in the order of the peers.
pub struct Outcome {
    pub workload: Workload,
    pub rounds: Vec<Vec<Round>>,
}

/// Everything that is told at the end.
pub struct Report {
    /// What the run was made on, by name.
    pub about: Vec<(&'static str, String)>,
    pub outcomes: Vec<Outcome>,
    /// Peers and workloads that did not take part, and why.
    pub skipped: Vec<String>,
}

/// One peer's figures at one workload: each the median of the rounds'.
pub struct Figures {
    pub requests_per_second: f64,
    /// Microseconds of the server for one request: in all, in user mode, in the kernel. The split is as coarse as ticks
    /// of 10 ms.
    pub cpu: [f64; 3],
    /// Microseconds: p50, p99, p99.9.
    pub latency: [f64; 3],
    /// Shares of the time that the server and the load generator were busy.
    pub server: f64,
    pub generator: f64,
    /// Of the processor time for a request: mimikyu's to this peer's, round by round.
    pub ratio: Option<f64>,
    /// The least and the greatest of those ratios.
    pub ratio_range: Option<(f64, f64)>,
}

impl Report {
    pub fn new(cores: &Cores, limit: usize, skipped: Vec<String>) -> Self {
        let mut about = vec![
            ("kernel", machine::kernel()),
            ("processor", machine::processor()),
            ("cores", format!("servers on {}, load on {}", cores.server, cores.load)),
            ("descriptors", limit.to_string()),
        ];
        if cores.server == cores.load {
            about.push(("note", "one core only: load and server take it from each other".to_owned()));
        }
        Self { about, outcomes: Vec::new(), skipped }
    }

    /// What comes before the tables.
    pub fn header(&self, peers: &[Peer]) -> String {
        let mut text = String::new();
        for (name, value) in &self.about {
            line(&mut text, format_args!("{name:<16} {value}"));
        }
        for Peer { name, version, question, .. } in peers {
            let (request, reply) = (question.request.len(), question.reply.len());
            line(&mut text, format_args!("{name:<16} {request} bytes ask, {reply} answer; {version}"));
        }
        text
    }

    /// What comes after them: the targets. Nothing follows from one that is missed.
    pub fn targets(&self, peers: &[Peer]) -> String {
        let mut text = String::new();
        let mut rows = Vec::new();
        for outcome in &self.outcomes {
            for (index, peer) in peers.iter().enumerate() {
                let (Some(target), Some(ratio)) =
                    (target(&outcome.workload, peer), outcome.figures(index, peers).ratio)
                else {
                    continue;
                };
                let met = if ratio <= target { "met" } else { "not met" };
                rows.push(format!(
                    "{:<9} {:<16} {ratio:>6.2}  {target:>6.2}  {met}",
                    outcome.workload.name, peer.name
                ));
            }
        }
        if !rows.is_empty() {
            line(
                &mut text,
                format_args!("\n{:<9} {:<16} {:>6}  {:>6}", "targets", "mimikyu to", "ratio", "target"),
            );
            rows.iter().for_each(|row| line(&mut text, format_args!("{row}")));
        }
        text
    }

    /// Who did not take part, and why.
    pub fn absences(&self) -> String {
        self.skipped.iter().map(|skipped| format!("skipped: {skipped}\n")).collect()
    }
}

impl Outcome {
    /// The figures of the peer with this number.
    pub fn figures(&self, index: usize, peers: &[Peer]) -> Figures {
        let rounds = &self.rounds[index];
        let of = |value: &dyn Fn(&Round) -> f64| median(rounds.iter().map(value).collect());
        let cpu = of(&|round| round.cpu);
        let user: u64 = rounds.iter().map(|round| round.ticks.0).sum();
        let system: u64 = rounds.iter().map(|round| round.ticks.1).sum();
        let share = user as f64 / ((user + system).max(1)) as f64;
        let ratios = self.ratios(index, peers);
        let range = |pick: fn(f64, f64) -> f64| ratios.iter().copied().reduce(pick);
        Figures {
            requests_per_second: of(&|round| round.requests_per_second),
            cpu: [cpu, cpu * share, cpu * (1.0 - share)],
            latency: [0, 1, 2].map(|at| of(&|round| round.latency[at])),
            server: of(&|round| round.requests_per_second * round.cpu / 1e6),
            generator: of(&|round| round.generator),
            ratio_range: range(f64::min).zip(range(f64::max)),
            ratio: (!ratios.is_empty()).then(|| median(ratios)),
        }
    }

    /// What mimikyu cost in each round, divided by what this peer cost in the same; none where that says nothing.
    fn ratios(&self, index: usize, peers: &[Peer]) -> Vec<f64> {
        let own = peers.iter().position(|peer| peer.name == "mimikyu");
        let Some(own) = own.filter(|&own| own != index && says_something(&self.workload, &peers[index]))
        else {
            return Vec::new();
        };
        let pairs = self.rounds[own].iter().zip(&self.rounds[index]);
        pairs.filter(|(_, peer)| peer.cpu > 0.0).map(|(own, peer)| own.cpu / peer.cpu).collect()
    }
}

/// A memcached before 1.6.40 sends every reply of a batch by itself: no peer for batches.
fn says_something(workload: &Workload, peer: &Peer) -> bool {
    workload.depth() == 1 || peer.kind != Kind::Memcached { batches: false }
}

/// The greatest ratio to this peer that is hoped for.
fn target(workload: &Workload, peer: &Peer) -> Option<f64> {
    match peer.kind {
        Kind::Memcached { .. } => workload.target_memcached,
        Kind::Floor => workload.target_floor,
        Kind::Mimikyu | Kind::Redis => None,
    }
}

/// The table of one workload.
pub fn table(outcome: &Outcome, peers: &[Peer]) -> String {
    let mut text = String::new();
    let workload = &outcome.workload;
    line(&mut text, format_args!("\n{}: {}", workload.name, workload.what()));
    line(
        &mut text,
        format_args!(
            "  {:<16} {:>9} {:>8} {:>7} {:>7} {:>9} {:>9} {:>9} {:>5} {:>5}  mimikyu ÷ it",
            "", "requests", "cpu µs", "user", "system", "p50 µs", "p99", "p99.9", "busy", "load"
        ),
    );
    let mut notes = Vec::new();
    for (index, peer) in peers.iter().enumerate() {
        if let Some(reason) = peer.absent(workload) {
            notes.push(reason);
            continue;
        }
        let figures = outcome.figures(index, peers);
        let ratio = match (figures.ratio, figures.ratio_range) {
            (Some(ratio), Some((least, greatest))) => format!("{ratio:.2}  ({least:.2} to {greatest:.2})"),
            _ => "-".to_owned(),
        };
        if !says_something(workload, peer) {
            notes.push("no ratio to a memcached before 1.6.40: it sends every reply of a batch by itself");
        }
        let ([cpu, user, system], [p50, p99, p999]) = (figures.cpu, figures.latency);
        line(
            &mut text,
            format_args!(
                "  {:<16} {:>7.0}/s {cpu:>8.2} {user:>7.2} {system:>7.2} {p50:>9.1} {p99:>9.1} {p999:>9.1} {:>4.0}% {:>4.0}%  {ratio}",
                peer.name,
                figures.requests_per_second,
                figures.server * 100.0,
                figures.generator * 100.0,
            ),
        );
    }
    notes.dedup();
    notes.iter().for_each(|note| line(&mut text, format_args!("  {note}")));
    text
}

fn line(text: &mut String, arguments: std::fmt::Arguments) {
    writeln!(text, "{arguments}").expect("a string takes all");
}
