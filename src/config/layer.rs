//! Settings of one place, all of them optional; and how places lie over each other.
//!
//! Every value remembers its [`Origin`], so that what only shows when all layers are known (a name
//! used twice, say) is still reported where it was written.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::error::{Error, Fault, Origin};
use super::examined::{Examined, examine};
use super::key::Key;
use super::{
    Admin, Config, LogFormat, LogLevel, Require, RingFeature, Rollout, Share, Source, network, source, value,
};
use crate::limits::{CLIENTS_TRACKED_MAX, REQUEST_TIMEOUT, WORKERS_MAX};

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
    /// Whether a source was given that could not be read.
    pub lacks_sources: bool,
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
    pub max_shrink: Option<Setting<Share>>,
    /// See [`Config::state`].
    pub state: Option<Setting<PathBuf>>,
    /// See [`Config::takeover`].
    pub takeover: Option<Setting<PathBuf>>,
    /// See [`Config::admin`].
    pub admin: Option<Setting<Admin>>,
    /// See [`Config::version_base`].
    pub version_base: Option<Setting<u32>>,
    /// See [`Config::connections_max`].
    pub connections_max: Option<Setting<usize>>,
    /// See [`Config::connections_per_ip_max`].
    pub connections_per_ip_max: Option<Setting<usize>>,
    /// See [`Config::allow`].
    pub allow: Vec<Setting<IpNet>>,
    /// See [`Config::clients_tracked_max`].
    pub clients_tracked_max: Option<Setting<usize>>,
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
    /// See [`Config::rollout`].
    pub rollout: Option<Setting<Rollout>>,
    /// Where each of its keys was given.
    pub rollout_keys: Vec<Setting<&'static str>>,
    /// See [`Config::ring_without`].
    pub ring_without: Option<Setting<Vec<RingFeature>>>,
}

impl Layer {
    /// Takes one setting as text: a list's is one more item, any other's replaces what was there.
    pub fn set(&mut self, key: Key, text: &str, origin: Origin) -> Result<(), Error> {
        let outcome = self.put(key, text, &origin);
        self.lacks_sources |= key.is_source() && outcome.is_err();
        outcome.map_err(|fault| fault.at(origin))
    }

    fn put(&mut self, key: Key, text: &str, origin: &Origin) -> Result<(), Fault> {
        use value::{choice, duration, duration_or_zero, integer, version_reply};
        fn given<T>(origin: &Origin, value: T) -> Option<Setting<T>> {
            Some(Setting { value, origin: origin.clone() })
        }
        let count = |text, bounds| integer(text, bounds).map(|number| number as usize);
        match key {
            Key::Listen => self.listen.extend(given(origin, value::listen(text)?)),
            Key::Upstream | Key::Static | Key::Dns => {
                self.sources.extend(given(origin, source::named(key, text)?));
            }
            Key::Workers => self.workers = given(origin, count(text, 1..=WORKERS_MAX as u64)?),
            Key::PollInterval => self.poll_interval = given(origin, duration(text, POLL_MIN..=HOUR)?),
            Key::PollTimeout => self.poll_timeout = given(origin, duration(text, POLL_MIN..=5 * MINUTE)?),
            Key::StartupGrace => {
                self.startup_grace = given(origin, duration(text, Duration::ZERO..=HOUR)?);
            }
            Key::Require => {
                let choices = [("any", Require::Any), ("all", Require::All)];
                self.require = given(origin, choice(text, choices)?);
            }
            Key::MaxShrink => self.max_shrink = given(origin, Share::new(text)?),
            Key::State => self.state = given(origin, value::text(text)?.into()),
            Key::Takeover => self.takeover = given(origin, value::socket_path(text)?),
            Key::Admin => self.admin = given(origin, Admin::parse(text)?),
            Key::VersionBase => {
                self.version_base = given(origin, integer(text, 1..=2_000_000_000)? as u32);
            }
            Key::ConnectionsMax => self.connections_max = given(origin, count(text, 1..=10_000_000)?),
            Key::ConnectionsPerIpMax => {
                self.connections_per_ip_max = given(origin, count(text, 1..=10_000_000)?)
            }
            Key::Allow => self.allow.extend(given(origin, network::parse(text)?)),
            Key::ClientsTrackedMax => self.clients_tracked_max = given(origin, count(text, 0..=1_000_000)?),
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

    /// Where a key of the rollout was given; where the rollout was, if the key was not.
    pub fn rollout_origin(&self, key: &str) -> Origin {
        let given = self.rollout_keys.iter().find(|given| given.value == key).map(|given| &given.origin);
        let whole = self.rollout.as_ref().map(|rollout| &rollout.origin);
        given.or(whole).cloned().unwrap_or(Origin::Unset)
    }

    /// Lays `self` over a lower layer. Lists are replaced as a whole, never mixed.
    pub(super) fn over(self, lower: Layer) -> Layer {
        fn either<T>(upper: Vec<T>, lower: Vec<T>) -> Vec<T> {
            if upper.is_empty() { lower } else { upper }
        }
        let rollout_keys = if self.rollout.is_some() { self.rollout_keys } else { lower.rollout_keys };
        Layer {
            file: self.file.or(lower.file),
            listen: either(self.listen, lower.listen),
            sources: either(self.sources, lower.sources),
            lacks_sources: self.lacks_sources || lower.lacks_sources,
            workers: self.workers.or(lower.workers),
            poll_interval: self.poll_interval.or(lower.poll_interval),
            poll_timeout: self.poll_timeout.or(lower.poll_timeout),
            startup_grace: self.startup_grace.or(lower.startup_grace),
            require: self.require.or(lower.require),
            max_shrink: self.max_shrink.or(lower.max_shrink),
            state: self.state.or(lower.state),
            takeover: self.takeover.or(lower.takeover),
            admin: self.admin.or(lower.admin),
            version_base: self.version_base.or(lower.version_base),
            connections_max: self.connections_max.or(lower.connections_max),
            connections_per_ip_max: self.connections_per_ip_max.or(lower.connections_per_ip_max),
            allow: either(self.allow, lower.allow),
            clients_tracked_max: self.clients_tracked_max.or(lower.clients_tracked_max),
            request_timeout: self.request_timeout.or(lower.request_timeout),
            idle_timeout: self.idle_timeout.or(lower.idle_timeout),
            log_format: self.log_format.or(lower.log_format),
            log_level: self.log_level.or(lower.log_level),
            version_reply: self.version_reply.or(lower.version_reply),
            rollout: self.rollout.or(lower.rollout),
            rollout_keys,
            ring_without: self.ring_without.or(lower.ring_without),
        }
    }
}

/// Lays the layers over each other, the first on top.
pub(super) fn lay(layers: impl IntoIterator<Item = Layer>) -> Layer {
    layers.into_iter().fold(Layer::default(), Layer::over)
}

/// The configuration that the layers make, the first on top and the defaults at the bottom.
pub fn resolve(layers: impl IntoIterator<Item = Layer>) -> Result<Config, Error> {
    let Examined { config, faults, .. } = examine(layers);
    faults.unless(config)
}

impl Layer {
    /// The configuration, with the defaults at the bottom.
    pub(super) fn complete(self) -> Config {
        let top = self;
        let mut listen: Vec<_> = top.listen.into_iter().map(|setting| setting.value).collect();
        if listen.is_empty() {
            listen.push((Ipv4Addr::UNSPECIFIED, 11211).into());
        }
        fn value<T>(setting: Option<Setting<T>>) -> Option<T> {
            setting.map(|setting| setting.value)
        }
        Config {
            listen,
            sources: top.sources.into_iter().map(|setting| setting.value).collect(),
            workers: value(top.workers),
            poll_interval: value(top.poll_interval).unwrap_or(10 * SECOND),
            poll_timeout: value(top.poll_timeout).unwrap_or(2 * SECOND),
            startup_grace: value(top.startup_grace).unwrap_or(10 * SECOND),
            require: value(top.require).unwrap_or_default(),
            max_shrink: value(top.max_shrink).unwrap_or_default(),
            state: value(top.state),
            takeover: value(top.takeover),
            admin: value(top.admin).unwrap_or_default(),
            version_base: value(top.version_base).unwrap_or(1_000_000),
            connections_max: value(top.connections_max),
            connections_per_ip_max: value(top.connections_per_ip_max),
            allow: top.allow.into_iter().map(|setting| setting.value).collect(),
            clients_tracked_max: value(top.clients_tracked_max).unwrap_or(CLIENTS_TRACKED_MAX),
            request_timeout: value(top.request_timeout).unwrap_or(REQUEST_TIMEOUT),
            idle_timeout: value(top.idle_timeout).unwrap_or(Duration::ZERO),
            log_format: value(top.log_format).unwrap_or_default(),
            log_level: value(top.log_level).unwrap_or_default(),
            version_reply: value(top.version_reply).unwrap_or_else(|| "1.6.22".to_owned()),
            rollout: value(top.rollout),
            ring_without: value(top.ring_without).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests;
