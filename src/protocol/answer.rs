//! What an upstream endpoint answers to `config get cluster`, or to `get` of the legacy key.
//!
//! Framed by its header and the line `END` rather than by the length in the header: some endpoints
//! miscount, and no payload has a line `END` in it. Knows nothing of sockets.

use std::fmt;

use super::lines::Lines;
use super::{LEGACY_KEY, Parsed, payload};
use crate::cluster::Cluster;
use crate::limits::ANSWER_BYTES_MAX;

/// Why an answer is not a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// `ERROR`: it does not know the command (plain memcached, engines before 1.4.14).
    UnknownCommand,
    /// `END` alone: it has nothing under that key.
    Miss,
    /// It answered an error, which is quoted.
    Refused(String),
    /// It answered something else, whose first line is quoted.
    Unexpected(String),
    /// The answer is longer than [`ANSWER_BYTES_MAX`].
    TooLong,
    /// The list in it can't be served.
    Payload(payload::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCommand => f.write_str("it does not know config get cluster"),
            Self::Miss => write!(f, "it has no node list (END, no {LEGACY_KEY})"),
            Self::Refused(line) => write!(f, "it answered {line:?}"),
            Self::Unexpected(line) => write!(f, "it answered {line:?}, which is no node list"),
            Self::TooLong => write!(f, "its answer is over {ANSWER_BYTES_MAX} bytes"),
            Self::Payload(error) => write!(f, "its node list was refused: {error}"),
        }
    }
}

impl std::error::Error for Error {}

/// A list in its frame, byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The first line, with its ending.
    pub header: &'a [u8],
    /// All up to the line `END`: the payload and the line end behind it.
    pub body: &'a [u8],
    /// The line `END`, with its ending.
    pub end: &'a [u8],
}

/// How far an answer that comes in pieces was looked at, so that no piece has all of it looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Where the header ends; 0 before it has.
    header: usize,
    lines: Lines,
}

/// Finds an answer at the head of `input`, and the list in it.
///
/// The same for both questions: which of them was asked decides only what an upstream may answer.
pub fn parse(input: &[u8]) -> Parsed<Result<Cluster, Error>> {
    parse_on(input, &mut Progress::default())
}

/// The same, of an answer of which less was looked at before.
pub fn parse_on(input: &[u8], progress: &mut Progress) -> Parsed<Result<Cluster, Error>> {
    match frame_on(input, progress) {
        Parsed::Complete { value, used } => {
            let value = value.and_then(|frame| payload::decode(frame.body).map_err(Error::Payload));
            Parsed::Complete { value, used }
        }
        Parsed::Partial => Parsed::Partial,
    }
}

/// Finds an answer at the head of `input`, whatever is in it.
pub fn frame(input: &[u8]) -> Parsed<Result<Frame<'_>, Error>> {
    frame_on(input, &mut Progress::default())
}

/// The same, of an answer of which less was looked at before.
pub fn frame_on<'a>(input: &'a [u8], progress: &mut Progress) -> Parsed<Result<Frame<'a>, Error>> {
    let complete = |value, used| Parsed::Complete { value, used };
    let Progress { header, lines } = progress;
    if *header == 0 {
        let Some(line) = lines.next(input).map(text) else { return unended(input) };
        let used = lines.start();
        match line.split(|byte| *byte == b' ').next() {
            Some(b"CONFIG" | b"VALUE") => *header = used,
            Some(b"ERROR") => return complete(Err(Error::UnknownCommand), used),
            Some(b"END") => return complete(Err(Error::Miss), used),
            Some(b"SERVER_ERROR" | b"CLIENT_ERROR") => {
                return complete(Err(Error::Refused(quote(line))), used);
            }
            _ => return complete(Err(Error::Unexpected(quote(line))), used),
        }
    }
    loop {
        let end = lines.start();
        let Some(last) = lines.next(input) else { return unended(input) };
        let used = lines.start();
        if text(last) == b"END" {
            let value = if used > ANSWER_BYTES_MAX {
                Err(Error::TooLong)
            } else {
                Ok(Frame { header: &input[..*header], body: &input[*header..end], end: last })
            };
            return complete(value, used);
        }
    }
}

/// Finds what a node answers to `set`.
pub fn stored(input: &[u8], lines: &mut Lines) -> Parsed<Result<(), Error>> {
    let Some(line) = lines.next(input).map(text) else { return unended(input) };
    let value = if line == b"STORED" { Ok(()) } else { Err(Error::Refused(quote(line))) };
    Parsed::Complete { value, used: lines.start() }
}

/// What there is of an answer whose end is not there.
fn unended<T>(input: &[u8]) -> Parsed<Result<T, Error>> {
    if input.len() > ANSWER_BYTES_MAX {
        Parsed::Complete { value: Err(Error::TooLong), used: input.len() }
    } else {
        Parsed::Partial
    }
}

/// A line without its ending.
fn text(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

pub(super) fn quote(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Node, Version};

    /// As captured from ElastiCache (documentation sample) and from Memorystore (CRLF, no final LF).
    const ELASTICACHE: &[u8] = b"CONFIG cluster 0 23\r\n12\nhost|10.0.0.1|11211\n\r\nEND\r\n";
    const MEMORYSTORE: &[u8] = b"CONFIG cluster 0 23\r\n12\r\nhost|10.0.0.1|11211\r\nEND\r\n";

    fn found(input: &[u8]) -> Result<Cluster, Error> {
        match parse(input) {
            Parsed::Complete { value, used } => {
                assert_eq!(used, input.len());
                value
            }
            Parsed::Partial => panic!("{:?} is not whole", String::from_utf8_lossy(input)),
        }
    }

    #[test]
    fn reads_both_captured_layouts_and_the_legacy_key() {
        let expected =
            Cluster { version: Version::new(12).unwrap(), nodes: vec![Node::new("host", "10.0.0.1", 11211)] };
        let legacy = b"VALUE AmazonElastiCache:cluster 0 23\r\n12\nhost|10.0.0.1|11211\n\r\nEND\r\n";
        let wrong_length = b"CONFIG cluster 0 9999\r\n12\nhost|10.0.0.1|11211\n\r\nEND\r\n";
        for input in [ELASTICACHE, MEMORYSTORE, legacy, wrong_length] {
            assert_eq!(found(input).as_ref(), Ok(&expected));
            for cut in 0..input.len() {
                assert_eq!(parse(&input[..cut]), Parsed::Partial, "cut at {cut}");
            }
        }
    }

    #[test]
    fn tells_apart_what_is_no_list() {
        assert_eq!(found(b"ERROR\r\n"), Err(Error::UnknownCommand));
        assert_eq!(found(b"END\r\n"), Err(Error::Miss));
        assert_eq!(found(b"SERVER_ERROR no\r\n"), Err(Error::Refused("SERVER_ERROR no".into())));
        assert_eq!(found(b"HTTP/1.1 400\r\n"), Err(Error::Unexpected("HTTP/1.1 400".into())));
        let empty = found(b"CONFIG cluster 0 2\r\n1\n\r\nEND\r\n");
        assert_eq!(empty, Err(Error::Payload(payload::Error::Empty)));
    }

    /// What a reader at one end of a socket has to do, who gets it a byte at a time.
    fn dribbled(input: &[u8]) -> (Parsed<Result<Cluster, Error>>, Progress) {
        let mut progress = Progress::default();
        let asked = (1..=input.len()).map(|cut| parse_on(&input[..cut], &mut progress));
        (asked.last().unwrap(), progress)
    }

    #[test]
    fn every_byte_is_looked_at_once_also_where_they_come_one_by_one() {
        let empty_lines = "\n".repeat(ANSWER_BYTES_MAX - 100);
        let one_line = " ".repeat(ANSWER_BYTES_MAX - 100);
        for filling in [empty_lines, one_line] {
            let input = format!("CONFIG cluster 0 1\r\n{filling}");
            let (found, progress) = dribbled(input.as_bytes());
            assert_eq!((found, progress.lines.searched), (Parsed::Partial, input.len()));
        }
        for input in [ELASTICACHE, MEMORYSTORE, b"ERROR\r\n", b"x\n"] {
            let (found, progress) = dribbled(input);
            assert_eq!((found, progress.lines.searched), (parse(input), input.len()));
        }
    }

    #[test]
    fn is_bounded() {
        let head = "CONFIG cluster 0 1\r\n1\nhost||1\n";
        let foot = "\r\nEND\r\n";
        let answer = |bytes: usize| {
            format!("{head}{}{foot}", " ".repeat(bytes - head.len() - foot.len())).into_bytes()
        };
        assert!(found(&answer(ANSWER_BYTES_MAX)).is_ok());
        assert_eq!(found(&answer(ANSWER_BYTES_MAX + 1)), Err(Error::TooLong));
        let endless = [head.as_bytes(), &vec![b' '; ANSWER_BYTES_MAX]].concat();
        assert_eq!(found(&endless), Err(Error::TooLong));
        assert_eq!(found(&vec![b'x'; ANSWER_BYTES_MAX + 1]), Err(Error::TooLong));
        assert_eq!(parse(&vec![b'x'; ANSWER_BYTES_MAX]), Parsed::Partial);
    }
}
