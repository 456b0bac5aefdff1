//! The table of rooms as a test: which room may name which, and what no room may do.
//!
//! Reads the source as tokens and not with a Rust parser, which is enough for the paths that rustfmt writes.
//! `#[cfg(test)]` code may name what it likes.

#[path = "shape/tokens.rs"]
mod tokens;

use std::fs;
use std::path::{Path, PathBuf};

use tokens::{is_word, tokens, without_comments, without_tests};

/// What each room may name beside itself and [`EVERYWHERE`]. A path allows all below it.
const ROOMS: [(&str, &[&str]); 29] = [
    ("admin", &["status"]),
    ("cluster", &[]),
    ("protocol", &["cluster"]),
    ("lint", &["cluster", "protocol"]),
    ("plan", &["cluster"]),
    ("snapshot", &["cluster", "protocol"]),
    ("session", &["protocol", "snapshot"]),
    ("worker", &["session", "snapshot", "stats", "metrics", "mailbox", "census"]),
    ("upstream", &["config", "cluster", "protocol", "offload", "runtime"]),
    (
        "poller",
        &[
            "config",
            "cluster",
            "upstream",
            "snapshot",
            "state",
            "metrics",
            "protocol::payload",
            "offload",
            "lint",
            "plan",
            "status",
        ],
    ),
    ("state", &["cluster", "config", "offload"]),
    ("takeover", &["state", "offload"]),
    ("stats", &["config", "upstream", "protocol", "metrics", "mailbox", "session::Command"]),
    ("status", &[]),
    ("metrics", &["session::Tally", "session::Command", "session::Encoding", "session::ReplyKind"]),
    ("census", &["mailbox", "metrics", "status"]),
    ("exposition", &["metrics", "session", "status"]),
    ("config", &["plan"]),
    ("notify", &[]),
    // What a worker answers when it is asked who has seen what.
    ("mailbox", &["census::Roll"]),
    ("offload", &[]),
    ("runtime", &[]),
    ("limits", &[]),
    ("log", &["config"]),
    ("signal", &[]),
    ("fuzz", &["cluster", "protocol", "session", "snapshot", "config", "state"]),
    ("daemon", ANYTHING),
    // The entry: the command line, which the library can't name since it is not in it.
    ("cli", ANYTHING),
    ("cmd", ANYTHING),
];

const ANYTHING: &[&str] = &["*"];

/// Bounds are named in one place.
const EVERYWHERE: &str = "limits";

/// Rooms, and files of other rooms, that only compute.
const PURE: [&str; 36] = [
    "src/cmd/rollout/preview.rs",
    "src/cmd/rollout/status.rs",
    "src/cmd/rollout/words.rs",
    "src/cmd/top/headline.rs",
    "src/cmd/top/plain.rs",
    "src/cmd/top/report.rs",
    "src/cmd/top/screen.rs",
    "src/cmd/top/view.rs",
    "src/cmd/top/words.rs",
    "src/census/table.rs",
    "src/exposition",
    "src/cluster",
    "src/protocol",
    "src/lint",
    "src/plan",
    "src/session",
    "src/status",
    "src/poller/source.rs",
    "src/poller/event.rs",
    "src/poller/silence.rs",
    "src/poller/memory.rs",
    "src/poller/renewal.rs",
    "src/poller/rollout.rs",
    "src/poller/rollout/hold.rs",
    "src/poller/rollout/plan.rs",
    "src/poller/rollout/steps.rs",
    "src/poller/rollout/told.rs",
    "src/poller/rollout/way.rs",
    "src/poller/backoff.rs",
    "src/poller/ledger.rs",
    "src/poller/doubts.rs",
    "src/poller/hit_rate.rs",
    "src/poller/turns.rs",
    "src/poller/chronicle.rs",
    "src/poller/view.rs",
    "src/admin/route.rs",
];

/// What a pure room must not name: sockets, files, clocks, threads, logging.
const IMPURE_WORDS: [&str; 13] = [
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "UnixListener",
    "UnixStream",
    "SystemTime",
    "io_uring",
    "libc",
    "rustix",
    "socket2",
    "tokio",
    "tokio_uring",
    "tracing",
];
const IMPURE_STD: [&str; 6] = ["fs", "thread", "process", "env", "os", "io"];

const UNSAFE_ROOM: &str = "src/worker";
const LINES_MAX: usize = 400;

#[test]
fn the_source_has_the_shape_of_the_table() {
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    collect(&root.join("src"), &mut files);
    assert!(files.len() > 10, "only {files:?}");
    let mut complaints = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let path = file.strip_prefix(root).unwrap().to_str().unwrap();
        complaints.extend(check(path, &text).into_iter().map(|complaint| format!("{path}: {complaint}")));
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_room_of_the_table_exists() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (room, _) in ROOMS {
        assert!(source.join(room).is_dir() || source.join(format!("{room}.rs")).is_file(), "{room}");
    }
}

#[test]
fn the_check_sees_what_is_wrong() {
    for (path, text, expected) in [
        ("src/cluster/node.rs", "use crate::protocol::payload;", "names protocol"),
        ("src/cluster/mod.rs", "use super::protocol;", "names protocol"),
        ("src/cluster/node.rs", "fn f() { super::super::session::g() }", "names session"),
        (
            "src/worker/ring.rs",
            "use crate::{limits::X, session::{Next, Outbox}, protocol};",
            "names protocol",
        ),
        ("src/snapshot.rs", "pub(crate) fn f(p: crate::poller::P) {}", "names poller"),
        ("src/metrics.rs", "use crate::session::{Session, Tally};", "names session::Session"),
        ("src/config/mod.rs", "use crate::*;", "names *"),
        ("src/stuff.rs", "", "not in the table"),
        ("src/protocol/ascii.rs", "use std::net::{IpAddr, TcpStream};", "TcpStream"),
        ("src/session/mod.rs", "use std::{fmt, fs::File};", "std::fs"),
        ("src/session/mod.rs", "let now = Instant::now();", "Instant::now"),
        ("src/poller/source.rs", "tracing::info!(\"x\");", "tracing"),
        ("src/poller/backoff.rs", "std::thread::spawn(f);", "std::thread"),
        ("src/snapshot.rs", "// SAFETY: no\nunsafe { f() }", "unsafe"),
        ("src/worker/ring.rs", "let x = 1;\n\nlet y = unsafe { f() };", "line 3: unsafe without"),
        ("src/worker/ring.rs", "// SAFETY: one\nunsafe { f() };\nunsafe { g() };", "line 3: unsafe without"),
        ("src/log.rs", "fn get_level() {}", "get_level"),
        ("src/log.rs", "struct LogManager;", "LogManager"),
        ("src/config/util.rs", "", "util"),
        ("src/log.rs", "mod common {}", "common"),
        ("src/log.rs", "fn f() { todo!() }", "todo!"),
        ("src/log.rs", "fn f() { unimplemented!() }", "unimplemented!"),
        ("src/log.rs", "fn f() { std::thread::sleep(x) }", "sleep"),
        ("src/log.rs", &"\n".repeat(LINES_MAX + 1), "401 lines"),
    ] {
        let complaints = check(path, text);
        assert!(complaints.iter().any(|complaint| complaint.contains(expected)), "{text}: {complaints:?}");
    }
}

#[test]
fn the_check_lets_pass_what_is_right() {
    for (path, text) in [
        ("src/cluster/node.rs", "use super::Version; use crate::limits::NODES_MAX;"),
        ("src/protocol/ascii.rs", "//! Not [`crate::poller`].\nuse super::{Error, Parsed};"),
        ("src/protocol/ascii.rs", "const A: &str = \"crate::poller \\\" unsafe\"; const B: char = '\"';"),
        ("src/protocol/ascii.rs", "const A: &str = r#\"crate::poller \" unsafe\"#; fn f<'a>(x: &'a u8) {}"),
        ("src/session/mod.rs", "/* unsafe /* todo!() */ */ #[cfg(test)]\nmod t { use crate::poller; } "),
        ("src/session/tests.rs", "use crate::poller::Poller;"),
        ("src/metrics.rs", "use crate::session::Tally;"),
        ("src/worker/ring.rs", "// SAFETY: it lives\n// long enough.\nlet x =\n    unsafe { f() };"),
        ("src/cmd/serve.rs", "use mimikyu::{config, daemon};"),
        ("src/log.rs", &"\n".repeat(LINES_MAX)),
    ] {
        assert_eq!(check(path, text), [""; 0], "{text}");
    }
}

/// Every Rust file below a directory.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// All that is wrong with one file.
fn check(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let code = without_comments(text);
    let shipped = without_tests(&code);
    let tokens = tokens(&shipped);
    let test_file = path.ends_with("/tests.rs") || path.contains("/tests/");
    if !test_file {
        named_rooms(path, &tokens, &mut complaints);
        if PURE.iter().any(|pure| path.starts_with(pure)) {
            impurities(&tokens, &mut complaints);
        }
    }
    unsafe_code(path, text, &code, &mut complaints);
    words(path, &crate::tokens(&code), &mut complaints);
    let lines = text.lines().count();
    if lines > LINES_MAX {
        complaints.push(format!("{lines} lines, more than {LINES_MAX}"));
    }
    complaints
}

fn named_rooms(path: &str, tokens: &[&str], complaints: &mut Vec<String>) {
    let module = module(path);
    let Some(room) = module.first() else { return };
    let Some((_, may_name)) = ROOMS.iter().find(|(name, _)| name == room) else {
        complaints.push(format!("the room {room} is not in the table"));
        return;
    };
    for named in paths(&["crate", "mimikyu", "super"], &module, tokens) {
        let below = |allowed: &str| named == allowed || named.starts_with(&format!("{allowed}::"));
        let allowed = below(room) || below(EVERYWHERE) || may_name.iter().any(|may| below(may));
        if !allowed && *may_name != ANYTHING {
            complaints.push(format!("{room} names {named}"));
        }
    }
}

fn impurities(tokens: &[&str], complaints: &mut Vec<String>) {
    for word in tokens.iter().filter(|token| IMPURE_WORDS.contains(token)) {
        complaints.push(format!("a pure room names {word}"));
    }
    for named in paths(&["std"], &[], tokens) {
        if IMPURE_STD.contains(&named.split("::").next().unwrap_or_default()) {
            complaints.push(format!("a pure room names std::{named}"));
        }
    }
    if has(tokens, &["Instant", "::", "now"]) {
        complaints.push("a pure room names Instant::now".into());
    }
}

fn unsafe_code(path: &str, text: &str, code: &str, complaints: &mut Vec<String>) {
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in code.lines().enumerate() {
        let tokens = tokens(line);
        let Some(token) = tokens.iter().position(|token| *token == "unsafe") else { continue };
        if !path.starts_with(UNSAFE_ROOM) {
            complaints.push(format!("line {}: unsafe outside of {UNSAFE_ROOM}", at + 1));
        } else if matches!(tokens.get(token + 1), Some(&"{" | &"impl") | None) && !has_reason(&lines[..at]) {
            complaints.push(format!("line {}: unsafe without // SAFETY:", at + 1));
        }
    }
}

/// Whether the statement that goes on behind these lines has its reason right above it.
fn has_reason(before: &[&str]) -> bool {
    let mut above = before.iter().rev().map(|line| line.trim()).skip_while(|line| {
        !line.is_empty() && !line.starts_with("//") && !line.ends_with([';', '{', '}', ','])
    });
    above.by_ref().take_while(|line| line.starts_with("//")).any(|line| line.contains("SAFETY:"))
}

fn words(path: &str, tokens: &[&str], complaints: &mut Vec<String>) {
    let mut defined = module(path);
    for pair in tokens.windows(2) {
        match pair {
            ["fn", name] if name.starts_with("get_") => complaints.push(format!("the function {name}")),
            ["struct" | "enum" | "trait" | "type" | "union" | "mod", name] => defined.push((*name).into()),
            ["todo" | "unimplemented", "!"] => complaints.push(format!("{}! is left", pair[0])),
            _ => {}
        }
    }
    for name in defined {
        let vague = ["Manager", "Handler", "Helper", "Util", "Context"];
        let lower = ["common", "helper", "helpers", "util", "utils"];
        if vague.iter().any(|word| name.contains(word)) || lower.contains(&name.as_str()) {
            complaints.push(format!("the name {name} says nothing"));
        }
    }
    if has(tokens, &["thread", "::", "sleep"]) {
        complaints.push("it sleeps (thread::sleep)".into());
    }
}

/// `src/a/b.rs` is the module `a::b`; `lib.rs` and `main.rs` are the root, which no rule is for.
fn module(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut segments: Vec<String> = path.split('/').map(String::from).collect();
    if matches!(segments.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        segments.pop();
    }
    segments
}

/// Every path that starts with one of these words, in full, seen from the root of the crate.
fn paths(starts: &[&str], module: &[String], tokens: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let goes_on = at > 0 && tokens[at - 1] == "::";
        if goes_on || !starts.contains(&tokens[at]) || tokens.get(at + 1) != Some(&"::") {
            continue;
        }
        let (mut at, mut base) = (at, Vec::new());
        if tokens[at] == "super" {
            base = module[..module.len().saturating_sub(1)].to_vec();
            while tokens[at + 1..].starts_with(&["::", "super"]) {
                base.pop();
                at += 2;
            }
        }
        tree(tokens, at + 2, &base, &mut found);
    }
    found
}

/// Reads `a::{b, c::d}` from `at` on into `a::b` and `a::c::d`; returns where it ends.
fn tree(tokens: &[&str], at: usize, base: &[String], found: &mut Vec<String>) -> usize {
    let Some(token) = tokens.get(at) else { return at };
    if *token == "{" {
        let mut at = at + 1;
        while at < tokens.len() && tokens[at] != "}" {
            let word = !matches!(tokens[at], "," | "as");
            at = if word { tree(tokens, at, base, found) } else { at + 1 + usize::from(tokens[at] == "as") };
        }
        return at + 1;
    }
    let mut path = base.to_vec();
    if *token != "self" {
        path.push((*token).into());
    }
    let segment = |next: &&str| *next == "{" || *next == "*" || next.starts_with(is_word);
    if tokens.get(at + 1) == Some(&"::") && tokens.get(at + 2).is_some_and(segment) {
        return tree(tokens, at + 2, &path, found);
    }
    found.push(path.join("::"));
    at + 1
}

fn has(tokens: &[&str], sequence: &[&str]) -> bool {
    tokens.windows(sequence.len()).any(|window| window == sequence)
}
