//! Real memcached and real client libraries: that the world agrees.

mod harness;

use std::process::Command;

use harness::{Memcached, Mimikyu, until};

const FAST: [&str; 4] = ["--poll-interval", "50ms", "--poll-timeout", "1s"];

/// The payload of nodes that really run.
fn payload(version: u64, nodes: &[&Memcached]) -> String {
    let nodes: Vec<_> =
        nodes.iter().map(|node| format!("localhost|127.0.0.1|{}", node.address.port())).collect();
    format!("{version}\n{}\n", nodes.join(" "))
}

#[test]
fn a_plain_memcached_is_an_upstream_through_its_key_and_answers_stats() {
    let (alpha, beta) = (Memcached::start(), Memcached::start());
    alpha.publish(&payload(5, &[&alpha]));
    beta.publish(&payload(7, &[&beta]));
    let (first, second) = (alpha.address.to_string(), beta.address.to_string());
    let mut mimikyu = Mimikyu::start(&[&FAST[..], &[&first, &second]].concat());
    let reply = mimikyu.list();
    assert_eq!(reply.version, 1_000_012);
    let ports: Vec<_> = reply.nodes.iter().map(|node| node.rsplit('|').next().unwrap().to_string()).collect();
    assert_eq!(ports, [alpha.address.port().to_string(), beta.address.port().to_string()]);

    let stats = mimikyu.ask("stats\r\n");
    assert!(stats.contains("STAT version 1.") && stats.ends_with("END\r\n"), "{stats}");
    assert!(mimikyu.ask("stats settings\r\n").contains("STAT tcpport"));
    assert_eq!(mimikyu.ask("stats nonsense\r\n"), alpha.ask("stats nonsense\r\n"));
    let pid = |stats: &str| stats.lines().find_map(|line| line.strip_prefix("STAT pid ").map(String::from));
    let first_pid = pid(&stats);
    drop(alpha);
    mimikyu.logged("source fails source=\"primary\"");
    assert_ne!(pid(&mimikyu.ask("stats\r\n")), first_pid, "the second answers now");
    assert_eq!(mimikyu.list(), reply, "and the list stays");

    beta.publish(&payload(8, &[&beta, &beta]));
    until("the version to rise", || (mimikyu.list().version == 1_000_013).then_some(()));
}

/// Discovers the nodes of two clusters through mimikyu with a real library, and uses them.
#[track_caller]
fn discovers(library: &str) {
    let python =
        std::env::var("CLIENTS_PYTHON").expect("CLIENTS_PYTHON names the Python that tests/run prepares");
    let nodes: Vec<_> = (0..4).map(|_| Memcached::start()).collect();
    nodes[0].publish(&payload(5, &[&nodes[0], &nodes[1]]));
    nodes[2].publish(&payload(7, &[&nodes[2], &nodes[3]]));
    let (first, second) = (nodes[0].address.to_string(), nodes[2].address.to_string());
    let mimikyu = Mimikyu::start(&[&FAST[..], &[&first, &second]].concat());
    let expected: Vec<_> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.address.port())).collect();
    let port = mimikyu.address.port().to_string();
    let mut client = Command::new(python);
    client.args(["tests/clients/discover.py", library, "127.0.0.1", &port, &expected.join(",")]);
    let output = client.output().expect("Python runs");
    let told =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    assert!(told.contains(&format!("ok {library} 4")), "{told}");
}

#[test]
fn emcache_discovers_stores_and_reads() {
    discovers("emcache");
}

#[test]
fn django_elastipymemcache_discovers_stores_and_reads() {
    discovers("django-elastipymemcache");
}
