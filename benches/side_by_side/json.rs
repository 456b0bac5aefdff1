//! What was found, as one JSON document for tables and comparisons.

use serde_json::{Map, Value, json};

use crate::peers::Peer;
use crate::report::{Outcome, Report};

/// The whole report. Times are microseconds; what says nothing is null.
pub fn document(report: &Report, peers: &[Peer]) -> String {
    let about: Map<_, _> =
        report.about.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let peers_told: Vec<_> = peers
        .iter()
        .map(|peer| {
            json!({
                "name": peer.name,
                "version": peer.version,
                "request_bytes": peer.question.request.len(),
                "reply_bytes": peer.question.reply.len(),
            })
        })
        .collect();
    let workloads: Vec<_> = report.outcomes.iter().map(|outcome| workload(outcome, peers)).collect();
    let document =
        json!({ "about": about, "peers": peers_told, "workloads": workloads, "skipped": report.skipped });
    format!("{document:#}\n")
}

fn workload(outcome: &Outcome, peers: &[Peer]) -> Value {
    let present = peers.iter().enumerate().filter(|(_, peer)| peer.absent(&outcome.workload).is_none());
    let figures = present.map(|(index, peer)| {
        let figures = outcome.figures(index, peers);
        let [cpu, user, system] = figures.cpu;
        let [p50, p99, p999] = figures.latency;
        json!({
            "peer": peer.name,
            "requests_per_second": figures.requests_per_second,
            "cpu_us": cpu,
            "user_us": user,
            "system_us": system,
            "p50_us": p50,
            "p99_us": p99,
            "p999_us": p999,
            "server": figures.server,
            "generator": figures.generator,
            "ratio": figures.ratio,
            "ratio_range": figures.ratio_range,
            "rounds_cpu_us": outcome.rounds[index].iter().map(|round| round.cpu).collect::<Vec<_>>(),
            "requests": outcome.rounds[index].iter().map(|round| round.requests).sum::<u64>(),
        })
    });
    json!({
        "name": outcome.workload.name,
        "what": outcome.workload.what(),
        "target_memcached": outcome.workload.target_memcached,
        "target_floor": outcome.workload.target_floor,
        "figures": figures.collect::<Vec<_>>(),
    })
}
