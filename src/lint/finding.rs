//! What is wrong, where, and whom it hurts.

use std::fmt;

use super::clients::Hurt;
use crate::cluster::Node;
use crate::limits::NODES_NAMED_MAX;

/// A rule of `docs/protocol.md` that can be seen in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Bare LFs in the payload, CRLF around it.
    R1,
    /// The length in the header is exact.
    R2,
    /// The payload ends in LF.
    R3,
    /// One space between nodes and none after the last.
    R4,
    /// The reply comes in one piece.
    R5,
    /// The reply and the payload are short enough.
    R6,
    /// The version is 1 … 2147483647.
    R7,
    /// Every ip field has an IPv4 address.
    R8,
    /// Hosts have no character and no word in them that a client stumbles over.
    R9,
    /// The engine's version is three numbers, at least 1.4.14.
    R10,
    /// Nodes have hosts of their own. Not one of the numbered rules: the client suite found it.
    Ports,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Some clients are hurt.
    Warning,
    /// A client that whole fleets use is left without any server.
    Severe,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Severe => "severe",
        })
    }
}

/// Something that a client dislikes in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule that is broken.
    pub rule: Rule,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, without the nodes.
    pub what: String,
    /// The nodes that it is wrong with, as `host:port`; empty where it is the whole answer.
    pub nodes: Vec<String>,
    /// Whom it hurts; empty where no client is known to mind.
    pub hurts: &'static [Hurt],
}

impl Finding {
    pub(super) fn new(rule: Rule, what: impl Into<String>, hurts: &'static [Hurt]) -> Self {
        Self { rule, severity: Severity::Warning, what: what.into(), nodes: Vec::new(), hurts }
    }

    /// The same about these nodes.
    pub(super) fn with_nodes(self, nodes: &[&Node]) -> Self {
        let nodes = nodes.iter().map(|node| format!("{}:{}", node.host, node.port)).collect();
        Self { nodes, ..self }
    }

    /// Whether both say the same, though perhaps with another size or count.
    pub fn is_like(&self, other: &Self) -> bool {
        let key = |finding: &Self| (finding.rule, finding.severity, finding.hurts);
        key(self) == key(other) && self.nodes == other.nodes
    }

    /// The first nodes that it is about, and how many more there are; `None` where it is the whole answer.
    pub fn nodes_named(&self) -> Option<String> {
        let named = self.nodes[..self.nodes.len().min(NODES_NAMED_MAX)].join(", ");
        match self.nodes.len().saturating_sub(NODES_NAMED_MAX) {
            _ if self.nodes.is_empty() => None,
            0 => Some(named),
            more => Some(format!("{named} and {more} more")),
        }
    }

    /// The clients, and what becomes of them.
    pub fn hurts_named(&self) -> String {
        if self.hurts.is_empty() {
            return "none is known to mind".into();
        }
        // Clients with the same fate stand together in the tables.
        let fates = self.hurts.chunk_by(|one, other| one.effect == other.effect);
        let fate = |hurts: &[Hurt]| {
            let clients: Vec<_> = hurts.iter().map(|hurt| hurt.client).collect();
            format!("{} ({})", clients.join(", "), hurts[0].effect)
        };
        fates.map(fate).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Finding {
    /// On one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rule, self.what)?;
        if let Some(nodes) = self.nodes_named() {
            write!(f, ": {nodes}")?;
        }
        write!(f, "; clients: {}", self.hurts_named())
    }
}
