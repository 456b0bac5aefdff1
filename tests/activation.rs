//! Sockets that a service manager passes (systemd's socket activation).

mod harness;

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use harness::process::{run, run_with};
use harness::{Client, Mimikyu, Reply, until};

const EDGE: [&str; 3] = ["serve", "--static", "s=127.0.0.1:9"];

/// The binary behind a shell that does what systemd does: descriptor 0 becomes number 3, and the process is named.
fn passed(prelude: &str, arguments: &[&str]) -> Command {
    let binary = Mimikyu::command(&[&EDGE[..], arguments].concat());
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec 3<&0 </dev/null; {prelude} exec \"$0\" \"$@\"")]);
    command.arg(binary.get_program()).args(binary.get_args());
    for (name, value) in binary.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

const OURS: &str = "export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=mimikyu;";

#[test]
fn clients_that_came_before_the_start_are_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut clients: Vec<_> = (0..8).map(|_| Client::connect(address)).collect();
    for client in &mut clients {
        client.send("config get cluster\r\n");
    }
    let command = passed(OURS, &["--workers", "2"]);
    let stdin = Stdio::from(OwnedFd::from(listener.try_clone().unwrap()));
    let mut mimikyu = Mimikyu::spawn_with(command, stdin);
    for client in &mut clients {
        assert_eq!(Reply::read(&client.answer()).hosts(), "127.0.0.1");
    }
    mimikyu.ready();
    assert_eq!(mimikyu.address, address, "without listen in the configuration, what was passed is it");
    mimikyu.signal("TERM");
    assert!(mimikyu.exit().success());
    // The service manager keeps the socket: who comes now waits for the next start.
    let mut client = Client::connect(address);
    client.send("config get cluster\r\n");
    let _next = Mimikyu::spawn_with(
        passed(OURS, &["--listen", &address.to_string()]),
        Stdio::from(OwnedFd::from(listener)),
    );
    assert_eq!(Reply::read(&client.answer()).hosts(), "127.0.0.1");
}

#[test]
fn what_is_passed_stays_at_a_reload_that_names_no_address_and_goes_when_others_are_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mimikyu.toml");
    std::fs::write(&file, "poll_interval = \"1s\"\n").unwrap();
    let command = passed(OURS, &["--config", file.to_str().unwrap(), "--workers", "2"]);
    let mut mimikyu = Mimikyu::spawn_with(command, Stdio::from(OwnedFd::from(listener)));
    mimikyu.ready();
    std::fs::write(&file, "poll_interval = \"2s\"\n").unwrap();
    mimikyu.signal("HUP");
    let line = mimikyu.logged("INFO configuration reloaded");
    assert_eq!(harness::process::field(&line, "keys"), "poll_interval", "not listen");
    assert_eq!(mimikyu.list().hosts(), "127.0.0.1");
    // Every worker has the one socket, and each must let it go.
    std::fs::write(&file, "listen = \"127.0.0.2:0\"\n").unwrap();
    mimikyu.signal("HUP");
    let line = mimikyu.logged("INFO configuration reloaded keys listen=");
    let added = harness::process::field(&line, "listen").parse().unwrap();
    until("the address to be closed", || TcpStream::connect(address).is_err().then_some(()));
    let mut client = Client::connect(added);
    client.send("config get cluster\r\n");
    assert_eq!(Reply::read(&client.answer()).hosts(), "127.0.0.1");
}

#[test]
fn what_is_passed_to_another_process_is_left_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let prelude = "export LISTEN_PID=1 LISTEN_FDS=1;";
    let command = passed(prelude, &["--listen", "127.0.0.1:0"]);
    let mut mimikyu = Mimikyu::spawn_with(command, Stdio::from(OwnedFd::from(listener)));
    mimikyu.ready();
    assert_ne!(mimikyu.address, address);
    assert_eq!(mimikyu.list().hosts(), "127.0.0.1");
}

#[test]
fn what_is_wrong_with_what_is_passed_is_said_in_one_line() {
    let tcp = || OwnedFd::from(TcpListener::bind("127.0.0.1:0").unwrap());
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    for (descriptor, prelude, arguments, words) in [
        (OwnedFd::from(udp), OURS, &[][..], "descriptor 3: it is no TCP socket"),
        (tcp(), OURS, &["--listen", "127.0.0.2:0"], "none of the addresses to listen on"),
        (tcp(), "export LISTEN_PID=$$ LISTEN_FDS=9;", &[], "descriptor 4 is not open"),
        (tcp(), "export LISTEN_PID=$$ LISTEN_FDS=65;", &[], "no number from 0 to 64"),
        (tcp(), "export LISTEN_PID=$$ LISTEN_FDS=-1;", &[], "no number from 0 to 64"),
    ] {
        let (code, written) = run_with(passed(prelude, arguments), Stdio::from(descriptor));
        assert_eq!((code, written.lines().count()), (Some(78), 1), "{written}");
        assert!(written.starts_with("mimikyu: LISTEN_FDS: ") && written.contains(words), "{written}");
    }
    // A plain file is no socket at all.
    let (code, written) = run(passed(OURS, &[]));
    assert_eq!(code, Some(78), "{written}");
}
