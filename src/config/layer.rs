//! Settings of one place, all of them optional; and how places lie over each other.
//!
//! Every value remembers its [`Origin`], so that what only shows when all layers are known (a name
//! used twice, say) is still reported where it was written.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::error::{Error, Fault, Origin};
use super::key::Key;
use super::{Config, LogFormat, LogLevel, MaxShrink, Require, RingFeature, Source, network, source, value};
use crate::limits::{NETWORKS_MAX, REQUEST_TIMEOUT, SOURCES_MAX, WORKERS_MAX};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
/// Shortest interval and time-out of polls; tests use it, nobody else should.
const POLL_MIN: Duration = Duration::from_millis(10);

/// A value and where it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value, within its bounds.
    pub value: T,
    /// Where it was given.
    pub origin: Origin,
}

/// What one place (command line, environment, file) says. The default says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layer {
    /// The file, if the place is one: what is missing is reported there.
    pub file: Option<PathBuf>,
    /// See [`Config::listen`].
    pub listen: Vec<Setting<SocketAddr>>,
    /// See [`Config::sources`].
    pub sources: Vec<Setting<Source>>,
    /// See [`Config::workers`].
    pub workers: Option<Setting<usize>>,
    /// See [`Config::poll_interval`].
    pub poll_interval: Option<Setting<Duration>>,
    /// See [`Config::poll_timeout`].
    pub poll_timeout: Option<Setting<Duration>>,
    /// See [`Config::startup_grace`].
    pub startup_grace: Option<Setting<Duration>>,
    /// See [`Config::require`].
    pub require: Option<Setting<Require>>,
    /// See [`Config::max_shrink`].
    pub max_shrink: Option<Setting<MaxShrink>>,
    /// See [`Config::state`].
    pub state: Option<Setting<PathBuf>>,
    /// See [`Config::version_base`].
    pub version_base: Option<Setting<u32>>,
    /// See [`Config::connections_max`].
    pub connections_max: Option<Setting<usize>>,
    /// See [`Config::connections_per_ip_max`].
    pub connections_per_ip_max: Option<Setting<usize>>,
    /// See [`Config::allow`].
    pub allow: Vec<Setting<IpNet>>,
    /// See [`Config::request_timeout`].
    pub request_timeout: Option<Setting<Duration>>,
    /// See [`Config::idle_timeout`].
    pub idle_timeout: Option<Setting<Duration>>,
    /// See [`Config::log_format`].
    pub log_format: Option<Setting<LogFormat>>,
    /// See [`Config::log_level`].
    pub log_level: Option<Setting<LogLevel>>,
    /// See [`Config::version_reply`].
    pub version_reply: Option<Setting<String>>,
    /// See [`Config::ring_without`].
    pub ring_without: Option<Setting<Vec<RingFeature>>>,
}

impl Layer {
    /// Takes one setting as text: a list's is one more item, any other's replaces what was there.
    pub fn set(&mut self, key: Key, text: &str, origin: Origin) -> Result<(), Error> {
        self.put(key, text, &origin).map_err(|fault| fault.at(origin))
    }

    fn put(&mut self, key: Key, text: &str, origin: &Origin) -> Result<(), Fault> {
        use value::{choice, duration, duration_or_zero, integer, version_reply};
        fn given<T>(origin: &Origin, value: T) -> Option<Setting<T>> {
            Some(Setting { value, origin: origin.clone() })
        }
        match key {
            Key::Listen => self.listen.extend(given(origin, value::listen(text)?)),
            Key::Upstream | Key::Static | Key::Dns => {
                self.sources.extend(given(origin, source::named(key, text)?));
            }
            Key::Workers => {
                self.workers = given(origin, integer(text, 1..=WORKERS_MAX as u64)? as usize);
            }
            Key::PollInterval => self.poll_interval = given(origin, duration(text, POLL_MIN..=HOUR)?),
            Key::PollTimeout => self.poll_timeout = given(origin, duration(text, POLL_MIN..=5 * MINUTE)?),
            Key::StartupGrace => {
                self.startup_grace = given(origin, duration(text, Duration::ZERO..=HOUR)?);
            }
            Key::Require => {
                let choices = [("any", Require::Any), ("all", Require::All)];
                self.require = given(origin, choice(text, choices)?);
            }
            Key::MaxShrink => self.max_shrink = given(origin, MaxShrink::new(text)?),
            Key::State => self.state = given(origin, value::text(text)?.into()),
            Key::VersionBase => {
                self.version_base = given(origin, integer(text, 1..=2_000_000_000)? as u32);
            }
            Key::ConnectionsMax => {
                self.connections_max = given(origin, integer(text, 1..=10_000_000)? as usize);
            }
            Key::ConnectionsPerIpMax => {
                self.connections_per_ip_max = given(origin, integer(text, 1..=10_000_000)? as usize);
            }
            Key::Allow => self.allow.extend(given(origin, network::parse(text)?)),
            Key::RequestTimeout => {
                self.request_timeout = given(origin, duration_or_zero(text, SECOND..=HOUR)?);
            }
            Key::IdleTimeout => {
                self.idle_timeout = given(origin, duration_or_zero(text, SECOND..=YEAR)?);
            }
            Key::LogFormat => {
                let choices = [("text", LogFormat::Text), ("json", LogFormat::Json)];
                self.log_format = given(origin, choice(text, choices)?);
            }
            Key::LogLevel => self.log_level = given(origin, choice(text, LogLevel::NAMES)?),
            Key::VersionReply => self.version_reply = given(origin, version_reply(text)?),
            Key::RingWithout => self.ring_without = given(origin, value::ring_features(text)?),
        }
        Ok(())
    }

    /// Lays `self` over a lower layer. Lists are replaced as a whole, never mixed.
    fn over(self, lower: Layer) -> Layer {
        fn either<T>(upper: Vec<T>, lower: Vec<T>) -> Vec<T> {
            if upper.is_empty() { lower } else { upper }
        }
        Layer {
            file: self.file.or(lower.file),
            listen: either(self.listen, lower.listen),
            sources: either(self.sources, lower.sources),
            workers: self.workers.or(lower.workers),
            poll_interval: self.poll_interval.or(lower.poll_interval),
            poll_timeout: self.poll_timeout.or(lower.poll_timeout),
            startup_grace: self.startup_grace.or(lower.startup_grace),
            require: self.require.or(lower.require),
            max_shrink: self.max_shrink.or(lower.max_shrink),
            state: self.state.or(lower.state),
            version_base: self.version_base.or(lower.version_base),
            connections_max: self.connections_max.or(lower.connections_max),
            connections_per_ip_max: self.connections_per_ip_max.or(lower.connections_per_ip_max),
            allow: either(self.allow, lower.allow),
            request_timeout: self.request_timeout.or(lower.request_timeout),
            idle_timeout: self.idle_timeout.or(lower.idle_timeout),
            log_format: self.log_format.or(lower.log_format),
            log_level: self.log_level.or(lower.log_level),
            version_reply: self.version_reply.or(lower.version_reply),
            ring_without: self.ring_without.or(lower.ring_without),
        }
    }
}

/// Lays the layers over each other, the first on top and the defaults at the bottom.
pub fn resolve(layers: impl IntoIterator<Item = Layer>) -> Result<Config, Error> {
    let top = layers.into_iter().fold(Layer::default(), Layer::over);
    check_sources(&top)?;
    check_listen(&top.listen)?;
    check_allow(&top.allow)?;
    let mut listen: Vec<_> = top.listen.into_iter().map(|setting| setting.value).collect();
    if listen.is_empty() {
        listen.push((Ipv4Addr::UNSPECIFIED, 11211).into());
    }
    fn value<T>(setting: Option<Setting<T>>) -> Option<T> {
        setting.map(|setting| setting.value)
    }
    Ok(Config {
        listen,
        sources: top.sources.into_iter().map(|setting| setting.value).collect(),
        workers: value(top.workers),
        poll_interval: value(top.poll_interval).unwrap_or(10 * SECOND),
        poll_timeout: value(top.poll_timeout).unwrap_or(2 * SECOND),
        startup_grace: value(top.startup_grace).unwrap_or(10 * SECOND),
        require: value(top.require).unwrap_or_default(),
        max_shrink: value(top.max_shrink).unwrap_or_default(),
        state: value(top.state),
        version_base: value(top.version_base).unwrap_or(1_000_000),
        connections_max: value(top.connections_max),
        connections_per_ip_max: value(top.connections_per_ip_max),
        allow: top.allow.into_iter().map(|setting| setting.value).collect(),
        request_timeout: value(top.request_timeout).unwrap_or(REQUEST_TIMEOUT),
        idle_timeout: value(top.idle_timeout).unwrap_or(Duration::ZERO),
        log_format: value(top.log_format).unwrap_or_default(),
        log_level: value(top.log_level).unwrap_or_default(),
        version_reply: value(top.version_reply).unwrap_or_else(|| "1.6.22".to_owned()),
        ring_without: value(top.ring_without).unwrap_or_default(),
    })
}

/// At least one source, not too many, each with a name of its own.
fn check_sources(layer: &Layer) -> Result<(), Error> {
    let Some(last) = layer.sources.last() else {
        return Err(match &layer.file {
            None => Fault::new(
                "no source of nodes",
                "give the address of a configuration endpoint (HOST:PORT), --upstream, --static or --dns, \
                 or try mimikyu demo",
            )
            .at(Origin::Unset),
            Some(path) => Fault::new("no source of nodes", "add a [[source]] table").at(Origin::File {
                path: path.clone(),
                line: None,
                key: None,
            }),
        });
    };
    if layer.sources.len() > SOURCES_MAX {
        let what = format!("{} sources are too many", layer.sources.len());
        return Err(Fault::new(what, format!("give at most {SOURCES_MAX}")).at(last.origin.clone()));
    }
    for (index, setting) in layer.sources.iter().enumerate() {
        let name = &setting.value.name;
        if let Some(first) = layer.sources[..index].iter().find(|first| first.value.name == *name) {
            let what = format!("the name {name:?} is already used by {}", first.origin);
            let cure = "give each source a name of its own";
            return Err(Fault::new(what, cure).at(setting.origin.clone()));
        }
    }
    Ok(())
}

/// No address twice, unless the kernel chooses the port and the two become different.
fn check_listen(listen: &[Setting<SocketAddr>]) -> Result<(), Error> {
    for (index, setting) in listen.iter().enumerate() {
        let same = |first: &&Setting<SocketAddr>| first.value == setting.value;
        if setting.value.port() != 0 && listen[..index].iter().any(|first| same(&first)) {
            let what = format!("the address {} is given twice", setting.value);
            return Err(Fault::new(what, "give it once").at(setting.origin.clone()));
        }
    }
    Ok(())
}

/// Every client that comes is held against each of the networks.
fn check_allow(allow: &[Setting<IpNet>]) -> Result<(), Error> {
    match allow.get(NETWORKS_MAX) {
        None => Ok(()),
        Some(first) => {
            let what = format!("{} networks are too many", allow.len());
            Err(Fault::new(what, format!("give at most {NETWORKS_MAX}")).at(first.origin.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(config.allow, []);
        assert_eq!((config.require, config.log_format), (Require::Any, LogFormat::Text));
        assert_eq!(config.max_shrink, MaxShrink::OFF);
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
}
