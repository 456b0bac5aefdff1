//! Time to make one list of several, to give it its version and to tell what changed.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mimikyu::cluster::{Change, Cluster, Served, merge};

#[path = "inputs/lists.rs"]
mod lists;

const BASE: u32 = 1_000_000;

fn merges(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("merge");
    for (sources, nodes) in [(2, 2), (2, 60), (2, 500), (8, 60), (64, 60)] {
        let clusters: Vec<Cluster> =
            (0..sources).map(|source| lists::cluster(7, &format!("cluster-{source}"), nodes)).collect();
        let merged = || merge(black_box(&clusters).iter().map(|cluster| &cluster.nodes[..]));
        assert_eq!(merged().len(), sources * nodes);
        group.throughput(Throughput::Elements((sources * nodes) as u64));
        group.bench_function(format!("{sources}_sources_of_{nodes}_nodes"), |bencher| bencher.iter(merged));
    }
    let old = lists::cluster(7, "old", 60);
    let both = || merge(black_box([&old.nodes[..], &old.nodes[..]]));
    assert_eq!(both(), old.nodes);
    group.throughput(Throughput::Elements(120));
    group.bench_function("the_same_60_nodes_twice", |bencher| bencher.iter(both));
    group.finish();
}

fn changes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("change");
    for nodes in [3, 60, 500, 5000] {
        let before = lists::cluster(7, "node", nodes);
        let mut after = before.clone();
        after.nodes.rotate_left(1);
        let change = || Change::between(black_box(&before.nodes), black_box(&after.nodes));
        assert_eq!(change().moved, before.nodes[..1]);
        group.throughput(Throughput::Elements(nodes as u64));
        group.bench_function(format!("the_first_of_{nodes}_nodes_moves_to_the_end"), |bencher| {
            bencher.iter(change);
        });
        let last = Served(before.clone());
        let next = || Served::following(Some(&last), after.nodes.clone(), BASE, black_box(&[after.version]));
        assert_eq!(next().0.version.number(), BASE + after.version.number());
        group.bench_function(format!("version_of_{nodes}_nodes"), |bencher| bencher.iter(next));
    }
    group.finish();
}

criterion_group!(benches, merges, changes);
criterion_main!(benches);
