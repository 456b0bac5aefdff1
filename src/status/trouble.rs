//! What is wrong with the whole, and not with a source.

use serde::{Deserialize, Serialize};

/// Something that is wrong now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// In a sentence.
    pub what: String,
    /// How bad it is.
    pub severity: Severity,
    /// Since when.
    pub since: String,
}

/// How bad a trouble is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A client that whole fleets use is left without any server.
    Severe,
    /// Some clients are hurt, or all would be by what may come next: a restart, a change.
    Warning,
}

impl Severity {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Severe, Self::Warning];

    /// As it is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Severe => "severe",
            Self::Warning => "warning",
        }
    }
}
