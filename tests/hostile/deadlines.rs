//! Clients that take their time: over a request, or over reading.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::control::{Control, Ways};
use super::harness::process::field;
use super::harness::{Behaviour, Mimikyu, Upstream, raise_descriptor_limit, until};
use super::traces::Traces;
use super::{scaled, start, stat};

/// Whether the other side has closed; what it sent is thrown away.
fn is_closed(mut stream: &TcpStream) -> bool {
    match stream.read(&mut [0; 1024]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

/// A byte a second each, of a line that has no end. The usual run's seconds are shorter, and so is its time-out.
#[test]
fn slow_loris() {
    raise_descriptor_limit();
    let clients = scaled(1000, 10_000);
    let second = Duration::from_millis(scaled(100, 1000) as u64);
    let timeout = Duration::from_secs(scaled(1, 10) as u64);
    let mimikyu = start(&["--request-timeout", &format!("{}s", timeout.as_secs())]);
    let before = Traces::before(&mimikyu);
    let control = Control::start(&mimikyu, Ways::KeptAndNew);
    let connect = |_| {
        let stream = mimikyu.client().stream;
        stream.set_nonblocking(true).expect("a socket");
        stream
    };
    let mut streams: Vec<_> = (0..clients).map(connect).collect();
    let begun = Instant::now();
    let mut next = begun;
    let mut first_closed = None;
    until("all of them to be closed, though they go on", || {
        while !streams.is_empty() {
            streams.retain_mut(|stream| {
                let gone = is_closed(stream) || stream.write(b"g").is_err();
                if gone {
                    first_closed.get_or_insert_with(Instant::now);
                }
                !gone
            });
            next += second;
            if Instant::now() > begun + timeout * 3 {
                return None;
            }
            std::thread::park_timeout(next.saturating_duration_since(Instant::now()));
        }
        Some(())
    });
    let first = first_closed.expect("one was closed").duration_since(begun);
    assert!(first >= timeout, "the first after {first:?}");
    assert_eq!(stat(&mimikyu, "request_timeouts"), clients);
    let what = format!("slow-loris, a byte a second | {clients} connections, closed after {timeout:?}");
    before.are_gone(&mimikyu, &what, control);
}

/// They ask, and read nothing. `idle_timeout` is what ends them.
#[test]
fn readers_that_never_read() {
    let clients = scaled(50, 300);
    let nodes: Vec<_> = (1..=60).map(|number| format!("127.0.0.{number}:9")).collect();
    let nodes = format!("many={}", nodes.join(","));
    let mut mimikyu = start(&["--idle-timeout", "5s", "--static", &nodes]);
    let before = Traces::before(&mimikyu);
    let control = Control::start(&mimikyu, Ways::KeptAndNew);
    // The answers are 1.4 KB each: 14 MB, which is more than the kernel keeps for a client.
    let requests = "config get cluster\r\n".repeat(10_000);
    let ask = |_| {
        let mut stream = mimikyu.client().stream;
        stream.set_nonblocking(true).expect("a socket");
        // As much of it as the kernel takes.
        assert!(stream.write(requests.as_bytes()).expect("it takes some") > 0);
        stream
    };
    let streams: Vec<_> = (0..clients).map(ask).collect();
    control.is_answered(20);
    until("the idle time to be over for all", || (stat(&mimikyu, "idle_kicks") == clients).then_some(()));
    drop(streams);
    let what = format!("readers that never read | {clients} connections, 14 MB of answers asked by each");
    before.are_gone(&mimikyu, &what, control);
    mimikyu.signal("TERM");
    assert!(mimikyu.exit().success());
    let pauses: usize = field(&mimikyu.logged("INFO stopped"), "pauses").parse().expect("a count");
    assert!(pauses >= clients, "{pauses} pauses");
}

/// Only those are late whose request is; the silent, the busy, and those that wait for us are not.
#[test]
fn an_unfinished_request_is_late_and_nothing_else_is() {
    let upstream = Upstream::list(1, "a");
    let address = upstream.address.to_string();
    let arguments = ["--request-timeout", "1s", "--poll-timeout", "3s", "--poll-interval", "1h", &address];
    let mut mimikyu = Mimikyu::start(&arguments);
    upstream.set(Behaviour::Hangs);
    let [mut silent, mut asking, mut text, mut packet, mut busy] = std::array::from_fn(|_| mimikyu.client());
    asking.send("stats\r\nversion\r\nconfig g");
    text.send("version\r\nconfig get clust");
    text.expect("VERSION 1.6.22\r\n");
    packet.send([0x80, 0x0b, 0, 0]);
    busy.send("vers");
    let begun = Instant::now();
    until("the late ones to be closed", || {
        // Each of these ends a request and begins another.
        busy.send("ion\r\nvers");
        (text.is_closed() && packet.is_closed()).then_some(())
    });
    assert!(begun.elapsed() >= Duration::from_secs(1));
    busy.send("ion\r\n");
    assert!(!busy.is_closed() && !silent.is_closed() && !asking.is_closed());
    silent.send("version\r\n");
    silent.expect("VERSION 1.6.22\r\n");
    // Nobody answers `stats`, and it says so; what was behind it is not late for that.
    assert_eq!(asking.rest(), "SERVER_ERROR mimikyu has no upstream that answers stats\r\n");
    mimikyu.signal("TERM");
    assert!(mimikyu.exit().success());
    assert!(mimikyu.logged("INFO stopped").contains(" late_closed=2 "));
}

/// A daemon that holds silent clients sleeps, and does not look through them.
#[test]
fn silent_clients_wake_nobody() {
    let mimikyu = start(&["--workers", "1"]);
    let mut clients: Vec<_> = (0..100).map(|_| mimikyu.client()).collect();
    for client in &mut clients {
        client.send("ver");
        client.send("sion\r\n");
        client.expect("VERSION 1.6.22\r\n");
    }
    let second = || {
        // One that looks every half a second is the clock.
        let clock = start(&["--workers", "1", "--idle-timeout", "1s"]);
        clock.client().until_closed();
    };
    second();
    let before = wakes(&mimikyu);
    second();
    assert_eq!(wakes(&mimikyu), before);
    clients[0].send("ver");
    second();
    assert!(wakes(&mimikyu) > before, "it looks while a request is unfinished");
}

/// How often the worker of a daemon that has one was woken.
fn wakes(mimikyu: &Mimikyu) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", mimikyu.id())).expect("it runs");
    let statuses =
        tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("status")).ok());
    let worker =
        statuses.into_iter().find(|status| status.starts_with("Name:\tworker-0\n")).expect("a worker");
    let line = worker.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.and_then(|value| value.trim().parse().ok()).expect("a number")
}
