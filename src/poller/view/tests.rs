//! What is seen of a source after each kind of poll, and of the list.

use super::super::ledger::Rules;
use super::super::source::{Carried, Failure, Terms};
use super::*;
use crate::cluster::{Cluster, Version};
use crate::config::{HostPort, Require, Share, SourceKind};
use crate::upstream::Answer;

#[test]
fn a_silence_that_began_before_the_start_is_the_age_of_the_last_good_answer() {
    let terms = Terms { drop_after: Some(Duration::from_secs(3600)), ..Terms::default() };
    let mut stage = Stage::new(&["a"], terms);
    let carried = Some(Carried { lasting: Duration::from_secs(90), dropped: false });
    let (ledger, _) = Ledger::new(
        Rules { require: Require::Any, version_base: 1 },
        vec![Source::new(terms, None, carried)],
        None,
        None,
    );
    stage.ledger = ledger;
    assert_eq!(stage.view.sources(stage.now())[0].last_good_age, None);
    stage.view = View::default();
    stage.renew(&[]);
    assert_eq!(stage.poll(0, Err(Failure::default())).last_good_age, Some(91.0));
    // A reload does not forget it.
    stage.renew(&[Origin::Kept(0)]);
    assert_eq!(stage.poll(0, Err(Failure::default())).last_good_age, Some(92.0));
}

/// A view of sources that are asked by hand, a second a poll.
struct Stage {
    ledger: Ledger,
    configured: Vec<config::Source>,
    view: View,
    start: Instant,
    second: u64,
}

impl Stage {
    fn new(names: &[&str], terms: Terms) -> Self {
        let target = |name: &str| SourceKind::Endpoint(HostPort { host: name.into(), port: 1 });
        let configured: Vec<_> = names.iter().map(|name| config::Source::new(*name, target(name))).collect();
        let sources = names.iter().map(|_| Source::new(terms, None, None)).collect();
        let (ledger, _) = Ledger::new(Rules { require: Require::Any, version_base: 1 }, sources, None, None);
        let mut stage = Self { ledger, configured, view: View::default(), start: Instant::now(), second: 0 };
        stage.renew(&[]);
        stage
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_secs(self.second)
    }

    fn renew(&mut self, origins: &[Origin]) {
        let next_polls = self.configured.iter().map(|_| NextPoll::default());
        self.view.renew(&self.configured, origins, &self.ledger, next_polls, self.now());
    }

    fn poll(&mut self, source: usize, outcome: Result<Answer, Failure>) -> status::Source {
        self.second += 1;
        let failure = outcome.as_ref().err().map(|failure| failure.what.clone());
        let observed = self.ledger.observe(source, outcome, Duration::from_secs(self.second));
        let address = failure.is_none().then(|| ([127, 0, 0, 1], 9).into());
        let poll = Poll::new(failure, &observed.events, address);
        self.view.polled(source, &self.ledger.sources()[source], poll, self.now());
        self.view.attribute(&self.ledger);
        self.view.sources(self.now()).remove(source)
    }
}

fn list(version: u64, hosts: &str) -> Result<Answer, Failure> {
    let nodes = hosts.split(' ').map(|host| Node::new(host, "", 1)).collect();
    let cluster = Cluster { version: Version::new(version).unwrap(), nodes };
    Ok(Answer::Versioned { cluster, filled: None, trouble: None })
}

fn failure(what: &str) -> Result<Answer, Failure> {
    Err(Failure { what: what.into(), ..Failure::default() })
}

#[test]
fn polls_are_counted_by_what_came_of_them_and_ages_go_on_by_themselves() {
    let half = Share::new("50%").unwrap();
    let mut stage = Stage::new(&["a"], Terms { max_shrink: half, drop_after: None });
    assert_eq!(stage.view.missing(), ["a"]);
    let seen = |stage: &Stage| stage.view.sources(stage.now()).remove(0);
    assert_eq!((seen(&stage).state, seen(&stage).version), (State::Waiting, None));
    let good = stage.poll(0, list(5, "x y z"));
    assert_eq!((good.state, good.version, good.nodes), (State::Fresh, Some(5), 3));
    assert_eq!((good.last_good_age, good.last_error), (Some(0.0), None));
    assert_eq!(good.address, Some(([127, 0, 0, 1], 9).into()));
    let stale = stage.poll(0, list(4, "q"));
    assert_eq!((stale.state, stale.polls_doubted, stale.last_good_age), (State::Stale, 1, Some(1.0)));
    assert!(stale.last_error.unwrap().what.contains("version 4"));
    let shrunk = stage.poll(0, list(6, "x"));
    assert_eq!(shrunk.state, State::Shrunk);
    assert!(shrunk.last_error.unwrap().what.contains("lacks 2 of 3 nodes"));
    let shrunk = stage.poll(0, list(6, "x"));
    assert_eq!(shrunk.last_error.unwrap().age, 0.0, "it is still so");
    let failing = stage.poll(0, failure("connection refused"));
    assert_eq!((failing.state, failing.polls_failed, failing.nodes), (State::Failing, 1, 3));
    assert_eq!(failing.address, Some(([127, 0, 0, 1], 9).into()), "who answered last");
    let again = stage.poll(0, list(7, "x y z"));
    assert_eq!((again.polls_good, again.polls_doubted, again.polls_failed), (2, 3, 1));
    stage.second += 10;
    let later = seen(&stage);
    let error = later.last_error.unwrap();
    assert_eq!((error.what.as_str(), error.age), ("connection refused", 11.0));
    assert_eq!((later.state_age, later.last_good_age), (10.0, Some(10.0)));
}

#[test]
fn nodes_have_the_sources_that_list_them_and_a_dropped_one_has_none() {
    let mut stage =
        Stage::new(&["a", "b"], Terms { drop_after: Some(Duration::from_secs(3)), ..Terms::default() });
    stage.poll(0, list(1, "x y"));
    stage.poll(1, list(1, "y z"));
    let owners = |stage: &Stage| (0..3).map(|place| stage.view.owners(place).join("+")).collect::<Vec<_>>();
    assert_eq!(owners(&stage), ["a", "a+b", "b"]);
    let mut last = State::Waiting;
    for version in 2..6 {
        stage.poll(1, list(version, "y z"));
        last = stage.poll(0, failure("refused")).state;
    }
    assert_eq!(last, State::Dropped);
    assert_eq!(owners(&stage), ["b", "b", ""]);
}

#[test]
fn a_source_that_stays_keeps_its_record_and_another_place_begins_anew() {
    let mut stage = Stage::new(&["a", "b"], Terms::default());
    stage.poll(0, list(1, "x"));
    stage.poll(1, list(1, "y"));
    let origins = [Origin::Kept(1), Origin::Replaces(0)];
    stage.ledger.renew(
        Rules { require: Require::Any, version_base: 1 },
        origins.map(|origin| (Terms::default(), origin)).to_vec(),
        Duration::from_secs(2),
    );
    stage.configured.swap(0, 1);
    stage.renew(&origins);
    let sources = stage.view.sources(stage.now());
    let seen = sources.iter().map(|source| (source.name.as_str(), source.polls_good, source.is_stand_in));
    assert_eq!(seen.collect::<Vec<_>>(), [("b", 1, false), ("a", 0, true)]);
    assert_eq!(sources[1].state, State::Waiting);
}
