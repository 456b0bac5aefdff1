//! The IPv4 addresses of names, as far as they are known.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::resolve::look_up;
use crate::cluster::Node;
use crate::config::HostPort;
use crate::offload::offload;

/// What each name that was looked up led to; names that time did not suffice for are absent.
type Found = Vec<(String, io::Result<Option<IpAddr>>)>;

/// The address of each name that was ever resolved: it is kept while it can't be had anew.
#[derive(Debug, Default)]
pub struct Addresses {
    known: HashMap<String, IpAddr>,
    /// Names looked up so far: the next look-up goes on from there, so that one name that takes all the time
    /// does not keep it from the others for ever.
    looked_up: usize,
    pending: Option<oneshot::Receiver<Found>>,
}

impl Addresses {
    /// Knows the addresses of these nodes from the start.
    pub(super) fn of(nodes: &[Node]) -> Self {
        let known = nodes.iter().filter_map(|node| Some((node.host.to_string(), node.ip.parse().ok()?)));
        Self { known: known.collect(), ..Self::default() }
    }

    /// The IPv4 address of a name, or of the name that is one; empty where it is not known.
    pub(super) fn ip(&self, host: &str) -> String {
        let ip = host.parse().ok().or_else(|| self.known.get(host).copied());
        ip.filter(IpAddr::is_ipv4).map(|ip| ip.to_string()).unwrap_or_default()
    }

    /// Updates what is known; says what could not be found out.
    pub(super) async fn look_up(
        &mut self,
        names: impl IntoIterator<Item = &HostPort>,
        timeout: Duration,
    ) -> Result<(), String> {
        let mut seen = HashSet::new();
        let is_name =
            |name: &&HostPort| name.host.parse::<IpAddr>().is_err() && seen.insert(name.host.clone());
        let mut names: Vec<HostPort> = names.into_iter().filter(is_name).cloned().collect();
        if names.is_empty() {
            return Ok(());
        }
        let first = self.looked_up % names.len();
        names.rotate_left(first);
        // Left in its place while it is waited for: whoever gives this call up must not lose the look-up.
        let pending = match &mut self.pending {
            Some(pending) => pending,
            none => {
                let deadline = Instant::now() + timeout;
                let call = move || look_up_each(&names, deadline);
                let started = offload("resolver", call);
                none.insert(started.map_err(|error| format!("no thread for the resolver: {error}"))?)
            }
        };
        let Ok(found) = tokio::time::timeout(timeout, pending).await else {
            return Err(format!("the resolver took over {} ms", timeout.as_millis()));
        };
        self.pending = None;
        found.map_or_else(|_| Err("the look-up was lost".into()), |found| self.learn(found))
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
