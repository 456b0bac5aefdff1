//! Every command cut at every byte: the rest follows, or nothing does, or the connection is reset.

use std::io::Read;

use super::control::{Control, Ways};
use super::harness::{Client, Mimikyu, Upstream};
use super::traces::Traces;
use super::{reset, scaled};

/// A request as a packet.
fn packet(opcode: u8, key: &str) -> Vec<u8> {
    let mut packet = vec![0x80, opcode, 0, key.len() as u8, 0, 0, 0, 0, 0, 0, 0, key.len() as u8];
    packet.extend([7; 12]);
    packet.extend(key.bytes());
    packet
}

fn commands() -> Vec<Vec<u8>> {
    const KEY: &str = "AmazonElastiCache:cluster";
    let lines = [
        "config get cluster\r\n",
        "config get nothing\n",
        &format!("get {KEY}\r\n"),
        &format!("gets {KEY}\r\n"),
        "get a b c\r\n",
        "version\r\n",
        "stats\r\n",
        "stats items\r\n",
        "verbosity 1\r\n",
        "flush_all noreply\r\n",
        "nonsense\r\n",
        "\r\n",
        "quit\r\n",
    ];
    let packets = [
        packet(0x60, "cluster"),
        packet(0x00, KEY),
        packet(0x0c, KEY),
        packet(0x0d, "other"),
        packet(0x0b, ""),
        packet(0x0a, ""),
        packet(0x10, ""),
        packet(0x10, "items"),
        packet(0x55, "x"),
        packet(0x07, ""),
        packet(0x17, ""),
    ];
    lines.iter().map(|line| line.as_bytes().to_vec()).chain(packets).collect()
}

#[track_caller]
fn rest(client: &mut Client) -> Vec<u8> {
    let mut bytes = Vec::new();
    client.stream.read_to_end(&mut bytes).expect("an orderly end");
    bytes
}

#[test]
fn every_command_is_cut_at_every_byte() {
    let upstream = Upstream::list(5, "a b");
    let address = upstream.address.to_string();
    let mimikyu = Mimikyu::start(&["--workers", "1", "--poll-interval", "1h", &address]);
    let before = Traces::before(&mimikyu);
    let control = Control::start(&mimikyu, Ways::KeptAndNew);
    let mut cuts = 0;
    for _ in 0..scaled(1, 4) {
        for command in commands() {
            let mut whole = mimikyu.client();
            whole.send(&command);
            whole.finish();
            let answer = rest(&mut whole);
            for at in 0..command.len() {
                let [mut goes_on, mut half_closes, mut resets] = std::array::from_fn(|_| mimikyu.client());
                for client in [&mut goes_on, &mut half_closes, &mut resets] {
                    client.send(&command[..at]);
                }
                reset(resets.stream);
                half_closes.finish();
                assert_eq!(rest(&mut half_closes), b"", "{command:?} up to {at}");
                // The one worker has seen all three pieces by now.
                goes_on.send(&command[at..]);
                goes_on.finish();
                assert_eq!(rest(&mut goes_on), answer, "{command:?} at {at}");
                cuts += 3;
            }
        }
    }
    before.are_gone(&mimikyu, &format!("every command cut at every byte | {cuts} connections"), control);
}
