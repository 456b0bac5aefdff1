//! Has plain memcached nodes keep the list, for clients that ask the nodes (`publish = true`).
//!
//! Whenever the list changes, and at every interval in case a node has lost it. Whether that succeeds changes
//! nothing of what is served; it is counted, and told once a change.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::ask::Pace;
use crate::cluster::Node;
use crate::limits::ANNOUNCEMENTS_MAX;
use crate::metrics::Metrics;
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
) {
    let mut healthy: HashMap<SocketAddr, bool> = HashMap::new();
    'list: loop {
        let announcement = wanted.borrow_and_update().clone();
        let Pace { interval, timeout } = *pace.borrow();
        healthy.retain(|node, _| announcement.nodes.contains(node));
        let mut under_way = JoinSet::new();
        // Those that failed last time come last, and a newer list waits for none of them.
        let mut nodes = announcement.nodes;
        nodes.sort_by_key(|node| healthy.get(node) == Some(&false));
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
                    Some(Ok((node, outcome))) => note(node, outcome, &mut healthy, &metrics),
                    Some(Err(_)) => {}
                    None => break,
                },
            }
        }
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
    healthy: &mut HashMap<SocketAddr, bool>,
    metrics: &Metrics,
) {
    let before = healthy.insert(node, outcome.is_ok());
    let control = metrics.control();
    match outcome {
        Ok(held) => {
            if held == Held::Now {
                control.announced.add(1);
            }
            if before != Some(true) {
                let failures = control.announce_failures.value();
                tracing::info!(%node, failures, "node holds the list");
            }
        }
        Err(error) => {
            control.announce_failures.add(1);
            if before != Some(false) {
                let failures = control.announce_failures.value();
                tracing::warn!(%node, failures, error = error.what(), "node does not take the list: clients that ask it see an older one");
            }
        }
    }
}
