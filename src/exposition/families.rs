//! The metrics themselves, by what they are about.

use std::fmt;
use std::time::UNIX_EPOCH;

use prometheus_client::registry::Unit;

use super::page::Page;
use crate::metrics::{ControlMetrics, Metrics, WorkerMetrics};
use crate::session::{Command, Encoding, ReplyKind};
use crate::status::{Audience, Progress, Severity, Source, State, Status};

/// Every state of a source, as the label says it.
const STATES: [(State, &str); 6] = [
    (State::Waiting, "waiting"),
    (State::Fresh, "fresh"),
    (State::Stale, "stale"),
    (State::Shrunk, "shrunk"),
    (State::Failing, "failing"),
    (State::Dropped, "dropped"),
];

pub(super) fn process(page: &mut Page<'_, '_>, status: &Status) -> fmt::Result {
    page.info("mimikyu_build", "The version of this program.", vec![("version", status.mimikyu.as_str())])?;
    let started = since_1970(&status.started).map(|since| (vec![], since));
    page.gauges("process_start_time", "When the process started, since 1970.", Some(Unit::Seconds), started)?;
    let ready = if status.ready { 1.0 } else { 0.0 };
    page.gauge("mimikyu_ready", "Whether clients are served a list.", ready)?;
    let troubles = Severity::ALL.map(|severity| {
        let count = status.troubles.iter().filter(|trouble| trouble.severity == severity).count();
        (vec![("severity", severity.name())], count as f64)
    });
    let help = "What is wrong that no source tells, as /status names it: a list that hurts clients, a state file that is \
                not written, a reload that was refused, nodes that do not take the list.";
    page.gauges("mimikyu_troubles", help, None, troubles)?;
    page.gauge("mimikyu_workers", "Threads that serve clients.", status.workers.count as f64)?;
    let limit = |of: fn(&crate::status::Limit) -> u64| {
        status.limits.iter().map(move |limit| (vec![("limit", limit.name.as_str())], of(limit) as f64))
    };
    page.gauges("mimikyu_limit_used", "How much of a bound is used.", None, limit(|limit| limit.used))?;
    page.gauges("mimikyu_limit_max", "How much a bound allows.", None, limit(|limit| limit.max))
}

pub(super) fn served(page: &mut Page<'_, '_>, status: &Status) -> fmt::Result {
    let list = status.list.as_ref();
    let version = list.map(|list| f64::from(list.version));
    page.gauge("mimikyu_served_version", "The version of the list that is served.", version)?;
    let nodes = list.map(|list| list.nodes.len() as f64);
    page.gauge("mimikyu_served_nodes", "Nodes of the list that is served.", nodes)?;
    let bytes = list.map(|list| (vec![], list.bytes as f64));
    let help = "Length of the reply to config get cluster.";
    page.gauges("mimikyu_served", help, Some(Unit::Bytes), bytes)?;
    if let Some(list) = list {
        let help = "SHA-256 of the reply to config get cluster: equal on replicas that serve the same.";
        page.info("mimikyu_served", help, vec![("digest", list.digest.as_str())])?;
    }
    Ok(())
}

pub(super) fn sources(page: &mut Page<'_, '_>, status: &Status) -> fmt::Result {
    let sources = &status.sources;
    let polls = sources.iter().flat_map(|source| {
        let outcomes =
            [("good", source.polls_good), ("doubted", source.polls_doubted), ("failed", source.polls_failed)];
        let name = source.name.as_str();
        outcomes.map(|(outcome, polls)| (vec![("source", name), ("outcome", outcome)], polls))
    });
    let help = "Polls of a source: answered with a list that was taken or is held, with one that is doubted, or failed.";
    page.counters("mimikyu_polls", help, None, polls)?;
    let of = |value: fn(&Source) -> Option<f64>| {
        sources
            .iter()
            .filter_map(move |source| Some((vec![("source", source.name.as_str())], value(source)?)))
    };
    let help = "Time since a source's last good answer; absent where that was before the start and is not remembered.";
    page.gauges("mimikyu_source_last_good", help, Some(Unit::Seconds), of(|source| source.last_good_age))?;
    let help = "The version of a source's last good answer.";
    let version = of(|source| source.version.map(f64::from));
    page.gauges("mimikyu_source_config_version", help, None, version)?;
    let help = "The nodes of a source's last good answer.";
    page.gauges("mimikyu_source_nodes", help, None, of(|source| Some(source.nodes as f64)))?;
    let help = "1 where the list that is held is that of the source whose place this one took, until its own has come.";
    let stand_in = of(|source| Some(if source.is_stand_in { 1.0 } else { 0.0 }));
    page.gauges("mimikyu_source_stand_in", help, None, stand_in)?;
    let states = sources.iter().flat_map(|source| {
        let name = source.name.as_str();
        let is = move |state| if state == source.state { 1.0 } else { 0.0 };
        STATES.map(|(state, word)| (vec![("source", name), ("state", word)], is(state)))
    });
    page.gauges(
        "mimikyu_source_state",
        "1 for the state that a source is in, 0 for the others.",
        None,
        states,
    )?;
    let help = "Time since a source is in its state.";
    page.gauges("mimikyu_source_state_age", help, Some(Unit::Seconds), of(|source| Some(source.state_age)))
}

/// Nothing where no rollout is configured.
pub(super) fn rollout(page: &mut Page<'_, '_>, status: &Status) -> fmt::Result {
    let Some(rollout) = &status.rollout else { return Ok(()) };
    let labels = vec![
        ("from", rollout.from.as_str()),
        ("to", rollout.to.as_str()),
        ("strategy", rollout.strategy.as_str()),
    ];
    page.info("mimikyu_rollout", "The rollout that is configured.", labels)?;
    let help = "The step of the rollout that is served; 0 is before the first.";
    page.gauge("mimikyu_rollout_step", help, rollout.step as f64)?;
    page.gauge("mimikyu_rollout_steps", "Steps that the rollout has.", rollout.steps as f64)?;
    let is = |progress| if rollout.progress == progress { 1.0 } else { 0.0 };
    let help = "1 where the rollout is held at its step: by hold_at, by the hit rate, or by a step that moves too much.";
    page.gauge("mimikyu_rollout_held", help, is(Progress::Held))?;
    page.gauge("mimikyu_rollout_done", "1 where every step is taken.", is(Progress::Done))?;
    let help = "Steps that were due and not taken, because the rollout was held.";
    page.gauge("mimikyu_rollout_behind_steps", help, rollout.behind as f64)?;
    let due = rollout.next.as_ref().and_then(|next| since_1970(next.at.as_deref()?));
    let help = "When the next step is taken at the earliest, since 1970; absent where there is no such time.";
    let due = due.map(|due| (vec![], due));
    page.gauges("mimikyu_rollout_next_step_timestamp", help, Some(Unit::Seconds), due)?;
    let help = "The share of requests that hit, as the nodes count them; absent where it is not known or not asked for.";
    let rate = rollout.hit_rate.as_ref().and_then(|hit_rate| hit_rate.rate);
    page.gauge("mimikyu_rollout_hit_rate", help, rate)
}

/// A point in time as Prometheus has it.
fn since_1970(at: &str) -> Option<f64> {
    let since = humantime::parse_rfc3339(at).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_secs_f64())
}

pub(super) fn audience(page: &mut Page<'_, '_>, metrics: &Metrics, audience: &Audience) -> fmt::Result {
    let window = [(vec![], audience.window as f64)];
    let help = "How long a client that was served a list counts as seen.";
    page.gauges("mimikyu_clients_window", help, Some(Unit::Seconds), window)?;
    let help = "Addresses that were served a list within the window.";
    page.gauge("mimikyu_clients_seen", help, audience.seen as f64)?;
    let help = "Addresses seen within the window that were served the current version last.";
    page.gauge("mimikyu_clients_current", help, audience.current as f64)?;
    let help =
        "Addresses not seen within the window that were served another version than the current one last.";
    page.gauge("mimikyu_clients_silent", help, audience.silent_count as f64)?;
    let help = "Places taken in the table of clients.";
    page.gauge("mimikyu_clients_tracked", help, audience.tracked as f64)?;
    let help = "Connections whose client was not remembered: the table was full.";
    let untracked = metrics.sum(|worker| &worker.clients_untracked);
    page.counter("mimikyu_clients_untracked", help, untracked)?;
    let help = "Connections whose client was not remembered: the kernel did not know its address.";
    page.counter("mimikyu_clients_unknown", help, metrics.sum(|worker| &worker.clients_unknown))
}

pub(super) fn requests(page: &mut Page<'_, '_>, metrics: &Metrics) -> fmt::Result {
    let requests = Encoding::ALL.into_iter().flat_map(|encoding| {
        Command::ALL.map(|command| {
            let labels = vec![("command", command.name()), ("encoding", encoding.name())];
            (labels, metrics.requests_of(encoding, command))
        })
    });
    let help = "Requests, those that were answered with an error included.";
    page.counters("mimikyu_requests", help, None, requests)?;
    let replies = ReplyKind::ALL.map(|kind| (vec![("kind", kind.name())], metrics.replies(kind)));
    page.counters("mimikyu_replies", "Replies, by what they say.", None, replies)?;
    let help = "Time of a request inside a worker, from the look at what came in to the hand-over of the reply to the \
                kernel, whose own work of sending is not in it. Without stats, which wait for an upstream.";
    page.durations("mimikyu_request_duration", help, &metrics.latency())
}

pub(super) fn connections(page: &mut Page<'_, '_>, metrics: &Metrics) -> fmt::Result {
    page.gauge("mimikyu_connections_open", "Connections held now.", metrics.open() as f64)?;
    let sum = |counter: fn(&WorkerMetrics) -> &crate::metrics::Counter| metrics.sum(counter);
    let help = "Connections accepted, those that were not let in included.";
    page.counter("mimikyu_connections_accepted", help, sum(|worker| &worker.accepted))?;
    let rejected = [
        ("connections_max", sum(|worker| &worker.refused)),
        ("connections_per_ip_max", sum(|worker| &worker.refused_per_ip)),
        ("not_allowed", sum(|worker| &worker.not_allowed)),
    ];
    let reasons =
        |all: [(&'static str, u64); 3]| all.map(|(reason, count)| (vec![("reason", reason)], count));
    page.counters("mimikyu_connections_rejected", "Connections not let in.", None, reasons(rejected))?;
    let closed = [
        ("idle", sum(|worker| &worker.idle_closed)),
        ("late", sum(|worker| &worker.late_closed)),
        ("other", sum(|worker| &worker.closed)),
    ];
    let help = "Connections closed: idle for too long, too late with a request, or any other way, rejected ones included.";
    page.counters("mimikyu_connections_closed", help, None, reasons(closed))?;
    let received = [(vec![], sum(|worker| &worker.bytes_received))];
    page.counters("mimikyu_received", "Bytes received of clients.", Some(Unit::Bytes), received)?;
    let sent = [(vec![], sum(|worker| &worker.bytes_sent))];
    page.counters("mimikyu_sent", "Bytes sent to clients.", Some(Unit::Bytes), sent)?;
    let help = "Times a connection was read from no more until its client had read what it was owed.";
    page.counter("mimikyu_connection_pauses", help, sum(|worker| &worker.pauses))
}

pub(super) fn ring(page: &mut Page<'_, '_>, metrics: &Metrics) -> fmt::Result {
    for (name, help, value) in [
        ("mimikyu_ring_enters", "System calls of the workers' rings.", metrics.sum(|worker| &worker.enters)),
        (
            "mimikyu_ring_completions",
            "Completions of the workers' rings.",
            metrics.sum(|worker| &worker.completions),
        ),
        (
            "mimikyu_ring_rearms",
            "Multishot accepts and receives that ended early and were asked for again.",
            metrics.sum(|worker| &worker.rearms),
        ),
        (
            "mimikyu_ring_buffers_exhausted",
            "Receives that found no buffer (ENOBUFS) and were tried again.",
            metrics.sum(|worker| &worker.buffers_exhausted),
        ),
        (
            "mimikyu_ring_overflows",
            "Batches before which completions did not fit the queue, and came later.",
            metrics.sum(|worker| &worker.overflows),
        ),
        (
            "mimikyu_accept_failures",
            "Accepts that failed for want of descriptors or memory.",
            metrics.sum(|worker| &worker.accept_failures),
        ),
    ] {
        page.counter(name, help, value)?;
    }
    Ok(())
}

pub(super) fn control(page: &mut Page<'_, '_>, metrics: &Metrics) -> fmt::Result {
    let ControlMetrics {
        announced,
        announce_failures,
        hit_rate_polls,
        hit_rate_failures,
        reloads,
        reloads_refused,
    } = metrics.control();
    let outcomes = |all: [(&'static str, u64); 2]| all.map(|(word, count)| (vec![("outcome", word)], count));
    let reloads = [("taken", reloads.value()), ("refused", reloads_refused.value())];
    page.counters(
        "mimikyu_reloads",
        "Configurations that were read while running.",
        None,
        outcomes(reloads),
    )?;
    let stored = [("stored", announced.value()), ("failed", announce_failures.value())];
    let help = "Nodes that were to be given the list (publish).";
    page.counters("mimikyu_node_lists", help, None, outcomes(stored))?;
    let polls = [("answered", hit_rate_polls.value()), ("failed", hit_rate_failures.value())];
    let help = "Questions to nodes for their hits and misses, where a rollout is held below a hit rate.";
    page.counters("mimikyu_hit_rate_polls", help, None, outcomes(polls))
}
