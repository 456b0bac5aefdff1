//! How many clients have seen which version.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The clients that were served a list lately. A client is an address: processes behind one are one client.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Audience {
    /// Seconds that "lately" means.
    pub window: u64,
    /// Clients that were served a list within the window.
    pub seen: usize,
    /// Those of them that were served the current version last.
    pub current: usize,
    /// `current` of `seen`, from 0 to 1; none where nobody was seen.
    pub share: Option<f64>,
    /// Those that were served another version last, the latest seen first; at most as many as fit.
    pub behind: Vec<Behind>,
    /// How many are behind, those that did not fit included.
    pub behind_count: usize,
    /// Clients that were served nothing within the window, and another version last: stragglers, or gone. The latest seen
    /// first; at most as many as fit.
    #[serde(default)]
    pub silent: Vec<Behind>,
    /// How many those are, those that did not fit included.
    #[serde(default)]
    pub silent_count: usize,
    /// Places taken by clients that are remembered: one in the table of each worker that serves the client.
    pub tracked: usize,
    /// How many places there are.
    pub tracked_max: usize,
    /// Clients that were not remembered for want of room, since the start.
    pub untracked: u64,
}

/// A client that has not seen the current version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Behind {
    /// Its address.
    pub address: IpAddr,
    /// The version it was served last.
    pub version: u32,
    /// Seconds since then.
    pub age: f64,
}
