//! A circle of points, each a node's, on which a key's hash finds its node.

/// Which point a hash belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The first point at or above it; above the last it is the first.
    Successor,
    /// The last point at or below it; below the first it is the last.
    Predecessor,
    /// As [`Rule::Successor`], but below the first it is the last: Enyim's.
    SuccessorElseLast,
}

/// The points of a list of nodes.
///
/// Invariants: the values rise strictly; there is one point at least where there is a node.
#[derive(Debug, Clone)]
pub struct Continuum {
    rule: Rule,
    points: Vec<Point>,
}

/// A point: its value above, the place of its node in the list below, so that points sort as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Point(u64);

impl Point {
    fn new(value: u32, place: usize) -> Self {
        // Places are far below 2³².
        Self(u64::from(value) << 32 | place as u64)
    }

    fn value(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn place(self) -> usize {
        (self.0 & u64::from(u32::MAX)) as usize
    }
}

impl Continuum {
    /// The circle of the nodes' points, in the order of the list.
    pub fn new<'a>(rule: Rule, nodes: impl IntoIterator<Item = &'a [u32]>) -> Self {
        let mut points: Vec<Point> = Vec::new();
        for (place, values) in nodes.into_iter().enumerate() {
            points.extend(values.iter().map(|value| Point::new(*value, place)));
        }
        points.sort_unstable();
        // Of points with the same value the later node's wins.
        points.dedup_by(|later, earlier| {
            let same = later.value() == earlier.value();
            if same {
                *earlier = *later;
            }
            same
        });
        Self { rule, points }
    }

    /// The place in the list of the node that has this hash.
    pub fn pick(&self, hash: u32) -> usize {
        self.owner(hash, self.points.partition_point(|point| point.value() < hash))
    }

    /// The same for hashes that rise: one walk around the circle instead of a search for each.
    pub fn pick_sorted(&self, hashes: &[u32], mut each: impl FnMut(usize)) {
        let mut below = 0;
        for &hash in hashes {
            while self.points.get(below).is_some_and(|point| point.value() < hash) {
                below += 1;
            }
            each(self.owner(hash, below));
        }
    }

    /// The owner of a hash that has so many points below it.
    fn owner(&self, hash: u32, below: usize) -> usize {
        let points = &self.points;
        let exact = points.get(below).is_some_and(|point| point.value() == hash);
        let last = points.len() - 1;
        let at = match self.rule {
            _ if exact => below,
            Rule::Predecessor => below.checked_sub(1).unwrap_or(last),
            Rule::SuccessorElseLast if below == 0 => last,
            Rule::Successor | Rule::SuccessorElseLast if below > last => 0,
            Rule::Successor | Rule::SuccessorElseLast => below,
        };
        points[at].place()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_at_each_edge() {
        for (rule, expected) in [
            // Below the first, on the first, between, on the last, above the last.
            (Rule::Successor, [0, 0, 1, 1, 0]),
            (Rule::Predecessor, [1, 0, 0, 1, 1]),
            (Rule::SuccessorElseLast, [1, 0, 1, 1, 0]),
        ] {
            let continuum = Continuum::new(rule, [&[10][..], &[20]]);
            assert_eq!([9, 10, 11, 20, 21].map(|hash| continuum.pick(hash)), expected, "{rule:?}");
        }
    }

    #[test]
    fn of_equal_points_the_later_nodes_wins() {
        let continuum = Continuum::new(Rule::Successor, [&[10, 30][..], &[30, 10], &[30]]);
        assert_eq!((continuum.pick(5), continuum.pick(20)), (1, 2));
    }

    #[test]
    fn a_walk_finds_what_searches_find() {
        let points = |seed: u32| {
            (1..40_u32).map(|n| (n.wrapping_mul(2_654_435_761) ^ seed) % 1000).collect::<Vec<_>>()
        };
        let nodes = [points(1), points(77), points(423)];
        for rule in [Rule::Successor, Rule::Predecessor, Rule::SuccessorElseLast] {
            let continuum = Continuum::new(rule, nodes.iter().map(Vec::as_slice));
            let hashes: Vec<u32> = (0..1100).flat_map(|hash| [hash, hash]).chain([u32::MAX]).collect();
            let mut walked = Vec::new();
            continuum.pick_sorted(&hashes, |place| walked.push(place));
            let searched: Vec<_> = hashes.iter().map(|hash| continuum.pick(*hash)).collect();
            assert_eq!(walked, searched, "{rule:?}");
        }
    }
}
