//! Requests in lines of text: replies are the snapshot's own bytes.

use super::{Cas, Command, Encoding, Farewell, Found, Next, Outbox, ReplyKind, Session, Tally, find};
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
                    tally.asked(Encoding::Ascii, Command::Invalid);
                    tally.replied(kind(error));
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
            let (kind, reply) = match find(request, Encoding::Ascii, snapshot, tally) {
                Found::List(list) => (ReplyKind::List, &list.config),
                Found::Value(list, Cas::Hidden) => (ReplyKind::Value, &list.value),
                Found::Value(list, Cas::Shown) => (ReplyKind::Value, &list.value_cas),
                Found::Version => (ReplyKind::Version, &snapshot.version),
                Found::Miss => (ReplyKind::Miss, &snapshot.miss),
                Found::Done => continue,
                Found::NoList => {
                    tally.replied(ReplyKind::NoList);
                    return (self.end_with(reply::NO_LIST, outbox), taken);
                }
                Found::Stats(arguments) => return (self.pause(Next::Stats(arguments)), taken),
                Found::Quit => return (self.end(Farewell::AtOnce), taken),
            };
            tally.replied(kind);
            outbox.push(reply);
        }
    }
}

/// What the reply to a request that is not served says.
fn kind(error: Error) -> ReplyKind {
    match error {
        Error::Empty => ReplyKind::EmptyLine,
        Error::LineTooLong => ReplyKind::TooLong,
        Error::Unsupported => ReplyKind::Unsupported,
        Error::BadStats => ReplyKind::Malformed,
        Error::StatsChange => ReplyKind::StatsChange,
    }
}
