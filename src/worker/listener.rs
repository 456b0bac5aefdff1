//! Listening sockets: for each address one a worker, which the kernel chooses among.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use super::inherit::Inherited;
use crate::limits::{BACKLOG, BIND_RETRY};

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
    /// Whether another process accepts on it too, and the queue is that one's.
    pub handed_over: bool,
}

impl Listener {
    pub fn new(socket: Socket) -> Self {
        Self { socket: Some(socket), accepting: false, blocked: false, leaving: false, handed_over: false }
    }

    /// Whether an accept on it can begin.
    pub fn can_accept(&self) -> bool {
        !self.accepting && !self.blocked && !self.leaving
    }

    /// Whether nothing of it is left, also not in the kernel.
    pub fn is_gone(&self) -> bool {
        self.socket.is_none() && !self.accepting
    }

    /// The socket, unless its address is not to be listened on any more.
    pub fn staying(&self) -> Option<&Socket> {
        self.socket.as_ref().filter(|_| !self.leaving)
    }
}

/// The sockets of all workers, bound and not yet listening: until there is something to serve, a
/// client is refused at once and can go to another replica.
#[derive(Debug)]
pub struct Listeners {
    /// The addresses, with the ports that the kernel chose.
    pub addresses: Vec<SocketAddr>,
    /// A worker's sockets, one an address; more, or none, where another process had another number of workers. Which
    /// address is whose, each socket knows itself.
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
    gather(addresses, all, workers, Inherited::default())
}

/// As [`bind`], with the sockets that this process was given where they fit; the others of them are closed.
pub fn adopt(addresses: &[SocketAddr], workers: usize, inherited: Inherited) -> Result<Listeners, BindError> {
    gather(addresses, addresses, workers, inherited)
}

fn gather(
    addresses: &[SocketAddr],
    all: &[SocketAddr],
    workers: usize,
    mut inherited: Inherited,
) -> Result<Listeners, BindError> {
    let mut listeners = Listeners { addresses: Vec::new(), workers: Vec::new() };
    listeners.workers.resize_with(workers, Vec::new);
    for &address in addresses {
        // `[::]` takes IPv4 too, as everywhere, unless another listener was given for that.
        let clashes =
            |other: &SocketAddr| other.is_ipv4() && other.port() == address.port() && other.port() != 0;
        let only_v6 = all.iter().any(clashes);
        let error = |source| BindError { address, source };
        let mut sockets = inherited.take(address);
        if sockets.is_empty() {
            sockets.push(bind_first(address, only_v6).map_err(error)?);
        }
        let bound = local_address(&sockets[0]).map_err(error)?;
        for given in 0.. {
            if sockets.len() >= workers {
                break;
            }
            sockets.push(another(&sockets[given], bound).map_err(error)?);
        }
        // Every socket is some worker's: nobody would come for the clients in the queue of one that is not.
        for (number, socket) in sockets.into_iter().enumerate() {
            listeners.workers[number % workers].push(socket);
        }
        listeners.addresses.push(bound);
    }
    Ok(listeners)
}

/// A socket for one more worker: with a queue of its own, or, where the kernel would not let two share the address,
/// the same once more.
fn another(first: &Socket, bound: SocketAddr) -> io::Result<Socket> {
    if !first.reuse_port()? {
        return first.try_clone();
    }
    let socket = socket(bound, bound.is_ipv6() && first.only_v6()?)?;
    socket.set_reuse_port(true)?;
    socket.bind(&bound.into())?;
    Ok(socket)
}

/// Where a socket is bound.
pub(super) fn local_address(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::ErrorKind::Unsupported.into())
}

impl Listeners {
    /// The same sockets once more, for who starts to listen on them when they have been handed out.
    pub fn try_clone(&self) -> Result<Self, BindError> {
        let mut copy = Self { addresses: self.addresses.clone(), workers: Vec::new() };
        for sockets in &self.workers {
            let copies =
                sockets.iter().map(|socket| socket.try_clone().map_err(|source| failed(socket, source)));
            copy.workers.push(copies.collect::<Result<_, _>>()?);
        }
        Ok(copy)
    }

    /// Lets go of the sockets of an address.
    pub fn close(&mut self, address: SocketAddr) {
        self.addresses.retain(|bound| *bound != address);
        for sockets in &mut self.workers {
            sockets.retain(|socket| !local_address(socket).is_ok_and(|bound| bound == address));
        }
    }

    /// The sockets of each worker, to be sent to it.
    pub fn into_descriptors(self) -> impl Iterator<Item = Vec<OwnedFd>> {
        self.workers.into_iter().map(|sockets| sockets.into_iter().map(OwnedFd::from).collect())
    }

    /// Has an accept wait, as one in a ring must: who had the sockets before may have drained their queues meanwhile.
    pub fn wait_for_clients(&self) {
        // It can't fail on a socket that is open; if it did, accepting would cost more than it should, no more.
        self.workers.iter().flatten().for_each(|socket| drop(socket.set_nonblocking(false)));
    }

    /// Starts to listen: from now on the kernel queues clients.
    pub fn listen(&self) -> Result<(), BindError> {
        self.workers
            .iter()
            .flatten()
            .try_for_each(|socket| start(socket).map_err(|source| failed(socket, source)))
    }
}

/// Listens on a socket, unless it does already and whoever gave it chose how.
fn start(socket: &Socket) -> io::Result<()> {
    // Who had it before may have drained its queue: an accept in a ring must wait.
    socket.set_nonblocking(false)?;
    if socket.is_listener()? { Ok(()) } else { socket.listen(BACKLOG) }
}

fn failed(socket: &Socket, source: io::Error) -> BindError {
    let address = local_address(socket).unwrap_or((Ipv4Addr::UNSPECIFIED, 0).into());
    BindError { address, source }
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
    set_up(&socket)?;
    Ok(socket)
}

/// What accepted sockets inherit.
pub(super) fn set_up(socket: &Socket) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_IDLE);
    socket.set_tcp_keepalive(&keepalive.with_interval(KEEPALIVE_INTERVAL).with_retries(KEEPALIVE_RETRIES))
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
