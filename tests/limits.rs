//! Every bound that a client or an upstream can reach, crossed by one.

mod harness;

use std::io::{Read, Write};
use std::process::Command;

use harness::{Behaviour, Client, Mimikyu, Upstream, raise_descriptor_limit, until};

const STATIC: [&str; 2] = ["--static", "edge=127.0.0.1:9"];
const FULL: &str = "ERROR Too many open connections\r\n";

fn start(arguments: &[&str]) -> Mimikyu {
    Mimikyu::start(&[&STATIC[..], arguments].concat())
}

/// The binary under a descriptor limit, which it may not raise.
fn start_with_descriptors(limit: usize, arguments: &[&str]) -> Mimikyu {
    let mut command = Command::new("sh");
    let script = format!("ulimit -n {limit}; exec \"$0\" serve --listen 127.0.0.1:0 \"$@\"");
    command
        .args(["-c", &script, env!("CARGO_BIN_EXE_mimikyu")])
        .args(STATIC)
        .args(arguments)
        .env("NO_COLOR", "1")
        .env("MIMIKYU_ADMIN", "none");
    let mut mimikyu = Mimikyu::spawn(command);
    mimikyu.ready();
    mimikyu
}

#[track_caller]
fn is_served(client: &mut Client) {
    client.send("version\r\n");
    client.expect("VERSION 1.6.22\r\n");
}

#[test]
fn one_connection_over_the_limit_is_refused_and_the_others_are_not() {
    let mimikyu = start(&["--connections-max", "3", "--workers", "2"]);
    let mut clients: Vec<_> = (0..3).map(|_| mimikyu.client()).collect();
    clients.iter_mut().for_each(is_served);
    for _ in 0..5 {
        let mut refused = mimikyu.client();
        refused.send("config get cluster\r\n");
        assert_eq!(refused.rest(), FULL);
    }
    clients.iter_mut().for_each(is_served);
    clients.pop();
    until("the place to be free", || {
        let mut client = mimikyu.client();
        client.send("version\r\nquit\r\n");
        (client.rest() == "VERSION 1.6.22\r\n").then_some(())
    });
}

#[test]
fn a_storm_over_the_limit_leaves_nothing_behind() {
    let mimikyu = start(&["--connections-max", "100", "--workers", "1"]);
    let before = mimikyu.descriptors();
    let mut clients: Vec<_> = (0..600).map(|_| mimikyu.client()).collect();
    for client in &mut clients {
        // A refused one may have been closed by then, and a reset is as good a refusal.
        let _ = client.stream.write_all(b"version\r\nquit\r\n");
    }
    let answered = clients
        .iter_mut()
        .filter_map(|client| {
            let mut answer = String::new();
            client.stream.read_to_string(&mut answer).ok()?;
            (answer == "VERSION 1.6.22\r\n").then_some(())
        })
        .count();
    assert!(answered >= 100, "{answered} answered");
    drop(clients);
    until("the descriptors to be given back", || (mimikyu.descriptors() == before).then_some(()));
    until("all places to be free", || (stat(&mimikyu, "curr_connections") == 1).then_some(()));
    assert!(stat(&mimikyu, "rejected_connections") > 0);
}

/// One of our own counters.
fn stat(mimikyu: &Mimikyu, name: &str) -> usize {
    let stats = mimikyu.ask("stats\r\n");
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("STAT {name} ")));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {stats:?}"))
}

#[test]
fn the_descriptor_limit_bounds_the_connections_and_a_wish_beyond_it_is_told() {
    let mut mimikyu = start_with_descriptors(256, &["--connections-max", "1000", "--workers", "1"]);
    mimikyu.logged("WARN descriptor limit wanted=1000");
    assert!(
        mimikyu.logged("ready").contains("connections_max=145"),
        "256 less 96 for the rest, 2 for the source, 4 for the worker and 9 for the refused"
    );
    let mut clients: Vec<_> = (0..145).map(|_| mimikyu.client()).collect();
    clients.iter_mut().for_each(is_served);
    assert_eq!(mimikyu.client().rest(), FULL);
    clients.iter_mut().for_each(is_served);
}

#[test]
fn it_serves_again_after_descriptors_ran_out() {
    let mut mimikyu = start_with_descriptors(20, &["--workers", "1"]);
    let mut clients: Vec<_> = (0..40).map(|_| mimikyu.client()).collect();
    for client in &mut clients {
        client.send("version\r\nquit\r\n");
    }
    mimikyu.logged("WARN new clients wait");
    // Those that are answered and leave make room for those that wait.
    for mut client in clients {
        let answer = client.rest();
        assert!(answer == "VERSION 1.6.22\r\n" || answer == FULL, "{answer:?}");
    }
    assert_eq!(mimikyu.ask("version\r\n"), "VERSION 1.6.22\r\n");
    assert_eq!(mimikyu.count("new clients wait"), 1);
}

#[test]
fn an_idle_connection_is_closed_after_its_time_and_a_busy_one_is_not() {
    let mimikyu = start(&["--idle-timeout", "1s"]);
    let (mut idle, mut busy) = (mimikyu.client(), mimikyu.client());
    until("the idle one to be closed", || {
        is_served(&mut busy);
        idle.is_closed().then_some(())
    });
    is_served(&mut busy);
    assert_eq!(stat(&mimikyu, "idle_kicks"), 1);
}

#[test]
fn one_stats_request_over_the_limit_is_told_so() {
    let upstream = Upstream::list(1, "a");
    let mimikyu =
        Mimikyu::start(&["--poll-timeout", "4s", "--poll-interval", "1h", &upstream.address.to_string()]);
    upstream.set(Behaviour::Hangs);
    let mut clients: Vec<_> = (0..1025).map(|_| mimikyu.client()).collect();
    for client in &mut clients {
        client.send("stats\r\n");
    }
    let answers: Vec<_> = clients.iter_mut().map(Client::rest).collect();
    let count = |words: &str| answers.iter().filter(|answer| answer.contains(words)).count();
    assert_eq!((count("too many stats"), count("no upstream")), (1, 1024));
    assert_eq!(upstream.asked("stats"), 1);
}

#[test]
fn one_question_over_the_limit_is_told_so_and_the_plain_one_is_not_held_up() {
    let upstream = Upstream::list(1, "a");
    let address = upstream.address.to_string();
    let mimikyu =
        Mimikyu::start(&["--workers", "1", "--poll-timeout", "4s", "--poll-interval", "1h", &address]);
    upstream.set(Behaviour::Hangs);
    let mut clients: Vec<_> = (0..32).map(|_| mimikyu.client()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(format!("stats question{number}\r\n"));
    }
    let is_asked = || upstream.questions().iter().any(|asked| asked.starts_with("stats ")).then_some(());
    until("the first to be asked", is_asked);
    upstream.set_list(1, "a");
    assert!(mimikyu.ask("stats\r\n").starts_with("STAT version"));
    assert!(mimikyu.ask("stats one more\r\n").contains("too many stats requests"));
    assert!(clients.iter_mut().all(|client| !client.is_closed()), "all of this while the 32 wait");
}

#[test]
fn what_a_client_sends_behind_its_stats_is_bounded_and_not_lost() {
    let upstream = Upstream::list(1, "a");
    let mimikyu =
        Mimikyu::start(&["--poll-timeout", "2s", "--poll-interval", "1h", &upstream.address.to_string()]);
    let list = mimikyu.ask("config get cluster\r\n");
    upstream.set(Behaviour::Hangs);
    let mut client = mimikyu.client();
    client.send("stats\r\n");
    until("stats to be asked", || upstream.asked("stats").checked_sub(1));
    client.stream.set_nonblocking(true).unwrap();
    let mut sent = 0;
    let chunk = "config get cluster\r\n".repeat(1000);
    until("the connection to be full", || match client.stream.write(chunk.as_bytes()) {
        Ok(bytes) => {
            sent += bytes;
            None
        }
        Err(_) => Some(()),
    });
    client.stream.set_nonblocking(false).unwrap();
    // The kernel's buffers are full, so it has stopped receiving. Its own share is small.
    assert!(sent < 64 << 20, "{sent} bytes were taken");
    assert_eq!(client.rest(), "SERVER_ERROR mimikyu has no upstream that answers stats\r\n");
    assert_eq!(mimikyu.ask("config get cluster\r\n"), list);
}

#[test]
fn a_closed_client_that_goes_on_sending_is_cut_off() {
    let mimikyu = start(&[]);
    let before = mimikyu.descriptors();
    let mut client = mimikyu.client();
    client.send("nonsense\r\n");
    until("the connection to be cut", || client.stream.write_all(&[b'x'; 4096]).is_err().then_some(()));
    let mut silent = mimikyu.client();
    silent.send("nonsense\r\n");
    until("the silent one to be dropped too", || (mimikyu.descriptors() == before).then_some(()));
    drop(silent);
}

#[test]
fn a_thousand_clients_at_once_run_out_of_buffers_and_of_nothing_else() {
    // 1,024 receive buffers; each of these fills several at a time.
    let mimikyu = start(&["--workers", "1"]);
    let list = mimikyu.ask("config get cluster\r\n");
    let mut clients: Vec<_> = (0..300).map(|_| mimikyu.client()).collect();
    mimikyu.signal("STOP");
    let requests = 500;
    for client in &mut clients {
        client.send("config get cluster\r\n".repeat(requests));
    }
    mimikyu.signal("CONT");
    let expected = list.repeat(requests);
    for client in &mut clients {
        client.expect(&expected);
    }
}

#[test]
fn a_connection_that_found_no_buffer_is_heard_as_soon_as_it_speaks() {
    raise_descriptor_limit();
    let mimikyu = start(&["--workers", "1"]);
    mimikyu.signal("STOP");
    let mut clients: Vec<_> = (0..4000).map(|_| mimikyu.client()).collect();
    // As many as there are buffers have asked when the receives of the others are tried; so many others that
    // the answers to these do not wake it often enough to try them all.
    for client in &mut clients[..1024] {
        client.send("version\r\n");
    }
    mimikyu.signal("CONT");
    for client in &mut clients[..1024] {
        client.expect("VERSION 1.6.22\r\n");
    }
    clients.iter_mut().rev().for_each(is_served);
}

#[test]
fn the_end_comes_by_its_deadline_even_if_a_client_does_not_read() {
    let mut mimikyu = start(&[]);
    let mut slow = mimikyu.client();
    slow.stream.set_nonblocking(true).unwrap();
    let requests = "config get cluster\r\n".repeat(1000);
    until("the connection to be full", || slow.stream.write(requests.as_bytes()).is_err().then_some(()));
    mimikyu.signal("TERM");
    assert_eq!(mimikyu.exit().code(), Some(0));
    mimikyu.logged("WARN unanswered clients=1");
}

/// A disk that hangs: the file that the state is written to is a pipe that nobody reads.
#[test]
fn a_disk_that_hangs_delays_a_list_by_a_bounded_time() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    let pipe = directory.path().join("state.new");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let upstream = Upstream::list(5, "a");
    let arguments =
        ["--poll-interval", "50ms", "--state", state.to_str().unwrap(), &upstream.address.to_string()];
    let mut mimikyu = Mimikyu::start(&arguments);
    mimikyu.logged("WARN state file is not written");
    for version in 6..12 {
        upstream.set_list(version, &format!("a{version}"));
        mimikyu.until_hosts(&format!("a{version}"));
    }
    assert_eq!(mimikyu.count("state file is not written"), 1);
    mimikyu.signal("TERM");
    assert_eq!(mimikyu.exit().code(), Some(0), "a hanging disk does not hold up the end");
}
