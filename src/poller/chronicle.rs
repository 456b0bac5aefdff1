//! The last changes of what is served, and why they came. Pure.

use std::collections::VecDeque;

use super::event::Event;
use crate::cluster::{Change, Cluster, Node};
use crate::limits::{HISTORY_MAX, HISTORY_NODES_MAX};
use crate::status::{Entry, History};

/// The last changes, the newest first; one too many takes the place of the oldest.
#[derive(Debug, Clone, Default)]
pub struct Chronicle(VecDeque<Entry>);

impl Chronicle {
    /// Takes note of what is served from now on. `at` is the point in time as it is shown.
    pub fn note(&mut self, at: String, why: String, cluster: &Cluster, change: &Change) {
        let mut room = HISTORY_NODES_MAX;
        let mut omitted = 0;
        let mut names = |nodes: &[Node]| {
            let shown = nodes.len().min(room);
            room -= shown;
            omitted += nodes.len() - shown;
            nodes[..shown].iter().map(|node| format!("{}:{}", node.host, node.port)).collect()
        };
        let (added, removed) = (names(&change.added), names(&change.removed));
        let (moved, readdressed) = (names(&change.moved), names(&change.readdressed));
        let (version, nodes) = (cluster.version.number(), cluster.nodes.len());
        self.0.truncate(HISTORY_MAX - 1);
        self.0.push_front(Entry { at, version, nodes, why, added, removed, moved, readdressed, omitted });
    }

    /// Whether nothing has been served in this run.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changes.
    pub fn history(&self) -> History {
        History { changes: self.0.iter().cloned().collect() }
    }
}

/// Where the first list is from, if several sources have answered by then: it has the nodes of each.
pub const FIRST_ANSWERS: &str = "the first answers are in";

/// Why a list that a reload leads to is served: at once, or when the sources that it replaced have answered.
pub const RELOADED: &str = "configuration reloaded";

/// What was held of a source before a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Nothing: it had never answered.
    Nothing,
    /// The list of the source whose place it took in a reload. That its own is another one is not its doing.
    StandIn,
    /// Its own list.
    Own,
}

/// Why a poll of a source changed the list.
pub fn reason(name: &str, events: &[Event], held: Held) -> String {
    let known = events.iter().find_map(|event| match event {
        Event::Dropped { .. } => {
            Some("was silent for longer than drop_after: its nodes are taken off the list")
        }
        Event::Returns => Some("answers again: its nodes are listed again"),
        Event::Shrank { .. } => Some("answered the same shorter list again and again"),
        Event::Rewound { .. } => Some("answered the same older list again and again"),
        _ => None,
    });
    match (known, held) {
        (Some(known), _) => format!("{name} {known}"),
        (None, Held::Nothing) => format!("{name} answered"),
        (None, Held::StandIn) => RELOADED.into(),
        (None, Held::Own) => format!("{name} answered another list"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cluster::Version;

    fn list(version: u64, nodes: usize) -> Cluster {
        let nodes = (0..nodes).map(|n| Node::new(format!("n{n}"), "", 1)).collect();
        Cluster { version: Version::new(version).unwrap(), nodes }
    }

    #[test]
    fn it_holds_as_many_changes_as_the_bound_and_the_newest_comes_first() {
        let mut chronicle = Chronicle::default();
        for version in 1..=HISTORY_MAX as u64 + 1 {
            chronicle.note(format!("at {version}"), "because".into(), &list(version, 1), &Change::default());
            let history = chronicle.history();
            assert_eq!(history.changes.len(), HISTORY_MAX.min(version as usize));
            assert_eq!(u64::from(history.changes[0].version), version);
        }
        assert_eq!(chronicle.history().changes.last().unwrap().version, 2, "the oldest is gone");
    }

    #[test]
    fn a_change_names_as_many_nodes_as_the_bound_and_counts_the_rest() {
        let change = |added: usize, removed: usize| {
            let mut chronicle = Chronicle::default();
            let change =
                Change { added: list(1, added).nodes, removed: list(1, removed).nodes, ..Change::default() };
            chronicle.note(String::new(), String::new(), &list(1, added), &change);
            let entry = chronicle.history().changes.remove(0);
            (entry.added.len(), entry.removed.len(), entry.omitted)
        };
        let most = HISTORY_NODES_MAX;
        assert_eq!(change(most - 1, 1), (most - 1, 1, 0));
        assert_eq!(change(most, 1), (most, 0, 1));
        assert_eq!(change(most + 1, 2), (most, 0, 3));
    }

    #[test]
    fn a_reason_is_what_the_source_did() {
        let after = Duration::ZERO;
        let why = |events: &[Event], held| reason("a", events, held);
        assert_eq!(why(&[Event::Answers { after: None }], Held::Nothing), "a answered");
        assert_eq!(why(&[], Held::Own), "a answered another list");
        assert_eq!(why(&[Event::Answers { after: None }], Held::StandIn), "configuration reloaded");
        assert!(why(&[Event::Dropped { after }], Held::Own).starts_with("a was silent"));
        let returns = [Event::Answers { after: None }, Event::Returns];
        assert!(why(&returns, Held::Own).starts_with("a answers again"));
    }
}
