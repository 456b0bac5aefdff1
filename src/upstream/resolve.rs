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
        let mut pending = match self.pending.take() {
            Some(pending) => pending,
            None => {
                let target = self.target.clone();
                offload("resolver", move || look_up(&target)).map_err(error)?
            }
        };
        match tokio::time::timeout(timeout, &mut pending).await {
            Ok(Ok(Ok(addresses))) => Ok(addresses),
            Ok(Ok(Err(source))) => Err(error(source)),
            Ok(Err(_)) => Err(error(io::Error::other("the look-up was lost"))),
            Err(_) => {
                self.pending = Some(pending);
                Err(Error::ResolveTimeout { target: self.target.clone(), timeout })
            }
        }
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
