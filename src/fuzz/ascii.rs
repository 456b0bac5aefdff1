//! The fast parser of command lines agrees with the slow one, however its input is cut.

use super::cuts;
use crate::limits::LINE_BYTES_MAX;
use crate::protocol::{Error, Parsed, Request, ascii, naive};

/// Reads `input` line by line, as a session does, with both parsers.
pub fn ascii(input: &[u8]) {
    let mut rest = input;
    while let Some(used) = line(rest) {
        rest = &rest[used..];
    }
}

/// Reads the first line; tells how many bytes it had if it ended.
fn line(input: &[u8]) -> Option<usize> {
    let parsed = ascii::parse(input);
    let Parsed::Complete { value, used } = parsed else {
        assert_eq!(naive::parse(input), None, "only the slow parser found an end");
        assert!(input.len() <= LINE_BYTES_MAX + 1, "a line of {} bytes waits for more", input.len());
        waits(input);
        return None;
    };
    assert!((1..=input.len().min(LINE_BYTES_MAX + 2)).contains(&used), "{used} of {}", input.len());
    let Some((expected, expected_used)) = naive::parse(input) else {
        panic!("only the fast parser found an end: {value:?}");
    };
    assert_eq!(value.map(words), expected);
    if value == Err(Error::LineTooLong) {
        // The connection ends, so it does not matter how much of the line was looked at.
        assert!(expected_used <= used);
    } else {
        assert_eq!(used, expected_used);
    }
    assert_eq!(ascii::parse(&input[..used]), parsed, "what follows a line matters");
    waits(&input[..expected_used]);
    Some(used)
}

/// Asserts that nothing is found in a part of `line`.
fn waits(line: &[u8]) {
    for cut in cuts(line) {
        assert_eq!(ascii::parse(&line[..cut]), Parsed::Partial, "cut at {cut} of {}", line.len());
    }
}

/// The request in the words of the slow parser.
fn words(request: Request<'_>) -> String {
    match request {
        Request::Config => "config".into(),
        Request::Absent => "config other".into(),
        Request::Legacy { cas: false } => "legacy".into(),
        Request::Legacy { cas: true } => "legacy cas".into(),
        Request::Version => "version".into(),
        Request::Nothing => unreachable!("no line asks for nothing"),
        Request::Quit => "quit".into(),
        Request::Stats(arguments) => {
            assert_eq!(arguments, arguments.trim(), "spaces at the ends");
            let words: Vec<_> = arguments.split(' ').filter(|word| !word.is_empty()).collect();
            format!("stats {}", words.join(" "))
        }
    }
}
