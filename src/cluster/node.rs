//! One cache node, as it is written in a node list.

use std::fmt;
use std::str::FromStr;

use crate::limits::HOST_BYTES_MAX;

/// A cache node: `host|ip|port`.
///
/// Both names are kept letter by letter as the upstream wrote them, because clients hash them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Node {
    /// The name that some clients connect to and hash.
    pub host: Box<str>,
    /// The address that other clients connect to and hash; empty where it is not known (in-transit encryption).
    pub ip: Box<str>,
    /// The TCP port, never 0.
    pub port: u16,
}

impl Node {
    /// A node of these three fields.
    pub fn new(host: impl Into<Box<str>>, ip: impl Into<Box<str>>, port: u16) -> Self {
        Self { host: host.into(), ip: ip.into(), port }
    }

    /// What makes two entries the same node: its host and its port. The ip is only a way to reach it.
    pub fn identity(&self) -> (&str, u16) {
        (&self.host, self.port)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}|{}", self.host, self.ip, self.port)
    }
}

/// Why a word is no node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeError {
    /// It has not three fields, or one that is no name: empty (the host), too long, or not printable ASCII.
    Fields,
    /// The port is not 1 … 65535.
    Port,
}

impl FromStr for Node {
    type Err = NodeError;

    fn from_str(word: &str) -> Result<Self, NodeError> {
        let mut fields = word.split('|');
        let (Some(host), Some(ip), Some(port), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(NodeError::Fields);
        };
        let is_name =
            |field: &str| field.len() <= HOST_BYTES_MAX && field.bytes().all(|byte| byte.is_ascii_graphic());
        if host.is_empty() || !is_name(host) || !is_name(ip) {
            return Err(NodeError::Fields);
        }
        // `parse` alone would take a plus sign.
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        match port.parse() {
            Ok(port) if digits && port != 0 => Ok(Self::new(host, ip, port)),
            _ => Err(NodeError::Port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        for node in
            [Node::new("a.x", "10.0.0.1", 1), Node::new("a", "", 65535), Node::new("::1", "::1", 11211)]
        {
            assert_eq!(node.to_string().parse(), Ok(node));
        }
        for word in ["", "a", "a|1", "|1|1", "a|1|1|1", "a b|1|1", "a\u{1}|1|1", "é|1|1"] {
            assert_eq!(word.parse::<Node>(), Err(NodeError::Fields), "{word:?}");
        }
        for word in ["a||", "a||0", "a||65536", "a||+1", "a||-1", "a||1x"] {
            assert_eq!(word.parse::<Node>(), Err(NodeError::Port), "{word:?}");
        }
        let name = |bytes| format!("{}||1", "h".repeat(bytes));
        assert!(name(HOST_BYTES_MAX).parse::<Node>().is_ok());
        assert!(name(HOST_BYTES_MAX + 1).parse::<Node>().is_err());
    }
}
