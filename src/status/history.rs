//! What changed, when and why.

use serde::{Deserialize, Serialize};

/// The whole of `/history`: the last changes of what is served, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The changes.
    pub changes: Vec<Entry>,
}

/// A change of what is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: String,
    /// The version from then on.
    pub version: u32,
    /// The nodes from then on.
    pub nodes: usize,
    /// Why, in a sentence: `alpha answered another list`, `configuration reloaded`, `restored from the state file`, …
    pub why: String,
    /// Nodes that were not listed before, as `host:port`.
    pub added: Vec<String>,
    /// Nodes that are listed no more.
    pub removed: Vec<String>,
    /// Nodes that stand elsewhere.
    pub moved: Vec<String>,
    /// Nodes that have another ip.
    pub readdressed: Vec<String>,
    /// How many nodes the four lists lack for want of room.
    #[serde(default)]
    pub omitted: usize,
}
