//! What clients say to a session in the benches and the counting test, and what they must get for it.

#![allow(dead_code, reason = "no one of them needs all of it")]

use std::hint::black_box;

use mimikyu::protocol::Error;
use mimikyu::session::{Farewell, Next, Outbox, Session, Tally};
use mimikyu::snapshot::{List, Snapshot};

/// One client's input, in the pieces that it comes in.
#[derive(Debug)]
pub struct Conversation {
    pub name: &'static str,
    pub pieces: Vec<Vec<u8>>,
    /// Requests in all pieces.
    pub requests: u64,
    /// The last thing that the session says, and the bytes that the client gets.
    pub expected: (Next, usize),
    /// Whether it ends the session, so that each one needs a session of its own.
    pub ends: bool,
}

/// The snapshot that answers: eight nodes.
pub fn snapshot() -> Snapshot {
    Snapshot::new(Some(crate::lists::cluster(7, "node", 8)), "1.6.22")
}

/// The one of this name.
pub fn named(name: &str, snapshot: &Snapshot) -> Conversation {
    let found = all(snapshot).into_iter().find(|conversation| conversation.name == name);
    found.unwrap_or_else(|| panic!("no conversation has the name {name}"))
}

/// All of them.
pub fn all(snapshot: &Snapshot) -> Vec<Conversation> {
    let list: &List = snapshot.list.as_ref().expect("it was made with a list");
    let (config, value, version) = (list.config.unit(), list.value.unit(), snapshot.version.unit());
    // Header and flags before the list.
    let packet = 24 + 4 + list.payload.len();
    let ask = &b"config get cluster\r\n"[..];
    let legacy = &b"get AmazonElastiCache:cluster\r\n"[..];
    let binary =
        [&[0x80, 0x60, 0, 7, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], &b"cluster"[..]];
    let binary = &binary.concat()[..];
    let mixed = [ask, b"version\r\n", legacy].concat();
    let open = |name, pieces: &[&[u8]], requests, bytes| Conversation {
        name,
        pieces: pieces.iter().map(|piece| piece.to_vec()).collect(),
        requests,
        expected: (Next::More, bytes),
        ends: false,
    };
    let ended = |name, piece: &[u8], farewell, bytes| Conversation {
        name,
        pieces: vec![piece.to_vec()],
        requests: 1,
        expected: (Next::Close(farewell), bytes),
        ends: true,
    };
    vec![
        open("one", &[ask], 1, config),
        open("one_in_two_pieces", &[&ask[..18], &ask[18..]], 1, config),
        open("one_and_another_after_it", &[ask, ask], 2, 2 * config),
        open("pipelined_16", &[&ask.repeat(16)], 16, 16 * config),
        open("pipelined_12_of_three_kinds", &[&mixed.repeat(4)], 12, 4 * (config + version + value)),
        open("legacy_get", &[legacy], 1, value),
        open("version", &[b"version\r\n"], 1, version),
        open("miss", &[b"config get other\r\n"], 1, "END\r\n".len()),
        open("empty_line", &[b"\r\n"], 1, "ERROR\r\n".len()),
        open("binary_one", &[binary], 1, packet),
        open("binary_pipelined_16", &[&binary.repeat(16)], 16, 16 * packet),
        // What most clients do: a session of its own for a single question.
        ended("connect_ask_quit", &[ask, b"quit\r\n"].concat(), Farewell::AtOnce, config),
        ended(
            "unknown_command",
            b"set a 0 0 4\r\nquit\r\n",
            Farewell::Linger,
            Error::Unsupported.line().len(),
        ),
    ]
}

/// What one connection does with all its input: the last thing the session says, and the bytes sent.
pub fn talk(
    session: &mut Session,
    outbox: &mut Outbox,
    snapshot: &Snapshot,
    pieces: &[Vec<u8>],
) -> (Next, usize) {
    let mut tally = Tally::default();
    let mut next = Next::More;
    let mut sent = 0;
    for piece in pieces {
        next = session.receive(piece, snapshot, outbox, &mut tally);
        while !outbox.is_empty() {
            let length = black_box(outbox.piece()).len();
            outbox.sent(length);
            sent += length;
        }
    }
    black_box(tally);
    (next, sent)
}
