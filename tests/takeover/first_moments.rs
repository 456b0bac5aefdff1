//! Signals to a process that has only just started: one that waits for a daemon that says nothing, or for its
//! configuration.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Instant;

use super::*;

/// A process in its first moments, and the connection on which it waits.
fn starting(place: &Place, arguments: &[&str]) -> (Mimikyu, UnixListener, UnixStream) {
    let door = UnixListener::bind(&place.path).unwrap();
    let takeover = ["serve", "--listen", "127.0.0.1:0", "--takeover", place.path.to_str().unwrap()];
    let mimikyu = Mimikyu::spawn(Mimikyu::command(&[&takeover, arguments].concat()));
    door.set_nonblocking(true).unwrap();
    let (asking, _) = until("it to ask", || door.accept().ok());
    asking.set_nonblocking(false).unwrap();
    let mut hello = String::new();
    BufReader::new(&asking).read_line(&mut hello).unwrap();
    (mimikyu, door, asking)
}

#[test]
fn a_hangup_in_the_first_moments_has_the_file_read_again_once_it_serves() {
    let place = Place::new();
    let file = place.directory.path().join("mimikyu.toml");
    fs::write(&file, "[[source]]\nname = \"s\"\nstatic = [\"n1:1\"]\n").unwrap();
    let (mut mimikyu, door, asking) = starting(&place, &["--config", file.to_str().unwrap()]);
    mimikyu.signal("HUP");
    mimikyu.signal("HUP");
    fs::write(&file, "[[source]]\nname = \"s\"\nstatic = [\"n2:1\"]\n").unwrap();
    // The other daemon is gone.
    fs::remove_file(&place.path).unwrap();
    drop((door, asking));
    mimikyu.ready();
    mimikyu.logged("INFO configuration reloaded");
    mimikyu.until_hosts("n2");
}

#[test]
fn a_hangup_in_the_first_moments_without_a_file_is_said_to_do_nothing() {
    let place = Place::new();
    let (mut mimikyu, door, asking) = starting(&place, &["--static", "s=n1:1"]);
    mimikyu.signal("HUP");
    fs::remove_file(&place.path).unwrap();
    drop((door, asking));
    mimikyu.ready();
    mimikyu.logged("WARN SIGHUP: no configuration file to read again");
    assert_eq!(mimikyu.list().hosts(), "n1");
}

#[test]
fn a_signal_in_the_first_moments_ends_it_at_once_with_one_line() {
    for signal in ["TERM", "INT"] {
        let place = Place::new();
        let (mut mimikyu, _door, _asking) = starting(&place, &["--static", "s=n1:1"]);
        let told = Instant::now();
        mimikyu.signal(signal);
        assert_eq!(mimikyu.exit().code(), Some(0));
        // The daemon that says nothing would be waited for for ten seconds.
        assert!(told.elapsed() < Duration::from_secs(8), "{:?}", told.elapsed());
        assert_eq!(mimikyu.log.len(), 1, "{:?}", mimikyu.log);
        mimikyu.logged(&format!("INFO stopping before anything was served SIG{signal}"));
        assert!(place.is_tidy());
    }
}

#[test]
fn a_signal_while_the_configuration_is_waited_for_ends_it_at_once_with_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("mimikyu.toml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut mimikyu = Mimikyu::spawn(Mimikyu::command(&["serve", "--config", pipe.to_str().unwrap()]));
    // It can be opened for writing once somebody reads.
    let opened = || OpenOptions::new().write(true).custom_flags(0o4000).open(&pipe).ok();
    let _writer = until("it to read", opened);
    mimikyu.signal("HUP");
    mimikyu.signal("TERM");
    assert_eq!(mimikyu.exit().code(), Some(0));
    assert_eq!(mimikyu.log, ["mimikyu: SIGTERM: stopping before anything was served"]);
}

#[test]
fn who_has_nothing_to_read_again_is_ended_by_a_hangup() {
    // Where we were started so that nobody is (nohup), nobody is.
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).unwrap();
    if u64::from_str_radix(ignored, 16).unwrap() & 1 == 1 {
        return eprintln!("not run: SIGHUP is ignored here");
    }
    let mut demo = Mimikyu::spawn(Mimikyu::command(&["demo", "--listen", "127.0.0.1:0"]));
    demo.ready();
    demo.signal("HUP");
    assert_eq!(demo.exit().signal(), Some(1));
}
