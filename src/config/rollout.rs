//! A migration in steps from one source to another: the `[rollout]` table.

use std::time::Duration;

use super::Share;
use crate::plan::{Batch, Family, Strategy};

/// A rollout: which list is served when follows from this, from the answers of the two sources, and from the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// The name of the source whose nodes leave.
    pub from: String,
    /// The name of the source whose nodes come; another one.
    pub to: String,
    /// In which way.
    pub strategy: Strategy,
    /// How many nodes a step changes.
    pub batch: Batch,
    /// When the first step is taken, as time since 1970: absolute, so that replicas agree.
    pub start: Duration,
    /// Time from one step to the next.
    pub interval: Duration,
    /// The last step that is taken, from 0 (only `from`); `None` is all of them.
    pub hold_at: Option<usize>,
    /// The clients for whom the keys that a step moves are counted. Never empty.
    pub clients: Vec<Family>,
    /// The largest share of the keys that one step may move, for each of the clients; [`Share::OFF`] is any.
    pub max_move: Share,
    /// What holds the rollout while too many requests miss.
    pub guard: Option<Guard>,
}

/// A hit rate below which no step is taken, as the nodes themselves count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// The share of the requests that must hit.
    pub floor: Share,
    /// How far back requests count.
    pub window: Duration,
    /// The fewest requests within that time that tell something.
    pub requests_min: u64,
}
