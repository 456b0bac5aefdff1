//! Time from a merged list to the moment when every worker answers with it.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mimikyu::cluster::Cluster;
use mimikyu::protocol::{payload, reply};
use mimikyu::snapshot::{Publisher, Snapshot};

#[path = "inputs/lists.rs"]
mod lists;

fn publishes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("publish");
    for nodes in [2, 60, 500, 5000] {
        let cluster = lists::cluster(7, "node", nodes);
        let expected = reply::config(&payload::encode(&cluster));
        let publisher = Publisher::new("1.6.22");
        let mut reader = publisher.reader();
        let mut publish = |cluster: Cluster| {
            publisher.publish(cluster);
            black_box(reader.current()).clone()
        };
        let served = publish(cluster.clone());
        assert_eq!(served.list.as_ref().map(|list| list.config.once()), Some(&expected[..]));
        group.throughput(Throughput::Elements(nodes as u64));
        group.bench_function(format!("{nodes}_nodes"), |bencher| {
            bencher.iter_batched(|| cluster.clone(), &mut publish, BatchSize::SmallInput);
        });
    }
    group.finish();
}

/// What a worker pays per batch to see whether the list is still the same.
fn reads(criterion: &mut Criterion) {
    let publisher = Publisher::new("1.6.22");
    publisher.publish(lists::cluster(7, "node", 8));
    let mut reader = publisher.reader();
    let mut version = || {
        let current: &Snapshot = black_box(&mut reader).current();
        current.list.as_ref().map(|list| list.cluster.version.number())
    };
    assert_eq!(version(), Some(7));
    let mut group = criterion.benchmark_group("publish");
    group.throughput(Throughput::Elements(1));
    group.bench_function("read_without_a_change", |bencher| bencher.iter(&mut version));
    group.finish();
}

criterion_group!(benches, publishes, reads);
criterion_main!(benches);
