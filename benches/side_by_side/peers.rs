//! Who takes part: how each is started, given the same bytes to serve, and asked.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::arguments::{Arguments, usage};
use crate::floor;
use crate::machine::Cores;
use crate::process::{Process, Server};
use crate::question::{self, Question};
use crate::upstream;
use crate::workload::{Shape, Workload};

/// Longest time that a server takes to start, or for one answer before the rounds.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections that servers are told to allow, if the descriptors suffice.
const CONNECTIONS_MAX: usize = 20_000;
/// Descriptors of a server that are no client's, generously.
const OTHER_DESCRIPTORS: usize = 100;
/// The first memcached that sends the replies of a batch together.
const BATCHING_MEMCACHED: [u32; 3] = [1, 6, 40];

/// Someone who serves the list.
pub struct Peer {
    pub name: String,
    pub kind: Kind,
    /// What it calls itself.
    pub version: String,
    pub question: Question,
    /// None for a floor, which is started anew for each round.
    pub server: Option<Server>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Mimikyu,
    Memcached { batches: bool },
    Redis,
    Floor,
}

impl Peer {
    /// Why it takes no part in a workload.
    pub fn absent(&self, workload: &Workload) -> Option<&'static str> {
        let churn = matches!(workload.shape, Shape::Churn { .. });
        (self.kind == Kind::Floor && churn).then_some(floor::NO_CHURN)
    }
}

/// How to start someone, before it is known whether it is installed.
struct Candidate {
    name: String,
    kind: Kind,
    binary: String,
    /// Must be there: the user gave its path, or cargo built it.
    promised: bool,
}

/// Starts all that the arguments ask for; the second list names those that are not installed.
pub fn start(arguments: &Arguments, cores: &Cores, limit: usize) -> io::Result<(Vec<Peer>, Vec<String>)> {
    let all = candidates(arguments);
    for name in &arguments.peers {
        if !all.iter().any(|candidate| candidate.name == *name) {
            let known: Vec<_> = all.iter().map(|candidate| candidate.name.as_str()).collect();
            usage(&format!("--peers: no peer {name:?}, there are {}", known.join(", ")));
        }
    }
    for (index, candidate) in all.iter().enumerate() {
        if all[..index].iter().any(|other| other.name == candidate.name) {
            usage(&format!("two peers with the name {:?}", candidate.name));
        }
    }
    let nodes = question::nodes(arguments.nodes);
    let setup = Setup {
        payload: question::payload(&nodes),
        upstream: upstream::start(&nodes)?,
        connections_max: CONNECTIONS_MAX.min(limit.saturating_sub(OTHER_DESCRIPTORS)),
        nodes,
    };
    let (mut peers, mut skipped) = (Vec::new(), Vec::new());
    for candidate in all.into_iter().filter(|candidate| arguments.wants(&candidate.name)) {
        match version(&candidate) {
            Some(version) => peers.push(setup.start(candidate, version, cores)?),
            None if candidate.promised => {
                return Err(io::Error::other(format!(
                    "{} does not run: {}",
                    candidate.name, candidate.binary
                )));
            }
            None => skipped.push(format!("{}: {} is not installed", candidate.name, candidate.binary)),
        }
    }
    Ok((peers, skipped))
}

fn candidates(arguments: &Arguments) -> Vec<Candidate> {
    let memcached = Kind::Memcached { batches: false };
    let given = |kind, (name, path): &(String, std::path::PathBuf)| Candidate {
        name: name.clone(),
        kind,
        binary: path.display().to_string(),
        promised: true,
    };
    let own = |name: &str, kind, binary: &str, promised| Candidate {
        name: name.to_owned(),
        kind,
        binary: binary.to_owned(),
        promised,
    };
    let mut all = vec![own("mimikyu", Kind::Mimikyu, env!("CARGO_BIN_EXE_mimikyu"), true)];
    all.extend(arguments.mimikyu.iter().map(|pair| given(Kind::Mimikyu, pair)));
    all.push(own("memcached", memcached, "memcached", false));
    all.extend(arguments.memcached.iter().map(|pair| given(memcached, pair)));
    all.push(own("redis", Kind::Redis, "redis-server", false));
    all.push(own("floor", Kind::Floor, "", true));
    all
}

/// What a server says of its version; none where it can't be run.
fn version(candidate: &Candidate) -> Option<String> {
    let flag = match candidate.kind {
        Kind::Floor => return Some("blocking recv and send".to_owned()),
        Kind::Memcached { .. } => "-V",
        Kind::Mimikyu | Kind::Redis => "--version",
    };
    let output = Command::new(&candidate.binary).arg(flag).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    // Redis tells its allocator and build too.
    (!text.is_empty()).then(|| text.split(" sha=").next().unwrap_or_default().to_owned())
}

/// Whether this memcached sends the replies of a batch together, by its version.
fn batches(version: &str) -> bool {
    let number = version.rsplit(' ').next().unwrap_or_default();
    let mut parts = number.split('.').map(|part| part.parse().unwrap_or(0));
    let parts: [u32; 3] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    parts >= BATCHING_MEMCACHED
}

/// What all are given.
struct Setup {
    nodes: String,
    payload: String,
    upstream: SocketAddr,
    connections_max: usize,
}

impl Setup {
    fn start(&self, candidate: Candidate, mut version: String, cores: &Cores) -> io::Result<Peer> {
        let Candidate { name, mut kind, binary, .. } = candidate;
        let (server, question) = match &mut kind {
            Kind::Mimikyu => {
                let (server, features) = self.mimikyu(Path::new(&binary), cores)?;
                version = format!("{version}, ring {features}");
                (Some(server), Question::config(&self.nodes))
            }
            Kind::Memcached { batches: together } => {
                *together = batches(&version);
                let server = on_a_free_port(cores, |port| self.memcached(&binary, port))?;
                let set = format!("set AmazonElastiCache:cluster 0 0 {}\r\n", self.payload.len());
                let set = Question {
                    request: format!("{set}{}\r\n", self.payload).into(),
                    reply: b"STORED\r\n".into(),
                };
                once(&server, &set)?;
                (Some(server), Question::memcached(&self.payload))
            }
            Kind::Redis => {
                let server = on_a_free_port(cores, |port| self.redis(&binary, port))?;
                let set =
                    format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n{}\r\n", self.payload.len(), self.payload);
                once(&server, &Question { request: set.into(), reply: b"+OK\r\n".into() })?;
                (Some(server), Question::redis(&self.payload))
            }
            Kind::Floor => (None, Question::config(&self.nodes)),
        };
        if let Some(server) = &server {
            once(server, &question).map_err(|error| io::Error::other(format!("{name}: {error}")))?;
        }
        Ok(Peer { name, kind, version, question, server })
    }

    /// Waits for the line of its log that says where it listens and what its ring can do.
    fn mimikyu(&self, binary: &Path, cores: &Cores) -> io::Result<(Server, String)> {
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--workers", "1", "--poll-interval", "1h"]);
        command.args(["--log-format", "text", "--upstream", &format!("bench={}", self.upstream)]);
        command.args(["--connections-max", &self.connections_max.to_string()]);
        for (name, _) in std::env::vars_os() {
            if name == "RUST_LOG" || name.as_encoded_bytes().starts_with(b"MIMIKYU_") {
                command.env_remove(name);
            }
        }
        command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = Process(cores.as_server(|| command.spawn())??);
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

    fn memcached(&self, binary: &str, port: u16) -> Command {
        let mut command = Command::new(binary);
        command.args(["-t", "1", "-m", "64", "-U", "0", "-l", "127.0.0.1", "-b", "4096"]);
        command.args(["-p", &port.to_string(), "-c", &self.connections_max.to_string()]);
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "root"]);
        }
        command
    }

    fn redis(&self, binary: &str, port: u16) -> Command {
        let mut command = Command::new(binary);
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]);
        // It knows 127.0.0.1 only for its own machine, and the load comes from other loopback addresses.
        command.args(["--protected-mode", "no"]);
        command.args(["--tcp-backlog", "4096", "--port", &port.to_string()]);
        command.args(["--maxclients", &self.connections_max.to_string()]);
        command
    }
}

/// Starts a server that can't choose a port itself. Another process may take the port first: then with the next.
fn on_a_free_port(cores: &Cores, command: impl Fn(u16) -> Command) -> io::Result<Server> {
    for _ in 0..20 {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = command(address.port());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Process(cores.as_server(|| command.spawn())??);
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
fn once(server: &Server, question: &Question) -> io::Result<()> {
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
