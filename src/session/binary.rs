//! Requests in packets. Each response repeats its request's opaque, so responses are written anew; those of one
//! piece of input are written together, and go out in one send.

use bytes::BytesMut;

use super::{Farewell, Found, Next, Outbox, Session, Tally, find};
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
                tally.errors += 1;
                binary::error(out, echo, refusal.status);
                return if refusal.closes { self.end(Farewell::Linger) } else { Next::More };
            }
        };
        match find(request, snapshot, tally) {
            Found::List(list) | Found::Value(list, _) => {
                binary::value(out, echo, list.cluster.version.number().into(), &list.payload);
            }
            Found::Version => binary::text(out, echo, &snapshot.version_text),
            Found::Miss if echo.quiet => {}
            Found::Miss => binary::error(out, echo, Status::NotFound),
            Found::Done => binary::text(out, echo, ""),
            Found::NoList => {
                binary::error(out, echo, Status::Temporary);
                return self.end(Farewell::Linger);
            }
            Found::Stats(arguments) => {
                self.stats_echo = Some(Box::new(echo));
                return self.pause(Next::Stats(arguments));
            }
            Found::Quit => {
                if !echo.quiet {
                    binary::text(out, echo, "");
                }
                return self.end(Farewell::AtOnce);
            }
        }
        Next::More
    }
}

/// The response to `stats`, made of an upstream's answer in text.
pub(super) fn stats(echo: Echo, answer: &[u8]) -> Reply {
    let mut out = BytesMut::new();
    binary::stats(&mut out, echo, answer);
    Reply::single(out)
}
