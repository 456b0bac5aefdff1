//! The same again and again: what stays behind once may be a table that is kept; what adds up is a leak.

use std::io::Write;

use super::harness::{Mimikyu, raise_descriptor_limit};
use super::reset;
use super::traces::{QUIET, Traces};

const ROUNDS: usize = 8;

/// Connections of a round.
const CLIENTS: usize = 1000;

/// How much the least memory of the second half of the rounds may be above that of the first, in KiB: the least, since what the
/// allocator keeps for a while is up to chance. So it sees 1 KiB a connection.
const RISE_KIB_MAX: usize = 4 * 1024;

/// How much that least may be above the memory of before, in KiB: it was 3 to 6 MiB, and 30 MiB where the allocator was not asked to give
/// back what it keeps.
const KEPT_KIB_MAX: usize = 12 * 1024;

/// They ask much and read nothing, say a part of a request, have something in the queue, speak packets; and leave in
/// every way.
fn crowd(mimikyu: &Mimikyu) {
    let much = "config get cluster\r\n".repeat(10_000);
    let unlike = "version\r\nconfig get cluster\r\nconfig get nothing\r\n".repeat(500);
    let packets = b"\x80\x60\0\x07\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0cluster".repeat(500);
    let kinds: [&[u8]; 6] = [b"config ge", much.as_bytes(), b"", unlike.as_bytes(), &packets, QUIET];
    let clients = (0..CLIENTS).map(|number| {
        let mut client = mimikyu.client();
        client.stream.set_nonblocking(true).expect("a socket");
        // As much of it as the kernel takes.
        let _ = client.stream.write(kinds[number % kinds.len()]);
        client
    });
    let clients: Vec<_> = clients.collect();
    // One that comes last is answered when the others were heard.
    mimikyu.list();
    for (number, client) in clients.into_iter().enumerate() {
        if (number / kinds.len()).is_multiple_of(2) {
            reset(client.stream);
        }
    }
}

#[test]
fn nothing_adds_up() {
    raise_descriptor_limit();
    let nodes: Vec<_> = (1..=60).map(|number| format!("127.0.0.{number}:9")).collect();
    let mimikyu =
        super::start(&["--request-timeout", "0s", "--static", &format!("many={}", nodes.join(","))]);
    let before = Traces::before(&mimikyu);
    let mut memory = Vec::new();
    for _ in 0..ROUNDS {
        crowd(&mimikyu);
        memory.push(before.after(&mimikyu));
    }
    println!("memory after each of {ROUNDS} rounds of {CLIENTS} connections: {memory:?} KiB");
    let least = |half: &[usize]| half.iter().copied().min().expect("some rounds");
    let (early, late) = memory.split_at(ROUNDS / 2);
    assert!(
        least(late) <= before.memory_kib + KEPT_KIB_MAX,
        "{} KiB before, {memory:?} KiB after",
        before.memory_kib
    );
    assert!(least(late) <= least(early) + RISE_KIB_MAX, "it rises: {memory:?} KiB");
}
