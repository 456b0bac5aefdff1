//! `mimikyu check`: every fault at once, and what is only odd.

mod harness;

use std::path::PathBuf;

use harness::process::run;
use harness::{Behaviour, Mimikyu, Upstream};
use serde_json::Value;
use tempfile::TempDir;

/// What a check ends with, and writes to standard output and error.
fn check(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Mimikyu::command(&[&["check"], arguments].concat()).output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Its exit code and its document.
#[track_caller]
fn document(arguments: &[&str]) -> (Option<i32>, Value) {
    let (code, out, error) = check(&[&["--json"], arguments].concat());
    assert_eq!((error.as_str(), out.lines().count()), ("", 1), "{out}");
    (code, serde_json::from_str(&out).expect("one JSON document"))
}

fn file(text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("m.toml");
    std::fs::write(&path, text).expect("written");
    (directory, path)
}

const WRONG: &str = r#"listen = ["127.0.0.1:11211", "192.0.2.1:11211", "0.0.0.0:11211", "x"]
pol_interval = "10s"
poll_timeout = "11s"
state = "/absent/directory/state"
takeover = "/absent/directory/takeover"
connections_max = 10000000

[[source]]
name = "old"
upstream = "127.0.0.1:11211"
drop_after = "5"

[[source]]
name = "old"
static = ["a:1", "b"]
colour = "red"

[[source]]
name = "new"
upstream = "127.0.0.1:11211"
publish = true

[[source]]
name = "good"
upstream = "127.0.0.1:11211"
"#;

#[test]
fn every_fault_is_told_at_once_with_line_key_and_cure() {
    let (_directory, path) = file(WRONG);
    let (code, out, error) = check(&[path.to_str().unwrap()]);
    assert_eq!((code, error.as_str()), (Some(78), ""), "{out}");
    let place = path.display().to_string();
    let lines: Vec<_> = out.lines().map(|line| line.replace(&place, "m.toml")).collect();
    let expected = [
        "m.toml:1: listen: \"x\" is not IP:PORT; write it like 0.0.0.0:11211",
        "m.toml:1: listen: 192.0.2.1 is no address of this machine; choose one of them (ip address), or 0.0.0.0:11211",
        "m.toml:2: unknown key \"pol_interval\"; did you mean \"poll_interval\"?",
        "m.toml:4: state: the directory /absent/directory does not exist; make it (mkdir -p /absent/directory) for",
        "m.toml:5: takeover: the directory /absent/directory does not exist; make it",
        "m.toml:11: drop_after: 5 has no unit; write 5s",
        "m.toml:14: name: the name \"old\" is already used by m.toml:9; give each source a name of its own",
        "m.toml:15: static: \"b\" is not HOST:PORT; give a port: b:11211",
        "m.toml:16: unknown key \"colour\" of a source; known are name, ",
        "m.toml:21: publish: an upstream's nodes can't be written to; leave it out",
        "m.toml:1: warning: listen: 127.0.0.1:11211 overlaps 0.0.0.0:11211, which takes its clients too; ",
        "m.toml:1: warning: listen: 192.0.2.1:11211 overlaps 0.0.0.0:11211",
        "m.toml:3: warning: poll_timeout: a poll may take 11s, longer than to the next one (10s); ",
        "m.toml:3: warning: poll_timeout: startup_grace (10s) is over before a slow source may answer (11s); ",
        "m.toml:6: warning: connections_max: the descriptor limit allows only ",
        "m.toml:24: warning: \"good\" asks 127.0.0.1:11211, where mimikyu itself listens (127.0.0.1:11211); ",
        "m.toml: 10 faults, 6 warnings",
    ];
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n  instead of {expected} in\n{out}");
    }
    assert_eq!(lines.len(), expected.len(), "{out}");

    // Serve says the first, on one line, and how many it has found by reading.
    let (code, written) = run(Mimikyu::command(&["serve", "--config", path.to_str().unwrap()]));
    assert_eq!((code, written.lines().count()), (Some(78), 1), "{written}");
    let line = written.replace(&place, "m.toml");
    let expected = "mimikyu: m.toml:1: listen: \"x\" is not IP:PORT; write it like 0.0.0.0:11211 (and 6 more: see mimikyu check)\n";
    assert_eq!(line, expected);

    // What only this machine can tell is left out.
    let (code, document) = document(&["--elsewhere", path.to_str().unwrap()]);
    assert_eq!(code, Some(78));
    let faults = document["faults"].as_array().unwrap();
    assert_eq!((faults.len(), document["warnings"].as_array().unwrap().len()), (7, 5), "{document}");
    assert_eq!((&faults[2]["line"], &faults[2]["key"]), (&11.into(), &"drop_after".into()));
    assert_eq!((&faults[2]["what"], &faults[2]["cure"]), (&"5 has no unit".into(), &"write 5s".into()));
    assert_eq!(document["online"], Value::Null);
}

#[test]
fn what_serve_would_be_told_is_checked_and_warnings_are_no_faults() {
    let with_state = ["alpha:11211", "--listen", "127.0.0.1:0", "--state", "state"];
    let (code, out, _) = check(&with_state);
    assert_eq!((code, out.as_str()), (Some(0), "the configuration: fine, 1 source\n"));
    let (code, out, _) = check(&with_state[..3]);
    assert!(code == Some(0) && out.starts_with("warning: there is no state file: after a restart "), "{out}");
    assert!(out.ends_with("the configuration: fine, 1 source, 1 warning\n"), "{out}");
    let (_directory, path) = file("[[source]]\nname = 'a'\nupstream = 'alpha:1'\ndrop_after = '1h'\n");
    let path = path.to_str().unwrap();
    for arguments in [&[path][..], &["--config", path], &[path, "--workers", "1"]] {
        let (code, out, _) = check(arguments);
        assert_eq!(code, Some(0), "{out}");
        assert!(
            out.contains("m.toml:2: warning: drop_after of \"a\" has no effect: it is the only source; "),
            "{out}"
        );
        assert!(out.ends_with("m.toml: fine, 1 source, 2 warnings\n"), "{out}");
    }
    for (arguments, line) in [
        (
            &["--poll-interval", "10", "--workers", "x", "a:1"][..],
            "--poll-interval: 10 has no unit; write 10s\n--workers: \"x\" is not a whole number; ",
        ),
        (&["a:0"], "PRIMARY: \"a:0\" is not HOST:PORT; "),
        (&[], "no source of nodes; give the address"),
        (&["--watch", "a:1"], "--watch: there is no configuration file to watch; "),
    ] {
        let (code, out, _) = check(arguments);
        // A word that is no endpoint is a file.
        let expected = if arguments == ["a:0"] { "a:0: cannot be read: " } else { line };
        assert!(code == Some(78) && out.starts_with(expected), "{arguments:?}: {code:?} {out}");
    }
    let mut command = Mimikyu::command(&["check", "a:1"]);
    command.env("MIMIKYU_WORKERS", "0").env("MIMIKYU_COLOUR", "1");
    let output = command.output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(out.starts_with("MIMIKYU_WORKERS: 0 is out of range; "), "{out}");
    assert!(
        out.contains("warning: environment variable \"MIMIKYU_COLOUR\" is unknown and ignored; see"),
        "{out}"
    );
    for (arguments, words) in [
        (
            &["a.toml", "b.toml"][..],
            "\"b.toml\" is not HOST:PORT, and there is a configuration file already; give one file",
        ),
        (&["--timeout", "2", "a:1"], "--timeout: 2 has no unit"),
    ] {
        let (code, out, error) = check(arguments);
        assert_eq!((code, out.as_str(), error.lines().count()), (Some(2), "", 1), "{error}");
        assert!(error.starts_with(&format!("mimikyu: {words}")), "{error}");
    }
}

#[test]
fn the_admin_address_is_held_to_this_machine_and_to_the_addresses_of_clients() {
    for (admin, listen, words) in [
        (
            "192.0.2.1:9211",
            "127.0.0.1:0",
            "--admin: 192.0.2.1 is no address of this machine; choose one of them",
        ),
        (
            "127.0.0.1:9211",
            "127.0.0.1:9211",
            "--admin: the address 127.0.0.1:9211 is one that clients connect to (listen); give another port, or none",
        ),
        (
            "127.0.0.1:11211",
            "0.0.0.0:11211",
            "--admin: the address 127.0.0.1:11211 overlaps 0.0.0.0:11211, which clients connect to (listen); give",
        ),
    ] {
        let arguments = ["--admin", admin, "--listen", listen, "a:1"];
        let (code, out, _) = check(&arguments);
        assert!(code == Some(78) && out.starts_with(words), "{code:?} {out}");
        let is_elsewhere = admin.starts_with("192.");
        let (code, out, _) = check(&[&["--elsewhere"], &arguments[..]].concat());
        assert_eq!((code == Some(0), out.contains(words)), (is_elsewhere, !is_elsewhere), "{out}");
        if !is_elsewhere {
            // And serve does not start with it.
            let (code, written) = run(Mimikyu::command(&[&["serve"], &arguments[..]].concat()));
            assert!(code == Some(2) && written.contains(words), "{written}");
        }
    }
    let mut command = Mimikyu::command(&["check", "a:1", "--listen", "127.0.0.1:9211"]);
    command.env_remove("MIMIKYU_ADMIN");
    let output = command.output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let words = "--listen: warning: operators are not answered at 127.0.0.1:9211: clients connect to 127.0.0.1:9211; ";
    assert!(output.status.success() && out.starts_with(words), "{out}");
}

#[test]
fn fewer_descriptors_than_connections_is_what_serve_warns_of() {
    let shell = |command: &str| {
        let line = format!(
            "ulimit -n 64; exec {} {command} --listen 127.0.0.1:0 --workers 1 --connections-max 1000 --static s=a:1",
            env!("CARGO_BIN_EXE_mimikyu")
        );
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &line]).env("MIMIKYU_ADMIN", "none");
        shell
    };
    let output = shell("check").output().expect("a shell");
    let out = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0), "{out}");
    assert!(out.starts_with("--connections-max: warning: the descriptor limit allows only "), "{out}");
    assert!(out.ends_with("the configuration: fine, 1 source, 2 warnings\n"), "{out}");
    let mut mimikyu = Mimikyu::spawn(shell("serve"));
    mimikyu.logged("WARN descriptor limit");
    mimikyu.logged("ready");
}

#[test]
fn online_the_sources_are_asked_and_the_merged_list_is_looked_at() {
    let (alpha, beta) = (Upstream::list(5, "a b||11211"), Upstream::list(7, "c_d"));
    let (first, second) = (alpha.address.to_string(), beta.address.to_string());
    let all = ["--online", &first, &second, "--static", "s=127.0.0.1:9"];
    let (code, out, error) = check(&all);
    assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
    for words in [
        format!("source \"primary\": 2 nodes, version 5, engine 1.6.18, from {first}\n  warning: R8 "),
        format!("source \"secondary\": 1 node, version 7, engine 1.6.18, from {second}\n  warning: R9 "),
        "source \"s\": 1 node\n".into(),
        "merged: 4 nodes\n  warning: R8 ".into(),
        "the configuration: fine, 3 sources, 1 warning\n".into(),
    ] {
        assert!(out.contains(&words), "no {words:?} in\n{out}");
    }
    let (code, found) = document(&all);
    assert_eq!(code, Some(0));
    let online = &found["online"];
    assert_eq!(
        (&online["sources"][0]["version"], &online["sources"][0]["name"]),
        (&5.into(), &"primary".into())
    );
    assert_eq!(online["merged"]["nodes"][3]["port"], 9);
    let rules: Vec<_> =
        online["merged"]["findings"].as_array().unwrap().iter().map(|one| &one["rule"]).collect();
    assert_eq!(rules, ["R8", "R9"]);

    // One that hangs holds up none of the others, and is told.
    beta.set(Behaviour::Hangs);
    let (code, out, _) = check(&["--online", "--timeout", "300ms", &first, &second]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains(&format!("source \"secondary\": {second}: no whole answer within ")), "{out}");
    assert!(out.contains("source \"primary\": 2 nodes") && out.contains("merged: not known"), "{out}");
    assert!(out.ends_with("fine, 2 sources, 1 warning; 1 source without a list\n"), "{out}");
    // A fault is graver, and the sources are asked all the same.
    let (code, out, _) = check(&["--online", "--workers", "0", &first]);
    assert!(code == Some(78) && out.contains("source \"primary\": 2 nodes"), "{out}");
}

#[test]
fn a_rollout_is_held_to_the_sources_and_to_the_clock() {
    let sources = "[[source]]\nname = 'a'\ndns = 'a:1'\n[[source]]\nname = 'b'\ndns = 'b:1'\n";
    let rollout =
        "[rollout]\nfrom = 'a'\nto = 'b'\nstart = 2026-01-01T00:00:00Z\ninterval = '30days'\nhold_at = 1\n";
    let (_directory, path) = file(&format!("{sources}{rollout}"));
    let (code, out, _) = check(&[path.to_str().unwrap()]);
    let words = "m.toml:10: warning: start: it was ";
    assert!(code == Some(0) && out.contains(words) && out.contains(" ago: 1 step would be taken"), "{out}");
    // Sources of the command line take the place of the file's.
    let (code, out, _) = check(&[path.to_str().unwrap(), "--static", "a=n:1", "--dns", "c=m:1"]);
    assert_eq!(code, Some(78), "{out}");
    assert!(out.contains("m.toml:9: to: there is no source \"b\"; did you mean \"a\"?\n"), "{out}");
    let (code, document) = document(&[path.to_str().unwrap(), "--static", "a=n:1", "--dns", "cache=m:1"]);
    let fault = &document["faults"][0];
    assert_eq!((code, &fault["line"], &fault["key"]), (Some(78), &9.into(), &"to".into()), "{document}");
}
