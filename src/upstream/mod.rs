//! One conversation with one upstream: resolve, connect, ask, answer, time out.
//!
//! Every call ends by its deadline, and leaves nothing open behind it: a conversation that is given up
//! is shut down at once. Knows nothing of what was answered before; that is the poller's affair.

mod addresses;
mod conversation;
mod endpoint;
mod error;
mod names;
pub mod node;
mod resolve;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub use endpoint::Endpoint;
pub use error::Error;
pub use names::configured;

use crate::cluster::{Cluster, Node};
use crate::config::{FillIp, HostPort, Source, SourceKind};
use addresses::Addresses;
use names::{DnsName, StaticNodes};

/// What a source answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An endpoint's list, with its version.
    Versioned {
        /// The list as it came.
        cluster: Cluster,
        /// The same nodes with the ips that were found out, where missing ones are to be filled.
        filled: Option<Vec<Node>>,
        /// What was not found out, in a sentence.
        trouble: Option<String>,
    },
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
    /// A configuration endpoint, and the addresses of its nodes where it does not give them.
    Endpoint(Endpoint, Option<Addresses>),
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
    pub fn new(source: &Source, last: &[Node]) -> Self {
        match &source.kind {
            SourceKind::Endpoint(target) => {
                let addresses = (source.fill_ip == FillIp::Missing).then(|| Addresses::of(last));
                Self::Endpoint(Endpoint::new(target.clone()), addresses)
            }
            SourceKind::Static(targets) => Self::Static(StaticNodes::new(targets.clone(), last)),
            SourceKind::Dns(target) => Self::Dns(DnsName::new(target.clone())),
        }
    }

    /// The address that answered last, where that is one.
    pub fn answered(&self) -> Option<SocketAddr> {
        match self {
            Self::Endpoint(endpoint, _) => endpoint.answered(),
            Self::Static(_) | Self::Dns(_) => None,
        }
    }

    /// Every address that its name led to when it was asked last, where it is an endpoint.
    pub fn places(&self) -> Vec<SocketAddr> {
        match self {
            Self::Endpoint(endpoint, _) => endpoint.places().to_vec(),
            Self::Static(_) | Self::Dns(_) => Vec::new(),
        }
    }

    /// Asks for the nodes; ends within `timeout`.
    pub async fn poll(&mut self, timeout: Duration) -> Result<Answer, Error> {
        match self {
            Self::Endpoint(endpoint, addresses) => {
                let deadline = Instant::now() + timeout;
                let cluster = endpoint.list(timeout).await?;
                let left = deadline.saturating_duration_since(Instant::now());
                Ok(fill(cluster, addresses.as_mut(), left).await)
            }
            Self::Static(nodes) => Ok(nodes.list(timeout).await),
            Self::Dns(name) => name.list(timeout).await,
        }
    }
}

/// Finds out the addresses of nodes that came without one.
async fn fill(cluster: Cluster, addresses: Option<&mut Addresses>, timeout: Duration) -> Answer {
    let Some(addresses) = addresses else {
        return Answer::Versioned { cluster, filled: None, trouble: None };
    };
    let name = |node: &Node| HostPort { host: node.host.to_string(), port: node.port };
    let names: Vec<_> = cluster.nodes.iter().filter(|node| node.ip.is_empty()).map(name).collect();
    let mut trouble = addresses.look_up(&names, timeout).await.err();
    let mut filled = cluster.nodes.clone();
    for node in filled.iter_mut().filter(|node| node.ip.is_empty()) {
        node.ip = addresses.ip(&node.host).into();
        if node.ip.is_empty() && trouble.is_none() {
            trouble = Some(format!("{} has no IPv4 address that is known", node.host));
        }
    }
    Answer::Versioned { cluster, filled: Some(filled), trouble }
}
