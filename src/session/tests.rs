//! The session as its owner sees it.

use super::*;
use crate::cluster::{Cluster, Node, Version};
use crate::limits::OWED_BYTES_MAX;

const REPLY: &str = "CONFIG cluster 0 19\r\n7\na|10.0.0.1|11211\n\r\nEND\r\n";

pub(super) fn snapshot() -> Snapshot {
    let nodes = vec![Node::new("a", "10.0.0.1", 11211)];
    Snapshot::new(Some(Cluster { version: Version::new(7).unwrap(), nodes }), "1.6.22")
}

/// A session with everything around it, which sends at once unless told otherwise.
pub(super) struct Client {
    session: Session,
    snapshot: Snapshot,
    pub(super) outbox: Outbox,
    tally: Tally,
}

impl Client {
    pub(super) fn new(snapshot: Snapshot) -> Self {
        Self { session: Session::default(), snapshot, outbox: Outbox::default(), tally: Tally::default() }
    }

    fn receive(&mut self, input: &str) -> Next {
        self.receive_bytes(input.as_bytes())
    }

    pub(super) fn receive_bytes(&mut self, input: &[u8]) -> Next {
        self.session.receive(input, &self.snapshot, &mut self.outbox, &mut self.tally)
    }

    pub(super) fn resume(&mut self) -> Next {
        self.session.resume(&self.snapshot, &mut self.outbox, &mut self.tally)
    }

    pub(super) fn answer(&mut self, answer: &'static str) -> Next {
        let answer = Bytes::from_static(answer.as_bytes());
        self.session.answer(answer, &self.snapshot, &mut self.outbox, &mut self.tally)
    }

    fn sent(&mut self) -> String {
        String::from_utf8(self.sent_bytes()).unwrap()
    }

    pub(super) fn sent_bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while !self.outbox.is_empty() {
            bytes.extend_from_slice(self.outbox.piece());
            self.outbox.sent(self.outbox.piece().len());
        }
        bytes
    }
}

#[test]
fn answers_each_request_in_order() {
    let mut client = Client::new(snapshot());
    let next = client
        .receive("version\r\nconfig get cluster\r\n\r\nconfig get other\r\nget AmazonElastiCache:cluster\n");
    assert_eq!(next, Next::More);
    let value = "VALUE AmazonElastiCache:cluster 0 19\r\n7\na|10.0.0.1|11211\n\r\nEND\r\n";
    assert_eq!(client.sent(), format!("VERSION 1.6.22\r\n{REPLY}ERROR\r\nEND\r\n{value}"));
    use {Command as C, ReplyKind as R};
    let mut expected = Tally::default();
    for command in [C::Version, C::ConfigGet, C::Invalid, C::Absent, C::Get] {
        expected.asked(Encoding::Ascii, command);
    }
    for kind in [R::Version, R::List, R::EmptyLine, R::Miss, R::Value] {
        expected.replied(kind);
    }
    assert_eq!(client.tally, expected);
    assert_eq!((expected.requests(), expected.lists()), (5, 2));
}

#[test]
fn eight_requests_in_one_segment_are_one_piece() {
    let mut client = Client::new(snapshot());
    client.receive(&"config get cluster\r\n".repeat(8));
    assert_eq!(client.outbox.piece(), REPLY.repeat(8).as_bytes());
}

#[test]
fn a_request_may_come_in_two_pieces_or_in_twenty() {
    let input = "config get cluster \r\n";
    for cut in 1..input.len() {
        let mut client = Client::new(snapshot());
        assert_eq!(client.receive(&input[..cut]), Next::More);
        assert!(client.outbox.is_empty());
        assert_eq!(client.receive(&input[cut..]), Next::More);
        assert_eq!(client.sent(), REPLY);
        assert_eq!(client.session.unread(), 0);
    }
    let mut client = Client::new(snapshot());
    for at in 0..input.len() {
        client.receive(&input[at..=at]);
    }
    assert_eq!(client.sent(), REPLY);
}

#[test]
fn quit_ends_it_and_what_follows_is_ignored() {
    let mut client = Client::new(snapshot());
    assert_eq!(client.receive("version\r\nquit\r\nversion\r\n"), Next::Close(Farewell::AtOnce));
    assert_eq!(client.receive("version\r\n"), Next::More);
    assert_eq!(client.sent(), "VERSION 1.6.22\r\n");
}

#[test]
fn what_it_does_not_serve_is_said_and_ends_it() {
    let mut client = Client::new(snapshot());
    assert_eq!(client.receive("set a 0 0 4\r\nquit\r\n"), Next::Close(Farewell::Linger));
    assert!(client.sent().starts_with("SERVER_ERROR mimikyu serves only "));
}

#[test]
fn without_a_list_only_the_list_is_refused() {
    let mut client = Client::new(Snapshot::new(None, "1.6.22"));
    assert_eq!(client.receive("version\r\nconfig get x\r\n"), Next::More);
    assert_eq!(client.sent(), "VERSION 1.6.22\r\nEND\r\n");
    assert_eq!(client.receive("config get cluster\r\n"), Next::Close(Farewell::Linger));
    assert_eq!(client.sent(), reply::NO_LIST);
}

#[test]
fn what_follows_stats_waits_for_its_answer() {
    let mut client = Client::new(snapshot());
    assert_eq!(client.receive("version\r\nstats  items \r\nversion\r\nconf"), Next::Stats("items".into()));
    assert_eq!(client.receive("ig get cluster\r\n"), Next::More);
    assert_eq!(client.sent(), "VERSION 1.6.22\r\n");
    assert_eq!(client.answer("STAT items:1:number 1\r\nEND\r\n"), Next::More);
    assert_eq!(client.sent(), format!("STAT items:1:number 1\r\nEND\r\nVERSION 1.6.22\r\n{REPLY}"));
}

#[test]
fn stats_without_an_answer_ends_it() {
    let mut client = Client::new(snapshot());
    client.receive("stats\r\nversion\r\n");
    assert_eq!(
        client.session.refuse(reply::NO_STATS, &mut client.outbox, &mut client.tally),
        Next::Close(Farewell::Linger)
    );
    assert_eq!(client.sent(), reply::NO_STATS);
}

#[test]
fn who_does_not_read_is_owed_a_bounded_amount() {
    let mut client = Client::new(snapshot());
    let requests = OWED_BYTES_MAX.div_ceil(REPLY.len()) + 1;
    assert_eq!(client.receive(&"config get cluster\n".repeat(requests)), Next::Full);
    assert!(client.outbox.owed() < OWED_BYTES_MAX + REPLY.len());
    assert_eq!(client.session.unread(), "config get cluster\n".len());
    assert_eq!(client.sent(), REPLY.repeat(requests - 1));
    assert_eq!(client.resume(), Next::More);
    assert_eq!(client.sent(), REPLY);
}

#[test]
fn an_idle_client_is_small() {
    assert!(
        size_of::<Session>() + size_of::<Outbox>() <= 128,
        "{} + {}",
        size_of::<Session>(),
        size_of::<Outbox>()
    );
}
