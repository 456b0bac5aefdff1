//! The operator's page and a plan's, in a real browser.
//!
//! `tests/page/` has the browser's side: stories against a made-up daemon and of plans, and a driver with which one is
//! told here of the real one. `tests/run` installs the browser; where there can't be one it says so, with
//! `PAGE_CHROMIUM=none`.

mod harness;

#[path = "page/driver.rs"]
mod driver;

use std::process::{Command, Stdio};

use driver::{Driver, has_browser, in_this_tree, node};
use harness::{Mimikyu, Upstream};
use mimikyu::status::{History, Status};
use serde_json::Value;

#[test]
fn the_stories_of_a_made_up_daemon() {
    stories(&["follows", "reads"]);
}

#[test]
fn the_page_of_a_plan() {
    stories(&["plan"]);
}

/// What is told there in JavaScript comes true, where there is a browser.
#[track_caller]
fn stories(names: &[&str]) {
    if !has_browser() {
        return;
    }
    let mut command = node();
    command.env("MIMIKYU", env!("CARGO_BIN_EXE_mimikyu")).arg("--test");
    command.args(names.iter().map(|name| in_this_tree(&format!("tests/page/{name}.test.js"))));
    let output = command.stdin(Stdio::null()).output().expect("node is installed (tests/run installs it)");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("# pass") && told.contains("# fail 0") && !told.contains("# pass 0"), "{told}");
}

#[test]
fn the_made_up_daemon_answers_what_a_real_one_does() {
    let script =
        "const { World } = require(process.argv[1]); const world = new World(); world.fail('beta', 'x'); world.trouble('y'); world.roll();
        console.log(JSON.stringify([world.status(), world.history()]));";
    let output = Command::new("node").args(["-e", script, &in_this_tree("tests/page/world.js")]).output();
    let output = output.expect("node is installed (tests/run installs it)");
    let told: [Value; 2] = serde_json::from_slice(&output.stdout).expect("two values");
    let status: Status = serde_json::from_value(told[0].clone()).expect("a status");
    let history: History = serde_json::from_value(told[1].clone()).expect("a history");
    for (told, read) in told.iter().zip([serde_json::to_value(status), serde_json::to_value(history)]) {
        assert_eq!(fields(told, ""), fields(&read.expect("a value"), ""), "no field more, none less");
    }
}

/// The names of all fields.
fn fields(value: &Value, place: &str) -> Vec<String> {
    match value {
        Value::Object(all) => all
            .iter()
            .flat_map(|(name, value)| {
                let place = format!("{place}.{name}");
                [vec![place.clone()], fields(value, &place)].concat()
            })
            .collect(),
        Value::Array(all) => all.iter().flat_map(|value| fields(value, place)).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn the_page_of_a_running_daemon_follows_it() {
    if !has_browser() {
        return;
    }
    let (alpha, beta) = (Upstream::list(5, "a1 a2"), Upstream::list(7, "b1"));
    let (of_alpha, of_beta) = (format!("alpha={}", alpha.address), format!("beta={}", beta.address));
    let start = |admin: &str| {
        let fast = ["--poll-interval", "100ms", "--poll-timeout", "1s", "--admin", admin];
        Mimikyu::start(&[&fast[..], &["--upstream", &of_alpha, "--upstream", &of_beta]].concat())
    };
    let mut mimikyu = start("127.0.0.1:0");
    let admin = mimikyu.admin();
    let mut page = Driver::start(&format!("http://{admin}/"));

    page.says("h1", "All is well");
    page.says("#detail", "Version 1000012 with 3 nodes");
    page.says("#node-rows tr:nth-child(3)", "b1:11211");
    page.says("#source-rows tr:nth-child(2)", "beta");

    beta.set_list(8, "b1 b2");
    page.says("#detail", "Version 1000013 with 4 nodes");
    page.says("#changes li:first-child", "added b2:11211");
    page.says("#news", "Version 1000013 with 4 nodes is served: 1 added.");

    beta.kill();
    page.says("h1", "Clients are served, but source beta is failing");
    page.says("#source-rows tr:nth-child(2)", "failing");
    page.says("#problems", "Its last good list (2 nodes) stays.");
    assert_eq!(page.ask(&["axe"]), Value::Array(Vec::new()));
    beta.revive();
    page.says("h1", "All is well");
    page.ask(&["innocent"]);

    mimikyu.signal("TERM");
    assert!(mimikyu.exit().success());
    page.says("h1", "No answer from mimikyu since");
    let _again = start(&admin.to_string());
    page.says("h1", "All is well");
    page.ask(&["gone"]);
    page.ask(&["innocent"]);
}
