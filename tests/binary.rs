//! The binary protocol on the same port, as a client sees it.

mod harness;

use std::io::Read;

use harness::{Behaviour, Client, Mimikyu, Upstream};

fn packet(opcode: u8, key: &str, opaque: u32) -> Vec<u8> {
    let mut packet = vec![0x80, opcode, 0, key.len() as u8, 0, 0, 0, 0, 0, 0, 0, key.len() as u8];
    packet.extend(opaque.to_be_bytes());
    packet.extend([0; 8]);
    packet.extend(key.bytes());
    packet
}

/// Opcode, opaque, status and body of the next response.
#[track_caller]
fn response(client: &mut Client) -> (u8, u32, u16, String) {
    let mut header = [0; 24];
    client.stream.read_exact(&mut header).expect("a header");
    assert_eq!(header[0], 0x81);
    let number = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four"));
    let mut body = vec![0; number(8) as usize];
    client.stream.read_exact(&mut body).expect("a body");
    let status = u16::from_be_bytes([header[6], header[7]]);
    (header[1], number(12), status, String::from_utf8(body).expect("text"))
}

const LIST: &str = "\0\0\0\x001000005\na|10.0.0.1|11211 b|10.0.0.1|11211\n";

#[test]
fn both_encodings_are_served_on_one_port() {
    let upstream = Upstream::list(5, "a b");
    let mimikyu = Mimikyu::start(&[&upstream.address.to_string()]);
    let mut client = mimikyu.client();
    for opaque in [0, 1, u32::MAX] {
        client.send(packet(0x60, "cluster", opaque));
        assert_eq!(response(&mut client), (0x60, opaque, 0, LIST.into()));
    }
    assert_eq!(mimikyu.list().version, 1_000_005);
    client.send(packet(0x01, "key", 9));
    assert_eq!(response(&mut client), (0x01, 9, 0x81, "Unknown command".into()));
    client.send((0..8).flat_map(|opaque| packet(0x60, "cluster", opaque)).collect::<Vec<_>>());
    for opaque in 0..8 {
        assert_eq!(response(&mut client), (0x60, opaque, 0, LIST.into()));
    }
    client.send(packet(0x17, "", 0));
    assert_eq!(client.rest(), "", "closed at once, without a word");
}

#[test]
fn a_packet_may_be_cut_anywhere_and_half_close_gets_every_response() {
    let upstream = Upstream::list(5, "a b");
    let mimikyu = Mimikyu::start(&[&upstream.address.to_string()]);
    let mut client = mimikyu.client();
    let request = packet(0x60, "cluster", 7);
    for cut in 1..request.len() {
        client.send(&request[..cut]);
        client.send(&request[cut..]);
        assert_eq!(response(&mut client).3, LIST);
    }
    client.send(request.repeat(2000));
    client.finish();
    for _ in 0..2000 {
        assert_eq!(response(&mut client), (0x60, 7, 0, LIST.into()));
    }
    client.until_closed();
}

#[test]
fn stats_are_asked_upstream_like_those_in_text() {
    let upstream = Upstream::list(5, "a b");
    let mimikyu = Mimikyu::start(&["--poll-timeout", "500ms", &upstream.address.to_string()]);
    upstream.set_stats("STAT pid 1\r\nSTAT version 1.6.18\r\nEND\r\n");
    let mut client = mimikyu.client();
    client.send([packet(0x10, "", 3), packet(0x0b, "", 4)].concat());
    for expected in ["pid1", "version1.6.18", ""] {
        assert_eq!(response(&mut client), (0x10, 3, 0, expected.into()));
    }
    assert_eq!(response(&mut client), (0x0b, 4, 0, "1.6.22".into()));
    upstream.set(Behaviour::Hangs);
    client.send(packet(0x10, "", 5));
    let (_, opaque, status, body) = response(&mut client);
    assert_eq!((opaque, status), (5, 0x86));
    assert!(body.contains("no upstream that answers stats"), "{body}");
    client.until_closed();
}

#[test]
fn a_malformed_header_ends_the_connection_with_its_status() {
    let mimikyu = Mimikyu::start(&["--static", "edge=127.0.0.1:9"]);
    let mut too_large = packet(0x01, "", 1);
    too_large[8..12].copy_from_slice(&2049u32.to_be_bytes());
    let mut contradicts = packet(0x00, "", 1);
    contradicts[3] = 1;
    for (request, status) in [(too_large, 3), (contradicts, 4)] {
        let mut client = mimikyu.client();
        client.send(request);
        assert_eq!(response(&mut client).2, status);
        client.until_closed();
    }
}
