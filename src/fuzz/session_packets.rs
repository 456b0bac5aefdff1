//! What a session in packets should say, from the slow reader of packets and the description of the responses.

use super::session::{STATS_ANSWER, Said, Story, VERSION_REPLY};
use crate::protocol::naive_binary::{self, Asked};
use crate::protocol::{payload, reply};
use crate::session::Farewell;

const NOT_FOUND: u16 = 1;
const TEMPORARY: u16 = 0x86;

/// Everything that a session says to these requests, and what becomes of it.
pub(super) fn expected(story: &Story<'_>, requests: &[u8]) -> Said {
    let mut said = Said::default();
    let mut rest = requests;
    while let (None, Some((asked, used))) = (said.farewell, naive_binary::parse(rest)) {
        rest = &rest[used..];
        answer(story, &asked, &mut said);
    }
    said.unread = if said.farewell.is_some() { 0 } else { rest.len() };
    said
}

/// Answers one request.
fn answer(story: &Story<'_>, asked: &Asked, said: &mut Said) {
    let list = story.snapshot.list.as_ref().map(|list| &list.cluster);
    let tally = &mut said.tally;
    let bytes = &mut said.bytes;
    match asked.words.as_deref() {
        Ok(words @ ("config" | "legacy cas")) => {
            *(if words == "config" { &mut tally.config_get } else { &mut tally.get }) += 1;
            let Some(list) = list else {
                said.farewell = Some(Farewell::Linger);
                return error(bytes, asked, TEMPORARY);
            };
            let value = [b"\0\0\0\0", asked.key.as_bytes(), &payload::encode(list)].concat();
            packet(bytes, asked, 0, [asked.key.len(), 4], list.version.number(), &value);
        }
        Ok("config other") => {
            tally.misses += 1;
            if !asked.quiet {
                error(bytes, asked, NOT_FOUND);
            }
        }
        Ok("version") => {
            tally.version += 1;
            packet(bytes, asked, 0, [0, 0], 0, VERSION_REPLY.as_bytes());
        }
        Ok("nothing") => {
            tally.others += 1;
            packet(bytes, asked, 0, [0, 0], 0, b"");
        }
        Ok("quit") => {
            tally.others += 1;
            said.farewell = Some(Farewell::AtOnce);
            if !asked.quiet {
                packet(bytes, asked, 0, [0, 0], 0, b"");
            }
        }
        Ok(_) => {
            tally.stats += 1;
            if story.answers_stats {
                for line in STATS_ANSWER.lines().filter_map(|line| line.strip_prefix("STAT ")) {
                    let key_length = line.find(' ').expect("each of these lines has a value");
                    packet(bytes, asked, 0, [key_length, 0], 0, line.replacen(' ', "", 1).as_bytes());
                }
                packet(bytes, asked, 0, [0, 0], 0, b"");
            } else {
                said.farewell = Some(Farewell::Linger);
                packet(bytes, asked, TEMPORARY, [0, 0], 0, reply::NO_STATS.trim_end().as_bytes());
            }
        }
        Err(status) => {
            tally.errors += 1;
            said.farewell = asked.closes.then_some(Farewell::Linger);
            error(bytes, asked, *status);
        }
    }
}

/// The texts are memcached's own.
fn error(bytes: &mut Vec<u8>, asked: &Asked, status: u16) {
    let text = match status {
        NOT_FOUND => "Not found",
        3 => "Too large",
        4 => "Invalid arguments",
        0x81 => "Unknown command",
        TEMPORARY => "Temporary failure",
        _ => unreachable!("no request is answered with {status}"),
    };
    packet(bytes, asked, status, [0, 0], 0, text.as_bytes());
}

/// A response: the lengths are the key's and the extras'.
fn packet(bytes: &mut Vec<u8>, asked: &Asked, status: u16, lengths: [usize; 2], cas: u32, body: &[u8]) {
    bytes.extend([0x81, asked.opcode, 0, lengths[0] as u8, lengths[1] as u8, 0]);
    bytes.extend(status.to_be_bytes());
    bytes.extend((body.len() as u32).to_be_bytes());
    bytes.extend(asked.opaque.to_be_bytes());
    bytes.extend(u64::from(cas).to_be_bytes());
    bytes.extend(body);
}
