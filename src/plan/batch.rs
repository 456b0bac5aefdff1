//! How many nodes a step may change.

use std::fmt;
use std::num::{NonZeroU8, NonZeroUsize};
use std::str::FromStr;

use crate::limits::NODES_MAX;

/// Most nodes that come, and most that go, in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batch {
    /// So many, up to [`NODES_MAX`].
    Nodes(NonZeroUsize),
    /// So many in a hundred of the longer of the two lists, rounded down, but one at least; up to 100.
    Percent(NonZeroU8),
}

/// One node at a time.
impl Default for Batch {
    fn default() -> Self {
        Self::Nodes(NonZeroUsize::MIN)
    }
}

impl Batch {
    /// How many nodes that is, where the longer list has `longer`.
    pub fn nodes(self, longer: usize) -> usize {
        match self {
            Self::Nodes(nodes) => nodes.get(),
            Self::Percent(percent) => (longer * usize::from(percent.get()) / 100).max(1),
        }
    }
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes(nodes) => nodes.fmt(f),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// Why a text is no batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchError;

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a batch; give nodes from 1 to {NODES_MAX}, or a share from 1% to 100%")
    }
}

impl std::error::Error for BatchError {}

impl FromStr for Batch {
    type Err = BatchError;

    fn from_str(text: &str) -> Result<Self, BatchError> {
        let (digits, is_share) = text.strip_suffix('%').map_or((text, false), |digits| (digits, true));
        // `parse` alone would take a plus sign.
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BatchError);
        }
        let batch = if is_share {
            digits.parse().ok().filter(|share: &NonZeroU8| share.get() <= 100).map(Self::Percent)
        } else {
            digits.parse().ok().filter(|nodes: &NonZeroUsize| nodes.get() <= NODES_MAX).map(Self::Nodes)
        };
        batch.ok_or(BatchError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_what_they_come_to() {
        for (text, longer, nodes) in [
            ("1", 60, 1),
            ("7", 2, 7),
            ("1024", 2, 1024),
            ("1%", 60, 1),
            ("20%", 6, 1),
            ("34%", 6, 2),
            ("50%", 7, 3),
            ("100%", 7, 7),
        ] {
            let batch: Batch = text.parse().unwrap();
            assert_eq!((batch.nodes(longer), batch.to_string().as_str()), (nodes, text));
        }
        for text in ["", "%", "0", "0%", "101%", "1025", "+1", "-1", "1.5", "1.5%", "1 %", "one"] {
            assert_eq!(text.parse::<Batch>(), Err(BatchError), "{text}");
        }
        assert_eq!(Batch::default().to_string(), "1");
    }
}
