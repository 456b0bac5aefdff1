//! The workers' rings: the same bytes whatever the kernel can do, and few system calls.
//!
//! System calls are exact where times are noise. To see a batch of a known size, the process is stopped while its
//! clients ask: when it goes on, it finds all they said at once.

mod harness;
#[path = "ring/storm.rs"]
mod storm;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::Command;

use harness::process::field;
use harness::{Client, Mimikyu, until};

const ONE_WORKER: [&str; 4] = ["--static", "edge=127.0.0.1:9", "--workers", "1"];
const ASK: &str = "config get cluster\r\n";

fn start(arguments: &[&str]) -> Mimikyu {
    Mimikyu::start(&[&ONE_WORKER[..], arguments].concat())
}

/// What its last line says it has done.
fn totals(mut mimikyu: Mimikyu) -> impl Fn(&str) -> u64 {
    mimikyu.signal("TERM");
    assert!(mimikyu.exit().success());
    let line = mimikyu.logged("INFO stopped");
    move |name| field(&line, name).parse().expect("a count")
}

/// Stops it, has `ask` be said, lets it go on.
fn at_once(mimikyu: &Mimikyu, ask: impl FnOnce()) {
    mimikyu.signal("STOP");
    let states = || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", mimikyu.id())).expect("it runs");
        let stat = |path: std::path::PathBuf| std::fs::read_to_string(path.join("stat")).unwrap_or_default();
        tasks.flatten().all(|task| stat(task.path()).contains(") T ")).then_some(())
    };
    until("every thread to stop", states);
    ask();
    mimikyu.signal("CONT");
}

/// What a client may meet: pieces, pipelines, readers slower than the replies, and every way to leave.
fn is_served_in_every_way(mimikyu: &Mimikyu) {
    let list = mimikyu.ask(ASK);
    assert!(list.starts_with("CONFIG cluster 0 "));

    let mut pieces = mimikyu.client();
    for byte in ASK.bytes().chain(ASK.bytes()) {
        pieces.send([byte]);
    }
    pieces.expect(&list.repeat(2));

    let mut unlike = mimikyu.client();
    unlike.send(format!("version\r\n{ASK}config get x\r\n{ASK}{ASK}version\r\n").repeat(50));
    let once = format!("VERSION 1.6.22\r\n{list}END\r\n{list}{list}VERSION 1.6.22\r\n");
    unlike.expect(&once.repeat(50));
    unlike.send(format!("version\r\n{ASK}quit\r\n{ASK}"));
    assert_eq!(unlike.rest(), format!("VERSION 1.6.22\r\n{list}"));

    // More than the sockets hold, so that sends fall short: it reads only once it can't write any more.
    let requests = 20_000;
    let mut slow = mimikyu.client();
    let mut writer = slow.stream.try_clone().expect("a descriptor");
    let asking = std::thread::spawn(move || writer.write_all(ASK.repeat(requests).as_bytes()));
    let expected = list.repeat(1000);
    for _ in 0..requests / 1000 {
        slow.expect(&expected);
    }
    asking.join().expect("no panic").expect("it takes everything");
    slow.finish();
    assert_eq!(slow.rest(), "");

    // Asked and half-closed in one batch; and gone without a word while it is owed much.
    let mut finished = mimikyu.client();
    at_once(mimikyu, || {
        finished.send(ASK);
        finished.finish();
    });
    assert_eq!(finished.rest(), list);
    let mut gone = mimikyu.client();
    at_once(mimikyu, || {
        gone.send(ASK.repeat(5000));
        drop(gone);
    });
    assert_eq!(mimikyu.ask(ASK), list);
}

#[test]
fn clients_get_the_same_bytes_whatever_the_ring_can_do() {
    let least = "multishot_recv,inline_send,defer_taskrun,coop_taskrun";
    for without in ["", "multishot_recv", "inline_send", "defer_taskrun", "multishot_recv,inline_send", least]
    {
        let nodes = (1..=60).map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(",");
        let nodes = format!("edge={nodes}");
        let mut arguments = vec!["--workers", "1", "--static", &nodes];
        if !without.is_empty() {
            arguments.extend(["--ring-without", without]);
        }
        let mut mimikyu = Mimikyu::start(&arguments);
        let ring = field(&mimikyu.logged("ready"), "ring").to_owned();
        assert!(without.split(',').all(|name| name.is_empty() || !ring.contains(name)), "{ring}");
        let before = mimikyu.descriptors();
        is_served_in_every_way(&mimikyu);
        until("the descriptors to be given back", || (mimikyu.descriptors() == before).then_some(()));
        let total = totals(mimikyu);
        assert!(total("requests") >= 20_300, "without {without:?}");
        assert!(total("pauses") > 0, "the slow reader was waited for, without {without:?}");
    }
}

#[test]
fn one_connection_costs_one_system_call_a_request() {
    let mimikyu = start(&[]);
    let mut client = mimikyu.client();
    let list = mimikyu.ask(ASK);
    for _ in 0..2000 {
        client.send(ASK);
        client.expect(&list);
    }
    drop(client);
    let total = totals(mimikyu);
    let (enters, requests) = (total("enters"), total("requests"));
    assert_eq!(requests, 2001);
    assert!(enters * 10 <= requests * 11, "{enters} system calls for {requests} requests");
}

#[test]
fn a_batch_costs_few_system_calls_however_many_ask() {
    for (depth, rounds, most_in_thousand) in [(1, 50, 100), (16, 50, 10)] {
        let mimikyu = start(&[]);
        let list = mimikyu.ask(ASK);
        let (ask, expected) = (ASK.repeat(depth), list.repeat(depth));
        let mut clients: Vec<_> = (0..64).map(|_| mimikyu.client()).collect();
        for _ in 0..rounds {
            at_once(&mimikyu, || clients.iter_mut().for_each(|client| client.send(&ask)));
            clients.iter_mut().for_each(|client| client.expect(&expected));
        }
        drop(clients);
        let total = totals(mimikyu);
        let (enters, requests) = (total("enters"), total("requests"));
        assert_eq!(requests, 1 + 64 * rounds * depth as u64);
        let bound = requests * most_in_thousand / 1000;
        assert!(enters <= bound, "{enters} system calls for {requests} requests, {depth} deep");
    }
}

#[test]
fn clients_that_come_ask_and_leave_cost_few_system_calls() {
    let mimikyu = start(&[]);
    let list = mimikyu.ask(ASK);
    let rounds = 20;
    for _ in 0..rounds {
        let mut clients = Vec::new();
        at_once(&mimikyu, || {
            clients.extend((0..64).map(|_| mimikyu.client()));
            clients.iter_mut().for_each(|client| client.send(ASK));
        });
        clients.iter_mut().for_each(|client| client.expect(&list));
    }
    let total = totals(mimikyu);
    let (enters, exchanges) = (total("enters"), total("accepted"));
    assert_eq!(exchanges, 1 + 64 * rounds);
    assert!(enters * 10 <= exchanges * 6, "{enters} system calls for {exchanges} clients");
}

/// The count is the daemon's own, so another witness is heard: once, on the path where it matters most.
#[test]
fn strace_sees_no_other_system_calls() {
    let directory = tempfile::tempdir().expect("a directory");
    let trace = directory.path().join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-o"]).arg(&trace).arg(env!("CARGO_BIN_EXE_mimikyu"));
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(ONE_WORKER)
        .env("NO_COLOR", "1")
        .env("MIMIKYU_ADMIN", "none");
    let mut mimikyu = Mimikyu::spawn(command);
    mimikyu.ready();
    let mut client = mimikyu.client();
    client.send(ASK);
    let list = client.answer();
    for _ in 0..500 {
        client.send(ASK);
        client.expect(&list);
    }
    drop(client);
    // To the traced process: strace itself is ended by its end.
    let traced =
        std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", mimikyu.id())).expect("it runs");
    assert!(Command::new("kill").args(["-s", "TERM", traced.trim()]).status().expect("kill").success());
    mimikyu.exit();
    let counted: u64 = field(&mimikyu.logged("INFO stopped"), "enters").parse().expect("a count");

    let trace = std::fs::read_to_string(&trace).expect("what strace wrote");
    // Each line begins with the thread; the worker is the one that submits into a ring and accepts nobody else.
    let mut threads: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for line in trace.lines().filter(|line| !line.contains(" resumed>")) {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let Some((name, _)) = call.trim_start().split_once('(') else { continue };
        *threads.entry(thread).or_default().entry(name).or_default() += 1;
    }
    let enters = |calls: &BTreeMap<&str, u64>| calls.get("io_uring_enter").copied().unwrap_or_default();
    let worker = threads.values().max_by_key(|calls| enters(calls)).expect("a worker");
    let all: u64 = worker.values().sum();
    assert!(enters(worker) >= 501);
    assert!(enters(worker).abs_diff(counted) <= 4, "it counted {counted}: {worker:?}");
    // Whose connection it is was asked once, with its first list.
    assert_eq!(worker.get("getpeername"), Some(&1), "{worker:?}");
    // Its start and its end are some dozens of calls, once.
    assert!(all <= 501 * 11 / 10 + 100, "{worker:?}");
    assert!(
        !["futex", "read", "write", "recvfrom", "sendto"]
            .iter()
            .any(|name| worker.get(name).is_some_and(|count| *count > 20)),
        "{worker:?}"
    );
}

/// Nobody gets more than a bounded share of a batch: the one that pipelines without end is answered some, then
/// the others, then it again.
#[test]
fn a_client_that_asks_without_end_leaves_the_others_their_turn() {
    let mimikyu = start(&[]);
    let list = mimikyu.ask(ASK);
    let requests = 50_000;
    let mut greedy = mimikyu.client();
    let mut writer = greedy.stream.try_clone().expect("a descriptor");
    let asking = std::thread::spawn(move || writer.write_all(ASK.repeat(requests).as_bytes()));
    let length = list.len() * requests;
    let reading = std::thread::spawn(move || {
        let mut bytes = vec![0; length];
        greedy.stream.read_exact(&mut bytes).map(|()| bytes)
    });
    let mut modest = mimikyu.client();
    for _ in 0..100 {
        modest.send(ASK);
        modest.expect(&list);
    }
    asking.join().expect("no panic").expect("it takes everything");
    assert!(reading.join().expect("no panic").expect("every answer") == list.repeat(requests).into_bytes());
    let total = totals(mimikyu);
    // One batch answers what is owed at most, 256 KiB, and what had come in with it.
    let share = (256 * 1024 + 64 * 1024 / ASK.len() * list.len()) / list.len();
    let (enters, requests) = (total("enters"), total("requests"));
    assert!(requests <= enters * share as u64, "{requests} requests in {enters} batches");
}

#[test]
fn a_storm_of_clients_is_let_in_without_holding_up_the_others() {
    harness::raise_descriptor_limit();
    for workers in ["1", "2"] {
        let mimikyu = Mimikyu::start(&[&ONE_WORKER[..2], &["--workers", workers]].concat());
        let list = mimikyu.ask(ASK);
        let mut here: Vec<Client> = (0..10).map(|_| mimikyu.client()).collect();
        let mut coming = Vec::new();
        at_once(&mimikyu, || {
            coming.extend((0..3000).map(|_| mimikyu.client()));
            here.iter_mut().for_each(|client| client.send(ASK));
        });
        // Those that were there first are answered whatever becomes of the storm, which asks only now.
        here.iter_mut().for_each(|client| client.expect(&list));
        // Each is some worker's: one that took none in would leave its share unanswered.
        coming.iter_mut().for_each(|client| client.send(ASK));
        coming.iter_mut().for_each(|client| client.expect(&list));
        here.iter_mut().for_each(|client| client.send(ASK));
        here.iter_mut().for_each(|client| client.expect(&list));
        drop((here, coming));
        assert_eq!(totals(mimikyu)("accepted"), 3011);
    }
}
