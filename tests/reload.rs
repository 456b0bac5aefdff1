//! Another configuration while clients are served: nothing is dropped, nothing gets worse.

#[path = "reload/addresses.rs"]
mod addresses;
#[path = "reload/configured.rs"]
mod configured;
mod harness;
#[path = "reload/rollout.rs"]
mod rollout;

use std::fs;
use std::net::{SocketAddr, TcpListener};

use configured::{Configured, Control, forget, hang_up, reload, text};
use harness::admin::status;
use harness::process::field;
use harness::{Behaviour, Client, Mimikyu, Reply, Upstream, until};

#[test]
fn a_bad_file_changes_nothing_and_says_where_and_what_to_do() {
    let (alpha, beta) = (Upstream::list(5, "a"), Upstream::list(7, "b"));
    let configured = Configured::new();
    configured.write("", &[("alpha", &alpha)]);
    let mut mimikyu = configured.start(&["--admin", "127.0.0.1:0"]);
    let admin = mimikyu.admin();
    let before = mimikyu.until_hosts("a");
    let control = Control::of(mimikyu.address);
    let good = text("", &[("beta", &beta)]);
    let taken = TcpListener::bind("127.0.0.9:0").unwrap();
    let taken = taken.local_addr().unwrap();
    for (wrong, words) in [
        (format!("version_base = 0\n{good}"), "mimikyu.toml:1: version_base: out of range; give a number"),
        (format!("pol_interval = 1\n{good}"), "mimikyu.toml:1: unknown did you mean"),
        (good.replace("[[source]]", "[[source"), "mimikyu.toml:5: not TOML correct the line"),
        (text("", &[]), "mimikyu.toml: no source of nodes; add"),
        (text("", &[("b", &beta), ("b", &beta)]), "mimikyu.toml:9: already used"),
        (text(&format!("listen = \"{taken}\""), &[("beta", &beta)]), "can't listen another process"),
    ] {
        fs::write(&configured.file, wrong).unwrap();
        let line = hang_up(&mut mimikyu, "ERROR reload refused:");
        assert!(words.split(' ').all(|word| line.contains(word)), "no {words:?} in {line}");
        assert!(line.contains("; what was in force stays"), "{line}");
    }
    fs::remove_file(&configured.file).unwrap();
    hang_up(&mut mimikyu, "ERROR reload refused: mimikyu.toml: cannot be read No such file");
    assert_eq!(mimikyu.list(), before);
    let troubles = status(admin).troubles;
    assert!(troubles.len() == 1 && troubles[0].what.contains("cannot be read"), "{troubles:?}");
    assert_eq!((mimikyu.count("ERROR"), beta.connections(), beta.questions().len()), (1, 0, 0));
    fs::write(&configured.file, good).unwrap();
    reload(&mut mimikyu);
    mimikyu.until_hosts("b");
    assert_eq!(status(admin).troubles, []);
    assert_eq!(control.end(), ["1000005: a", "1000007: b"]);
    mimikyu.signal("TERM");
    assert_eq!(mimikyu.exit().code(), Some(0));
    let line = mimikyu.logged("stopped");
    assert_eq!((field(&line, "reloads"), field(&line, "reloads_refused")), ("1", "7"), "{line}");
}

#[test]
fn sources_come_go_and_move_under_a_client_that_asks_all_the_while() {
    let (alpha, beta, gamma) = (Upstream::list(5, "a1 a2"), Upstream::list(7, "b1"), Upstream::list(3, "c1"));
    let [delta, epsilon, zeta] = [(); 3].map(|()| Upstream::start(Behaviour::Hangs));
    let configured = Configured::new();
    let write = |sources: &[(&str, &Upstream)]| configured.write("startup_grace = \"1h\"", sources);
    write(&[("alpha", &alpha), ("beta", &beta)]);
    let mut mimikyu = configured.start(&[]);
    let control = Control::of(mimikyu.address);
    mimikyu.until_hosts("a1 a2 b1");
    write(&[("alpha", &alpha), ("beta", &beta), ("gamma", &gamma)]);
    let line = reload(&mut mimikyu);
    assert!(
        line.contains("added=\"gamma\"") && !line.contains("removed=") && !line.contains("keys="),
        "{line}"
    );
    mimikyu.until_hosts("a1 a2 b1 c1");
    write(&[("alpha", &alpha), ("gamma", &gamma)]);
    assert!(reload(&mut mimikyu).contains("removed=\"beta\""));
    mimikyu.until_hosts("a1 a2 c1");
    write(&[("gamma", &gamma), ("alpha", &alpha)]);
    assert!(reload(&mut mimikyu).contains("sources=\"gamma,alpha\""));
    mimikyu.until_hosts("c1 a1 a2");
    // Another place under the same name: the list of the one before stays until it answers.
    write(&[("gamma", &gamma), ("alpha", &delta)]);
    assert!(reload(&mut mimikyu).contains("changed=\"alpha\""));
    mimikyu.logged("WARN source fails source=\"alpha\" last good list stays");
    delta.set_list(1, "d1");
    mimikyu.until_hosts("c1 d1");
    assert_eq!(mimikyu.count("again and again"), 0, "it is no older list of the same cluster");
    // One for another: no gap.
    write(&[("epsilon", &epsilon), ("alpha", &delta)]);
    reload(&mut mimikyu);
    mimikyu.logged("WARN the list stays as it was waits_for=\"epsilon\"");
    mimikyu.logged("WARN source fails source=\"epsilon\"");
    epsilon.set_list(1, "e1");
    mimikyu.until_hosts("e1 d1");
    // All for one that does not answer: better the last list than none.
    configured.write("startup_grace = \"100ms\"", &[("zeta", &zeta)]);
    let line = reload(&mut mimikyu);
    assert!(line.contains("keys=\"startup_grace\"") && line.contains("removed=\"epsilon,alpha\""), "{line}");
    let polls = || zeta.asked("config get cluster");
    until("zeta to be asked again", || (polls() >= 2).then_some(()));
    mimikyu.until_hosts("e1 d1");
    mimikyu.logged("WARN the list stays as it was waits_for=\"zeta\"");
    zeta.set_list(1, "z1");
    mimikyu.until_hosts("z1");
    let expected = [
        "1000012: a1 a2 b1",
        "1000015: a1 a2 b1 c1",
        "1000016: a1 a2 c1",
        "1000017: c1 a1 a2",
        "1000018: c1 d1",
        "1000019: e1 d1",
        "1000020: z1",
    ];
    assert_eq!(control.end(), expected);
    let asked = [&alpha, &beta, &gamma, &delta, &epsilon].map(|gone| gone.asked("config get cluster"));
    let before = polls();
    until("zeta to be asked", || (polls() > before + 5).then_some(()));
    let now = [&alpha, &beta, &gamma, &delta, &epsilon].map(|gone| gone.asked("config get cluster"));
    assert_eq!(asked, now, "who is gone is not asked any more");
}

#[test]
fn what_is_known_of_an_unchanged_source_stays_and_a_version_is_never_used_again() {
    let (alpha, beta) = (Upstream::list(5, "a"), Upstream::list(7, "b"));
    let configured = Configured::new();
    let state = configured.directory.path().join("state");
    let settings = format!("state = \"{}\"", state.display());
    configured.write(&settings, &[("alpha", &alpha), ("beta", &beta)]);
    let mut mimikyu = configured.start(&[]);
    mimikyu.until_hosts("a b");
    alpha.set(Behaviour::Resets);
    mimikyu.logged("WARN source fails source=\"alpha\"");
    // It has fallen silent, has another name now and another place in the list: its nodes are known all the same.
    configured.write(&settings, &[("beta", &beta), ("old", &alpha)]);
    reload(&mut mimikyu);
    assert_eq!(mimikyu.until_hosts("b a").version, 1_000_013);
    configured.write(&settings, &[("beta", &beta)]);
    reload(&mut mimikyu);
    let last = mimikyu.until_hosts("b");
    assert_eq!(last.version, 1_000_014);
    mimikyu.signal("KILL");
    mimikyu.exit();
    let mimikyu = configured.start(&[]);
    assert_eq!(mimikyu.list(), last);
}

#[test]
fn settings_are_taken_over_and_those_that_can_not_be_are_named() {
    let alpha = Upstream::list(5, "a");
    let configured = Configured::new();
    configured.write("poll_interval = \"1h\"\nlog_level = \"error\"", &[("alpha", &alpha)]);
    let mut mimikyu = Mimikyu::spawn(configured.command(&["--log-level", "info", "--workers", "1"]));
    mimikyu.ready();
    let mut client = mimikyu.client();
    client.send("version\r\n");
    client.expect("VERSION 1.6.22\r\n");
    let asked = alpha.asked("config get cluster");
    let settings = "version_reply = \"1.5.5\"\nversion_base = 2000\nlog_level = \"debug\"\nworkers = 7\n\
                    log_format = \"json\"\nstate = \"/nonexistent/state\"\ntakeover = \"/nonexistent/door\"\nring_without = \"inline_send\"";
    configured.write(settings, &[("alpha", &alpha)]);
    let line = reload(&mut mimikyu);
    assert!(line.contains("keys=\"poll_interval,version_base,version_reply\""), "flags win: {line}");
    mimikyu.logged("WARN need a restart keys=\"state,takeover,log_format,ring_without\"");
    until("polls at the new pace", || (alpha.asked("config get cluster") > asked + 3).then_some(()));
    until("the new version", || {
        client.send("version\r\n");
        let mut line = [0; 15];
        std::io::Read::read_exact(&mut client.stream, &mut line[..15]).ok()?;
        if &line == b"VERSION 1.5.5\r\n" {
            return Some(());
        }
        client.expect("\n");
        None
    });
    assert_eq!(mimikyu.list().version, 1_000_005, "it never falls");
    assert!(reload(&mut mimikyu).contains("reloaded keys") || mimikyu.count("nothing has changed") == 0);
    mimikyu.logged("WARN need a restart");
}

#[test]
fn the_log_level_is_taken_over_unless_rust_log_is_set() {
    for rust_log in [None, Some("info")] {
        let alpha = Upstream::list(5, "a");
        let configured = Configured::new();
        configured.write("log_level = \"info\"", &[("alpha", &alpha)]);
        let mut command = configured.command(&[]);
        if let Some(level) = rust_log {
            command.env("RUST_LOG", level);
        }
        let mut mimikyu = Mimikyu::spawn(command);
        mimikyu.ready();
        configured.write("log_level = \"error\"", &[("alpha", &alpha)]);
        assert!(reload(&mut mimikyu).contains("keys=\"log_level\""));
        if rust_log.is_some() {
            mimikyu.logged("WARN log_level changes nothing: RUST_LOG");
        }
        forget(&mut mimikyu);
        alpha.set_list(6, "b");
        mimikyu.until_hosts("b");
        configured.write("log_level = \"info\"", &[("alpha", &alpha)]);
        mimikyu.signal("HUP");
        mimikyu.logged("INFO configuration reloaded");
        assert_eq!(mimikyu.count("list changed"), usize::from(rust_log.is_some()), "{rust_log:?}");
    }
}

#[test]
fn fewer_and_more_connections_are_allowed_and_none_is_dropped() {
    let alpha = Upstream::list(5, "a");
    let configured = Configured::new();
    let write = |most: usize| configured.write(&format!("connections_max = {most}"), &[("alpha", &alpha)]);
    write(4);
    let mut mimikyu = configured.start(&[]);
    let mut served: Vec<_> = (0..4).map(|_| mimikyu.client()).collect();
    let asks = |client: &mut Client| {
        client.send("version\r\n");
        client.expect("VERSION 1.6.22\r\n");
    };
    served.iter_mut().for_each(asks);
    write(2);
    reload(&mut mimikyu);
    served.iter_mut().for_each(asks);
    // Down to two, and one more does not come in.
    served.truncate(2);
    until("one more to be refused", || {
        mimikyu.ask("version\r\n").starts_with("ERROR Too many open connections").then_some(())
    });
    write(3);
    reload(&mut mimikyu);
    until("a third to be let in", || {
        let mut third = mimikyu.client();
        third.send("version\r\nquit\r\n");
        (third.rest() == "VERSION 1.6.22\r\n").then_some(())
    });
    served.iter_mut().for_each(asks);
    configured.write("connections_max = 3\nidle_timeout = \"1s\"", &[("alpha", &alpha)]);
    reload(&mut mimikyu);
    served.iter_mut().for_each(Client::until_closed);
}

#[test]
fn who_is_let_in_and_how_long_a_request_may_take_are_taken_over() {
    let alpha = Upstream::list(5, "a");
    let configured = Configured::new();
    configured.write("", &[("alpha", &alpha)]);
    let mut mimikyu = configured.start(&["--workers", "1"]);
    let mut early = mimikyu.client();
    early.send("version\r\n");
    early.expect("VERSION 1.6.22\r\n");
    configured.write("allow = [\"10.0.0.0/8\"]", &[("alpha", &alpha)]);
    reload(&mut mimikyu);
    until("others to be closed without a word", || mimikyu.client().is_closed().then_some(()));
    early.send("version\r\n");
    early.expect("VERSION 1.6.22\r\n");
    configured.write("connections_per_ip_max = 1\nrequest_timeout = \"1s\"", &[("alpha", &alpha)]);
    reload(&mut mimikyu);
    // Who was there before is not counted.
    let mut first = until("one to be let in", || {
        let mut client = mimikyu.client();
        client.send("version\r\n");
        (client.stream.peek(&mut [0; 3]).is_ok_and(|length| length > 0)).then_some(client)
    });
    first.expect("VERSION 1.6.22\r\n");
    assert!(mimikyu.ask("version\r\n").starts_with("ERROR Too many open connections"));
    first.send("config get");
    first.until_closed();
}

#[test]
fn listeners_come_and_go_and_a_connection_on_one_that_goes_goes_on() {
    let alpha = Upstream::list(5, "a");
    let configured = Configured::new();
    let write = |addresses: &str| configured.write(&format!("listen = [{addresses}]"), &[("alpha", &alpha)]);
    write("\"127.0.0.1:0\"");
    let mut mimikyu = configured.start(&["--workers", "2"]);
    let first = mimikyu.address;
    let control = Control::of(first);
    let descriptors = mimikyu.descriptors();
    for round in 0..3 {
        write("\"127.0.0.1:0\", \"127.0.0.2:0\"");
        let line = reload(&mut mimikyu);
        let both = field(&line, "listen");
        let (kept, added) = both.split_once(',').unwrap_or_else(|| panic!("two in {line}"));
        assert_eq!(kept.parse(), Ok(first), "what has not changed is not touched");
        let added: SocketAddr = added.parse().unwrap();
        let mut clients: Vec<_> = (0..8).map(|_| Client::connect(added)).collect();
        let asks = |client: &mut Client| {
            client.send("config get cluster\r\n");
            assert_eq!(Reply::read(&client.answer()).hosts(), "a");
        };
        clients.iter_mut().for_each(asks);
        // Some are queued when the address goes: they are served too.
        mimikyu.signal("STOP");
        let mut queued: Vec<_> = (0..20).map(|_| Client::connect(added)).collect();
        queued.iter_mut().for_each(|client| client.send("version\r\n"));
        write("\"127.0.0.1:0\"");
        forget(&mut mimikyu);
        mimikyu.signal("HUP");
        mimikyu.signal("CONT");
        let line = mimikyu.logged("INFO configuration reloaded");
        assert_eq!(field(&line, "listen"), first.to_string());
        queued.iter_mut().for_each(|client| client.expect("VERSION 1.6.22\r\n"));
        until("the address to be closed", || std::net::TcpStream::connect(added).is_err().then_some(()));
        clients.iter_mut().for_each(asks);
        drop((clients, queued));
        until("every descriptor to be back", || (mimikyu.descriptors() <= descriptors).then_some(()));
        assert_eq!(mimikyu.list().hosts(), "a", "round {round}");
    }
    assert_eq!(control.end(), ["1000005: a"]);
    // An address that is ours already, in another guise: refused, and nothing of it is done.
    let port = first.port();
    write(&format!("\"127.0.0.1:0\", \"0.0.0.0:{port}\", \"127.0.0.3:0\""));
    let line = hang_up(&mut mimikyu, "ERROR reload refused:");
    assert!(line.contains(&format!("beside {first}, which has the port")), "{line}");
    assert!(std::net::TcpStream::connect(("127.0.0.3", port)).is_err());
    assert_eq!(mimikyu.list().hosts(), "a");
}

#[test]
fn a_storm_of_signals_is_harmless() {
    let (alpha, beta) = (Upstream::list(5, "a"), Upstream::list(7, "b"));
    let configured = Configured::new();
    configured.write("", &[("alpha", &alpha)]);
    let mut mimikyu = configured.start(&[]);
    let control = Control::of(mimikyu.address);
    for round in 0..50 {
        if round % 10 == 5 {
            let both = &[("alpha", &alpha), ("beta", &beta)][..1 + round / 10 % 2];
            configured.write("listen = [\"127.0.0.1:0\", \"127.0.0.2:0\"]", both);
        }
        mimikyu.signal("HUP");
    }
    configured.write("", &[("alpha", &alpha), ("beta", &beta)]);
    mimikyu.signal("HUP");
    mimikyu.until_hosts("a b");
    until("the last one to be taken", || {
        let line = hang_up(&mut mimikyu, "INFO configuration reloaded");
        line.contains("nothing has changed").then_some(())
    });
    let seen = control.end();
    assert!(seen.first().is_some_and(|list| list == "1000005: a"), "{seen:?}");
    assert_eq!(mimikyu.count("ERROR"), 0);
}

#[test]
fn a_reload_while_it_starts_is_taken_over_and_one_while_it_stops_does_nothing() {
    let (alpha, beta) = (Upstream::start(Behaviour::Hangs), Upstream::list(7, "b"));
    let configured = Configured::new();
    let settings =
        "startup_grace = \"1h\"\npoll_timeout = \"5m\"\nlisten = [\"127.0.0.2:0\", \"127.0.0.1:0\"]";
    configured.write(settings, &[("alpha", &alpha)]);
    let mut mimikyu = Mimikyu::spawn(configured.command(&["--workers", "2"]));
    until("it to ask", || alpha.asked("config get cluster").checked_sub(1));
    configured
        .write("startup_grace = \"1h\"\nlisten = [\"127.0.0.1:0\", \"127.0.0.3:0\"]", &[("beta", &beta)]);
    mimikyu.signal("HUP");
    let line = mimikyu.logged("INFO configuration reloaded");
    let listen = field(&line, "listen").to_owned();
    until("the conversation to be given up", || (alpha.connections() == 0).then_some(()));
    let ready = mimikyu.ready();
    assert_eq!(field(&ready, "listen"), listen);
    for address in listen.split(',') {
        let mut client = Client::connect(address.parse().unwrap());
        client.send("config get cluster\r\n");
        assert_eq!(Reply::read(&client.answer()).hosts(), "b");
    }
    assert!(ready.contains("sources=\"beta\"") || ready.contains("sources=beta"), "{ready}");
    // A client that does not read keeps it from leaving at once.
    let mut slow = mimikyu.client();
    slow.stream.set_nonblocking(true).unwrap();
    let requests = "config get cluster\r\n".repeat(1000);
    until("the connection to be full", || {
        std::io::Write::write(&mut slow.stream, requests.as_bytes()).is_err().then_some(())
    });
    mimikyu.signal("TERM");
    mimikyu.logged("stopping");
    configured.write("", &[("alpha", &alpha)]);
    (0..5).for_each(|_| mimikyu.signal("HUP"));
    until("the port to be closed", || std::net::TcpStream::connect(mimikyu.address).is_err().then_some(()));
    drop(slow);
    assert_eq!(mimikyu.exit().code(), Some(0));
    assert_eq!(mimikyu.count("reloaded"), 1);
}
