//! The keys: of a file, or made up.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use mimikyu::limits::{PLAN_KEYS, PLAN_KEYS_BYTES_MAX};
use mimikyu::plan::Keys;

use super::error::Error;

/// The seed of keys that are made up: a plan of today can be told from one of tomorrow.
const SEED: u64 = 0;

/// Where keys come from.
pub enum Origin {
    /// A seed.
    Seed(u64),
    /// A file.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed(seed) => write!(f, "made up, seed {seed}"),
            Self::File(file) => file.display().fmt(f),
        }
    }
}

/// Those of the file, else made-up ones.
pub fn read(file: Option<&Path>) -> Result<(Keys, Origin), Error> {
    let Some(path) = file else { return Ok((Keys::seeded(SEED, PLAN_KEYS), Origin::Seed(SEED))) };
    let mut bytes = Vec::new();
    let file = File::open(path);
    file.and_then(|file| file.take(PLAN_KEYS_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|source| Error::Unreadable { file: path.into(), source })?;
    let keys = Keys::from_lines(&bytes).map_err(|source| Error::Keys { file: path.into(), source })?;
    Ok((keys, Origin::File(path.into())))
}
