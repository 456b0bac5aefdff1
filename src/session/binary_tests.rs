//! The session as a client that speaks packets sees it.

use super::tests::{Client, snapshot};
use super::*;
use crate::limits::OWED_PACKETS_BYTES_MAX;

/// A request.
fn packet(opcode: u8, key: &str, opaque: u8) -> Vec<u8> {
    let mut packet = vec![0x80, opcode, 0, key.len() as u8, 0, 0, 0, 0, 0, 0, 0, key.len() as u8];
    packet.extend([0, 0, 0, opaque, 0, 0, 0, 0, 0, 0, 0, 0]);
    packet.extend(key.bytes());
    packet
}

/// A response: opcode, opaque, status and body.
type Response = (u8, u8, u8, String);

fn responses(mut rest: &[u8]) -> Vec<Response> {
    let mut responses = Vec::new();
    while !rest.is_empty() {
        assert_eq!(rest[0], 0x81);
        let length = u32::from_be_bytes(rest[8..12].try_into().unwrap()) as usize;
        let body = String::from_utf8(rest[24..24 + length].to_vec()).unwrap();
        responses.push((rest[1], rest[15], rest[7], body));
        rest = &rest[24 + length..];
    }
    responses
}

const LIST: &str = "\0\0\0\x007\na|10.0.0.1|11211\n";
const KEY: &str = "AmazonElastiCache:cluster";

#[track_caller]
fn answers(requests: &[Vec<u8>], expected: &[(u8, u8, u8, &str)]) -> Next {
    let whole = requests.concat();
    let mut outcome = None;
    // Whole, and cut in two at every byte.
    for cut in 0..whole.len() {
        let mut client = Client::new(snapshot());
        let first = client.receive_bytes(&whole[..cut]);
        let next = match first {
            Next::More => client.receive_bytes(&whole[cut..]),
            other => other,
        };
        let expected: Vec<Response> = expected
            .iter()
            .map(|(opcode, opaque, status, body)| (*opcode, *opaque, *status, body.to_string()))
            .collect();
        assert_eq!(responses(&client.sent_bytes()), expected, "cut at {cut}");
        outcome = Some(next);
    }
    outcome.unwrap()
}

#[test]
fn answers_each_packet_in_order() {
    let requests = [
        packet(0x60, "cluster", 1),
        packet(0x62, "cluster", 2),
        packet(0x00, KEY, 3),
        packet(0x0c, KEY, 4),
        packet(0x0b, "", 5),
        packet(0x0a, "", 6),
        packet(0x01, "a", 7),
        packet(0x64, "cluster", 8),
        packet(0x66, "cluster", 9),
        packet(0x68, "", 10),
    ];
    let with_key = format!("\0\0\0\0cluster{}", &LIST[4..]);
    let with_legacy_key = format!("\0\0\0\0{KEY}{}", &LIST[4..]);
    let next = answers(
        &requests,
        &[
            (0x60, 1, 0, LIST),
            (0x62, 2, 0, &with_key),
            (0x00, 3, 0, LIST),
            (0x0c, 4, 0, &with_legacy_key),
            (0x0b, 5, 0, "1.6.22"),
            (0x0a, 6, 0, ""),
            (0x01, 7, 0x81, "Unknown command"),
            (0x64, 8, 0x81, "Unknown command"),
            (0x66, 9, 0x81, "Unknown command"),
            (0x68, 10, 0x81, "Unknown command"),
        ],
    );
    assert_eq!(next, Next::More);
}

#[test]
fn a_quiet_get_is_silent_on_a_miss_and_only_then() {
    let requests = [
        packet(0x61, "other", 1),
        packet(0x09, "other", 2),
        packet(0x63, "other", 3),
        packet(0x0d, "other", 4),
        packet(0x61, "cluster", 5),
        packet(0x09, KEY, 6),
        packet(0x60, "other", 7),
        packet(0x00, "other", 8),
    ];
    let expected =
        [(0x61, 5, 0, LIST), (0x09, 6, 0, LIST), (0x60, 7, 1, "Not found"), (0x00, 8, 1, "Not found")];
    answers(&requests, &expected);
}

#[test]
fn quit_is_answered_and_quiet_quit_is_not() {
    let quit = [packet(0x0b, "", 1), packet(0x07, "", 2), packet(0x0b, "", 3)];
    assert_eq!(answers(&quit, &[(0x0b, 1, 0, "1.6.22"), (0x07, 2, 0, "")]), Next::Close(Farewell::AtOnce));
    let quiet = [packet(0x17, "", 2), packet(0x0b, "", 3)];
    assert_eq!(answers(&quiet, &[]), Next::Close(Farewell::AtOnce));
}

#[test]
fn a_malformed_header_is_told_and_ends_it() {
    let text = b"config get cluster\r\n".to_vec();
    let next =
        answers(&[packet(0x0b, "", 1), text], &[(0x0b, 1, 0, "1.6.22"), (0, 0, 4, "Invalid arguments")]);
    assert_eq!(next, Next::Close(Farewell::Linger));
}

#[test]
fn without_a_list_it_says_so_and_ends() {
    let mut client = Client::new(Snapshot::new(None, "1.6.22"));
    assert_eq!(client.receive_bytes(&packet(0x0b, "", 1)), Next::More);
    assert_eq!(client.receive_bytes(&packet(0x60, "cluster", 2)), Next::Close(Farewell::Linger));
    let expected = [(0x0b, 1, 0, "1.6.22".into()), (0x60, 2, 0x86, "Temporary failure".into())];
    assert_eq!(responses(&client.sent_bytes()), expected);
}

#[test]
fn stats_are_packets_ended_by_an_empty_one_and_what_follows_waits() {
    let mut client = Client::new(snapshot());
    let requests = [packet(0x10, "items", 1), packet(0x0b, "", 2)].concat();
    assert_eq!(client.receive_bytes(&requests), Next::Stats("items".into()));
    assert!(client.sent_bytes().is_empty());
    assert_eq!(client.answer("STAT items:1:number 7\r\nEND\r\n"), Next::More);
    let packets = client.sent_bytes();
    let expected = [(0x10, 1, 0, "items:1:number7"), (0x10, 1, 0, ""), (0x0b, 2, 0, "1.6.22")];
    assert_eq!(responses(&packets), expected.map(|(a, b, c, d)| (a, b, c, d.to_string())));
}

#[test]
fn who_does_not_read_is_owed_a_bounded_amount() {
    let mut client = Client::new(snapshot());
    let requests = 20_000;
    assert_eq!(client.receive_bytes(&packet(0x60, "cluster", 1).repeat(requests)), Next::Full);
    assert!(client.outbox.owed() < OWED_PACKETS_BYTES_MAX + 100);
    let mut answered = 0;
    loop {
        answered += responses(&client.sent_bytes()).len();
        if client.resume() == Next::More {
            break;
        }
    }
    answered += responses(&client.sent_bytes()).len();
    assert_eq!(answered, requests);
}
