//! Replies that a client is owed, in order, without their bytes.

use std::collections::VecDeque;

use crate::limits::{OWED_BYTES_MAX, OWED_PACKETS_BYTES_MAX, OWED_RUNS_MAX};
use crate::protocol::reply::Reply;

/// Runs that the queue has room for when it is made.
const OTHERS: usize = 16;

/// Replies to send, in order; equal ones in a row are counted and not stored.
///
/// Most clients are owed one reply at a time, or the same one again, so the first run has its place here and costs
/// no memory of its own; the queue of the others is there only while there are any.
///
/// Invariants: there are `others` only behind a `first`, and never none of them; `owed` is what all runs have in
/// bytes, less the `sent` bytes of the first; `sent` is less than the first run has. The bytes that
/// [`Outbox::piece`] shows stay where they are until [`Outbox::sent`] says that they have gone, whatever is pushed
/// meanwhile.
#[derive(Debug, Default)]
pub struct Outbox {
    first: Option<Run>,
    #[expect(
        clippy::box_collection,
        reason = "a connection that is owed nothing has room for a pointer only"
    )]
    others: Option<Box<VecDeque<Run>>>,
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
    /// Adds a reply that others are sent too behind all that are owed.
    pub fn push(&mut self, reply: &Reply) {
        match self.last() {
            Some(run) if run.reply.is(reply) => {
                run.times += 1;
                self.owed += reply.unit();
            }
            _ => self.put(reply.clone()),
        }
    }

    /// Adds a reply that only this client is sent behind all that are owed.
    pub fn put(&mut self, reply: Reply) {
        if reply.unit() == 0 {
            return;
        }
        self.owed += reply.unit();
        let run = Run { reply, times: 1 };
        if self.first.is_none() {
            self.first = Some(run);
        } else {
            let queue = || Box::new(VecDeque::with_capacity(OTHERS));
            self.others.get_or_insert_with(queue).push_back(run);
        }
    }

    fn last(&mut self) -> Option<&mut Run> {
        let Self { first, others, .. } = self;
        others.as_mut().and_then(|others| others.back_mut()).or(first.as_mut())
    }

    /// The next bytes to send: as many as lie in one piece of memory. Empty when nothing is owed.
    pub fn piece(&self) -> &[u8] {
        self.first.as_ref().map_or(&[], |run| {
            let left = run.reply.unit() * run.times - self.sent;
            run.reply.piece(self.sent, left)
        })
    }

    /// Notes that the first `bytes` of [`Outbox::piece`] have been sent.
    pub fn sent(&mut self, bytes: usize) {
        self.owed = self.owed.saturating_sub(bytes);
        self.sent += bytes;
        if self.first.as_ref().is_some_and(|run| run.reply.unit() * run.times <= self.sent) {
            self.first = self.others.as_mut().and_then(|others| others.pop_front());
            self.others.take_if(|others| others.is_empty());
            self.sent = 0;
        }
    }

    fn runs(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.as_ref().map_or(0, |others| others.len())
    }

    /// Bytes owed.
    pub fn owed(&self) -> usize {
        self.owed
    }

    /// Memory of its own, beside its place, in bytes: its queue, and replies that are copies.
    pub fn memory(&self) -> usize {
        let queue = self.others.as_ref().map_or(0, |others| others.capacity() * size_of::<Run>());
        queue + if self.copies { self.owed } else { 0 }
    }

    /// Whether nothing is owed.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
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
        self.owed >= self.bytes_max() || self.runs() >= OWED_RUNS_MAX
    }

    /// Whether there is room enough that waiting requests are worth taking up again.
    pub fn has_room(&self) -> bool {
        self.owed <= self.bytes_max() / 2 && self.runs() <= OWED_RUNS_MAX / 2
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
    fn what_is_shown_stays_where_it_is_whatever_is_pushed() {
        let (a, b) = (Reply::repeated(b"abc"), Reply::repeated(b"de"));
        let mut outbox = Outbox::default();
        outbox.push(&a);
        let shown = outbox.piece().as_ptr();
        for n in 0..OWED_RUNS_MAX {
            outbox.push(if n % 2 == 0 { &b } else { &a });
            assert_eq!(outbox.piece().as_ptr(), shown);
        }
        outbox.sent(1);
        outbox.push(&a);
        assert_eq!(outbox.piece().as_ptr(), shown.wrapping_add(1));
    }

    #[test]
    fn keeps_no_queue_for_what_has_gone() {
        let (a, b) = (Reply::repeated(b"abc"), Reply::repeated(b"de"));
        let mut outbox = Outbox::default();
        for _ in 0..2 {
            outbox.push(&a);
            outbox.push(&a);
            assert!(outbox.others.is_none(), "equal replies need none");
            outbox.push(&b);
            outbox.push(&b);
            assert_eq!(outbox.runs(), 2);
            outbox.sent(6);
            assert!(outbox.others.is_none() && outbox.piece() == b"dede");
            outbox.sent(4);
            assert!(outbox.is_empty());
        }
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
