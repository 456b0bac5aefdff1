//! Values: a [`Node`], a [`Cluster`], its [`Version`], and what happens to them: [`merge`], [`Change`].
//!
//! Knows no bytes, sockets or clocks.

mod change;
mod merge;
mod node;
mod version;

pub use change::Change;
pub use merge::merge;
pub use node::{Node, NodeError};
pub use version::{Served, Version};

/// A version and an ordered list of nodes: what a configuration endpoint answers.
///
/// The order is the upstream's and is never changed: clients that hash by position move their keys
/// when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Rises with every change of the list.
    pub version: Version,
    /// The nodes, in order. Never empty in an answer that was accepted.
    pub nodes: Vec<Node>,
}
