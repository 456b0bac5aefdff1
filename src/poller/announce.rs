//! Has plain memcached nodes keep the list, for clients that ask the nodes (`publish = true`).
//!
//! Whenever the list changes, and at every interval in case a node has lost it. Whether that succeeds changes
//! nothing of what is served; it is counted, and told once a change.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::ask::Pace;
use super::troubles::Subject;
use super::view;
use crate::cluster::Node;
use crate::limits::ANNOUNCEMENTS_MAX;
use crate::metrics::Metrics;
use crate::status::Severity;
use crate::upstream::node::{Held, hold};

/// What the nodes are to hold, and which nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Announcement {
    pub payload: Arc<[u8]>,
    /// In the order of the list, each once.
    pub nodes: Vec<SocketAddr>,
}

/// The address at which a node can be told; none where it is not known.
pub(super) fn address(node: &Node) -> Option<SocketAddr> {
    Some(SocketAddr::new(node.ip.parse().ok()?, node.port))
}

/// Announces what is wanted for ever.
pub(super) async fn announce(
    mut wanted: watch::Receiver<Announcement>,
    pace: watch::Receiver<Pace>,
    metrics: Metrics,
    view: view::Shared,
) {
    // What was wrong with each, if anything was.
    let mut faults: HashMap<SocketAddr, Option<String>> = HashMap::new();
    'list: loop {
        let announcement = wanted.borrow_and_update().clone();
        let Pace { interval, timeout } = *pace.borrow();
        faults.retain(|node, _| announcement.nodes.contains(node));
        show(&faults, &view);
        let mut under_way = JoinSet::new();
        // Those that failed last time come last, and a newer list waits for none of them.
        let mut nodes = announcement.nodes;
        nodes.sort_by_key(|node| faults.get(node).is_some_and(Option::is_some));
        let mut nodes = nodes.into_iter();
        loop {
            while under_way.len() < ANNOUNCEMENTS_MAX
                && let Some(node) = nodes.next()
            {
                let payload = announcement.payload.clone();
                under_way.spawn_local(async move { (node, hold(node, &payload, timeout).await) });
            }
            tokio::select! {
                changed = wanted.changed() => match changed {
                    Ok(()) => continue 'list,
                    Err(_) => return,
                },
                done = under_way.join_next() => match done {
                    Some(Ok((node, outcome))) => note(node, outcome, &mut faults, &metrics),
                    Some(Err(_)) => {}
                    None => break,
                },
            }
        }
        show(&faults, &view);
        tokio::select! {
            changed = wanted.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(interval) => {}
        }
    }
}

/// Counts an outcome, and tells it where it is news.
fn note(
    node: SocketAddr,
    outcome: Result<Held, crate::upstream::Error>,
    faults: &mut HashMap<SocketAddr, Option<String>>,
    metrics: &Metrics,
) {
    let fault = outcome.as_ref().err().map(|error| error.what());
    let was_well = faults.insert(node, fault).map(|fault| fault.is_none());
    let control = metrics.control();
    match outcome {
        Ok(held) => {
            if held == Held::Now {
                control.announced.add(1);
            }
            if was_well != Some(true) {
                let failures = control.announce_failures.value();
                tracing::info!(%node, failures, "node holds the list");
            }
        }
        Err(error) => {
            control.announce_failures.add(1);
            if was_well != Some(false) {
                let failures = control.announce_failures.value();
                tracing::warn!(%node, failures, error = error.what(), "node does not take the list: clients that ask it see an older one");
            }
        }
    }
}

/// Tells operators which nodes do not take the list.
fn show(faults: &HashMap<SocketAddr, Option<String>>, view: &view::Shared) {
    let found = trouble(faults).map(|what| (Severity::Warning, what));
    view.borrow_mut().troubles().note(Subject::Publish, found, SystemTime::now());
}

/// What there is to say of the nodes that do not take the list, if any do not: one is named.
fn trouble(faults: &HashMap<SocketAddr, Option<String>>) -> Option<String> {
    let failing = faults.iter().filter_map(|(node, fault)| Some((node, fault.as_ref()?)));
    let count = failing.clone().count();
    let (node, fault) = failing.min()?;
    let of = faults.len();
    Some(format!(
        "{count} of {of} nodes do not take the list, clients that ask them see an older one: {node}, {fault}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_does_not_take_the_list_is_named() {
        let node = |n: u16| SocketAddr::from(([10, 0, 0, 1], n));
        let mut faults = HashMap::from([(node(1), None)]);
        assert_eq!(trouble(&faults), None);
        faults.extend([(node(3), Some("later".to_owned())), (node(2), Some("no".to_owned()))]);
        let told = trouble(&faults).unwrap();
        assert!(told.starts_with("2 of 3 nodes") && told.ends_with(": 10.0.0.1:2, no"), "{told}");
    }
}
