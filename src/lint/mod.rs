//! What real clients dislike in an endpoint's answers: the rules R1 to R10 of `docs/protocol.md`.
//!
//! Bytes in, [`Finding`]s out. Knows no socket: in how many reads an answer came is told by who read it.
//! Mixed ports are one only where they are all that tells nodes apart: no client that was studied minds them otherwise.

mod clients;
mod engine;
mod finding;
mod frame;
mod nodes;
mod payload;
#[cfg(test)]
mod tests;

pub use clients::Hurt;
pub use engine::Question;
pub use finding::{Finding, Rule, Severity};

use crate::cluster::{Cluster, Node};
use crate::protocol::{Parsed, answer, packet, payload as codec, reply};

/// Longest whole reply that every client reads to its end, in bytes (R6).
pub const REPLY_BYTES_MAX: usize = 4096;

/// Longest payload that every client takes, in bytes (R6).
pub const PAYLOAD_BYTES_MAX: usize = 8196;

/// A list as the most lenient client reads it, and what stricter ones find wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Its version in digits: it may be one that we would not take.
    pub version: String,
    /// Its nodes, in order. Never empty.
    pub nodes: Vec<Node>,
    /// Size of the whole reply.
    pub reply_bytes: usize,
    /// Size of the payload in it.
    pub payload_bytes: usize,
    /// Everything that a client dislikes.
    pub findings: Vec<Finding>,
}

/// Reads a whole text reply, to `config get cluster` or to `get` of the legacy key, which came in so many reads.
pub fn text(reply: &[u8], reads: usize) -> Result<Reading, answer::Error> {
    let (payload, mut findings) = frame::text(reply, reads)?;
    findings.extend(frame::text_size(reply.len()));
    reading(reply.len(), payload, findings)
}

/// Reads a whole binary response to 0x60 or to a `get` of the legacy key.
pub fn binary(reply: &[u8]) -> Result<Reading, answer::Error> {
    let response = match packet::parse(reply) {
        Parsed::Complete { value, .. } => value?,
        Parsed::Partial => return Err(answer::Error::Unexpected("half a packet".into())),
    };
    let findings = frame::binary(&response)?;
    reading(reply.len(), response.value, findings)
}

fn reading(reply_bytes: usize, payload: &[u8], mut findings: Vec<Finding>) -> Result<Reading, answer::Error> {
    let (version, nodes) = payload::read(payload).map_err(answer::Error::Payload)?;
    findings.extend(payload::check(payload, &version, &nodes));
    findings.extend(nodes::check(&nodes));
    findings.sort_by_key(|finding| finding.rule);
    Ok(Reading { version, nodes, reply_bytes, payload_bytes: payload.len(), findings })
}

/// What clients dislike in a list that we serve, which may be longer than any that is read.
pub fn served(cluster: &Cluster) -> Vec<Finding> {
    let payload = codec::encode(cluster);
    let mut findings = Vec::from_iter(frame::text_size(reply::config(&payload).len()));
    findings.extend(payload::check(&payload, &cluster.version.to_string(), &cluster.nodes));
    findings.extend(nodes::check(&cluster.nodes));
    findings
}
