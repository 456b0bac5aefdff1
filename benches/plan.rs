//! Time to reckon a plan: the keys hashed once a client family, and their nodes found in every list of a way.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mimikyu::plan::{Batch, Family, Hashed, Keys, Strategy, course};

#[path = "inputs/lists.rs"]
mod lists;

/// As many as a plan has by default.
const KEYS: usize = 100_000;

fn hashes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hash");
    let keys = Keys::seeded(0, KEYS);
    group.throughput(Throughput::Elements(KEYS as u64));
    for family in [Family::JavaModulo, Family::LibmemcachedKetama, Family::AwsJavaKetama, Family::Jump] {
        let hashed = || Hashed::new(family, black_box(&keys));
        assert_eq!(hashed().len(), KEYS);
        group.bench_function(family.name(), |bencher| bencher.iter(hashed));
    }
    group.finish();
}

/// 60 nodes replaced by 60, one at a time: 61 lists.
fn ways(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("swap_60_nodes");
    group.sample_size(10);
    let keys = Keys::seeded(0, KEYS);
    let (old, new) = (lists::cluster(1, "old", 60).nodes, lists::cluster(1, "new", 60).nodes);
    let lists = Strategy::Swap.lists(&old, &new, Batch::default());
    assert_eq!(lists.len(), 61);
    group.throughput(Throughput::Elements((KEYS * lists.len()) as u64));
    for family in [
        Family::JavaModulo,
        Family::LibmemcachedKetama,
        Family::PymemcacheRendezvous,
        Family::Enyim,
        Family::Jump,
    ] {
        let hashed = Hashed::new(family, &keys);
        group.bench_function(family.name(), |bencher| {
            bencher.iter(|| course(black_box(&hashed), &lists, || {}));
        });
    }
    group.finish();
}

criterion_group!(benches, hashes, ways);
criterion_main!(benches);
