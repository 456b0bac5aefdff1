//! A source from poll to poll.

use super::*;
use crate::limits::DROP_POLLS;

fn cluster(version: u64, hosts: &str) -> Cluster {
    let nodes = hosts.split_whitespace().map(|host| Node::new(host, "", 11211)).collect();
    Cluster { version: Version::new(version).unwrap(), nodes }
}

struct Story(Source, Duration);

impl Story {
    fn new() -> Self {
        Self(Source::new(Terms::default(), None, None), Duration::ZERO)
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
    let mut source = Source::new(Terms::default(), None, None);
    let mut answers = |version: u64, ips: [&str; 2]| {
        let came = cluster(version, "a b");
        let filled = ["a", "b"].into_iter().zip(ips).map(|(host, ip)| Node::new(host, ip, 11211)).collect();
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
    let mut source = Source::new(Terms::default(), None, None);
    let mut answers = |trouble: Option<&str>| {
        let answer = Answer::Unversioned { nodes: cluster(0, "a").nodes, trouble: trouble.map(String::from) };
        source.observe(Ok(answer), Duration::ZERO)
    };
    assert_eq!(answers(Some("x")), [Event::Answers { after: None }, Event::Trouble("x".into())]);
    assert_eq!(answers(Some("x")), []);
    assert_eq!(answers(None), [Event::TroubleOver]);
    assert_eq!(answers(None), []);
}

#[test]
fn a_list_without_a_version_counts_its_changes() {
    let mut source = Source::new(Terms::default(), None, None);
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

/// A guarded source with these hosts, under version 5.
fn guarded(share: &str, hosts: &str) -> Story {
    let max_shrink = Share::new(share).unwrap();
    let terms = Terms { max_shrink, drop_after: Some(Duration::from_secs(10)) };
    Story(Source::new(terms, Some(cluster(5, hosts)), None), Duration::ZERO)
}

#[test]
fn a_list_that_shrinks_too_much_is_told_once_and_taken_the_third_time() {
    let mut story = guarded("50%", "a b c d");
    assert_eq!(story.answers(6, "a"), Some(Event::Shrinks { removed: 3, of: 4 }));
    assert_eq!(story.0.health(), Health::Shrunk);
    assert_eq!(story.answers(6, "a"), None);
    story.holds(5, "a b c d");
    assert_eq!(story.answers(6, "a"), Some(Event::Shrank { removed: 3, of: 4 }));
    story.holds(6, "a");
    assert_eq!(story.0.health(), Health::Fresh);
}

#[test]
fn nodes_are_counted_once_and_by_their_identity() {
    let mut story = guarded("50%", "a a a b");
    assert_eq!(story.answers(6, "a"), Some(Event::Answers { after: None }), "one of two");
    let mut story = guarded("1%", "a b");
    let moved = vec![Node::new("b", "10.0.0.9", 11211), Node::new("a", "", 11211)];
    let cluster = Cluster { version: Version::new(6).unwrap(), nodes: moved };
    let answer = Answer::Versioned { cluster: cluster.clone(), filled: None, trouble: None };
    story.0.observe(Ok(answer), Duration::ZERO);
    assert_eq!(story.0.last(), Some(&cluster), "another ip or place removes no node");
}

#[test]
fn an_older_list_that_is_also_shorter_is_doubted_for_its_age() {
    let mut story = guarded("50%", "a b c");
    assert_eq!(story.answers(4, "a"), Some(Event::Stale(Version::new(4).unwrap())));
    assert_eq!(story.answers(6, "a"), Some(Event::Shrinks { removed: 2, of: 3 }), "the same list, once more");
    assert_eq!(story.answers(7, "a"), Some(Event::Shrank { removed: 2, of: 3 }));
}

#[test]
fn a_silence_is_told_as_it_goes() {
    let mut story = guarded("off", "a");
    let revision = story.0.revision();
    for _ in 0..9 {
        story.fails();
        assert_eq!(story.0.give_up(story.1, false), None);
    }
    assert_eq!(story.0.revision(), revision + 1, "that it began is to be remembered");
    story.fails();
    let after = Duration::from_secs(10);
    assert_eq!(story.0.give_up(story.1, false), Some(Event::Spared { after }));
    assert_eq!(story.0.give_up(story.1, false), None);
    for _ in 0..DROP_POLLS {
        assert_eq!(story.0.give_up(story.1, true), None, "not its own failures so far");
        story.0.witness(true);
    }
    assert_eq!(story.0.give_up(story.1, true), Some(Event::Dropped { after }));
    assert_eq!(story.0.give_up(story.1, true), None, "it is done");
    assert_eq!(story.answers(5, "a"), Some(Event::Returns));
    assert!(!story.0.is_dropped() && story.0.carried(story.1).is_none());
}
