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

mod outbox;
mod tally;

use bytes::{Buf, Bytes, BytesMut};

pub use outbox::Outbox;
pub use tally::Tally;

use crate::limits::LINE_BYTES_MAX;
use crate::protocol::reply::{self, Reply};
use crate::protocol::{Error, Parsed, Request, ascii};
use crate::snapshot::Snapshot;

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

/// One client's half-said command, and whether its next one may be taken.
///
/// Invariants: `unread` is empty, or a line without its end, or (while paused) everything that was received
/// after the request that paused it. Replies are in the outbox in the order of their requests.
#[derive(Debug)]
pub struct Session {
    unread: BytesMut,
    state: State,
}

impl Default for Session {
    fn default() -> Self {
        Self { unread: BytesMut::new(), state: State::Open }
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
        outbox.push(&Reply::single(answer));
        self.resume(snapshot, outbox, tally)
    }

    /// Ends the session with a line that says why, after [`Next::Stats`] that nobody answers for one.
    pub fn refuse(&mut self, line: &'static str, outbox: &mut Outbox) -> Next {
        outbox.push(&Reply::fixed(line));
        self.end(Farewell::Linger)
    }

    /// Ends the session of a client that there is no place for, as memcached does.
    pub fn turn_away(&mut self, outbox: &mut Outbox) -> Next {
        self.refuse(reply::TOO_MANY_CONNECTIONS, outbox)
    }

    /// Bytes received that wait for their turn.
    pub fn unread(&self) -> usize {
        self.unread.len()
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
        let mut taken = 0;
        loop {
            if outbox.is_full() {
                self.state = State::Paused;
                return (Next::Full, taken);
            }
            let Parsed::Complete { value, used } = ascii::parse(&input[taken..]) else {
                return (Next::More, taken);
            };
            taken += used;
            let next = match value {
                Ok(request) => self.serve(request, snapshot, outbox, tally),
                Err(error) => {
                    tally.errors += 1;
                    match error {
                        Error::Empty => outbox.push(&snapshot.empty),
                        error => outbox.push(&Reply::fixed(error.line())),
                    }
                    if error.closes() { self.end(Farewell::Linger) } else { Next::More }
                }
            };
            if next != Next::More {
                return (next, taken);
            }
        }
    }

    /// Serves one request.
    fn serve(
        &mut self,
        request: Request<'_>,
        snapshot: &Snapshot,
        outbox: &mut Outbox,
        tally: &mut Tally,
    ) -> Next {
        let list = match request {
            Request::Config | Request::ConfigOther => {
                tally.config_get += 1;
                if request == Request::ConfigOther {
                    outbox.push(&snapshot.miss);
                    return Next::More;
                }
                snapshot.list.as_ref().map(|list| &list.config)
            }
            Request::Legacy { cas } => {
                tally.get += 1;
                snapshot.list.as_ref().map(|list| if cas { &list.value_cas } else { &list.value })
            }
            Request::Version => {
                tally.version += 1;
                Some(&snapshot.version)
            }
            Request::Stats(arguments) => {
                tally.stats += 1;
                self.state = State::Paused;
                // However it was spaced, the same question is one conversation.
                let words: Vec<_> = arguments.split_ascii_whitespace().collect();
                return Next::Stats(words.join(" ").into());
            }
            Request::Quit => return self.end(Farewell::AtOnce),
        };
        let Some(reply) = list else {
            outbox.push(&Reply::fixed(reply::NO_LIST));
            return self.end(Farewell::Linger);
        };
        outbox.push(reply);
        Next::More
    }

    fn end(&mut self, farewell: Farewell) -> Next {
        self.state = State::Ended;
        self.unread = BytesMut::new();
        Next::Close(farewell)
    }
}

#[cfg(test)]
mod tests;
