//! Time from bytes received to bytes that can be sent: the daemon without its sockets.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mimikyu::session::{Outbox, Session};

#[path = "inputs/conversations.rs"]
mod conversations;
#[path = "inputs/lists.rs"]
mod lists;

use conversations::{all, snapshot, talk};

fn sessions(criterion: &mut Criterion) {
    let snapshot = snapshot();
    let mut group = criterion.benchmark_group("session");
    for conversation in all(&snapshot) {
        let (name, pieces) = (conversation.name, &conversation.pieces);
        let (mut session, mut outbox) = (Session::default(), Outbox::default());
        assert_eq!(talk(&mut session, &mut outbox, &snapshot, pieces), conversation.expected, "{name}");
        group.throughput(Throughput::Elements(conversation.requests));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                if conversation.ends {
                    (session, outbox) = (Session::default(), Outbox::default());
                }
                talk(&mut session, &mut outbox, &snapshot, black_box(pieces))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, sessions);
criterion_main!(benches);
