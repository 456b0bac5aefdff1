//! Requests in packets. Each response repeats its request's opaque, so responses are written anew; those of one
//! piece of input are written together, and go out in one send.

use bytes::BytesMut;

use super::{Command, Encoding, Farewell, Found, Next, Outbox, ReplyKind, Session, Tally, find};
use crate::protocol::Parsed;
use crate::protocol::binary::{self, Echo, Packet, Status};
use crate::protocol::reply::Reply;
use crate::snapshot::Snapshot;

impl Session {
    /// Takes as many packets from `input` as it can, and tells how many bytes they had.
    pub(super) fn take_packets(
        &mut self,
        input: &[u8],
        snapshot: &Snapshot,
        outbox: &mut Outbox,
        tally: &mut Tally,
    ) -> (Next, usize) {
        outbox.holds_copies();
        let mut responses = BytesMut::new();
        let mut taken = 0;
        let next = loop {
            if outbox.is_full() || outbox.owed() + responses.len() >= outbox.bytes_max() {
                break self.pause(Next::Full);
            }
            let Parsed::Complete { value, used } = binary::parse(&input[taken..]) else {
                break Next::More;
            };
            taken += used;
            let next = self.serve_packet(value, snapshot, &mut responses, tally);
            if next != Next::More {
                break next;
            }
            if responses.capacity() == responses.len() {
                // As if what follows asked the like: then its responses grow the memory once, and fill it.
                let like = responses.len() * ((input.len() - taken) / used);
                responses.reserve(like.min(outbox.bytes_max()));
            }
        };
        outbox.put(Reply::single(responses));
        (next, taken)
    }

    fn serve_packet(
        &mut self,
        packet: Packet<'_>,
        snapshot: &Snapshot,
        out: &mut BytesMut,
        tally: &mut Tally,
    ) -> Next {
        let Packet { request, echo } = packet;
        let request = match request {
            Ok(request) => request,
            Err(refusal) => {
                tally.asked(Encoding::Binary, Command::Invalid);
                tally.replied(kind(refusal.status));
                binary::error(out, echo, refusal.status);
                return if refusal.closes { self.end(Farewell::Linger) } else { Next::More };
            }
        };
        match find(request, Encoding::Binary, snapshot, tally) {
            Found::List(list) => {
                tally.replied(ReplyKind::List);
                binary::value(out, echo, list.cluster.version.number().into(), &list.payload);
            }
            Found::Value(list, _) => {
                tally.replied(ReplyKind::Value);
                binary::value(out, echo, list.cluster.version.number().into(), &list.payload);
            }
            Found::Version => {
                tally.replied(ReplyKind::Version);
                binary::text(out, echo, &snapshot.version_text);
            }
            Found::Miss if echo.quiet => {}
            Found::Miss => {
                tally.replied(ReplyKind::Miss);
                binary::error(out, echo, Status::NotFound);
            }
            Found::Done => {
                tally.replied(ReplyKind::Done);
                binary::text(out, echo, "");
            }
            Found::NoList => {
                tally.replied(ReplyKind::NoList);
                binary::error(out, echo, Status::Temporary);
                return self.end(Farewell::Linger);
            }
            Found::Stats(arguments) => {
                self.stats_echo = Some(Box::new(echo));
                return self.pause(Next::Stats(arguments));
            }
            Found::Quit => {
                if !echo.quiet {
                    tally.replied(ReplyKind::Done);
                    binary::text(out, echo, "");
                }
                return self.end(Farewell::AtOnce);
            }
        }
        Next::More
    }
}

/// What the response to a request that is not served says.
fn kind(status: Status) -> ReplyKind {
    match status {
        Status::TooLarge => ReplyKind::TooLong,
        Status::Unknown => ReplyKind::Unsupported,
        Status::Invalid | Status::Success | Status::NotFound | Status::Temporary => ReplyKind::Malformed,
    }
}

/// The response to `stats`, made of an upstream's answer in text.
pub(super) fn stats(echo: Echo, answer: &[u8]) -> Reply {
    let mut out = BytesMut::new();
    binary::stats(&mut out, echo, answer);
    Reply::single(out)
}
