//! What operators are told, as plain values: what `/status`, `/config`, `/history` and `/rollout` answer and what the page, `top` and
//! other programs read. Pure; adding a field is no break, taking one away or changing its meaning is.
//!
//! Times that passed are in seconds, points in time are RFC 3339 in UTC with milliseconds.

mod audience;
mod configuration;
mod digest;
mod history;
mod rollout;
mod trouble;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

pub use audience::{Audience, Behind};
pub use configuration::{Configuration, Given, GivenRollout, Origin, Setting};
pub use digest::digest;
pub use history::{Entry, History};
pub use rollout::{HitRate, Moves, Progress, Rollout, RolloutPlan, RolloutStep};
pub use trouble::{Severity, Trouble};

/// The whole of `/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// This program's version.
    pub mimikyu: String,
    /// When this was written.
    pub now: String,
    /// When the process started.
    pub started: String,
    /// Seconds since then.
    pub uptime: f64,
    /// Whether clients are served a list.
    pub ready: bool,
    /// Why not, in a sentence.
    pub waits_for: Option<String>,
    /// Where clients connect to.
    pub listen: Vec<SocketAddr>,
    /// What is wrong that no source tells, the worst first; empty where all is well, and of a program that is too old
    /// to tell.
    #[serde(default)]
    pub troubles: Vec<Trouble>,
    /// What is served; none as long as there has never been a list.
    pub list: Option<List>,
    /// The sources, in their order.
    pub sources: Vec<Source>,
    /// How far a migration in steps is; none where none is configured.
    #[serde(default)]
    pub rollout: Option<Rollout>,
    /// Who has seen the list.
    pub audience: Audience,
    /// What clients did since the start.
    pub traffic: Traffic,
    /// The threads that serve clients.
    pub workers: Workers,
    /// The bounds and how near they are.
    pub limits: Vec<Limit>,
}

/// The list that is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The version that clients compare.
    pub version: u32,
    /// SHA-256 of the reply to `config get cluster`, in hexadecimal: equal on replicas that serve the same bytes.
    pub digest: String,
    /// Length of that reply, in bytes.
    pub bytes: usize,
    /// Since when it is served; none where it was restored from before the start.
    pub since: Option<String>,
    /// The nodes, in the order that clients see.
    pub nodes: Vec<Node>,
}

/// A node of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub host: String,
    /// Its address; empty where the list has none.
    pub ip: String,
    /// Its port.
    pub port: u16,
    /// The sources that have it, in their order; empty where that is not known yet (a restored list).
    pub sources: Vec<String>,
}

/// How a source is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It has not been asked yet.
    Waiting,
    /// Its last answer was taken.
    Fresh,
    /// Its last answer is older than, or contradicts, the one that is held.
    Stale,
    /// Its last answer lacks too many nodes: held back.
    Shrunk,
    /// It gives no answer that can be taken: its last good one stays.
    Failing,
    /// It was silent for longer than `drop_after`: its nodes are off the list.
    Dropped,
}

/// A place that nodes come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its name in the configuration.
    pub name: String,
    /// `upstream`, `static` or `dns`.
    pub kind: String,
    /// What is asked: `host:port`, or the nodes, separated by commas.
    pub target: String,
    /// How it is doing.
    pub state: State,
    /// Seconds since it is doing so.
    pub state_age: f64,
    /// The version of its last good answer; none where it has never answered.
    pub version: Option<u32>,
    /// The nodes of its last good answer.
    pub nodes: usize,
    /// Whether the list it gave is that of the source whose place it took, until its own has come.
    pub is_stand_in: bool,
    /// Seconds since its last good answer; where that was before the start, since it fell silent. None where that is
    /// not known.
    pub last_good_age: Option<f64>,
    /// What was wrong last, if anything ever was in this run.
    pub last_error: Option<Fault>,
    /// Seconds until it is asked next; none while it is being asked.
    pub next_poll: Option<f64>,
    /// Who answered last.
    pub address: Option<SocketAddr>,
    /// Polls that were answered with a list that was taken, or with the one that is held.
    pub polls_good: u64,
    /// Polls that were answered with a list that is doubted.
    pub polls_doubted: u64,
    /// Polls that failed.
    pub polls_failed: u64,
}

/// What was wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// In a sentence.
    pub what: String,
    /// Seconds since it was seen last.
    pub age: f64,
}

/// What clients did since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Requests, those answered with an error included.
    pub requests: u64,
    /// Requests for the list.
    pub lists: u64,
    /// Requests answered with an error.
    pub errors: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections not let in, for whatever reason.
    pub rejected: u64,
    /// Connections held now.
    pub open: usize,
    /// Bytes received.
    pub bytes_received: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
}

/// The threads that serve clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workers {
    /// How many.
    pub count: usize,
    /// The features of io_uring in use.
    pub ring_features: Vec<String>,
}

/// A bound and how near it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// What is bounded: `connections`, `nodes`, `list_bytes`, `clients_tracked`, `descriptors`, …
    pub name: String,
    /// How much there is.
    pub used: u64,
    /// How much there may be.
    pub max: u64,
}
