//! Requests in lines of text: replies are the snapshot's own bytes.

use super::{Cas, Farewell, Found, Next, Outbox, Session, Tally, find};
use crate::protocol::reply::{self, Reply};
use crate::protocol::{Error, Parsed, ascii};
use crate::snapshot::Snapshot;

impl Session {
    /// Takes as many lines from `input` as it can, and tells how many bytes they had.
    pub(super) fn take_lines(
        &mut self,
        input: &[u8],
        snapshot: &Snapshot,
        outbox: &mut Outbox,
        tally: &mut Tally,
    ) -> (Next, usize) {
        let mut taken = 0;
        loop {
            if outbox.is_full() {
                return (self.pause(Next::Full), taken);
            }
            let Parsed::Complete { value, used } = ascii::parse(&input[taken..]) else {
                return (Next::More, taken);
            };
            taken += used;
            let request = match value {
                Ok(request) => request,
                Err(error) => {
                    tally.errors += 1;
                    match error {
                        Error::Empty => outbox.push(&snapshot.empty),
                        error => outbox.push(&Reply::fixed(error.line())),
                    }
                    if error.closes() {
                        return (self.end(Farewell::Linger), taken);
                    }
                    continue;
                }
            };
            match find(request, snapshot, tally) {
                Found::List(list) => outbox.push(&list.config),
                Found::Value(list, Cas::Hidden) => outbox.push(&list.value),
                Found::Value(list, Cas::Shown) => outbox.push(&list.value_cas),
                Found::Version => outbox.push(&snapshot.version),
                Found::Miss => outbox.push(&snapshot.miss),
                Found::Done => {}
                Found::NoList => return (self.refuse(reply::NO_LIST, outbox), taken),
                Found::Stats(arguments) => return (self.pause(Next::Stats(arguments)), taken),
                Found::Quit => return (self.end(Farewell::AtOnce), taken),
            }
        }
    }
}
