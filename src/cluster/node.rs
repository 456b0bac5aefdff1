//! One cache node, as it is written in a node list.

use std::fmt;

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
