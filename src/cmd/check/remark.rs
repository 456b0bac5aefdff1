//! Something to be said about a configuration: where, what, and the cure.

use std::fmt;

use mimikyu::config::{Error, Fault, Origin};
use mimikyu::daemon::TooFew;
use serde_json::{Value, json};

/// A fault or a warning. A fault is written as `serve` would write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Whether it is more than a warning.
    pub is_fault: bool,
    /// Where, what and how.
    pub error: Error,
}

impl Remark {
    /// What `serve` would not start with.
    pub fn fault(error: &Error) -> Self {
        Self { is_fault: true, error: error.clone() }
    }

    /// A fault that only this machine has.
    pub fn at(origin: &Origin, fault: Fault) -> Self {
        Self { is_fault: true, error: fault.at(origin.clone()) }
    }

    /// What was hardly meant.
    pub fn warning(origin: &Origin, what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { is_fault: false, error: Fault::new(what, cure).at(origin.clone()) }
    }

    /// A warning that the environment has given: a line with its cure at the end.
    pub fn of_environment(line: &str) -> Self {
        let (what, cure) = line.split_once("; ").unwrap_or((line, "see mimikyu serve --help"));
        Self::warning(&Origin::Unset, what, cure)
    }

    /// Not even one client has a descriptor.
    pub fn too_few(too_few: &TooFew) -> Self {
        let line = too_few.to_string();
        let (what, cure) = line.split_once("; ").unwrap_or((&line, "raise it"));
        Self::at(&Origin::Unset, Fault::new(what, cure))
    }

    /// The line of the file that it is about; what is about none stands before those that are.
    pub fn line(&self) -> Option<usize> {
        match self.error.origin {
            Origin::File { line, .. } => line,
            Origin::Flag(_) | Origin::Environment(_) | Origin::Unset => None,
        }
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let Error { origin, fault: Fault { what, cure }, .. } = &self.error;
        let mut document = json!({
            "severity": if self.is_fault { "fault" } else { "warning" },
            "file": null, "line": null, "key": null, "flag": null, "variable": null,
            "what": what, "cure": cure,
        });
        match origin {
            Origin::Flag(flag) => document["flag"] = json!(flag),
            Origin::Environment(variable) => document["variable"] = json!(variable),
            Origin::File { path, line, key } => {
                document["file"] = json!(path.display().to_string());
                document["line"] = json!(line);
                document["key"] = json!(key);
            }
            Origin::Unset => {}
        }
        document
    }
}

impl fmt::Display for Remark {
    /// On one line. That it is a warning stands before what it says, where compilers say it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error { origin, fault, .. } = &self.error;
        match origin {
            _ if self.is_fault => self.error.fmt(f),
            Origin::Unset => write!(f, "warning: {fault}"),
            Origin::File { key: Some(key), .. } => write!(f, "{origin}: warning: {key}: {fault}"),
            _ => write!(f, "{origin}: warning: {fault}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_written_as_serve_writes_it_and_a_warning_is_marked() {
        let file = |key: Option<&str>| Origin::File {
            path: "m.toml".into(),
            line: Some(3),
            key: key.map(str::to_owned),
        };
        let fault = Remark::at(&file(Some("state")), Fault::new("wrong", "right it"));
        assert_eq!(fault.to_string(), "m.toml:3: state: wrong; right it");
        for (origin, line) in [
            (file(Some("state")), "m.toml:3: warning: state: odd; even it"),
            (file(None), "m.toml:3: warning: odd; even it"),
            (Origin::Flag("--state".into()), "--state: warning: odd; even it"),
            (Origin::Unset, "warning: odd; even it"),
        ] {
            assert_eq!(Remark::warning(&origin, "odd", "even it").to_string(), line);
        }
    }
}
