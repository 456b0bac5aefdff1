//! The operator's page and a plan's, in a real browser.
//!
//! `tests/page/` has the browser's side: stories against a made-up daemon and of plans, and a driver with which one is
//! told here of the real one. `tests/run` installs the browser; where there can't be one it says so, with
//! `PAGE_CHROMIUM=none`.

#[path = "reload/configured.rs"]
mod configured;
mod harness;

#[path = "page/driver.rs"]
mod driver;

use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use configured::{Configured, reload};
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
    let mut real = Mimikyu::start(&["--static", "s=127.0.0.1:9", "--admin", "127.0.0.1:0"]);
    let names = |status: &Status| status.limits.iter().map(|limit| limit.name.clone()).collect::<Vec<_>>();
    let real = real.status();
    assert_eq!(names(&status), names(&real));
    // An older kernel has fewer of them.
    let is_known = |feature: &String| status.workers.ring_features.contains(feature);
    assert!(real.workers.ring_features.iter().all(is_known), "{:?}", real.workers);
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

#[test]
fn the_page_of_a_running_daemon_follows_its_rollout() {
    if !has_browser() {
        return;
    }
    let (alpha, beta) = (Upstream::list(5, "a1 a2"), Upstream::list(7, "b1 b2"));
    let configured = Configured::new();
    let write = |table: &str| {
        let patient = "poll_timeout = \"1s\"";
        let sources = configured::text(patient, &[("alpha", &alpha), ("beta", &beta)]);
        std::fs::write(&configured.file, sources + table).expect("written");
    };
    let rollout = |start: &str, others: &str| {
        write(&format!("[rollout]\nfrom = \"alpha\"\nto = \"beta\"\nstart = {start}\n{others}"));
    };
    rollout("2099-12-31T00:00:00Z", "interval = \"1h\"");
    let mut mimikyu = configured.start(&["--admin", "127.0.0.1:0"]);
    let mut page = Driver::start(&format!("http://{}/", mimikyu.admin()));
    page.says("#rollout:not([hidden]) #rollout-title", "Rollout: swap alpha → beta");
    page.says("#rollout-plan", "1 node a step, every 1 h");
    page.says("#rollout-step", "Step 0 of 2, it has not begun");
    page.says("#rollout-next", "Next: step 1 at ");
    page.says("#rollout-nodes", "b1:11211");
    page.says("#rollout-moves", "% of the keys of libmemcached-ketama");
    page.says("#node-rows tr:nth-child(1)", "a1:11211");

    let now = SystemTime::now();
    let minute_ago = humantime::format_rfc3339_millis(now - Duration::from_secs(60)).to_string();
    rollout(&minute_ago, "interval = \"1h\"");
    reload(&mut mimikyu);
    page.says("#news", "Step 1 of 2 of the rollout is served.");
    page.says("#rollout-step", "Step 1 of 2");
    page.says("#rollout-next", "Next: step 2 at ");
    page.says("#rollout-nodes", "b2:11211");
    page.says("#node-rows tr:nth-child(1)", "b1:11211");
    page.says("#changes li:first-child", "added b1:11211");
    page.says("h1", "All is well");

    // What is due, and is too much.
    rollout(&minute_ago, "interval = \"100ms\"\nmax_move = \"1%\"");
    reload(&mut mimikyu);
    page.says("h1", "Clients are served, but the rollout is held");
    page.says("#rollout-step", "Step 1 of 2, held");
    page.says("#rollout-hold", "max_move");
    page.says("#rollout-behind", " behind. A replica that starts anew agrees with start = ");
    assert_eq!(page.ask(&["axe"]), Value::Array(Vec::new()));

    rollout(&minute_ago, "interval = \"100ms\"");
    reload(&mut mimikyu);
    page.says("#rollout-step", "Done: all of the 2 steps are taken");
    page.says("#node-rows tr:nth-child(2)", "b2:11211");
    page.says("h1", "All is well");
    assert_eq!(mimikyu.list().hosts(), "b1 b2");

    write("");
    reload(&mut mimikyu);
    page.says("#rollout[hidden] #rollout-title", "Rollout");
    page.ask(&["innocent"]);
}
