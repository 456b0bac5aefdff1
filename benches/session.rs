//! Time from bytes received to bytes that can be sent: the daemon without its sockets.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mimikyu::session::{Farewell, Next, Outbox, Session, Tally};
use mimikyu::snapshot::Snapshot;

#[path = "inputs/lists.rs"]
mod lists;

/// What one connection does with all its input: the last thing the session says, and the bytes sent.
fn talk(session: &mut Session, outbox: &mut Outbox, snapshot: &Snapshot, pieces: &[&[u8]]) -> (Next, usize) {
    let mut tally = Tally::default();
    let mut next = Next::More;
    let mut sent = 0;
    for piece in pieces {
        next = session.receive(piece, snapshot, outbox, &mut tally);
        while !outbox.is_empty() {
            let length = black_box(outbox.piece()).len();
            outbox.sent(length);
            sent += length;
        }
    }
    black_box(tally);
    (next, sent)
}

fn sessions(criterion: &mut Criterion) {
    let snapshot = Snapshot::new(Some(lists::cluster(7, "node", 8)), "1.6.22");
    let list = snapshot.list.as_ref().expect("it was made with a list");
    let (config, value) = (list.config.unit(), list.value.unit());
    let sixteen = b"config get cluster\r\n".repeat(16);
    let mixed = b"config get cluster\r\nversion\r\nget AmazonElastiCache:cluster\r\n".repeat(4);
    let mixed_bytes = 4 * (config + snapshot.version.unit() + value);
    let mut group = criterion.benchmark_group("session");
    for (name, pieces, requests, expected) in [
        ("one", vec![&b"config get cluster\r\n"[..]], 1, config),
        ("one_in_two_pieces", vec![&b"config get cluster"[..], b"\r\n"], 1, config),
        ("pipelined_16", vec![&sixteen[..]], 16, 16 * config),
        ("pipelined_12_of_three_kinds", vec![&mixed[..]], 12, mixed_bytes),
        ("one_and_another_after_it", vec![&b"config get cluster\r\n"[..]; 2], 2, 2 * config),
    ] {
        let (mut session, mut outbox) = (Session::default(), Outbox::default());
        assert_eq!(talk(&mut session, &mut outbox, &snapshot, &pieces), (Next::More, expected), "{name}");
        group.throughput(Throughput::Elements(requests));
        group.bench_function(name, |bencher| {
            bencher.iter(|| talk(&mut session, &mut outbox, &snapshot, black_box(&pieces)));
        });
    }
    // What most clients do: a session of its own for a single question.
    let churn = [&b"config get cluster\r\nquit\r\n"[..]];
    let connect = || talk(&mut Session::default(), &mut Outbox::default(), &snapshot, black_box(&churn));
    assert_eq!(connect(), (Next::Close(Farewell::AtOnce), config));
    group.throughput(Throughput::Elements(1));
    group.bench_function("connect_ask_quit", |bencher| bencher.iter(connect));
    group.finish();
}

criterion_group!(benches, sessions);
criterion_main!(benches);
