//! The slow, obvious parser that [`ascii`](super::ascii) must agree with.
//!
//! Byte by byte and with copies, from the description of the protocol rather than from the fast
//! parser. Only tests and fuzz targets call it.

use super::{Error, LEGACY_KEY};
use crate::limits::LINE_BYTES_MAX;

/// What the fast parser must find: the request in words, and the bytes it took; `None` is "not yet".
pub fn parse(input: &[u8]) -> Option<(Result<String, Error>, usize)> {
    let mut line = Vec::new();
    for (at, byte) in input.iter().enumerate() {
        if *byte == b'\n' {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            let value = if line.len() > LINE_BYTES_MAX { Err(Error::LineTooLong) } else { words(&line) };
            return Some((value, at + 1));
        }
        line.push(*byte);
        // One byte over may yet be the CR of the longest line.
        let over = line.len().saturating_sub(LINE_BYTES_MAX);
        if over > 1 || (over == 1 && *byte != b'\r') {
            return Some((Err(Error::LineTooLong), at + 1));
        }
    }
    None
}

/// What a line without its end asks.
pub(super) fn words(line: &[u8]) -> Result<String, Error> {
    let mut words: Vec<Vec<u8>> = vec![vec![]];
    for byte in line {
        if *byte == b' ' {
            words.push(vec![]);
        } else if let Some(word) = words.last_mut() {
            word.push(*byte);
        }
    }
    words.retain(|word| !word.is_empty());
    let texts: Vec<String> = words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    match texts.as_slice() {
        [] => Err(Error::Empty),
        ["config", "get", "cluster"] => Ok("config".into()),
        ["config", "get", _, ..] => Ok("config other".into()),
        ["get", key] if *key == LEGACY_KEY => Ok("legacy".into()),
        ["gets", key] if *key == LEGACY_KEY => Ok("legacy cas".into()),
        ["version"] => Ok("version".into()),
        ["quit"] => Ok("quit".into()),
        ["stats", ..] if String::from_utf8(line.to_vec()).is_err() => Err(Error::BadStats),
        ["stats", ..] if line.iter().any(|byte| *byte < 32 || *byte == 127) => Err(Error::BadStats),
        ["stats", "reset" | "sizes_enable" | "sizes_disable", ..] => Err(Error::StatsChange),
        ["stats", "detail", "on" | "off", ..] => Err(Error::StatsChange),
        ["stats", arguments @ ..] => Ok(format!("stats {}", arguments.join(" "))),
        _ => Err(Error::Unsupported),
    }
}
