//! A session answers the same bytes however its input is cut, its replies are read or its upstream answers.
//!
//! The first byte of the input chooses what is served and how (see [`Story`]), the next ones the lengths of the
//! pieces that the rest arrives in.

use std::sync::LazyLock;

use bytes::Bytes;

use super::session_packets;
use crate::cluster::{Cluster, Node, Version};
use crate::limits::{LINE_BYTES_MAX, OWED_BYTES_MAX};
use crate::protocol::binary::REQUEST_MAGIC;
use crate::protocol::{Error, Parsed, answer, naive, reply};
use crate::session::{Command, Encoding, Farewell, Next, Outbox, ReplyKind, Session, Tally};
use crate::snapshot::Snapshot;

pub(super) const VERSION_REPLY: &str = "1.6.22";
pub(super) const STATS_ANSWER: &str = "STAT pid 1\r\nSTAT version 1.6.22\r\nEND\r\n";

static NO_LIST: LazyLock<Snapshot> = LazyLock::new(|| Snapshot::new(None, VERSION_REPLY));
static SHORT: LazyLock<Snapshot> = LazyLock::new(|| snapshot(2));
/// A reply of some 16 KiB, so that a few requests reach the bound on what is owed.
static LONG: LazyLock<Snapshot> = LazyLock::new(|| snapshot(400));

/// Talks to a session in the way that the head of `input` chooses, to another one in a single piece, and
/// asks the slow parser what both should have said.
pub fn session(input: &[u8]) {
    let Some((story, requests)) = Story::of(input) else { return };
    let whole = Talk::new(story).held(requests, &[]);
    let in_pieces = Talk::new(story).held(requests, story.pieces);
    assert_eq!(in_pieces, whole);
    if requests.first() == Some(&REQUEST_MAGIC) {
        assert_eq!(whole, session_packets::expected(&story, requests));
    } else {
        assert_eq!(whole, expected(&story, requests));
        replies(&whole, story.snapshot);
    }
}

/// What the fuzzer chose.
#[derive(Clone, Copy)]
pub(super) struct Story<'a> {
    pub(super) snapshot: &'static Snapshot,
    /// Whether an upstream answers `stats`; bit 2 of the first byte is set when none does.
    pub(super) answers_stats: bool,
    /// Whether what the session waits for comes only after one more piece of input; bit 3.
    late: bool,
    /// Lengths of the pieces, less one, over and over; bits 4 … 7 say how many there are.
    pieces: &'a [u8],
}

impl<'a> Story<'a> {
    fn of(input: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&first, rest) = input.split_first()?;
        let (pieces, requests) = rest.split_at_checked(usize::from(first >> 4))?;
        let snapshot = match first & 0b11 {
            0 => &*NO_LIST,
            1 => &*LONG,
            _ => &*SHORT,
        };
        Some((Self { snapshot, answers_stats: first & 4 == 0, late: first & 8 != 0, pieces }, requests))
    }
}

/// A session with everything around it.
struct Talk<'a> {
    story: Story<'a>,
    session: Session,
    outbox: Outbox,
    /// What the session waits for.
    waits: Option<Next>,
    said: Said,
}

/// What became of a session.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Said {
    pub(super) bytes: Vec<u8>,
    pub(super) tally: Tally,
    pub(super) farewell: Option<Farewell>,
    pub(super) unread: usize,
}

impl<'a> Talk<'a> {
    fn new(story: Story<'a>) -> Self {
        let (session, outbox) = (Session::default(), Outbox::default());
        Self { story, session, outbox, waits: None, said: Said::default() }
    }

    /// Sends `requests` in pieces of these lengths, or in one if there are none, until the session ends.
    fn held(mut self, requests: &[u8], pieces: &[u8]) -> Said {
        let mut rest = requests;
        let mut pieces = pieces.iter().cycle();
        while !rest.is_empty() && self.said.farewell.is_none() {
            let length = pieces.next().map_or(rest.len(), |piece| rest.len().min(usize::from(*piece) + 1));
            let (piece, after) = rest.split_at(length);
            rest = after;
            let late = self.waits.is_some();
            let next =
                self.session.receive(piece, self.story.snapshot, &mut self.outbox, &mut self.said.tally);
            assert!(!late || next == Next::More, "it took {next:?} while it had to wait");
            self.note(next);
            if late || !self.story.late {
                self.attend();
            }
        }
        self.attend();
        self.send(0);
        self.said.unread = self.session.unread();
        assert!(self.said.unread <= LINE_BYTES_MAX + 24, "a line or a packet without end waits for more");
        if self.said.farewell.is_some() {
            let before = (self.said.tally, self.session.unread());
            let next = self.session.receive(
                b"version\n",
                self.story.snapshot,
                &mut self.outbox,
                &mut self.said.tally,
            );
            assert_eq!(next, Next::More, "it goes on after its end");
            assert_eq!((self.said.tally, self.session.unread()), before);
            assert!(before.1 == 0 && self.outbox.is_empty());
        }
        self.said
    }

    /// Does what the session waits for until it waits for nothing.
    fn attend(&mut self) {
        while let Some(wait) = self.waits.take() {
            let snapshot = self.story.snapshot;
            let next = match wait {
                Next::Full => {
                    self.send(OWED_BYTES_MAX / 2);
                    self.session.resume(snapshot, &mut self.outbox, &mut self.said.tally)
                }
                Next::Stats(_) if self.story.answers_stats => {
                    let answer = Bytes::from_static(STATS_ANSWER.as_bytes());
                    self.session.answer(answer, snapshot, &mut self.outbox, &mut self.said.tally)
                }
                Next::Stats(_) => {
                    self.session.refuse(reply::NO_STATS, &mut self.outbox, &mut self.said.tally)
                }
                Next::More | Next::Close(_) => unreachable!("neither is noted as a wait"),
            };
            self.note(next);
        }
    }

    fn note(&mut self, next: Next) {
        let list = self.story.snapshot.list.as_ref();
        let longest = list.map_or(0, |list| list.value_cas.unit()).max(256);
        assert!(self.outbox.owed() < OWED_BYTES_MAX + longest, "{} bytes owed", self.outbox.owed());
        match next {
            Next::More => {}
            Next::Full | Next::Stats(_) => self.waits = Some(next),
            Next::Close(farewell) => self.said.farewell = Some(farewell),
        }
    }

    /// The client reads until there is room, and on until no more than `left` bytes are owed.
    fn send(&mut self, left: usize) {
        while !self.outbox.is_empty() && (self.outbox.owed() > left || !self.outbox.has_room()) {
            let piece = self.outbox.piece();
            assert!(!piece.is_empty() && piece.len() <= self.outbox.owed());
            // A short send of a length that is seldom a whole reply, and not of the first piece only.
            let length = piece.len().min(if self.story.late { 4099 } else { usize::MAX });
            self.said.bytes.extend_from_slice(&piece[..length]);
            self.outbox.sent(length);
        }
        assert_eq!(self.outbox.is_empty(), self.outbox.owed() == 0);
    }
}

/// What the session should say, from the slow parser and the description of the replies.
fn expected(story: &Story<'_>, requests: &[u8]) -> Said {
    let mut said = Said::default();
    let mut rest = requests;
    while let (None, Some((line, used))) = (said.farewell, naive::parse(rest)) {
        rest = &rest[used..];
        let list = story.snapshot.list.as_ref();
        let tally = &mut said.tally;
        let (command, kind, reply) = match line.as_deref() {
            Ok("config") => (Command::ConfigGet, ReplyKind::List, list.map(|list| list.config.once())),
            Ok("config other") => (Command::Absent, ReplyKind::Miss, Some(&b"END\r\n"[..])),
            Ok("legacy") => (Command::Get, ReplyKind::Value, list.map(|list| list.value.once())),
            Ok("legacy cas") => (Command::Get, ReplyKind::Value, list.map(|list| list.value_cas.once())),
            Ok("version") => (Command::Version, ReplyKind::Version, Some(&b"VERSION 1.6.22\r\n"[..])),
            Ok("quit") => {
                tally.asked(Encoding::Ascii, Command::Other);
                said.farewell = Some(Farewell::AtOnce);
                break;
            }
            Ok(_) => {
                let answer = Some(STATS_ANSWER.as_bytes()).filter(|_| story.answers_stats);
                (Command::Stats, ReplyKind::Stats, answer)
            }
            Err(error) => {
                let ends = matches!(error, Error::LineTooLong | Error::Unsupported);
                said.farewell = ends.then_some(Farewell::Linger);
                (Command::Invalid, kind(*error), Some(error.line().as_bytes()))
            }
        };
        let (missing, missing_kind) = if command == Command::Stats {
            (reply::NO_STATS, ReplyKind::NoStats)
        } else {
            (reply::NO_LIST, ReplyKind::NoList)
        };
        tally.asked(Encoding::Ascii, command);
        tally.replied(if reply.is_none() { missing_kind } else { kind });
        if reply.is_none() {
            said.farewell = Some(Farewell::Linger);
        }
        said.bytes.extend_from_slice(reply.unwrap_or(missing.as_bytes()));
    }
    said.unread = if said.farewell.is_some() { 0 } else { rest.len() };
    said
}

fn kind(error: Error) -> ReplyKind {
    let kinds = [
        (Error::Empty, ReplyKind::EmptyLine),
        (Error::LineTooLong, ReplyKind::TooLong),
        (Error::Unsupported, ReplyKind::Unsupported),
        (Error::BadStats, ReplyKind::Malformed),
    ];
    kinds.iter().find(|(known, _)| *known == error).map_or(ReplyKind::StatsChange, |(_, kind)| *kind)
}

/// A client can tell the replies apart: there are as many as requests, and the lists are what is served.
fn replies(said: &Said, snapshot: &Snapshot) {
    let mut rest = &said.bytes[..];
    let mut count = 0;
    while !rest.is_empty() {
        count += 1;
        rest = &rest[one(rest, snapshot)..];
    }
    // `quit` is not answered.
    assert_eq!(count, said.tally.requests() - said.tally.of(Command::Other));
    assert_eq!(count, said.tally.replies.iter().sum::<u64>());
}

/// Length of the first reply in `bytes`.
fn one(bytes: &[u8], snapshot: &Snapshot) -> usize {
    let starts = |word: &str| bytes.starts_with(word.as_bytes());
    if starts("CONFIG cluster 0 ") || starts("VALUE AmazonElastiCache:cluster 0 ") {
        let Parsed::Complete { value, used } = answer::parse(bytes) else { panic!("a list without its end") };
        assert_eq!(value.as_ref().ok(), snapshot.list.as_ref().map(|list| &list.cluster));
        return used;
    }
    if starts("STAT ") {
        assert!(starts(STATS_ANSWER));
        return STATS_ANSWER.len();
    }
    let end = bytes.windows(2).position(|pair| pair == b"\r\n").expect("a reply ends its line");
    let known = ["VERSION 1.6.22\r\n", "END\r\n", "ERROR\r\n", "CLIENT_ERROR ", "SERVER_ERROR "];
    assert!(known.into_iter().any(starts), "{:?}", String::from_utf8_lossy(&bytes[..end]));
    end + 2
}

fn snapshot(nodes: u16) -> Snapshot {
    let node =
        |n| Node::new(format!("node-{n}.cache.example"), format!("10.0.{}.{}", n / 256, n % 256), 11211);
    let nodes = (0..nodes).map(node).collect();
    let version = Version::new(7).expect("7 is a version that clients can hold");
    Snapshot::new(Some(Cluster { version, nodes }), VERSION_REPLY)
}
