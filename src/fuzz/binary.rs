//! The fast parser of packets agrees with the slow one; our packets are read as they were meant; an upstream's are
//! read whole or refused.

use bytes::BytesMut;

use super::{cuts, payload};
use crate::limits::{ANSWER_BYTES_MAX, PACKET_BYTES_MAX};
use crate::protocol::binary::{self, Echo, Refusal, Status};
use crate::protocol::naive_binary::{self, Asked};
use crate::protocol::packet::{self, Response};
use crate::protocol::{Parsed, Request};

const HEADER_BYTES: usize = 24;

/// Reads `input` as a client's packets, as an upstream's packet, and as an answer to `stats` that is put into packets.
pub fn binary(input: &[u8]) {
    let mut rest = input;
    while let Some(used) = request(rest) {
        rest = &rest[used..];
    }
    response(input);
    stats(input);
}

/// Reads the first packet of a client; tells how many bytes it had if another may follow.
fn request(input: &[u8]) -> Option<usize> {
    let parsed = binary::parse(input);
    let Parsed::Complete { value: read, used } = parsed else {
        assert_eq!(naive_binary::parse(input), None, "only the slow parser found an end");
        assert!(input.len() < HEADER_BYTES + PACKET_BYTES_MAX, "{} bytes wait for more", input.len());
        waits(input);
        return None;
    };
    let Some((expected, expected_used)) = naive_binary::parse(input) else {
        panic!("only the fast parser found an end: {read:?}");
    };
    assert!((1..=input.len()).contains(&used), "{used} of {}", input.len());
    let closes = matches!(read.request, Err(Refusal { closes: true, .. }));
    let asked = Asked {
        words: read.request.map(words).map_err(|refusal| refusal.status as u16),
        closes,
        opcode: read.echo.opcode,
        opaque: read.echo.opaque,
        quiet: read.echo.quiet,
        key: read.echo.key.unwrap_or_default(),
    };
    assert_eq!(asked, expected);
    waits(&input[..expected_used]);
    answered(read.echo, &input[..used]);
    if closes {
        // The connection ends, so it does not matter how much of it was looked at.
        assert!(expected_used <= used);
        return None;
    }
    assert_eq!(used, expected_used);
    assert_eq!(binary::parse(&input[..used]), parsed, "what follows a packet matters");
    Some(used)
}

/// Asserts that nothing is found in a part of `packet`.
fn waits(packet: &[u8]) {
    for cut in cuts(packet) {
        assert_eq!(binary::parse(&packet[..cut]), Parsed::Partial, "cut at {cut} of {}", packet.len());
    }
}

/// The request in the words of the slow parser.
fn words(request: Request<'_>) -> String {
    match request {
        Request::Config => "config".into(),
        Request::Absent => "config other".into(),
        Request::Legacy { cas: true } => "legacy cas".into(),
        Request::Legacy { cas: false } => unreachable!("every packet has room for the unique number"),
        Request::Version => "version".into(),
        Request::Nothing => "nothing".into(),
        Request::Quit => "quit".into(),
        Request::Stats(arguments) => {
            assert_eq!(arguments, arguments.trim_matches(' '), "spaces at the ends");
            let words: Vec<_> = arguments.split(' ').filter(|word| !word.is_empty()).collect();
            format!("stats {}", words.join(" "))
        }
    }
}

/// A client can read each kind of response, with any bytes for a value.
fn answered(echo: Echo, value: &[u8]) {
    let key = echo.key.unwrap_or_default().as_bytes();
    let mut out = BytesMut::new();
    binary::value(&mut out, echo, 7, value);
    let response = Response { opcode: echo.opcode, status: 0, extras: &[0; 4], key, value };
    // A refused piece of input may be of any length, a value of ours may not.
    if out.len() <= ANSWER_BYTES_MAX {
        assert_eq!(packet::parse(&out), Parsed::Complete { value: Ok(response), used: out.len() });
    }
    assert_eq!(out[12..16], echo.opaque.to_be_bytes());
    for status in [Status::NotFound, Status::TooLarge, Status::Invalid, Status::Unknown, Status::Temporary] {
        let mut out = BytesMut::new();
        binary::error(&mut out, echo, status);
        let Parsed::Complete { value: Ok(read), used } = packet::parse(&out) else {
            panic!("our own error is refused: {status:?}");
        };
        assert_eq!((read.status, read.value, used), (status as u16, status.text().as_bytes(), out.len()));
        payload::message(&read.check().expect_err("an error is one"));
    }
}

/// Reads the first packet of an upstream.
fn response(input: &[u8]) {
    let whole = packet::parse(input);
    match &whole {
        Parsed::Partial => {
            assert!(input.len() < HEADER_BYTES + ANSWER_BYTES_MAX, "an endless answer waits for more");
        }
        Parsed::Complete { value: Ok(read), used } => {
            let parts = read.extras.len() + read.key.len() + read.value.len();
            assert_eq!((HEADER_BYTES + parts, [read.extras, read.key, read.value].concat()), {
                (*used, input[HEADER_BYTES..*used].to_vec())
            });
            if let Err(error) = read.check() {
                payload::message(&error);
            }
            assert_eq!(packet::parse(&input[..*used]), whole, "what follows a packet matters");
        }
        Parsed::Complete { value: Err(error), .. } => payload::message(error),
    }
    for cut in cuts(input) {
        match (packet::parse(&input[..cut]), &whole) {
            (Parsed::Partial, Parsed::Complete { value: Ok(_), used }) => assert!(cut < *used, "at {cut}"),
            (Parsed::Partial, _)
            | (Parsed::Complete { value: Err(_), .. }, Parsed::Complete { value: Err(_), .. }) => {}
            (at_cut, _) => assert_eq!(at_cut, whole, "another packet at {cut}"),
        }
    }
}

/// Whatever an upstream says to `stats` becomes packets that end with an empty one, or a single one that is an error.
fn stats(answer: &[u8]) {
    let echo = Echo { opcode: 0x10, opaque: 7, quiet: false, key: None };
    let mut out = BytesMut::new();
    binary::stats(&mut out, echo, answer);
    let mut rest = &out[..];
    let mut ended = false;
    while !rest.is_empty() {
        assert!(!ended, "more after the end");
        let Parsed::Complete { value: Ok(read), used } = packet::parse(rest) else {
            // Longer than what we would take; a client has no such bound.
            assert!(answer.len() > ANSWER_BYTES_MAX / 3);
            return;
        };
        assert!(read.opcode == 0x10 && read.extras.is_empty());
        let refused = read.status == Status::Temporary as u16;
        assert!(refused || read.status == 0);
        assert!(!refused || read.key.is_empty(), "an error with a key");
        ended = refused || read.key.is_empty();
        assert!(refused || !ended || read.value.is_empty(), "the end has a value");
        rest = &rest[used..];
    }
    assert!(ended, "packets without their end");
}
