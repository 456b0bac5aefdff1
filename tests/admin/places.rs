//! Where operators are answered, and where what is in force was given: at the start, at a reload, at a takeover.

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use mimikyu::status::{Configuration, Origin, Setting};

use super::harness::admin::{get, try_get};
use super::harness::process::run;
use super::harness::{Mimikyu, Upstream, until};
use super::{FAST, history};

const EDGE: [&str; 4] = ["--listen", "127.0.0.1:0", "--static", "edge=127.0.0.1:9"];

#[test]
fn an_address_that_was_asked_for_must_be_had_and_the_usual_one_need_not() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, written) = run(Mimikyu::command(&[&["serve", "--admin", &address], &EDGE[..]].concat()));
    assert_eq!((code, written.lines().count()), (Some(1), 1), "{written}");
    assert!(written.contains(&address) && written.contains("--admin, or none"), "{written}");
    // One of the two finds it taken, whoever else has it.
    let mut both = [(); 2].map(|()| {
        let mut command = Mimikyu::command(&[&["serve"], &EDGE[..]].concat());
        command.env_remove("MIMIKYU_ADMIN");
        let mut mimikyu = Mimikyu::spawn(command);
        mimikyu.ready();
        mimikyu
    });
    let warned = both.each_mut().map(|mimikyu| mimikyu.count("WARN admin address 127.0.0.1:9211"));
    assert!(warned.iter().sum::<usize>() >= 1, "{warned:?}");
    assert!(both.iter().all(|mimikyu| mimikyu.list().hosts() == "127.0.0.1"));
}

#[test]
fn what_is_in_force_says_where_it_was_given_also_after_a_reload() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mimikyu.toml");
    let path = file.to_str().unwrap().to_owned();
    let upstream = Upstream::list(1, "a");
    let source =
        format!("[[source]]\nname = \"alpha\"\nupstream = \"{}\"\ndrop_after = \"1h\"\n", upstream.address);
    std::fs::write(&file, format!("version_base = 5\nworkers = 1\n{source}")).unwrap();
    let flags = ["serve", "--listen", "127.0.0.1:0", "--config", &path, "--poll-interval", "50ms"];
    let mut command = Mimikyu::command(&flags);
    command.env("MIMIKYU_ADMIN", "127.0.0.1:0").env("MIMIKYU_POLL_TIMEOUT", "1s");
    let mut mimikyu = Mimikyu::spawn(command);
    mimikyu.ready();
    let admin = mimikyu.admin();
    let config = || serde_json::from_str::<Configuration>(&get(admin, "/config").body).unwrap();
    let setting = |config: &Configuration, key: &str| {
        let setting = config.settings.iter().find(|setting| setting.key == key).unwrap().clone();
        let Setting { value, origin, place, .. } = setting;
        (value.unwrap_or("-".into()), origin, place.unwrap_or("-".into()))
    };
    let expect = |value: &str, origin, place: &str| (value.to_owned(), origin, place.to_owned());
    let before = config();
    assert_eq!(before.file.as_deref(), Some(path.as_str()));
    assert_eq!(setting(&before, "poll_interval"), expect("50ms", Origin::Flag, "--poll-interval"));
    assert_eq!(setting(&before, "poll_timeout"), expect("1s", Origin::Environment, "MIMIKYU_POLL_TIMEOUT"));
    assert_eq!(setting(&before, "version_base"), expect("5", Origin::File, &format!("{path}:1")));
    assert_eq!(setting(&before, "workers"), expect("1", Origin::File, &format!("{path}:2")));
    assert_eq!(setting(&before, "max_shrink"), expect("off", Origin::Default, "-"));
    assert_eq!(setting(&before, "state"), expect("-", Origin::Default, "-"));
    let given = &before.sources[0];
    assert_eq!((given.name.as_str(), given.target.clone()), ("alpha", upstream.address.to_string()));
    assert_eq!(
        (given.place.clone(), given.choices["drop_after"].as_str()),
        (Some(format!("{path}:4")), "1h")
    );

    std::fs::write(&file, format!("\nversion_base = 7\nworkers = 2\nlog_format = \"json\"\n{source}"))
        .unwrap();
    mimikyu.signal("HUP");
    mimikyu.logged("INFO configuration reloaded");
    let after = until("the reload to be seen", || Some(config()).filter(|after| *after != before));
    assert_eq!(setting(&after, "version_base"), expect("7", Origin::File, &format!("{path}:2")));
    assert_eq!(
        setting(&after, "workers"),
        expect("1", Origin::File, &format!("{path}:2")),
        "needs a restart"
    );
    assert_eq!(setting(&after, "log_format"), expect("text", Origin::Default, "-"), "so does that");
    assert_eq!(after.sources[0].place, Some(format!("{path}:6")));
    let why =
        until("the change", || Some(history(&mut mimikyu).changes.remove(0)).filter(|one| one.version == 8));
    assert_eq!(why.why, "configuration reloaded");

    std::fs::write(&file, "version_base = 0\n").unwrap();
    mimikyu.signal("HUP");
    mimikyu.logged("ERROR reload refused");
    assert_eq!(config(), after);
}

#[test]
fn the_demo_tells_its_flags_as_flags_and_its_own_choices_as_defaults() {
    let arguments = ["demo", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let mut mimikyu = Mimikyu::spawn(Mimikyu::command(&arguments));
    mimikyu.ready();
    let config: Configuration = serde_json::from_str(&get(mimikyu.admin(), "/config").body).unwrap();
    let given = config.settings.iter().filter(|one| one.origin != Origin::Default);
    let given: Vec<_> = given.map(|one| (one.key.as_str(), one.origin, one.place.as_deref())).collect();
    let flag = |key, flag| (key, Origin::Flag, Some(flag));
    assert_eq!(given, [flag("listen", "--listen"), flag("admin", "--admin")]);
    let sources = config.sources.iter().map(|source| source.origin);
    assert_eq!(sources.collect::<Vec<_>>(), [Origin::Default; 2], "nobody gave them");
}

#[test]
fn a_static_node_that_a_reload_takes_out_is_told_as_the_reload() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mimikyu.toml");
    let write = |nodes: &str| {
        std::fs::write(&file, format!("[[source]]\nname = \"edge\"\nstatic = [{nodes}]\n")).unwrap();
    };
    write("\"127.0.0.1:9\", \"127.0.0.2:9\"");
    let mut mimikyu =
        Mimikyu::start(&["--config", file.to_str().unwrap(), "--admin", "127.0.0.1:0", "--workers", "1"]);
    assert_eq!(history(&mut mimikyu).changes[0].why, "edge answered");
    write("\"127.0.0.1:9\"");
    mimikyu.signal("HUP");
    mimikyu.until_hosts("127.0.0.1");
    let change = history(&mut mimikyu).changes.remove(0);
    assert_eq!((change.why.as_str(), change.removed), ("configuration reloaded", vec!["127.0.0.2:9".into()]));
}

#[test]
fn who_takes_over_has_the_admin_address_too() {
    let directory = tempfile::tempdir().unwrap();
    let door = directory.path().join("door");
    let upstream = Upstream::list(1, "a");
    let named = format!("alpha={}", upstream.address);
    let arguments = [&FAST[..4], &["--takeover", door.to_str().unwrap(), "--upstream", &named]].concat();
    let mut old = Mimikyu::start(&[&arguments[..], &["--admin", "127.0.0.1:0"]].concat());
    let admin = old.admin();
    let started = old.status().started;
    // One that does not read holds the old one's end up.
    let mut deaf = old.client();
    deaf.stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    while deaf.stream.write_all(&b"config get cluster\r\n".repeat(1000)).is_ok() {}
    let listen = old.address.to_string();
    let wanted = admin.to_string();
    let mut next = Mimikyu::start(&[&arguments[..], &["--listen", &listen, "--admin", &wanted]].concat());
    assert_eq!(next.admin(), admin, "its ready line says so");
    assert!(old.is_running(), "it was left while the old one still answers");
    let status = next.status();
    assert!(status.started > started && status.ready, "{status:?}");
    assert_eq!(history(&mut next).changes[0].why, "taken over from the process before");
    assert!(old.exit().success());
    assert!(try_get(admin, "/ready").is_ok_and(|ready| ready.status == 200));
}
