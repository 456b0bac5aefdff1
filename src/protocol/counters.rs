//! What a cache node counts, in its answer to `stats`: how many requests hit, how many missed.
//!
//! Lenient with every other line, since each version of memcached and each service has others; strict with these two.

use std::fmt;

use super::answer::quote;
use super::lines::Lines;
use super::{Parsed, stats};
use crate::limits::STATS_BYTES_MAX;

/// What a node has counted since it started, or since its statistics were reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// Keys that were asked for and found (`get_hits`).
    pub hits: u64,
    /// Keys that were asked for and not found (`get_misses`).
    pub misses: u64,
}

/// Why an answer tells no counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// It answered something else, whose first line is quoted.
    Unexpected(String),
    /// It does not tell this counter.
    Missing(&'static str),
    /// It tells this counter twice, or as something that is no number; quoted.
    Unclear(String),
    /// The answer is longer than [`STATS_BYTES_MAX`].
    TooLong,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unexpected(line) => write!(f, "it answered {line:?} to stats"),
            Self::Missing(name) => write!(f, "its stats have no {name}"),
            Self::Unclear(line) => write!(f, "its stats are unclear: {line:?}"),
            Self::TooLong => write!(f, "its stats are over {STATS_BYTES_MAX} bytes"),
        }
    }
}

impl std::error::Error for Error {}

/// Finds an answer to `stats` at the head of `input`, of which `lines` were looked at before, and the counters in it.
pub fn parse(input: &[u8], lines: &mut Lines) -> Parsed<Result<Counters, Error>> {
    // Who speaks another protocol never ends as this one does.
    let mut ahead = *lines;
    if ahead.start() == 0
        && let Some(first) = ahead.next(input).map(<[u8]>::trim_ascii_end)
        && first != b"END"
        && !first.starts_with(b"STAT")
    {
        return Parsed::Complete { value: Err(Error::Unexpected(quote(first))), used: ahead.start() };
    }
    match stats::end(input, lines) {
        Parsed::Complete { value: Ok(()), used } => Parsed::Complete { value: read(&input[..used]), used },
        Parsed::Complete { value: Err(stats::TooLong), used } => {
            Parsed::Complete { value: Err(Error::TooLong), used }
        }
        Parsed::Partial => Parsed::Partial,
    }
}

/// Reads a whole answer.
fn read(answer: &[u8]) -> Result<Counters, Error> {
    let (mut hits, mut misses) = (None, None);
    for line in answer.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end) {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let (Some(b"STAT"), Some(name), Some(value)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let counter = match name {
            b"get_hits" => &mut hits,
            b"get_misses" => &mut misses,
            _ => continue,
        };
        let value = number(value).filter(|_| counter.is_none());
        *counter = Some(value.ok_or_else(|| Error::Unclear(quote(line)))?);
    }
    let hits = hits.ok_or(Error::Missing("get_hits"))?;
    let misses = misses.ok_or(Error::Missing("get_misses"))?;
    Ok(Counters { hits, misses })
}

/// Digits alone: `parse` would take a plus sign.
fn number(word: &[u8]) -> Option<u64> {
    let word = std::str::from_utf8(word).ok()?;
    word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As memcached 1.6.18 answers, shortened.
    const GOOD: &str = "STAT pid 1\r\nSTAT version 1.6.18\r\nSTAT rusage_user 0.05\r\nSTAT cmd_get 12\r\n\
                        STAT get_hits 7\r\nSTAT get_misses 5\r\nSTAT get_expired 0\r\nEND\r\n";

    fn found(answer: &str) -> Result<Counters, Error> {
        match parse(answer.as_bytes(), &mut Lines::default()) {
            Parsed::Complete { value, used } => {
                assert_eq!(used, answer.len());
                value
            }
            Parsed::Partial => panic!("{answer:?} is not whole"),
        }
    }

    #[test]
    fn finds_both_counters_among_whatever_else_there_is() {
        let max = u64::MAX;
        for (answer, hits, misses) in [
            (GOOD, 7, 5),
            ("STAT get_misses 0\r\nSTAT get_hits 0\r\nEND\r\n", 0, 0),
            ("STAT get_hits 1\nSTAT get_misses 2\nEND\n", 1, 2),
            ("STAT \r\nSTAT x\r\n\r\nMORE x y\r\nSTAT get_hits 1\r\nSTAT get_misses 2\r\nEND\r\n", 1, 2),
            ("STAT get_hits2 x\r\nSTAT get_hits 1\r\nSTAT get_misses 2\r\nEND\r\n", 1, 2),
            (&format!("STAT get_hits {max}\r\nSTAT get_misses {max}\r\nEND\r\n"), max, max),
        ] {
            assert_eq!(found(answer), Ok(Counters { hits, misses }), "{answer:?}");
        }
    }

    #[test]
    fn an_answer_that_has_not_ended_is_partial_however_it_is_cut() {
        let mut lines = Lines::default();
        for cut in 0..GOOD.len() {
            assert_eq!(
                parse(&GOOD.as_bytes()[..cut], &mut Lines::default()),
                Parsed::Partial,
                "cut at {cut}"
            );
            assert_eq!(parse(&GOOD.as_bytes()[..cut], &mut lines), Parsed::Partial, "cut at {cut}");
        }
        let value = Ok(Counters { hits: 7, misses: 5 });
        assert_eq!(parse(GOOD.as_bytes(), &mut lines), Parsed::Complete { value, used: GOOD.len() });
    }

    #[test]
    fn an_answer_without_both_numbers_is_none() {
        let missing = |name| Err(Error::Missing(name));
        assert_eq!(found("END\r\n"), missing("get_hits"));
        assert_eq!(found("STAT get_misses 1\r\nEND\r\n"), missing("get_hits"));
        assert_eq!(found("STAT get_hits 1\r\nEND\r\n"), missing("get_misses"));
        assert_eq!(found("STAT get_hits\r\nSTAT get_misses 1\r\nEND\r\n"), missing("get_hits"));
        for value in ["", "-1", "+1", "1.0", "0x1", "1 2", " 1", "many", "18446744073709551616", "1\u{663}"] {
            let line = format!("STAT get_hits {value}");
            let told = found(&format!("{line}\r\nSTAT get_misses 1\r\nEND\r\n"));
            let expected = match value {
                // Without its value the line has two words.
                "" => Error::Missing("get_hits"),
                _ => Error::Unclear(line),
            };
            assert_eq!(told, Err(expected), "{value:?}");
        }
        let twice = found("STAT get_hits 1\r\nSTAT get_hits 1\r\nSTAT get_misses 1\r\nEND\r\n");
        assert_eq!(twice, Err(Error::Unclear("STAT get_hits 1".into())));
    }

    #[test]
    fn who_says_something_else_is_not_waited_for() {
        for line in
            ["ERROR", "SERVER_ERROR no", "CLIENT_ERROR no", "RESET", "OK", "HTTP/1.1 400 Bad", "", "-ERR"]
        {
            let told = found(&format!("{line}\r\n"));
            assert_eq!(told, Err(Error::Unexpected(line.into())));
            assert!(told.unwrap_err().to_string().contains(line));
        }
    }

    #[test]
    fn is_bounded() {
        let (head, foot) = ("STAT get_hits 1\r\nSTAT get_misses 2\r\nSTAT x ", "\r\nEND\r\n");
        let answer = |bytes: usize| format!("{head}{}{foot}", "x".repeat(bytes - head.len() - foot.len()));
        assert_eq!(found(&answer(STATS_BYTES_MAX)), Ok(Counters { hits: 1, misses: 2 }));
        assert_eq!(found(&answer(STATS_BYTES_MAX + 1)), Err(Error::TooLong));
        assert_eq!(found(&"x".repeat(STATS_BYTES_MAX + 1)), Err(Error::TooLong));
        assert_eq!(parse("x".repeat(STATS_BYTES_MAX).as_bytes(), &mut Lines::default()), Parsed::Partial);
    }
}
