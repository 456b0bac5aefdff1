//! `docs/configuration.md` against the code: every key, its default, its bounds, and what a reload takes over.

use std::collections::BTreeMap;

use mimikyu::config::{Config, Difference, Key, Layer, Origin, from_bytes, resolve};

const PAGE: &str = include_str!("../docs/configuration.md");

/// A row of a table, by its column's name.
type Row = BTreeMap<String, String>;

/// The rows of the table below a heading, in order.
fn table(heading: &str) -> Vec<Row> {
    let section = PAGE.split(&format!("## {heading}\n")).nth(1).expect("the heading");
    let section = section.split("\n## ").next().expect("its text");
    let cells = |line: &str| {
        let line = line.replace("\\|", "\u{1}");
        let inside = line.trim_matches('|').split('|');
        inside.map(|cell| cell.trim().replace('\u{1}', "|")).collect::<Vec<_>>()
    };
    let mut lines = section.lines().filter(|line| line.starts_with('|'));
    let columns = cells(lines.next().expect("a header"));
    let rows = lines.skip(1).map(cells);
    rows.map(|row| columns.iter().cloned().zip(row).collect()).collect()
}

/// What stands between backticks, in order.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn config(settings: &[(Key, &str)]) -> Result<Config, String> {
    let mut layer = Layer::default();
    layer.set(Key::Static, "s=n:1", Origin::Flag("--static".into())).expect("a source");
    for (key, text) in settings {
        layer.set(*key, text, Origin::Flag(key.flag())).map_err(|error| error.to_string())?;
    }
    resolve([layer]).map_err(|error| error.to_string())
}

fn rows() -> Vec<(Key, Row)> {
    let row = |row: Row| {
        let name = quoted(&row["key"])[0].to_owned();
        let key = Key::ALL.into_iter().find(|key| key.name() == name);
        (key.unwrap_or_else(|| panic!("{name} is no key")), row)
    };
    table("Settings").into_iter().map(row).collect()
}

/// A value that is not the default.
fn another(key: Key) -> &'static str {
    match key {
        Key::Listen => "127.0.0.1:1",
        Key::Workers | Key::ConnectionsMax | Key::ConnectionsPerIpMax => "7",
        Key::ClientsTrackedMax | Key::VersionBase => "7",
        Key::PollInterval | Key::PollTimeout | Key::StartupGrace => "7s",
        Key::RequestTimeout | Key::IdleTimeout => "7s",
        Key::Require => "all",
        Key::MaxShrink => "50%",
        Key::State | Key::Takeover => "/tmp/x",
        Key::Admin => "none",
        Key::Allow => "10.0.0.0/8",
        Key::LogFormat => "json",
        Key::LogLevel => "debug",
        Key::VersionReply => "1.5.0",
        Key::RingWithout => "inline_send",
        Key::Upstream | Key::Static | Key::Dns => unreachable!("a source"),
    }
}

#[test]
fn every_key_has_a_row_and_every_row_a_key() {
    let documented: Vec<_> = rows().into_iter().map(|(key, _)| key.name()).collect();
    for key in Key::ALL.into_iter().filter(|key| !key.is_source()) {
        assert_eq!(documented.iter().filter(|name| **name == key.name()).count(), 1, "{}", key.name());
    }
    for key in Key::ALL.into_iter().filter(|key| key.is_source()) {
        assert!(PAGE.contains(&format!("| `{}` |", key.name())), "{}", key.name());
        assert!(PAGE.contains(&format!("`{} ", key.flag())), "{}", key.flag());
    }
}

#[test]
fn a_default_that_is_told_is_the_one_that_is_used() {
    let default = config(&[]).expect("defaults");
    for (key, row) in rows() {
        let told = quoted(&row["default"]);
        match &row["default"] {
            // In words: what the kernel or the machine decides, or nothing.
            words if told.is_empty() || words.contains("ulimit") => {
                assert_ne!(config(&[(key, another(key))]), Ok(default.clone()), "{}", key.name());
            }
            _ => assert_eq!(config(&[(key, told[0])]), Ok(default.clone()), "{}", key.name()),
        }
    }
}

#[test]
fn bounds_are_where_they_are_told() {
    for (key, row) in rows() {
        let takes = &row["what it takes"];
        let Some((least, most)) = takes.split(';').next().and_then(|takes| takes.split_once(" to ")) else {
            continue;
        };
        let bare = |text: &str| text.trim_start_matches("time, ").replace('`', "");
        let (least, most) = (bare(least), bare(most));
        assert!(config(&[(key, &least)]).is_ok(), "{} {least}", key.name());
        assert!(config(&[(key, &most)]).is_ok(), "{} {most}", key.name());
        let is_number = most.bytes().all(|byte| byte.is_ascii_digit());
        let beyond = match is_number {
            true => (most.parse::<u64>().expect("a number") + 1).to_string(),
            false => format!("{most} 1ms"),
        };
        let fault = config(&[(key, &beyond)]).expect_err("beyond its bounds");
        assert!(fault.contains("out of range"), "{} {beyond}: {fault}", key.name());
        let below = match is_number {
            true => Some("0".to_owned()).filter(|_| least != "0"),
            false if least == "0s" => None,
            false => Some("1ms".to_owned()),
        };
        if let Some(below) = below {
            assert!(config(&[(key, &below)]).is_err(), "{} {below}", key.name());
        }
        if takes.contains("`0s` is never") {
            assert!(config(&[(key, "0s")]).is_ok(), "{}", key.name());
        }
    }
}

#[test]
fn a_reload_takes_over_what_is_told() {
    let before = config(&[]).expect("defaults");
    for (key, row) in rows() {
        let after = config(&[(key, another(key))]).unwrap_or_else(|fault| panic!("{}: {fault}", key.name()));
        let difference = Difference::between(&before, &after);
        let (taken, left) = (difference.taken.contains(&key), difference.left.contains(&key));
        match &*row["reload"] {
            "yes" => assert!(taken && !left, "{}", key.name()),
            "restart" => assert!(left && !taken, "{}", key.name()),
            other => panic!("{}: {other}", key.name()),
        }
    }
}

#[test]
fn choices_are_all_told_and_lists_are_lists() {
    for (key, row) in rows() {
        let takes = &row["what it takes"];
        assert_eq!(takes.starts_with("list of "), key.is_list(), "{}", key.name());
        if let Err(fault) = config(&[(key, "nonsense")])
            && let Some(words) = fault.split("; write ").nth(1)
            && !words.starts_with("it like")
        {
            for word in words
                .split(" or ")
                .filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
            {
                let told =
                    takes.contains(&format!("`{word}`")) || row["effect"].contains(&format!("`{word}`"));
                assert!(told, "{}: {word}", key.name());
            }
        }
    }
}

#[test]
fn a_sources_keys_are_all_told() {
    let told: Vec<_> = table("Sources").iter().map(|row| quoted(&row["key"])[0].to_owned()).collect();
    let page = |key: &str| {
        let text = format!("[[source]]\nname = \"s\"\nstatic = [\"n:1\"]\n{key} = 1\n");
        from_bytes("m.toml".as_ref(), text.as_bytes()).unwrap_err().to_string()
    };
    for key in &told {
        assert!(!page(key).contains("unknown key"), "{key}: {}", page(key));
    }
    // The message that names the known ones names no other.
    let known = page("zzzzzzzzzz");
    let known = known.split("known are ").nth(1).expect("the known ones");
    let known: Vec<_> = known.split(", ").collect();
    assert_eq!(known, told);
}

/// A rollout with more lines below what it needs.
fn rollout(more: &str) -> Result<Config, String> {
    let sources = "source = [{ name = \"a\", static = [\"n:1\"] }, { name = \"b\", static = [\"m:1\"] }]\n";
    let needed = [
        ("from", "\"a\""),
        ("to", "\"b\""),
        ("start", "2026-12-01T03:00:00Z"),
        ("interval", "\"10m\""),
        ("hold_below_hit_rate", "0.85"),
    ];
    let is_given = |key: &str| more.split_whitespace().next() == Some(key);
    let needed = needed.iter().filter(|(key, _)| !is_given(key));
    let needed: String = needed.map(|(key, value)| format!("{key} = {value}\n")).collect();
    let text = format!("{sources}[rollout]\n{needed}{more}\n");
    let layer = from_bytes("m.toml".as_ref(), text.as_bytes()).map_err(|error| error.to_string())?;
    resolve([layer]).map_err(|error| error.to_string())
}

#[test]
fn a_rollouts_keys_are_all_told_with_their_defaults_and_bounds() {
    let rows = table("Rollout");
    let told: Vec<_> = rows.iter().map(|row| quoted(&row["key"])[0].to_owned()).collect();
    let known = rollout("zzzzzzzzzz = 1").unwrap_err();
    let known: Vec<_> = known.split("known are ").nth(1).expect("the known ones").split(", ").collect();
    assert_eq!(known, told);
    let mut bounds = 0;
    for (key, row) in told.iter().zip(&rows) {
        let with = |value: &str| rollout(&format!("{key} = {value}"));
        let default = &row["default"];
        if default == "needed" {
            let sources = "source = [{ name = \"a\", static = [\"n:1\"] }]\n[rollout]\n";
            let layer = from_bytes("m.toml".as_ref(), sources.as_bytes());
            let (_, faults) = mimikyu::config::all_from_bytes("m.toml".as_ref(), sources.as_bytes());
            let lacks =
                |fault: &mimikyu::config::Error| fault.fault.what == format!("the rollout has no {key}");
            assert!(layer.is_err() && faults.iter().any(lacks), "{key}");
        } else if let Some(value) = quoted(default).first() {
            let value = if key == "strategy" { format!("\"{value}\"") } else { (*value).to_owned() };
            assert_eq!(with(&value), rollout(""), "{key}");
        } else {
            assert_eq!(default, "none", "{key}");
        }
        let takes = row["what it takes"].split([',', ';']).collect::<Vec<_>>();
        let bound = takes.iter().find_map(|part| part.split_once(" to ")).filter(|_| key != "start");
        let Some((least, most)) = bound else { continue };
        let bare = |text: &str| text.trim().replace('`', "");
        let (least, most) = (bare(least), bare(most));
        bounds += 1;
        match most.parse::<u64>() {
            Ok(most) => {
                assert!(with(&least).is_ok() && with(&most.to_string()).is_ok(), "{key}");
                let below = least.parse::<i64>().expect("a number") - 1;
                assert!(with(&below.to_string()).is_err() && with(&(most + 1).to_string()).is_err(), "{key}");
            }
            Err(_) => {
                let quotes = |text: &str| format!("\"{text}\"");
                assert!(with(&quotes(&least)).is_ok() && with(&quotes(&most)).is_ok(), "{key}");
                let beyond = with(&quotes(&format!("{most} 1ms"))).unwrap_err();
                assert!(beyond.contains(&format!("give a time from {least} to {most}")), "{key}: {beyond}");
            }
        }
    }
    assert_eq!(bounds, 5, "batch, interval, hold_at, hit_rate_window, hit_rate_requests_min");
}

#[test]
fn a_rollouts_words_are_all_told() {
    use mimikyu::plan::{Family, Strategy};
    for (key, names) in
        [("strategy", &Strategy::ALL.map(Strategy::name)[..]), ("clients", &Family::ALL.map(Family::name))]
    {
        let row = table("Rollout").into_iter().find(|row| row["key"] == format!("`{key}`")).expect("a row");
        assert_eq!(quoted(&row["what it takes"]), names, "{key}");
    }
}

#[test]
fn the_examples_are_taken() {
    let mut examples = PAGE.split("```toml\n").skip(1).filter_map(|text| text.split("```").next());
    let (rollout, example) = (examples.next().expect("a rollout"), examples.next().expect("an example"));
    let both = format!("{example}\n{rollout}");
    let layer = from_bytes("example.toml".as_ref(), both.as_bytes()).unwrap();
    assert!(resolve([layer]).unwrap().rollout.is_some());
    let layer = from_bytes("example.toml".as_ref(), example.as_bytes()).unwrap();
    let config = resolve([layer]).unwrap();
    assert_eq!(config.sources.len(), 3);
}

#[test]
fn the_file_of_the_package_sends_to_this_page() {
    let file = include_str!("../contrib/mimikyu.toml");
    assert!(file.lines().next().expect("a line").contains("docs/configuration.md"), "{file}");
    // Which its package has, under the other name.
    assert!(file.contains("(/usr/share/doc/mimikyu/configuration.md)"), "{file}");
    assert!(include_str!("../Cargo.toml").contains(r#"["docs/*.md", "usr/share/doc/mimikyu/", "644"]"#));
}
