//! What a library is put through: its view of the nodes, and keys on each of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::driver::Driver;
use crate::harness::{Memcached, PATIENCE};

const KEYS_AT_ONCE: u64 = 200;
/// Some libraries spread keys so unevenly that a node's first may be the thousandth.
const KEYS_MAX: u64 = 10_000;

/// Waits until the library's nodes are these, no more and no fewer; says by which field it has them.
pub fn sees(driver: &mut Driver, nodes: &[&Memcached]) -> Result<&'static str, String> {
    let named = |name: fn(&Memcached) -> String| {
        let mut named: Vec<_> =
            nodes.iter().map(|node| format!("{}:{}", name(node), node.address.port())).collect();
        named.sort_unstable();
        named
    };
    let (by_host, by_ip) = (named(Memcached::by_host), named(Memcached::by_ip));
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = driver.nodes()?;
        if seen == by_host {
            return Ok("host");
        }
        if seen == by_ip {
            return Ok("ip");
        }
        if Instant::now() > deadline {
            return Err(format!("after {PATIENCE:?} it sees {seen:?} and not {by_host:?} or {by_ip:?}"));
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Has the library store keys and read them until every node has some, and asks the nodes themselves:
/// each key must be on one of them, and none on the others.
pub fn stores_and_reads(
    driver: &mut Driver,
    nodes: &[&Memcached],
    others: &[&Memcached],
) -> Result<(), String> {
    let mut held = vec![0; nodes.len()];
    let mut stored = 0;
    while held.contains(&0) {
        if stored == KEYS_MAX {
            return Err(format!("{KEYS_MAX} keys are spread as {held:?}"));
        }
        let keys = new_keys();
        driver.ask(&format!("store {}", keys.join(" ")))?;
        driver.ask(&format!("read {}", keys.join(" ")))?;
        for (held, node) in held.iter_mut().zip(nodes) {
            *held += held_by(node, &keys);
        }
        stored += KEYS_AT_ONCE;
        let astray: usize = others.iter().map(|node| held_by(node, &keys)).sum();
        if astray > 0 || held.iter().sum::<usize>() as u64 != stored {
            return Err(format!("{stored} keys are spread as {held:?}, and {astray} on other nodes"));
        }
    }
    Ok(())
}

/// Keys that no test has used, and that have nothing in common: some hashes need that.
fn new_keys() -> Vec<String> {
    static USED: AtomicU64 = AtomicU64::new(0);
    let first = USED.fetch_add(KEYS_AT_ONCE, Ordering::Relaxed) + 1;
    // An odd factor: no two keys are the same. Its high bits mix well, so they come last too.
    let key = |n: u64| format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15).swap_bytes());
    (first..first + KEYS_AT_ONCE).map(key).collect()
}

/// How many of the keys a node has, asked without any client library.
fn held_by(node: &Memcached, keys: &[String]) -> usize {
    let request: String = keys.iter().map(|key| format!("get {key}\r\n")).collect();
    node.ask(&request).matches("VALUE ").count()
}
