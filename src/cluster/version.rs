//! The version of a list, and the rule for the version we serve.

use std::fmt;

use super::{Cluster, Node};

/// A cluster's version: 0 … 2147483647. Clients can hold no greater one; we serve 0 to none of them (see [`Served`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u32);

impl Version {
    /// The first version of a list that has none of its own: one change was seen of it.
    pub const FIRST: Version = Version(1);

    /// The greatest version: the greatest signed 32-bit number.
    pub const MAX: Version = Version(i32::MAX as u32);

    /// The version of this number, unless clients could not hold it.
    pub fn new(number: u64) -> Option<Self> {
        u32::try_from(number).ok().map(Version).filter(|version| *version <= Self::MAX)
    }

    /// The number.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The next version; the greatest has none and stays.
    pub fn next(self) -> Self {
        Self(self.0 + 1).min(Self::MAX)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The list that is served, and the rule by which its version follows from the upstreams':
///
/// `max(base + Σ upstream versions, last served + 1 if the list changed)`
///
/// so that it is greater than every upstream's, never falls, rises with every change of the list,
/// and is the same on every replica that saw the same answers.
///
/// Where `base + Σ` is more than clients can hold (upstreams that count seconds since 1970, say), one more
/// than the greatest upstream's takes its place. Replicas then agree only as long as they share a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served(pub Cluster);

impl Served {
    /// The list to serve now, given the one served so far, if any.
    ///
    /// `base` is at least 1, so that the result is greater than every upstream's version.
    pub fn following(last: Option<&Served>, nodes: Vec<Node>, base: u32, upstream: &[Version]) -> Self {
        let sum = upstream.iter().map(|version| u64::from(version.0)).sum::<u64>() + u64::from(base);
        let floor = Version::new(sum)
            .unwrap_or_else(|| upstream.iter().max().map_or(Version::MAX, |greatest| greatest.next()));
        let version = match last {
            Some(Served(last)) if last.nodes == nodes => floor.max(last.version),
            Some(Served(last)) => floor.max(last.version.next()),
            None => floor,
        };
        Self(Cluster { version, nodes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u64) -> Version {
        Version::new(number).unwrap()
    }

    fn nodes(hosts: &[&str]) -> Vec<Node> {
        hosts.iter().map(|host| Node::new(*host, "", 11211)).collect()
    }

    #[track_caller]
    fn follows(last: Option<(u64, &[&str])>, now: &[&str], upstream: &[u64], expected: u64) {
        let last =
            last.map(|(number, hosts)| Served(Cluster { version: version(number), nodes: nodes(hosts) }));
        let upstream: Vec<_> = upstream.iter().copied().map(version).collect();
        let served = Served::following(last.as_ref(), nodes(now), 1000, &upstream);
        assert_eq!(served.0.version, version(expected));
    }

    #[test]
    fn is_base_and_sum_at_first() {
        follows(None, &["a", "b"], &[5, 7], 1012);
    }

    #[test]
    fn rises_with_an_upstream_even_if_the_list_does_not_change() {
        follows(Some((1012, &["a"])), &["a"], &[5, 8], 1013);
    }

    #[test]
    fn stays_when_nothing_changed() {
        follows(Some((1012, &["a"])), &["a"], &[5, 7], 1012);
    }

    #[test]
    fn rises_with_the_list_even_if_no_upstream_does() {
        follows(Some((1012, &["a"])), &["b"], &[5, 7], 1013);
        follows(Some((1012, &["a", "b"])), &["b", "a"], &[5, 7], 1013);
    }

    #[test]
    fn never_falls_with_the_upstreams() {
        follows(Some((1012, &["a"])), &["a"], &[1], 1012);
        follows(Some((1012, &["a"])), &["b"], &[1], 1013);
    }

    #[test]
    fn stays_above_upstreams_whose_sum_is_too_large() {
        follows(None, &["a"], &[1_700_000_000, 1_600_000_000], 1_700_000_001);
        let last = Some((1_700_000_001, &["a"][..]));
        follows(last, &["b"], &[1_700_000_000, 1_600_000_000], 1_700_000_002);
    }

    #[test]
    fn ends_at_the_greatest_number_clients_can_hold() {
        let max = u64::from(Version::MAX.number());
        assert_eq!(Version::new(max), Some(Version::MAX));
        assert_eq!(Version::new(max + 1), None);
        follows(Some((max, &["a"])), &["b"], &[1], max);
        follows(None, &["a"], &[max], max);
    }
}
