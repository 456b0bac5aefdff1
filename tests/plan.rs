//! `mimikyu plan`, with endpoints that are asked.

mod harness;

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use harness::{Behaviour, Mimikyu, Upstream};
use serde_json::Value;

const FROM: &str = "old-1|10.0.0.1|11211 old-2|10.0.0.2|11211 old-3|10.0.0.3|11211";
const TO: &str = "new-1|10.0.1.1|11211 new-2|10.0.1.2|11211 new-3|10.0.1.3|11211";

/// What a plan ends with, and writes to standard output and error.
fn plan(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Mimikyu::command(&[&["plan"], arguments].concat()).output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What a good one writes. Nothing is on standard error, which is no terminal: no bar either.
#[track_caller]
fn planned(arguments: &[&str]) -> String {
    let (code, out, error) = plan(arguments);
    assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
    out
}

#[track_caller]
fn document(arguments: &[&str]) -> Value {
    let out = planned(&[&["--format", "json"], arguments].concat());
    assert_eq!(out.lines().count(), 1, "{out}");
    serde_json::from_str(&out).expect("one JSON document")
}

/// Holds a text against the file that has it; `GOLDEN=write` writes it anew.
#[track_caller]
fn golden(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/plan").join(name);
    if std::env::var_os("GOLDEN").is_some_and(|wish| wish == "write") {
        std::fs::write(&file, text).expect("the directory is there");
    }
    let expected = std::fs::read_to_string(&file).expect("GOLDEN=write makes it");
    assert_eq!(text, expected, "{}", file.display());
}

#[test]
fn two_endpoints_are_asked_once_each_and_the_tables_are_these() {
    let (old, new) = (Upstream::list(5, FROM), Upstream::list(7, TO));
    let (from, to) = (old.address.to_string(), new.address.to_string());
    let clients = "libmemcached-modula,libmemcached-ketama";
    for (name, arguments) in [
        ("mixed.txt", &["--client", clients][..]),
        ("modula.txt", &["--client", "libmemcached-modula", "--strategy", "swap", "--strategy", "cut"]),
        ("ketama.txt", &["--client", "libmemcached-ketama", "--batch", "67%"]),
        ("nothing.txt", &["--client", "jump", "--to", &from]),
    ] {
        let to = if arguments.contains(&"--to") { &[][..] } else { &["--to", &to] };
        let out = planned(&[&["--from", &from], to, arguments].concat());
        golden(name, &out.replace(&from, "FROM").replace(to.last().copied().unwrap_or(&from), "TO"));
    }
    // The last asks the one for both lists.
    assert_eq!(old.questions(), ["config get cluster"; 5]);
    assert_eq!(new.questions(), ["config get cluster"; 3]);
}

#[test]
fn a_plain_memcached_with_the_key_is_asked_as_a_client_would() {
    let old = Upstream::start(Behaviour::Legacy(5, FROM.into()));
    let from = old.address.to_string();
    let document = document(&["--from", &from, "--to", "a:1,b:1", "--client", "dalli", "--strategy", "cut"]);
    assert_eq!(document["from"]["nodes"][0], "old-1|10.0.0.1|11211");
    assert_eq!(document["from"]["source"], from);
}

#[test]
fn the_document_has_everything() {
    let new = Upstream::list(7, TO);
    let to = new.address.to_string();
    let from = "old-1|10.0.0.1|11211,old-2|10.0.0.2|11211,old-3|10.0.0.3|11211";
    let document = document(&["--from", from, "--to", &to, "--client", "gomemcache,dalli", "--batch", "2"]);
    assert_eq!(document["keys"], serde_json::json!({ "count": 100_000, "seed": 0, "file": null }));
    assert_eq!(document["batch"], serde_json::json!({ "given": "2", "nodes": 2 }));
    let swap = &document["ways"][0];
    assert_eq!(swap["strategy"], "swap");
    let lists: Vec<Vec<String>> = serde_json::from_value(swap["lists"].clone()).expect("lists");
    assert_eq!(lists[0].join(","), from);
    assert_eq!(lists[1], ["new-1|10.0.1.1|11211", "new-2|10.0.1.2|11211", "old-3|10.0.0.3|11211"]);
    assert_eq!(lists[2].join(" "), TO);
    let courses = document["courses"].as_array().expect("a list");
    assert_eq!(courses.len(), 8, "2 clients, 4 strategies");
    let moved = |client: &str, strategy: &str, step: usize| {
        let is_meant = |course: &&Value| course["client"] == client && course["strategy"] == strategy;
        let course = courses.iter().find(is_meant).expect("it is there");
        course["steps"][step]["moved"].as_f64().expect("a share")
    };
    assert!((moved("gomemcache", "swap", 0) - 0.667).abs() < 0.01);
    assert!((moved("gomemcache", "swap", 1) - 0.333).abs() < 0.01);
    assert_eq!((moved("gomemcache", "cut", 0), moved("dalli", "cut", 0)), (1.0, 1.0));
    assert!(moved("dalli", "add-then-drain", 0) < 0.5);
    let advice = &document["advice"];
    assert_eq!(advice["alone"][0]["client"], "gomemcache");
    assert_eq!(
        (&advice["alone"][0]["best"]["strategy"], &advice["alone"][0]["best"]["step"]),
        (&"swap".into(), &1.into())
    );
    assert_eq!(advice["others"].as_array().map(Vec::len), Some(3));
    // Swap's worst is dalli's 79 %, worse than the 75 % that gomemcache has here.
    let text = advice["text"].as_str().expect("a text");
    assert!(
        text.starts_with("merge-then-drain, 3 steps: of all ways its worst step is the least bad"),
        "{text}"
    );
    for (one, strategy) in [(0, "swap"), (1, "add-then-drain")] {
        assert_eq!(advice["alone"][one]["best"]["strategy"], strategy);
    }
}

#[test]
fn keys_of_a_file_count_as_often_as_they_are_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("keys");
    let file = file.to_str().expect("text");
    let share = |keys: &str| {
        std::fs::write(file, keys).expect("written");
        let words = ["--from", "a:1,b:1", "--to", "c:1,b:1", "--client", "gomemcache", "--strategy", "cut"];
        let document = document(&[&words[..], &["--keys", file]].concat());
        assert_eq!(document["keys"]["file"], file);
        document["courses"][0]["steps"][0]["moved"].as_f64().expect("a share")
    };
    // The vectors have it: CRC-32 of "key:0" is even and that of "key:4" is odd: the first moves with the first node, the second stays.
    assert_eq!((share("key:0\n"), share("key:4\n")), (1.0, 0.0));
    assert_eq!(share("key:0\nkey:4\nkey:4\r\n\nkey:4\n"), 0.25);
}

#[test]
fn sources_have_names_in_the_configuration_and_an_ip_that_is_missing_is_told() {
    let old = Upstream::list(5, FROM);
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("m.toml");
    let config = file.to_str().expect("text");
    let sources = format!(
        "[[source]]\nname = \"old\"\nupstream = \"{}\"\n[[source]]\nname = \"new\"\nstatic = [\"n1.x:11211\", \"127.0.0.9:11211\"]\n\
         [[source]]\nname = \"dns\"\ndns = \"localhost:11311\"\n",
        old.address
    );
    std::fs::write(&file, sources).expect("written");
    let words = ["--config", config, "--strategy", "cut", "--client", "enyim"];
    let document = document(&[&words[..], &["--from", "old", "--to", "new"]].concat());
    assert_eq!(document["to"]["nodes"], serde_json::json!(["n1.x||11211", "127.0.0.9|127.0.0.9|11211"]));
    assert_eq!(document["from"]["source"], "old");
    let note = document["notes"][0].as_str().expect("a note");
    assert!(
        note.starts_with("the ip of 1 nodes is not known, so their host stands for it with enyim; "),
        "{note}"
    );
    let out = planned(&[&words[..], &["--from", "old", "--to", "dns"]].concat());
    assert!(out.contains("to     dns, nodes: "), "{out}");

    let (code, _, error) = plan(&[&words[..], &["--from", "old", "--to", "newer"]].concat());
    assert_eq!(code, Some(2));
    assert!(
        error.contains("--to: ") && error.contains("has no source \"newer\"; give one of old, new, dns"),
        "{error}"
    );
    std::fs::write(&file, "nonsense = 1\n").expect("written");
    let (code, _, error) = plan(&[&words[..], &["--from", "old", "--to", "new"]].concat());
    assert_eq!((code, error.lines().count()), (Some(78), 1), "{error}");
    assert!(error.contains("m.toml:1: "), "{error}");
}

#[test]
fn what_is_wrong_is_one_line_with_its_cure_and_has_its_exit_code() {
    let refused = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        listener.local_addr().expect("bound").to_string()
    };
    let (garbage, hangs) =
        (Upstream::start(Behaviour::Bytes("ERROR\r\n".into())), Upstream::start(Behaviour::Hangs));
    let (garbage, hangs) = (garbage.address.to_string(), hangs.address.to_string());
    let directory = tempfile::tempdir().expect("a directory");
    let keys = directory.path().join("keys");
    std::fs::write(&keys, "good\nnot good\n").expect("written");
    let (keys, none) = (keys.to_str().expect("text"), directory.path().join("none"));
    for (arguments, code, expected) in [
        (&["--from", &refused, "--to", "a:1,b:1"][..], 1, "check the port, and what lets this machine in"),
        (&["--from", "a:1,b:1", "--to", &garbage], 1, "ask a configuration endpoint, or store the list"),
        (&["--from", "a:1,b:1", "--to", &hangs, "--timeout", "100ms"], 1, "try a longer --timeout"),
        (&["--from", "a:1,b:1", "--to", "new"], 2, "--to: \"new\" has no port, so it is a source's name; "),
        (
            &["--from", "a:1,b:1", "--to", "c:1,d:1", "--client", "ketama"],
            2,
            "--client: \"ketama\" is unknown",
        ),
        (
            &["--from", "a:1,b:1", "--to", "c:1,d:1", "--keys", keys],
            2,
            "line 2 is not a key; write one a line",
        ),
        (
            &["--from", "a:1,b:1", "--to", "c:1,d:1", "--keys", none.to_str().expect("text")],
            2,
            "cannot be read: No such file",
        ),
        (
            &["--from", "old", "--to", "new", "--config", none.to_str().expect("text")],
            78,
            "cannot be read: No such file",
        ),
    ] {
        let (found, out, error) = plan(arguments);
        assert_eq!((found, out.as_str(), error.lines().count()), (Some(code), "", 1), "{error}");
        assert!(error.starts_with("mimikyu: ") && error.contains(expected), "{error}");
        // A program is told on its own stream, and whoever looks on is told too.
        let (found, out, told) = plan(&[arguments, &["--json"]].concat());
        let document: Value = serde_json::from_str(&out).expect("one JSON document");
        assert_eq!((found, told.contains(expected), out.lines().count()), (Some(code), true, 1), "{told}");
        assert_eq!(format!("mimikyu: {}\n", document["error"].as_str().expect("text")), told);
    }
    let (_, _, error) = plan(&["--from", &refused, "--to", "a:1,b:1"]);
    assert_eq!(error.matches(&refused).count(), 1, "{error}");
    let (from, to) = (["--from", "a:1,b:1"], ["--to", "c:1,d:1", "--client", "jump"]);
    let all = [&from[..], &to].concat();
    let document = |flags: &[&str]| planned(&[flags, &all].concat());
    assert_eq!(document(&["--json"]), document(&["--format", "json"]));
    let (code, out, error) = plan(&[&all[..], &["--json", "--format", "html"]].concat());
    assert!(
        code == Some(2) && out.starts_with("{\"error\":") && error.contains("cannot be used with"),
        "{error}"
    );
}

#[test]
fn the_page_stands_alone_and_what_endpoints_say_stays_text() {
    let old = Upstream::list(5, "<script>alert(1)</script>|10.0.0.1|11211 old&2|10.0.0.2|11211");
    let from = old.address.to_string();
    let out = planned(&["--from", &from, "--to", "a:1,b:1", "--format", "html"]);
    assert!(out.starts_with("<!doctype html>\n") && out.ends_with("</html>\n"));
    for outside in ["<script", "http:", "https:", "src=", "@import", "url(", "<link"] {
        assert!(!out.contains(outside), "{outside}");
    }
    assert!(out.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && out.contains("old&amp;2"));
    for themes in ["prefers-color-scheme: dark", "@media print"] {
        assert!(out.contains(themes), "{themes}");
    }
    // A chart for each client, with a line for each way that has more steps than one.
    assert_eq!(out.matches("role=\"img\"").count(), 12);
    assert_eq!(out.matches("<polyline").count(), 12 * 3);
    for open in ["svg", "g", "table", "section", "details", "title", "ol", "li", "td", "th", "span", "p"] {
        let opened = out.matches(&format!("<{open}>")).count() + out.matches(&format!("<{open} ")).count();
        assert_eq!(opened, out.matches(&format!("</{open}>")).count(), "{open}");
    }
}

/// `script` (bsdutils, which every Debian has) gives the command a terminal.
#[test]
fn a_terminal_shows_a_bar() {
    let line = format!(
        "{} plan --from a:1,b:1 --to c:1,d:1 --client jump --strategy cut",
        env!("CARGO_BIN_EXE_mimikyu")
    );
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").stdin(Stdio::null());
    let output = command.output().expect("script is installed");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("advice: ") && text.contains("reckoning"), "{text}");
}
