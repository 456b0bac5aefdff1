//! Keys as one family sees them, hashed once for all the lists that they are looked up in.

use super::family::{Family, Method, xxhash};
use super::keys::Keys;

/// A set of keys, hashed by one family.
#[derive(Debug, Clone)]
pub struct Hashed<'k> {
    pub(super) family: Family,
    pub(super) hashes: Hashes<'k>,
}

/// What a family needs of keys. Which key a hash is of is forgotten: only how many move is asked.
#[derive(Debug, Clone)]
pub(super) enum Hashes<'k> {
    /// For a modulo.
    Modulo(Vec<u32>),
    /// For a circle: they rise, so that one walk around it finds the nodes of all.
    Rising(Vec<u32>),
    /// For jump.
    Long(Vec<u64>),
    /// For scores, which are of a key with a node.
    Whole(&'k Keys),
}

impl<'k> Hashed<'k> {
    /// Hashes the keys.
    pub fn new(family: Family, keys: &'k Keys) -> Self {
        let hashes = match family.method() {
            Method::Modulo(hash) => Hashes::Modulo(keys.iter().map(hash).collect()),
            Method::Points(hash, ..) => {
                let mut hashes: Vec<u32> = keys.iter().map(hash).collect();
                hashes.sort_unstable();
                Hashes::Rising(hashes)
            }
            Method::Jump => Hashes::Long(keys.iter().map(xxhash).collect()),
            Method::Highest => Hashes::Whole(keys),
        };
        Self { family, hashes }
    }

    /// How many keys.
    pub fn len(&self) -> usize {
        match &self.hashes {
            Hashes::Modulo(hashes) | Hashes::Rising(hashes) => hashes.len(),
            Hashes::Long(hashes) => hashes.len(),
            Hashes::Whole(keys) => keys.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
