//! Command lines and what they mean, the wrong ones too.

use std::time::Duration;

use mimikyu::config::HostPort;

use super::*;

fn line(words: &str) -> Result<Command, Stop> {
    parse(["mimikyu"].into_iter().chain(words.split_whitespace()))
}

fn usage(words: &str) -> String {
    match line(words) {
        Err(Stop::Usage(line)) => line,
        other => panic!("{words}: {other:?}"),
    }
}

#[test]
fn the_definition_is_sound_and_every_setting_has_its_flag() {
    Line::command().debug_assert();
    for key in Key::ALL {
        let Ok(Command::Serve(serve)) = line(&format!("serve {} x", key.flag())) else { panic!("{key:?}") };
        assert_eq!(serve.arguments, [(Argument::Flag(key), "x".to_owned())]);
    }
}

#[test]
fn sources_keep_the_order_of_the_command_line() {
    let words = "--static=s=n:1,m:1 alpha:1 --upstream u=b:1 --dns d=c:1 beta:1 --static t=n:2 \
                 --upstream=v=w:1 --workers=2 --watch gamma:1 --config f.toml";
    let expected: Vec<_> = [
        (Argument::Flag(Key::Static), "s=n:1,m:1"),
        (Argument::Endpoint(0), "alpha:1"),
        (Argument::Flag(Key::Upstream), "u=b:1"),
        (Argument::Flag(Key::Dns), "d=c:1"),
        (Argument::Endpoint(1), "beta:1"),
        (Argument::Flag(Key::Static), "t=n:2"),
        (Argument::Flag(Key::Upstream), "v=w:1"),
        (Argument::Flag(Key::Workers), "2"),
        (Argument::Endpoint(2), "gamma:1"),
    ]
    .map(|(argument, text)| (argument, text.to_owned()))
    .into();
    let expected = Command::Serve(Serve { config: Some("f.toml".into()), watch: true, arguments: expected });
    assert_eq!(line(words).unwrap(), expected);
    assert_eq!(line(&format!("serve {words}")).unwrap(), expected);
    let Ok(Command::Serve(nothing)) = line("") else { panic!("no serve") };
    assert_eq!(nothing, Serve { config: None, watch: false, arguments: vec![] });
}

#[test]
fn demo_listens_on_loopback() {
    for (words, address) in [("demo", "127.0.0.1:11211"), ("demo --listen [::1]:0", "[::1]:0")] {
        assert_eq!(line(words).unwrap(), Command::Demo { listen: address.parse().unwrap(), admin: None });
    }
    let (listen, off) = ("127.0.0.1:11211".parse().unwrap(), Some(mimikyu::config::Admin::Off));
    assert_eq!(line("demo --admin none").unwrap(), Command::Demo { listen, admin: off });
    assert!(usage("demo --admin off").starts_with(r#"--admin: "off" is not IP:PORT nor "none"; "#));
    assert!(usage("demo --listen 11211").starts_with(r#"--listen: "11211" is not IP:PORT; "#));
}

#[test]
fn a_probe_is_told_whom_and_how_to_ask() {
    let probe = |words: &str| match line(words) {
        Ok(Command::Probe(probe)) => probe,
        other => panic!("{words}: {other:?}"),
    };
    let plain = Probe {
        target: HostPort { host: "::1".into(), port: 1 },
        encoding: Encoding::Text,
        format: Format::Text,
        timeout: Duration::from_secs(2),
    };
    assert_eq!(probe("probe [::1]:1"), plain);
    let all = probe("probe --json --binary [::1]:1 --timeout 150ms");
    let timeout = Duration::from_millis(150);
    assert_eq!(all, Probe { encoding: Encoding::Binary, format: Format::Json, timeout, ..plain });
}

#[test]
fn a_rollout_is_asked_for_at_an_admin_address() {
    let usual = Rollout {
        question: Question::Status,
        target: HostPort { host: "127.0.0.1".into(), port: 9211 },
        format: Format::Text,
        timeout: Duration::from_secs(2),
    };
    assert_eq!(line("rollout status").unwrap(), Command::Rollout(usual));
    let other = Rollout {
        question: Question::Preview,
        target: HostPort { host: "127.0.0.1".into(), port: 9212 },
        format: Format::Json,
        timeout: Duration::from_millis(150),
    };
    assert_eq!(line("rollout preview :9212 --json --timeout 150ms").unwrap(), Command::Rollout(other));
    assert_eq!(
        usage("rollout"),
        "rollout does nothing by itself; give status or preview (try mimikyu rollout --help)"
    );
    assert_eq!(usage("rollout status alpha"), "\"alpha\" is not HOST:PORT; give a port: alpha:9211");
    assert!(usage("rollout preview --timeout 1ms").starts_with("--timeout: 1ms is out of range; "));
}

#[test]
fn top_is_told_whom_to_watch_and_how_often() {
    let top = |words: &str| match line(words) {
        Ok(Command::Top(top)) => top,
        other => panic!("{words}: {other:?}"),
    };
    let usual = Top {
        target: HostPort { host: "127.0.0.1".into(), port: 9211 },
        look: Look::Screen,
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(2),
    };
    assert_eq!(top("top"), usual);
    assert_eq!(top("top :9212").target.to_string(), "127.0.0.1:9212");
    assert_eq!(top("top cache.example:9211").target.to_string(), "cache.example:9211");
    assert_eq!((top("top --once").look, top("top --json --once").look), (Look::Once, Look::Json));
    assert_eq!(top("top --interval 100ms").interval, Duration::from_millis(100));
    assert_eq!(top("top --interval 5m").interval, Duration::from_secs(300));
    for (words, expected) in [
        ("top --interval 99ms", "--interval: 99ms is out of range; give a time from 100ms to 5m"),
        ("top --interval 301s", "--interval: 301s is out of range; give a time from 100ms to 5m"),
        ("top alpha", "\"alpha\" is not HOST:PORT; give a port: alpha:9211"),
        ("top ::1", "\"::1\" is not HOST:PORT; put an IPv6 address in brackets: [::1]:9211"),
    ] {
        assert_eq!(usage(words), expected);
    }
}

#[test]
fn a_replica_has_the_usual_port_unless_it_says_another() {
    let Ok(Command::Fleet(fleet)) = line("fleet check alpha beta:1 [::1] 10.0.0.1") else {
        panic!("no fleet")
    };
    let targets: Vec<_> = fleet.targets.iter().map(ToString::to_string).collect();
    assert_eq!(targets, ["alpha:11211", "beta:1", "[::1]:11211", "10.0.0.1:11211"]);
}

#[test]
fn a_program_is_told_on_its_stream_what_is_wrong() {
    for (words, expected) in [
        ("probe --json alpha", Audience::Program),
        ("plan --format json", Audience::Program),
        ("plan --format=json", Audience::Program),
        ("plan --format html json", Audience::People),
        ("check -- --json", Audience::People),
        ("probe json", Audience::People),
    ] {
        let words: Vec<_> = words.split(' ').map(OsString::from).collect();
        assert_eq!(audience(&words), expected, "{words:?}");
    }
}

#[test]
fn usage_errors_are_one_line_with_a_cure() {
    for (words, expected) in [
        ("serv", r#""serv" is not HOST:PORT nor a command; did you mean "serve"?"#),
        ("--workers 2 demos", r#""demos" is not HOST:PORT nor a command; did you mean "demo"?"#),
        ("alpha", r#""alpha" is not HOST:PORT nor a command; give an endpoint's HOST:PORT"#),
        (
            "serve --pol-interval 1s",
            "unexpected argument '--pol-interval' found; a similar argument exists: '--poll-interval'",
        ),
        ("--colour", "unexpected argument '--colour' found; try mimikyu --help"),
        ("serve --listen", "a value is required for '--listen <ADDR>' but none was supplied; "),
        ("--workers 1 --workers 2", "the argument '--workers <N>' cannot be used multiple times; "),
        ("--upstream a=b:1 serve", r#"the command "serve" comes too late; write it first"#),
        ("alpha:1 demo", r#"the command "demo" comes too late; write it first"#),
        (
            "probe",
            "the following required arguments were not provided: <HOST:PORT>; try mimikyu probe --help",
        ),
        ("fleet", "fleet does nothing by itself; give check (try mimikyu fleet --help)"),
        (
            "fleet check",
            "the following required arguments were not provided: <HOST[:PORT]>...; try mimikyu fleet check --help",
        ),
        ("fleet check --colour", "unexpected argument '--colour' found; try mimikyu fleet check --help"),
        ("fleet check alpha:", "\"alpha:\" is not HOST:PORT; give a port from 1 to 65535"),
        ("fleet check ::1", "\"::1\" is not HOST:PORT; put an IPv6 address in brackets: [::1]:11211"),
        ("probe alpha", "\"alpha\" is not HOST:PORT; give a port: alpha:11211"),
        ("probe alpha:1 --timeout 2", "--timeout: 2 has no unit; write 2s"),
        ("probe alpha:1 --timeout 1ms", "--timeout: 1ms is out of range; give a time from 10ms to 5m"),
        ("probe alpha:1 beta:1", "unexpected argument 'beta:1' found; "),
        ("demo --workers 1", "unexpected argument '--workers' found; "),
        ("demo alpha:1", "unexpected argument 'alpha:1' found; "),
    ] {
        let line = usage(words);
        assert!(line.starts_with(expected), "{words}: {line}");
        assert!(line.contains("; ") && !line.contains('\n'), "{words}: {line}");
    }
}

#[test]
fn help_and_version_are_shown() {
    for words in ["--help", "-h", "--version", "serve --help", "demo --help", "probe --help", "help serve"] {
        let Err(Stop::Shown(shown)) = line(words) else { panic!("{words}") };
        assert_eq!(shown.exit_code(), 0, "{words}");
    }
}
