//! Names to addresses, by the system's resolver (`/etc/hosts`, search domains and all).

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use tokio::sync::oneshot;

use super::Error;
use crate::config::HostPort;
use crate::offload::offload;

/// Looks a name up each time it is asked.
///
/// A look-up that is given up goes on by itself, and the next one waits for it rather than start a second:
/// a name server that hangs costs one thread a source.
#[derive(Debug)]
pub(super) struct Resolver {
    target: HostPort,
    pending: Option<oneshot::Receiver<io::Result<Vec<SocketAddr>>>>,
}

impl Resolver {
    pub fn new(target: HostPort) -> Self {
        Self { target, pending: None }
    }

    pub fn target(&self) -> &HostPort {
        &self.target
    }

    /// Every address of the name, each once, in the resolver's order. Never empty.
    pub async fn resolve(&mut self, timeout: Duration) -> Result<Vec<SocketAddr>, Error> {
        if let Ok(ip) = self.target.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, self.target.port)]);
        }
        let error = |source| Error::Resolve { target: self.target.clone(), source };
        // Left in its place while it is waited for: whoever gives this call up must not lose the look-up.
        let pending = match &mut self.pending {
            Some(pending) => pending,
            none => {
                let target = self.target.clone();
                none.insert(offload("resolver", move || look_up(&target)).map_err(error)?)
            }
        };
        let Ok(found) = tokio::time::timeout(timeout, pending).await else {
            return Err(Error::ResolveTimeout { target: self.target.clone(), timeout });
        };
        self.pending = None;
        found.unwrap_or_else(|_| Err(io::Error::other("the look-up was lost"))).map_err(error)
    }
}

/// Blocks; for a thread that may.
pub(super) fn look_up(target: &HostPort) -> io::Result<Vec<SocketAddr>> {
    let mut addresses = Vec::new();
    for address in (target.host.as_str(), target.port).to_socket_addrs()? {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err(io::Error::other("the name has no address")) } else { Ok(addresses) }
}
