//! A rollout that is held while too many requests miss, as real nodes count them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use super::harness::{Client, Memcached, Upstream, until};
use super::*;

/// Asks a node for a key that it has or has not, all the while.
fn load(node: SocketAddr, hits: &AtomicBool, is_over: &AtomicBool) {
    let mut client = Client::connect(node);
    client.send("set there 0 0 1\r\nx\r\n");
    client.expect("STORED\r\n");
    while !is_over.load(Ordering::Relaxed) {
        if hits.load(Ordering::Relaxed) {
            client.send("get there\r\n");
            client.expect("VALUE there 0 1\r\nx\r\nEND\r\n");
        } else {
            client.send("get absent\r\n");
            client.expect("END\r\n");
        }
    }
}

fn answers(upstream: &Upstream, payload: &str) {
    upstream.set(Behaviour::Bytes(format!("CONFIG cluster 0 {}\r\n{payload}\r\nEND\r\n", payload.len())));
}

struct OverOnDrop<'a>(&'a AtomicBool);

impl Drop for OverOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_rollout_is_held_while_too_many_requests_miss() {
    let nodes = [(); 4].map(|()| Memcached::start());
    let (alpha, beta) = (Upstream::list(1, "unset"), Upstream::list(1, "unset"));
    answers(&alpha, &Memcached::list(5, &[&nodes[0], &nodes[1]]));
    answers(&beta, &Memcached::list(7, &[&nodes[2], &nodes[3]]));
    let configured = Configured::new();
    let guard = "hold_below_hit_rate = 0.5\nhit_rate_window = \"1s\"\nhit_rate_requests_min = 10";
    let sources = [("alpha", &alpha), ("beta", &beta)];
    write(&configured, "", &sources, &table(&seconds_from_now(1), "1s", guard));
    let (hits, is_over) = (&AtomicBool::new(true), &AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _over = OverOnDrop(is_over);
        let mut mimikyu = configured.start(&ADMIN);
        let admin = mimikyu.admin();
        let told = || status(admin).rollout.unwrap();
        // Nobody asks the nodes: nothing is known.
        mimikyu.logged("WARN hit rate holds the rollout");
        until("a step that is due and not taken", || (told().behind > 0).then_some(()));
        let hosts = |places: [usize; 2]| places.map(|place| nodes[place].by_host()).join(" ");
        assert_eq!(mimikyu.list().hosts(), hosts([0, 1]));
        for node in &nodes {
            scope.spawn(|| load(node.address, hits, is_over));
        }
        mimikyu.logged("INFO hit rate is good again");
        mimikyu.until_hosts(&hosts([2, 1]));
        // As after a step that was too much.
        hits.store(false, Ordering::Relaxed);
        until("the rate to fall", || {
            let told = told().hit_rate.unwrap();
            (!told.is_good && told.rate.is_some_and(|rate| rate < 0.5)).then_some(())
        });
        let at = told();
        // A slow machine may have taken the last step before the rate was known to have fallen.
        if at.step < 2 {
            // With each of them the start that makes up for it is a later one.
            let mut start = at.start_to_agree;
            for _ in 0..2 {
                let is_later = |told: &Option<String>| *told > start;
                start = until("a step that is due and not taken", || {
                    Some(told().start_to_agree).filter(is_later)
                });
            }
            assert_eq!(mimikyu.list().hosts(), hosts([2, 1]));
            assert_eq!(told().progress, Progress::Held);
        }
        hits.store(true, Ordering::Relaxed);
        mimikyu.until_hosts(&hosts([2, 3]));
    });
}

#[test]
fn a_replica_that_can_not_ask_a_node_holds_and_names_it() {
    let nodes = [(); 2].map(|()| Memcached::start());
    let (alpha, beta) = (Upstream::list(1, "unset"), Upstream::list(1, "unset"));
    // Nobody is at this one's port.
    let dead = "gone|127.0.0.1|1";
    let alive = |node: &Memcached| format!("{}|{}|{}", node.by_host(), node.by_ip(), node.address.port());
    answers(&alpha, &format!("5\n{} {dead}\n", alive(&nodes[0])));
    answers(&beta, &format!("7\n{}\n", alive(&nodes[1])));
    let configured = Configured::new();
    let guard = "hold_below_hit_rate = 0.5\nhit_rate_window = \"1s\"\nhit_rate_requests_min = 1";
    write(&configured, "", &[("alpha", &alpha), ("beta", &beta)], &table(&seconds_from_now(1), "1s", guard));
    let (hits, is_over) = (&AtomicBool::new(true), &AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _over = OverOnDrop(is_over);
        scope.spawn(|| load(nodes[0].address, hits, is_over));
        let mut mimikyu = configured.start(&ADMIN);
        let admin = mimikyu.admin();
        let told = until("a step that is due and not taken", || {
            let told = status(admin).rollout.unwrap();
            (told.behind > 0 && told.hit_rate.as_ref()?.why.as_ref()?.contains("gone")).then_some(told)
        });
        assert_eq!((told.step, told.progress), (0, Progress::Held));
        assert!(told.hold.unwrap().contains("gone"));
        assert_eq!(mimikyu.list().hosts(), format!("{} gone", nodes[0].by_host()));
    });
}
