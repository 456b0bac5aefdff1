//! Other configurations while it runs.

use super::*;
use crate::cluster::{Node, Version};
use crate::config::Share;

const RULES: Rules = Rules { require: Require::Any, version_base: 1000 };

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn answer(version: u64, hosts: &str) -> Result<Answer, Failure> {
    let nodes = hosts.split(' ').map(|host| Node::new(host, "10.0.0.1", 11211)).collect();
    let cluster = Cluster { version: Version::new(version).unwrap(), nodes };
    Ok(Answer::Versioned { cluster, filled: None, trouble: None })
}

/// A ledger whose sources have answered version 5, 6, … and these hosts.
fn ledger(rules: Rules, terms: Terms, lists: &[&str]) -> Ledger {
    let sources = lists.iter().map(|_| Source::new(terms, None, None)).collect();
    let mut ledger = Ledger::new(rules, sources, None, None).0;
    for (index, hosts) in lists.iter().enumerate() {
        ledger.observe(index, answer(5 + index as u64, hosts), s(1));
    }
    assert!(ledger.is_published());
    ledger
}

fn renew(ledger: &mut Ledger, origins: &[Origin]) -> Option<String> {
    let sources = origins.iter().map(|&origin| (Terms::default(), origin)).collect();
    let publication = ledger.renew(ledger.rules, sources, s(2));
    publication.map(|publication| shown(&publication.cluster))
}

fn says(ledger: &mut Ledger, source: usize, version: u64, hosts: &str) -> Option<String> {
    let observed = ledger.observe(source, answer(version, hosts), s(3));
    observed.publication.map(|publication| shown(&publication.cluster))
}

/// `VERSION: HOST HOST`.
fn shown(cluster: &Cluster) -> String {
    let hosts: Vec<_> = cluster.nodes.iter().map(|node| &*node.host).collect();
    format!("{}: {}", cluster.version, hosts.join(" "))
}

use Origin::{Kept, New, Replaces};

#[test]
fn a_source_that_goes_takes_its_nodes_and_the_version_rises_though_the_sum_falls() {
    let mut ledger = ledger(RULES, Terms::default(), &["a", "b"]);
    assert_eq!(shown(ledger.served().unwrap()), "1011: a b");
    assert_eq!(renew(&mut ledger, &[Kept(0), Kept(1)]), None);
    assert_eq!(renew(&mut ledger, &[Kept(1), Kept(0)]).unwrap(), "1012: b a");
    assert_eq!(renew(&mut ledger, &[Kept(0)]).unwrap(), "1013: b");
    assert_eq!(renew(&mut ledger, &[Kept(0), New]), None, "nothing is known of it");
    assert_eq!(says(&mut ledger, 0, 7, "b c").unwrap(), "1014: b c", "and it holds up nobody");
    assert_eq!(says(&mut ledger, 1, 1, "d").unwrap(), "1015: b c d");
}

#[test]
fn a_source_that_is_swapped_for_another_stays_until_that_has_answered_or_the_grace_is_over() {
    for answers in [true, false] {
        let mut ledger = ledger(RULES, Terms::default(), &["a", "b"]);
        assert_eq!(renew(&mut ledger, &[New, Kept(1)]), None);
        assert!(ledger.is_held() && !ledger.is_settled());
        assert_eq!(says(&mut ledger, 1, 7, "b"), None);
        let list = if answers { says(&mut ledger, 0, 1, "c") } else { None };
        let end = ledger.end_grace().map(|publication| shown(&publication.cluster));
        let expected = if answers { "1012: c b" } else { "1012: b" };
        assert_eq!(list.or(end).unwrap(), expected);
        assert!(!ledger.is_held());
    }
}

#[test]
fn where_no_source_has_answered_the_last_list_stays() {
    let mut ledger = ledger(RULES, Terms::default(), &["a", "b"]);
    assert_eq!(renew(&mut ledger, &[New]), None);
    assert_eq!(ledger.end_grace(), None);
    assert!(ledger.is_held());
    assert_eq!(says(&mut ledger, 0, 1, "c").unwrap(), "1012: c");
}

#[test]
fn the_list_of_the_place_before_stands_in_until_the_new_place_has_answered() {
    let strict = Terms { max_shrink: Share::new("10%").unwrap(), drop_after: None };
    let mut ledger = ledger(RULES, strict, &["a1 a2 a3"]);
    let sources = |origin| vec![(strict, origin)];
    assert_eq!(ledger.renew(RULES, sources(Replaces(0)), s(2)), None);
    assert!(ledger.sources()[0].is_stand_in());
    assert!(ledger.observe(0, Err(Failure::default()), s(3)).publication.is_none());
    assert_eq!(ledger.renew(RULES, sources(Kept(0)), s(3)), None, "it is a stand-in still");
    // Older and shorter, and of another cluster: no reason for doubt.
    assert_eq!(says(&mut ledger, 0, 1, "b").unwrap(), "1006: b");
    assert!(!ledger.sources()[0].is_stand_in());
    assert_eq!(says(&mut ledger, 0, 1, "c"), None, "that is a reason again");
}

#[test]
fn the_same_list_at_another_place_is_to_be_remembered_once_it_has_answered() {
    let mut ledger = ledger(RULES, Terms::default(), &["a"]);
    renew(&mut ledger, &[Replaces(0)]);
    let observed = ledger.observe(0, answer(5, "a"), s(3));
    assert_eq!((observed.publication, observed.is_news), (None, true));
}

#[test]
fn with_every_source_required_the_list_stays_until_all_have_answered() {
    let mut ledger = ledger(Rules { require: Require::All, ..RULES }, Terms::default(), &["a", "b"]);
    assert_eq!(renew(&mut ledger, &[Kept(0), New]), None);
    assert_eq!(ledger.end_grace(), None);
    assert!(ledger.is_held());
    assert_eq!(says(&mut ledger, 1, 1, "c").unwrap(), "1012: a c");
}

#[test]
fn nodes_that_were_dropped_do_not_come_back_with_another_place() {
    let terms = Terms { drop_after: Some(s(10)), ..Terms::default() };
    let mut ledger = ledger(RULES, terms, &["a", "b"]);
    for now in [20, 30, 40] {
        ledger.observe(1, answer(6, "b"), s(now));
        ledger.observe(0, Err(Failure::default()), s(now));
    }
    assert_eq!(shown(ledger.served().unwrap()), "1012: b");
    let mut kept = ledger.clone();
    let sources = vec![(terms, Replaces(0)), (terms, Kept(1))];
    assert_eq!(ledger.renew(RULES, sources, s(50)), None);
    assert_eq!(renew(&mut kept, &[Kept(0), Kept(1)]).unwrap(), "1013: a b", "nothing is dropped any more");
}
