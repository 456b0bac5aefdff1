//! One client without its socket: bytes and a snapshot in, bytes to send and what to do next out.
//!
//! The worker, the fuzzer, the benches and the golden scripts all call the same functions.
//! Knows no sockets, clocks or threads, and counts into a plain [`Tally`].
//!
//! ```text
//!  receive ──▶ parse ──▶ reply ──▶ outbox ──▶ More      every request in the input was answered
//!                 │        │         └──────▶ Full      owes too much: `resume` when some was sent
//!                 │        └────────────────▶ Stats     asks an upstream: `answer` when it has answered
//!                 └─────────────────────────▶ Close     `quit`, or what can't be followed by a command
//! ```

mod ascii;
mod binary;
mod outbox;
mod tally;

use bytes::{Buf, Bytes, BytesMut};

pub use outbox::Outbox;
pub use tally::{Command, Encoding, ReplyKind, Tally};

use crate::limits::LINE_BYTES_MAX;
use crate::protocol::Request;
use crate::protocol::binary::{Echo, REQUEST_MAGIC};
use crate::protocol::reply::{self, Reply};
use crate::snapshot::{List, Snapshot};

/// What the owner of the connection has to do, beside sending what is in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing: wait for more input.
    More,
    /// Call [`Session::resume`] when the outbox has room again, and receive nothing more until then.
    Full,
    /// Ask an upstream for `stats` with these arguments, and call [`Session::answer`] with what it says.
    Stats(Box<str>),
    /// Send what is in the outbox and close.
    Close(Farewell),
}

/// How a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// At once: the client said `quit`, so nothing follows.
    AtOnce,
    /// After taking in what the client still sends, so that its unread input does not reset the connection
    /// under the reply.
    Linger,
}

/// Why no request is being taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Requests are taken.
    Open,
    /// The client owes reading, or waits for `stats`.
    Paused,
    /// The last reply is in the outbox; whatever follows is ignored.
    Ended,
}

/// What answers a request, before it is encoded.
enum Found<'a> {
    /// The list, as `config get` shows it.
    List(&'a List),
    /// The list, as a value under its legacy key.
    Value(&'a List, Cas),
    /// A key that is not there.
    Miss,
    /// Nothing, but successfully.
    Done,
    /// Our version.
    Version,
    /// There has never been a list.
    NoList,
    /// An upstream has to be asked.
    Stats(Box<str>),
    /// The end.
    Quit,
}

/// Whether a value is shown with its unique number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cas {
    Shown,
    Hidden,
}

/// One client's half-said command, and whether its next one may be taken.
///
/// Invariants: `unread` is empty, or a line without its end, or (while paused) everything that was received
/// after the request that paused it. Replies are in the outbox in the order of their requests.
#[derive(Debug)]
pub struct Session {
    unread: BytesMut,
    state: State,
    /// Unknown until the first byte.
    encoding: Option<Encoding>,
    /// What the response to a binary `stats` will repeat. Boxed, because every connection has room for it and
    /// few ever ask.
    stats_echo: Option<Box<Echo>>,
}

impl Default for Session {
    fn default() -> Self {
        Self { unread: BytesMut::new(), state: State::Open, encoding: None, stats_echo: None }
    }
}

impl Session {
    /// Takes what was received. Input that ends within a line, or that must wait, is copied; all other
    /// is read where it lies.
    pub fn receive(
        &mut self,
        input: &[u8],
        snapshot: &Snapshot,
        outbox: &mut Outbox,
        tally: &mut Tally,
    ) -> Next {
        match self.state {
            State::Ended => return Next::More,
            State::Paused => {
                self.unread.extend_from_slice(input);
                return Next::More;
            }
            State::Open => {}
        }
        if !self.unread.is_empty() {
            self.unread.extend_from_slice(input);
            return self.reread(snapshot, outbox, tally);
        }
        let (next, used) = self.take(input, snapshot, outbox, tally);
        if self.state != State::Ended {
            self.unread.extend_from_slice(&input[used..]);
        }
        next
    }

    /// Goes on after [`Next::Full`], now that the outbox has room.
    pub fn resume(&mut self, snapshot: &Snapshot, outbox: &mut Outbox, tally: &mut Tally) -> Next {
        if self.state == State::Ended {
            return Next::More;
        }
        self.state = State::Open;
        self.reread(snapshot, outbox, tally)
    }

    /// Goes on after [`Next::Stats`] with the upstream's answer, which is passed on whole.
    pub fn answer(
        &mut self,
        answer: Bytes,
        snapshot: &Snapshot,
        outbox: &mut Outbox,
        tally: &mut Tally,
    ) -> Next {
        match self.stats_echo.take() {
            Some(echo) => outbox.put(binary::stats(*echo, &answer)),
            None => outbox.put(Reply::single(answer)),
        }
        tally.replied(ReplyKind::Stats);
        self.resume(snapshot, outbox, tally)
    }

    /// Ends the session with a line that says why, after [`Next::Stats`] that nobody answers for one.
    pub fn refuse(&mut self, line: &'static str, outbox: &mut Outbox, tally: &mut Tally) -> Next {
        tally.replied(ReplyKind::NoStats);
        self.end_with(line, outbox)
    }

    /// Ends the session of a client that there is no place for, as memcached does.
    pub fn turn_away(&mut self, outbox: &mut Outbox, tally: &mut Tally) -> Next {
        tally.replied(ReplyKind::TooManyConnections);
        self.end_with(reply::TOO_MANY_CONNECTIONS, outbox)
    }

    fn end_with(&mut self, line: &'static str, outbox: &mut Outbox) -> Next {
        match self.stats_echo.take() {
            Some(echo) => outbox.put(binary::stats(*echo, line.as_bytes())),
            None => outbox.put(Reply::fixed(line)),
        }
        self.end(Farewell::Linger)
    }

    /// Bytes received that wait for their turn.
    pub fn unread(&self) -> usize {
        self.unread.len()
    }

    /// Memory of its own, beside its place, in bytes: what was received and waits.
    pub fn memory(&self) -> usize {
        self.unread.capacity()
    }

    /// Takes requests from what was kept.
    fn reread(&mut self, snapshot: &Snapshot, outbox: &mut Outbox, tally: &mut Tally) -> Next {
        let mut unread = std::mem::take(&mut self.unread);
        let (next, used) = self.take(&unread, snapshot, outbox, tally);
        unread.advance(used);
        // An idle client must keep neither the memory of its last line nor that of the requests before it.
        if !unread.is_empty() && self.state != State::Ended {
            let small = used > 0 && unread.len() <= LINE_BYTES_MAX;
            self.unread = if small { BytesMut::from(&unread[..]) } else { unread };
        }
        next
    }

    /// Takes as many requests from `input` as it can, and tells how many bytes they had.
    fn take(
        &mut self,
        input: &[u8],
        snapshot: &Snapshot,
        outbox: &mut Outbox,
        tally: &mut Tally,
    ) -> (Next, usize) {
        let Some(first) = input.first() else { return (Next::More, 0) };
        let spoken = if *first == REQUEST_MAGIC { Encoding::Binary } else { Encoding::Ascii };
        match *self.encoding.get_or_insert(spoken) {
            Encoding::Ascii => self.take_lines(input, snapshot, outbox, tally),
            Encoding::Binary => self.take_packets(input, snapshot, outbox, tally),
        }
    }

    fn pause(&mut self, next: Next) -> Next {
        self.state = State::Paused;
        next
    }

    fn end(&mut self, farewell: Farewell) -> Next {
        self.state = State::Ended;
        self.unread = BytesMut::new();
        Next::Close(farewell)
    }
}

/// What answers a request, whichever way it was asked.
fn find<'a>(
    request: Request<'_>,
    encoding: Encoding,
    snapshot: &'a Snapshot,
    tally: &mut Tally,
) -> Found<'a> {
    let list = |show: fn(&'a List) -> Found<'a>| snapshot.list.as_ref().map_or(Found::NoList, show);
    match request {
        Request::Config => {
            tally.asked(encoding, Command::ConfigGet);
            list(Found::List)
        }
        Request::Absent => {
            tally.asked(encoding, Command::Absent);
            Found::Miss
        }
        Request::Legacy { cas } => {
            tally.asked(encoding, Command::Get);
            if cas {
                list(|list| Found::Value(list, Cas::Shown))
            } else {
                list(|list| Found::Value(list, Cas::Hidden))
            }
        }
        Request::Version => {
            tally.asked(encoding, Command::Version);
            Found::Version
        }
        Request::Stats(arguments) => {
            tally.asked(encoding, Command::Stats);
            // However it was spaced, the same question is one conversation.
            let words: Vec<_> = arguments.split_ascii_whitespace().collect();
            Found::Stats(words.join(" ").into())
        }
        Request::Nothing => {
            tally.asked(encoding, Command::Other);
            Found::Done
        }
        Request::Quit => {
            tally.asked(encoding, Command::Other);
            Found::Quit
        }
    }
}

#[cfg(test)]
mod binary_tests;
#[cfg(test)]
mod tests;
