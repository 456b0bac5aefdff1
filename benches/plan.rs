//! Time to reckon a plan: the keys hashed once a client family, and their nodes found in every list of a way.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
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

/// 60 nodes replaced by 60, one at a time, with every family on every way: all that `mimikyu plan` reckons for such
/// lists, on one CPU where it takes all.
fn whole(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    // A single round takes seconds.
    group.sample_size(10).sampling_mode(SamplingMode::Flat).measurement_time(Duration::from_secs(60));
    // A smoke run is to say that it works, not how fast.
    let count = if std::env::args().any(|word| word == "--test") { KEYS / 100 } else { KEYS };
    let keys = Keys::seeded(0, count);
    let (old, new) = (lists::cluster(1, "old", 60).nodes, lists::cluster(1, "new", 60).nodes);
    let ways = Strategy::ALL.map(|strategy| strategy.lists(&old, &new, Batch::default()));
    assert_eq!(ways.each_ref().map(Vec::len), [61, 121, 62, 2]);
    let lists: usize = ways.iter().map(Vec::len).sum();
    group.throughput(Throughput::Elements((Family::ALL.len() * count * lists) as u64));
    let all = || {
        for family in Family::ALL {
            let hashed = Hashed::new(family, black_box(&keys));
            for lists in &ways {
                black_box(course(&hashed, lists, || {}));
            }
        }
    };
    group.bench_function("60_nodes_by_60_all_families_all_strategies", |bencher| bencher.iter(all));
    group.finish();
}

criterion_group!(benches, hashes, whole);
criterion_main!(benches);
