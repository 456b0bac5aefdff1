//! How far a rollout is, over a restart.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{nodes, words};
use crate::cluster::Node;

/// How far a rollout is. There is none before its first step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Of which rollout: from which source to which. Of another one it says nothing.
    pub identity: String,
    /// By which strategy and batch.
    pub way: String,
    /// The start of the schedule that it is behind of, since 1970.
    pub start: Duration,
    /// The interval of that schedule.
    pub interval: Duration,
    /// The step that is served.
    pub step: usize,
    /// Steps that were due and not taken, because something held it; less than none where it began ahead of its schedule.
    pub behind: i64,
    /// The step beyond which it was not to go.
    pub hold_at: Option<usize>,
    /// How many steps there were when the last was taken; none before. What the sources do then adds no step.
    pub done: Option<usize>,
    /// The lists that it began with.
    pub roster: Roster,
}

/// What the two sources of a rollout had when the first step was taken, and what has come since.
///
/// With it a node that goes takes nobody's place with it, and one that comes waits for its turn at the end: the others stay
/// where they are. A process that starts in the middle without it takes the lists of that moment for those of the beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster {
    /// The nodes of the source whose nodes leave. Not empty.
    pub from: Vec<Node>,
    /// The nodes of the source whose nodes come. Not empty.
    pub to: Vec<Node>,
    /// Nodes that came to the first one later and are there still, in the order in which they came.
    pub late: Vec<Node>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileProgress {
    identity: String,
    way: String,
    start_ns: u64,
    interval_ns: u64,
    step: usize,
    behind: i64,
    hold_at: Option<usize>,
    done: Option<usize>,
    from: Vec<String>,
    to: Vec<String>,
    late: Vec<String>,
}

impl From<&Progress> for FileProgress {
    fn from(progress: &Progress) -> Self {
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let Roster { from, to, late } = &progress.roster;
        Self {
            identity: progress.identity.clone(),
            way: progress.way.clone(),
            start_ns: ns(progress.start),
            interval_ns: ns(progress.interval),
            step: progress.step,
            behind: progress.behind,
            hold_at: progress.hold_at,
            done: progress.done,
            from: words(from),
            to: words(to),
            late: words(late),
        }
    }
}

impl TryFrom<FileProgress> for Progress {
    type Error = String;

    fn try_from(read: FileProgress) -> Result<Self, String> {
        if read.from.is_empty() || read.to.is_empty() {
            return Err("a list that a rollout began with is empty".into());
        }
        Ok(Self {
            identity: read.identity,
            way: read.way,
            start: Duration::from_nanos(read.start_ns),
            interval: Duration::from_nanos(read.interval_ns),
            step: read.step,
            behind: read.behind,
            hold_at: read.hold_at,
            done: read.done,
            roster: Roster { from: nodes(&read.from)?, to: nodes(&read.to)?, late: nodes(&read.late)? },
        })
    }
}
