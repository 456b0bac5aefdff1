//! `mimikyu fleet check`: whether replicas serve the same bytes.

mod harness;

use std::process::Command;

use harness::{Behaviour, Mimikyu, Upstream, until};
use serde_json::Value;

fn fleet(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Mimikyu::command(&[&["fleet", "check"], arguments].concat()).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const AT_ONCE: [&str; 2] = ["--settle", "0s"];

#[test]
fn replicas_of_the_same_sources_serve_the_same_bytes() {
    let upstream = Upstream::list(5, "a b c");
    let address = upstream.address.to_string();
    let replicas: Vec<_> = (0..3).map(|_| Mimikyu::start(&["--poll-interval", "50ms", &address])).collect();
    let names: Vec<_> = replicas.iter().map(|replica| replica.address.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (code, out, error) = fleet(&names);
    assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
    assert!(out.ends_with("3 replicas serve the same bytes\n"), "{out}");
    let (code, out, _) = fleet(&names[..1]);
    assert!(code == Some(0) && out.ends_with("1 replica, and no other to compare it with\n"), "{out}");
    let (code, out, _) = fleet(&[&["--json"], &names[..]].concat());
    let document: Value = serde_json::from_str(&out).expect("one JSON document");
    assert_eq!((code, &document["same"]), (Some(0), &true.into()));
    let first = &document["replicas"][0];
    assert_eq!((&first["version"], &first["nodes"][2]["host"]), (&1_000_005.into(), &"c".into()));
    assert_eq!(first["digest"], sha256(&replicas[0].ask("config get cluster\r\n")));
    assert_eq!(first["difference"], Value::Null);
}

/// By another program.
fn sha256(reply: &str) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("reply");
    std::fs::write(&file, reply).expect("written");
    let output = Command::new("sha256sum").arg(&file).output().expect("coreutils");
    String::from_utf8(output.stdout).expect("text")[..64].to_owned()
}

#[test]
fn what_differs_from_most_is_told_and_is_graver_than_one_that_is_gone() {
    let most = [Upstream::list(6, "a b c"), Upstream::list(6, "a b c")];
    let (older, moved, gone) =
        (Upstream::list(5, "a b d"), Upstream::list(6, "b a c"), Upstream::list(6, "a"));
    let address = |upstream: &Upstream| upstream.address.to_string();
    let lost = address(&gone);
    gone.kill();
    let all: Vec<_> = most.iter().chain([&older, &moved]).map(address).chain([lost.clone()]).collect();
    let all: Vec<&str> = AT_ONCE.into_iter().chain(all.iter().map(String::as_str)).collect();
    let (code, out, _) = fleet(&all);
    assert_eq!(code, Some(3), "{out}");
    let row = |upstream: &Upstream| {
        out.lines().find(|line| line.starts_with(&address(upstream))).expect("a row").to_owned()
    };
    assert!(row(&older).ends_with("  most have version 6; has d:11211; lacks c:11211"), "{out}");
    assert!(
        row(&moved).ends_with("  elsewhere a:11211") || row(&moved).ends_with("  elsewhere b:11211"),
        "{out}"
    );
    assert!(row(&gone).contains("refused"), "{out}");
    assert!(out.lines().last().unwrap().starts_with("2 of 5 differ, for "), "{out}");
    assert!(out.ends_with("; 1 of 5 can't be reached\n"), "{out}");

    let (code, out, _) = fleet(&[&AT_ONCE[..], &[&address(&most[0]), &lost]].concat());
    assert_eq!(code, Some(1), "{out}");
    assert!(out.ends_with("1 of 2 can't be reached\n"), "{out}");
    let (code, out, error) = fleet(&["alpha:"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(error.starts_with("mimikyu: \"alpha:\" is not HOST:PORT; "), "{error}");
    // A program is told what is wrong, and whoever looks on too.
    let (code, out, told) = fleet(&["--json", "alpha:"]);
    let document: Value = serde_json::from_str(&out).expect("one JSON document");
    assert_eq!((code, &told), (Some(2), &error));
    assert_eq!(format!("mimikyu: {}\n", document["error"].as_str().expect("text")), told);
    // The usual port need not be told.
    let (code, out, _) =
        fleet(&[&AT_ONCE[..], &["--timeout", "50ms", "--json", "no-such-host.invalid"]].concat());
    assert!(code == Some(1) && out.contains("\"no-such-host.invalid:11211\""), "{out}");
}

#[test]
fn a_change_that_is_under_way_is_waited_for() {
    let (one, other) = (Upstream::list(6, "a b"), Upstream::list(5, "a"));
    let names = [one.address.to_string(), other.address.to_string()];
    let checking = std::thread::spawn(move || fleet(&["--settle", "20s", &names[0], &names[1]]));
    // Asked once, and found to differ.
    until("a second question", || (other.asked("config get cluster") > 1).then_some(()));
    other.set_list(6, "a b");
    let (code, out, error) = checking.join().expect("no panic");
    assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
    assert!(out.ends_with("2 replicas serve the same bytes\n"), "{out}");
}

#[test]
fn one_that_hangs_holds_up_none_and_every_address_may_be_a_replica() {
    let (good, hung) = (Upstream::list(6, "a"), Upstream::start(Behaviour::Hangs));
    let (first, second) = (good.address.to_string(), hung.address.to_string());
    let (code, out, _) = fleet(&["--timeout", "300ms", &second, &first]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("no whole answer within ") && out.contains("           6      1  "), "{out}");
    let (code, out, _) = fleet(&["--every-address", &first, &first]);
    assert_eq!((code, out.lines().count()), (Some(0), 3), "the same address is one replica: {out}");
}

#[test]
fn the_number_of_replicas_is_bounded() {
    let names: Vec<_> = (0..257).map(|n| format!("127.0.0.1:{}", n + 1)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (code, _, error) = fleet(&names);
    assert_eq!((code, error.as_str()), (Some(2), "mimikyu: 257 replicas are too many; give at most 256\n"));
    let (code, out, _) = fleet(&[&AT_ONCE[..], &["--timeout", "10ms"], &names[..256]].concat());
    assert!(code == Some(1) && out.ends_with("256 of 256 can't be reached\n"), "{code:?} {out}");
}
