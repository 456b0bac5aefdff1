//! Rendezvous, or highest random weight: each node has a score for a key, and the highest has it.

use super::hash::murmur3;

/// Scores one key after another, in a buffer of its own.
#[derive(Debug, Default)]
pub struct Scorer {
    text: Vec<u8>,
}

impl Scorer {
    /// A node's score for a key. Ties are for who asks: the greater name wins.
    pub fn score(&mut self, name: &str, key: &str) -> u32 {
        self.text.clear();
        self.text.extend_from_slice(name.as_bytes());
        self.text.push(b'-');
        self.text.extend_from_slice(key.as_bytes());
        murmur3(&self.text)
    }

    /// The score and the place of the name that has this key. There is one name at least.
    pub fn highest<S: AsRef<str>>(&mut self, names: &[S], key: &str) -> (u32, usize) {
        let mut highest = (0, 0);
        for (place, name) in names.iter().enumerate() {
            let score = self.score(name.as_ref(), key);
            let (high, at) = highest;
            if place == 0 || (score, name.as_ref()) > (high, names[at].as_ref()) {
                highest = (score, place);
            }
        }
        highest
    }
}
