//! The payload byte by byte: line ends, spaces, size, version.

use super::PAYLOAD_BYTES_MAX;
use super::clients::{
    CRLF_AFTER_VERSION, LONG_PAYLOAD, NO_FINAL_LF, NOBODY, SPACES, VERSION_OVER_31, VERSION_OVER_63,
    VERSION_ZERO,
};
use super::finding::{Finding, Rule, Severity};
use crate::cluster::Node;
use crate::protocol::payload::{self as codec, Error};

/// Its version, in digits, and its nodes.
pub(super) fn read(payload: &[u8]) -> Result<(String, Vec<Node>), Error> {
    let (first, rest) = codec::lines(payload);
    let version = String::from_utf8_lossy(first.trim_ascii()).into_owned();
    match codec::version(first.trim_ascii()) {
        Ok(_) | Err(Error::VersionTooLarge(_)) => Ok((version, codec::nodes(rest)?)),
        Err(error) => Err(error),
    }
}

/// What is wrong with a payload that was read as this version and these nodes.
pub(super) fn check(payload: &[u8], version: &str, nodes: &[Node]) -> Vec<Finding> {
    let mut findings = layout(payload);
    if findings.is_empty() && payload != canonical(version, nodes).as_bytes() {
        let what = "the payload is not <version> LF <nodes> LF";
        findings.push(Finding::new(Rule::R1, what, NOBODY));
    }
    if let Some(over) = payload.len().checked_sub(PAYLOAD_BYTES_MAX).filter(|over| *over > 0) {
        let what = format!("the payload has {} bytes, {over} over {PAYLOAD_BYTES_MAX}", payload.len());
        findings.push(Finding { severity: Severity::Severe, ..Finding::new(Rule::R6, what, LONG_PAYLOAD) });
    }
    findings.extend(range(version));
    findings
}

fn canonical(version: &str, nodes: &[Node]) -> String {
    let nodes: Vec<_> = nodes.iter().map(Node::to_string).collect();
    format!("{version}\n{}\n", nodes.join(" "))
}

/// What is wrong with its line ends and spaces.
fn layout(payload: &[u8]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (first, rest) = codec::lines(payload);
    if first.ends_with(b"\r") {
        findings.push(Finding::new(Rule::R1, "the version ends in CRLF", CRLF_AFTER_VERSION));
    }
    if rest.contains(&b'\r') {
        findings.push(Finding::new(Rule::R1, "the node list ends in CRLF", NOBODY));
    }
    if !payload.ends_with(b"\n") {
        findings.push(Finding::new(Rule::R3, "the payload has no LF at its end", NO_FINAL_LF));
    }
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let start = rest.iter().position(|byte| !is_end(byte)).unwrap_or(rest.len());
    let end = rest.iter().rposition(|byte| !is_end(byte)).map_or(start, |last| last + 1);
    let line = &rest[start..end];
    for (found, what) in [
        (line.starts_with(b" "), "a space before the first node"),
        (line.trim_ascii().windows(2).any(|two| two == b"  "), "more than one space between nodes"),
        (line.ends_with(b" "), "a space after the last node"),
    ] {
        if found {
            findings.push(Finding::new(Rule::R4, what, SPACES));
        }
    }
    findings
}

/// What is wrong with a version of digits.
fn range(version: &str) -> Option<Finding> {
    let (bound, hurts) = if version.bytes().all(|digit| digit == b'0') {
        ("below 1", VERSION_ZERO)
    } else if version.parse::<i64>().is_err() {
        ("over 9223372036854775807", VERSION_OVER_63)
    } else if version.parse::<i32>().is_err() {
        ("over 2147483647", VERSION_OVER_31)
    } else {
        return None;
    };
    let version: String = version.chars().take(40).collect();
    Some(Finding::new(Rule::R7, format!("the version {version} is {bound}"), hurts))
}
