//! Every key, good and bad, and every bound crossed by one.

use std::path::Path;

use super::super::super::{Config, all_from_bytes, examine, from_bytes, resolve};
use super::*;

const SOURCES: &str = "[[source]]\nname = 'a'\nstatic = ['n:1']\n[[source]]\nname = 'b'\nstatic = ['m:1']\n";

/// What a rollout needs, without its header: four lines, of which the header is the seventh of the file.
const NEEDED_LINES: &str = "from = 'a'\nto = 'b'\nstart = 2026-12-01T03:00:00Z\ninterval = '10m'\n";

/// The number of the first line below those.
const NEXT_LINE: usize = 12;

fn config(more: &str) -> Result<Config, Error> {
    let text = format!("{SOURCES}[rollout]\n{NEEDED_LINES}{more}");
    resolve([from_bytes(Path::new("m.toml"), text.as_bytes())?])
}

#[track_caller]
fn rollout(more: &str) -> Rollout {
    config(more).unwrap_or_else(|error| panic!("{error}")).rollout.expect("one")
}

/// All faults of a text, by their lines, without the cures.
fn faults(text: &str) -> Vec<String> {
    let (layer, faults) = all_from_bytes(Path::new("m.toml"), text.as_bytes());
    let examined = examine([layer]);
    let lines = faults.iter().chain(examined.faults.iter()).map(ToString::to_string);
    lines.map(|line| line.split(';').next().unwrap().to_owned()).collect()
}

fn share(text: &str) -> Share {
    Share::new(text).unwrap()
}

#[test]
fn what_is_needed_is_enough() {
    let expected = Rollout {
        from: "a".into(),
        to: "b".into(),
        strategy: Strategy::Swap,
        batch: Batch::default(),
        start: Duration::from_secs(1_796_094_000),
        interval: Duration::from_secs(600),
        hold_at: None,
        clients: vec![Family::LibmemcachedKetama, Family::LibmemcachedModula],
        max_move: Share::OFF,
        guard: None,
    };
    assert_eq!(rollout(""), expected);
    assert_eq!(config("").unwrap().sources.len(), 2);
    let none = from_bytes(Path::new("m.toml"), SOURCES.as_bytes()).unwrap();
    assert_eq!((&none.rollout, none.rollout_origin("from")), (&None, Origin::Unset));
}

#[test]
fn all_of_it_is_taken_and_every_key_has_its_place() {
    let more = "strategy = 'cut'\nbatch = '20%'\nhold_at = 3\nclients = ['jump', 'dalli']\nmax_move = 0.2\n\
                hold_below_hit_rate = 0.85\nhit_rate_window = '5m'\nhit_rate_requests_min = 10_000\n";
    let found = rollout(more);
    assert_eq!((found.strategy, found.batch.to_string()), (Strategy::Cut, "20%".into()));
    assert_eq!((found.hold_at, found.max_move), (Some(3), share("20%")));
    assert_eq!(found.clients, [Family::Jump, Family::Dalli]);
    let guard = Guard { floor: share("85%"), window: Duration::from_secs(300), requests_min: 10_000 };
    assert_eq!(found.guard, Some(guard));
    // Every key that there is is in the text, and each is told as it is written.
    let given: Vec<_> = found.settings().into_iter().map(|(key, _)| key).collect();
    assert_eq!(given, KEYS);
    let text = format!("[rollout]\n{NEEDED_LINES}{more}");
    let layer = from_bytes(Path::new("m.toml"), text.as_bytes()).unwrap();
    assert_eq!(layer.rollout.as_ref().unwrap().origin.to_string(), "m.toml:1");
    for key in KEYS {
        let line = text.lines().position(|line| line.starts_with(&format!("{key} = "))).unwrap() + 1;
        assert_eq!(layer.rollout_origin(key).to_string(), format!("m.toml:{line}"));
    }
    // A guard has what it needs.
    let usual = Guard { floor: share("0.85"), window: Guard::WINDOW, requests_min: Guard::REQUESTS_MIN };
    assert_eq!(rollout("hold_below_hit_rate = '85%'").guard, Some(usual));
}

#[test]
fn bounds_are_taken_and_one_more_is_not() {
    for (key, good, bad, fault) in [
        ("strategy", "'swap'", "'swop'", r#""swop" is no strategy; did you mean "swap"?"#),
        (
            "strategy",
            "'merge-then-drain'",
            "'at once'",
            r#""at once" is no strategy; known are swap, add-then-drain, merge-then-drain, cut"#,
        ),
        ("strategy", "'add-then-drain'", "2", "expected a string, found an integer; put it in quotes"),
        (
            "batch",
            "1",
            "0",
            r#""0" is not a batch; give nodes from 1 to 1024, or a share from "1%" to "100%""#,
        ),
        ("batch", "1024", "1025", r#""1025" is not a batch; "#),
        ("batch", "'1'", "-1", r#""-1" is not a batch; "#),
        ("batch", "'1%'", "'0%'", r#""0%" is not a batch; "#),
        ("batch", "'100%'", "'101%'", r#""101%" is not a batch; "#),
        ("batch", "0x10", "0.2", r#"expected a number or a string, found a float; write it like 2 or "20%""#),
        ("hold_at", "0", "-1", "-1 is out of range; give a number from 0 to 3072"),
        ("hold_at", "3072", "3073", "3073 is out of range; give a number from 0 to 3072"),
        ("hold_at", "7", "'7'", "expected an integer, found a string; write it without quotes"),
        ("clients", "['jump']", "'jump'", r#"expected an array, found a string; write clients = ["…", …]"#),
        (
            "clients",
            "['jump']",
            "[]",
            "the list is empty; leave the key out for libmemcached-ketama and libmemcached-modula",
        ),
        ("clients", "['jump', 'dalli']", "['jump', 'jump']", "jump is given twice; give it once"),
        ("clients", "['enyim']", "['enyin']", r#""enyin" is no client; did you mean "enyim"?"#),
        ("clients", "['gomemcache']", "['php']", r#""php" is no client; known are java-modulo, "#),
        ("clients", "['dalli']", "[1]", "expected a string, found an integer; put it in quotes"),
        ("max_move", "'20%'", "'0%'", r#""0%" is out of range; give a share above 0%"#),
        ("max_move", "0.000001", "0.0000001", r#""0.0000001" is too fine; give fewer digits"#),
        ("max_move", "'off'", "'100.0001%'", r#""100.0001%" is out of range; "#),
        ("max_move", "1.0", "20", r#"expected a string, found an integer; write "20%""#),
        (
            "hold_below_hit_rate",
            "0.999999",
            "1.0",
            r#""1.0" is out of range; give a share below 100%, like 85% or 0.85, or leave the key out"#,
        ),
        ("hold_below_hit_rate", "'99.9999%'", "'100%'", r#""100%" is out of range; give a share below 100%"#),
        ("hold_below_hit_rate", "'0.0001%'", "'off'", r#""off" is out of range; give a share below 100%"#),
        ("hold_below_hit_rate", "0.000001", "0.0", r#""0.0" is out of range; give a share below 100%"#),
        ("hold_below_hit_rate", "'85%'", "'85'", r#""85" is not a share; give a share below 100%"#),
    ] {
        refused(&format!("{key} = {good}"), &format!("{key} = {bad}"), key, fault);
    }
    let floor = "hold_below_hit_rate = '85%'; ";
    for (key, good, bad, fault) in [
        ("hit_rate_window", "'1s'", "'999ms'", "999ms is out of range; give a time from 1s to 1h"),
        ("hit_rate_window", "'1h'", "'1h 1ns'", "\"1h 1ns\" is out of range; give a time from 1s to 1h"),
        ("hit_rate_window", "'1m'", "60", "60 has no unit; write 60s"),
        ("hit_rate_requests_min", "1", "0", "0 is out of range; give a number from 1 to 1000000000"),
        ("hit_rate_requests_min", "1_000_000_000", "1_000_000_001", "1000000001 is out of range; "),
        ("hit_rate_requests_min", "1000", "'1000'", "expected an integer, found a string; "),
    ] {
        let line = |value| format!("{floor}{key} = {value}").replace("; ", "\n");
        assert!(config(&line(good)).is_ok(), "{key} = {good}");
        let error = config(&line(bad)).unwrap_err().to_string();
        let expected = format!("m.toml:{}: {key}: {fault}", NEXT_LINE + 1);
        assert!(error.starts_with(&expected), "{error}\ninstead of\n{expected}");
    }
}

/// The one is taken below what is needed, the other is a fault there.
#[track_caller]
fn refused(good: &str, bad: &str, key: &str, fault: &str) {
    assert!(config(good).is_ok(), "{good}: {:?}", config(good));
    let error = config(bad).unwrap_err().to_string();
    let expected = format!("m.toml:{NEXT_LINE}: {key}: {fault}");
    assert!(error.starts_with(&expected), "{error}\ninstead of\n{expected}");
}

/// The same for what is needed, in the place of its own line.
#[test]
fn what_is_needed_has_bounds_too() {
    let with = |key: &str, value: &str| {
        let lines = NEEDED_LINES.lines().map(|line| match line.starts_with(&format!("{key} =")) {
            true => format!("{key} = {value}\n"),
            false => format!("{line}\n"),
        });
        let text = format!("[rollout]\n{}{SOURCES}", lines.collect::<String>());
        from_bytes(Path::new("m.toml"), text.as_bytes()).and_then(|layer| resolve([layer]))
    };
    let agree = "replicas in other time zones must agree";
    let longest = "a".repeat(65);
    for (key, good, bad, fault) in [
        ("from", "'b'", "'A b'", r#"m.toml:2: from: "A b" is not a name for a source; use letters"#.into()),
        ("from", "'b'", "1", "m.toml:2: from: expected a string, found an integer; put it in".into()),
        ("to", "'a'", &format!("'{longest}'"), format!("m.toml:3: to: the name {longest:?} is too long; ")),
        ("interval", "'100ms'", "'99ms'", "m.toml:5: interval: 99ms is out of range; give a time from 100ms".into()),
        ("interval", "'30days'", "'30days 1ns'", "m.toml:5: interval: \"30days 1ns\" is out of range; ".into()),
        ("interval", "'1h'", "10", "m.toml:5: interval: 10 has no unit; write 10s".into()),
        ("interval", "'1h'", "0", "m.toml:5: interval: 0 is out of range; ".into()),
        (
            "start",
            "2000-01-01T00:00:00Z",
            "1999-12-31T23:59:59Z",
            "m.toml:4: start: 1999-12-31T23:59:59Z is out of range; give a time from 2000-01-01T00:00:00Z to 2100-01-01T00:00:00Z".into(),
        ),
        (
            "start",
            "2100-01-01T01:00:00+01:00",
            "2100-01-01T00:00:00.000000001Z",
            "m.toml:4: start: 2100-01-01T00:00:00.000000001Z is out of range; ".into(),
        ),
        ("start", "2026-12-01 03:00:00-08:00", "0000-01-01T00:00:00Z", "m.toml:4: start: 0000-01-01T00:00:00Z is out of".into()),
        (
            "start",
            "2026-12-01T03:00:00.5Z",
            "2026-12-01T03:00:00",
            format!("m.toml:4: start: 2026-12-01T03:00:00 has no offset; add Z or an offset: {agree}"),
        ),
        (
            "start",
            "2026-12-01T03:00Z",
            "2026-12-01",
            format!("m.toml:4: start: 2026-12-01 has no time; add a time and Z or an offset: {agree}"),
        ),
        (
            "start",
            "2028-02-29T00:00:00Z",
            "03:00:00",
            format!("m.toml:4: start: 03:00:00 has no date; add a date and Z or an offset: {agree}"),
        ),
        (
            "start",
            "2026-12-01T03:00:00Z",
            "'2026-12-01T03:00:00Z'",
            "m.toml:4: start: expected a date-time, found a string; write it without quotes".into(),
        ),
        (
            "start",
            "2026-12-01T03:00:00Z",
            "'tomorrow'",
            r#"m.toml:4: start: "tomorrow" is not a date-time; write it like 2026-12-01T03:00:00Z, without quotes"#.into(),
        ),
        (
            "start",
            "2026-12-01T03:00:00Z",
            "1796094000",
            "m.toml:4: start: expected a date-time, found an integer; write it like 2026-12-01T03:00:00Z".into(),
        ),
        ("start", "2028-02-29T00:00:00Z", "2026-02-29T00:00:00Z", "m.toml:4: not TOML: ".into()),
    ] {
        let is_the_other = matches!(key, "from" | "to");
        let outcome = with(key, good);
        assert!(is_the_other || outcome.is_ok(), "{key} = {good}: {outcome:?}");
        let error = with(key, bad).unwrap_err().to_string();
        assert!(error.starts_with(&fault), "{error}\ninstead of\n{fault}");
    }
    let start = |text: &str| with("start", text).unwrap().rollout.unwrap().start;
    assert_eq!(start("2026-12-01T04:30:00.25+01:30"), Duration::from_millis(1_796_094_000_250));
}

#[test]
fn every_fault_is_told_and_what_follows_from_one_is_not() {
    for (text, lines) in [
        (
            format!("{SOURCES}[rollout]\n"),
            &[
                "m.toml:7: the rollout has no from",
                "m.toml:7: the rollout has no to",
                "m.toml:7: the rollout has no start",
                "m.toml:7: the rollout has no interval",
            ][..],
        ),
        // What is misspelt or wrong is not missing too.
        (
            format!(
                "{SOURCES}[rollout]\nfrm = 'a'\nto = 1\nstar = 5\nintervall = '1m'\nhold_below_hitrate = 1\nhit_rate_window = '1m'\n"
            ),
            &[
                r#"m.toml:8: unknown key "frm" of a rollout"#,
                "m.toml:9: to: expected a string, found an integer",
                r#"m.toml:10: unknown key "star" of a rollout"#,
                r#"m.toml:11: unknown key "intervall" of a rollout"#,
                r#"m.toml:12: unknown key "hold_below_hitrate" of a rollout"#,
            ],
        ),
        (
            format!("{SOURCES}[rollout]\n{NEEDED_LINES}hit_rate_requests_min = 5\nhit_rate_window = '5s'\n"),
            &[
                "m.toml:12: hit_rate_requests_min: it has no effect without hold_below_hit_rate",
                "m.toml:13: hit_rate_window: it has no effect without hold_below_hit_rate",
            ],
        ),
        (
            format!("{SOURCES}[rollout]\n{NEEDED_LINES}hit_rate_requests_min = 0\nhold_below_hit_rate = 1\n"),
            &[
                "m.toml:12: hit_rate_requests_min: 0 is out",
                "m.toml:13: hold_below_hit_rate: expected a string",
            ],
        ),
        (
            format!("{SOURCES}[rollout]\n{NEEDED_LINES}clients = [\n'x',\n'jump', 2,\n'jump']\n"),
            &[
                "m.toml:13: clients: \"x\" is no client",
                "m.toml:14: clients: expected a string",
                "m.toml:15: clients: jump is given twice",
            ],
        ),
        (format!("{SOURCES}[[rollout]]\n{NEEDED_LINES}"), &["m.toml:7: rollout is not a table"]),
        (format!("rollout = 3\n{SOURCES}"), &["m.toml:1: rollout is not a table"]),
        (format!("{SOURCES}[rolout]\n{NEEDED_LINES}"), &[r#"m.toml:7: unknown key "rolout""#]),
        (format!("{SOURCES}[rollout]\n[rollout]\n"), &["m.toml:8: not TOML: "]),
        // Which sources there are is known only when all of them are.
        (
            format!("[[source]]\nname = 'a'\n[rollout]\n{NEEDED_LINES}"),
            &["m.toml:1: the source has no place"],
        ),
        (format!("[rollout]\n{NEEDED_LINES}"), &["m.toml: no source of nodes"]),
    ] {
        let found = faults(&text);
        assert_eq!(found.len(), lines.len(), "{text}: {found:#?}");
        for (found, line) in found.iter().zip(lines) {
            assert!(found.starts_with(line), "{text}: {found} instead of {line}");
        }
    }
}

#[test]
fn keys_are_sent_to_the_table_that_they_belong_to() {
    let top = "put it above the first [[source]] and [rollout]";
    for (text, line) in [
        ("strategy = 'swap'\n", r#"m.toml:1: unknown key "strategy"; put it in the [rollout] table"#),
        (
            "[[source]]\nhold_at = 1\n",
            r#"m.toml:2: unknown key "hold_at" of a source; put it in the [rollout] table"#,
        ),
        ("[rollout]\nworkers = 1\n", &format!(r#"m.toml:2: unknown key "workers" of a rollout; {top}"#)),
        (
            "[rollout]\nupstream = 'a:1'\n",
            r#"m.toml:2: unknown key "upstream" of a rollout; put it in a [[source]] table"#,
        ),
        (
            "[rollout]\nname = 'a'\n",
            r#"m.toml:2: unknown key "name" of a rollout; put it in a [[source]] table"#,
        ),
        ("[rollout]\nbatsh = 1\n", r#"m.toml:2: unknown key "batsh" of a rollout; did you mean "batch"?"#),
        (
            "[rollout]\ncolour = 1\n",
            r#"m.toml:2: unknown key "colour" of a rollout; known are from, to, strategy, batch, start, "#,
        ),
        ("colour = 1\n", r#"m.toml:1: unknown key "colour"; known are listen, "#),
    ] {
        let error = from_bytes(Path::new("m.toml"), text.as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with(line), "{error}\ninstead of\n{line}");
        assert_eq!(error.exit_code(), 78);
    }
    let error = from_bytes(Path::new("m.toml"), b"colour = 1\n").unwrap_err().to_string();
    assert!(error.ends_with("ring_without, source, rollout"), "{error}");
}
