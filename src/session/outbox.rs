//! Replies that a client is owed, in order, without their bytes.

use std::collections::VecDeque;

use crate::limits::{OWED_BYTES_MAX, OWED_PACKETS_BYTES_MAX, OWED_RUNS_MAX};
use crate::protocol::reply::Reply;

/// Replies to send, in order; equal ones in a row are counted and not stored.
///
/// Invariants: `owed` is what all runs have in bytes, less the `sent` bytes of the first; `sent` is less than
/// the first run has. The bytes that [`Outbox::piece`] shows stay where they are until [`Outbox::sent`]
/// says that they have gone, whatever is pushed meanwhile.
#[derive(Debug, Default)]
pub struct Outbox {
    runs: VecDeque<Run>,
    sent: usize,
    owed: usize,
    /// Replies are the client's own copies, and fewer of them may wait.
    copies: bool,
}

/// One reply, `times` times.
#[derive(Debug)]
struct Run {
    reply: Reply,
    times: usize,
}

impl Outbox {
    /// Adds a reply behind all others.
    pub fn push(&mut self, reply: &Reply) {
        if reply.unit() == 0 {
            return;
        }
        self.owed += reply.unit();
        match self.runs.back_mut() {
            Some(run) if run.reply.is(reply) => run.times += 1,
            _ => self.runs.push_back(Run { reply: reply.clone(), times: 1 }),
        }
    }

    /// The next bytes to send: as many as lie in one piece of memory. Empty when nothing is owed.
    pub fn piece(&self) -> &[u8] {
        self.runs.front().map_or(&[], |run| {
            let left = run.reply.unit() * run.times - self.sent;
            run.reply.piece(self.sent, left)
        })
    }

    /// Notes that the first `bytes` of [`Outbox::piece`] have been sent.
    pub fn sent(&mut self, bytes: usize) {
        self.owed = self.owed.saturating_sub(bytes);
        self.sent += bytes;
        if self.runs.front().is_some_and(|run| run.reply.unit() * run.times <= self.sent) {
            self.runs.pop_front();
            self.sent = 0;
        }
    }

    /// Bytes owed.
    pub fn owed(&self) -> usize {
        self.owed
    }

    /// Whether nothing is owed.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// From now on replies are copies.
    pub fn holds_copies(&mut self) {
        self.copies = true;
    }

    /// Most bytes owed before the next request waits.
    pub fn bytes_max(&self) -> usize {
        if self.copies { OWED_PACKETS_BYTES_MAX } else { OWED_BYTES_MAX }
    }

    /// Whether the next request has to wait.
    pub fn is_full(&self) -> bool {
        self.owed >= self.bytes_max() || self.runs.len() >= OWED_RUNS_MAX
    }

    /// Whether there is room enough that waiting requests are worth taking up again.
    pub fn has_room(&self) -> bool {
        self.owed <= self.bytes_max() / 2 && self.runs.len() <= OWED_RUNS_MAX / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(outbox: &mut Outbox, step: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while !outbox.is_empty() {
            let piece = outbox.piece();
            let length = piece.len().min(step);
            bytes.extend_from_slice(&piece[..length]);
            outbox.sent(length);
        }
        assert_eq!(outbox.owed(), 0);
        bytes
    }

    #[test]
    fn sends_in_order_however_short_the_sends() {
        let (a, b) = (Reply::repeated(b"abc"), Reply::repeated(b"de"));
        for step in [1, 2, 3, 5, 1000] {
            let mut outbox = Outbox::default();
            for reply in [&a, &a, &b, &a] {
                outbox.push(reply);
            }
            assert_eq!(outbox.owed(), 11);
            assert_eq!(drain(&mut outbox, step), b"abcabcdeabc");
        }
    }

    #[test]
    fn equal_replies_in_a_row_go_out_in_one_piece() {
        let reply = Reply::repeated(b"abc");
        let mut outbox = Outbox::default();
        for _ in 0..16 {
            outbox.push(&reply);
        }
        assert_eq!(outbox.piece().len(), 48);
        outbox.sent(4);
        outbox.push(&reply);
        assert_eq!(outbox.piece().len(), 47);
    }

    #[test]
    fn is_full_at_its_bounds() {
        let mut outbox = Outbox::default();
        let (a, b) = (Reply::fixed("a"), Reply::fixed("b"));
        for n in 0..OWED_RUNS_MAX {
            assert!(!outbox.is_full(), "at {n} runs");
            outbox.push(if n % 2 == 0 { &a } else { &b });
        }
        assert!(outbox.is_full());
        let mut outbox = Outbox::default();
        outbox.push(&Reply::single(vec![0; OWED_BYTES_MAX - 1]));
        assert!(!outbox.is_full());
        outbox.push(&a);
        assert!(outbox.is_full() && !outbox.has_room());
        outbox.sent(OWED_BYTES_MAX / 2);
        assert!(!outbox.is_full() && outbox.has_room());
    }
}
