//! The payload: `<version>\n<host>|<ip>|<port> <host>|<ip>|<port>\n`.
//!
//! Written in exactly this form; read leniently (LF or CRLF, a missing last one, more than one space)
//! but strictly in meaning, since a list that is half understood would move keys.

use std::fmt;

use crate::cluster::{Cluster, Node, NodeError, Version};
use crate::limits::{HOST_BYTES_MAX, NODES_MAX};

/// Most of a word that a message quotes.
const QUOTED_BYTES_MAX: usize = HOST_BYTES_MAX + 64;

/// Why a payload is not a list that can be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The first line is no number.
    Version(String),
    /// The number is one that clients could not hold.
    VersionTooLarge(String),
    /// Not `host|ip|port`.
    Node(String),
    /// The port is not 1 … 65535.
    Port(String),
    /// More nodes than [`NODES_MAX`].
    TooMany,
    /// No node at all.
    Empty,
    /// More text behind the line of nodes.
    Trailing,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(text) => write!(f, "the version {text:?} is not a number"),
            Self::VersionTooLarge(text) => {
                write!(f, "the version {text} is over {}", Version::MAX.number() - 1)
            }
            Self::Node(text) => write!(f, "the node {text:?} is not host|ip|port"),
            Self::Port(text) => write!(f, "the node {text:?} has no port from 1 to 65535"),
            Self::TooMany => write!(f, "the list has more than {NODES_MAX} nodes"),
            Self::Empty => f.write_str("the list is empty"),
            Self::Trailing => f.write_str("there is more than one line of nodes"),
        }
    }
}

impl std::error::Error for Error {}

/// Writes the payload of a cluster.
pub fn encode(cluster: &Cluster) -> Vec<u8> {
    let nodes: Vec<_> = cluster.nodes.iter().map(Node::to_string).collect();
    format!("{}\n{}\n", cluster.version, nodes.join(" ")).into_bytes()
}

/// Reads a payload; see the module for what is forgiven.
pub fn decode(payload: &[u8]) -> Result<Cluster, Error> {
    let (first, rest) = lines(payload);
    Ok(Cluster { version: version(first.trim_ascii())?, nodes: nodes(rest)? })
}

/// The first line without its LF, and what follows it.
pub fn lines(payload: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'\n', payload) {
        Some(end) => (&payload[..end], &payload[end + 1..]),
        None => (payload, &[]),
    }
}

/// Reads what follows the first line.
pub fn nodes(rest: &[u8]) -> Result<Vec<Node>, Error> {
    let rest = rest.trim_ascii();
    if memchr::memchr2(b'\n', b'\r', rest).is_some() {
        return Err(Error::Trailing);
    }
    let mut nodes: Vec<Node> = Vec::new();
    for word in rest.split(|byte| *byte == b' ').filter(|word| !word.is_empty()) {
        if nodes.len() == NODES_MAX {
            return Err(Error::TooMany);
        }
        nodes.push(node(word)?);
    }
    if nodes.is_empty() { Err(Error::Empty) } else { Ok(nodes) }
}

/// Reads the first line, without what is around its digits.
pub fn version(word: &[u8]) -> Result<Version, Error> {
    if word.is_empty() || !word.iter().all(u8::is_ascii_digit) {
        return Err(Error::Version(quoted(word)));
    }
    // The greatest is refused as well: ours has to be greater.
    let number = str::from_utf8(word).ok().and_then(|digits| digits.parse().ok());
    let version = number.and_then(Version::new).filter(|version| *version < Version::MAX);
    version.ok_or_else(|| Error::VersionTooLarge(quoted(word)))
}

fn node(word: &[u8]) -> Result<Node, Error> {
    // What is not UTF-8 is no name either.
    let parsed = str::from_utf8(word).map_err(|_| NodeError::Fields).and_then(str::parse);
    parsed.map_err(|error| match error {
        NodeError::Fields => Error::Node(quoted(word)),
        NodeError::Port => Error::Port(quoted(word)),
    })
}

/// A word for a message: cut, and what is not UTF-8 shown as such.
fn quoted(word: &[u8]) -> String {
    String::from_utf8_lossy(&word[..word.len().min(QUOTED_BYTES_MAX)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(version: u64, nodes: &[(&str, &str, u16)]) -> Cluster {
        let nodes = nodes.iter().map(|(host, ip, port)| Node::new(*host, *ip, *port)).collect();
        Cluster { version: Version::new(version).unwrap(), nodes }
    }

    #[test]
    fn reads_what_upstreams_write() {
        let two = cluster(12, &[("a.x", "10.0.0.1", 11211), ("b.x", "", 11212)]);
        for payload in [
            "12\na.x|10.0.0.1|11211 b.x||11212\n",
            "12\r\na.x|10.0.0.1|11211 b.x||11212",
            "12\r\na.x|10.0.0.1|11211 b.x||11212\r\n",
            "12 \n a.x|10.0.0.1|11211  b.x||11212 \n\r\n",
        ] {
            assert_eq!(decode(payload.as_bytes()).as_ref(), Ok(&two), "{payload:?}");
        }
        assert_eq!(decode(&encode(&two)), Ok(two));
    }

    #[test]
    fn refuses_what_it_does_not_understand_whole() {
        let over = u64::from(Version::MAX.number());
        for (payload, error) in [
            ("", Error::Version(String::new())),
            ("x\na|1|1\n", Error::Version("x".into())),
            ("-1\na|1|1\n", Error::Version("-1".into())),
            (&format!("{over}\na|1|1\n"), Error::VersionTooLarge(over.to_string())),
            ("1\n", Error::Empty),
            ("1\n \n", Error::Empty),
            ("1", Error::Empty),
            ("1\na|1\n", Error::Node("a|1".into())),
            ("1\na|1|1 b|1|1|1\n", Error::Node("b|1|1|1".into())),
            ("1\n|1|1\n", Error::Node("|1|1".into())),
            ("1\na\u{1}|1|1\n", Error::Node("a\u{1}|1|1".into())),
            ("1\na|1|0\n", Error::Port("a|1|0".into())),
            ("1\na|1|65536\n", Error::Port("a|1|65536".into())),
            ("1\na|1|+1\n", Error::Port("a|1|+1".into())),
            ("1\na|1|\n", Error::Port("a|1|".into())),
            ("1\na|1|1\nb|1|1\n", Error::Trailing),
        ] {
            assert_eq!(decode(payload.as_bytes()), Err(error), "{payload:?}");
        }
    }

    #[test]
    fn takes_as_many_nodes_as_the_bound_and_not_one_more() {
        let list = |count: usize| {
            let nodes: Vec<_> = (0..count).map(|n| format!("n{n}||1")).collect();
            format!("1\n{}\n", nodes.join(" ")).into_bytes()
        };
        assert_eq!(decode(&list(NODES_MAX)).map(|cluster| cluster.nodes.len()), Ok(NODES_MAX));
        assert_eq!(decode(&list(NODES_MAX + 1)), Err(Error::TooMany));
    }
}
