//! No descriptors are left for new clients, and then some are.

use std::io::{ErrorKind, Read, Write};
use std::process::Command;

use super::control::{Control, Ways};
use super::harness::{Client, Mimikyu};
use super::traces::Traces;
use super::{FULL, scaled};

/// More come at once than there are descriptors. Those who are in are served, those who are too many are told so, and
/// those who can't be accepted wait until some have left.
#[test]
fn descriptors_run_out_and_come_back() {
    let mut command = Command::new("sh");
    let script = "ulimit -n 64; exec \"$0\" serve --listen 127.0.0.1:0 --static edge=127.0.0.1:9 --workers 1";
    command
        .args(["-c", script, env!("CARGO_BIN_EXE_mimikyu")])
        .env("NO_COLOR", "1")
        .env("MIMIKYU_ADMIN", "none");
    let mut mimikyu = Mimikyu::spawn(command);
    mimikyu.ready();
    let before = Traces::before(&mimikyu);
    let control = Control::start(&mimikyu, Ways::Kept);
    let (rounds, clients) = (scaled(5, 100), 200);
    let mut served = 0;
    for _ in 0..rounds {
        // When it goes on it finds them all, and the kernel accepts as many as it can before it looks at any.
        mimikyu.signal("STOP");
        let crowd: Vec<_> = (0..clients).map(|_| mimikyu.client()).collect();
        mimikyu.signal("CONT");
        served += crowd.into_iter().filter_map(|client| is_served(client).then_some(())).count();
        control.is_answered(5);
    }
    assert!(served >= rounds * 20, "{served} served");
    mimikyu.logged("WARN new clients wait");
    let what = format!(
        "`ulimit -n 64` | {clients} connections at once, {rounds} times, {served} served, the others told so"
    );
    before.are_gone(&mimikyu, &what, control);
    // Once a minute, however often it happens.
    let warnings = mimikyu.count("WARN new clients wait");
    assert!((1..=scaled(2, 10)).contains(&warnings), "{warnings} warnings");
}

/// Whether a client is served; else it is told that there are too many, or is closed where too many are being told.
fn is_served(mut client: Client) -> bool {
    let mut answer = String::new();
    // What it says may come after its refusal, and a reset is as good a one.
    let _ = client.stream.write_all(b"version\r\nquit\r\n");
    match client.stream.read_to_string(&mut answer) {
        Ok(_) => assert!(["VERSION 1.6.22\r\n", FULL, ""].contains(&&*answer), "{answer:?}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    answer == "VERSION 1.6.22\r\n"
}
