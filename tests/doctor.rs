//! `mimikyu doctor`: whether it can run here, and how well.

mod harness;

use std::net::TcpListener;
use std::process::Command;

use harness::Mimikyu;
use serde_json::Value;

/// What a command ends with, and writes to standard output.
fn output(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().expect("it runs");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

fn doctor(arguments: &[&str]) -> (Option<i32>, Value) {
    let (code, out) = output(Mimikyu::command(&[&["doctor", "--json"], arguments].concat()));
    (code, serde_json::from_str(&out).expect("one JSON document"))
}

/// What is said of one thing.
#[track_caller]
fn found<'a>(document: &'a Value, name: &str) -> (&'a str, String) {
    let all = document["found"].as_array().expect("a list");
    let one = all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name} in {document}"));
    let text = |key: &str| one[key].as_str().unwrap_or_default();
    (text("verdict"), format!("{}; {}", text("what"), text("cure")))
}

#[test]
fn where_the_tests_run_it_can_run() {
    let directory = tempfile::tempdir().expect("a directory");
    let state = directory.path().join("state");
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--static",
        "s=a:1",
        "--workers",
        "1",
        "--state",
        state.to_str().unwrap(),
    ];
    let (code, document) = doctor(&arguments);
    assert_eq!((code, &document["can_run"]), (Some(0), &true.into()), "{document}");
    let names =
        ["configuration", "io_uring", "io_uring_disabled", "seccomp", "listen 127.0.0.1:0", "state", "clock"];
    for name in names {
        let (verdict, words) = found(&document, name);
        assert_eq!(verdict, "ok", "{name}: {words}");
    }
    for name in
        ["kernel", "ring multishot_recv", "ring coop_taskrun", "descriptors", "memlock", "cpus", "somaxconn"]
    {
        let (verdict, words) = found(&document, name);
        assert_eq!(verdict == "ok", words.ends_with("; "), "a cure where it is needed: {name}: {words}");
    }
    let (code, out) = output(Mimikyu::command(&[&["doctor"], &arguments[..]].concat()));
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("  1 worker on "), "{out}");
    assert!(out.contains("ok      io_uring ") && out.contains("\nIt can run here"), "{out}");
    assert!(!out.contains('\x1b'), "no colour in a pipe");
    // Looking leaves nothing behind.
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn what_is_in_the_way_is_named_with_its_cure() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().unwrap().to_string();
    let arguments = [
        "--listen",
        &address,
        "--listen",
        "192.0.2.1:0",
        "--state",
        "/absent/state",
        "--takeover",
        "/absent/takeover",
        "--workers",
        "200",
        "--connections-max",
        "10000000",
        "--ring-without",
        "inline_send",
        "a:1",
    ];
    let (code, document) = doctor(&arguments);
    assert_eq!((code, &document["can_run"]), (Some(1), &false.into()));
    for (name, verdict, words) in [
        (&*format!("listen {address}"), "broken", "another process has the port"),
        ("listen 192.0.2.1:0", "broken", "is no address of this machine; choose one"),
        ("takeover", "broken", "the directory /absent does not exist; make it"),
        ("state", "worse", "the directory /absent does not exist; make it"),
        ("descriptors", "worse", "raise it to "),
        ("cpus", "worse", "200 workers on "),
        ("ring inline_send", "worse", "ring_without leaves it out"),
        ("ring multishot_recv", "ok", "works"),
        ("configuration", "ok", "sources: primary"),
    ] {
        let (told, line) = found(&document, name);
        assert!(told == verdict && line.contains(words), "{name}: {told}: {line}");
    }
    let (code, document) = doctor(&["--workers", "0", "--idle-timeout", "1", "a:1"]);
    assert_eq!(code, Some(1));
    let (verdict, words) = found(&document, "configuration");
    assert!(
        verdict == "broken"
            && words
                == "2 faults, the first is --workers: 0 is out of range; give a number from 1 to 256; see mimikyu check",
        "{words}"
    );
}

#[test]
fn the_admin_address_is_looked_at_too() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().unwrap().to_string();
    for (admin, code, verdict, words) in [
        ("127.0.0.1:0", 0, "ok", "the port is free"),
        (&*address, 1, "broken", "another process has the port; give another address with --admin, or none"),
        ("192.0.2.1:0", 1, "broken", "is no address of this machine; choose one"),
    ] {
        let (ended, document) = doctor(&["--listen", "127.0.0.1:0", "--admin", admin, "a:1"]);
        let (told, line) = found(&document, &format!("admin {admin}"));
        assert!(ended == Some(code) && told == verdict && line.contains(words), "{admin}: {told}: {line}");
    }
    let (_, document) = doctor(&["--listen", "127.0.0.1:0", "--admin", "none"]);
    assert!(!document.to_string().contains("\"admin "), "{document}");
    // The usual address is not asked for.
    for listen in ["127.0.0.1:9211", "0.0.0.0:9211"] {
        let mut command = Mimikyu::command(&["doctor", "--json", "--listen", listen]);
        command.env_remove("MIMIKYU_ADMIN");
        let document: Value = serde_json::from_str(&output(command).1).expect("one JSON document");
        let (told, line) = found(&document, "admin 127.0.0.1:9211");
        assert_eq!(
            (told, line.starts_with(&format!("clients connect to {listen}; "))),
            ("worse", true),
            "{line}"
        );
    }
}

#[test]
fn a_filter_in_the_way_is_told_from_a_kernel_without_io_uring() {
    for (errno, name) in [("1", "EPERM"), ("38", "ENOSYS")] {
        let mut command = Command::new("python3");
        command.args(["tests/without_io_uring.py", errno, env!("CARGO_BIN_EXE_mimikyu"), "doctor", "--json"]);
        let (code, out) = output(command);
        let document: Value = serde_json::from_str(&out).expect("one JSON document");
        assert_eq!(code, Some(1), "{out}");
        let (verdict, words) = found(&document, "seccomp");
        assert_eq!(verdict, "broken", "{words}");
        for word in [name, "Docker", "Kubernetes", "systemd", "io_uring_register"] {
            assert!(words.contains(word), "no {word} in {words}");
        }
        assert_eq!(found(&document, "io_uring").0, "broken");
    }
}

#[test]
fn a_terminal_gets_colour_unless_it_objects() {
    for (no_color, is_coloured) in [(None, true), (Some("1"), false)] {
        let mut command = Command::new("script");
        let line = format!("{} doctor --listen 127.0.0.1:0", env!("CARGO_BIN_EXE_mimikyu"));
        command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env_remove("NO_COLOR");
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let (code, out) = output(command);
        assert_eq!((code, out.contains("\x1b[32mok")), (Some(0), is_coloured), "{out}");
    }
}
