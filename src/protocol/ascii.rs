//! The ASCII protocol: a command line in, a [`Request`] out.
//!
//! Knows nothing of sockets. A line ends in LF, with or without a CR before it; a line that has not
//! ended yet is [`Parsed::Partial`]. Words are separated by spaces, any number of them, and may be
//! followed by some: the AWS library for PHP sends one. Commands are lower case, as in memcached
//! (`doc/protocol.txt`).

use super::{Error, LEGACY_KEY, Parsed, Request};
use crate::limits::LINE_BYTES_MAX;

/// What nearly every line is: taken whole, without looking at its words.
const CONFIG_GET_CLUSTER: &[u8] = b"config get cluster";

/// Finds the first line of `input` and what it asks.
pub fn parse(input: &[u8]) -> Parsed<Result<Request<'_>, Error>> {
    // The bound on a line is also the bound on the search: a CR and the LF may follow the longest one.
    let window = &input[..input.len().min(LINE_BYTES_MAX + 2)];
    let Some(end) = memchr::memchr(b'\n', window) else {
        let too_long = window.len() > LINE_BYTES_MAX + 1
            || (window.len() == LINE_BYTES_MAX + 1 && window.last() != Some(&b'\r'));
        return if too_long {
            Parsed::Complete { value: Err(Error::LineTooLong), used: window.len() }
        } else {
            Parsed::Partial
        };
    };
    let line = window[..end].strip_suffix(b"\r").unwrap_or(&window[..end]);
    let value = if line == CONFIG_GET_CLUSTER {
        Ok(Request::Config)
    } else if line.len() > LINE_BYTES_MAX {
        Err(Error::LineTooLong)
    } else {
        request(line)
    };
    Parsed::Complete { value, used: end + 1 }
}

/// What a line asks, word by word.
fn request(line: &[u8]) -> Result<Request<'_>, Error> {
    let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let command = words.next().ok_or(Error::Empty)?;
    let arguments = [words.next(), words.next(), words.next()];
    match (command, arguments) {
        (b"config", [Some(b"get"), Some(b"cluster"), None]) => Ok(Request::Config),
        (b"config", [Some(b"get"), Some(_), _]) => Ok(Request::Absent),
        (b"get", [Some(key), None, _]) if key == LEGACY_KEY.as_bytes() => Ok(Request::Legacy { cas: false }),
        (b"gets", [Some(key), None, _]) if key == LEGACY_KEY.as_bytes() => Ok(Request::Legacy { cas: true }),
        (b"version", [None, ..]) => Ok(Request::Version),
        (b"quit", [None, ..]) => Ok(Request::Quit),
        (b"stats", _) => stats(line),
        _ => Err(Error::Unsupported),
    }
}

/// The arguments of a `stats` line.
fn stats(line: &[u8]) -> Result<Request<'_>, Error> {
    // Only spaces come before the command, which the caller has seen.
    let start = line.iter().position(|byte| *byte != b' ').unwrap_or(0);
    stats_arguments(line[start..].strip_prefix(b"stats").unwrap_or_default()).map(Request::Stats)
}

/// The arguments of `stats`, unless they would change the upstream or break its line.
pub(super) fn stats_arguments(arguments: &[u8]) -> Result<&str, Error> {
    let arguments = str::from_utf8(arguments).map_err(|_| Error::BadStats)?.trim_matches(' ');
    if arguments.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(Error::BadStats);
    }
    let mut words = arguments.split(' ').filter(|word| !word.is_empty());
    match (words.next(), words.next()) {
        (Some("reset" | "sizes_enable" | "sizes_disable"), _) | (Some("detail"), Some("on" | "off")) => {
            Err(Error::StatsChange)
        }
        _ => Ok(arguments),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn asks(line: &str, expected: Result<Request<'_>, Error>) {
        for ending in ["\n", "\r\n"] {
            let input = format!("{line}{ending}");
            let parsed = parse(input.as_bytes());
            assert_eq!(parsed, Parsed::Complete { value: expected, used: input.len() }, "{input:?}");
            for cut in 0..input.len() {
                assert_eq!(parse(&input.as_bytes()[..cut]), Parsed::Partial, "{input:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn knows_what_clients_send() {
        asks("config get cluster", Ok(Request::Config));
        asks("config get cluster ", Ok(Request::Config));
        asks(" config  get   cluster", Ok(Request::Config));
        asks("config get clusters", Ok(Request::Absent));
        asks("config get cluster too", Ok(Request::Absent));
        asks("get AmazonElastiCache:cluster", Ok(Request::Legacy { cas: false }));
        asks("gets AmazonElastiCache:cluster ", Ok(Request::Legacy { cas: true }));
        asks("version", Ok(Request::Version));
        asks("quit", Ok(Request::Quit));
        asks("stats", Ok(Request::Stats("")));
        asks("stats ", Ok(Request::Stats("")));
        asks("stats  cachedump 1 10 ", Ok(Request::Stats("cachedump 1 10")));
        asks("stats detail dump", Ok(Request::Stats("detail dump")));
    }

    #[test]
    fn knows_what_it_does_not_serve() {
        asks("", Err(Error::Empty));
        asks("  ", Err(Error::Empty));
        for line in [
            "set a 0 0 1",
            "get a",
            "get a AmazonElastiCache:cluster",
            "get AmazonElastiCache:cluster a",
            "get",
            "config",
            "config get",
            "config set cluster 0 1",
            "CONFIG GET CLUSTER",
            "version 1",
            "quit now",
            "statsitems",
            "config\tget\tcluster",
            "\0",
            "é",
        ] {
            asks(line, Err(Error::Unsupported));
        }
        for line in
            ["stats reset", "stats  reset", "stats detail on", "stats detail  off ", "stats sizes_enable"]
        {
            asks(line, Err(Error::StatsChange));
        }
        asks("stats \u{1}", Err(Error::BadStats));
        let not_utf8 = parse(b"stats \xff\n");
        assert_eq!(not_utf8, Parsed::Complete { value: Err(Error::BadStats), used: 8 });
    }

    #[test]
    fn a_line_may_have_2048_bytes_and_not_one_more() {
        let longest = "x".repeat(LINE_BYTES_MAX);
        asks(&longest, Err(Error::Unsupported));
        for ending in ["x\n", "x\r\n", "xx", "\rx", "\r\r\n"] {
            let input = format!("{longest}{ending}");
            assert!(
                matches!(parse(input.as_bytes()), Parsed::Complete { value: Err(Error::LineTooLong), .. }),
                "{ending:?}"
            );
        }
        assert_eq!(parse(format!("{longest}\r").as_bytes()), Parsed::Partial);
        assert!(matches!(parse(format!("{longest}x").as_bytes()), Parsed::Complete { .. }));
    }

    #[test]
    fn takes_one_line_of_several() {
        let input = b"config get cluster\r\nquit\r\n";
        assert_eq!(parse(input), Parsed::Complete { value: Ok(Request::Config), used: 20 });
    }
}
