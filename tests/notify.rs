//! What a service manager hears (systemd's `sd_notify`): the test is the manager.

mod harness;
#[path = "notify/manager.rs"]
mod manager;

use std::fs;
use std::time::{Duration, Instant};

use harness::admin::get;
use harness::{Behaviour, Client, Mimikyu, Upstream};
use manager::{Manager, monotonic_usec, strace_worker};

const EDGE: [&str; 4] = ["--static", "edge=127.0.0.1:9", "--workers", "2"];
const LISTEN: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

fn edge() -> Vec<&'static str> {
    [&LISTEN[..], &EDGE].concat()
}

#[test]
fn ready_is_told_when_there_is_a_list_and_the_door_is_open() {
    let manager = Manager::at_a_path();
    let upstream = Upstream::start(Behaviour::Hangs);
    let alpha = format!("alpha={}", upstream.address);
    let wait = [
        "--upstream",
        &alpha,
        "--startup-grace",
        "10ms",
        "--poll-interval",
        "10ms",
        "--poll-timeout",
        "50ms",
    ];
    let mut mimikyu = Mimikyu::spawn(manager.command(&[&LISTEN[..], &wait].concat()));
    // The grace is over and clients are let in, but there is nothing for them: the start goes on.
    mimikyu.ready();
    manager.until("STATUS=waiting for a list from alpha");
    manager.until("EXTEND_TIMEOUT_USEC=30000000");
    manager.forget();
    manager.until("EXTEND_TIMEOUT_USEC=30000000");
    assert_eq!(manager.count("READY=1"), 0);
    upstream.set_list(5, "a b");
    let message = manager.until("READY=1");
    assert_eq!(message, "READY=1\nSTATUS=serving version 1000005, nodes: 2\n");
    assert_eq!(mimikyu.list().hosts(), "a b");
    upstream.set_list(6, "a b c");
    manager.until("STATUS=serving version 1000006, nodes: 3");
    mimikyu.signal("TERM");
    assert_eq!(manager.until("STOPPING=1"), "STOPPING=1\nSTATUS=answering what was asked\n");
    assert!(mimikyu.exit().success());
    assert_eq!((manager.count("READY=1"), manager.count("STOPPING=1")), (1, 1));
}

#[test]
fn who_is_told_ready_can_connect_at_an_abstract_address_too() {
    let manager = Manager::at_an_abstract_name();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listen = port.to_string();
    let command = manager.command(&[&["serve", "--listen", &listen][..], &EDGE].concat());
    let _mimikyu = Mimikyu::spawn(command);
    manager.until("READY=1");
    let mut client = Client::connect(port);
    client.send("config get cluster\r\n");
    assert!(client.answer().starts_with("CONFIG"));
}

#[test]
fn a_reload_is_told_with_its_time_and_its_end_also_when_it_is_refused() {
    let manager = Manager::at_a_path();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mimikyu.toml");
    let good = "[[source]]\nname = \"edge\"\nstatic = [\"127.0.0.1:9\"]\n";
    fs::write(&file, good).unwrap();
    let arguments = [&LISTEN[..], &["--config", file.to_str().unwrap()]].concat();
    let mimikyu = Mimikyu::spawn(manager.command(&arguments));
    manager.until("READY=1");
    let two = good.replace("9\"", "9\", \"127.0.0.1:10\"");
    for (text, status) in
        [(two.as_str(), "nodes: 2\n"), ("nonsense", "; the last reload was refused: "), (good, "nodes: 1\n")]
    {
        manager.forget();
        fs::write(&file, text).unwrap();
        let before = monotonic_usec();
        mimikyu.signal("HUP");
        let begun = manager.until("RELOADING=1");
        let ended = manager.until("READY=1");
        let time = begun.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
        let time: u128 = time.parse().unwrap();
        assert!((before..=monotonic_usec()).contains(&time), "{before} {begun}");
        assert!(ended.contains("STATUS=serving version "), "{ended}");
        // A list that follows from other sources is published after the reload, and is a status of its own.
        manager.until(status);
        assert_eq!(manager.count("RELOADING=1"), 1);
    }
}

#[test]
fn a_wish_for_a_reload_without_a_file_is_answered() {
    let manager = Manager::at_a_path();
    let mimikyu = Mimikyu::spawn(manager.command(&edge()));
    manager.until("READY=1");
    manager.forget();
    mimikyu.signal("HUP");
    manager.until("RELOADING=1");
    assert!(
        manager.until("READY=1").contains("; the last reload was refused: there is no configuration file")
    );
}

#[test]
fn a_manager_that_does_not_read_or_is_gone_holds_up_nothing() {
    for is_gone in [false, true] {
        let mut manager = Manager::at_a_path();
        if is_gone {
            manager.leave();
        } else {
            manager.fill();
        }
        let started = Instant::now();
        let mut mimikyu = Mimikyu::spawn(manager.command(&edge()));
        mimikyu.ready();
        assert_eq!(mimikyu.list().hosts(), "127.0.0.1");
        mimikyu.signal("HUP");
        mimikyu.logged("WARN SIGHUP");
        if !is_gone {
            // What it missed comes as soon as it reads.
            manager.until("READY=1");
            manager.until("RELOADING=1");
        }
        mimikyu.signal("TERM");
        assert!(mimikyu.exit().success());
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn the_watchdog_is_told_twice_in_its_time_and_only_where_it_is_ours() {
    let manager = Manager::at_a_path();
    let watched = |usec: &str, owner: &str| {
        // The shell has the number that its successor keeps.
        let mimikyu = manager.command(&edge());
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &format!("WATCHDOG_PID={owner} exec \"$0\" \"$@\"")]);
        command.arg(mimikyu.get_program()).args(mimikyu.get_args());
        command.envs(mimikyu.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("WATCHDOG_USEC", usec);
        Mimikyu::spawn(command)
    };
    let mimikyu = watched("400000", "$$");
    manager.until("READY=1");
    let started = Instant::now();
    manager.forget();
    let told = [(); 5].map(|()| {
        manager.next("WATCHDOG=1");
        Instant::now()
    });
    assert!(told[4] - started >= Duration::from_millis(700), "{told:?}");
    // On a busy machine some come late; the shortest time is what was meant.
    let shortest = told.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap();
    assert!(shortest < Duration::from_millis(300), "{told:?}");
    drop(mimikyu);
    for (usec, owner) in [("400000", "1"), ("0", "$$"), ("much", "$$")] {
        manager.forget();
        let mut mimikyu = watched(usec, owner);
        manager.until("READY=1");
        mimikyu.signal("TERM");
        assert!(mimikyu.exit().success());
        assert_eq!(manager.count("WATCHDOG=1"), 0, "{usec} {owner}");
    }
}

#[test]
fn a_worker_that_is_stuck_silences_the_watchdog_and_is_told_to_probes() {
    let manager = Manager::at_a_path();
    let mut command = manager.command(&edge());
    command.env("WATCHDOG_USEC", "200000").env("MIMIKYU_ADMIN", "127.0.0.1:0");
    let mut mimikyu = Mimikyu::spawn(command);
    mimikyu.ready();
    manager.until("WATCHDOG=1");
    let admin = mimikyu.admin();
    assert_eq!(get(admin, "/live").status, 200);
    // Its next system call takes a minute; the other threads go on.
    let tracer = strace_worker(mimikyu.id(), "worker-1");
    manager.until_silent("WATCHDOG=1", Duration::from_secs(1));
    mimikyu.signal("HUP");
    manager.until("RELOADING=1");
    assert_eq!(manager.count("WATCHDOG=1"), 0, "the control thread lives, and tells nothing of the sort");
    assert_eq!(get(admin, "/live").status, 503);
    assert_eq!(get(admin, "/ready").status, 200, "the other workers serve");
    drop(tracer);
    manager.until("WATCHDOG=1");
    assert_eq!(get(admin, "/live").status, 200);
}

#[test]
fn the_process_starts_no_other_that_could_be_heard_in_its_name() {
    fn search(directory: &std::path::Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                search(&path, found);
            } else if !path.ends_with("tests.rs")
                && fs::read_to_string(&path).unwrap().contains("process::Command")
            {
                found.push(path.display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    search(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert_eq!(found, [""; 0], "NOTIFY_SOCKET is to be taken from a process that they start");
}
