//! What was said last of clients that a list hurts, so that it is said once. Pure.

use crate::lint::Finding;

/// What became of the findings with another list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// They are the same, or there are none still.
    Same,
    /// They are others, and some.
    Others,
    /// There are none any more.
    Gone,
}

/// The findings of the list that is served.
#[derive(Debug, Clone, Default)]
pub struct Doubts(Vec<Finding>);

impl Doubts {
    /// Takes note of the findings of another list.
    pub fn observe(&mut self, findings: Vec<Finding>) -> News {
        let are_alike = self.0.len() == findings.len()
            && self.0.iter().zip(&findings).all(|(before, now)| before.is_like(now));
        self.0 = findings;
        match (are_alike, self.0.is_empty()) {
            (true, _) => News::Same,
            (false, false) => News::Others,
            (false, true) => News::Gone,
        }
    }

    /// What was observed last.
    pub fn findings(&self) -> &[Finding] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Cluster, Node, Version};
    use crate::lint;

    fn findings(ips: &str) -> Vec<Finding> {
        let node = |(n, ip): (usize, &str)| Node::new(format!("n{n}"), ip.trim_matches('-'), 11211);
        let nodes = ips.split(' ').enumerate().map(node).collect();
        lint::served(&Cluster { version: Version::FIRST, nodes })
    }

    #[test]
    fn the_same_findings_are_news_once() {
        let mut doubts = Doubts::default();
        for (ips, news) in [
            ("10.0.0.1", News::Same),
            ("10.0.0.2", News::Same),
            ("-", News::Others),
            ("- 10.0.0.1", News::Same),
            ("- -", News::Others),
            ("- fd00::1", News::Others),
            ("- fd00::1 10.0.0.1", News::Same),
            ("- fd00::1 -", News::Others),
            ("10.0.0.1", News::Gone),
            ("10.0.0.1", News::Same),
            ("-", News::Others),
        ] {
            assert_eq!(doubts.observe(findings(ips)), news, "{ips:?}");
            assert_eq!(doubts.findings(), findings(ips));
        }
    }
}
