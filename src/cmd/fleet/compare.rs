//! Which replicas serve what most of them serve, and what is different about the others.

use mimikyu::cluster::{Change, Node};
use mimikyu::limits::NODES_NAMED_MAX;

use super::{Asked, Served};

/// What most replicas serve, and how each differs from it.
pub struct Comparison {
    /// One difference a replica; `None` where it serves the same, or is not known.
    pub differences: Vec<Option<Difference>>,
    /// How many serve what most serve.
    pub agreeing: usize,
}

/// How a replica's list differs from that of most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The version of most, where this one has another.
    pub version_of_most: Option<String>,
    /// What would make this one's list of theirs.
    pub change: Change,
}

impl Comparison {
    /// Compares. Where as many serve the one as the other, the first asked is what the others are held against.
    pub fn of(asked: &[Asked]) -> Self {
        let known = || asked.iter().filter_map(|asked| asked.outcome.as_ref().ok());
        let count = |served: &Served| known().filter(|other| other.digest == served.digest).count();
        // Of equals, the last is the greatest: so they are looked at from the end.
        let most =
            asked.iter().rev().filter_map(|asked| asked.outcome.as_ref().ok()).max_by_key(|one| count(one));
        let Some(most) = most else {
            return Self { differences: asked.iter().map(|_| None).collect(), agreeing: 0 };
        };
        let difference = |asked: &Asked| {
            let served = asked.outcome.as_ref().ok().filter(|served| served.digest != most.digest)?;
            Some(Difference {
                version_of_most: (served.version != most.version).then(|| most.version.clone()),
                change: Change::between(&most.nodes, &served.nodes),
            })
        };
        Self { differences: asked.iter().map(difference).collect(), agreeing: count(most) }
    }

    /// Whether any two serve different bytes.
    pub fn is_different(&self) -> bool {
        self.differences.iter().any(Option::is_some)
    }
}

impl Difference {
    /// In words.
    pub fn told(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.version_of_most.as_ref().map(|version| format!("most have version {version}")));
        let Change { added, removed, moved, readdressed } = &self.change;
        for (word, nodes) in
            [("has", added), ("lacks", removed), ("elsewhere", moved), ("other ip", readdressed)]
        {
            if !nodes.is_empty() {
                parts.push(format!("{word} {}", named(nodes)));
            }
        }
        if parts.is_empty() {
            parts.push("the same list in other bytes".into());
        }
        parts.join("; ")
    }
}

/// The first of them, and how many more there are.
fn named(nodes: &[Node]) -> String {
    let name = |node: &Node| format!("{}:{}", node.host, node.port);
    let names: Vec<_> = nodes.iter().take(NODES_NAMED_MAX).map(name).collect();
    match nodes.len().saturating_sub(NODES_NAMED_MAX) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(version: &str, hosts: &str) -> Asked {
        let node = |host: &str| Node::new(host, "", 1);
        let served = Served {
            version: version.into(),
            nodes: hosts.split_whitespace().map(node).collect(),
            bytes: 0,
            digest: format!("{version} {hosts}"),
        };
        Asked { name: hosts.into(), outcome: Ok(served) }
    }

    fn told(fleet: &[Asked]) -> Vec<String> {
        let differences = Comparison::of(fleet).differences;
        differences.into_iter().map(|one| one.map_or(String::new(), |one| one.told())).collect()
    }

    #[test]
    fn the_few_are_held_against_the_many() {
        let none = || Asked { name: "x".into(), outcome: Err("refused".into()) };
        let fleet = [asked("6", "a c"), asked("7", "a b"), none(), asked("7", "a b"), asked("7", "b a")];
        let comparison = Comparison::of(&fleet);
        assert!(comparison.is_different());
        assert_eq!(comparison.agreeing, 2);
        assert_eq!(told(&fleet), ["most have version 7; has c:1; lacks b:1", "", "", "", "elsewhere b:1"]);
        assert_eq!(
            told(&[asked("1", "a"), asked("2", "a")]),
            ["", "most have version 1"],
            "the first of equals"
        );
        assert!(!Comparison::of(&[none(), asked("1", "a"), none()]).is_different());
        assert!(!Comparison::of(&[none()]).is_different());
    }

    #[test]
    fn so_many_nodes_are_named_and_one_more_is_counted() {
        let hosts = |count: usize| (0..count).map(|n| format!("n{n}")).collect::<Vec<_>>().join(" ");
        let last = |count| told(&[asked("1", "n0"), asked("1", &hosts(count + 1))]).remove(1);
        assert!(last(NODES_NAMED_MAX).ends_with("n8:1"), "{}", last(NODES_NAMED_MAX));
        assert!(last(NODES_NAMED_MAX + 1).ends_with("n8:1 and 1 more"));
    }
}
