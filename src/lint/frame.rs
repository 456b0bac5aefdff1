//! What is around the payload: header, length, `END`, and how the reply came.

use super::REPLY_BYTES_MAX;
use super::clients::{KEY_IN_ANSWER, LONG_REPLY, NOBODY, SPLIT, WRONG_LENGTH};
use super::finding::{Finding, Rule};
use crate::protocol::packet::Response;
use crate::protocol::{LEGACY_KEY, Parsed, answer};

/// Extras of a binary response with a value: its flags.
const FLAGS_BYTES: usize = 4;

/// The payload of a text reply, and what is wrong around it.
pub(super) fn text(reply: &[u8], reads: usize) -> Result<(&[u8], Vec<Finding>), answer::Error> {
    let frame = match answer::frame(reply) {
        Parsed::Complete { value, .. } => value?,
        Parsed::Partial => return Err(answer::Error::Unexpected("half a reply".into())),
    };
    let mut findings = Vec::new();
    let payload = frame.body.strip_suffix(b"\r\n");
    for (line, ends) in [
        ("header", frame.header.ends_with(b"\r\n")),
        ("payload", payload.is_some()),
        ("line END", frame.end.ends_with(b"\r\n")),
    ] {
        if !ends {
            findings.push(Finding::new(Rule::R1, format!("no CRLF behind the {line}"), NOBODY));
        }
    }
    let payload = payload.or(frame.body.strip_suffix(b"\n")).unwrap_or(frame.body);
    findings.extend(length(frame.header, payload.len()));
    if reads > 1 {
        findings.push(Finding::new(Rule::R5, format!("the reply came in {reads} reads"), SPLIT));
    }
    Ok((payload, findings))
}

/// What is wrong with a header, and with the length in it.
fn length(header: &[u8], payload_bytes: usize) -> Option<Finding> {
    let header = String::from_utf8_lossy(header);
    let header = header.strip_suffix('\n').unwrap_or(&header);
    let header = header.strip_suffix('\r').unwrap_or(header);
    let length = match header.split(' ').collect::<Vec<_>>()[..] {
        ["CONFIG", "cluster", "0", length] => length,
        ["VALUE", LEGACY_KEY, "0", length] => length,
        ["VALUE", LEGACY_KEY, "0", length, cas] if !cas.is_empty() => length,
        _ => {
            let header: String = header.chars().take(80).collect();
            let what = format!("the header {header:?} is not CONFIG cluster 0 <length>");
            return Some(Finding::new(Rule::R2, what, NOBODY));
        }
    };
    if length == payload_bytes.to_string() {
        return None;
    }
    let length: String = length.chars().take(20).collect();
    let what = format!("the header says {length:?} bytes, the payload has {payload_bytes}");
    Some(Finding::new(Rule::R2, what, WRONG_LENGTH))
}

/// What is wrong with the size of a text reply. The client that minds speaks only text.
pub(super) fn text_size(reply_bytes: usize) -> Option<Finding> {
    let over = reply_bytes.checked_sub(REPLY_BYTES_MAX).filter(|over| *over > 0)?;
    let what = format!("the reply has {reply_bytes} bytes, {over} over {REPLY_BYTES_MAX}");
    Some(Finding::new(Rule::R6, what, LONG_REPLY))
}

/// What is wrong around the value of a binary response, unless there is none.
pub(super) fn binary(response: &Response<'_>) -> Result<Vec<Finding>, answer::Error> {
    response.check()?;
    let mut findings = Vec::new();
    if response.extras.len() != FLAGS_BYTES {
        let what = format!("the payload is behind {} bytes of extras, not 4", response.extras.len());
        findings.push(Finding::new(Rule::R2, what, KEY_IN_ANSWER));
    }
    if !response.key.is_empty() {
        let what = format!("the payload is behind a key of {} bytes", response.key.len());
        findings.push(Finding::new(Rule::R2, what, KEY_IN_ANSWER));
    }
    Ok(findings)
}
