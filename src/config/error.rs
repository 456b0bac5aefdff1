//! What can be wrong with a configuration: where it was said, what is wrong, and the cure.
//!
//! An [`Error`] is always one line, whatever bytes the setting had, so that it can be found in a log.

use std::fmt;
use std::path::PathBuf;

/// Longest part of a wrong value that a message repeats, in characters.
const QUOTED_CHARS_MAX: usize = 80;

/// Where a setting was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag (`--poll-interval`) or a positional argument (`PRIMARY`) of the command line.
    Flag(String),
    /// An environment variable.
    Environment(String),
    /// A configuration file.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line, counted from 1; `None` when the file as a whole is meant.
        line: Option<usize>,
        /// The key, where one is meant and `what` does not name it.
        key: Option<String>,
    },
    /// Nowhere: what is missing was given by no layer.
    Unset,
}

impl fmt::Display for Origin {
    /// The place alone, without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(flag) => f.write_str(flag),
            Origin::Environment(variable) => f.write_str(variable),
            Origin::File { path, line: Some(line), .. } => write!(f, "{}:{line}", path.display()),
            Origin::File { path, line: None, .. } => write!(f, "{}", path.display()),
            Origin::Unset => f.write_str("the configuration"),
        }
    }
}

/// What is wrong with a value, wherever it came from, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The cause, in lower case and without a full stop.
    pub what: String,
    /// The cure, likewise.
    pub cure: String,
}

impl Fault {
    /// A cause and its cure.
    pub fn new(what: impl Into<String>, cure: impl Into<String>) -> Fault {
        Fault { what: what.into(), cure: cure.into() }
    }

    /// Says where the fault is.
    pub fn at(self, origin: Origin) -> Error {
        Error { origin, fault: self, more: 0 }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.cure)
    }
}

impl std::error::Error for Fault {}

/// A configuration that cannot be used: `<origin>: <what is wrong>; <cure>`, on one line, and how many more there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Where the wrong setting was given.
    pub origin: Origin,
    /// What is wrong with it.
    pub fault: Fault,
    /// How many other faults were found.
    pub more: usize,
}

impl Error {
    /// The exit code of a process that ends because of this: 2 is usage, 78 is configuration.
    pub fn exit_code(&self) -> u8 {
        match self.origin {
            Origin::Flag(_) | Origin::Unset => 2,
            Origin::Environment(_) | Origin::File { .. } => 78,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Unset => self.fault.fmt(f)?,
            Origin::File { key: Some(key), .. } => write!(f, "{}: {key}: {}", self.origin, self.fault)?,
            _ => write!(f, "{}: {}", self.origin, self.fault)?,
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, " (and {more} more: see mimikyu check)"),
        }
    }
}

impl std::error::Error for Error {}

/// A value as messages repeat it: in quotes, on one line, and not too long.
pub fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        None => format!("{text:?}"),
        Some((cut, _)) => format!("{:?}…", &text[..cut]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_with_origin_cause_and_cure() {
        let file = |line, key: Option<&str>| Origin::File {
            path: "mimikyu.toml".into(),
            line,
            key: key.map(str::to_owned),
        };
        let table = [
            (Origin::Flag("--workers".into()), "--workers: wrong; right it", 2),
            (Origin::Environment("MIMIKYU_WORKERS".into()), "MIMIKYU_WORKERS: wrong; right it", 78),
            (file(Some(7), None), "mimikyu.toml:7: wrong; right it", 78),
            (file(Some(7), Some("workers")), "mimikyu.toml:7: workers: wrong; right it", 78),
            (file(None, None), "mimikyu.toml: wrong; right it", 78),
            (Origin::Unset, "wrong; right it", 2),
        ];
        for (origin, line, code) in table {
            let error = Fault::new("wrong", "right it").at(origin);
            assert_eq!(error.to_string(), line);
            assert_eq!(error.exit_code(), code, "{line}");
        }
    }

    #[test]
    fn a_quoted_value_is_one_short_line() {
        assert_eq!(quoted("a\r\nb"), r#""a\r\nb""#);
        assert_eq!(quoted(&"é".repeat(80)).chars().count(), 82);
        assert_eq!(quoted(&"é".repeat(81)).chars().count(), 83);
    }
}
