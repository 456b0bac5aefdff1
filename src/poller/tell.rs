//! What the log says of sources and lists: one line a change.

use std::net::SocketAddr;
use std::time::Duration;

use super::doubts::News;
use super::event::{Event, Failure};
use super::source::Source;
use crate::cluster::{Change, Cluster, Node, Version};
use crate::limits::STALE_POLLS;
use crate::lint::{Finding, Severity};

/// There is no state file. Said once: a choice, and one whose end is seen only after a restart.
pub(super) fn forgetful() {
    tracing::info!(
        "there is no state file: after a restart the last list is not known, and a version may come back with another list"
    );
}

/// A source's health has changed. Where it answers, `address` says who did.
pub(super) fn event(source: &str, event: Event, known: &Source, address: Option<SocketAddr>) {
    let held = known.last();
    let version = held.map(|cluster| cluster.version.number());
    let nodes = held.map_or(0, |cluster| cluster.nodes.len());
    let address = address.map(tracing::field::display);
    match event {
        Event::Answers { after: None } => tracing::info!(source, version, nodes, address, "source answers"),
        Event::Answers { after: Some(after) } => {
            tracing::info!(source, version, nodes, address, after_ms = ms(after), "source answers again");
        }
        Event::Fails(Failure { what, address, timeout }) => {
            let effect = effect(known);
            let address = address.map(tracing::field::display);
            let timeout_ms = timeout.map(ms);
            tracing::warn!(
                source,
                error = what,
                address,
                timeout_ms,
                version,
                nodes,
                "source fails: {effect}"
            );
        }
        Event::Stale(answered) => tracing::warn!(
            source,
            answered = answered.number(),
            version,
            nodes,
            address,
            "source answers a list that is not newer: the last good one stays"
        ),
        Event::Rewound { from, to } => tracing::warn!(
            source,
            from = from.number(),
            to = to.number(),
            nodes,
            address,
            "source answers the same older list again and again: it is taken"
        ),
        Event::Shrinks { removed, of } => tracing::warn!(
            source,
            removed,
            of,
            version,
            nodes,
            address,
            seen = format!("1 of {STALE_POLLS}"),
            "source shrank: its shorter list is held back, the last good one stays"
        ),
        Event::Shrank { removed, of } => tracing::warn!(
            source,
            removed,
            of,
            version,
            nodes,
            address,
            "source answers the same shorter list again and again: it is taken"
        ),
        Event::Dropped { after } => tracing::error!(
            source,
            silent_ms = ms(after),
            version,
            nodes,
            "source is silent for longer than drop_after: its nodes are taken off the list"
        ),
        Event::Spared { after } => tracing::warn!(
            source,
            silent_ms = ms(after),
            version,
            nodes,
            "source is silent for longer than drop_after, but no other source answers: its nodes stay"
        ),
        Event::Returns => tracing::warn!(
            source,
            version,
            nodes,
            address,
            "source answers again: its nodes, which were taken off, are listed again"
        ),
        Event::Trouble(what) => {
            tracing::warn!(source, error = what, nodes, "source has nodes without a known address")
        }
        Event::TroubleOver => tracing::info!(source, nodes, "source has an address for every node"),
    }
}

/// What a failure means for the list. It may begin with the nodes off it: they were so before the start.
fn effect(known: &Source) -> &'static str {
    match known.last() {
        _ if known.is_dropped() => "its nodes stay off the list (drop_after)",
        Some(_) => "its last good list stays",
        None => "it has never answered",
    }
}

/// Another list is served, or the same one with another version.
pub(super) fn published(cluster: &Cluster, change: &Change) {
    let (version, nodes) = (cluster.version.number(), cluster.nodes.len());
    if change.is_empty() {
        tracing::info!(
            version,
            nodes,
            "the list is as before, its version follows an upstream's, or a rollout's step"
        );
        return;
    }
    if cluster.version == Version::MAX {
        tracing::warn!(
            version,
            "the version is the greatest that clients can hold and does not rise any more: some will miss changes"
        );
    }
    tracing::info!(
        version,
        nodes,
        added = names(&change.added),
        removed = names(&change.removed),
        moved = names(&change.moved),
        readdressed = names(&change.readdressed),
        "list changed"
    );
}

/// The list of the last run is served again: from the state file, or from the process that is taken over.
pub(super) fn restored(cluster: &Cluster) {
    tracing::info!(
        version = cluster.version.number(),
        nodes = cluster.nodes.len(),
        list = names(&cluster.nodes),
        "list restored: it goes on from the last one"
    );
}

/// Which clients the list hurts has changed: one line for all of them.
pub(super) fn doubts(cluster: &Cluster, news: News, findings: &[Finding]) {
    let version = cluster.version.number();
    match news {
        News::Same => {}
        News::Others => {
            let is_severe = findings.iter().any(|finding| finding.severity == Severity::Severe);
            let findings = findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("; ");
            if is_severe {
                tracing::error!(version, findings, "list hurts some clients: whole fleets have no servers");
            } else {
                tracing::warn!(version, findings, "list hurts some clients");
            }
        }
        News::Gone => tracing::info!(version, "list hurts no client any more"),
    }
}

/// The grace is over and there is no list.
pub(super) fn nothing_to_serve(missing: &[&str]) {
    let waits_for = missing.join(",");
    tracing::warn!(waits_for, "there is no node list yet: clients are told SERVER_ERROR until there is one");
}

/// The list can't follow the sources yet.
pub(super) fn held(missing: &[&str]) {
    let waits_for = missing.join(",");
    tracing::warn!(waits_for, "the list stays as it was: it is not known yet what these sources have");
}

/// Most nodes named in a field of a line.
const NAMED_MAX: usize = 32;

/// The nodes by name; a field without nodes is left out of its line.
fn names(nodes: &[Node]) -> Option<String> {
    let mut names: Vec<_> =
        nodes.iter().take(NAMED_MAX).map(|node| format!("{}:{}", node.host, node.port)).collect();
    if nodes.len() > NAMED_MAX {
        names.push(format!("and {} more", nodes.len() - NAMED_MAX));
    }
    (!names.is_empty()).then(|| names.join(","))
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poller::source::{Carried, Terms};

    #[test]
    fn a_failure_after_a_restart_does_not_say_that_nodes_stay_which_are_off_the_list() {
        let terms = Terms { drop_after: Some(Duration::from_secs(60)), ..Terms::default() };
        let list = Cluster { version: Version::FIRST, nodes: vec![Node::new("a", "", 1)] };
        let carried = |dropped| Some(Carried { lasting: Duration::from_secs(90), dropped });
        let said = |last, carried| effect(&Source::new(terms, last, carried));
        assert_eq!(said(Some(list.clone()), carried(true)), "its nodes stay off the list (drop_after)");
        assert_eq!(said(Some(list), carried(false)), "its last good list stays");
        assert_eq!(said(None, None), "it has never answered");
    }

    #[test]
    fn a_field_names_as_many_nodes_as_the_bound_and_counts_the_rest() {
        let nodes: Vec<_> = (0..=NAMED_MAX).map(|n| Node::new(format!("n{n}"), "", 1)).collect();
        assert_eq!(names(&[]), None);
        assert!(names(&nodes[..NAMED_MAX]).unwrap().ends_with(",n31:1"));
        assert!(names(&nodes).unwrap().ends_with(",n31:1,and 1 more"));
    }
}
