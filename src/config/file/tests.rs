//! Tables of good and bad files.

use std::path::Path;

use super::super::{FillIp, Share, SourceKind};
use super::*;
use crate::limits::SILENCE_MAX;

fn parse(text: &str) -> Result<Layer, Error> {
    from_bytes(Path::new("m.toml"), text.as_bytes())
}

#[test]
fn a_whole_file() {
    let layer = parse(
        r#"
        listen = ["127.0.0.1:0", "[::1]:11211"]
        workers = 0x10
        poll_interval = "1m 30s"
        poll_timeout = "500ms"
        startup_grace = 0
        require = "all"
        max_shrink = 0.25
        state = "/var/lib/mimikyu"
        version_base = 2_000_000
        connections_max = 10
        connections_per_ip_max = 5
        clients_tracked_max = 6
        allow = ["10.0.0.0/8", "::1"]
        request_timeout = "5s"
        idle_timeout = "0s"
        log_format = "json"
        version_reply = "1.6.9"
        [[source]]
        name = "z"
        upstream = "alpha:11211"
        [[source]]
        static = ["n2:1", "n1:1"]
        name = "s"
        [[source]]
        name = "a"
        dns = "[::1]:1"
        "#,
    )
    .unwrap();
    assert_eq!(layer.file.as_deref(), Some(Path::new("m.toml")));
    let names: Vec<_> = layer.sources.iter().map(|source| source.value.name.as_str()).collect();
    assert_eq!(names, ["z", "s", "a"]);
    let node = |host: &str| super::super::HostPort { host: host.to_owned(), port: 1 };
    assert_eq!(layer.sources[1].value.kind, SourceKind::Static(vec![node("n2"), node("n1")]));
    assert_eq!(layer.sources[2].value.kind, SourceKind::Dns(node("::1")));
    assert_eq!(layer.sources[1].origin.to_string(), "m.toml:24");
    assert_eq!((layer.listen.len(), layer.allow.len()), (2, 2));
    assert_eq!(layer.connections_per_ip_max.unwrap().value, 5);
    assert_eq!(layer.clients_tracked_max.unwrap().value, 6);
    assert_eq!(layer.request_timeout.unwrap().value.as_secs(), 5);
    assert_eq!(layer.workers.unwrap().value, 16);
    assert_eq!(layer.poll_interval.unwrap().value.as_secs(), 90);
    assert!(layer.startup_grace.unwrap().value.is_zero());
    assert_eq!(layer.version_base.unwrap().value, 2_000_000);
    assert_eq!(layer.max_shrink.unwrap().value, Share::new("25%").unwrap());
}

#[test]
fn other_good_ones() {
    for text in ["", "# nothing\r\n", "\u{feff}workers = 1\n", "listen = ':1'", "source = []"] {
        assert!(parse(text).is_ok(), "{text:?}: {:?}", parse(text));
    }
    let layer = parse("source = [{ name = 'a', dns = 'b:1' }]").unwrap();
    assert_eq!(layer.sources.len(), 1);
}

#[test]
fn unknown_keys_name_line_key_and_nearest() {
    for (text, line) in [
        ("\n\npol_interval = '1s'", r#"m.toml:3: unknown key "pol_interval"; did you mean "poll_interval"?"#),
        ("sources = []", r#"m.toml:1: unknown key "sources"; did you mean "source"?"#),
        ("colour = 1", r#"m.toml:1: unknown key "colour"; known are listen, workers, poll_interval, "#),
        ("upstream = 'a:1'", r#"m.toml:1: unknown key "upstream"; put it in a [[source]] table"#),
        ("[poll]\ninterval = 1", r#"m.toml:1: unknown key "poll"; known are "#),
        (
            "[[source]]\nname = 'a'\nupstrem = 'a:1'",
            r#"m.toml:3: unknown key "upstrem" of a source; did you "#,
        ),
        ("[[source]]\nworkers = 1", r#"m.toml:2: unknown key "workers" of a source; put it above the first"#),
        ("[[source]]\ncolour = 1", r#"m.toml:2: unknown key "colour" of a source; known are name, "#),
        ("b = 1\na = 1", r#"m.toml:1: unknown key "b""#),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.to_string().starts_with(line), "{error}");
        assert_eq!(error.exit_code(), 78);
    }
}

#[test]
fn wrong_types_and_values_name_line_and_key() {
    for (text, line) in [
        (
            "\nworkers = '4'",
            "m.toml:2: workers: expected an integer, found a string; write it without quotes",
        ),
        ("workers = 'two'", r#"m.toml:1: workers: "two" is not a whole number; give a number from 1 to 256"#),
        ("workers = 4.5", r#"m.toml:1: workers: "4.5" is not a whole number; give a number from 1 to 256"#),
        ("workers = [4]", "m.toml:1: workers: expected an integer, found an array; give one number"),
        ("workers = 0", "m.toml:1: workers: 0 is out of range; give a number from 1 to 256"),
        ("workers = -1", "m.toml:1: workers: -1 is out of range"),
        ("workers = 99999999999999999999", "m.toml:1: workers: 99999999999999999999 is out of range"),
        ("poll_interval = 10", "m.toml:1: poll_interval: 10 has no unit; write 10s"),
        ("poll_interval = '1ms'", "m.toml:1: poll_interval: 1ms is out of range"),
        (
            "poll_interval = -1",
            "m.toml:1: poll_interval: expected a string, found an integer; write a time like \"10s\"",
        ),
        ("state = 5", "m.toml:1: state: expected a string, found an integer; put it in quotes"),
        ("state = ''", "m.toml:1: state: the value is empty"),
        ("max_shrink = 50", r#"m.toml:1: max_shrink: expected a string, found an integer; write "50%""#),
        ("max_shrink = 1", r#"m.toml:1: max_shrink: expected a string, found an integer; write "1%""#),
        (
            "max_shrink = 0",
            r#"m.toml:1: max_shrink: expected a string, found an integer; write a share like "50%""#,
        ),
        (
            "max_shrink = 100",
            r#"m.toml:1: max_shrink: expected a string, found an integer; write a share like "50%""#,
        ),
        ("max_shrink = 1.5", r#"m.toml:1: max_shrink: "1.5" is out of range"#),
        ("max_shrink = '50'", r#"m.toml:1: max_shrink: "50" is not a share; write a share like 50%"#),
        ("drop_after = '1h'", r#"m.toml:1: unknown key "drop_after"; put it in a [[source]] table"#),
        ("require = true", "m.toml:1: require: expected a string, found a boolean"),
        ("listen = 11211", "m.toml:1: listen: expected a string, found an integer"),
        ("listen = '11211'", r#"m.toml:1: listen: "11211" is not IP:PORT; to listen everywhere"#),
        ("listen = [\n':1',\n'x']", r#"m.toml:3: listen: "x" is not IP:PORT"#),
        ("listen = []", "m.toml:1: listen: the list is empty"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.starts_with(line), "{error}");
    }
}

#[test]
fn sources_are_whole() {
    for (text, line) in [
        ("[source]\nname = 'a'", "m.toml:1: source is not an array of tables; write [[source]]"),
        ("source = ['a:1']", "m.toml:1: source is not an array of tables"),
        ("\n[[source]]\ndns = 'a:1'", "m.toml:2: the source has no name; add name = "),
        (
            "\n[[source]]\nname = 'a'",
            "m.toml:2: the source has no place; add one of upstream, static and dns",
        ),
        ("[[source]]\nname = 'a b'", r#"m.toml:2: name: "a b" is not a name"#),
        ("[[source]]\nname = 1", "m.toml:2: name: expected a string, found an integer"),
        ("[[source]]\nname = 'a'\nupstream = 'alpha'", r#"m.toml:3: upstream: "alpha" is not HOST:PORT"#),
        ("[[source]]\ndns = 'a:1'\nupstream = 'b:1'", "m.toml:3: upstream: a second place for one source"),
        ("[[source]]\nstatic = 'a:1'", "m.toml:2: static: expected an array, found a string"),
        ("[[source]]\nstatic = []", "m.toml:2: static: the list of nodes is empty"),
        ("[[source]]\nstatic = ['a:1',\n'b']", r#"m.toml:3: static: "b" is not HOST:PORT"#),
        ("[[source]]\nstatic = ['a:1', 'a:1']", "m.toml:2: static: the node a:1 is given twice"),
        (
            "[[source]]\nname = 'a'\ndns = 'a:1'\nfill_ip = 'missing'",
            "m.toml:4: fill_ip: it is for an upstream only",
        ),
        (
            "[[source]]\nfill_ip = 'always'",
            r#"m.toml:2: fill_ip: "always" is not a choice; write missing or never"#,
        ),
        (
            "[[source]]\nname = 'a'\nupstream = 'a:1'\npublish = true",
            "m.toml:4: publish: an upstream's nodes can't",
        ),
        (
            "[[source]]\nname = 'a'\nmax_shrink = '50%'\nstatic = ['a:1']",
            "m.toml:3: max_shrink: it is not for a static source; leave it out",
        ),
        (
            "[[source]]\nname = 'a'\nstatic = ['a:1']\ndrop_after = '1h'",
            "m.toml:4: drop_after: it is not for a static source; leave it out",
        ),
        ("[[source]]\nmax_shrink = 'all'", r#"m.toml:2: max_shrink: "all" is not a share"#),
        ("[[source]]\ndrop_after = 10", "m.toml:2: drop_after: expected a string, found an integer"),
        (
            "[[source]]\ndrop_after = '99ms'",
            "m.toml:2: drop_after: 99ms is out of range; give a time from 100ms",
        ),
        ("[[source]]\ndrop_after = '366days'", "m.toml:2: drop_after: 366days is out of range"),
        ("[[source]]\npublish = 'yes'", "m.toml:2: publish: expected a boolean, found a string"),
        (
            "[[source]]\nfil_ip = 'missing'",
            "m.toml:2: unknown key \"fil_ip\" of a source; did you mean \"fill_ip\"?",
        ),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.starts_with(line), "{error}");
    }
}

#[test]
fn a_source_has_choices_of_its_own() {
    let text = "[[source]]\nname = 'a'\nupstream = 'a:1'\nfill_ip = 'missing'\n[[source]]\nname = 'b'\nstatic = ['b:1']\npublish = true
        [[source]]\nname = 'c'\ndns = 'c:1'\nmax_shrink = 'off'\ndrop_after = '365days'";
    let sources = parse(text).unwrap().sources;
    let choices: Vec<_> = sources.iter().map(|source| (source.value.fill_ip, source.value.publish)).collect();
    assert_eq!(choices, [(FillIp::Missing, false), (FillIp::Never, true), (FillIp::Never, false)]);
    let choices: Vec<_> =
        sources.iter().map(|source| (source.value.max_shrink, source.value.drop_after)).collect();
    assert_eq!(choices, [(None, None), (None, None), (Some(Share::OFF), Some(SILENCE_MAX))]);
}

#[test]
fn what_is_not_toml_names_its_line() {
    for (text, line) in [
        ("\nworkers 4", "m.toml:2: not TOML: "),
        ("workers = 1\nworkers = 2", "m.toml:2: not TOML: duplicate key"),
        ("listen = [", "m.toml:1: not TOML: "),
        ("state = 'a\nb'", "m.toml:1: not TOML: "),
        ("poll_interval = 10s", "m.toml:1: not TOML: "),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.starts_with(line) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn unreadable_files_say_why() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.toml");
    let message = || from_file(&path).unwrap_err().to_string();
    assert!(message().contains("m.toml: cannot be read: No such file"), "{}", message());
    assert!(message().ends_with("; check the path and its permissions"), "{}", message());
    assert!(from_file(directory.path()).unwrap_err().to_string().contains("cannot be read: Is a directory"));

    std::fs::write(&path, b"workers = 1 # \xff").unwrap();
    assert!(message().contains("m.toml: the file is not UTF-8"), "{}", message());

    std::fs::write(&path, " ".repeat(CONFIG_BYTES_MAX as usize)).unwrap();
    assert!(from_file(&path).is_ok());
    std::fs::write(&path, " ".repeat(CONFIG_BYTES_MAX as usize + 1)).unwrap();
    assert!(message().contains("m.toml: the file has more than 1048576 bytes"), "{}", message());
    assert_eq!(from_file(&path).unwrap_err().exit_code(), 78);
}

#[test]
fn every_fault_is_told_and_what_follows_from_one_is_not() {
    let all = |text: &str| {
        let (layer, faults) = all_from_bytes(Path::new("m.toml"), text.as_bytes());
        let examined = super::super::examine([layer]);
        let lines = faults.iter().chain(examined.faults.iter()).map(ToString::to_string);
        lines.map(|line| line.split(';').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (text, lines) in [
        ("", &["m.toml: no source of nodes"][..]),
        (
            "worker = 1\nlisten = ['x', ':1', ':1']\npoll_interval = 10\n",
            &[
                r#"m.toml:1: unknown key "worker""#,
                r#"m.toml:2: listen: "x" is not IP:PORT"#,
                "m.toml:3: poll_interval: 10 has no unit",
                "m.toml: no source of nodes",
                "m.toml:2: listen: the address 0.0.0.0:1 is given twice",
            ],
        ),
        // Neither a missing name or place nor a missing source follows from what is misspelt.
        (
            "[[source]]\nnam = 'a'\nupstrem = 'a:1'\ndrop_after = '1'",
            &[
                r#"m.toml:2: unknown key "nam" of a source"#,
                r#"m.toml:3: unknown key "upstrem" of a source"#,
                "m.toml:4: drop_after: 1 has no unit",
            ],
        ),
        ("[[sorce]]\nname = 'a'", &[r#"m.toml:1: unknown key "sorce""#]),
        (
            "[[source]]\nfill_ip = 'always'\nstatic = ['a', 'b:0', 'c:1']\nmax_shrink = '50%'",
            &[
                "m.toml:2: fill_ip: \"always\" is not a choice",
                "m.toml:3: static: \"a\" is not HOST:PORT",
                "m.toml:3: static: \"b:0\" is not HOST:PORT",
                "m.toml:1: the source has no name",
            ],
        ),
        (
            "[[source]]\nname = 'a'\nstatic = ['a:1']\nfill_ip = 'never'\nmax_shrink = '50%'\ndrop_after = '1h'",
            &[
                "m.toml:4: fill_ip: it is for an upstream only",
                "m.toml:5: max_shrink: it is not for a static source",
                "m.toml:6: drop_after: it is not for a static source",
            ],
        ),
        (
            "[[source]]\nname = 'a'\n[[source]]\nname = 'a'\ndns = 'a:1'\n[[source]]\nname = 'a'\ncolour = 1",
            &[
                "m.toml:1: the source has no place",
                "m.toml:4: name: the name \"a\" is already used by m.toml:2",
                "m.toml:8: unknown key \"colour\" of a source",
                "m.toml:6: the source has no place",
                "m.toml:7: name: the name \"a\" is already used by m.toml:2",
            ],
        ),
        ("a = \nworkers = 1\nb = [\n", &["m.toml:1: not TOML: ", "m.toml:3: not TOML: "]),
    ] {
        let found = all(text);
        assert_eq!(found.len(), lines.len(), "{text}: {found:#?}");
        for (found, line) in found.iter().zip(lines) {
            assert!(found.starts_with(line), "{text}: {found} instead of {line}");
        }
    }
}
