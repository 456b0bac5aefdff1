//! Who takes part: how each is started, given the same bytes to serve, and asked.

use std::io;
use std::path::Path;

use crate::arguments::{Arguments, usage};
use crate::floor;
use crate::support::machine::{Cores, Seat};
use crate::support::process::Server;
use crate::support::question::Question;
use crate::support::servers::{self, Setup};
use crate::workload::{Shape, Workload};

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
    let connections_max = CONNECTIONS_MAX.min(limit.saturating_sub(OTHER_DESCRIPTORS));
    let setup = Setup::new(arguments.nodes, connections_max)?;
    let (mut peers, mut skipped) = (Vec::new(), Vec::new());
    for candidate in all.into_iter().filter(|candidate| arguments.wants(&candidate.name)) {
        match version(&candidate) {
            Some(version) => peers.push(peer(&setup, candidate, version, cores)?),
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
    servers::version(&candidate.binary, flag)
}

/// Whether this memcached sends the replies of a batch together, by its version.
fn batches(version: &str) -> bool {
    let number = version.rsplit(' ').next().unwrap_or_default();
    let mut parts = number.split('.').map(|part| part.parse().unwrap_or(0));
    let parts: [u32; 3] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    parts >= BATCHING_MEMCACHED
}

/// Starts one, unless it is a floor, and sees that it answers as it should.
fn peer(setup: &Setup, candidate: Candidate, mut version: String, cores: &Cores) -> io::Result<Peer> {
    let Candidate { name, mut kind, binary, .. } = candidate;
    let seat = Seat::Pinned(cores);
    let (server, question) = match &mut kind {
        Kind::Mimikyu => {
            let (server, features) = setup.mimikyu(Path::new(&binary), seat)?;
            version = format!("{version}, ring {features}");
            (Some(server), setup.config())
        }
        Kind::Memcached { batches: together } => {
            *together = batches(&version);
            (Some(setup.memcached(&binary, seat)?), setup.memcached_question())
        }
        Kind::Redis => (Some(setup.redis(&binary, seat)?), setup.redis_question()),
        Kind::Floor => (None, setup.config()),
    };
    if let Some(server) = &server {
        servers::once(server, &question).map_err(|error| io::Error::other(format!("{name}: {error}")))?;
    }
    Ok(Peer { name, kind, version, question, server })
}
