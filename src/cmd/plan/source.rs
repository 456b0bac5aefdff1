//! The nodes of a source, wherever they come from.

use std::time::Duration;

use mimikyu::cluster::{Node, merge};
use mimikyu::config::{HostPort, SourceKind, from_file};
use mimikyu::limits::NODES_MAX;

use super::super::{Failure, probe};
use super::error::Error;
use crate::cli::{Plan, Source};

/// How a source is called, and its nodes: each once and one at least.
pub fn nodes(source: &Source, flag: &'static str, plan: &Plan) -> Result<(String, Vec<Node>), Failure> {
    match source {
        Source::Endpoint(target) => {
            Ok((target.to_string(), asked(&target.to_string(), target, plan.timeout)?))
        }
        Source::List(nodes) => Ok(("a list".to_owned(), nodes.clone())),
        Source::Named(name) => Ok((name.clone(), named(name, flag, plan)?)),
    }
}

fn asked(name: &str, target: &HostPort, timeout: Duration) -> Result<Vec<Node>, Error> {
    let nodes =
        probe::nodes(target, timeout).map_err(|source| Error::Source { name: name.to_owned(), source })?;
    bounded(name, merge([&nodes[..]]))
}

fn bounded(name: &str, nodes: Vec<Node>) -> Result<Vec<Node>, Error> {
    if nodes.len() > NODES_MAX { Err(Error::TooLong { name: name.to_owned() }) } else { Ok(nodes) }
}

fn named(name: &str, flag: &'static str, plan: &Plan) -> Result<Vec<Node>, Failure> {
    let Some(file) = &plan.config else { return Err(Error::NoFile { flag, name: name.to_owned() }.into()) };
    let sources = from_file(file)?.sources;
    let Some(found) = sources.iter().map(|setting| &setting.value).find(|source| source.name == name) else {
        let known = sources.into_iter().map(|setting| setting.value.name).collect();
        return Err(Error::Unknown { flag, name: name.to_owned(), file: file.clone(), known }.into());
    };
    Ok(match &found.kind {
        SourceKind::Endpoint(target) => asked(name, target, plan.timeout)?,
        SourceKind::Static(targets) => targets.iter().map(configured).collect(),
        SourceKind::Dns(target) => resolved(name, target, plan.timeout)?,
    })
}

/// A node of a configured list. Names are not looked up: that would be the poller's answer of another moment.
fn configured(target: &HostPort) -> Node {
    let is_ip = target.host.parse::<std::net::IpAddr>().is_ok();
    Node::new(target.host.as_str(), if is_ip { target.host.as_str() } else { "" }, target.port)
}

/// A node for each address of a name, in the order that `serve` has them.
fn resolved(name: &str, target: &HostPort, timeout: Duration) -> Result<Vec<Node>, Error> {
    let mut addresses = probe::addresses(target, timeout, NODES_MAX + 1)
        .map_err(|source| Error::Source { name: name.to_owned(), source })?;
    addresses.sort_by_key(|address| address.ip());
    let node = |ip: String, port| Node::new(ip.as_str(), ip.as_str(), port);
    bounded(name, addresses.iter().map(|address| node(address.ip().to_string(), address.port())).collect())
}
