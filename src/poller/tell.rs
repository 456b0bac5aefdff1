//! What the log says of sources and lists: one line a change.

use std::time::Duration;

use super::source::Event;
use crate::cluster::{Change, Cluster, Node};

/// A source's health has changed.
pub(super) fn event(source: &str, event: &Event, held: Option<&Cluster>) {
    let version = held.map(|cluster| cluster.version.number());
    let nodes = held.map_or(0, |cluster| cluster.nodes.len());
    match event {
        Event::Answers { after: None } => tracing::info!(source, version, nodes, "source answers"),
        Event::Answers { after: Some(after) } => {
            tracing::info!(source, version, nodes, after = %rounded(*after), "source answers again");
        }
        Event::Fails(why) => {
            let effect = if held.is_some() { "its last good list stays" } else { "it has never answered" };
            tracing::warn!(source, error = why, version, nodes, "source fails: {effect}");
        }
        Event::Stale(answered) => {
            tracing::warn!(
                source,
                answered = answered.number(),
                version,
                nodes,
                "source answers a list that is not newer: the last good one stays"
            );
        }
        Event::Rewound { from, to } => {
            tracing::warn!(
                source,
                from = from.number(),
                to = to.number(),
                nodes,
                "source answers the same older list again and again: it is taken"
            );
        }
        Event::Trouble(why) => {
            tracing::warn!(source, error = why, nodes, "source has nodes without a known address")
        }
    }
}

/// Another list is served, or the same one with another version.
pub(super) fn published(cluster: &Cluster, change: &Change) {
    let (version, nodes) = (cluster.version.number(), cluster.nodes.len());
    if change.is_empty() {
        tracing::info!(version, nodes, "list unchanged, its version rises with an upstream's");
        return;
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

/// The list of the last run is served again.
pub(super) fn restored(cluster: &Cluster) {
    tracing::info!(
        version = cluster.version.number(),
        nodes = cluster.nodes.len(),
        list = names(&cluster.nodes),
        "list restored from the state file"
    );
}

/// The grace is over and there is no list.
pub(super) fn nothing_to_serve() {
    tracing::warn!("there is no node list yet: clients are told SERVER_ERROR until there is one");
}

/// The nodes by name; a field without nodes is left out of its line.
fn names(nodes: &[Node]) -> Option<String> {
    let names: Vec<_> = nodes.iter().map(|node| format!("{}:{}", node.host, node.port)).collect();
    (!names.is_empty()).then(|| names.join(","))
}

fn rounded(duration: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_millis(duration.as_millis() as u64))
}
