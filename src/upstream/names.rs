//! Sources that are names: given nodes whose addresses are looked up, and a DNS name whose addresses are nodes.

use std::time::Duration;

use super::addresses::Addresses;
use super::resolve::Resolver;
use super::{Answer, Error};
use crate::cluster::Node;
use crate::config::HostPort;
use crate::limits::NODES_MAX;

/// Nodes given in the configuration. Their order never changes; their ip is the IPv4 address of their
/// name, which is asked for at every poll and kept while it can't be had.
#[derive(Debug)]
pub struct StaticNodes {
    targets: Vec<HostPort>,
    addresses: Addresses,
}

impl StaticNodes {
    pub(super) fn new(targets: Vec<HostPort>, last: &[Node]) -> Self {
        Self { targets, addresses: Addresses::of(last) }
    }

    /// The nodes, with the addresses known by the end of `timeout`.
    pub(super) async fn list(&mut self, timeout: Duration) -> Answer {
        let trouble = self.addresses.look_up(&self.targets, timeout).await.err();
        let nodes = nodes(&self.targets, &self.addresses);
        let unknown = || nodes.iter().find(|node| node.ip.is_empty());
        let trouble =
            trouble.or_else(|| Some(format!("{} has no IPv4 address that is known", unknown()?.host)));
        Answer::Unversioned { nodes, trouble }
    }
}

/// Nodes given in the configuration, with the addresses that are known of them from their last answer.
pub fn configured(targets: &[HostPort], last: &[Node]) -> Vec<Node> {
    nodes(targets, &Addresses::of(last))
}

fn nodes(targets: &[HostPort], addresses: &Addresses) -> Vec<Node> {
    let node = |target: &HostPort| Node::new(target.host.as_str(), addresses.ip(&target.host), target.port);
    targets.iter().map(node).collect()
}

/// A DNS name of which every address is a node (a headless Kubernetes service).
#[derive(Debug)]
pub struct DnsName(Resolver);

impl DnsName {
    pub(super) fn new(target: HostPort) -> Self {
        Self(Resolver::new(target))
    }

    /// A node `ip|ip|port` for each address, by address: the same list on every replica.
    pub(super) async fn list(&mut self, timeout: Duration) -> Result<Answer, Error> {
        let mut addresses = self.0.resolve(timeout).await?;
        if addresses.len() > NODES_MAX {
            return Err(Error::TooManyAddresses { target: self.0.target().clone() });
        }
        addresses.sort_by_key(|address| address.ip());
        let node = |ip: String, port| Node::new(ip.as_str(), ip.as_str(), port);
        let nodes = addresses.iter().map(|address| node(address.ip().to_string(), address.port())).collect();
        Ok(Answer::Unversioned { nodes, trouble: None })
    }
}
