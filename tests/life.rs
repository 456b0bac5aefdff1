//! Start, restart, end, and what is said when it can't start.

mod harness;

use std::io::{Read, Write};
use std::net::TcpListener;

use harness::process::run;
use harness::{Behaviour, Client, Mimikyu, Upstream, until};

const FAST: [&str; 4] = ["--poll-interval", "50ms", "--poll-timeout", "250ms"];

fn command(arguments: &[&str]) -> std::process::Command {
    Mimikyu::command(&[&["serve", "--listen", "127.0.0.1:0"], &FAST[..], arguments].concat())
}

#[test]
fn the_2019_command_line_still_works() {
    let (alpha, beta, gamma) = (Upstream::list(1, "a"), Upstream::list(1, "b"), Upstream::list(1, "c"));
    let addresses = [&alpha, &beta, &gamma].map(|upstream| upstream.address.to_string());
    let mut command = Mimikyu::command(&[&addresses[0], &addresses[1], &addresses[2]]);
    let mut mimikyu = Mimikyu::spawn({
        command.env("MIMIKYU_LISTEN", "127.0.0.1:0");
        command
    });
    assert!(mimikyu.ready().contains("sources=primary,secondary,upstream3"));
    assert_eq!(mimikyu.list().hosts(), "a b c");
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let (alpha, beta) = (Upstream::list(1, "a"), Upstream::list(1, "b"));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mimikyu.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\nversion_reply = \"1.5.1\"\nversion_base = 5\nworkers = 1\npoll_interval = \"50ms\"\n\
         [[source]]\nname = \"beta\"\nupstream = \"{}\"\n[[source]]\nname = \"alpha\"\nupstream = \"{}\"\n",
        beta.address, alpha.address
    );
    std::fs::write(&file, text).unwrap();
    let mut command =
        Mimikyu::command(&["serve", "--config", file.to_str().unwrap(), "--version-base", "70"]);
    command.env("MIMIKYU_VERSION_REPLY", "1.5.2").env("MIMIKYU_VERSION_BASE", "60").env("MIMIKYU_TYPO", "x");
    let mut mimikyu = Mimikyu::spawn(command);
    let ready = mimikyu.ready();
    assert!(ready.contains("workers=1"), "{ready}");
    mimikyu.logged("WARN MIMIKYU_TYPO");
    assert_eq!(mimikyu.ask("version\r\n"), "VERSION 1.5.2\r\n");
    assert_eq!(mimikyu.list().version, 72);
    assert_eq!(mimikyu.list().hosts(), "b a");
}

#[test]
fn what_is_wrong_is_said_in_one_line_with_its_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let absent = directory.path().join("absent.toml").to_str().unwrap().to_string();
    let unknown = file("unknown.toml", "listen = \"127.0.0.1:0\"\npol_interval = \"1s\"\n");
    let broken = file("broken.toml", "listen = \n");
    let wrong = file("wrong.toml", "\npoll_interval = \"soon\"\n");
    for (arguments, code, words) in [
        (
            &["serve", "--listen", &taken, "a:1"][..],
            1,
            &["can't listen on", &taken, "another process", "--listen"][..],
        ),
        (
            &["serve", "--listen", "192.0.2.1:11311", "a:1"],
            1,
            &["192.0.2.1:11311", "no address of this machine"],
        ),
        (&["serve", "--listen", "nowhere", "a:1"], 2, &["--listen", "nowhere"]),
        (&["serve", "--listen", "127.0.0.1:99999", "a:1"], 2, &["--listen", "99999"]),
        (&["serve", "--upstream", "a:1"], 2, &["--upstream", "NAME=HOST:PORT"]),
        (&["serve", "--upstream", "x=a"], 2, &["--upstream", "HOST:PORT"]),
        (&["serve", "--upstream", "x=a:1", "--upstream", "x=b:1"], 2, &["x"]),
        (&["serve", "--workers", "0", "a:1"], 2, &["--workers"]),
        (&["serve", "--poll-interval", "10", "a:1"], 2, &["--poll-interval", "10s"]),
        (&["serve", "--version-base", "0", "a:1"], 2, &["--version-base"]),
        (&["serve", "--version-reply", "1.6.22-beta", "a:1"], 2, &["--version-reply"]),
        (
            &["demo", "--listen", "127.0.0.1:9", "--admin", "127.0.0.1:9"],
            2,
            &["--admin", "clients connect to"],
        ),
        (&["serve", "--no-such-flag"], 2, &["--no-such-flag"]),
        (&["serv"], 2, &["serv"]),
        (&["serve"], 2, &["--upstream"]),
        (&["serve", "--config", &absent], 78, &["absent.toml", "No such file"]),
        (&["serve", "--config", directory.path().to_str().unwrap()], 78, &["directory"]),
        (&["serve", "--config", &unknown], 78, &["unknown.toml:2", "pol_interval", "poll_interval"]),
        (&["serve", "--config", &broken], 78, &["broken.toml:1"]),
        (&["serve", "--config", &wrong], 78, &["wrong.toml:2", "poll_interval", "soon"]),
    ] {
        let (exit, written) = run(Mimikyu::command(arguments));
        assert_eq!(exit, Some(code), "{arguments:?}: {written}");
        assert_eq!(written.lines().count(), 1, "{arguments:?}: {written}");
        assert!(written.starts_with("mimikyu: "), "{arguments:?}: {written}");
        for word in words {
            assert!(written.contains(word), "{arguments:?}: no {word:?} in {written}");
        }
    }
}

#[test]
fn without_io_uring_the_cause_and_the_cure_are_said() {
    for (errno, words) in [("1", "seccomp"), ("38", "the kernel has none"), ("12", "locked-memory limit")] {
        let mut command = std::process::Command::new("python3");
        command.args(["tests/without_io_uring.py", errno, env!("CARGO_BIN_EXE_mimikyu")]);
        command.args(["serve", "--listen", "127.0.0.1:0", "--static", "edge=127.0.0.1:9"]);
        let (code, written) = run(command);
        assert_eq!(code, Some(1), "{written}");
        assert_eq!(written.lines().count(), 1, "{written}");
        for word in ["mimikyu: io_uring is not available", "io_uring_setup", words] {
            assert!(written.contains(word), "no {word:?} in {written}");
        }
    }
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in [&["--help"][..], &["--version"], &["serve", "--help"], &["demo", "--help"]] {
        assert_eq!(run(Mimikyu::command(arguments)), (Some(0), String::new()), "{arguments:?}");
    }
}

#[test]
fn the_port_is_taken_while_it_runs_and_free_when_it_ends() {
    let mut first = Mimikyu::start(&["--static", "edge=127.0.0.1:9"]);
    let listen = first.address.to_string();
    let (code, written) =
        run(Mimikyu::command(&["serve", "--listen", &listen, "--static", "edge=127.0.0.1:9"]));
    assert_eq!(code, Some(1), "{written}");
    first.signal("KILL");
    first.exit();
    // At once: the kernel still tears the rings down, which the bind waits for.
    let next = Mimikyu::start(&["--listen", &listen, "--static", "edge=127.0.0.1:9"]);
    assert_eq!(next.address, first.address);
}

#[test]
fn clients_come_once_every_source_has_answered() {
    let (alpha, beta) = (Upstream::start(Behaviour::Hangs), Upstream::list(1, "b"));
    let (alpha_address, beta_address) = (alpha.address.to_string(), beta.address.to_string());
    let mut mimikyu = Mimikyu::spawn(command(&["--startup-grace", "1h", &alpha_address, &beta_address]));
    mimikyu.logged("source answers source=\"secondary\"");
    mimikyu.logged("source fails source=\"primary\"");
    assert_eq!(mimikyu.count("ready"), 0);
    alpha.set_list(1, "a");
    mimikyu.ready();
    assert_eq!(mimikyu.list().hosts(), "a b");
}

#[test]
fn after_the_grace_what_there_is_is_served() {
    let (alpha, beta) = (Upstream::start(Behaviour::Resets), Upstream::list(1, "b"));
    let (alpha_address, beta_address) = (alpha.address.to_string(), beta.address.to_string());
    let mut mimikyu = Mimikyu::spawn(command(&["--startup-grace", "300ms", &alpha_address, &beta_address]));
    mimikyu.ready();
    assert_eq!(mimikyu.list().hosts(), "b");
    alpha.set_list(1, "a");
    assert_eq!(mimikyu.until_hosts("a b").version, 1_000_002);
}

#[test]
fn without_any_list_clients_are_told_so_and_closed_until_there_is_one() {
    let alpha = Upstream::start(Behaviour::Resets);
    let mut mimikyu = Mimikyu::spawn(command(&["--startup-grace", "100ms", &alpha.address.to_string()]));
    mimikyu.ready();
    for request in ["config get cluster\r\n", "get AmazonElastiCache:cluster\r\n"] {
        let mut client = mimikyu.client();
        client.send(request);
        assert_eq!(client.rest(), "SERVER_ERROR mimikyu has no node list yet\r\n");
    }
    assert_eq!(mimikyu.ask("version\r\n"), "VERSION 1.6.22\r\n");
    mimikyu.logged("WARN no node list yet waits_for=\"primary\"");
    alpha.set_list(1, "a");
    mimikyu.until_hosts("a");
}

#[test]
fn with_require_all_no_partial_list_is_ever_served() {
    let (alpha, beta) = (Upstream::start(Behaviour::Resets), Upstream::list(1, "b"));
    let (alpha_address, beta_address) = (alpha.address.to_string(), beta.address.to_string());
    let all = ["--require", "all", "--startup-grace", "100ms", &alpha_address, &beta_address];
    let mut mimikyu = Mimikyu::spawn(command(&all));
    mimikyu.ready();
    let polls = beta.asked("config get cluster");
    until("beta to be polled", || (beta.asked("config get cluster") > polls + 5).then_some(()));
    assert_eq!(mimikyu.ask("config get cluster\r\n"), "SERVER_ERROR mimikyu has no node list yet\r\n");
    alpha.set_list(1, "a");
    mimikyu.until_hosts("a b");
    alpha.set(Behaviour::Resets);
    mimikyu.logged("source fails source=\"primary\" last");
    assert_eq!(mimikyu.list().hosts(), "a b");
}

#[test]
fn a_restart_serves_the_last_list_at_once_and_the_version_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    let (alpha, beta) = (Upstream::list(5, "a1 a2"), Upstream::list(7, "b1"));
    let (alpha_address, beta_address) = (alpha.address.to_string(), beta.address.to_string());
    let arguments = ["--state", state.to_str().unwrap(), &alpha_address, &beta_address];
    let mut mimikyu = Mimikyu::start(&[&FAST[..], &arguments].concat());
    mimikyu.logged("WARN no state file yet");
    beta.set_list(3, "b2");
    let before = mimikyu.until_hosts("a1 a2 b2");
    assert_eq!(before.version, 1_000_013);
    mimikyu.signal("KILL");
    mimikyu.exit();
    // Both upstreams are down, and the wait for them is long: the list is there all the same.
    alpha.set(Behaviour::Resets);
    beta.set(Behaviour::Hangs);
    let mut mimikyu = Mimikyu::start(&[&FAST[..], &["--startup-grace", "1h"], &arguments].concat());
    assert_eq!(mimikyu.list(), before);
    mimikyu.logged("restored");
    alpha.set_list(6, "a1");
    beta.set_list(3, "b2");
    assert_eq!(mimikyu.until_hosts("a1 b2").version, before.version + 1);
}

#[test]
fn a_restart_with_another_configuration_never_reuses_a_version() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    let (alpha, beta) = (Upstream::list(5, "a"), Upstream::list(7, "b"));
    let (alpha, beta) = (format!("alpha={}", alpha.address), format!("beta={}", beta.address));
    let mut seen: Vec<harness::Reply> = Vec::new();
    for (sources, hosts) in [
        (&["--upstream", &alpha, "--upstream", &beta][..], "a b"),
        (&["--upstream", &beta, "--upstream", &alpha], "b a"),
        (&["--upstream", &alpha], "a"),
        (&["--upstream", &alpha, "--version-base", "2000000"], "a"),
        (&["--upstream", &alpha, "--version-base", "7"], "a"),
        (&["--static", "edge=127.0.0.1:9", "--upstream", &alpha], "127.0.0.1 a"),
        (&["--upstream", &alpha], "a"),
    ] {
        let state = ["--state", state.to_str().unwrap()];
        let mut mimikyu = Mimikyu::start(&[&FAST[..], &state, sources].concat());
        let reply = mimikyu.until_hosts(hosts);
        if let Some(before) = seen.last() {
            let changed = before.nodes != reply.nodes;
            assert!(reply.version >= before.version + u64::from(changed), "{reply:?} after {before:?}");
            if changed {
                // A client may see a list before its line is written.
                mimikyu.logged("list changed");
            }
            assert_eq!(mimikyu.count("list changed"), usize::from(changed), "{sources:?}");
        }
        // Killed, so that nothing is saved on the way out.
        mimikyu.signal("KILL");
        mimikyu.exit();
        seen.push(reply);
    }
}

#[test]
fn a_state_file_of_no_use_never_stops_a_start() {
    let directory = tempfile::tempdir().unwrap();
    let upstream = Upstream::list(5, "a");
    let address = upstream.address.to_string();
    let good = {
        let state = directory.path().join("good");
        let arguments = [&FAST[..], &["--state", state.to_str().unwrap(), &address]].concat();
        Mimikyu::start(&arguments);
        std::fs::read(state).unwrap()
    };
    for (name, bytes, words) in [
        ("torn", &good[..good.len() - 9], "checksum"),
        ("empty", b"", "cut short"),
        ("zeros", &[0; 4096][..], "cut short"),
        ("foreign", b"mimikyu-state 9 00000000\n{}", "mimikyu-state 9"),
    ] {
        let state = directory.path().join(name);
        std::fs::write(&state, bytes).unwrap();
        let mut mimikyu =
            Mimikyu::start(&[&FAST[..], &["--state", state.to_str().unwrap(), &address]].concat());
        mimikyu.logged(&format!("WARN state file {words}"));
        assert_eq!(mimikyu.list().hosts(), "a");
        assert_eq!(std::fs::read(&state).unwrap(), good, "{name}: the next one is whole");
    }
}

#[test]
fn a_state_file_that_another_has_is_read_and_not_written() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    let upstream = Upstream::list(5, "a");
    let arguments = ["--state", state.to_str().unwrap(), &upstream.address.to_string()];
    let first = Mimikyu::start(&[&FAST[..], &arguments].concat());
    let mut second = Mimikyu::start(&[&FAST[..], &arguments].concat());
    second.logged("WARN another process has the state file");
    second.logged("restored");
    upstream.set_list(6, "b");
    assert_eq!(first.until_hosts("b"), second.until_hosts("b"));
}

#[test]
fn a_disk_that_fails_changes_nothing_and_is_told_once() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("absent/state");
    let upstream = Upstream::list(5, "a");
    let arguments = ["--state", state.to_str().unwrap(), &upstream.address.to_string()];
    let mut mimikyu = Mimikyu::start(&[&FAST[..], &arguments].concat());
    for version in 6..10 {
        upstream.set_list(version, &format!("a{version}"));
        mimikyu.until_hosts(&format!("a{version}"));
    }
    assert_eq!(mimikyu.count("state file is not written"), 1);
    std::fs::create_dir(directory.path().join("absent")).unwrap();
    mimikyu.logged("state file is written again");
    assert!(std::fs::read_to_string(state).unwrap().contains("a9|"));
}

#[test]
fn sigterm_and_sigint_answer_what_was_asked_and_leave() {
    for signal in ["TERM", "INT"] {
        let upstream = Upstream::list(1, "a");
        let mut mimikyu = Mimikyu::start(&["--poll-timeout", "3s", &upstream.address.to_string()]);
        let idle = mimikyu.client();
        let (mut half, mut pending) = (mimikyu.client(), mimikyu.client());
        half.send("config get clus");
        upstream.set(Behaviour::Hangs);
        pending.send("stats\r\nversion\r\n");
        until("stats to be asked", || (upstream.asked("stats") == 1).then_some(()));
        mimikyu.signal(signal);
        mimikyu.logged("stopping");
        assert_eq!(half.rest(), "");
        upstream.set_list(1, "a");
        assert_eq!(pending.rest(), "SERVER_ERROR mimikyu has no upstream that answers stats\r\n");
        assert_eq!(mimikyu.exit().code(), Some(0));
        drop(idle);
    }
}

#[test]
fn a_reader_that_does_not_read_delays_the_end_until_the_deadline_and_a_second_signal_ends_it_at_once() {
    let mut mimikyu = Mimikyu::start(&["--static", "edge=127.0.0.1:9"]);
    let mut slow = mimikyu.client();
    slow.stream.set_nonblocking(true).unwrap();
    let requests = "config get cluster\r\n".repeat(1000);
    // Until nothing more fits anywhere.
    until("the connection to be full", || slow.stream.write(requests.as_bytes()).is_err().then_some(()));
    mimikyu.signal("TERM");
    mimikyu.logged("stopping");
    until("the port to be closed", || std::net::TcpStream::connect(mimikyu.address).is_err().then_some(()));
    mimikyu.signal("TERM");
    let status = mimikyu.exit();
    assert_eq!(status.code(), Some(1));
    assert!(mimikyu.log.last().unwrap().contains("second signal"), "{:?}", mimikyu.log.last());
}

#[test]
fn idle_clients_see_the_end_at_once_even_if_another_holds_it_up() {
    let mut mimikyu = Mimikyu::start(&["--static", "edge=127.0.0.1:9", "--workers", "2"]);
    let mut slow = mimikyu.client();
    slow.stream.set_nonblocking(true).unwrap();
    let requests = "config get cluster\r\n".repeat(1000);
    until("the connection to be full", || slow.stream.write(requests.as_bytes()).is_err().then_some(()));
    // Enough that each worker has some.
    let mut idle: Vec<_> = (0..20).map(|_| mimikyu.client()).collect();
    mimikyu.signal("TERM");
    for client in &mut idle {
        assert_eq!(client.rest(), "");
    }
    assert!(mimikyu.is_running(), "the slow reader still has time");
    drop(slow);
    assert_eq!(mimikyu.exit().code(), Some(0));
}

#[test]
fn a_client_that_never_falls_silent_is_let_go_between_two_answers() {
    let mut mimikyu = Mimikyu::start(&["--static", "edge=127.0.0.1:9"]);
    let mut client = mimikyu.client();
    client.send("version\r\n");
    client.expect("VERSION 1.6.22\r\n");
    mimikyu.signal("TERM");
    // Asks again as soon as it is answered, until the connection ends: in order, not by a reset.
    let mut answer = [0; 16];
    loop {
        if client.stream.write_all(b"version\r\n").is_err() {
            break;
        }
        match client.stream.read_exact(&mut answer) {
            Ok(()) => assert_eq!(&answer, b"VERSION 1.6.22\r\n"),
            Err(error) => {
                let ended = [std::io::ErrorKind::UnexpectedEof, std::io::ErrorKind::ConnectionReset];
                assert!(ended.contains(&error.kind()), "{error}");
                break;
            }
        }
    }
    assert_eq!(mimikyu.exit().code(), Some(0));
    assert_eq!(mimikyu.count("unanswered"), 0);
}

#[test]
fn a_signal_before_there_is_a_list_ends_it_too() {
    let upstream = Upstream::start(Behaviour::Hangs);
    let mut mimikyu = Mimikyu::spawn(command(&["--startup-grace", "1h", &upstream.address.to_string()]));
    until("it to ask", || upstream.asked("config get cluster").checked_sub(1));
    mimikyu.signal("TERM");
    assert_eq!(mimikyu.exit().code(), Some(0));
}

#[test]
fn clients_that_are_queued_when_it_stops_are_answered() {
    for _ in 0..5 {
        let mut mimikyu = Mimikyu::start(&["--static", "edge=127.0.0.1:9", "--workers", "2"]);
        mimikyu.signal("STOP");
        let mut clients: Vec<_> = (0..50).map(|_| Client::connect(mimikyu.address)).collect();
        for client in &mut clients {
            client.send("version\r\n");
        }
        mimikyu.signal("TERM");
        mimikyu.signal("CONT");
        for client in &mut clients {
            assert_eq!(client.rest(), "VERSION 1.6.22\r\n");
        }
        assert_eq!(mimikyu.exit().code(), Some(0));
    }
}

#[test]
fn rust_log_and_the_json_format_work() {
    let upstream = Upstream::list(1, "a");
    let mut command = command(&["--log-format", "json", &upstream.address.to_string()]);
    command.env("RUST_LOG", "debug");
    let mut mimikyu = Mimikyu::spawn(command);
    let line = mimikyu.logged("\"ready\"");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(line["listen"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    assert_eq!(line["level"], "INFO");
    let mut quiet = command_with_log("error");
    quiet.signal("TERM");
    let status = quiet.exit();
    assert_eq!(status.code(), Some(0), "{status}");
    assert_eq!(quiet.log.len(), 0, "{:?}", quiet.log);
}

fn command_with_log(level: &str) -> Mimikyu {
    let upstream = Upstream::list(1, "a");
    let mut command = command(&[&upstream.address.to_string()]);
    command.env("RUST_LOG", level);
    let mimikyu = Mimikyu::spawn(command);
    until("it to ask", || upstream.asked("config get cluster").checked_sub(1));
    mimikyu
}

#[test]
fn the_demo_serves_two_clusters_as_one_and_they_change() {
    let mut mimikyu =
        Mimikyu::spawn(Mimikyu::command(&["demo", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]));
    mimikyu.ready();
    assert!(mimikyu.status().ready, "operators are answered at the port that the kernel has chosen");
    let first = mimikyu.until_hosts("alpha-1.demo alpha-2.demo alpha-3.demo beta-1.demo");
    let second = mimikyu.until_hosts("alpha-1.demo alpha-2.demo alpha-3.demo beta-1.demo beta-2.demo");
    assert!(second.version > first.version);
    mimikyu.signal("INT");
    assert_eq!(mimikyu.exit().code(), Some(0));
}
