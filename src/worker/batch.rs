//! The loop: wait, look at every completion, settle, again.

use std::io;
use std::time::Instant;

use super::Worker;
use super::ring::Completion;
use super::token::Operation;

impl Worker {
    /// Runs until it is told to leave, or until the ring fails.
    pub(super) fn run(&mut self) -> io::Result<()> {
        let mut batch = Vec::new();
        self.listen_for_bell();
        while !self.is_done() {
            self.keep_ticking();
            self.ring.wait(&mut batch)?;
            self.now = Instant::now();
            for completion in batch.drain(..) {
                self.completed(completion);
            }
            self.settle_all();
            self.count();
        }
        Ok(())
    }

    fn completed(&mut self, completion: Completion) {
        match completion.token.operation {
            Operation::Accept => self.accepted(completion),
            Operation::Receive => self.received(completion),
            Operation::Send => self.sent(completion),
            Operation::Bell => self.take_mail(),
            Operation::Tick => self.sweep(),
            Operation::Cancel => self.cancelled(completion),
            Operation::Close => {}
        }
    }

    fn count(&mut self) {
        let tally = std::mem::take(&mut self.tally);
        self.counters().count(&tally);
        let overflows = self.ring.overflows();
        let counter = &self.counters().overflows;
        counter.add(overflows.saturating_sub(counter.value()));
    }
}
