//! What a start waits for is said: in the log once, and on a terminal until it is over.

mod harness;

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use harness::{Behaviour, Mimikyu, PATIENCE, Upstream, until};

#[test]
fn in_a_pipe_the_log_says_it_once_and_nothing_else_is_written() {
    let (alpha, beta) = (Upstream::start(Behaviour::Hangs), Upstream::list(1, "b"));
    let (first, second) = (format!("alpha={}", alpha.address), format!("beta={}", beta.address));
    let mut mimikyu = Mimikyu::spawn(Mimikyu::command(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--poll-interval",
        "50ms",
        "--upstream",
        &first,
        "--upstream",
        &second,
    ]));
    let line = mimikyu.logged("no client is let in before the first answers");
    assert!(line.contains("waits_for=\"alpha,beta\" grace_ms=10000"), "{line}");
    mimikyu.logged("source answers beta");
    alpha.set_list(1, "a");
    mimikyu.ready();
    assert_eq!(mimikyu.count("waits_for"), 1);
    assert!(!mimikyu.log.iter().any(|line| line.contains('\x1b') || line.contains("waiting for")));
}

#[test]
fn on_a_terminal_a_line_names_who_is_waited_for_and_goes_away() {
    let (alpha, beta) = (Upstream::start(Behaviour::Hangs), Upstream::list(1, "b"));
    let line = format!(
        "exec {} serve --listen 127.0.0.1:0 --poll-interval 50ms --poll-timeout 200ms --upstream alpha={} --upstream beta={}",
        env!("CARGO_BIN_EXE_mimikyu"),
        alpha.address,
        beta.address
    );
    let mut script = Command::new("script")
        .args(["-qefc", &line, "/dev/null"])
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script, of util-linux");
    let mut output = script.stdout.take().expect("piped");
    let (sender, pieces) = channel();
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = output.read(&mut piece) {
            let _ = sender.send(String::from_utf8_lossy(&piece[..length]).into_owned());
        }
    });
    let mut seen = String::new();
    let mut shows = |words: &str| {
        until(words, || {
            seen.extend(pieces.recv_timeout(Duration::from_millis(5)));
            seen.contains(words).then_some(())
        });
        seen.clone()
    };
    shows("waiting for alpha (");
    alpha.set_list(1, "a");
    let all = shows(" ready ");
    // It is cleared for good before clients come, and no log line has it in front.
    let last = all.rsplit("waiting for").next().unwrap();
    assert!(last.contains("\r\x1b[K"), "{all:?}");
    for line in all.split(['\r', '\n']).filter(|line| line.contains("INFO")) {
        assert!(line.starts_with("\x1b[K20"), "{line:?}");
    }
    // The shell that script starts has made way for it.
    let children = format!("/proc/{0}/task/{0}/children", script.id());
    let children = std::fs::read_to_string(children).expect("Linux");
    let child = children.split_whitespace().next().expect("it runs");
    assert!(Command::new("kill").args(["-s", "TERM", child]).status().expect("kill").success());
    let status = until("its end", || script.try_wait().expect("our child"));
    assert!(status.success(), "within {PATIENCE:?}: {status}");
}
