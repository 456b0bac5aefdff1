//! Listening sockets that were given to this process: by the one that it takes over, or by a service manager.
#![allow(unsafe_code)]

use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::net::sockopt::socket_cookie;
use socket2::{Protocol, Socket, Type};

use super::listener::{local_address, set_up};
use crate::limits::ACTIVATED_MAX;

/// The first descriptor that a service manager passes.
const ACTIVATED_FIRST: i32 = 3;

/// Listening sockets of other processes that are ours too now.
#[derive(Debug, Default)]
pub struct Inherited {
    sockets: Vec<Listening>,
}

/// One of them.
#[derive(Debug)]
struct Listening {
    socket: Socket,
    address: SocketAddr,
    /// What the kernel calls the socket, however many descriptors lead to it.
    cookie: u64,
}

/// A descriptor, or what was said of descriptors, that is of no use.
#[derive(Debug)]
pub struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

impl Inherited {
    /// Takes a descriptor in, which must be a TCP socket that listens. One that is there already is closed.
    pub fn add(&mut self, descriptor: OwnedFd) -> Result<(), Unusable> {
        let socket = Socket::from(descriptor);
        let no = |error: io::Error| Unusable(format!("it is no TCP socket: {error}"));
        let is_tcp = socket.r#type().map_err(no)? == Type::STREAM
            && socket.protocol().map_err(no)? == Some(Protocol::TCP);
        if !is_tcp {
            return Err(Unusable("it is no TCP socket".into()));
        }
        let address = local_address(&socket).map_err(no)?;
        if !socket.is_listener().map_err(no)? {
            return Err(Unusable(format!("it does not listen on {address}")));
        }
        let cookie = socket_cookie(&socket).map_err(|error| no(error.into()))?;
        if self.sockets.iter().all(|known| known.cookie != cookie) {
            socket.set_cloexec(true).and_then(|()| set_up(&socket)).map_err(no)?;
            self.sockets.push(Listening { socket, address, cookie });
        }
        Ok(())
    }

    /// Where they listen, each address once.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for listening in &self.sockets {
            if !addresses.contains(&listening.address) {
                addresses.push(listening.address);
            }
        }
        addresses
    }

    /// How many sockets they are.
    pub fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    /// All those for a configured address, all with the same port where that is the kernel's to choose.
    pub(super) fn take(&mut self, configured: SocketAddr) -> Vec<Socket> {
        let mut chosen = None;
        let (wanted, others) = std::mem::take(&mut self.sockets).into_iter().partition(|listening| {
            fits(configured, listening.address)
                && *chosen.get_or_insert(listening.address) == listening.address
        });
        self.sockets = others;
        wanted.into_iter().map(|listening| listening.socket).collect()
    }
}

/// Whether a socket that is bound to an address is what was configured: port 0 is any.
pub fn fits(configured: SocketAddr, bound: SocketAddr) -> bool {
    configured == bound || (configured.port() == 0 && configured.ip() == bound.ip())
}

/// The sockets that a service manager passed by what it says in `LISTEN_PID` and `LISTEN_FDS`, which is meant for
/// this process only if it names it. They are handed out once; a second call finds none.
pub fn activated(listen_pid: &str, listen_fds: &str) -> Result<Inherited, Unusable> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let mut inherited = Inherited::default();
    if listen_pid.parse() != Ok(std::process::id()) || TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(inherited);
    }
    let number = listen_fds.parse().ok().filter(|number| (0..=ACTIVATED_MAX as i32).contains(number));
    let number = number.ok_or_else(|| Unusable(format!("it is no number from 0 to {ACTIVATED_MAX}")))?;
    for number in ACTIVATED_FIRST..ACTIVATED_FIRST + number {
        if fs::symlink_metadata(format!("/proc/self/fd/{number}")).is_err() {
            return Err(Unusable(format!("descriptor {number} is not open")));
        }
        // SAFETY: it is open, and it is ours alone: the service manager opened it for this process, by its id, nothing
        // of ours has taken a descriptor by this number before, and this is reached once.
        let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
        inherited.add(descriptor).map_err(|error| Unusable(format!("descriptor {number}: {error}")))?;
    }
    Ok(inherited)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixListener;

    use super::super::listener::adopt;
    use super::*;

    fn any() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    #[test]
    fn only_tcp_sockets_that_listen_are_taken_in_and_each_once() {
        let listener = TcpListener::bind(any()).unwrap();
        let bound = listener.local_addr().unwrap();
        let stream = TcpStream::connect(bound).unwrap();
        let path = tempfile::tempdir().unwrap().path().join("socket");
        let mut inherited = Inherited::default();
        for (descriptor, words) in [
            (OwnedFd::from(stream), "does not listen"),
            (UdpSocket::bind(any()).unwrap().into(), "no TCP socket"),
            (
                UnixListener::bind(&path)
                    .map(OwnedFd::from)
                    .unwrap_or_else(|_| tempfile::tempfile().unwrap().into()),
                "no TCP socket",
            ),
            (tempfile::tempfile().unwrap().into(), "no TCP socket"),
        ] {
            let error = inherited.add(descriptor).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        inherited.add(listener.try_clone().unwrap().into()).unwrap();
        inherited.add(listener.into()).unwrap();
        assert_eq!((inherited.len(), inherited.addresses()), (1, vec![bound]));
    }

    #[test]
    fn what_names_another_process_is_not_ours() {
        assert!(activated("1", "1").unwrap().is_empty());
        assert!(activated("", "1").unwrap().is_empty());
    }

    /// The sockets of each worker, with `before` workers in the process that is taken over and `after` in this one.
    fn taken_over(before: usize, after: usize) -> Vec<usize> {
        let old = adopt(&[any()], before, Inherited::default()).unwrap();
        old.listen().unwrap();
        let mut inherited = Inherited::default();
        for sockets in old.try_clone().unwrap().workers {
            sockets.into_iter().for_each(|socket| inherited.add(socket.into()).unwrap());
        }
        let new = adopt(&old.addresses, after, inherited).unwrap();
        new.listen().unwrap();
        drop(old);
        // Every client is in some queue that a worker of the new process has.
        let clients: Vec<_> = (0..32).map(|_| TcpStream::connect(new.addresses[0]).unwrap()).collect();
        let mut accepted = 0;
        for socket in new.workers.iter().flatten() {
            socket.set_nonblocking(true).unwrap();
            accepted += std::iter::from_fn(|| socket.accept().ok()).count();
        }
        assert_eq!(accepted, clients.len());
        new.workers.iter().map(Vec::len).collect()
    }

    #[test]
    fn another_number_of_workers_shares_the_sockets() {
        assert_eq!(taken_over(2, 2), [1, 1]);
        assert_eq!(taken_over(3, 2), [2, 1]);
        assert_eq!(taken_over(1, 3), [1, 1, 1]);
    }

    #[test]
    fn every_socket_of_an_address_goes_with_it_wherever_it_is() {
        for (before, after) in [(3, 2), (1, 3), (3, 1)] {
            let old = adopt(&[any(), any()], before, Inherited::default()).unwrap();
            old.listen().unwrap();
            let mut inherited = Inherited::default();
            for descriptor in old.try_clone().unwrap().into_descriptors().flatten() {
                inherited.add(descriptor).unwrap();
            }
            let mut new = adopt(&old.addresses, after, inherited).unwrap();
            let [gone, stays] = old.addresses[..] else { panic!("two addresses") };
            drop(old);
            new.close(gone);
            assert_eq!(new.addresses, [stays]);
            assert!(TcpStream::connect(gone).is_err(), "{before} to {after}: one of its sockets is left");
            let left = new.workers.iter().flatten().map(|socket| local_address(socket).unwrap());
            assert_eq!(left.collect::<Vec<_>>(), vec![stays; before.max(after)]);
        }
    }

    #[test]
    fn a_socket_that_can_not_share_its_address_is_every_workers() {
        let listener = TcpListener::bind(any()).unwrap();
        let bound = listener.local_addr().unwrap();
        let mut inherited = Inherited::default();
        inherited.add(listener.into()).unwrap();
        let listeners = adopt(&[any()], 2, inherited).unwrap();
        assert_eq!(listeners.addresses, [bound], "port 0 is any");
        let cookies = listeners.workers.iter().flatten().map(|socket| socket_cookie(socket).unwrap());
        assert_eq!(cookies.collect::<std::collections::HashSet<_>>().len(), 1);
    }
}
