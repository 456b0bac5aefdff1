//! What a session in packets should say, from the slow reader of packets and the description of the responses.

use super::session::{STATS_ANSWER, Said, Story, VERSION_REPLY};
use crate::protocol::naive_binary::{self, Asked};
use crate::protocol::{payload, reply};
use crate::session::{Command, Encoding, Farewell, ReplyKind, Tally};

const NOT_FOUND: u16 = 1;
const TOO_LARGE: u16 = 3;
const UNKNOWN: u16 = 0x81;
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

fn ask(tally: &mut Tally, command: Command) {
    tally.asked(Encoding::Binary, command);
}

/// Answers one request.
fn answer(story: &Story<'_>, asked: &Asked, said: &mut Said) {
    let list = story.snapshot.list.as_ref().map(|list| &list.cluster);
    let tally = &mut said.tally;
    let bytes = &mut said.bytes;
    match asked.words.as_deref() {
        Ok(words @ ("config" | "legacy cas")) => {
            let is_config = words == "config";
            ask(tally, if is_config { Command::ConfigGet } else { Command::Get });
            let Some(list) = list else {
                tally.replied(ReplyKind::NoList);
                said.farewell = Some(Farewell::Linger);
                return error(bytes, asked, TEMPORARY);
            };
            tally.replied(if is_config { ReplyKind::List } else { ReplyKind::Value });
            let value = [b"\0\0\0\0", asked.key.as_bytes(), &payload::encode(list)].concat();
            packet(bytes, asked, 0, [asked.key.len(), 4], list.version.number(), &value);
        }
        Ok("config other") => {
            ask(tally, Command::Absent);
            if !asked.quiet {
                tally.replied(ReplyKind::Miss);
                error(bytes, asked, NOT_FOUND);
            }
        }
        Ok("version") => {
            ask(tally, Command::Version);
            tally.replied(ReplyKind::Version);
            packet(bytes, asked, 0, [0, 0], 0, VERSION_REPLY.as_bytes());
        }
        Ok("nothing") => {
            ask(tally, Command::Other);
            tally.replied(ReplyKind::Done);
            packet(bytes, asked, 0, [0, 0], 0, b"");
        }
        Ok("quit") => {
            ask(tally, Command::Other);
            said.farewell = Some(Farewell::AtOnce);
            if !asked.quiet {
                tally.replied(ReplyKind::Done);
                packet(bytes, asked, 0, [0, 0], 0, b"");
            }
        }
        Ok(_) => {
            ask(tally, Command::Stats);
            tally.replied(if story.answers_stats { ReplyKind::Stats } else { ReplyKind::NoStats });
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
            ask(tally, Command::Invalid);
            tally.replied(match *status {
                TOO_LARGE => ReplyKind::TooLong,
                UNKNOWN => ReplyKind::Unsupported,
                _ => ReplyKind::Malformed,
            });
            said.farewell = asked.closes.then_some(Farewell::Linger);
            error(bytes, asked, *status);
        }
    }
}

/// The texts are memcached's own.
fn error(bytes: &mut Vec<u8>, asked: &Asked, status: u16) {
    let text = match status {
        NOT_FOUND => "Not found",
        TOO_LARGE => "Too large",
        4 => "Invalid arguments",
        UNKNOWN => "Unknown command",
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
