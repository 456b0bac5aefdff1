//! The loop: wait, look at every completion, settle, again.

use std::io;
use std::time::Instant;

use super::ring::Completion;
use super::token::Operation;
use super::{TABLE, Worker};
use crate::session::Command;

impl Worker {
    /// Runs until it is told to leave, or until the ring fails.
    pub(super) fn run(&mut self) -> io::Result<()> {
        let mut batch = Vec::with_capacity(TABLE);
        self.listen_for_bell();
        while !self.is_done() {
            self.keep_ticking();
            // Connections that found no buffer are tried again as many at a time as there are buffers. Those that
            // are tried may bring nothing about, so there is no sleep while some are left; nor while inline sends of
            // an earlier batch may have gone out without a word, since what follows them would wait too.
            let unheard = !self.inline.is_empty() && !self.ring.is_clear();
            self.ring.wait(&mut batch, self.starved.is_empty() && !unheard)?;
            self.now = Instant::now();
            // A storm is over: what it has made of the table is of no use to anybody.
            if batch.capacity() > TABLE && batch.len() <= TABLE {
                batch.shrink_to(TABLE);
            }
            self.counters().completions.add(batch.len() as u64);
            let mut ticked = false;
            for completion in batch.drain(..) {
                ticked |= completion.token.operation == Operation::Tick;
                self.completed(completion);
            }
            self.sent_inline();
            // Last: after a stall of ours, who has spoken meanwhile is neither idle nor late.
            if ticked {
                self.ticked();
            }
            self.settle_all();
            self.freed.give_back();
            self.count();
        }
        // The closes of the last batch: else their clients would see the end only when the process is gone.
        self.ring.submit()
    }

    fn completed(&mut self, completion: Completion) {
        match completion.token.operation {
            Operation::Accept => self.accepted(completion),
            Operation::Receive => self.received(completion),
            Operation::Send => self.sent(completion),
            Operation::Bell => self.take_mail(),
            Operation::Cancel => self.cancelled(completion),
            // A tick is looked at after the others.
            Operation::Tick | Operation::Ignored => {}
        }
    }

    fn count(&mut self) {
        let tally = std::mem::take(&mut self.tally);
        self.counters().count(&tally);
        // Those for `stats` are answered in another batch. Accepts and closes alone are not worth a look at the clock.
        let answered = tally.requests() - tally.of(Command::Stats);
        if answered > 0 {
            self.counters().latency.count(self.now.elapsed(), answered);
        }
        let enters = self.ring.take_enters();
        self.counters().enters.add(enters);
        if self.ring.take_overflow() {
            self.counters().overflows.add(1);
        }
    }
}
