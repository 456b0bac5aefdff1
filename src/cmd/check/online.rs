//! What the sources answer now, and the list that would follow.

use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mimikyu::cluster::{Cluster, Node, Version, merge};
use mimikyu::config::{Config, HostPort, Source, SourceKind};
use mimikyu::lint::{self, Finding};

use super::super::probe;
use super::super::terminal::Progress;
use crate::cli::{Encoding, Format, Probe};

/// What became of all of them, in the order of the configuration.
pub struct Online {
    /// Each source, and what it answered.
    pub asked: Vec<Asked>,
    /// The merged list, where every source has answered.
    pub merged: Option<Merged>,
}

/// A source that was asked.
pub struct Asked {
    /// Its name.
    pub name: String,
    /// What it answered, or the cause and the cure.
    pub outcome: Result<Answer, String>,
}

/// What a source answered.
pub struct Answer {
    /// Who answered; a name server is not told.
    pub address: Option<SocketAddr>,
    /// The engine that an endpoint says it is.
    pub engine: Option<String>,
    /// The version of an endpoint's list, in digits.
    pub version: Option<String>,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Whom an endpoint's answer hurts.
    pub findings: Vec<Finding>,
}

/// The list that would be served.
pub struct Merged {
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// Whom it hurts.
    pub findings: Vec<Finding>,
}

impl Online {
    /// Whether every source gave a list.
    pub fn is_complete(&self) -> bool {
        self.asked.iter().all(|asked| asked.outcome.is_ok())
    }
}

/// Asks every source at once. Each has `timeout` for its list, and an endpoint twice as long again for its engine.
pub fn ask(config: &Config, timeout: Duration) -> Online {
    let progress = Progress::new();
    let (sender, answers) = mpsc::channel();
    for (index, source) in config.sources.iter().enumerate() {
        let (sender, source) = (sender.clone(), source.clone());
        // One that can't be had is told as a source that can't be asked: its sender is gone.
        let body = move || drop(sender.send((index, answer(&source, timeout))));
        let _ = thread::Builder::new().name("ask".into()).spawn(body);
    }
    drop(sender);
    let none = |source: &Source| Asked {
        name: source.name.clone(),
        outcome: Err("there is no thread to ask it; see the limits of the process (ulimit -u)".into()),
    };
    let mut asked: Vec<_> = config.sources.iter().map(none).collect();
    let mut waiting: Vec<_> = config.sources.iter().map(|source| Some(source.name.as_str())).collect();
    loop {
        let names: Vec<_> = waiting.iter().flatten().copied().collect();
        progress.show(&format!("waiting for {} of {}: {}", names.len(), waiting.len(), names.join(", ")));
        let Ok((index, outcome)) = answers.recv() else { break };
        asked[index].outcome = outcome;
        waiting[index] = None;
    }
    let merged = merged(config, &asked);
    Online { asked, merged }
}

fn answer(source: &Source, timeout: Duration) -> Result<Answer, String> {
    let answer = |nodes| Answer { address: None, engine: None, version: None, nodes, findings: Vec::new() };
    match &source.kind {
        SourceKind::Endpoint(target) => endpoint(target, timeout),
        SourceKind::Static(targets) => {
            let node = |target: &HostPort| {
                let ip = ipv4(target, timeout)?;
                Ok(Node::new(target.host.as_str(), ip.as_str(), target.port))
            };
            Ok(answer(targets.iter().map(node).collect::<Result<_, String>>()?))
        }
        SourceKind::Dns(target) => {
            let mut addresses = probe::resolve(target, timeout).map_err(|error| error.to_string())?;
            addresses.sort_by_key(SocketAddr::ip);
            let node = |address: &SocketAddr| {
                let ip = address.ip().to_string();
                Node::new(ip.as_str(), ip.as_str(), address.port())
            };
            Ok(answer(addresses.iter().map(node).collect()))
        }
    }
}

fn endpoint(target: &HostPort, timeout: Duration) -> Result<Answer, String> {
    let (encoding, format) = (Encoding::Text, Format::Text);
    let probe = Probe { target: target.clone(), encoding, format, timeout };
    let outcome = probe::ask(&probe).map_err(|error| error.to_string())?;
    let lint::Reading { version, nodes, findings, .. } = outcome.reading;
    let (address, engine) = (Some(outcome.address), outcome.engine);
    Ok(Answer { address, engine, version: Some(version), nodes, findings })
}

/// The IPv4 address that a given node has, as text; an address is its own.
fn ipv4(target: &HostPort, timeout: Duration) -> Result<String, String> {
    if let Ok(ip) = target.host.parse::<IpAddr>() {
        return Ok(if ip.is_ipv4() { ip.to_string() } else { String::new() });
    }
    let addresses = probe::resolve(target, timeout).map_err(|error| error.to_string())?;
    let ip = addresses.iter().map(SocketAddr::ip).find(IpAddr::is_ipv4);
    ip.map(|ip| ip.to_string()).ok_or_else(|| format!("{} has no IPv4 address; check the name", target.host))
}

fn merged(config: &Config, asked: &[Asked]) -> Option<Merged> {
    let answers: Vec<&Answer> =
        asked.iter().map(|asked| asked.outcome.as_ref().ok()).collect::<Option<_>>()?;
    let nodes = merge(answers.iter().map(|answer| &answer.nodes[..]));
    if nodes.is_empty() {
        return None;
    }
    // As serve has it at its first start; of versions that it would not take, probe has told.
    let versions = answers.iter().map(|answer| match &answer.version {
        Some(digits) => {
            digits.parse().ok().and_then(Version::new).map_or(0, |version| u64::from(version.number()))
        }
        None => u64::from(Version::FIRST.number()),
    });
    let version = u64::from(config.version_base) + versions.sum::<u64>();
    let cluster = Cluster { version: Version::new(version).unwrap_or(Version::MAX), nodes };
    let findings = lint::served(&cluster);
    Some(Merged { nodes: cluster.nodes, findings })
}
