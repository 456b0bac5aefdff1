//! Log lines where systemd's journal reads them.

mod harness;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use harness::{Mimikyu, until};

/// A journal's stream: what the process writes is read at the other end.
struct Journal {
    lines: BufReader<UnixStream>,
    child: Child,
}

impl Journal {
    /// Starts it with a socket as its standard error, and with what systemd sets; `is_named` is whether that names
    /// the socket.
    fn start(arguments: &[&str], is_named: bool) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(harness::PATIENCE)).unwrap();
        let theirs = std::os::fd::OwnedFd::from(theirs);
        let file = std::fs::File::from(theirs.try_clone().unwrap()).metadata().unwrap();
        let stream = format!("{}:{}", file.dev(), file.ino() + u64::from(!is_named));
        let mut command: Command = Mimikyu::command(arguments);
        command.env("JOURNAL_STREAM", stream).env_remove("NO_COLOR");
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::from(theirs));
        let child = command.spawn().unwrap();
        Self { lines: BufReader::new(ours), child }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SERVE: [&str; 7] =
    ["serve", "--listen", "127.0.0.1:0", "--static", "edge=127.0.0.1:9", "--startup-grace", "10s"];

#[test]
fn the_journal_gets_priorities_and_neither_time_nor_colour() {
    let mut journal = Journal::start(&SERVE, true);
    let ready = loop {
        let line = journal.line();
        assert!(line.starts_with("<6>") || line.starts_with("<4>"), "{line:?}");
        assert!(!line.contains('\u{1b}'), "{line:?}");
        if line.starts_with("<6>ready ") {
            break line;
        }
    };
    assert!(ready.contains(" listen=127.0.0.1:"), "{ready}");
    let id = journal.child.id().to_string();
    assert!(Command::new("kill").args(["-s", "HUP", &id]).status().unwrap().success());
    let warning = until("a warning", || Some(journal.line()).filter(|line| line.starts_with("<4>")));
    assert!(warning.starts_with("<4>SIGHUP: there is no configuration file"), "{warning}");
}

#[test]
fn who_redirects_standard_error_and_who_wants_json_get_what_they_always_get() {
    let mut other = Journal::start(&SERVE, false);
    let line = other.line();
    assert!(line.starts_with("20") && line.contains("Z "), "{line:?}");
    let mut json = Journal::start(&[&SERVE[..], &["--log-format", "json"]].concat(), true);
    assert!(json.line().starts_with("{\"timestamp\""));
}

#[test]
fn the_last_line_of_a_failure_is_an_error() {
    let mut journal = Journal::start(&["serve", "--workers", "none"], true);
    let mut text = String::new();
    journal.lines.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("<3>mimikyu: "), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}
