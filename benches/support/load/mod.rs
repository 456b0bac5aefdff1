//! The load generator: one thread and an epoll, so cheap that the server is the limit.
//!
//! Every reply's length is checked, and the bytes of a sample. A wrong reply ends the run.

pub mod poll;
pub mod steady;
pub mod visits;

use std::io::{self, Read, Write};
use std::mem;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use socket2::{Domain, Socket, Type};

use crate::support::process::{Process, Server};
use crate::support::question::Question;

/// One receive in this many has its bytes compared.
pub const SAMPLE_EVERY: u32 = 16;
/// Longest time in which a server answers nobody at all.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than any batch of replies that fits into a socket's buffers at once.
const BUFFER_BYTES: usize = 256 * 1024;
const EVENTS: usize = 256;
/// Longest latency that is told apart, in nanoseconds: more than anyone's patience.
const LATENCY_MAX: u64 = 60_000_000_000;
/// Connections come from this many loopback addresses in turn: one has only 28,000 ports, and each is unusable for a
/// while after its connection was closed.
const SOURCES: u32 = 240;
/// Goes on from round to round, so that the addresses have rested longest when their turn comes.
static NEXT_SOURCE: AtomicU32 = AtomicU32::new(0);

/// What is common to all workloads: the server, the question, the events and the counts.
pub struct Load<'a> {
    server: &'a Server,
    question: &'a Question,
    epoll: OwnedFd,
    buffer: Vec<u8>,
    sample_every: u32,
    receives: u32,
    /// Requests answered since [`forget`](Self::forget).
    pub completed: u64,
    /// Nanoseconds from send to whole reply, of the same requests.
    pub latency: Histogram<u64>,
}

/// A connection to the server.
pub struct Client {
    socket: Socket,
    /// When what it waits for was sent, or when it began to connect.
    began: Instant,
    /// Bytes of replies since then.
    received: usize,
    asked: bool,
}

impl<'a> Load<'a> {
    /// Compares the bytes of one receive in `sample_every`.
    pub fn new(server: &'a Server, question: &'a Question, sample_every: u32) -> io::Result<Self> {
        Ok(Self {
            server,
            question,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            buffer: vec![0; BUFFER_BYTES],
            sample_every,
            receives: 0,
            completed: 0,
            latency: Histogram::new_with_bounds(1, LATENCY_MAX, 3).map_err(io::Error::other)?,
        })
    }

    pub fn process(&self) -> &'a Process {
        &self.server.process
    }

    /// Counts from zero again.
    pub fn forget(&mut self) {
        self.completed = 0;
        self.latency.clear();
    }

    /// One request this many times over, to be sent in one write.
    fn batch(&self, depth: usize) -> Vec<u8> {
        self.question.request.repeat(depth)
    }

    /// The connections of a workload that keeps them, open and registered under their number.
    pub fn clients(&self, count: usize) -> io::Result<Vec<Client>> {
        let clients: Vec<_> =
            (0..count).map(|_| Client::connect(self.server.address)).collect::<io::Result<_>>()?;
        for (key, client) in clients.iter().enumerate() {
            self.watch(client, key)?;
        }
        Ok(clients)
    }

    /// Edges and not levels: a level would be looked at a second time after every receive.
    fn watch(&self, client: &Client, key: usize) -> io::Result<()> {
        let mut flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        if !client.asked {
            flags |= epoll::EventFlags::OUT;
        }
        Ok(epoll::add(&self.epoll, &client.socket, epoll::EventData::new_u64(key as u64), flags)?)
    }

    /// Waits until something happens, or for `timeout`. Without one, a server that answers nobody for long is an error.
    fn wait(&self, events: &mut Vec<epoll::Event>, timeout: Option<Duration>) -> io::Result<()> {
        let longest = timeout.unwrap_or(PATIENCE);
        let longest = Timespec {
            tv_sec: longest.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: longest.subsec_nanos().into(),
        };
        events.clear();
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(events), Some(&longest)) {
            Ok(0) if timeout.is_none() => Err(io::Error::other("it answered nobody for a long time")),
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes what has arrived for a client that waits for `depth` replies; true once it has them all.
    fn receive(&mut self, client: &mut Client, depth: usize, now: &mut Instant) -> io::Result<bool> {
        let wanted = depth * self.question.reply.len();
        loop {
            let count = match client.socket.read(&mut self.buffer) {
                Ok(0) => return Err(io::Error::other("it closed a connection")),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            };
            self.receives = self.receives.wrapping_add(1);
            let bytes = &self.buffer[..count];
            if client.received + count > wanted {
                return Err(wrong(&self.question.reply, bytes, "more than the replies that were asked for"));
            }
            if self.receives.is_multiple_of(self.sample_every)
                && !follows(&self.question.reply, client.received, bytes)
            {
                return Err(wrong(&self.question.reply, bytes, "other bytes than the reply's"));
            }
            client.received += count;
            if client.received == wanted {
                client.received = 0;
                *now = Instant::now();
                self.completed += depth as u64;
                let nanoseconds = now.duration_since(client.began).as_nanos() as u64;
                self.latency.saturating_record(nanoseconds);
                return Ok(true);
            }
            // Whatever comes after a receive that did not fill the buffer has an edge of its own.
            if count < self.buffer.len() {
                return Ok(false);
            }
        }
    }
}

impl Client {
    /// A connection that is there.
    fn connect(server: SocketAddr) -> io::Result<Self> {
        let client = Self::new()?;
        client.socket.connect(&server.into())?;
        client.socket.set_nonblocking(true)?;
        Ok(Self { asked: true, ..client })
    }

    /// A connection that may still be on its way, with its request sent if it is there.
    fn visit(server: SocketAddr, request: &[u8]) -> io::Result<Self> {
        let mut client = Self::new()?;
        client.socket.set_nonblocking(true)?;
        match client.socket.connect(&server.into()) {
            Err(error) if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {
                Err(error)
            }
            _ => client.ask_once_connected(request).map(|()| client),
        }
    }

    fn new() -> io::Result<Self> {
        let began = Instant::now();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        let turn = NEXT_SOURCE.fetch_add(1, Ordering::Relaxed) % SOURCES;
        let source = Ipv4Addr::new(127, 0, 1, u8::try_from(turn + 2).expect("240 addresses from 2 on"));
        socket.bind(&SocketAddr::from((source, 0)).into())?;
        socket.set_tcp_nodelay(true)?;
        Ok(Self { socket, began, received: 0, asked: false })
    }

    /// Sends the request unless that was done, or can't be done yet.
    fn ask_once_connected(&mut self, request: &[u8]) -> io::Result<()> {
        if mem::replace(&mut self.asked, true) {
            return Ok(());
        }
        match self.socket.write(request) {
            Ok(count) if count == request.len() => Ok(()),
            Ok(_) => Err(io::Error::other("a request was sent in part")),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected) => {
                self.asked = false;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Sends requests on a connection that waits for nothing; few enough bytes that they always fit.
    fn ask(&mut self, requests: &[u8], now: Instant) -> io::Result<()> {
        self.began = now;
        let count = self.socket.write(requests)?;
        if count == requests.len() { Ok(()) } else { Err(io::Error::other("requests were sent in part")) }
    }
}

/// Whether bytes are those of replies one after the other, `start` bytes from the beginning of the first.
fn follows(reply: &[u8], start: usize, bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut from = start % reply.len();
    while !rest.is_empty() {
        let count = rest.len().min(reply.len() - from);
        let (head, tail) = rest.split_at(count);
        if head != &reply[from..from + count] {
            return false;
        }
        (rest, from) = (tail, 0);
    }
    true
}

/// What to tell about a reply that is not the right one.
fn wrong(reply: &[u8], bytes: &[u8], what: &str) -> io::Error {
    let start = |bytes: &[u8]| bytes[..bytes.len().min(80)].escape_ascii().to_string();
    io::Error::other(format!("{what}: \"{}…\", expected \"{}…\"", start(bytes), start(reply)))
}

/// Room for the events of one wait.
fn events() -> Vec<epoll::Event> {
    Vec::with_capacity(EVENTS)
}
