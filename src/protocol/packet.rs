//! The binary protocol from the client's side: a request packet out, a response packet in.
//!
//! [`binary`](super::binary) is the other side of it. Knows nothing of sockets.

use super::{Parsed, answer};
use crate::limits::ANSWER_BYTES_MAX;

const REQUEST_MAGIC: u8 = super::binary::REQUEST_MAGIC;
const RESPONSE_MAGIC: u8 = 0x81;
const HEADER_BYTES: usize = 24;
const NOT_FOUND: u16 = 0x0001;
const UNKNOWN_COMMAND: u16 = 0x0081;

/// A response: what became of the request, and the parts of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response<'a> {
    /// The opcode of the request that it answers.
    pub opcode: u8,
    /// 0 is success.
    pub status: u16,
    /// What is before the key: flags.
    pub extras: &'a [u8],
    /// What is before the value.
    pub key: &'a [u8],
    /// The rest of the body.
    pub value: &'a [u8],
}

impl Response<'_> {
    /// Whether it has a value, or why not.
    pub fn check(&self) -> Result<(), answer::Error> {
        match self.status {
            0 => Ok(()),
            NOT_FOUND => Err(answer::Error::Miss),
            UNKNOWN_COMMAND => Err(answer::Error::UnknownCommand),
            status => {
                let text = String::from_utf8_lossy(&self.value[..self.value.len().min(80)]);
                Err(answer::Error::Refused(format!("status {status:#06x} {text}")))
            }
        }
    }
}

/// A request of a key, with nothing else in it.
pub fn request(opcode: u8, key: &str) -> Vec<u8> {
    // Keys of ours have a few bytes.
    let length = key.len() as u8;
    let mut packet = vec![REQUEST_MAGIC, opcode, 0, length, 0, 0, 0, 0, 0, 0, 0, length];
    packet.resize(HEADER_BYTES, 0);
    packet.extend_from_slice(key.as_bytes());
    packet
}

/// Finds the first response of `input`.
pub fn parse(input: &[u8]) -> Parsed<Result<Response<'_>, answer::Error>> {
    let complete = |value, used| Parsed::Complete { value, used };
    if input.first().is_some_and(|magic| *magic != RESPONSE_MAGIC) {
        let end = memchr::memchr(b'\n', input).unwrap_or(input.len()).min(80);
        let line = String::from_utf8_lossy(&input[..end]).trim_end().to_owned();
        return complete(Err(answer::Error::Unexpected(line)), input.len());
    }
    let Some((header, rest)) = input.split_at_checked(HEADER_BYTES) else {
        return Parsed::Partial;
    };
    let key_length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let extras_length = usize::from(header[4]);
    let body_length = u32::from_be_bytes([header[8], header[9], header[10], header[11]]) as usize;
    if body_length > ANSWER_BYTES_MAX {
        return complete(Err(answer::Error::TooLong), input.len());
    }
    if extras_length + key_length > body_length {
        let what = "a packet whose parts are longer than the whole".to_owned();
        return complete(Err(answer::Error::Unexpected(what)), input.len());
    }
    let Some(body) = rest.get(..body_length) else {
        return Parsed::Partial;
    };
    let (extras, body) = body.split_at(extras_length);
    let (key, value) = body.split_at(key_length);
    let status = u16::from_be_bytes([header[6], header[7]]);
    let response = Response { opcode: header[1], status, extras, key, value };
    complete(Ok(response), HEADER_BYTES + body_length)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::protocol::{Request, binary};

    #[test]
    fn a_request_is_one_that_the_other_side_understands() {
        let packet = request(0x60, "cluster");
        let Parsed::Complete { value, used } = binary::parse(&packet) else { panic!("half a packet") };
        assert_eq!((value.request, used), (Ok(Request::Config), packet.len()));
        assert_eq!(binary::parse(&packet[..packet.len() - 1]), Parsed::Partial);
    }

    #[test]
    fn a_response_of_the_other_side_is_understood_and_no_part_of_it() {
        let echo = binary::Echo { opcode: 0x62, opaque: 7, quiet: false, key: Some("cluster") };
        let mut out = BytesMut::new();
        binary::value(&mut out, echo, 9, b"payload");
        let response =
            Response { opcode: 0x62, status: 0, extras: &[0; 4], key: b"cluster", value: b"payload" };
        assert_eq!(parse(&out), Parsed::Complete { value: Ok(response), used: out.len() });
        for cut in 0..out.len() {
            assert_eq!(parse(&out[..cut]), Parsed::Partial, "cut at {cut}");
        }
    }

    #[test]
    fn an_error_says_which() {
        let echo = binary::Echo { opcode: 0x60, opaque: 0, quiet: false, key: None };
        for (status, error) in [
            (binary::Status::NotFound, answer::Error::Miss),
            (binary::Status::Unknown, answer::Error::UnknownCommand),
            (binary::Status::Temporary, answer::Error::Refused("status 0x0086 Temporary failure".into())),
        ] {
            let mut out = BytesMut::new();
            binary::error(&mut out, echo, status);
            let Parsed::Complete { value: Ok(response), .. } = parse(&out) else { panic!("{status:?}") };
            assert_eq!(response.check(), Err(error));
        }
    }

    #[test]
    fn what_is_no_response_is_refused() {
        let refused = |input: &[u8]| match parse(input) {
            Parsed::Complete { value: Err(error), .. } => error,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(b"ERROR\r\n"), answer::Error::Unexpected("ERROR".into()));
        let mut contradicts = request(0, "");
        (contradicts[0], contradicts[3]) = (RESPONSE_MAGIC, 1);
        assert!(matches!(refused(&contradicts), answer::Error::Unexpected(_)));
        let mut sized = |bytes: usize| {
            contradicts[3] = 0;
            contradicts[8..12].copy_from_slice(&(bytes as u32).to_be_bytes());
            contradicts.clone()
        };
        assert_eq!(refused(&sized(ANSWER_BYTES_MAX + 1)), answer::Error::TooLong);
        assert_eq!(parse(&sized(ANSWER_BYTES_MAX)), Parsed::Partial);
    }
}
