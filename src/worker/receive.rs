//! Bytes come in, and the session says what follows.

use rustix::io::Errno;
use rustix::net::sockopt::socket_error;

use super::Worker;
use super::connection::{Closing, Receiving, Waiting};
use super::ring::Completion;
use super::token::{Operation, Token};
use crate::limits::LINGER_BYTES_MAX;
use crate::session::Next;

impl Worker {
    /// A receive has brought bytes, the end of the input, or an error.
    pub(super) fn received(&mut self, completion: Completion) {
        let slot = completion.token.slot;
        let clock = self.clock();
        let Some(connection) = self.slots.of(completion.token) else {
            self.give_back(completion.buffer);
            return;
        };
        if !completion.more {
            connection.receiving = Receiving::Off;
        }
        match completion.result {
            Ok(0) => connection.input_ended = true,
            Ok(length) => {
                if connection.closing == Closing::No {
                    connection.active = self.now;
                }
                let input = completion.buffer.map_or(&[][..], |id| self.buffers.bytes(id, length as usize));
                let next = match &mut connection.closing {
                    Closing::No => {
                        let snapshot = self.reader.current();
                        let (session, outbox) = (&mut connection.session, &mut connection.outbox);
                        let untouched = session.unread() + input.len();
                        let lists = self.tally.lists();
                        let next = session.receive(input, snapshot, outbox, &mut self.tally);
                        self.unfinished |= connection.see_unfinished(untouched, clock);
                        if self.tally.lists() != lists {
                            self.remember(slot);
                        }
                        next
                    }
                    Closing::Lingering { thrown, .. } => {
                        *thrown = thrown.saturating_add(length);
                        if *thrown as usize > LINGER_BYTES_MAX {
                            connection.input_ended = true;
                        }
                        Next::More
                    }
                    Closing::AfterReplies(_) | Closing::Closed => Next::More,
                };
                self.counters().bytes_received.add(u64::from(length));
                self.follow(slot, next);
                self.notice_reset(slot);
            }
            Err(Errno::NOBUFS) => {
                if !connection.starved {
                    connection.starved = true;
                    self.starved.push(slot);
                }
                self.counters().buffers_exhausted.add(1);
            }
            Err(Errno::CANCELED | Errno::INTR | Errno::AGAIN) => {}
            // Reset, or timed out by keep-alive: nobody reads what is owed.
            Err(_) => self.close(slot),
        }
        self.give_back(completion.buffer);
        self.touch(slot);
    }

    /// Closes a connection that was reset before its last bytes were received. A multishot receive brings these, and then
    /// waits for an event that has been already. A send would meet the error; where none follows, as after a part
    /// of a request, it is looked for.
    fn notice_reset(&mut self, slot: u32) {
        let Some(connection) = self.slots.at(slot) else { return };
        let says_nothing = connection.closing == Closing::No
            && connection.waiting == Waiting::No
            && connection.outbox.is_empty();
        if let Some(socket) = connection.socket.as_ref().filter(|_| says_nothing)
            && !matches!(socket_error(socket), Ok(Ok(())))
        {
            self.close(slot);
        }
    }

    /// Does what the session asks for.
    pub(super) fn follow(&mut self, slot: u32, next: Next) {
        let token = self.slots.token(Operation::Receive, slot).pack();
        let Some(connection) = self.slots.at(slot) else { return };
        match next {
            Next::More => {}
            Next::Full => {
                connection.waiting = Waiting::ForRoom;
                self.counters().pauses.add(1);
            }
            Next::Close(farewell) => connection.closing = Closing::AfterReplies(farewell),
            Next::Stats(arguments) => {
                connection.waiting = Waiting::ForStats;
                if let Err(line) = self.stats.ask(arguments, token) {
                    self.stats_answered(token, Err(line));
                }
            }
        }
    }

    /// An upstream has answered a client's `stats`, or none has.
    pub(super) fn stats_answered(&mut self, token: u64, answer: Result<bytes::Bytes, &'static str>) {
        let token = Token::unpack(token);
        let clock = self.clock();
        let Some(connection) = self.slots.of(token) else { return };
        if connection.waiting != Waiting::ForStats || connection.closing != Closing::No {
            return;
        }
        connection.waiting = Waiting::No;
        // From now on it is the client that is waited for.
        connection.active = self.now;
        let (session, outbox) = (&mut connection.session, &mut connection.outbox);
        let lists = self.tally.lists();
        let next = match answer {
            Ok(answer) => session.answer(answer, self.reader.current(), outbox, &mut self.tally),
            Err(line) => session.refuse(line, outbox, &mut self.tally),
        };
        // What is behind it could not be taken before, so its time begins now.
        connection.unfinished_since = None;
        self.unfinished |= connection.see_unfinished(0, clock);
        if self.tally.lists() != lists {
            self.remember(token.slot);
        }
        self.follow(token.slot, next);
        self.touch(token.slot);
    }

    fn give_back(&mut self, buffer: Option<u16>) {
        if let Some(id) = buffer {
            self.buffers.give_back(id);
        }
    }
}
