//! How far a migration in steps is, and what comes next.

use serde::{Deserialize, Serialize};

/// What a rollout is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// Its start is yet to come: only the nodes of `from` are listed.
    Waiting,
    /// It takes a step at every interval.
    Running,
    /// It stays at its step: [`Rollout::hold`] says why.
    Held,
    /// Every step is taken: only the nodes of `to` are listed.
    Done,
}

/// How far a migration is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// The source whose nodes leave.
    pub from: String,
    /// The source whose nodes come.
    pub to: String,
    /// `swap`, `add-then-drain`, `merge-then-drain` or `cut`.
    pub strategy: String,
    /// Nodes a step changes, or a share of them: `1`, `20%`.
    pub batch: String,
    /// When the first step is due.
    pub start: String,
    /// Seconds from one step to the next.
    pub interval: f64,
    /// What it is doing.
    pub progress: Progress,
    /// The step that is served; 0 is before the first.
    pub step: usize,
    /// How many there are.
    pub steps: usize,
    /// The step that is not gone beyond, where one is configured.
    pub hold_at: Option<usize>,
    /// Why it stays where it is, in a sentence; also where a source has no list and the other one's is all there is.
    pub hold: Option<String>,
    /// Steps that were due and not taken, because it was held.
    pub behind: u64,
    /// With which `start` a process that knows nothing of that would be at this step; none where it is not behind.
    pub start_to_agree: Option<String>,
    /// The step that comes next; none after the last. Its time is the earliest there can be.
    pub next: Option<RolloutStep>,
    /// What the nodes' own counters say; none where no hit rate is asked for.
    pub hit_rate: Option<HitRate>,
}

/// One step of a rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RolloutStep {
    /// Its number, from 1.
    pub step: usize,
    /// When it is due; none where it is not, or was already.
    pub at: Option<String>,
    /// Nodes of the whole list after it.
    pub nodes: usize,
    /// The nodes that come, as `host:port`.
    pub added: Vec<String>,
    /// The nodes that go, as `host:port`.
    pub removed: Vec<String>,
    /// The nodes whose place is another one among those that stay, as `host:port`.
    pub moved: Vec<String>,
    /// What it costs the clients that are configured.
    pub moves: Vec<Moves>,
}

/// The keys that a step moves for one kind of clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moves {
    /// The kind: `libmemcached-modula`.
    pub client: String,
    /// The share of the keys, from 0 to 1.
    pub share: f64,
}

/// What the nodes' own counters say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HitRate {
    /// The share of requests that hit within the window; none where that is not known.
    pub rate: Option<f64>,
    /// The requests that tell so.
    pub requests: u64,
    /// No step is taken below this.
    pub floor: f64,
    /// A rollout that was held goes on from here.
    pub resume: f64,
    /// Seconds of the window.
    pub window: f64,
    /// Whether steps may be taken.
    pub is_good: bool,
    /// Why not, in a sentence.
    pub why: Option<String>,
}

/// The whole of `/rollout`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RolloutPlan {
    /// How far it is; none where no rollout is configured.
    pub rollout: Option<Rollout>,
    /// Every step, in order, those that were taken too.
    pub steps: Vec<RolloutStep>,
}
