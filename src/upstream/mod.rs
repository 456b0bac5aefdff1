//! One conversation with one upstream: resolve, connect, ask, answer, time out.
//!
//! Every call ends by its deadline, and leaves nothing open behind it: a conversation that is given up
//! is shut down at once. Knows nothing of what was answered before; that is the poller's affair.

mod conversation;
mod endpoint;
mod error;
mod names;
mod resolve;

use std::net::SocketAddr;
use std::time::Duration;

pub use endpoint::Endpoint;
pub use error::Error;

use crate::cluster::{Cluster, Node};
use crate::config::SourceKind;
use names::{DnsName, StaticNodes};

/// What a source answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An endpoint's list, with its version.
    Versioned(Cluster),
    /// The nodes of a source that has no versions; whoever keeps them counts their changes.
    Unversioned {
        /// The nodes.
        nodes: Vec<Node>,
        /// What was not found out, in a sentence: names without an address.
        trouble: Option<String>,
    },
}

/// A source as something that can be asked.
#[derive(Debug)]
pub enum Upstream {
    /// A configuration endpoint.
    Endpoint(Endpoint),
    /// Given nodes, whose addresses are looked up.
    Static(StaticNodes),
    /// A name whose addresses are the nodes.
    Dns(DnsName),
}

impl Upstream {
    /// The upstream that a source's configuration speaks of.
    ///
    /// `last` are the nodes of its last good answer, if one is known: a static node keeps its address from
    /// there while its name can't be resolved.
    pub fn new(kind: &SourceKind, last: &[Node]) -> Self {
        match kind {
            SourceKind::Endpoint(target) => Self::Endpoint(Endpoint::new(target.clone())),
            SourceKind::Static(targets) => Self::Static(StaticNodes::new(targets.clone(), last)),
            SourceKind::Dns(target) => Self::Dns(DnsName::new(target.clone())),
        }
    }

    /// The address that answered last, where that is one.
    pub fn answered(&self) -> Option<SocketAddr> {
        match self {
            Self::Endpoint(endpoint) => endpoint.answered(),
            Self::Static(_) | Self::Dns(_) => None,
        }
    }

    /// Asks for the nodes; ends within `timeout`.
    pub async fn poll(&mut self, timeout: Duration) -> Result<Answer, Error> {
        match self {
            Self::Endpoint(endpoint) => endpoint.list(timeout).await.map(Answer::Versioned),
            Self::Static(nodes) => Ok(nodes.list(timeout).await),
            Self::Dns(name) => name.list(timeout).await,
        }
    }
}
