//! The binary protocol: a packet in, a [`Request`] out, and packets back.
//!
//! A header of 24 bytes, then extras, key and value (memcached's `doc/protocol-binary.txt`); AWS's configuration
//! commands are opcodes 0x60 to 0x68 beside it. Opcode and opaque of a request are repeated in its response. Knows
//! nothing of sockets.

use bytes::{BufMut, BytesMut};

use super::{LEGACY_KEY, Parsed, Request};
use crate::limits::PACKET_BYTES_MAX;

/// The first byte of every request, and so of every connection that speaks this protocol.
pub const REQUEST_MAGIC: u8 = 0x80;
const RESPONSE_MAGIC: u8 = 0x81;
const HEADER_BYTES: usize = 24;
/// The flags before every value; ours have none.
const FLAGS: [u8; 4] = [0; 4];

/// What a response says of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Status {
    /// It was served.
    Success = 0x0000,
    /// There is nothing under the key.
    NotFound = 0x0001,
    /// The packet is larger than any that is served.
    TooLarge = 0x0003,
    /// The packet contradicts itself.
    Invalid = 0x0004,
    /// The command is not served.
    Unknown = 0x0081,
    /// It can't be served now.
    Temporary = 0x0086,
}

impl Status {
    /// The text of an error's body.
    pub fn text(self) -> &'static str {
        match self {
            Self::Success => "",
            Self::NotFound => "Not found",
            Self::TooLarge => "Too large",
            Self::Invalid => "Invalid arguments",
            Self::Unknown => "Unknown command",
            Self::Temporary => "Temporary failure",
        }
    }
}

/// A packet: what it asks, and what its response repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What is asked, or why that is not served.
    pub request: Result<Request<'a>, Refusal>,
    /// Repeated in the response.
    pub echo: Echo,
}

/// A packet that is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub status: Status,
    /// Whether what follows can't be told from packets, so that the connection is closed.
    pub closes: bool,
}

/// What a response repeats of its request, and what the request wants of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo {
    /// The request's opcode.
    pub opcode: u8,
    /// The request's own mark.
    pub opaque: u32,
    /// A miss is not answered.
    pub quiet: bool,
    /// The key that is repeated before the value.
    pub key: Option<&'static str>,
}

/// Finds the first packet of `input` and what it asks.
pub fn parse(input: &[u8]) -> Parsed<Packet<'_>> {
    let refused = |echo, status| {
        let request = Err(Refusal { status, closes: true });
        Parsed::Complete { value: Packet { request, echo }, used: input.len() }
    };
    let mut echo = Echo { opcode: 0, opaque: 0, quiet: false, key: None };
    if input.first().is_some_and(|magic| *magic != REQUEST_MAGIC) {
        return refused(echo, Status::Invalid);
    }
    let Some((header, rest)) = input.split_at_checked(HEADER_BYTES) else {
        return Parsed::Partial;
    };
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let key_length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let extras_length = usize::from(header[4]);
    let body_length = number(8) as usize;
    (echo.opcode, echo.opaque) = (header[1], number(12));
    if key_length + extras_length > body_length {
        return refused(echo, Status::Invalid);
    }
    if body_length > PACKET_BYTES_MAX {
        return refused(echo, Status::TooLarge);
    }
    let Some(body) = rest.get(..body_length) else {
        return Parsed::Partial;
    };
    let request = request(&mut echo, &body[extras_length..][..key_length]);
    Parsed::Complete { value: Packet { request, echo }, used: HEADER_BYTES + body_length }
}

/// What an opcode asks of a key.
fn request<'a>(echo: &mut Echo, key: &'a [u8]) -> Result<Request<'a>, Refusal> {
    let refused = |status| Err(Refusal { status, closes: false });
    match echo.opcode {
        0x60..=0x63 => {
            echo.quiet = echo.opcode & 1 == 1;
            echo.key = (echo.opcode >= 0x62).then_some("cluster");
            Ok(if key == b"cluster" { Request::Config } else { Request::Absent })
        }
        0x00 | 0x09 | 0x0c | 0x0d => {
            echo.quiet = matches!(echo.opcode, 0x09 | 0x0d);
            echo.key = matches!(echo.opcode, 0x0c | 0x0d).then_some(LEGACY_KEY);
            let held = key == LEGACY_KEY.as_bytes();
            Ok(if held { Request::Legacy { cas: true } } else { Request::Absent })
        }
        0x07 => Ok(Request::Quit),
        0x17 => {
            echo.quiet = true;
            Ok(Request::Quit)
        }
        0x0a => Ok(Request::Nothing),
        0x0b => Ok(Request::Version),
        0x10 => match super::ascii::stats_arguments(key) {
            Ok(arguments) => Ok(Request::Stats(arguments)),
            Err(_) => refused(Status::Unknown),
        },
        _ => refused(Status::Unknown),
    }
}

/// Writes a response: a header, and the value in its parts.
fn response(
    out: &mut BytesMut,
    echo: Echo,
    status: Status,
    cas: u64,
    extras: &[u8],
    key: &str,
    value: &[u8],
) {
    out.reserve(HEADER_BYTES + extras.len() + key.len() + value.len());
    out.put_u8(RESPONSE_MAGIC);
    out.put_u8(echo.opcode);
    // Keys of ours have a few bytes, and values are bounded far below 4 GiB.
    out.put_u16(key.len() as u16);
    out.put_u8(extras.len() as u8);
    out.put_u8(0);
    out.put_u16(status as u16);
    out.put_u32((extras.len() + key.len() + value.len()) as u32);
    out.put_u32(echo.opaque);
    out.put_u64(cas);
    out.put_slice(extras);
    out.put_slice(key.as_bytes());
    out.put_slice(value);
}

/// Answers with a value, after the flags and, where the request wants it, the key.
pub fn value(out: &mut BytesMut, echo: Echo, cas: u64, value: &[u8]) {
    response(out, echo, Status::Success, cas, &FLAGS, echo.key.unwrap_or_default(), value);
}

/// Answers with a text, or with nothing but success.
pub fn text(out: &mut BytesMut, echo: Echo, text: &str) {
    response(out, echo, Status::Success, 0, &[], "", text.as_bytes());
}

/// Answers with an error and its text.
pub fn error(out: &mut BytesMut, echo: Echo, status: Status) {
    response(out, echo, status, 0, &[], "", status.text().as_bytes());
}

/// Answers with an upstream's answer to the text `stats`: a packet a line, ended by an empty one.
///
/// The first word of a line (`STAT`) is left out; the next is the key and the rest the value. An answer that is an
/// error is one here too.
pub fn stats(out: &mut BytesMut, echo: Echo, answer: &[u8]) {
    let answer = String::from_utf8_lossy(answer);
    for line in answer.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word == "END" || word == "OK" || word == "RESET" {
            break;
        }
        if word == "ERROR" || word.ends_with("_ERROR") {
            return response(out, echo, Status::Temporary, 0, &[], "", line.as_bytes());
        }
        let (key, value) = rest.split_once(' ').unwrap_or((rest, ""));
        // An empty key would end the answer, and a longer one has no room in the header.
        if !key.is_empty() && key.len() <= usize::from(u16::MAX) {
            response(out, echo, Status::Success, 0, &[], key, value.as_bytes());
        }
    }
    text(out, echo, "");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(opcode: u8, key: &str, opaque: u32) -> Vec<u8> {
        let mut packet = vec![REQUEST_MAGIC, opcode];
        packet.extend((key.len() as u16).to_be_bytes());
        packet.extend([0; 4]);
        packet.extend((key.len() as u32).to_be_bytes());
        packet.extend(opaque.to_be_bytes());
        packet.extend([0; 8]);
        packet.extend(key.bytes());
        packet
    }

    #[track_caller]
    fn asks(opcode: u8, key: &str, expected: Result<Request<'_>, Status>) -> Echo {
        let input = packet(opcode, key, 0xdead_beef);
        for cut in 1..input.len() {
            assert_eq!(parse(&input[..cut]), Parsed::Partial, "cut at {cut}");
        }
        let Parsed::Complete { value, used } = parse(&input) else { panic!("partial") };
        assert_eq!(used, input.len());
        assert_eq!(value.request.map_err(|refusal| refusal.status), expected, "{opcode:#x} {key:?}");
        assert!(!matches!(value.request, Err(Refusal { closes: true, .. })));
        assert_eq!((value.echo.opcode, value.echo.opaque), (opcode, 0xdead_beef));
        value.echo
    }

    #[test]
    fn knows_what_clients_send() {
        for (opcode, quiet, key) in [
            (0x60, false, None),
            (0x61, true, None),
            (0x62, false, Some("cluster")),
            (0x63, true, Some("cluster")),
        ] {
            let echo = asks(opcode, "cluster", Ok(Request::Config));
            assert_eq!((echo.quiet, echo.key), (quiet, key));
            asks(opcode, "other", Ok(Request::Absent));
        }
        for (opcode, quiet, key) in [
            (0x00, false, None),
            (0x09, true, None),
            (0x0c, false, Some(LEGACY_KEY)),
            (0x0d, true, Some(LEGACY_KEY)),
        ] {
            let echo = asks(opcode, LEGACY_KEY, Ok(Request::Legacy { cas: true }));
            assert_eq!((echo.quiet, echo.key), (quiet, key));
            asks(opcode, "other", Ok(Request::Absent));
        }
        asks(0x07, "", Ok(Request::Quit));
        assert!(asks(0x17, "", Ok(Request::Quit)).quiet);
        asks(0x0a, "", Ok(Request::Nothing));
        asks(0x0b, "", Ok(Request::Version));
        asks(0x10, "", Ok(Request::Stats("")));
        asks(0x10, "items", Ok(Request::Stats("items")));
    }

    #[test]
    fn knows_what_it_does_not_serve() {
        for opcode in
            (0..=0xff).filter(|opcode| !matches!(opcode, 0 | 0x07 | 0x09..=0x0d | 0x10 | 0x17 | 0x60..=0x63))
        {
            asks(opcode, "cluster", Err(Status::Unknown));
        }
        asks(0x10, "reset", Err(Status::Unknown));
        asks(0x10, "detail on", Err(Status::Unknown));
        asks(0x10, "a\r\nflush_all", Err(Status::Unknown));
    }

    #[track_caller]
    fn closes(input: &[u8], expected: Status) {
        match parse(input) {
            Parsed::Complete {
                value: Packet { request: Err(Refusal { status, closes: true }), .. }, ..
            } => {
                assert_eq!(status, expected);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_packet_that_contradicts_itself_ends_the_connection() {
        closes(b"config get cluster\r\n", Status::Invalid);
        closes(&[RESPONSE_MAGIC], Status::Invalid);
        let mut long_key = packet(0, "k", 0);
        long_key[3] = 2;
        closes(&long_key, Status::Invalid);
        let mut extras = packet(0, "k", 0);
        extras[4] = 1;
        closes(&extras, Status::Invalid);
    }

    #[test]
    fn a_packet_may_be_as_large_as_the_bound_and_not_one_more() {
        asks(1, &"k".repeat(PACKET_BYTES_MAX), Err(Status::Unknown));
        closes(&packet(1, &"k".repeat(PACKET_BYTES_MAX + 1), 0)[..24], Status::TooLarge);
    }

    #[test]
    fn an_answer_has_the_form_that_clients_read() {
        let echo = Echo { opcode: 0x60, opaque: 7, quiet: false, key: None };
        let mut out = BytesMut::new();
        value(&mut out, echo, 9, b"9\na|1|2\n");
        let header = [0x81, 0x60, 0, 0, 4, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9];
        assert_eq!(out[..24], header);
        assert_eq!(&out[24..], b"\0\0\0\09\na|1|2\n");
        let mut out = BytesMut::new();
        value(&mut out, Echo { key: Some("cluster"), ..echo }, 9, b"x");
        assert_eq!((out[3], out[11], &out[24..]), (7, 12, &b"\0\0\0\0clusterx"[..]));
        let mut out = BytesMut::new();
        error(&mut out, echo, Status::NotFound);
        assert_eq!((out[7], &out[24..]), (1, &b"Not found"[..]));
    }

    #[test]
    fn stats_are_a_packet_a_line_and_an_empty_one() {
        let echo = Echo { opcode: 0x10, opaque: 7, quiet: false, key: None };
        let mut out = BytesMut::new();
        stats(&mut out, echo, b"STAT pid 1\r\nSTAT name a b\r\nEND\r\n");
        let bodies = |mut rest: &[u8]| {
            let mut bodies = Vec::new();
            while !rest.is_empty() {
                let (key, body) = (usize::from(rest[3]), usize::from(rest[11]));
                let text = String::from_utf8(rest[24..24 + body].to_vec()).unwrap();
                bodies.push((text[..key].to_string(), text[key..].to_string()));
                rest = &rest[24 + body..];
            }
            bodies
        };
        let expected =
            [("pid", "1"), ("name", "a b"), ("", "")].map(|(key, value)| (key.into(), value.into()));
        assert_eq!(bodies(&out), expected);
        // An empty key is the end and nothing else, and a key that no header can tell the length of is left out.
        let mut out = BytesMut::new();
        let longest = "k".repeat(usize::from(u16::MAX));
        stats(
            &mut out,
            echo,
            format!("STAT  1\r\nSTAT {longest}k 1\r\nSTAT {longest} 1\r\nEND\r\n").as_bytes(),
        );
        assert_eq!((&out[2..4], out.len()), (&[0xff; 2][..], 24 + longest.len() + 1 + 24));
        let mut out = BytesMut::new();
        stats(&mut out, echo, b"SERVER_ERROR no\r\n");
        assert_eq!((out[7], bodies(&out)), (0x86, vec![(String::new(), "SERVER_ERROR no".into())]));
    }
}
