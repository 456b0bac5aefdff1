//! One source's last good answer, and whether a new one takes its place. Pure.

use std::net::SocketAddr;
use std::time::Duration;

use crate::cluster::{Cluster, Node, Version};
use crate::limits::STALE_POLLS;
use crate::upstream::Answer;

/// How a source is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It has not been asked yet.
    Waiting,
    /// Its last answer was taken.
    Fresh,
    /// Its last answer is older than, or contradicts, the one that is held.
    Stale,
    /// It gave no answer that could be taken.
    Failing,
}

/// A change of a source's health, or another thing worth a line in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Its first answer, or the first after failures or stale ones.
    Answers {
        /// How long it was otherwise; `None` where it never was.
        after: Option<Duration>,
    },
    /// It fails, for this reason.
    Fails(Failure),
    /// It answers a list of this version, which is not newer than the one that is held.
    Stale(Version),
    /// It answered the same older list in several polls in a row, which was therefore taken.
    Rewound {
        /// The version that was held.
        from: Version,
        /// The version that is held now.
        to: Version,
    },
    /// It answers, but something could not be found out.
    Trouble(String),
    /// What could not be found out has been.
    TroubleOver,
}

/// Why a poll brought no answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// What is wrong, in a sentence.
    pub what: String,
    /// The address that was tried last, if it came to that.
    pub address: Option<SocketAddr>,
    /// How long it had, where that was too short.
    pub timeout: Option<Duration>,
}

/// What is known of one source.
///
/// Invariants: `last` is never empty and is replaced only by a newer good answer, or by one that was seen
/// [`STALE_POLLS`] times in a row; `doubted` is an answer that was seen fewer times than that.
#[derive(Debug, Clone)]
pub struct Source {
    last: Option<Cluster>,
    /// Counts the changes of `last`.
    revision: u64,
    doubted: Option<(Cluster, u32)>,
    health: Health,
    trouble: bool,
    since: Duration,
}

impl Source {
    /// A source whose last good answer may be known from before the start.
    pub fn new(last: Option<Cluster>) -> Self {
        Self {
            last,
            revision: 0,
            doubted: None,
            health: Health::Waiting,
            trouble: false,
            since: Duration::ZERO,
        }
    }

    /// The last good answer.
    pub fn last(&self) -> Option<&Cluster> {
        self.last.as_ref()
    }

    /// Another number for every change of [`Source::last`].
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How it is doing.
    pub fn health(&self) -> Health {
        self.health
    }

    /// Takes note of a poll's outcome, at `now` since the start.
    pub fn observe(&mut self, outcome: Result<Answer, Failure>, now: Duration) -> Vec<Event> {
        match outcome {
            Err(failure) => {
                self.doubted = None;
                self.turn(Health::Failing, now).map(|_| Event::Fails(failure)).into_iter().collect()
            }
            Ok(Answer::Unversioned { nodes, trouble }) => {
                self.count(nodes);
                let answers = self.turn(Health::Fresh, now).map(|after| Event::Answers { after });
                answers.into_iter().chain(self.note(trouble)).collect()
            }
            Ok(Answer::Versioned { cluster, filled: None, .. }) => {
                self.compare(cluster, now).into_iter().collect()
            }
            Ok(Answer::Versioned { cluster, filled: Some(nodes), trouble }) => {
                let filled = self.fill(&cluster, nodes);
                // An ip that was found out is no other answer, and needs no other version.
                if self.last.as_ref().is_some_and(|last| is_filled(last, &cluster)) {
                    self.hold(filled.clone());
                }
                let event = self.compare(filled, now);
                event.into_iter().chain(self.note(trouble)).collect()
            }
        }
    }

    /// The list with the ips that were found out; one that was not keeps what was known of it.
    fn fill(&self, cluster: &Cluster, mut nodes: Vec<Node>) -> Cluster {
        let last = self.last.as_ref().map_or(&[][..], |last| &last.nodes);
        for node in nodes.iter_mut().filter(|node| node.ip.is_empty()) {
            if let Some(known) = last.iter().find(|known| known.identity() == node.identity()) {
                node.ip = known.ip.clone();
            }
        }
        Cluster { version: cluster.version, nodes }
    }

    /// Takes note of what could not be found out; says when that begins and when it ends.
    fn note(&mut self, trouble: Option<String>) -> Option<Event> {
        let was_trouble = std::mem::replace(&mut self.trouble, trouble.is_some());
        match trouble {
            Some(what) if !was_trouble => Some(Event::Trouble(what)),
            None if was_trouble => Some(Event::TroubleOver),
            _ => None,
        }
    }

    fn hold(&mut self, cluster: Cluster) {
        if self.last.as_ref() != Some(&cluster) {
            self.last = Some(cluster);
            self.revision += 1;
        }
    }

    /// Takes a list without a version: its version is the count of its changes.
    fn count(&mut self, nodes: Vec<Node>) {
        let version = match &self.last {
            Some(last) if last.nodes == nodes => return,
            Some(last) => last.version.next(),
            None => Version::FIRST,
        };
        self.hold(Cluster { version, nodes });
    }

    /// Takes an endpoint's list if it is newer than the one that is held.
    fn compare(&mut self, cluster: Cluster, now: Duration) -> Option<Event> {
        let Some(last) =
            self.last.as_ref().filter(|last| **last != cluster && last.version >= cluster.version)
        else {
            self.doubted = None;
            self.hold(cluster);
            return self.turn(Health::Fresh, now).map(|after| Event::Answers { after });
        };
        let seen = match self.doubted.take() {
            Some((doubted, seen)) if doubted == cluster => seen + 1,
            _ => 1,
        };
        let (from, to) = (last.version, cluster.version);
        if seen >= STALE_POLLS {
            self.hold(cluster);
            self.turn(Health::Fresh, now);
            return Some(Event::Rewound { from, to });
        }
        self.doubted = Some((cluster, seen));
        self.turn(Health::Stale, now).map(|_| Event::Stale(to))
    }

    /// Changes the health. Some if it changed, with how long it had been bad.
    fn turn(&mut self, health: Health, now: Duration) -> Option<Option<Duration>> {
        if self.health == health {
            return None;
        }
        let was_bad = matches!(self.health, Health::Failing | Health::Stale);
        let after = was_bad.then(|| now.saturating_sub(self.since));
        self.health = health;
        self.since = now;
        Some(after)
    }
}

/// Whether `held` is the list that came, but for ips that it came without.
fn is_filled(held: &Cluster, came: &Cluster) -> bool {
    let same = |(held, came): (&Node, &Node)| {
        held.identity() == came.identity() && (held.ip == came.ip || came.ip.is_empty())
    };
    held.version == came.version
        && held.nodes.len() == came.nodes.len()
        && held.nodes.iter().zip(&came.nodes).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(version: u64, hosts: &str) -> Cluster {
        let nodes = hosts.split_whitespace().map(|host| Node::new(host, "", 11211)).collect();
        Cluster { version: Version::new(version).unwrap(), nodes }
    }

    struct Story(Source, Duration);

    impl Story {
        fn new() -> Self {
            Self(Source::new(None), Duration::ZERO)
        }

        fn answers(&mut self, version: u64, hosts: &str) -> Option<Event> {
            self.1 += Duration::from_secs(1);
            let cluster = cluster(version, hosts);
            self.0.observe(Ok(Answer::Versioned { cluster, filled: None, trouble: None }), self.1).pop()
        }

        fn fails(&mut self) -> Option<Event> {
            self.1 += Duration::from_secs(1);
            self.0.observe(Err(Failure::default()), self.1).pop()
        }

        #[track_caller]
        fn holds(&self, version: u64, hosts: &str) {
            assert_eq!(self.0.last(), Some(&cluster(version, hosts)));
        }
    }

    #[test]
    fn a_good_answer_outlives_failures_and_each_change_is_told_once() {
        let mut story = Story::new();
        assert_eq!(story.answers(5, "a b"), Some(Event::Answers { after: None }));
        assert_eq!(story.answers(5, "a b"), None);
        assert_eq!(story.fails(), Some(Event::Fails(Failure::default())));
        assert_eq!(story.fails(), None);
        story.holds(5, "a b");
        assert_eq!(story.answers(6, "a"), Some(Event::Answers { after: Some(Duration::from_secs(2)) }));
        story.holds(6, "a");
    }

    #[test]
    fn an_older_list_is_taken_the_third_time_in_a_row() {
        let mut story = Story::new();
        story.answers(9, "a b");
        assert_eq!(story.answers(2, "c"), Some(Event::Stale(Version::new(2).unwrap())));
        assert_eq!(story.answers(2, "c"), None);
        story.holds(9, "a b");
        let rewound = Event::Rewound { from: Version::new(9).unwrap(), to: Version::new(2).unwrap() };
        assert_eq!(story.answers(2, "c"), Some(rewound));
        story.holds(2, "c");
        assert_eq!(story.0.health(), Health::Fresh);
    }

    #[test]
    fn in_a_row_means_without_another_answer_or_a_failure_between() {
        let mut story = Story::new();
        story.answers(9, "a");
        for _ in 0..5 {
            story.answers(2, "c");
            story.answers(2, "c");
            story.fails();
            story.answers(2, "c");
            story.answers(3, "c");
            story.answers(2, "c");
            story.answers(9, "a");
        }
        story.holds(9, "a");
        assert_eq!(story.answers(10, "d"), None, "newer is taken at once");
        story.holds(10, "d");
    }

    #[test]
    fn another_list_under_the_same_version_is_doubted_too() {
        let mut story = Story::new();
        story.answers(9, "a b");
        assert_eq!(story.answers(9, "b a"), Some(Event::Stale(Version::new(9).unwrap())));
        story.answers(9, "b a");
        story.holds(9, "a b");
        story.answers(9, "b a");
        story.holds(9, "b a");
    }

    #[test]
    fn an_ip_that_was_found_out_is_taken_at_once_and_kept_when_it_is_lost() {
        let mut source = Source::new(None);
        let mut answers = |version: u64, ips: [&str; 2]| {
            let came = cluster(version, "a b");
            let filled =
                ["a", "b"].into_iter().zip(ips).map(|(host, ip)| Node::new(host, ip, 11211)).collect();
            let answer = Answer::Versioned { cluster: came, filled: Some(filled), trouble: None };
            let events = source.observe(Ok(answer), Duration::ZERO);
            let ips: Vec<_> = source.last().unwrap().nodes.iter().map(|node| node.ip.to_string()).collect();
            (events.len(), ips.join(" "))
        };
        assert_eq!(answers(5, ["10.0.0.1", ""]), (1, "10.0.0.1 ".into()));
        assert_eq!(answers(5, ["10.0.0.1", "10.0.0.2"]), (0, "10.0.0.1 10.0.0.2".into()));
        assert_eq!(answers(5, ["", ""]), (0, "10.0.0.1 10.0.0.2".into()));
        assert_eq!(answers(5, ["10.0.0.9", ""]), (0, "10.0.0.9 10.0.0.2".into()));
        assert_eq!(answers(6, ["", "10.0.0.3"]), (0, "10.0.0.9 10.0.0.3".into()));
    }

    #[test]
    fn trouble_is_told_when_it_begins_and_when_it_ends() {
        let mut source = Source::new(None);
        let mut answers = |trouble: Option<&str>| {
            let answer =
                Answer::Unversioned { nodes: cluster(0, "a").nodes, trouble: trouble.map(String::from) };
            source.observe(Ok(answer), Duration::ZERO)
        };
        assert_eq!(answers(Some("x")), [Event::Answers { after: None }, Event::Trouble("x".into())]);
        assert_eq!(answers(Some("x")), []);
        assert_eq!(answers(None), [Event::TroubleOver]);
        assert_eq!(answers(None), []);
    }

    #[test]
    fn a_list_without_a_version_counts_its_changes() {
        let mut source = Source::new(None);
        let mut answers = |hosts: &str, trouble: Option<&str>| {
            let nodes = cluster(0, hosts).nodes;
            let trouble = trouble.map(String::from);
            source.observe(Ok(Answer::Unversioned { nodes, trouble }), Duration::ZERO);
            source.last().unwrap().version.number()
        };
        assert_eq!(
            [answers("a", None), answers("a", Some("x")), answers("b", None), answers("a", None)],
            [1, 1, 2, 3]
        );
    }
}
