//! What clients see: every command, every way to cut it, order, and how connections end.

mod harness;

use harness::{Behaviour, Mimikyu, Upstream, upstream::payload};

/// Two upstreams behind a mimikyu, as in a migration.
struct Pair {
    alpha: Upstream,
    #[allow(dead_code)]
    beta: Upstream,
    mimikyu: Mimikyu,
}

const HOSTS: &str = "a1 a2 b1";

fn pair(arguments: &[&str]) -> Pair {
    let (alpha, beta) = (Upstream::list(5, "a1 a2"), Upstream::list(7, "b1"));
    let names = [alpha.address.to_string(), beta.address.to_string()];
    let mimikyu = Mimikyu::start(&[arguments, &[&names[0], &names[1]]].concat());
    Pair { alpha, beta, mimikyu }
}

fn reply() -> String {
    let payload = payload(1_000_012, HOSTS);
    format!("CONFIG cluster 0 {}\r\n{payload}\r\nEND\r\n", payload.len())
}

#[test]
fn serves_the_merged_list_by_every_command_that_asks_for_it() {
    let Pair { mimikyu, .. } = pair(&[]);
    let payload = payload(1_000_012, HOSTS);
    let value = |cas: &str| {
        format!("VALUE AmazonElastiCache:cluster 0 {}{cas}\r\n{payload}\r\nEND\r\n", payload.len())
    };
    for (request, expected) in [
        ("config get cluster\r\n", reply()),
        ("config get cluster\n", reply()),
        ("config get cluster \r\n", reply()),
        ("config get cluster\r\n\r\n", reply() + "ERROR\r\n"),
        ("config get other\r\n", "END\r\n".into()),
        ("get AmazonElastiCache:cluster\r\n", value("")),
        ("gets AmazonElastiCache:cluster\r\n", value(" 1000012")),
        ("version\r\n", "VERSION 1.6.22\r\n".into()),
        ("version\n", "VERSION 1.6.22\r\n".into()),
        ("\r\n", "ERROR\r\n".into()),
        ("quit\r\nversion\r\n", String::new()),
        ("CONFIG GET CLUSTER\r\n", refusal()),
        ("set a 0 0 1\r\nx\r\nversion\r\n", refusal()),
        (
            "stats reset\r\nversion\r\n",
            "CLIENT_ERROR mimikyu does not pass on stats that change the upstream\r\nVERSION 1.6.22\r\n"
                .into(),
        ),
        (
            "stats detail on\r\n",
            "CLIENT_ERROR mimikyu does not pass on stats that change the upstream\r\n".into(),
        ),
    ] {
        assert_eq!(mimikyu.ask(request), expected, "{request:?}");
    }
}

fn refusal() -> String {
    "SERVER_ERROR mimikyu serves only config get cluster, get AmazonElastiCache:cluster, version, stats and quit\r\n"
        .into()
}

#[test]
fn a_line_may_have_2048_bytes_and_not_one_more() {
    let Pair { mimikyu, .. } = pair(&[]);
    assert_eq!(mimikyu.ask(&format!("{}\r\n", "x".repeat(2048))), refusal());
    assert_eq!(
        mimikyu.ask(&format!("{}\r\nversion\r\n", "x".repeat(2049))),
        "CLIENT_ERROR line too long\r\n"
    );
    let mut endless = mimikyu.client();
    endless.send("x".repeat(5000));
    assert_eq!(endless.rest(), "CLIENT_ERROR line too long\r\n", "closed without the client's doing");
}

#[test]
fn the_version_reply_is_configured() {
    let Pair { mimikyu, .. } = pair(&["--version-reply", "1.5.6"]);
    assert_eq!(mimikyu.ask("version\r\n"), "VERSION 1.5.6\r\n");
}

#[test]
fn the_connection_stays_open_after_a_reply_and_ends_at_once_on_quit() {
    let Pair { mimikyu, .. } = pair(&[]);
    let mut client = mimikyu.client();
    for _ in 0..3 {
        client.send("config get cluster\r\n");
        client.expect(&reply());
    }
    assert!(!client.is_closed());
    client.send("quit\r\n");
    client.until_closed();
}

#[test]
fn a_request_may_be_cut_anywhere_and_a_segment_may_hold_many() {
    let Pair { mimikyu, .. } = pair(&[]);
    let request = "config get cluster \r\n";
    let mut client = mimikyu.client();
    for cut in 1..request.len() {
        client.send(&request[..cut]);
        client.send(&request[cut..]);
        client.expect(&reply());
    }
    for byte in request.bytes() {
        client.send([byte]);
    }
    client.expect(&reply());
    client.send(request.repeat(8));
    client.expect(&reply().repeat(8));
    client.send("version\r\nconfig get cluster\r\nversion\r\n");
    client.expect(&format!("VERSION 1.6.22\r\n{}VERSION 1.6.22\r\n", reply()));
}

#[test]
fn half_close_with_replies_pending_gets_them_all() {
    let Pair { mimikyu, .. } = pair(&[]);
    let mut client = mimikyu.client();
    client.send("config get cluster\r\n".repeat(2000));
    client.finish();
    assert_eq!(client.rest(), reply().repeat(2000));
}

#[test]
fn ten_idle_connections_stay() {
    let Pair { mimikyu, .. } = pair(&[]);
    let mut clients: Vec<_> = (0..10).map(|_| mimikyu.client()).collect();
    for client in &mut clients {
        client.send("config get cluster\r\n");
        client.expect(&reply());
    }
    for _ in 0..50 {
        assert_eq!(mimikyu.ask("version\r\n"), "VERSION 1.6.22\r\n");
    }
    for client in &mut clients {
        assert!(!client.is_closed());
        client.send("version\r\n");
        client.expect("VERSION 1.6.22\r\n");
    }
}

#[test]
fn a_reader_that_does_not_read_holds_up_nobody_and_loses_nothing() {
    let Pair { mimikyu, .. } = pair(&["--workers", "1"]);
    let requests = 40_000;
    let mut slow = mimikyu.client();
    let mut writer = slow.stream.try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        std::io::Write::write_all(&mut writer, "config get cluster\r\n".repeat(requests).as_bytes())
    });
    for _ in 0..200 {
        assert_eq!(mimikyu.ask("version\r\n"), "VERSION 1.6.22\r\n");
    }
    slow.expect(&reply().repeat(requests));
    writing.join().unwrap().unwrap();
}

#[test]
fn stats_come_from_the_first_endpoint_that_answers() {
    let Pair { alpha, beta: _beta, mimikyu } = pair(&[]);
    let long = format!("STAT long {}\r\nEND\r\n", "x".repeat(100_000));
    alpha.set_stats(&long);
    assert_eq!(mimikyu.ask("stats\r\n"), long);
    assert_eq!(mimikyu.ask("stats  items \n"), long);
    assert_eq!((alpha.asked("stats"), alpha.asked("stats items")), (1, 1));
    alpha.set(Behaviour::Resets);
    assert_eq!(mimikyu.ask("stats\r\n"), "STAT version 1.6.18\r\nEND\r\n", "beta's");
}

#[test]
fn without_an_answer_stats_fail_and_the_list_does_not() {
    let Pair { alpha, beta, mimikyu } = pair(&[]);
    alpha.set(Behaviour::Resets);
    beta.set(Behaviour::Bytes("nonsense".into()));
    beta.set(Behaviour::Cut("STAT a 1\r\n".into()));
    let refused = "SERVER_ERROR mimikyu has no upstream that answers stats\r\n";
    assert_eq!(mimikyu.ask("config get cluster\r\nstats\r\nversion\r\n"), reply() + refused);
}

#[test]
fn what_follows_stats_is_answered_after_it() {
    let Pair { alpha, mimikyu, .. } = pair(&["--poll-timeout", "5s"]);
    let mut client = mimikyu.client();
    client.send("version\r\nstats\r\nconfig get cluster\r\n");
    client.send("version\r\nquit\r\n");
    let expected = format!("VERSION 1.6.22\r\nSTAT version 1.6.18\r\nEND\r\n{}VERSION 1.6.22\r\n", reply());
    assert_eq!(client.rest(), expected);
    assert_eq!(alpha.asked("stats"), 1);
}

#[test]
fn concurrent_stats_share_one_conversation() {
    let Pair { alpha, beta, mimikyu } = pair(&["--poll-timeout", "300ms"]);
    alpha.set(Behaviour::Hangs);
    let mut clients: Vec<_> = (0..100).map(|_| mimikyu.client()).collect();
    for client in &mut clients {
        client.send("stats\r\n");
    }
    for client in &mut clients {
        assert_eq!(client.answer(), "STAT version 1.6.18\r\nEND\r\n");
    }
    // All were sent while alpha hung; a straggler may have needed a second conversation.
    assert!(beta.asked("stats") <= 3, "{} conversations for 100 clients", beta.asked("stats"));
}

#[test]
fn a_first_endpoint_that_hangs_leaves_time_to_the_second_for_every_question() {
    let Pair { alpha, beta: _beta, mimikyu } = pair(&["--poll-timeout", "5s", "--poll-interval", "1h"]);
    alpha.set(Behaviour::Hangs);
    let mut clients: Vec<_> = (0..4).map(|_| mimikyu.client()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(format!("stats detail{number}\r\n"));
    }
    for client in &mut clients {
        assert_eq!(client.answer(), "STAT version 1.6.18\r\nEND\r\n");
    }
}

#[test]
fn without_an_endpoint_our_own_counters_answer_stats() {
    let mimikyu = Mimikyu::start(&["--static", "edge=127.0.0.1:11311"]);
    mimikyu.list();
    let stats = mimikyu.ask("stats\r\n");
    for line in [
        "STAT version 1.6.22\r\n",
        "STAT cmd_config_get 1\r\n",
        "STAT total_connections 2\r\n",
        "STAT curr_connections ",
    ] {
        assert!(stats.contains(line), "no {line:?} in {stats}");
    }
    assert!(stats.ends_with("END\r\n"));
    assert_eq!(mimikyu.ask("stats items\r\n"), "END\r\n");
}

#[test]
fn there_is_a_worker_for_each_cpu_and_each_is_pinned_to_its_own() {
    let allowed = std::thread::available_parallelism().unwrap().get();
    let Pair { mimikyu, .. } = pair(&[]);
    let mut cpus: Vec<String> = workers(&mimikyu).into_iter().map(|(_, cpus)| cpus).collect();
    assert_eq!(cpus.len(), allowed);
    assert!(cpus.iter().all(|cpus| cpus.parse::<usize>().is_ok()), "one CPU each: {cpus:?}");
    cpus.sort();
    cpus.dedup();
    assert_eq!(cpus.len(), allowed, "no two on the same: {cpus:?}");
    let Pair { mimikyu, .. } = pair(&["--workers", "3"]);
    assert_eq!(workers(&mimikyu).len(), 3);
}

/// The names of the workers' threads and the CPUs they may run on.
fn workers(mimikyu: &Mimikyu) -> Vec<(String, String)> {
    let field = |status: &str, name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_string())
    };
    let tasks = std::fs::read_dir(format!("/proc/{}/task", mimikyu.id())).unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("status")).ok())
        .filter_map(|status| Some((field(&status, "Name:")?, field(&status, "Cpus_allowed_list:")?)))
        .filter(|(name, _)| name.starts_with("worker-"))
        .collect()
}

#[test]
fn listens_on_ipv6_and_on_several_addresses() {
    let upstream = Upstream::list(1, "a");
    let mut mimikyu = Mimikyu::spawn(Mimikyu::command(&[
        "serve",
        "--listen",
        "[::1]:0",
        "--listen",
        "127.0.0.1:0",
        "--workers",
        "3",
        &upstream.address.to_string(),
    ]));
    let ready = mimikyu.ready();
    let listen = harness::process::field(&ready, "listen").to_string();
    let addresses: Vec<std::net::SocketAddr> =
        listen.split(',').map(|address| address.parse().unwrap()).collect();
    assert!(addresses[0].is_ipv6() && addresses[1].is_ipv4());
    for address in addresses {
        // More connections than workers: each of them is likely to be met.
        for _ in 0..12 {
            let mut client = harness::Client::connect(address);
            client.send("version\r\nquit\r\n");
            assert_eq!(client.rest(), "VERSION 1.6.22\r\n");
        }
    }
}
