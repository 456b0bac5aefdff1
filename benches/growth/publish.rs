//! Time from the lists of all upstreams to a snapshot that workers answer from, against nodes and upstreams.
//!
//! In this process and without a worker: merging, encoding every reply, and dropping what was served before.

use std::hint::black_box;
use std::time::{Duration, Instant};

use mimikyu::cluster::{Cluster, Version, merge};
use mimikyu::protocol::{payload, reply};
use mimikyu::snapshot::Publisher;

use crate::arguments::Arguments;
use crate::exponent::exponent;
use crate::plot::{Axis, Picture, Scale, Series};
use crate::support::median;
use crate::table::{Growth, grouped};

#[path = "../inputs/lists.rs"]
mod lists;

/// Of each upstream.
const NODES: [usize; 4] = [10, 60, 250, 1000];
const NODES_TEST: [usize; 2] = [10, 60];
const UPSTREAMS: [usize; 3] = [1, 2, 8];
/// Times each is done: for each round of the command line.
const TIMES_A_ROUND: usize = 50;

pub fn measure(arguments: &Arguments) -> Growth {
    let nodes: &[usize] = if arguments.test { &NODES_TEST } else { &NODES };
    let times = arguments.rounds() * TIMES_A_ROUND;
    let (mut rows, mut series, mut exponents) = (Vec::new(), Vec::new(), Vec::new());
    for upstreams in UPSTREAMS {
        let mut sums = Vec::new();
        for &each in nodes {
            let all = (upstreams * each) as f64;
            let (merging, publishing) = one(upstreams, each, times);
            sums.push((all, merging + publishing));
            rows.push(vec![
                upstreams.to_string(),
                grouped(each as f64),
                grouped(all),
                format!("{merging:.1}"),
                format!("{publishing:.1}"),
                format!("{:.0}", (merging + publishing) * 1e3 / all),
            ]);
        }
        let name = if upstreams == 1 { "1 upstream".to_owned() } else { format!("{upstreams} upstreams") };
        exponents.push((name.clone(), exponent(&sums)));
        series.push(Series::measured(&name, sums));
    }
    Growth {
        title: "Time of a publish",
        columns: ["upstreams", "nodes of each", "nodes in all", "merge µs", "publish µs", "both, ns a node"]
            .map(str::to_owned)
            .into(),
        rows,
        exponents,
        notes: vec![format!("Each is the median of {times} times.")],
        broken: Vec::new(),
        picture: picture(series),
    }
}

/// Medians of merging and of publishing, in microseconds.
fn one(upstreams: usize, nodes: usize, times: usize) -> (f64, f64) {
    let clusters: Vec<Cluster> =
        (0..upstreams).map(|upstream| lists::cluster(7, &format!("cluster-{upstream}"), nodes)).collect();
    let merged = || merge(black_box(&clusters).iter().map(|cluster| &cluster.nodes[..]));
    let version = Version::new(7 * upstreams as u64).expect("small");
    let publisher = Publisher::new("1.6.22");
    let mut reader = publisher.reader();
    let (mut merging, mut publishing) = (Vec::new(), Vec::new());
    // The first time has nothing to drop, and is not counted.
    for time in 0..=times {
        let started = Instant::now();
        let all = merged();
        let merge = started.elapsed();
        let cluster = Cluster { version, nodes: all };
        let expected = (time == 0).then(|| reply::config(&payload::encode(&cluster)));
        let started = Instant::now();
        publisher.publish(cluster);
        // As a worker does, so that what was served before is dropped.
        let served = black_box(reader.current());
        let publish = started.elapsed();
        let list = served.list.as_ref().expect("it was just published");
        match expected {
            Some(expected) => {
                assert_eq!(list.cluster.nodes.len(), upstreams * nodes);
                assert_eq!(list.config.once(), &expected[..]);
            }
            None => {
                merging.push(microseconds(merge));
                publishing.push(microseconds(publish));
            }
        }
    }
    (median(merging), median(publishing))
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn picture(mut series: Vec<Series>) -> Picture {
    let points = series.iter().flat_map(|series| &series.points);
    let mut ticks: Vec<f64> = points.map(|&(nodes, _)| nodes).collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    if let Some(last) = series.last() {
        series.push(Series::linear(&last.points));
    }
    Picture {
        title: "Time of a publish",
        description: "Microseconds to merge the lists of all upstreams and to encode every reply, against the number of nodes in all; the dashed line is linear growth.",
        x: Axis { name: "nodes in all", scale: Scale::Log, ticks },
        y: Axis { name: "merge and publish, µs", scale: Scale::Log, ticks: Vec::new() },
        series,
    }
}
