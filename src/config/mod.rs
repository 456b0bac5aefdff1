//! The configuration: typed, complete and valid, from flags, environment, file and defaults.
//!
//! [`Config`] is what the rest of the program sees; it has no optional settings left in it. A
//! [`Layer`] is one place that settings come from; [`resolve`] lays them over each other.

mod address;
mod admin;
mod difference;
mod env;
mod error;
mod examined;
mod faults;
mod file;
mod key;
mod layer;
mod network;
mod places;
mod provenance;
mod rollout;
mod share;
mod source;
mod value;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

pub use address::HostPort;
pub use admin::Admin;
pub use difference::Difference;
pub use env::{Environment, all_from_env, from_env};
pub use error::{Error, Fault, Origin};
pub use examined::{Examined, examine};
pub use faults::Faults;
pub use file::{all_from_bytes, from_bytes, from_file};
pub use key::{Key, nearest};
pub use layer::{Layer, Setting, resolve};
pub use places::{Found, Places};
pub use provenance::Provenance;
pub use rollout::{Guard, Rollout};
pub use share::Share;
pub use value::{duration as parse_duration, listen as parse_listen};

/// Everything the daemon needs to know before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Addresses that clients connect to; a port of 0 is chosen by the kernel.
    pub listen: Vec<SocketAddr>,
    /// Where nodes come from, in the order in which their nodes are listed. Never empty.
    pub sources: Vec<Source>,
    /// Worker threads; `None` is one for each CPU this process may run on.
    pub workers: Option<usize>,
    /// Time from the start of one poll of a source to the start of the next.
    pub poll_interval: Duration,
    /// Longest that one poll of a source may take.
    pub poll_timeout: Duration,
    /// Longest wait for the first answer of every source.
    pub startup_grace: Duration,
    /// Whether a list without every source's nodes may be served.
    pub require: Require,
    /// The largest share of a source's nodes that one answer may remove, unless the source has its own.
    pub max_shrink: Share,
    /// Where the last list and answers are kept over a restart.
    pub state: Option<PathBuf>,
    /// The unix socket by which a running daemon is taken over, and by which this one is later.
    pub takeover: Option<PathBuf>,
    /// Where operators are answered, by HTTP.
    pub admin: Admin,
    /// Added to the sum of the upstreams' versions; at least 1.
    pub version_base: u32,
    /// Most connections held at a time; `None` is as many as the descriptor limit allows, up to a default.
    pub connections_max: Option<usize>,
    /// Most connections of one address (IPv6: of one /64) held at a time; `None` is no such limit.
    pub connections_per_ip_max: Option<usize>,
    /// Networks that clients may come from; empty is all. None is an IPv4 network written as an IPv6 one.
    pub allow: Vec<IpNet>,
    /// Most clients that are remembered with the version they were served last, by all workers; zero is none.
    pub clients_tracked_max: usize,
    /// Time after which a connection that has begun a request and not ended it is closed; zero is never.
    pub request_timeout: Duration,
    /// Time after which a connection that asks nothing is closed; zero is never.
    pub idle_timeout: Duration,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// What is logged, unless `RUST_LOG` says so.
    pub log_level: LogLevel,
    /// What `version` answers: exactly three numbers, at least 1.4.14.
    pub version_reply: String,
    /// A migration in steps from one source to another.
    pub rollout: Option<Rollout>,
    /// Features of io_uring that are left unused though the kernel has them, to find out which one is at fault.
    pub ring_without: Vec<RingFeature>,
}

/// A feature of io_uring that the daemon can do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RingFeature {
    /// Multishot receives.
    MultishotRecv,
    /// Sends that are carried out while they are submitted, without a completion.
    InlineSend,
    /// Completions worked on only when they are waited for.
    DeferTaskrun,
    /// Completions that do not interrupt.
    CoopTaskrun,
}

impl RingFeature {
    /// All of them, by the names that the ready line shows.
    pub const NAMES: [(&str, RingFeature); 4] = [
        ("multishot_recv", RingFeature::MultishotRecv),
        ("inline_send", RingFeature::InlineSend),
        ("defer_taskrun", RingFeature::DeferTaskrun),
        ("coop_taskrun", RingFeature::CoopTaskrun),
    ];
}

/// A named place that nodes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name used in logs and in the state file; unique in a configuration.
    pub name: String,
    /// What kind of place, and where.
    pub kind: SourceKind,
    /// What is done about nodes that an endpoint lists without an ip.
    pub fill_ip: FillIp,
    /// Whether the list is also stored on the nodes themselves, under the key that old engines keep it under, for
    /// clients that ask the nodes. For plain memcached nodes only: a static or DNS source.
    pub publish: bool,
    /// The largest share of its nodes that one answer may remove; `None` is [`Config::max_shrink`].
    pub max_shrink: Option<Share>,
    /// Time without a good answer after which its nodes are taken off the list; `None` is never.
    pub drop_after: Option<Duration>,
}

impl Source {
    /// A source with nothing special about it.
    pub fn new(name: impl Into<String>, kind: SourceKind) -> Self {
        Self {
            name: name.into(),
            kind,
            fill_ip: FillIp::default(),
            publish: false,
            max_shrink: None,
            drop_after: None,
        }
    }
}

/// What is done about nodes that an endpoint lists without an ip (`host||port`, in-transit encryption).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FillIp {
    /// Nothing: they are listed as they came.
    #[default]
    Never,
    /// Their name is resolved, for clients that can't use an empty field.
    Missing,
}

/// What a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// A configuration endpoint, asked for its list at every poll.
    Endpoint(HostPort),
    /// Nodes given in the configuration, in this order.
    Static(Vec<HostPort>),
    /// Every address of a DNS name is a node.
    Dns(HostPort),
}

/// Whether a list that lacks a source's nodes may be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Require {
    /// After the grace, what there is.
    #[default]
    Any,
    /// Nothing until every source has answered once.
    All,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged: lines of this level and of those above it. The greater, the more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LogLevel {
    /// Only what harms clients.
    Error,
    /// What an operator should look at, too.
    Warn,
    /// Every change, too.
    #[default]
    Info,
    /// What helps to find a fault, too.
    Debug,
}

impl LogLevel {
    /// All of them, by their names.
    pub const NAMES: [(&str, LogLevel); 4] = [
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        let named = Self::NAMES.iter().find(|(_, level)| *level == self);
        named.map_or("info", |(name, _)| name)
    }
}
