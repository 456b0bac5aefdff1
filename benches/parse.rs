//! Time to read what clients and upstreams write.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mimikyu::protocol::{Error, Parsed, Request, answer, ascii, payload, reply};

#[path = "inputs/lists.rs"]
mod lists;

fn requests(criterion: &mut Criterion) {
    let longest = format!("{}\r\n", "x".repeat(mimikyu::limits::LINE_BYTES_MAX));
    let mut group = criterion.benchmark_group("parse/request");
    for (name, line, expected) in [
        ("config_get_cluster", "config get cluster\r\n", Ok(Request::Config)),
        ("config_get_cluster_trailing_space", "config get cluster \r\n", Ok(Request::Config)),
        ("legacy_gets", "gets AmazonElastiCache:cluster\r\n", Ok(Request::Legacy { cas: true })),
        ("version", "version\r\n", Ok(Request::Version)),
        ("stats_items", "stats items\r\n", Ok(Request::Stats("items"))),
        ("line_of_2048_bytes", longest.as_str(), Err(Error::Unsupported)),
    ] {
        let input = line.as_bytes();
        assert_eq!(ascii::parse(input), Parsed::Complete { value: expected, used: input.len() });
        group.throughput(Throughput::Bytes(input.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| ascii::parse(black_box(input))));
    }
    group.finish();
}

fn answers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse/upstream_answer");
    for nodes in [2, 60, 500] {
        let cluster = lists::cluster(7, "node", nodes);
        let input = reply::config(&payload::encode(&cluster));
        let whole = Parsed::Complete { value: Ok(cluster), used: input.len() };
        assert_eq!(answer::parse(&input), whole);
        group.throughput(Throughput::Bytes(input.len() as u64));
        group.bench_function(format!("{nodes}_nodes"), |bencher| {
            bencher.iter(|| answer::parse(black_box(&input)));
        });
    }
    group.finish();
}

criterion_group!(benches, requests, answers);
criterion_main!(benches);
