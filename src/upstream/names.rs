//! Sources that are names: given nodes whose addresses are looked up, and a DNS name whose addresses are nodes.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::resolve::{Resolver, look_up};
use super::{Answer, Error};
use crate::cluster::Node;
use crate::config::HostPort;
use crate::limits::NODES_MAX;
use crate::offload::offload;

/// Nodes given in the configuration. Their order never changes; their ip is the IPv4 address of their
/// name, which is asked for at every poll and kept while it can't be had.
#[derive(Debug)]
pub struct StaticNodes {
    targets: Vec<HostPort>,
    known: HashMap<String, IpAddr>,
    /// Names looked up so far: the next look-up goes on from there, so that one name that takes all the time
    /// does not keep it from the others for ever.
    looked_up: usize,
    pending: Option<oneshot::Receiver<Found>>,
}

/// What each name that was looked up led to; names that time did not suffice for are absent.
type Found = Vec<(String, io::Result<Option<IpAddr>>)>;

impl StaticNodes {
    pub(super) fn new(targets: Vec<HostPort>, last: &[Node]) -> Self {
        let known = last.iter().filter_map(|node| Some((node.host.to_string(), node.ip.parse().ok()?)));
        Self { known: known.collect(), targets, looked_up: 0, pending: None }
    }

    /// The nodes, with the addresses known by the end of `timeout`.
    pub(super) async fn list(&mut self, timeout: Duration) -> Answer {
        let mut trouble = self.look_up(timeout).await.err();
        let mut nodes = Vec::new();
        for target in &self.targets {
            let ip = literal(target).or_else(|| self.known.get(&target.host).copied());
            let ip = ip.filter(IpAddr::is_ipv4).map(|ip| ip.to_string()).unwrap_or_default();
            if ip.is_empty() && trouble.is_none() {
                trouble = Some(format!("{} has no IPv4 address that is known", target.host));
            }
            nodes.push(Node::new(target.host.as_str(), ip, target.port));
        }
        Answer::Unversioned { nodes, trouble }
    }

    /// Updates what is known; says what could not be found out.
    async fn look_up(&mut self, timeout: Duration) -> Result<(), String> {
        let mut names: Vec<HostPort> =
            self.targets.iter().filter(|target| literal(target).is_none()).cloned().collect();
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.host.clone()));
        if names.is_empty() {
            return Ok(());
        }
        let first = self.looked_up % names.len();
        names.rotate_left(first);
        let mut pending = match self.pending.take() {
            Some(pending) => pending,
            None => {
                let deadline = Instant::now() + timeout;
                let call = move || look_up_each(&names, deadline);
                offload("resolver", call).map_err(|error| format!("no thread for the resolver: {error}"))?
            }
        };
        let late = || format!("the resolver took over {} ms", timeout.as_millis());
        match tokio::time::timeout(timeout, &mut pending).await {
            Ok(Ok(found)) => self.learn(found),
            Ok(Err(_)) => Err("the look-up was lost".into()),
            Err(_) => {
                self.pending = Some(pending);
                Err(late())
            }
        }
    }

    fn learn(&mut self, found: Found) -> Result<(), String> {
        let mut trouble = Ok(());
        self.looked_up = self.looked_up.wrapping_add(found.len());
        for (host, ip) in found {
            match ip {
                Ok(Some(ip)) => drop(self.known.insert(host, ip)),
                Ok(None) => trouble = Err(format!("{host} has no IPv4 address")),
                Err(error) => trouble = Err(format!("{host} has no address: {error}")),
            }
        }
        trouble
    }
}

fn literal(target: &HostPort) -> Option<IpAddr> {
    target.host.parse().ok()
}

/// Looks names up one after the other until the deadline. Of several addresses the lowest IPv4 is taken: DNS
/// has no order, and every replica is to choose the same.
fn look_up_each(names: &[HostPort], deadline: Instant) -> Found {
    let mut found = Vec::new();
    for name in names {
        if Instant::now() >= deadline {
            break;
        }
        let addresses = look_up(name);
        let lowest =
            addresses.map(|all| all.iter().map(|address| address.ip()).filter(IpAddr::is_ipv4).min());
        found.push((name.host.clone(), lowest));
    }
    found
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
