//! What sources do to the list: everything they get wrong included.

mod harness;

use harness::{Behaviour, Mimikyu, Upstream, until};

const FAST: [&str; 4] = ["--poll-interval", "50ms", "--poll-timeout", "250ms"];

fn start(arguments: &[&str]) -> Mimikyu {
    Mimikyu::start(&[&FAST[..], arguments].concat())
}

fn named(name: &str, upstream: &Upstream) -> String {
    format!("{name}={}", upstream.address)
}

#[test]
fn the_order_is_that_of_the_command_line() {
    let (alpha, beta) = (Upstream::list(1, "z a"), Upstream::list(1, "y b"));
    let mimikyu = start(&[
        "--static",
        "edge=127.0.0.9:9,127.0.0.8:8",
        "--upstream",
        &named("beta", &beta),
        "--dns",
        "name=127.0.0.7:7",
        "--upstream",
        &named("alpha", &alpha),
    ]);
    let reply = mimikyu.list();
    assert_eq!(reply.hosts(), "127.0.0.9 127.0.0.8 y b 127.0.0.7 z a");
    assert_eq!(reply.nodes[0], "127.0.0.9|127.0.0.9|9");
    assert_eq!(reply.nodes[4], "127.0.0.7|127.0.0.7|7");
    assert_eq!(reply.version, 1_000_000 + 1 + 1 + 1 + 1);
}

#[test]
fn the_list_follows_the_upstreams_and_is_logged_once_a_change() {
    let (alpha, beta) = (Upstream::list(5, "a1 a2"), Upstream::list(7, "b1"));
    let mut mimikyu = start(&["--upstream", &named("alpha", &alpha), "--upstream", &named("beta", &beta)]);
    assert_eq!(mimikyu.until_hosts("a1 a2 b1").version, 1_000_012);
    beta.set_list(8, "b1 b2");
    assert_eq!(mimikyu.until_hosts("a1 a2 b1 b2").version, 1_000_013);
    let line = mimikyu.logged("list changed version=1000013");
    assert!(line.contains("added=\"b2:11211\"") && !line.contains("removed="), "{line}");
    alpha.set_list(6, "a2");
    assert_eq!(mimikyu.until_hosts("a2 b1 b2").version, 1_000_014);
    assert!(mimikyu.logged("list changed version=1000014").contains("removed=\"a1:11211\""));
    let polls = alpha.asked("config get cluster");
    until("more polls", || (alpha.asked("config get cluster") > polls + 5).then_some(()));
    assert_eq!(mimikyu.count("list changed"), 3);
    assert_eq!(mimikyu.count("source answers"), 2);
}

#[test]
fn whatever_an_upstream_does_wrong_the_list_stays() {
    let (alpha, beta) = (Upstream::list(5, "a1 a2"), Upstream::list(7, "b1"));
    let mut mimikyu = start(&["--upstream", &named("alpha", &alpha), "--upstream", &named("beta", &beta)]);
    let good = mimikyu.ask("config get cluster\r\n");
    let list = |payload: &str| {
        Behaviour::Bytes(format!("CONFIG cluster 0 {}\r\n{payload}\r\nEND\r\n", payload.len()))
    };
    let wrong = [
        Behaviour::Hangs,
        Behaviour::Resets,
        Behaviour::Cut(String::new()),
        Behaviour::Cut("CONFIG cluster 0 30\r\n6\na1|10.0.0.1|11211".into()),
        Behaviour::Bytes("CONFIG cluster 0 30\r\n6\na1|10.0.0.1|11211\n".into()),
        Behaviour::Bytes("ERROR\r\n".into()),
        Behaviour::Bytes("END\r\n".into()),
        Behaviour::Bytes("SERVER_ERROR out of order\r\n".into()),
        Behaviour::Bytes("HTTP/1.1 400 Bad Request\r\n\r\n".into()),
        Behaviour::Bytes("x".repeat(300_000)),
        list("6\n\n"),
        list("six\na1|10.0.0.1|11211\n"),
        list("6\na1|10.0.0.1|11211 a2|11211\n"),
        list("6\na1|10.0.0.1|0\n"),
        list("99999999999\na1|10.0.0.1|11211\n"),
    ];
    for behaviour in wrong {
        let told = format!("{behaviour:.80?}");
        let asked = beta.asked("config get cluster");
        alpha.set(behaviour);
        mimikyu.log.clear();
        // Each is noticed, and is no reason for another list, also not for the other source's part.
        mimikyu.logged("WARN source fails source=\"alpha\"");
        assert_eq!(mimikyu.ask("config get cluster\r\n"), good, "{told}");
        until("the other is polled", || (beta.asked("config get cluster") > asked + 3).then_some(()));
        assert_eq!(mimikyu.ask("config get cluster\r\n"), good, "{told}");
        assert_eq!(mimikyu.count("source fails"), 1, "{told}: one line for one change of state");
        alpha.set_list(5, "a1 a2");
        mimikyu.logged("source answers again source=\"alpha\"");
        assert_eq!(mimikyu.list().hosts(), "a1 a2 b1", "{told}");
    }
}

#[test]
fn both_captured_layouts_are_understood() {
    let payload = "12\r\n10.0.0.5|10.0.0.5|11211 10.0.0.6|10.0.0.6|11211";
    let memorystore = format!("CONFIG cluster 0 {}\r\n{payload}\r\nEND\r\n", payload.len());
    let alpha = Upstream::start(Behaviour::Bytes(memorystore));
    let beta = Upstream::start(Behaviour::Split(3, "b1||11211 b2|2600:1f14::1|11211".into()));
    let mimikyu = start(&["--upstream", &named("alpha", &alpha), "--upstream", &named("beta", &beta)]);
    let nodes = ["10.0.0.5|10.0.0.5|11211", "10.0.0.6|10.0.0.6|11211", "b1||11211", "b2|2600:1f14::1|11211"];
    assert_eq!(mimikyu.list().nodes, nodes);
}

#[test]
fn what_answers_error_is_asked_for_the_legacy_key_and_that_is_remembered() {
    let upstream = Upstream::start(Behaviour::Legacy(5, "a".into()));
    let mimikyu = start(&["--upstream", &named("old", &upstream)]);
    assert_eq!(mimikyu.list().hosts(), "a");
    let legacy = "get AmazonElastiCache:cluster";
    until("more polls", || (upstream.asked(legacy) > 5).then_some(()));
    assert_eq!(upstream.asked("config get cluster"), 1);
    // An upgrade of the engine is noticed as well.
    upstream.set_list(6, "b");
    mimikyu.until_hosts("b");
}

#[test]
fn an_older_list_is_taken_after_three_polls() {
    let upstream = Upstream::list(50, "a b");
    let mut mimikyu = start(&["--upstream", &named("alpha", &upstream)]);
    assert_eq!(mimikyu.list().version, 1_000_050);
    upstream.set_list(1, "c");
    assert_eq!(mimikyu.until_hosts("c").version, 1_000_051);
    mimikyu.logged("WARN not newer source=\"alpha\" answered=1");
    mimikyu.logged("WARN source=\"alpha\" from=50 to=1");
}

#[test]
fn every_address_of_a_name_is_tried() {
    // localhost leads to ::1 and 127.0.0.1 where both are configured, and nobody listens on the first.
    let upstream = Upstream::list(5, "a");
    let port = upstream.address.port();
    let mimikyu = start(&[
        "--upstream",
        &format!("name=localhost:{port}"),
        "--static",
        &format!("edge=localhost:{port}"),
    ]);
    assert_eq!(mimikyu.list().nodes[1], format!("localhost|127.0.0.1|{port}"));
}

#[test]
fn the_addresses_of_a_dns_name_are_listed_by_address() {
    let mimikyu = start(&["--dns", "name=localhost:11311"]);
    let nodes = mimikyu.list().nodes;
    let mut sorted: Vec<std::net::IpAddr> =
        nodes.iter().map(|node| node.split('|').next().unwrap().parse().unwrap()).collect();
    sorted.sort();
    let expected: Vec<_> = sorted.iter().map(|ip| format!("{ip}|{ip}|11311")).collect();
    assert_eq!(nodes, expected);
    assert!(nodes.contains(&"127.0.0.1|127.0.0.1|11311".to_string()));
}

#[test]
fn a_name_without_an_address_is_told_once_and_served_all_the_same() {
    let mut mimikyu = start(&["--static", "edge=no-such-host.invalid:9,127.0.0.1:8"]);
    assert_eq!(mimikyu.list().nodes, ["no-such-host.invalid||9", "127.0.0.1|127.0.0.1|8"]);
    mimikyu.logged("WARN source=\"edge\" no-such-host.invalid");
    assert_eq!(mimikyu.count("without a known address"), 1);
}

#[test]
fn missing_ips_are_filled_where_that_is_asked_for() {
    let (filled, left) =
        (Upstream::list(5, "localhost||11211 a|10.0.0.1|11211"), Upstream::list(7, "localhost||11212"));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mimikyu.toml");
    let text = format!(
        "[[source]]\nname = \"filled\"\nupstream = \"{}\"\nfill_ip = \"missing\"\n[[source]]\nname = \"left\"\nupstream = \"{}\"\n",
        filled.address, left.address
    );
    std::fs::write(&file, text).unwrap();
    let mut mimikyu = start(&["--config", file.to_str().unwrap()]);
    assert_eq!(mimikyu.list().nodes, ["localhost|127.0.0.1|11211", "a|10.0.0.1|11211", "localhost||11212"]);
    filled.set_list(6, "localhost||11211 no-such-host.invalid||11211");
    let reply = mimikyu.until_hosts("localhost no-such-host.invalid localhost");
    assert_eq!(reply.nodes[..2], ["localhost|127.0.0.1|11211", "no-such-host.invalid||11211"]);
    mimikyu.logged("WARN source=\"filled\" no-such-host.invalid");
    assert_eq!(mimikyu.count("answers again"), 0);
}

#[test]
fn one_mimikyu_is_the_upstream_of_another() {
    let upstream = Upstream::list(5, "a b");
    let near = start(&["--upstream", &named("alpha", &upstream)]);
    let far = start(&["--upstream", &format!("near={}", near.address)]);
    assert_eq!(far.list().version, 2_000_005);
    upstream.set_list(6, "a b c");
    assert_eq!(far.until_hosts("a b c").version, 2_000_006);
}

/// A thousand conversations that hang leave nothing open: neither those whose upstream accepts and says nothing,
/// nor those whose upstream does not even accept.
#[test]
fn hung_conversations_leave_no_descriptors() {
    let silent: Vec<_> = (0..60).map(|_| Upstream::start(Behaviour::Hangs)).collect();
    let full = full_listener();
    let mut arguments: Vec<String> = vec!["--static".into(), "edge=127.0.0.1:9".into()];
    for (number, upstream) in silent.iter().enumerate() {
        arguments.extend(["--upstream".into(), named(&format!("silent{number}"), upstream)]);
    }
    arguments.extend(["--upstream".into(), format!("full={}", full.0)]);
    let fast = ["--poll-interval", "10ms", "--poll-timeout", "20ms", "--startup-grace", "100ms"];
    let arguments: Vec<&str> = fast.into_iter().chain(arguments.iter().map(String::as_str)).collect();
    let mimikyu = Mimikyu::start(&arguments);
    // The back-off grows to half a minute, so a thousand come from many sources and clients' stats.
    let mut hung = 0;
    until("a thousand hung conversations", || {
        mimikyu.ask("stats\r\n");
        hung = silent.iter().map(|upstream| upstream.questions().len()).sum();
        (hung >= 1000).then_some(())
    });
    until("the descriptors to be given back", || {
        let held: usize = silent.iter().map(Upstream::connections).sum();
        (held <= 2 && mimikyu.descriptors() < 64).then_some(())
    });
    assert_eq!(mimikyu.list().hosts(), "127.0.0.1");
}

/// An address where a connect hangs: a listener whose queue is full.
fn full_listener() -> (std::net::SocketAddr, Vec<socket2::Socket>) {
    let socket = || socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let listener = socket();
    listener.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut sockets = vec![listener];
    for _ in 0..4 {
        let client = socket();
        client.set_nonblocking(true).unwrap();
        let _ = client.connect(&address);
        sockets.push(client);
    }
    (address.as_socket().unwrap(), sockets)
}

/// A configuration of two upstreams, of which the first may be dropped.
fn two(directory: &tempfile::TempDir, alpha: &Upstream, beta: &Upstream) -> String {
    let path = directory.path().join("mimikyu.toml");
    let text = format!(
        "max_shrink = 0.5\n\
         [[source]]\nname = \"alpha\"\nupstream = \"{}\"\ndrop_after = \"300ms\"\n\
         [[source]]\nname = \"beta\"\nupstream = \"{}\"\nmax_shrink = \"off\"\n",
        alpha.address, beta.address
    );
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_list_that_shrinks_too_much_is_taken_at_the_third_poll() {
    let (alpha, beta) = (Upstream::list(5, "a1 a2 a3"), Upstream::list(7, "b1 b2 b3"));
    let directory = tempfile::tempdir().unwrap();
    let mut mimikyu = start(&["--config", &two(&directory, &alpha, &beta)]);
    mimikyu.until_hosts("a1 a2 a3 b1 b2 b3");
    beta.set_list(8, "b1");
    mimikyu.until_hosts("a1 a2 a3 b1");
    let asked = alpha.asked("config get cluster");
    alpha.set_list(6, "a1");
    let line = mimikyu.logged("WARN source shrank: its shorter list is held back");
    assert!(line.contains("removed=2 of=3") && line.contains("seen=\"1 of 3\""), "{line}");
    mimikyu.until_hosts("a1 b1");
    assert!(alpha.asked("config get cluster") >= asked + 3);
    mimikyu.logged("WARN source answers the same shorter list again and again: it is taken");
    assert_eq!(mimikyu.count("source shrank"), 1, "beta may shrink as it likes");
}

#[test]
fn a_source_that_is_gone_for_too_long_is_dropped_and_comes_back_and_a_restart_knows() {
    let (alpha, beta) = (Upstream::list(5, "a1 a2"), Upstream::list(7, "b1"));
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    let config = two(&directory, &alpha, &beta);
    let arguments = ["--config", &config, "--state", state.to_str().unwrap()];
    let mut mimikyu = start(&arguments);
    mimikyu.until_hosts("a1 a2 b1");
    alpha.set(Behaviour::Resets);
    let dropped = mimikyu.until_hosts("b1");
    let line = mimikyu.logged("ERROR source is silent for longer than drop_after: its nodes are taken off");
    assert!(line.contains("source=\"alpha\"") && line.contains("nodes=2"), "{line}");
    mimikyu.signal("KILL");
    mimikyu.exit();
    let mut mimikyu = start(&arguments);
    let again = mimikyu.list();
    assert_eq!((again.hosts(), again.version), ("b1".into(), dropped.version));
    alpha.set_list(5, "a1 a2");
    assert_eq!(mimikyu.until_hosts("a1 a2 b1").version, dropped.version + 1);
    mimikyu.logged("WARN source answers again: its nodes, which were taken off, are listed again");
}
