//! The keys that a plan is reckoned with: a seeded set, or real ones.

use std::fmt;

use crate::limits::{KEY_BYTES_MAX, PLAN_KEYS_BYTES_MAX, PLAN_KEYS_MAX};

/// Keys, in order. One that is there twice counts twice: a log of requests weighs keys as clients do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys {
    /// All of them, one after another.
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

/// Why bytes are no keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysError {
    /// The whole is longer than [`PLAN_KEYS_BYTES_MAX`].
    TooLarge,
    /// There is no key in it.
    None,
    /// There are more than [`PLAN_KEYS_MAX`].
    TooMany,
    /// A line has no key of memcached's: it is longer than [`KEY_BYTES_MAX`], not UTF-8, or has a space or a control
    /// character in it.
    Line(usize),
}

impl fmt::Display for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "more than {PLAN_KEYS_BYTES_MAX} bytes; give a sample of the keys"),
            Self::None => f.write_str("no key in it; write one a line"),
            Self::TooMany => write!(f, "more than {PLAN_KEYS_MAX} keys; give a sample of them"),
            Self::Line(line) => write!(
                f,
                "line {line} is not a key; write one a line, up to {KEY_BYTES_MAX} bytes of UTF-8 without spaces"
            ),
        }
    }
}

impl std::error::Error for KeysError {}

/// What a seeded key begins with, as keys of applications do.
const WORDS: [&str; 4] = ["user", "session", "product", "page"];

impl Keys {
    /// So many keys of a seed: for each number that SplitMix64 gives, a word by its lowest two bits, a colon and the
    /// highest 48 bits in hex, like `user:0f3a5c7e9b1d`. The same seed has the same keys on every machine.
    pub fn seeded(seed: u64, count: usize) -> Self {
        let mut keys = Self::default();
        let mut state = seed;
        for _ in 0..count {
            let number = split_mix(&mut state);
            keys.push(&format!("{}:{:012x}", WORDS[(number & 3) as usize], number >> 16));
        }
        keys
    }

    /// One key a line; empty lines are none.
    pub fn from_lines(bytes: &[u8]) -> Result<Self, KeysError> {
        if bytes.len() as u64 > PLAN_KEYS_BYTES_MAX {
            return Err(KeysError::TooLarge);
        }
        let mut keys = Self::default();
        for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            let is_legal = |byte: &u8| *byte > b' ' && *byte != 0x7f;
            let key = std::str::from_utf8(line).ok().filter(|_| line.iter().all(is_legal));
            let Some(key) = key.filter(|key| key.len() <= KEY_BYTES_MAX) else {
                return Err(KeysError::Line(at + 1));
            };
            if keys.len() == PLAN_KEYS_MAX {
                return Err(KeysError::TooMany);
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(KeysError::None) } else { Ok(keys) }
    }

    fn push(&mut self, key: &str) {
        self.text.push_str(key);
        self.ends.push(self.text.len());
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Each, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| &self.text[std::mem::replace(&mut start, *end)..*end])
    }
}

/// Sebastiano Vigna's SplitMix64 (public domain): ours, so that no other version of a crate has other keys.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn lines(text: impl AsRef<[u8]>) -> Result<Vec<String>, KeysError> {
        Keys::from_lines(text.as_ref()).map(|keys| keys.iter().map(str::to_owned).collect())
    }

    #[test]
    fn a_seed_has_its_keys() {
        // The first number of SplitMix64 from 0 is published: e220a8397b1dcdaf.
        assert_eq!(Keys::seeded(0, 1).iter().collect::<Vec<_>>(), ["page:e220a8397b1d"]);
        let keys = Keys::seeded(7, 100_000);
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), 100_000);
        assert_eq!((keys.len(), Keys::seeded(7, 100_000) == keys), (100_000, true));
        assert_ne!(Keys::seeded(8, 10), Keys::seeded(7, 10));
    }

    #[test]
    fn keys_are_lines() {
        assert_eq!(lines("a\nb\r\n\n\na\né"), Ok(["a", "b", "a", "é"].map(String::from).into()));
        for text in ["", "\n\r\n"] {
            assert_eq!(lines(text), Err(KeysError::None));
        }
        for (text, line) in [("a b", 1), ("a\n\nb\tc", 3), ("a\n\u{7f}", 2), ("\r\r\n", 1)] {
            assert_eq!(lines(text), Err(KeysError::Line(line)), "{text:?}");
        }
        assert_eq!(lines(b"a\n\xff"), Err(KeysError::Line(2)));
    }

    #[test]
    fn bounds_are_crossed_by_one() {
        let key = "k".repeat(KEY_BYTES_MAX);
        assert!(lines(&key).is_ok());
        assert_eq!(lines(key + "k"), Err(KeysError::Line(1)));
        let most = "k\n".repeat(PLAN_KEYS_MAX);
        assert_eq!(Keys::from_lines(most.as_bytes()).map(|keys| keys.len()), Ok(PLAN_KEYS_MAX));
        assert_eq!(Keys::from_lines((most + "k").as_bytes()), Err(KeysError::TooMany));
        let line = "k".repeat(KEY_BYTES_MAX) + "\n";
        let mut largest = line.repeat(PLAN_KEYS_BYTES_MAX as usize / line.len() + 1).into_bytes();
        largest.truncate(PLAN_KEYS_BYTES_MAX as usize);
        assert!(Keys::from_lines(&largest).is_ok());
        largest.push(b'\n');
        assert_eq!(Keys::from_lines(&largest), Err(KeysError::TooLarge));
    }
}
