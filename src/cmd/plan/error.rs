//! Why there is no plan, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use mimikyu::limits::NODES_MAX;
use mimikyu::plan::KeysError;

use super::super::{EXIT_RUNTIME, Failure, probe};

/// The exit code of wrong words.
const EXIT_USAGE: u8 = 2;

/// The cause, then the cure.
#[derive(Debug)]
pub enum Error {
    /// An endpoint gave no list, or a name no address.
    Source {
        /// The source, as it was named.
        name: String,
        /// What came of asking it.
        source: probe::Error,
    },
    /// A list has more nodes than any that is served of one source.
    TooLong {
        /// The source, as it was named.
        name: String,
    },
    /// A name was given, and no file to find it in.
    NoFile {
        /// The flag.
        flag: &'static str,
        /// The name.
        name: String,
    },
    /// The file has no source of this name.
    Unknown {
        /// The flag.
        flag: &'static str,
        /// The name.
        name: String,
        /// The file.
        file: PathBuf,
        /// The names that it has.
        known: Vec<String>,
    },
    /// The file of keys can't be read.
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The file has no keys in it.
    Keys {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: KeysError,
    },
}

impl Error {
    /// What the process ends with.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Source { .. } | Self::TooLong { .. } => EXIT_RUNTIME,
            Self::NoFile { .. } | Self::Unknown { .. } | Self::Unreadable { .. } | Self::Keys { .. } => {
                EXIT_USAGE
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::new(&error, error.exit_code())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source { name, source } => {
                let source = source.to_string();
                // An endpoint's name may be its address, which the cause begins with.
                match source.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(": ")) {
                    true => f.write_str(&source),
                    false => write!(f, "{name}: {source}"),
                }
            }
            Self::TooLong { name } => {
                write!(f, "{name} lists more than {NODES_MAX} nodes; plan with a part of them")
            }
            Self::NoFile { flag, name } => write!(
                f,
                "{flag}: {name:?} has no port, so it is a source's name; say in which file with --config FILE, or \
                 write HOST:PORT"
            ),
            Self::Unknown { flag, name, file, known } => write!(
                f,
                "{flag}: {} has no source {name:?}; give one of {}",
                file.display(),
                known.join(", ")
            ),
            Self::Unreadable { file, source } => {
                write!(
                    f,
                    "--keys: {} cannot be read: {source}; check the path and its permissions",
                    file.display()
                )
            }
            Self::Keys { file, source } => write!(f, "--keys: {}: {source}", file.display()),
        }
    }
}

// The messages of the causes are parts of ours.
impl std::error::Error for Error {}
