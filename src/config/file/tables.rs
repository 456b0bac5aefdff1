//! Which keys a table of the file has, and what is said of one that it has not.

use super::super::error::{Fault, quoted};
use super::super::key::{Key, nearest};
use super::rollout;

/// The keys of a `[[source]]` table that say what it is, of which it has exactly one.
pub(super) const KINDS: [Key; 3] = [Key::Upstream, Key::Static, Key::Dns];

/// The other keys of one that may follow its name.
const CHOICES: [&str; 4] = ["fill_ip", "publish", "max_shrink", "drop_after"];

/// A place in the file that keys are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// Above every header.
    Top,
    /// Below `[[source]]`.
    Source,
    /// Below `[rollout]`.
    Rollout,
}

impl Table {
    fn keys(self) -> Vec<&'static str> {
        match self {
            Self::Top => {
                let settings = Key::ALL.into_iter().filter(|key| !key.is_source()).map(Key::name);
                settings.chain(["source", "rollout"]).collect()
            }
            Self::Source => ["name"].into_iter().chain(KINDS.map(Key::name)).chain(CHOICES).collect(),
            Self::Rollout => rollout::KEYS.to_vec(),
        }
    }

    /// The key that a misspelt one probably means.
    pub fn nearest(self, key: &str) -> Option<&'static str> {
        nearest(key, self.keys())
    }

    /// A key that is none of this table's: where it belongs, or what is meant.
    pub fn unknown(self, key: &str) -> Fault {
        let whose = match self {
            Self::Top => "",
            Self::Source => " of a source",
            Self::Rollout => " of a rollout",
        };
        let what = format!("unknown key {}{whose}", quoted(key));
        let others = [
            (Self::Top, "put it above the first [[source]] and [rollout]"),
            (Self::Source, "put it in a [[source]] table"),
            (Self::Rollout, "put it in the [rollout] table"),
        ];
        if let Some((_, cure)) = others.into_iter().find(|(table, _)| table.keys().contains(&key)) {
            return Fault::new(what, cure);
        }
        match self.nearest(key) {
            Some(meant) => Fault::new(what, format!("did you mean \"{meant}\"?")),
            None => Fault::new(what, format!("known are {}", self.keys().join(", "))),
        }
    }
}
