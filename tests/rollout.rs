//! A migration in steps: the built binary, its replicas, its clients and its operators.

#[path = "reload/configured.rs"]
mod configured;
#[path = "rollout/guarded.rs"]
mod guarded;
mod harness;
#[path = "rollout/measured.rs"]
mod measured;

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use configured::{Configured, Control, reload};
use harness::admin::{get, status};
use harness::{Behaviour, Upstream, until};
use mimikyu::status::{History, Progress, RolloutPlan};

/// So many seconds from now, as the configuration has it.
pub fn seconds_from_now(seconds: i64) -> String {
    let span = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    let time = if seconds < 0 { now - span } else { now + span };
    humantime::format_rfc3339_millis(time).to_string()
}

/// The table, and what the file has above its sources.
fn table(start: &str, interval: &str, others: &str) -> String {
    format!(
        "\n[rollout]\nfrom = \"alpha\"\nto = \"beta\"\nstart = {start}\ninterval = \"{interval}\"\n{others}\n"
    )
}

/// Writes the file: the table comes last.
fn write(configured: &Configured, settings: &str, sources: &[(&str, &Upstream)], table: &str) {
    std::fs::write(&configured.file, configured::text(settings, sources) + table).unwrap();
}

fn plan(admin: SocketAddr) -> RolloutPlan {
    serde_json::from_str(&get(admin, "/rollout").body).unwrap()
}

const ADMIN: [&str; 2] = ["--admin", "127.0.0.1:0"];

#[test]
fn replicas_go_through_the_same_steps_without_talking_to_each_other() {
    let (alpha, beta) = (Upstream::list(5, "a1 a2 a3"), Upstream::list(7, "b1 b2 b3"));
    let sources = [("alpha", &alpha), ("beta", &beta)];
    let configured = Configured::new();
    write(&configured, "", &sources, &table(&seconds_from_now(2), "1s", ""));
    let mut replicas = [(); 2].map(|()| configured.start(&ADMIN));
    let controls = replicas.each_ref().map(|replica| Control::of(replica.address));
    replicas.iter().for_each(|replica| drop(replica.until_hosts("b1 b2 b3")));
    let expected = ["1000012: a1 a2 a3", "1000013: b1 a2 a3", "1000014: b1 b2 a3", "1008204: b1 b2 b3"];
    for seen in controls.map(Control::end) {
        // A machine that stands still for a second may miss a step, and is where the others are then.
        assert!(seen.iter().all(|list| expected.contains(&list.as_str())), "{seen:?}");
        assert_eq!(
            (seen.first().unwrap().as_str(), seen.last().unwrap().as_str()),
            (expected[0], expected[3])
        );
    }
    // One that knows nothing of all that, since it starts now.
    let mut late = configured.start(&ADMIN);
    assert_eq!(late.list(), replicas[0].list());
    let told = late.status().rollout.unwrap();
    assert_eq!((told.progress, told.step, told.steps, told.next), (Progress::Done, 3, 3, None));
    let first = &mut replicas[0];
    first.logged("rollout is configured from=\"alpha\" to=\"beta\" strategy=\"swap\" batch=1");
    first.logged("rollout has taken a step");
    first.logged("rollout is done");
    let history: History = serde_json::from_str(&get(first.admin(), "/history").body).unwrap();
    assert_eq!(history.changes[0].why, "rollout alpha to beta: step 3 of 3");
    assert_eq!(first.count("WARN"), 0);
}

#[test]
fn a_rollout_is_held_goes_on_and_is_undone_by_a_reload() {
    let (alpha, beta) = (Upstream::list(5, "a1 a2 a3 a4"), Upstream::list(7, "b1 b2 b3 b4"));
    let sources = [("alpha", &alpha), ("beta", &beta)];
    let configured = Configured::new();
    let start = seconds_from_now(-3);
    write(&configured, "", &sources, &table(&start, "1s", "hold_at = 1"));
    let mut mimikyu = configured.start(&ADMIN);
    let admin = mimikyu.admin();
    let control = Control::of(mimikyu.address);
    mimikyu.until_hosts("b1 a2 a3 a4");
    let told = status(admin).rollout.unwrap();
    assert_eq!((told.progress, told.step, told.hold_at), (Progress::Held, 1, Some(1)));
    mimikyu.logged("INFO rollout stays at its step hold=\"hold_at is 1: it goes no further\"");
    // What has been due meanwhile comes a step at a time.
    write(&configured, "", &sources, &table(&start, "1s", "hold_at = 3"));
    reload(&mut mimikyu);
    mimikyu.logged("WARN rollout is not where its schedule is");
    mimikyu.until_hosts("b1 b2 b3 a4");
    let told = status(admin).rollout.unwrap();
    assert!(told.behind > 0 && told.start_to_agree.is_some(), "{told:?}");
    // The undo.
    write(&configured, "", &sources, &table(&seconds_from_now(3600), "1s", ""));
    reload(&mut mimikyu);
    mimikyu.until_hosts("a1 a2 a3 a4");
    mimikyu.logged("WARN rollout has gone back");
    let told = plan(admin);
    assert_eq!(told.rollout.unwrap().progress, Progress::Waiting);
    let next = &told.steps[0];
    assert_eq!(
        (&next.added[..], &next.removed[..]),
        (&["b1:11211".to_owned()][..], &["a1:11211".to_owned()][..])
    );
    assert!(next.at.is_some() && next.moves.len() == 2, "{next:?}");
    // Without the table the two are merged as any others.
    write(&configured, "", &sources, "");
    reload(&mut mimikyu);
    mimikyu.until_hosts("a1 a2 a3 a4 b1 b2 b3 b4");
    assert_eq!(plan(admin), RolloutPlan { rollout: None, steps: Vec::new() });
    let seen = control.end();
    assert_eq!(
        seen,
        [
            "1000013: b1 a2 a3 a4",
            "1000014: b1 b2 a3 a4",
            "1000015: b1 b2 b3 a4",
            "1000016: a1 a2 a3 a4",
            "1000017: a1 a2 a3 a4 b1 b2 b3 b4",
        ]
    );
}

#[test]
fn a_rollout_goes_on_after_a_crash_with_the_upstreams_gone() {
    let (alpha, beta) = (Upstream::list(5, "a1 a2 a3"), Upstream::list(7, "b1 b2 b3"));
    let sources = [("alpha", &alpha), ("beta", &beta)];
    let configured = Configured::new();
    let state = configured.directory.path().join("state");
    let settings = format!("state = {state:?}");
    let start = seconds_from_now(-1);
    write(&configured, &settings, &sources, &table(&start, "1h", ""));
    let mut mimikyu = configured.start(&ADMIN);
    let before = mimikyu.until_hosts("b1 a2 a3");
    // The old cluster loses the node that is off the list already: nobody moves, not after a crash either.
    alpha.set_list(6, "a2 a3");
    let after = until("the version to follow", || {
        Some(mimikyu.list()).filter(|reply| reply.version > before.version)
    });
    assert_eq!(after.hosts(), "b1 a2 a3");
    mimikyu.signal("KILL");
    mimikyu.exit();
    alpha.set(Behaviour::Hangs);
    beta.set(Behaviour::Hangs);
    let mut mimikyu = configured.start(&ADMIN);
    assert_eq!(mimikyu.list(), after);
    // The interval is over, by the configuration.
    write(&configured, &settings, &sources, &table(&start, "1s", "hold_at = 2"));
    reload(&mut mimikyu);
    mimikyu.until_hosts("b1 b2 a3");
}
