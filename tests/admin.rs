//! What operators are told by HTTP, of a daemon that really runs.

#[path = "admin/audience.rs"]
mod audience;
#[path = "admin/documented.rs"]
mod documented;
mod harness;
#[path = "admin/hostile.rs"]
mod hostile;
#[path = "admin/places.rs"]
mod places;

use std::io::Write;
use std::time::Duration;

use harness::admin::{get, try_get};
use harness::{Behaviour, Mimikyu, Upstream, until};
use mimikyu::status::{History, State, Status};
use sha2::{Digest, Sha256};

const FAST: [&str; 6] = ["--poll-interval", "50ms", "--poll-timeout", "250ms", "--admin", "127.0.0.1:0"];

/// A daemon with an admin address that asks these upstreams.
fn start(upstreams: &[(&str, &Upstream)], arguments: &[&str]) -> Mimikyu {
    let named = upstreams
        .iter()
        .flat_map(|(name, upstream)| ["--upstream".to_owned(), format!("{name}={}", upstream.address)]);
    let named: Vec<_> = named.collect();
    let named: Vec<_> = named.iter().map(String::as_str).collect();
    Mimikyu::start(&[&FAST[..], &named, arguments].concat())
}

fn history(mimikyu: &mut Mimikyu) -> History {
    let admin = mimikyu.admin();
    serde_json::from_str(&get(admin, "/history").body).expect("the history")
}

#[test]
fn the_status_is_the_truth_in_the_form_that_was_promised() {
    let (alpha, beta) = (Upstream::list(5, "a b"), Upstream::list(7, "b c"));
    let mut mimikyu = start(&[("alpha", &alpha), ("beta", &beta)], &["--workers", "2"]);
    let reply = mimikyu.ask("config get cluster\r\n");
    let version = mimikyu.list().version;
    until("polls", || (alpha.asked("config get cluster") > 2).then_some(()));
    let admin = mimikyu.admin();
    let body = get(admin, "/status").body;
    let status: Status = serde_json::from_str(&body).unwrap();
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(serde_json::to_value(&status).unwrap(), value, "nothing is lost, nothing is left over");

    let list = status.list.unwrap();
    let digest: String = Sha256::digest(&reply).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((list.digest, list.bytes), (digest, reply.len()));
    assert_eq!(u64::from(list.version), version);
    let nodes =
        list.nodes.iter().map(|node| format!("{}|{}|{} {:?}", node.host, node.ip, node.port, node.sources));
    let expected = [
        r#"a|10.0.0.1|11211 ["alpha"]"#,
        r#"b|10.0.0.1|11211 ["alpha", "beta"]"#,
        r#"c|10.0.0.1|11211 ["beta"]"#,
    ];
    assert_eq!(nodes.collect::<Vec<_>>(), expected);
    let [first, second] = &status.sources[..] else { panic!("{:?}", status.sources) };
    assert_eq!((first.name.as_str(), first.kind.as_str()), ("alpha", "upstream"));
    assert_eq!((first.target.clone(), first.address), (alpha.address.to_string(), Some(alpha.address)));
    assert_eq!((first.state, first.version, second.version), (State::Fresh, Some(5), Some(7)));
    assert!(first.polls_good > 1 && first.polls_failed == 0 && first.last_error.is_none());
    assert!(first.next_poll.is_none_or(|next| next <= 0.05) && first.last_good_age.unwrap() < 20.0);
    assert!(status.ready && status.waits_for.is_none());
    assert_eq!((status.listen, status.workers.count), (vec![mimikyu.address], 2));
    assert!(status.traffic.requests >= 2 && status.traffic.lists >= 2 && status.traffic.accepted >= 2);
    let connections = status.limits.iter().find(|limit| limit.name == "connections").unwrap();
    assert!(connections.max > 0 && connections.used <= connections.max);
    for time in [&status.now, &status.started, &list.since.unwrap()] {
        assert!(time.len() == "2026-01-01T00:00:00.000Z".len() && time.ends_with('Z'), "{time}");
    }
    assert!(status.uptime >= 0.0 && status.now >= status.started);
    let first = &history(&mut mimikyu).changes[0];
    assert_eq!((first.why.as_str(), first.added.len()), ("the first answers are in", 3));
    assert!(!mimikyu.log.iter().any(|line| line.contains(" ready ") && line.contains(" list=")));
    assert!(get(admin, "/metrics").body.ends_with("# EOF\n"));
    assert!(get(admin, "/").body.contains("<title>"));
}

#[test]
fn it_is_ready_with_a_list_and_no_upstream_makes_it_unready() {
    let upstream = Upstream::start(Behaviour::Hangs);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--startup-grace", "1h", "--upstream"];
    let named = format!("alpha={}", upstream.address);
    let mut command = Mimikyu::command(&[&arguments[..], &[&named], &FAST[..4]].concat());
    // Before the ready line nobody says which port was chosen: this one was just free.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    command.env("MIMIKYU_ADMIN", free.to_string());
    let mut mimikyu = Mimikyu::spawn(command);
    let waiting = until("the admin address", || try_get(free, "/ready").ok());
    assert_eq!((waiting.status, get(free, "/live").status), (503, 200));
    until("the source to be waited for", || {
        get(free, "/ready").body.contains("waits for the first answer of alpha").then_some(())
    });
    upstream.set_list(1, "a");
    mimikyu.ready();
    assert_eq!(mimikyu.admin(), free);
    assert_eq!((get(free, "/ready").status, get(free, "/ready").body.as_str()), (200, "ready\n"));
    upstream.kill();
    let failing =
        until("a failure", || Some(mimikyu.status()).filter(|s| s.sources[0].state == State::Failing));
    assert_eq!((get(free, "/ready").status, failing.ready), (200, true), "that changes nothing for clients");
    assert!(failing.sources[0].last_error.as_ref().unwrap().what.contains("refused"), "{failing:?}");
    assert_eq!(failing.list.unwrap().nodes.len(), 1);

    // A client that does not read holds the end up, and so lets it be seen.
    let mut deaf = mimikyu.client();
    deaf.stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    while deaf.stream.write_all(&b"config get cluster\r\n".repeat(1000)).is_ok() {}
    mimikyu.signal("TERM");
    until("it to be unready", || {
        let ready = try_get(free, "/ready").ok()?;
        (ready.status == 503 && ready.body.contains("stopping")).then_some(())
    });
    assert_eq!(get(free, "/live").status, 200);
}

#[test]
fn a_list_that_there_never_was_makes_it_unready() {
    let upstream = Upstream::start(Behaviour::Hangs);
    let mut mimikyu = start(&[("alpha", &upstream)], &["--startup-grace", "0s"]);
    let admin = mimikyu.admin();
    let ready = get(admin, "/ready");
    assert_eq!((ready.status, ready.body.lines().count()), (503, 1));
    assert!(ready.body.contains("there is no list: never an answer of alpha"), "{}", ready.body);
    let status = mimikyu.status();
    assert!(!status.ready && status.list.is_none() && status.waits_for.unwrap().contains("alpha"));
    assert!(mimikyu.log.iter().any(|line| line.contains(" ready ") && line.contains(" list=none ")));
}

#[test]
fn what_is_wrong_with_the_list_and_the_state_file_is_told_until_it_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let absent = directory.path().join("absent");
    let upstream = Upstream::list(1, "a||11211");
    let mut mimikyu = start(&[("alpha", &upstream)], &["--state", absent.join("state").to_str().unwrap()]);
    let troubles = until("both", || Some(mimikyu.status().troubles).filter(|troubles| troubles.len() == 2));
    let has = |words: &str| troubles.iter().any(|trouble| trouble.what.contains(words));
    assert!(
        has("the list hurts some clients: R8") && has("absent/state is not written (No such"),
        "{troubles:?}"
    );
    assert!(troubles.iter().all(|trouble| trouble.since.ends_with('Z')), "{troubles:?}");
    std::fs::create_dir(absent).unwrap();
    upstream.set_list(2, "a");
    until("neither", || mimikyu.status().troubles.is_empty().then_some(()));
}

#[test]
fn the_history_says_why_and_holds_a_hundred_changes() {
    let upstream = Upstream::list(1, "a b");
    let mut mimikyu = start(&[("alpha", &upstream)], &[]);
    let first = history(&mut mimikyu).changes;
    assert_eq!((first.len(), first[0].why.as_str(), first[0].nodes), (1, "alpha answered", 2));
    assert_eq!(first[0].added, ["a:11211", "b:11211"]);
    upstream.set_list(2, "b c");
    let changed = |mimikyu: &mut Mimikyu, version: u64| {
        until("the change", || {
            let changes = history(mimikyu).changes;
            (u64::from(changes[0].version) == 1_000_000 + version).then_some(changes)
        })
    };
    let second = changed(&mut mimikyu, 2).remove(0);
    assert_eq!(second.why, "alpha answered another list");
    assert_eq!((second.added, second.removed), (vec!["c:11211".into()], vec!["a:11211".to_owned()]));
    let since = mimikyu.status().list.unwrap().since.unwrap();
    assert!(since >= second.at, "{since} {}", second.at);
    for version in 3..=101 {
        upstream.set_list(version, &format!("n{version}"));
        let changes = changed(&mut mimikyu, version);
        assert_eq!(changes.len() as u64, version.min(100));
    }
    assert_eq!(history(&mut mimikyu).changes.last().unwrap().version, 1_000_002, "the oldest is gone");
}

#[test]
fn replicas_that_have_seen_the_same_have_the_same_digest() {
    let upstream = Upstream::list(3, "a b");
    let mut replicas = [(); 2].map(|()| start(&[("alpha", &upstream)], &[]));
    let mut digests = || replicas.each_mut().map(|replica| replica.status().list.unwrap().digest);
    let [one, other] = digests();
    assert_eq!((one.len(), &one), (64, &other));
    upstream.set_list(4, "a b c");
    let [after, _] =
        until("both to have it", || Some(digests()).filter(|[this, that]| *this != one && this == that));
    assert_ne!(after, one);
}

#[test]
fn a_list_from_before_the_start_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    let upstream = Upstream::list(3, "a b");
    let arguments = ["--state", state.to_str().unwrap()];
    drop(start(&[("alpha", &upstream)], &arguments));
    upstream.set(Behaviour::Hangs);
    let mut mimikyu = start(&[("alpha", &upstream)], &arguments);
    let status = mimikyu.status();
    assert_eq!(status.list.unwrap().since, None);
    assert_eq!(history(&mut mimikyu).changes[0].why, "restored from the state file");
    assert_eq!(status.sources[0].version, Some(3));
}
