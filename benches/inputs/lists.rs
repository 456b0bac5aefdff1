//! Lists of any length for the benches, with names as long as ElastiCache's.

use mimikyu::cluster::{Cluster, Node, Version};

/// A cluster of this many nodes, all different from those of another `name`.
pub fn cluster(version: u64, name: &str, nodes: usize) -> Cluster {
    let node = |n: usize| {
        let host = format!("{name}.pc4ldq.{n:04}.use1.cache.amazonaws.com");
        Node::new(host, format!("10.82.{}.{}", n / 256, n % 256), 11211)
    };
    let version = Version::new(version).expect("the benches use small versions");
    Cluster { version, nodes: (0..nodes).map(node).collect() }
}
