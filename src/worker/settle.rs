//! At the end of a batch: send what is owed, receive where there is room, close what is done.

use std::os::fd::{AsRawFd, IntoRawFd};

use rustix::io::Errno;
use rustix::net::{Shutdown, shutdown};

use super::Worker;
use super::buffers::GROUP;
use super::connection::{Closing, Connection, Receiving, Sending, Waiting};
use super::ring::Completion;
use super::token::{Operation, Token};
use crate::limits::UNREAD_BYTES_MAX;
use crate::session::Farewell;

impl Worker {
    /// Puts a slot on the list of those to settle.
    pub(super) fn touch(&mut self, slot: u32) {
        if let Some(connection) = self.slots.at(slot).filter(|connection| !connection.touched) {
            connection.touched = true;
            self.touched.push(slot);
        }
    }

    /// A send has taken some bytes, or failed. An inline one that took all it was given is not heard of.
    pub(super) fn sent(&mut self, completion: Completion) {
        let slot = completion.token.slot;
        let Some(connection) = self.slots.of(completion.token) else { return };
        connection.sending = Sending::Full;
        match completion.result {
            Ok(bytes) => {
                connection.outbox.sent(bytes as usize);
                connection.active = self.now;
                if connection.outbox.is_empty() {
                    connection.sending = Sending::Off;
                }
                self.counters().bytes_sent.add(u64::from(bytes));
            }
            // Nothing was sent.
            Err(Errno::CANCELED | Errno::INTR | Errno::AGAIN) => {}
            // Nobody reads any more; or memory is short, and a closed connection gives some back.
            Err(_) => self.close(slot),
        }
        self.touch(slot);
    }

    /// The inline sends that the kernel has said nothing of have taken everything.
    pub(super) fn sent_inline(&mut self) {
        if !self.ring.is_clear() {
            return;
        }
        let mut inline = std::mem::take(&mut self.inline);
        let mut bytes_sent = 0;
        for slot in inline.drain(..) {
            // The list may be some batches old, and the slot in it twice: the bytes are those of the send that is under
            // way now.
            let Some(connection) = self.slots.at(slot) else { continue };
            let Sending::Inline(bytes) = connection.sending else { continue };
            connection.sending = Sending::Off;
            connection.outbox.sent(bytes as usize);
            connection.active = self.now;
            bytes_sent += u64::from(bytes);
            // Something more is owed only where it was not heard of in time.
            if connection.waits_for_send() || !connection.outbox.is_empty() {
                self.touch(slot);
            }
        }
        self.counters().bytes_sent.add(bytes_sent);
        // It keeps its memory for the next batch.
        self.inline = inline;
    }

    /// Settles every slot that something happened to in this batch.
    pub(super) fn settle_all(&mut self) {
        let mut touched = std::mem::take(&mut self.touched);
        for slot in touched.drain(..) {
            self.settle(slot);
        }
        // Settling touches no other slot; the list keeps its memory for the next batch.
        touched.append(&mut self.touched);
        self.touched = touched;
        // Every buffer of the batch is back by now. As many as there are buffers may try again; the others
        // follow after the next batch, which the loop does not sleep before.
        let retry = self.starved.len().min(usize::from(self.buffers.count()));
        for index in 0..retry {
            let slot = self.starved[index];
            if let Some(connection) = self.slots.at(slot) {
                connection.starved = false;
                self.receive_if_wanted(slot);
            }
        }
        self.starved.drain(..retry);
    }

    fn settle(&mut self, slot: u32) {
        let Some(connection) = self.slots.at(slot) else { return };
        connection.touched = false;
        while connection_has_room(self.slots.at(slot)) {
            self.resume(slot);
        }
        let token = self.slots.token(Operation::Send, slot);
        let Some(connection) = self.slots.at(slot) else { return };
        if connection.closing == Closing::Closed {
            if connection.receiving == Receiving::On {
                self.stop_receiving(slot);
            }
            return self.free_if_quiet(slot);
        }
        if let Some(socket) =
            connection.socket.as_ref().filter(|_| !connection.is_sending() && !connection.outbox.is_empty())
        {
            let (socket, piece) = (socket.as_raw_fd(), connection.outbox.piece());
            // A send with something to follow has to be heard of: nothing else might end the sleep.
            let inline = connection.sending == Sending::Off
                && piece.len() == connection.outbox.owed()
                && !connection.waits_for_send()
                && self.ring.send_inline(socket, piece, token);
            connection.sending = if inline {
                self.inline.push(slot);
                Sending::Inline(piece.len() as u32)
            } else {
                self.ring.send(socket, piece, token);
                Sending::Waiting
            };
        }
        if connection.is_settled() {
            self.end_if_done(slot);
        }
        self.receive_if_wanted(slot);
    }

    /// Takes up the requests that waited for room.
    fn resume(&mut self, slot: u32) {
        let clock = self.clock();
        let Some(connection) = self.slots.at(slot) else { return };
        connection.waiting = Waiting::No;
        let (session, outbox) = (&mut connection.session, &mut connection.outbox);
        let before = session.memory();
        let lists = self.tally.lists();
        let next = session.resume(self.reader.current(), outbox, &mut self.tally);
        self.freed.add(before.saturating_sub(session.memory()));
        connection.unfinished_since = None;
        self.unfinished |= connection.see_unfinished(0, clock);
        if self.tally.lists() != lists {
            self.remember(slot);
        }
        self.follow(slot, next);
    }

    /// With everything said and sent, goes on to the end of a connection where one is due.
    fn end_if_done(&mut self, slot: u32) {
        let Some(connection) = self.slots.at(slot) else { return };
        match connection.closing {
            Closing::Closed => {}
            _ if connection.input_ended => self.close(slot),
            Closing::No | Closing::Lingering { .. } => {}
            Closing::AfterReplies(Farewell::AtOnce) => self.close(slot),
            Closing::AfterReplies(Farewell::Linger) => {
                // The client sees the end after the reply, and what it still sends does not reset the
                // connection. It fails only where the client is gone, and then the receive says so.
                if let Some(socket) = &connection.socket {
                    let _ = shutdown(socket, Shutdown::Write);
                }
                connection.closing = Closing::Lingering { thrown: 0 };
                connection.active = self.now;
                self.lingering += 1;
            }
        }
    }

    /// Has input come in, or stops it, as the connection can take it.
    fn receive_if_wanted(&mut self, slot: u32) {
        let token = self.slots.token(Operation::Receive, slot);
        let Some(connection) = self.slots.at(slot) else { return };
        let appetite = appetite(connection);
        match (&connection.socket, connection.receiving) {
            (Some(socket), Receiving::Off) if appetite == Appetite::More && !connection.starved => {
                self.ring.receive(socket.as_raw_fd(), GROUP, token);
                connection.receiving = Receiving::On;
                if std::mem::replace(&mut connection.received, true) {
                    self.counters().rearms.add(1);
                }
            }
            (_, Receiving::On) if appetite == Appetite::Stop => {
                self.stop_receiving(slot);
            }
            _ => {}
        }
    }

    /// Ends the receive; its last completion follows.
    fn stop_receiving(&mut self, slot: u32) {
        let receive = self.slots.token(Operation::Receive, slot);
        let Some(connection) = self.slots.at(slot) else { return };
        self.ring.cancel(receive, Token { operation: Operation::Cancel, ..receive });
        connection.receiving = Receiving::Stopping;
    }

    /// A cancel has been carried out, or has found nothing to end.
    pub(super) fn cancelled(&mut self, completion: Completion) {
        let Some(connection) = self.slots.of(completion.token) else { return };
        // The kernel does not find a receive that it is just completing. Either that was its last
        // completion, which says so, or it goes on, and has to be ended again if it still must.
        if completion.result.is_err() && connection.receiving == Receiving::Stopping {
            connection.receiving = Receiving::On;
            self.touch(completion.token.slot);
        }
    }

    /// Closes the descriptor. The slot follows when its last completion has come.
    pub(super) fn close(&mut self, slot: u32) {
        if self.take_down(slot) {
            self.counters().closed.add(1);
        }
    }

    /// The same, for who counts it by another reason. False where it was closed already.
    pub(super) fn take_down(&mut self, slot: u32) -> bool {
        let Some(connection) = self.slots.at(slot) else { return false };
        let Some(socket) = connection.socket.take() else { return false };
        if matches!(connection.closing, Closing::Lingering { .. }) {
            self.lingering -= 1;
        }
        connection.closing = Closing::Closed;
        if connection.is_sending() {
            // It may wait for a client that does not read; this ends it with an error.
            let _ = shutdown(&socket, Shutdown::Both);
        }
        if connection.receiving == Receiving::On {
            // The receive holds the connection open until it is cancelled.
            self.stop_receiving(slot);
        }
        self.ring.close(socket.into_raw_fd(), Token::of(Operation::Ignored, slot));
        self.free_if_quiet(slot);
        if self.listeners.iter().any(|listener| listener.blocked) {
            self.unblock();
        }
        true
    }

    fn free_if_quiet(&mut self, slot: u32) {
        if self.slots.at(slot).is_some_and(|connection| connection.is_quiet())
            && let Some(connection) = self.slots.remove(slot)
        {
            self.freed.add(connection.session.memory() + connection.outbox.memory());
            connection.host.into_iter().for_each(|host| self.admission.leave(host));
            if connection.admitted {
                self.metrics.close_connection();
            } else {
                self.refused -= 1;
            }
        }
    }
}

fn connection_has_room(connection: Option<&mut Connection>) -> bool {
    connection.is_some_and(|connection| {
        connection.waiting == Waiting::ForRoom
            && connection.closing == Closing::No
            && connection.outbox.has_room()
    })
}

/// Whether a connection can take input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Appetite {
    /// A receive has to be in the ring.
    More,
    /// One may be, but none needs to be.
    Any,
    /// None may be.
    Stop,
}

fn appetite(connection: &Connection) -> Appetite {
    match (connection.closing, connection.waiting) {
        _ if connection.input_ended => Appetite::Any,
        (Closing::AfterReplies(_) | Closing::Closed, _) => Appetite::Any,
        (Closing::Lingering { .. }, _) | (Closing::No, Waiting::No) => Appetite::More,
        (Closing::No, Waiting::ForRoom) => Appetite::Stop,
        // So that a client that gives up is noticed; but what it sends meanwhile is bounded.
        (Closing::No, Waiting::ForStats) if connection.session.unread() <= UNREAD_BYTES_MAX => Appetite::More,
        (Closing::No, Waiting::ForStats) => Appetite::Stop,
    }
}
