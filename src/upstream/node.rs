//! A plain memcached node: it keeps the list for clients that ask the nodes, and tells what it counts.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::conversation::Conversation;
use super::{Endpoint, Error};
use crate::cluster::Node;
use crate::config::HostPort;
use crate::protocol::answer::{self, Progress};
use crate::protocol::lines::Lines;
use crate::protocol::reply;

pub use super::resolve::Lookups;
pub use crate::protocol::counters::Counters;

/// What was found on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It held the payload already.
    Before,
    /// It holds it now.
    Now,
}

/// Has a node hold the payload under the legacy key (flags 0, no expiry), unless it does; ends within `timeout`.
pub async fn hold(address: SocketAddr, payload: &[u8], timeout: Duration) -> Result<Held, Error> {
    let conversation = converse(address, payload);
    tokio::time::timeout(timeout, conversation).await.unwrap_or(Err(Error::Timeout { address, timeout }))
}

async fn converse(address: SocketAddr, payload: &[u8]) -> Result<Held, Error> {
    let mut conversation = Conversation::begin(address)?;
    let mut progress = Progress::default();
    let list = |input: &[u8]| answer::parse_on(input, &mut progress);
    let (_, found) = conversation.ask(reply::retrieval(), list).await?;
    if found == reply::value(payload, None) {
        return Ok(Held::Before);
    }
    let mut lines = Lines::default();
    let stored = |input: &[u8]| answer::stored(input, &mut lines);
    let (stored, _) = conversation.ask(reply::storage(payload), stored).await?;
    stored.map(|()| Held::Now).map_err(|source| Error::Answer { address, source })
}

/// A node that is asked again and again for what it counts.
#[derive(Debug)]
pub struct Counted(Endpoint);

impl Counted {
    /// A node as it is listed: at its address, or where that is none, wherever its name leads to. The names of many
    /// share `lookups`.
    pub fn new(node: &Node, lookups: Lookups) -> Self {
        let host = if node.ip.parse::<IpAddr>().is_ok() { &node.ip } else { &node.host };
        let target = HostPort { host: host.to_string(), port: node.port };
        Self(Endpoint::sharing(target, lookups))
    }

    /// Asks for `stats` on a connection of its own; ends within `timeout`.
    pub async fn counters(&mut self, timeout: Duration) -> Result<Counters, Error> {
        self.0.counters(timeout).await
    }
}
