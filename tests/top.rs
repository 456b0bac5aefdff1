//! `mimikyu top`: the daemon in a terminal, and once in a pipe.

mod harness;
#[path = "top/screen.rs"]
mod screen;

use std::net::TcpListener;

use harness::admin::get;
use harness::{Mimikyu, Upstream, until};
use mimikyu::status::{RolloutPlan, Status};
use screen::Screen;

/// A daemon with an admin address that asks these, quickly.
fn daemon(alpha: &Upstream, beta: &Upstream, admin: &str) -> Mimikyu {
    let (alpha, beta) = (format!("alpha={}", alpha.address), format!("beta={}", beta.address));
    let sources = ["--upstream", &alpha, "--upstream", &beta];
    Mimikyu::start(&[&["--admin", admin, "--poll-interval", "50ms"][..], &sources].concat())
}

fn top(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Mimikyu::command(&[&["top"], arguments].concat()).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_pipe_gets_one_report_or_the_document() {
    let (alpha, beta) = (Upstream::list(5, "a b"), Upstream::list(7, "b c"));
    let mut mimikyu = daemon(&alpha, &beta, "127.0.0.1:0");
    let version = mimikyu.list().version;
    let admin = mimikyu.admin();
    for arguments in [&[admin.to_string().as_str()][..], &["--once", &format!(":{}", admin.port())]] {
        let (code, out, error) = top(arguments);
        assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
        assert!(out.starts_with(&format!("mimikyu {} at {admin}, up ", env!("CARGO_PKG_VERSION"))), "{out}");
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines[1], "All is well: the list is served, and every source answers.");
        assert!(lines[2].starts_with(&format!("version {version}: 3 nodes of 2 sources, digest ")), "{out}");
        assert_eq!(lines[3], format!("The one client seen in the last 2 min has version {version}."));
        for (name, upstream) in [("alpha", &alpha), ("beta", &beta)] {
            let row = lines.iter().find(|line| line.starts_with(&format!("  {name} "))).expect("a row");
            assert!(row.contains(" fresh ") && row.ends_with(&upstream.address.to_string()), "{row}");
        }
        assert!(out.contains("  2  b:11211  10.0.0.1  alpha, beta\n"), "{out}");
        assert!(out.contains(" the first answers are in\n    added a:11211 "), "{out}");
        assert!(out.contains("connections ") && !out.contains('\x1b'), "{out}");
    }
    let (code, out, error) = top(&["--json", &admin.to_string()]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let document: Status = serde_json::from_str(&out).expect("the status");
    assert_eq!(u64::from(document.list.unwrap().version), version);
    // But for what moves on, it is what the address says.
    let still = |text: &str| {
        let mut value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        value
            .as_object_mut()
            .unwrap()
            .retain(|name, _| ["mimikyu", "started", "list", "listen"].contains(&name.as_str()));
        (names, value)
    };
    assert_eq!(still(&out), still(&get(admin, "/status").body));
}

#[test]
fn who_is_not_there_or_is_no_admin_address_is_told_in_one_line() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for arguments in [&[nobody.as_str()][..], &["--json", &nobody], &["--once", &nobody]] {
        let (code, out, error) = top(arguments);
        assert_eq!((code, error.lines().count()), (Some(1), 1), "{error}");
        let is_for_a_program = arguments[0] == "--json";
        assert!(if is_for_a_program { out.starts_with("{\"error\":") } else { out.is_empty() }, "{out}");
        let expected = format!("mimikyu: {nobody} can't be reached: Connection refused");
        assert!(error.starts_with(&expected) && error.contains("--admin"), "{error}");
    }
    let other = Upstream::list(1, "a");
    let (code, out, error) = top(&["--timeout", "500ms", &other.address.to_string()]);
    assert_eq!((code, out.as_str(), error.lines().count()), (Some(1), "", 1), "{error}");
    assert!(error.contains("--admin"), "{error}");
    let (code, _, error) = top(&["alpha"]);
    assert_eq!(
        (code, error.as_str()),
        (Some(2), "mimikyu: \"alpha\" is not HOST:PORT; give a port: alpha:9211\n")
    );
}

#[test]
fn a_daemon_without_a_rollout_says_what_to_write() {
    let (alpha, beta) = (Upstream::list(5, "a b"), Upstream::list(7, "b c"));
    let mut mimikyu = daemon(&alpha, &beta, "127.0.0.1:0");
    let admin = mimikyu.admin();
    let answered: RolloutPlan = serde_json::from_str(&get(admin, "/rollout").body).expect("a plan");
    assert_eq!(answered, RolloutPlan::default());
    for (question, json) in [("status", false), ("status", true), ("preview", false), ("preview", true)] {
        let mut command = Mimikyu::command(&["rollout", question, &admin.to_string()]);
        let output = command.args(json.then_some("--json")).output().expect("it runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let (out, error) = (text(output.stdout), text(output.stderr));
        assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{error}");
        assert!(
            error.starts_with(&format!("mimikyu: {admin} has no rollout; write [rollout] with ")),
            "{error}"
        );
        assert!(if json { out.starts_with("{\"error\":") } else { out.is_empty() }, "{out}");
    }
}

#[test]
fn a_terminal_follows_what_happens_and_leaves_all_as_it_was() {
    let (alpha, beta) = (Upstream::list(5, "a b"), Upstream::list(7, "c"));
    let mut mimikyu = daemon(&alpha, &beta, "127.0.0.1:0");
    let mut screen = Screen::top(&format!("{} --interval 100ms", mimikyu.admin()), "");
    screen.shows("All is well");
    for words in ["[List]", "a:11211", "c:11211", "alpha", "No client was seen", "q quit"] {
        screen.shows(words);
    }
    alpha.set_list(6, "a b d");
    screen.shows("4 nodes of 2 sources");
    screen.shows("d:11211");
    mimikyu.list();
    screen.shows("The one client seen");
    beta.kill();
    screen.shows("failing beta");
    screen.shows("refused");
    assert!(screen.is_coloured());
    screen.press("\t");
    screen.shows("[Changes]");
    screen.shows("alpha answered another list");
    screen.press("?");
    screen.shows("A source is");
    screen.press("\x1b");
    until("the help to go", || (!screen.look().contains("A source is")).then_some(()));
    screen.resize(40, 10);
    screen.shows("This window has 40x10");
    screen.resize(120, 40);
    screen.shows("Clients behind");
    screen.press("\x0c");
    screen.shows("[Changes]");
    screen.press("q");
    screen.leaves_all_as_it_was();
}

#[test]
fn a_daemon_that_is_gone_is_told_and_comes_back() {
    let (alpha, beta) = (Upstream::list(5, "a"), Upstream::list(7, "c"));
    let mut mimikyu = daemon(&alpha, &beta, "127.0.0.1:0");
    let admin = mimikyu.admin();
    let mut screen = Screen::top(&format!("{admin} --interval 100ms"), "");
    screen.shows("All is well");
    drop(mimikyu);
    screen.shows("No answer since ");
    screen.shows(" UTC (");
    screen.shows("a:11211");
    alpha.set_list(6, "z");
    let _again = daemon(&alpha, &beta, &admin.to_string());
    screen.shows("All is well");
    screen.shows("z:11211");
    screen.press("\x03");
    screen.leaves_all_as_it_was();
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let (alpha, beta) = (Upstream::list(5, "a"), Upstream::list(7, "c"));
    let mut mimikyu = daemon(&alpha, &beta, "127.0.0.1:0");
    for signal in ["TERM", "INT", "HUP"] {
        let mut screen = Screen::top(&mimikyu.admin().to_string(), "1");
        screen.shows("All is well");
        assert!(!screen.is_coloured(), "NO_COLOR is set");
        screen.signal(signal);
        screen.leaves_all_as_it_was();
    }
}
