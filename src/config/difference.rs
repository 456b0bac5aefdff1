//! What is different between two configurations, and what of it a running process can take over.

use super::{Config, Key};

/// The settings that differ; those that name sources are told apart by the poller, which knows more of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Those that a running process takes over.
    pub taken: Vec<Key>,
    /// Those that need a restart.
    pub left: Vec<Key>,
    /// Whether the sources are others, or in another order.
    pub sources: bool,
    /// Whether the rollout is another one, or there is one, or none any more.
    pub rollout: bool,
}

impl Difference {
    /// What is different in `after`.
    pub fn between(before: &Config, after: &Config) -> Self {
        // Names every field, so that a new one is not forgotten.
        let Config {
            listen,
            sources,
            workers,
            poll_interval,
            poll_timeout,
            startup_grace,
            require,
            max_shrink,
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
            rollout,
            ring_without,
        } = before;
        let differs = [
            (Key::Listen, *listen != after.listen),
            (Key::PollInterval, *poll_interval != after.poll_interval),
            (Key::PollTimeout, *poll_timeout != after.poll_timeout),
            (Key::StartupGrace, *startup_grace != after.startup_grace),
            (Key::Require, *require != after.require),
            (Key::MaxShrink, *max_shrink != after.max_shrink),
            (Key::VersionBase, *version_base != after.version_base),
            (Key::ConnectionsMax, *connections_max != after.connections_max),
            (Key::ConnectionsPerIpMax, *connections_per_ip_max != after.connections_per_ip_max),
            (Key::Allow, *allow != after.allow),
            (Key::ClientsTrackedMax, *clients_tracked_max != after.clients_tracked_max),
            (Key::RequestTimeout, *request_timeout != after.request_timeout),
            (Key::IdleTimeout, *idle_timeout != after.idle_timeout),
            (Key::LogLevel, *log_level != after.log_level),
            (Key::VersionReply, *version_reply != after.version_reply),
        ];
        // The threads, their rings, the file that is held, the sockets for takeovers and for operators and the writer of
        // the log are made once.
        let fixed = [
            (Key::Workers, *workers != after.workers),
            (Key::State, *state != after.state),
            (Key::Takeover, *takeover != after.takeover),
            (Key::Admin, *admin != after.admin),
            (Key::LogFormat, *log_format != after.log_format),
            (Key::RingWithout, *ring_without != after.ring_without),
        ];
        let keys = |all: &[(Key, bool)]| all.iter().filter(|(_, is)| *is).map(|(key, _)| *key).collect();
        Self {
            taken: keys(&differs),
            left: keys(&fixed),
            sources: *sources != after.sources,
            rollout: *rollout != after.rollout,
        }
    }

    /// `after`, but for what needs a restart, which stays as in `before`.
    pub fn taken_over(before: &Config, after: Config) -> Config {
        Config {
            workers: before.workers,
            state: before.state.clone(),
            takeover: before.takeover.clone(),
            admin: before.admin,
            log_format: before.log_format,
            ring_without: before.ring_without.clone(),
            ..after
        }
    }

    /// Whether nothing is different.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::OTHERS;
    use super::super::{Layer, Origin, from_bytes, resolve};
    use super::*;

    fn config(settings: &[(Key, &str)]) -> Config {
        let mut layer = Layer::default();
        layer.set(Key::Upstream, "a=alpha:1", Origin::Unset).unwrap();
        for (key, text) in settings {
            layer.set(*key, text, Origin::Unset).unwrap();
        }
        resolve([layer]).unwrap()
    }

    #[test]
    fn every_setting_is_taken_over_or_left_and_what_is_left_stays() {
        let before = config(&[]);
        assert!(Difference::between(&before, &before).is_none());
        for (key, text) in OTHERS.into_iter().chain([(Key::Dns, "b=beta:1")]) {
            let after = config(&[(key, text)]);
            let difference = Difference::between(&before, &after);
            assert!(!difference.is_none(), "{key:?}");
            let taken = Difference::taken_over(&before, after.clone());
            let is_left = difference.left == [key];
            assert_eq!(taken, if is_left { before.clone() } else { after }, "{key:?}");
            let fixed =
                [Key::Workers, Key::State, Key::Takeover, Key::Admin, Key::LogFormat, Key::RingWithout];
            let needs_a_restart = fixed.contains(&key);
            assert_eq!(is_left, needs_a_restart);
            assert_eq!(difference.taken == [key], !is_left && key != Key::Dns);
            assert_eq!(difference.sources, key == Key::Dns);
            assert!(!difference.rollout, "{key:?}");
        }
    }

    #[test]
    fn a_rollout_is_taken_over() {
        let config = |more: &str| {
            let sources = "source = [{ name = 'a', dns = 'a:1' }, { name = 'b', dns = 'b:1' }]\n";
            from_bytes("m.toml".as_ref(), format!("{sources}{more}").as_bytes())
                .and_then(|layer| resolve([layer]))
                .unwrap()
        };
        let rollout = "[rollout]\nfrom = 'a'\nto = 'b'\nstart = 2026-12-01T03:00:00Z\ninterval = '1m'\n";
        let all = [config(""), config(rollout), config(&format!("{rollout}hold_at = 3"))];
        for (at, before) in all.iter().enumerate() {
            for (to, after) in all.iter().enumerate() {
                let expected = Difference { rollout: at != to, ..Difference::default() };
                let difference = Difference::between(before, after);
                assert_eq!((difference.is_none(), difference), (at == to, expected));
                assert_eq!(Difference::taken_over(before, after.clone()), *after);
            }
        }
    }
}
