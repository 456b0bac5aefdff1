//! Tables of settings, their bounds, and how layers lie over each other.

use super::*;
use crate::limits::{NETWORKS_MAX, SOURCES_MAX, TAKEOVER_PATH_BYTES_MAX};

fn layer(settings: &[(Key, &str)]) -> Layer {
    let mut layer = Layer::default();
    for (key, text) in settings {
        layer.set(*key, text, Origin::Flag(key.flag())).unwrap();
    }
    layer
}

fn message(layers: impl IntoIterator<Item = Layer>) -> String {
    resolve(layers).unwrap_err().to_string()
}

#[test]
fn defaults() {
    let config = resolve([layer(&[(Key::Upstream, "a=alpha:1")])]).unwrap();
    assert_eq!(config.listen, ["0.0.0.0:11211".parse().unwrap()]);
    assert_eq!((config.poll_interval, config.poll_timeout), (10 * SECOND, 2 * SECOND));
    assert_eq!((config.startup_grace, config.idle_timeout), (10 * SECOND, Duration::ZERO));
    assert_eq!((config.workers, config.connections_max, config.state), (None, None, None));
    assert_eq!((config.connections_per_ip_max, config.request_timeout), (None, 10 * SECOND));
    assert_eq!((config.allow.len(), config.clients_tracked_max), (0, 16_384));
    assert_eq!((config.require, config.log_format), (Require::Any, LogFormat::Text));
    assert_eq!(config.max_shrink, Share::OFF);
    assert_eq!((config.version_base, config.version_reply.as_str()), (1_000_000, "1.6.22"));
}

#[test]
fn higher_layers_win_and_lists_are_replaced() {
    let high = layer(&[(Key::Workers, "2"), (Key::Dns, "d=delta:1"), (Key::Workers, "3")]);
    let low = layer(&[
        (Key::Workers, "4"),
        (Key::VersionBase, "7"),
        (Key::Upstream, "a=alpha:1"),
        (Key::Upstream, "d=other:1"),
        (Key::Listen, ":0"),
        (Key::Listen, ":0"),
    ]);
    let config = resolve([high, Layer::default(), low]).unwrap();
    assert_eq!((config.workers, config.version_base), (Some(3), 7));
    assert_eq!(config.sources.len(), 1);
    assert_eq!(config.sources[0].name, "d");
    assert_eq!(config.listen.len(), 2, "port 0 may be given twice");
}

#[test]
fn a_source_is_needed() {
    let error = resolve([]).unwrap_err();
    assert!(error.to_string().starts_with("no source of nodes; give the address of"), "{error}");
    assert_eq!(error.exit_code(), 2);
    let error = resolve([Layer { file: Some("m.toml".into()), ..Layer::default() }]).unwrap_err();
    assert_eq!(error.to_string(), "m.toml: no source of nodes; add a [[source]] table");
    assert_eq!(error.exit_code(), 78);
}

#[test]
fn names_and_addresses_are_unique() {
    let twice = layer(&[(Key::Upstream, "a=alpha:1"), (Key::Static, "a=n:1")]);
    assert_eq!(
        message([twice]),
        r#"--static: the name "a" is already used by --upstream; give each source a name of its own"#
    );
    let twice = layer(&[(Key::Dns, "a=alpha:1"), (Key::Listen, ":1"), (Key::Listen, "0.0.0.0:1")]);
    assert_eq!(message([twice]), "--listen: the address 0.0.0.0:1 is given twice; give it once");
}

#[test]
fn the_number_of_sources_is_bounded() {
    let mut layer = Layer::default();
    for index in 0..SOURCES_MAX {
        layer.set(Key::Dns, &format!("s{index}=a:1"), Origin::Unset).unwrap();
    }
    assert!(resolve([layer.clone()]).is_ok());
    layer.set(Key::Dns, "more=a:1", Origin::Flag("--dns".into())).unwrap();
    assert_eq!(message([layer]), "--dns: 65 sources are too many; give at most 64");
}

#[test]
fn the_number_of_networks_is_bounded() {
    let mut layer = layer(&[(Key::Dns, "a=alpha:1")]);
    for index in 0..NETWORKS_MAX {
        layer.set(Key::Allow, &format!("10.0.{}.{}", index / 256, index % 256), Origin::Unset).unwrap();
    }
    assert!(resolve([layer.clone()]).is_ok());
    layer.set(Key::Allow, "::1", Origin::Flag("--allow".into())).unwrap();
    assert_eq!(message([layer]), "--allow: 257 networks are too many; give at most 256");
}

#[test]
fn every_bound_is_crossed_by_one() {
    let longest = "x".repeat(TAKEOVER_PATH_BYTES_MAX);
    for (key, good, bad) in [
        (Key::Workers, "256", "257"),
        (Key::Workers, "1", "0"),
        (Key::PollInterval, "10ms", "9ms"),
        (Key::PollInterval, "1h", "3601s"),
        (Key::PollTimeout, "10ms", "9ms"),
        (Key::PollTimeout, "5m", "301s"),
        (Key::StartupGrace, "0s", "-1s"),
        (Key::StartupGrace, "1h", "3601s"),
        (Key::VersionBase, "1", "0"),
        (Key::VersionBase, "2000000000", "2000000001"),
        (Key::ConnectionsMax, "1", "0"),
        (Key::ConnectionsMax, "10000000", "10000001"),
        (Key::ConnectionsPerIpMax, "1", "0"),
        (Key::ConnectionsPerIpMax, "10000000", "10000001"),
        (Key::Allow, "10.0.0.0/32", "10.0.0.0/33"),
        (Key::Admin, "none", "NONE"),
        (Key::ClientsTrackedMax, "0", "-1"),
        (Key::ClientsTrackedMax, "1000000", "1000001"),
        (Key::RequestTimeout, "0", "1ms"),
        (Key::RequestTimeout, "1s", "999ms"),
        (Key::RequestTimeout, "1h", "3601s"),
        (Key::IdleTimeout, "0", "1ms"),
        (Key::IdleTimeout, "1s", "999ms"),
        (Key::IdleTimeout, "365days", "366days"),
        (Key::MaxShrink, "100%", "100.0001%"),
        (Key::Require, "all", "ALL"),
        (Key::LogFormat, "json", "xml"),
        (Key::LogLevel, "debug", "trace"),
        (Key::State, "x", ""),
        (Key::Takeover, &longest, &format!("{longest}x")),
        (Key::VersionReply, "1.4.14", "1.4.13"),
        (Key::RingWithout, "inline_send,multishot_recv", "inline_send,"),
    ] {
        let set = |text| Layer::default().set(key, text, Origin::Flag(key.flag()));
        assert_eq!(set(good), Ok(()));
        let error = set(bad).unwrap_err();
        assert!(error.to_string().starts_with(&key.flag()), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}
