//! Any text is a configuration or an error of one line that says where; what is taken can be written down and read again.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::payload;
use crate::config::{
    self, Admin, Config, Error, FillIp, Guard, Key, LogFormat, Origin, Require, RingFeature, Rollout, Share,
    Source, SourceKind,
};
use crate::limits::{
    CONFIG_BYTES_MAX, NETWORKS_MAX, NODES_MAX, SOURCE_NAME_BYTES_MAX, SOURCES_MAX, WORKERS_MAX,
};

/// Longest text that is tried as the value of every variable: values are short, and there are many variables.
const VALUE_BYTES_MAX: usize = 512;

/// Reads `input` as a configuration file, and as the value of every variable of the environment.
pub fn config(input: &[u8]) {
    let read = read(input);
    match &read {
        Ok(config) => accepted(config),
        Err(error) => message(error, input),
    }
    let (layer, faults) = config::all_from_bytes(Path::new("m.toml"), input);
    let examined = config::examine([layer]);
    let found = faults.len() + examined.faults.len();
    assert_eq!(read.is_err(), found > 0, "a fault or a configuration");
    faults.iter().chain(examined.faults.iter()).for_each(|fault| message(fault, input));
    moved_down(input, &read);
    if let (true, Ok(text)) = (input.len() <= VALUE_BYTES_MAX, str::from_utf8(input)) {
        Key::ALL.into_iter().for_each(|key| variable(key, text));
    }
}

fn read(text: &[u8]) -> Result<Config, Error> {
    config::resolve([config::from_bytes(Path::new("m.toml"), text)?])
}

/// An error names the file and, unless the file as a whole is meant, a line that there is.
fn message(error: &Error, text: &[u8]) {
    payload::line(&error.to_string());
    assert_eq!(error.exit_code(), 78);
    assert!(!error.fault.what.is_empty() && !error.fault.cure.is_empty(), "{error:?}");
    let Origin::File { line, key, .. } = &error.origin else { panic!("not the file's: {error:?}") };
    let lines = 1 + text.iter().filter(|byte| **byte == b'\n').count();
    let place = match (line, key) {
        (Some(line), Some(key)) => format!("m.toml:{line}: {key}: "),
        (Some(line), None) => format!("m.toml:{line}: "),
        (None, _) => "m.toml: ".into(),
    };
    assert!(error.to_string().starts_with(&place), "{error}");
    if let Some(line) = line {
        assert!((1..=lines).contains(line), "line {line} of {lines}");
    } else {
        let whole = text.len() as u64 > CONFIG_BYTES_MAX || str::from_utf8(text).is_err();
        let placeless = ["no source of nodes", "not TOML: recursion limit"];
        assert!(whole || placeless.contains(&error.fault.what.as_str()), "no line: {error}");
    }
}

/// A line above everything else changes nothing but the numbers of lines.
fn moved_down(text: &[u8], expected: &Result<Config, Error>) {
    // A mark of the byte order is one at the start only.
    if text.starts_with(b"\xef\xbb\xbf") || text.len() as u64 >= CONFIG_BYTES_MAX - 2 {
        return;
    }
    match (read(&[b"#\n", text].concat()), expected) {
        (Err(moved), Err(error)) => {
            let (Origin::File { line: low, key: low_key, .. }, Origin::File { line, key, .. }) =
                (moved.origin, &error.origin)
            else {
                panic!("not the file's: {error:?}");
            };
            assert_eq!((low, &low_key), (line.map(|line| line + 1), key), "{error}");
        }
        (moved, _) => assert_eq!(&moved, expected),
    }
}

/// Every setting is within its bounds, and survives being written down.
fn accepted(config: &Config) {
    assert!((1..=SOURCES_MAX).contains(&config.sources.len()) && !config.listen.is_empty());
    for (index, source) in config.sources.iter().enumerate() {
        assert!((1..=SOURCE_NAME_BYTES_MAX).contains(&source.name.len()));
        assert!(config.sources[..index].iter().all(|other| other.name != source.name), "a name twice");
        let endpoint = matches!(source.kind, SourceKind::Endpoint(_));
        assert!(endpoint || source.fill_ip == FillIp::Never);
        assert!(!endpoint || !source.publish);
        if let SourceKind::Static(nodes) = &source.kind {
            assert!((1..=NODES_MAX).contains(&nodes.len()));
        }
    }
    if let Some(rollout) = &config.rollout {
        assert!(rollout.from != rollout.to && !rollout.interval.is_zero() && !rollout.clients.is_empty());
        for end in [&rollout.from, &rollout.to] {
            assert!(config.sources.iter().any(|source| source.name == *end), "no source {end}");
        }
        assert!(rollout.guard.is_none_or(|guard| guard.floor != Share::OFF && guard.requests_min > 0));
    }
    let day = Duration::from_secs(24 * 3600);
    assert!(config.workers.is_none_or(|workers| (1..=WORKERS_MAX).contains(&workers)));
    assert!(config.version_base >= 1 && config.connections_max != Some(0));
    assert!(config.connections_per_ip_max != Some(0) && config.allow.len() <= NETWORKS_MAX);
    assert!(!config.poll_interval.is_zero() && !config.poll_timeout.is_zero());
    assert!([config.poll_interval, config.poll_timeout, config.startup_grace].iter().all(|time| *time < day));
    let written = written(config);
    assert_eq!(read(written.as_bytes()).as_ref(), Ok(config), "{written}");
}

/// The configuration as a file that leaves nothing to the defaults. Names every field, so that a new one is not forgotten.
fn written(config: &Config) -> String {
    let Config {
        listen,
        sources,
        workers,
        poll_interval,
        poll_timeout,
        startup_grace,
        require,
        state,
        takeover,
        admin,
        version_base,
        connections_max,
        connections_per_ip_max,
        allow,
        clients_tracked_max,
        request_timeout,
        idle_timeout,
        log_format,
        log_level,
        version_reply,
        ring_without,
        max_shrink,
        rollout,
    } = config;
    let mut text = String::new();
    let mut put = |key: &str, value: String| {
        writeln!(text, "{key} = {value}").expect("a string takes any text");
    };
    put("listen", list(listen.iter().map(ToString::to_string)));
    put("poll_interval", time(*poll_interval));
    put("poll_timeout", time(*poll_timeout));
    put("startup_grace", time(*startup_grace));
    put("clients_tracked_max", clients_tracked_max.to_string());
    put("request_timeout", time(*request_timeout));
    put("idle_timeout", time(*idle_timeout));
    put("require", quoted(if *require == Require::All { "all" } else { "any" }));
    put("log_format", quoted(if *log_format == LogFormat::Json { "json" } else { "text" }));
    put("log_level", quoted(log_level.name()));
    put("version_base", version_base.to_string());
    put("version_reply", quoted(version_reply));
    put("max_shrink", quoted(&max_shrink.to_string()));
    if !ring_without.is_empty() {
        let name = |left_out| {
            RingFeature::NAMES.iter().find(|(_, feature)| feature == left_out).map(|(name, _)| *name)
        };
        put("ring_without", quoted(&ring_without.iter().filter_map(name).collect::<Vec<_>>().join(",")));
    }
    if !allow.is_empty() {
        put("allow", list(allow.iter().map(ToString::to_string)));
    }
    connections_per_ip_max.iter().for_each(|most| put("connections_per_ip_max", most.to_string()));
    workers.iter().for_each(|workers| put("workers", workers.to_string()));
    connections_max.iter().for_each(|most| put("connections_max", most.to_string()));
    state.iter().for_each(|path| put("state", quoted(path.to_str().expect("it was read from a text"))));
    takeover.iter().for_each(|path| put("takeover", quoted(path.to_str().expect("it was read from a text"))));
    if *admin != Admin::Usual {
        put("admin", quoted(&admin.to_string()));
    }
    for Source { name, kind, fill_ip, publish, max_shrink, drop_after } in sources {
        put("[[source]]\nname", quoted(name));
        match kind {
            SourceKind::Endpoint(place) => put("upstream", quoted(&place.to_string())),
            SourceKind::Static(nodes) => put("static", list(nodes.iter().map(ToString::to_string))),
            SourceKind::Dns(place) => put("dns", quoted(&place.to_string())),
        }
        if matches!(kind, SourceKind::Endpoint(_)) {
            put("fill_ip", quoted(if *fill_ip == FillIp::Missing { "missing" } else { "never" }));
        } else {
            put("publish", publish.to_string());
        }
        max_shrink.iter().for_each(|share| put("max_shrink", quoted(&share.to_string())));
        drop_after.iter().for_each(|silence| put("drop_after", time(*silence)));
    }
    if let Some(rollout) = rollout {
        put_rollout(rollout, put);
    }
    text
}

fn put_rollout(rollout: &Rollout, mut put: impl FnMut(&str, String)) {
    let Rollout { from, to, strategy, batch, start, interval, hold_at, clients, max_move, guard } = rollout;
    put("[rollout]\nfrom", quoted(from));
    put("to", quoted(to));
    put("strategy", quoted(strategy.name()));
    put("batch", quoted(&batch.to_string()));
    put("start", humantime::format_rfc3339_nanos(UNIX_EPOCH + *start).to_string());
    put("interval", time(*interval));
    hold_at.iter().for_each(|step| put("hold_at", step.to_string()));
    put("clients", list(clients.iter().map(|client| client.name().to_owned())));
    put("max_move", quoted(&max_move.to_string()));
    if let Some(Guard { floor, window, requests_min }) = guard {
        put("hold_below_hit_rate", quoted(&floor.to_string()));
        put("hit_rate_window", time(*window));
        put("hit_rate_requests_min", requests_min.to_string());
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.map(|item| quoted(&item)).collect::<Vec<_>>().join(", "))
}

fn time(time: Duration) -> String {
    quoted(&format!("{}s {}ns", time.as_secs(), time.subsec_nanos()))
}

/// A TOML string, with whatever may not stand in one by its number.
fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|character| match character {
        '"' | '\\' => format!("\\{character}"),
        _ if character.is_control() => format!("\\U{:08X}", u32::from(character)),
        _ => character.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// The text as the value of one variable: taken, or refused on a line that names the variable.
fn variable(key: Key, text: &str) {
    // The environment can't hold it.
    if text.contains('\0') {
        return;
    }
    match config::from_env([(key.variable(), text)]) {
        Ok(environment) => {
            assert!(environment.warnings.is_empty() && environment.config.is_none());
            if let Ok(config) = config::resolve([environment.layer]) {
                accepted(&config);
            }
        }
        Err(error) => {
            payload::line(&error.to_string());
            assert!(error.to_string().starts_with(&format!("{}: ", key.variable())), "{error}");
        }
    }
}
