//! Real memcached: that the world agrees. Real client libraries are in `tests/clients.rs`.

mod harness;

use std::time::Duration;

use harness::{Memcached, Mimikyu, Upstream, until};
use mimikyu::cluster::Node;
use mimikyu::runtime;
use mimikyu::upstream::node::{Counted, Counters, Lookups};

const FAST: [&str; 4] = ["--poll-interval", "50ms", "--poll-timeout", "1s"];

#[test]
fn a_plain_memcached_is_an_upstream_through_its_key_and_answers_stats() {
    let (alpha, beta) = (Memcached::start(), Memcached::start());
    alpha.publish(&Memcached::list(5, &[&alpha]));
    beta.publish(&Memcached::list(7, &[&beta]));
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

    beta.publish(&Memcached::list(8, &[&beta, &beta]));
    until("the version to rise", || (mimikyu.list().version == 1_000_013).then_some(()));
}

#[test]
fn an_upstream_that_is_a_published_node_too_keeps_its_own_list() {
    let (both, plain) = (Memcached::start(), Memcached::start());
    let payload = "5\na|10.0.0.1|11211\n";
    both.publish(payload);
    let directory = tempfile::tempdir().unwrap();
    let (file, state) = (directory.path().join("mimikyu.toml"), directory.path().join("state"));
    let text = format!(
        "listen = \"127.0.0.1:0\"\npoll_interval = \"50ms\"\nstartup_grace = \"100ms\"\nstate = \"{}\"\n\
         [[source]]\nname = \"alpha\"\nupstream = \"{}\"\n[[source]]\nname = \"plain\"\nstatic = [\"{}\", \"{}\"]\npublish = true\n",
        state.display(),
        both.address,
        both.address,
        plain.address
    );
    std::fs::write(&file, text).unwrap();
    let get = "get AmazonElastiCache:cluster\r\n";
    let own = both.ask(get);
    // The second start knows the list before it has asked anybody.
    for _ in 0..2 {
        let mut mimikyu = Mimikyu::spawn(Mimikyu::command(&["serve", "--config", file.to_str().unwrap()]));
        mimikyu.ready();
        assert_eq!(plain.ask("delete AmazonElastiCache:cluster\r\n").lines().count(), 1);
        let served = mimikyu.ask(get);
        until("the other node to hold what is served", || (plain.ask(get) == served).then_some(()));
        assert_eq!(both.ask(get), own);
        mimikyu.signal("TERM");
        mimikyu.exit();
    }
}

#[test]
fn published_nodes_hold_the_list_whatever_becomes_of_them() {
    let nodes = [Memcached::start(), Memcached::start()];
    let upstream = Upstream::list(5, "a");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mimikyu.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\npoll_interval = \"50ms\"\n[[source]]\nname = \"alpha\"\nupstream = \"{}\"\n\
         [[source]]\nname = \"plain\"\nstatic = [\"{}\", \"{}\"]\npublish = true\n",
        upstream.address, nodes[0].address, nodes[1].address
    );
    std::fs::write(&file, text).unwrap();
    let mut mimikyu = Mimikyu::spawn(Mimikyu::command(&["serve", "--config", file.to_str().unwrap()]));
    mimikyu.ready();
    let get = "get AmazonElastiCache:cluster\r\n";
    let hold = |nodes: &[Memcached]| {
        let served = mimikyu.ask(get);
        until("the nodes to hold what is served", || {
            nodes.iter().all(|node| node.ask(get) == served).then_some(())
        });
    };
    hold(&nodes);
    upstream.set_list(6, "a b");
    mimikyu.until_hosts("a b 127.0.0.1 127.0.0.1");
    hold(&nodes);
    assert_eq!(nodes[0].ask("flush_all\r\n"), "OK\r\n");
    hold(&nodes);
    let [gone, kept] = nodes;
    let address = gone.address.to_string();
    drop(gone);
    mimikyu.logged(&format!("WARN node does not take the list node={address}"));
    upstream.set_list(7, "a b c");
    mimikyu.until_hosts("a b c 127.0.0.1 127.0.0.1");
    let served = mimikyu.ask(get);
    until("the other to hold what is served", || (kept.ask(get) == served).then_some(()));
    assert_eq!(mimikyu.count("node does not take the list"), 1);
}

#[test]
fn a_node_tells_its_hits_and_misses() {
    let memcached = Memcached::start();
    let (port, timeout) = (memcached.address.port(), Duration::from_secs(5));
    let mut nodes = [("nonsense", "127.0.0.1"), ("127.0.0.1", ""), ("localhost", "")]
        .map(|(host, ip)| Counted::new(&Node::new(host, ip, port), Lookups::new(1)));
    let tells = |nodes: &mut [Counted], hits, misses| {
        runtime::begin().expect("a runtime").block_on(async {
            for node in nodes {
                assert_eq!(node.counters(timeout).await.expect("an answer"), Counters { hits, misses });
            }
        });
    };
    tells(&mut nodes, 0, 0);
    memcached.publish("5\na|10.0.0.1|11211\n");
    memcached.ask("get AmazonElastiCache:cluster no\r\nget neither nor\r\n");
    tells(&mut nodes, 1, 3);
    assert_eq!(memcached.ask("stats reset\r\n"), "RESET\r\n");
    tells(&mut nodes, 0, 0);
    drop(memcached);
    let told = runtime::begin().expect("a runtime").block_on(nodes[0].counters(timeout));
    assert!(told.is_err_and(|error| error.what().starts_with("Connection refused")));
}
