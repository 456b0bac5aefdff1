//! The nodes one by one: what is in their ip and host fields.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};

use super::clients::{EMPTY_IP, HOST_CHARACTER, HOST_WORD, NO_IPV4, SHARED_HOST};
use super::finding::{Finding, Rule};
use crate::cluster::Node;

/// Words that end or begin a reply, which some clients look for anywhere.
const WORDS: [&str; 2] = ["END", "CONFIG"];

/// What is wrong with these nodes.
pub(super) fn check(nodes: &[Node]) -> Vec<Finding> {
    let mut findings = ips(nodes);
    let strange = |byte: u8| !byte.is_ascii_alphanumeric() && byte != b'-' && byte != b'.';
    let (character, _) = parted(nodes, |node| node.host.bytes().any(strange));
    if !character.is_empty() {
        let what = "a host has another character than letters, digits, '-' and '.'";
        findings.push(Finding::new(Rule::R9, what, HOST_CHARACTER).with_nodes(&character));
    }
    let (word, _) = parted(nodes, |node| WORDS.iter().any(|word| node.host.contains(word)));
    if !word.is_empty() {
        let what = "END or CONFIG is a part of a host";
        findings.push(Finding::new(Rule::R9, what, HOST_WORD).with_nodes(&word));
    }
    let (mut first_port, mut several) = (HashMap::new(), HashSet::new());
    for node in nodes {
        if *first_port.entry(&node.host).or_insert(node.port) != node.port {
            several.insert(&node.host);
        }
    }
    let (shared, _) = parted(nodes, |node| several.contains(&node.host));
    if !shared.is_empty() {
        let what = "nodes of one host differ only in their port";
        findings.push(Finding::new(Rule::Ports, what, SHARED_HOST).with_nodes(&shared));
    }
    findings
}

/// Whether each has an IPv4 address, and whether they are of one kind.
fn ips(nodes: &[Node]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (empty, filled) = parted(nodes, |node| node.ip.is_empty());
    if !empty.is_empty() {
        let what = match filled.len() {
            0 => "the ip field is empty".to_owned(),
            _ => format!("the ip field is empty in {} of {} nodes", empty.len(), nodes.len()),
        };
        findings.push(Finding::new(Rule::R8, what, EMPTY_IP).with_nodes(&empty));
    }
    let filled: Vec<Node> = filled.into_iter().cloned().collect();
    let (ipv4, others) = parted(&filled, |node| node.ip.parse::<Ipv4Addr>().is_ok());
    let (ipv6, neither): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|node| node.ip.parse::<IpAddr>().is_ok());
    if !ipv6.is_empty() {
        let what = match ipv4.len() {
            0 => "the ip field is an IPv6 address".to_owned(),
            _ => format!("IPv6 in the ip field of {} of {} nodes, IPv4 in others", ipv6.len(), nodes.len()),
        };
        findings.push(Finding::new(Rule::R8, what, NO_IPV4).with_nodes(&ipv6));
    }
    if !neither.is_empty() {
        findings.push(Finding::new(Rule::R8, "the ip field is no address", NO_IPV4).with_nodes(&neither));
    }
    findings
}

/// The nodes that are so, and the others.
fn parted(nodes: &[Node], is: impl Fn(&Node) -> bool) -> (Vec<&Node>, Vec<&Node>) {
    nodes.iter().partition(|node| is(node))
}
