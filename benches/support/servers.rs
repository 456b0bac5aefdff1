//! How each server is started and given the same list to serve.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::machine::Seat;
use crate::support::process::{Process, Server};
use crate::support::question::{self, Question};
use crate::support::upstream;

/// Longest time that a server takes to start, or for one answer before the rounds.
const PATIENCE: Duration = Duration::from_secs(10);

/// What all are given.
pub struct Setup {
    nodes: String,
    payload: String,
    upstream: SocketAddr,
    connections_max: usize,
    workers: usize,
}

impl Setup {
    /// A list of this many nodes, and the upstream that tells it to mimikyu. Servers have one worker.
    pub fn new(nodes: u16, connections_max: usize) -> io::Result<Self> {
        let nodes = question::nodes(nodes);
        let upstream = upstream::start(&nodes)?;
        Ok(Self { payload: question::payload(&nodes), nodes, upstream, connections_max, workers: 1 })
    }

    /// The same, with more workers for mimikyu.
    pub fn with_workers(self, workers: usize) -> Self {
        Self { workers, ..self }
    }

    /// What mimikyu and the floor are asked.
    pub fn config(&self) -> Question {
        Question::config(&self.nodes)
    }

    /// What a memcached is asked.
    pub fn memcached_question(&self) -> Question {
        Question::memcached(&self.payload)
    }

    /// What a redis is asked.
    pub fn redis_question(&self) -> Question {
        Question::redis(&self.payload)
    }

    /// Waits for the line of its log that says where it listens and what its ring can do; returns the latter too.
    pub fn mimikyu(&self, binary: &Path, seat: Seat) -> io::Result<(Server, String)> {
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--poll-interval", "1h", "--log-format", "text"]);
        command.args(["--workers", &self.workers.to_string()]);
        command.args(["--upstream", &format!("bench={}", self.upstream)]);
        command.args(["--connections-max", &self.connections_max.to_string()]);
        for (name, _) in std::env::vars_os() {
            if name == "RUST_LOG" || name.as_encoded_bytes().starts_with(b"MIMIKYU_") {
                command.env_remove(name);
            }
        }
        command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = Process(seat.spawn(&mut command)?);
        let mut log = BufReader::new(process.0.stderr.take().expect("piped")).lines();
        let mut lines = String::new();
        for line in log.by_ref().map_while(Result::ok) {
            if line.contains("INFO ready ")
                && let Some(address) = field(&line, "listen").and_then(|address| address.parse().ok())
            {
                // Its log is read to the end, so that writing it never fails.
                thread::spawn(move || log.map_while(Result::ok).for_each(drop));
                let features = field(&line, "ring").unwrap_or("unknown").to_owned();
                return Ok((Server { process, address }, features));
            }
            lines.push_str(&line);
            lines.push('\n');
        }
        Err(io::Error::other(format!("{} did not start:\n{lines}", binary.display())))
    }

    /// A memcached that holds the payload, with one thread.
    pub fn memcached(&self, binary: &str, seat: Seat) -> io::Result<Server> {
        let server = on_a_free_port(seat, |port| {
            let mut command = Command::new(binary);
            command.args(["-t", "1", "-m", "64", "-U", "0", "-l", "127.0.0.1", "-b", "4096"]);
            command.args(["-p", &port.to_string(), "-c", &self.connections_max.to_string()]);
            if rustix::process::geteuid().is_root() {
                command.args(["-u", "root"]);
            }
            command
        })?;
        let set = format!("set AmazonElastiCache:cluster 0 0 {}\r\n{}\r\n", self.payload.len(), self.payload);
        once(&server, &Question { request: set.into(), reply: b"STORED\r\n".into() })?;
        Ok(server)
    }

    /// A redis that holds the payload.
    pub fn redis(&self, binary: &str, seat: Seat) -> io::Result<Server> {
        let server = on_a_free_port(seat, |port| {
            let mut command = Command::new(binary);
            command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]);
            // It knows 127.0.0.1 only for its own machine, and the load comes from other loopback addresses.
            command.args(["--protected-mode", "no"]);
            command.args(["--tcp-backlog", "4096", "--port", &port.to_string()]);
            command.args(["--maxclients", &self.connections_max.to_string()]);
            command
        })?;
        let set = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n{}\r\n", self.payload.len(), self.payload);
        once(&server, &Question { request: set.into(), reply: b"+OK\r\n".into() })?;
        Ok(server)
    }
}

/// What a program says of its version; none where it can't be run.
pub fn version(binary: &str, flag: &str) -> Option<String> {
    let output = Command::new(binary).arg(flag).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    // Redis tells its allocator and build too.
    (!text.is_empty()).then(|| text.split(" sha=").next().unwrap_or_default().to_owned())
}

/// Starts a server that can't choose a port itself. Another process may take the port first: then with the next.
fn on_a_free_port(seat: Seat, command: impl Fn(u16) -> Command) -> io::Result<Server> {
    for _ in 0..20 {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = command(address.port());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Process(seat.spawn(&mut command)?);
        let deadline = Instant::now() + PATIENCE;
        while process.0.try_wait()?.is_none() && Instant::now() < deadline {
            if TcpStream::connect(address).is_ok() {
                return Ok(Server { process, address });
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
    Err(io::Error::other("a server did not start in twenty tries"))
}

/// Asks once; an error if the answer is not the right one.
pub fn once(server: &Server, question: &Question) -> io::Result<()> {
    let mut client = TcpStream::connect(server.address)?;
    client.set_read_timeout(Some(PATIENCE))?;
    client.write_all(&question.request)?;
    let mut reply = vec![0; question.reply.len()];
    client.read_exact(&mut reply)?;
    if reply == question.reply {
        return Ok(());
    }
    let expected = question.reply.escape_ascii();
    Err(io::Error::other(format!("it answers \"{}\" instead of \"{expected}\"", reply.escape_ascii())))
}

/// The value of a field of a log line.
fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!(" {name}="))?;
    rest.split(' ').next().map(|value| value.trim_matches('"'))
}
