//! Names to addresses, by the system's resolver (`/etc/hosts`, search domains and all).

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};

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
    lookups: Option<Lookups>,
}

/// Threads that the look-ups of many names share: a name server that hangs costs no more than these.
#[derive(Debug, Clone)]
pub struct Lookups(Arc<Semaphore>);

impl Lookups {
    /// As many at a time.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }
}

impl Resolver {
    pub fn new(target: HostPort) -> Self {
        Self { target, pending: None, lookups: None }
    }

    /// One that waits until fewer than so many others look something up.
    pub fn sharing(target: HostPort, lookups: Lookups) -> Self {
        Self { lookups: Some(lookups), ..Self::new(target) }
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
        let overdue = || Error::ResolveTimeout { target: self.target.clone(), timeout };
        let deadline = Instant::now() + timeout;
        let turn = match &self.lookups {
            Some(Lookups(all)) if self.pending.is_none() => {
                let turn = tokio::time::timeout(timeout, all.clone().acquire_owned()).await;
                turn.map_err(|_| overdue())?.ok()
            }
            _ => None,
        };
        // Left in its place while it is waited for: whoever gives this call up must not lose the look-up.
        let pending = match &mut self.pending {
            Some(pending) => pending,
            none => {
                let target = self.target.clone();
                // The turn ends with the look-up, also where nobody waits for it any more.
                let call = move || {
                    let found = look_up(&target);
                    drop(turn);
                    found
                };
                none.insert(offload("resolver", call).map_err(error)?)
            }
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(found) = tokio::time::timeout(left, pending).await else { return Err(overdue()) };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::HIT_RATE_LOOKUPS_MAX;
    use crate::runtime;

    fn name(host: &str) -> HostPort {
        HostPort { host: host.into(), port: 1 }
    }

    #[test]
    fn as_many_look_up_at_a_time_as_the_bound_and_one_more_waits() {
        runtime::begin().unwrap().block_on(async {
            let lookups = Lookups::new(HIT_RATE_LOOKUPS_MAX);
            let mut under_way: Vec<_> = Vec::new();
            for _ in 0..HIT_RATE_LOOKUPS_MAX {
                under_way.push(lookups.0.clone().try_acquire_owned().unwrap());
            }
            let mut one_more = Resolver::sharing(name("localhost"), lookups.clone());
            let told = one_more.resolve(Duration::from_millis(1)).await;
            assert!(matches!(told, Err(Error::ResolveTimeout { .. })), "{told:?}");
            // What is an address already waits for nobody.
            let mut address = Resolver::sharing(name("::1"), lookups.clone());
            assert_eq!(address.resolve(Duration::ZERO).await.unwrap().len(), 1);
            under_way.pop();
            assert!(!one_more.resolve(Duration::from_secs(30)).await.unwrap().is_empty());
            // Its place is free again.
            assert!(!one_more.resolve(Duration::from_secs(30)).await.unwrap().is_empty());
        });
    }
}
