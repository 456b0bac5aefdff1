//! Listening sockets: for each address one a worker, which the kernel chooses among.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use crate::limits::BIND_RETRY;

/// Connections that the kernel queues for one listener; it takes no more than `net.core.somaxconn`.
const BACKLOG: i32 = 65_535;

/// An idle client that has vanished is noticed after 60 s + 4 × 15 s.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 4;

/// A listening socket of one worker.
#[derive(Debug)]
pub(super) struct Listener {
    /// Absent once the worker drains, or the listener leaves, and everything queued was taken.
    pub socket: Option<Socket>,
    /// Whether an accept is in the ring.
    pub accepting: bool,
    /// Whether it has to wait for descriptors or memory.
    pub blocked: bool,
    /// Whether its address is not to be listened on any more.
    pub leaving: bool,
}

impl Listener {
    pub fn new(socket: Socket) -> Self {
        Self { socket: Some(socket), accepting: false, blocked: false, leaving: false }
    }

    /// Whether an accept on it can begin.
    pub fn can_accept(&self) -> bool {
        !self.accepting && !self.blocked && !self.leaving
    }

    /// Whether nothing of it is left, also not in the kernel.
    pub fn is_gone(&self) -> bool {
        self.socket.is_none() && !self.accepting
    }
}

/// The sockets of all workers, bound and not yet listening: until there is something to serve, a
/// client is refused at once and can go to another replica.
#[derive(Debug)]
pub struct Listeners {
    /// The addresses, with the ports that the kernel chose.
    pub addresses: Vec<SocketAddr>,
    /// A worker's sockets, one an address.
    pub(super) workers: Vec<Vec<Socket>>,
}

/// An address that can't be listened on.
#[derive(Debug)]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    source: io::Error,
}

impl BindError {
    /// Whether somebody has the address already.
    pub fn is_in_use(&self) -> bool {
        Errno::from_io_error(&self.source) == Some(Errno::ADDRINUSE)
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can't listen on {}: {}; ", self.address, self.source)?;
        match Errno::from_io_error(&self.source) {
            Some(Errno::ADDRINUSE) => {
                let port = self.address.port();
                write!(
                    f,
                    "another process has the port (ss -ltnp 'sport = :{port}'): stop it, or choose another with --listen"
                )
            }
            Some(Errno::ADDRNOTAVAIL) => {
                f.write_str("it is no address of this machine: choose one with --listen")
            }
            Some(Errno::ACCESS | Errno::PERM) => {
                f.write_str("ports below 1024 need CAP_NET_BIND_SERVICE: choose another with --listen")
            }
            Some(Errno::MFILE | Errno::NFILE) => {
                f.write_str("raise the descriptor limit (ulimit -n, LimitNOFILE=)")
            }
            _ => f.write_str("choose another address with --listen"),
        }
    }
}

impl std::error::Error for BindError {}

/// Binds each address once for each worker.
pub fn bind(addresses: &[SocketAddr], workers: usize) -> Result<Listeners, BindError> {
    bind_among(addresses, addresses, workers)
}

/// The same where they are some of `all` that will be listened on.
pub fn bind_among(
    addresses: &[SocketAddr],
    all: &[SocketAddr],
    workers: usize,
) -> Result<Listeners, BindError> {
    let mut listeners = Listeners { addresses: Vec::new(), workers: Vec::new() };
    listeners.workers.resize_with(workers, Vec::new);
    for &address in addresses {
        // `[::]` takes IPv4 too, as everywhere, unless another listener was given for that.
        let clashes =
            |other: &SocketAddr| other.is_ipv4() && other.port() == address.port() && other.port() != 0;
        let only_v6 = all.iter().any(clashes);
        let error = |source| BindError { address, source };
        let first = bind_first(address, only_v6).map_err(error)?;
        let bound = first.local_addr().map_err(error)?.as_socket();
        let bound = bound.ok_or_else(|| error(io::ErrorKind::Unsupported.into()))?;
        let mut sockets = vec![first];
        for _ in 1..workers {
            let socket = socket(bound, only_v6).map_err(error)?;
            socket.set_reuse_port(true).and_then(|()| socket.bind(&bound.into())).map_err(error)?;
            sockets.push(socket);
        }
        for (worker, socket) in listeners.workers.iter_mut().zip(sockets) {
            worker.push(socket);
        }
        listeners.addresses.push(bound);
    }
    Ok(listeners)
}

impl Listeners {
    /// The same sockets once more, for who starts to listen on them when they have been handed out.
    pub fn try_clone(&self) -> Result<Self, BindError> {
        let mut copy = Self { addresses: self.addresses.clone(), workers: Vec::new() };
        for sockets in &self.workers {
            let mut copies = Vec::new();
            for (socket, &address) in sockets.iter().zip(&self.addresses) {
                copies.push(socket.try_clone().map_err(|source| BindError { address, source })?);
            }
            copy.workers.push(copies);
        }
        Ok(copy)
    }

    /// Lets go of the sockets of an address.
    pub fn close(&mut self, address: SocketAddr) {
        while let Some(at) = self.addresses.iter().position(|bound| *bound == address) {
            self.addresses.remove(at);
            self.workers.iter_mut().for_each(|sockets| drop(sockets.remove(at)));
        }
    }

    /// The sockets of each worker, to be sent to it.
    pub fn into_descriptors(self) -> impl Iterator<Item = Vec<OwnedFd>> {
        self.workers.into_iter().map(|sockets| sockets.into_iter().map(OwnedFd::from).collect())
    }

    /// Starts to listen: from now on the kernel queues clients.
    pub fn listen(&self) -> Result<(), BindError> {
        for sockets in &self.workers {
            for (socket, &address) in sockets.iter().zip(&self.addresses) {
                socket.listen(BACKLOG).map_err(|source| BindError { address, source })?;
            }
        }
        Ok(())
    }
}

/// Binds without `SO_REUSEPORT` and sets it afterwards, for the other workers: with it, a second daemon
/// of the same user would share the port without a word.
fn bind_first(address: SocketAddr, only_v6: bool) -> io::Result<Socket> {
    let deadline = Instant::now() + BIND_RETRY;
    loop {
        let socket = socket(address, only_v6)?;
        match socket.bind(&address.into()) {
            Ok(()) => {
                socket.set_reuse_port(true)?;
                return Ok(socket);
            }
            // The kernel takes some milliseconds to free the port of a ring whose process is gone.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                std::thread::park_timeout(Duration::from_millis(5));
            }
            Err(error) => return Err(error),
        }
    }
}

/// A socket whose settings the accepted ones inherit.
fn socket(address: SocketAddr, only_v6: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(only_v6)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_IDLE);
    socket.set_tcp_keepalive(&keepalive.with_interval(KEEPALIVE_INTERVAL).with_retries(KEEPALIVE_RETRIES))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_workers_share_the_port_and_nobody_else_does() {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let listeners = bind(&[any], 3).unwrap();
        let bound = listeners.addresses[0];
        assert_ne!(bound.port(), 0);
        for worker in &listeners.workers {
            assert_eq!(worker[0].local_addr().unwrap().as_socket(), Some(bound));
        }
        listeners.listen().unwrap();
        let error = bind(&[bound], 2).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains("another process has the port"), "{error}");
        std::net::TcpStream::connect(bound).unwrap();
    }

    #[test]
    fn accepted_clients_have_no_delay_and_are_kept_alive() {
        let listeners = bind(&["127.0.0.1:0".parse().unwrap()], 1).unwrap();
        listeners.listen().unwrap();
        let _client = std::net::TcpStream::connect(listeners.addresses[0]).unwrap();
        let (accepted, _) = listeners.workers[0][0].accept().unwrap();
        assert!(accepted.tcp_nodelay().unwrap() && accepted.keepalive().unwrap());
        assert_eq!(accepted.tcp_keepalive_time().unwrap(), KEEPALIVE_IDLE);
    }

    #[test]
    fn both_families_may_have_the_same_port() {
        let v4 = bind(&["0.0.0.0:0".parse().unwrap()], 1).unwrap().addresses[0];
        let v6: SocketAddr = format!("[::]:{}", v4.port()).parse().unwrap();
        let listeners = bind(&[v6, v4], 2).unwrap();
        listeners.listen().unwrap();
        assert_eq!(listeners.addresses, [v6, v4]);
    }
}
