//! What is in force, and where each value of it was given.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::Origin;
use super::layer::{Layer, Setting};
use super::places::Found;
use super::{
    Config, Difference, FillIp, Key, LogFormat, Places, Require, RingFeature, Source, SourceKind, file,
};

/// Where the settings in force were given.
///
/// What was given nowhere has no origin: it is a default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
    /// Each setting that was given; of a list's items, the first one's.
    settings: Vec<(Key, Origin)>,
    /// Each source, by its name.
    sources: Vec<(String, Origin)>,
    /// The rollout, if there is one.
    rollout: Option<Origin>,
}

impl Provenance {
    /// Of layers that lie over each other, the first on top.
    pub fn of(layers: impl IntoIterator<Item = Layer>) -> Self {
        let top = layers.into_iter().fold(Layer::default(), Layer::over);
        let origin = |key| Some((key, top.origin(key)?.clone()));
        let source = |source: &Setting<Source>| (source.value.name.clone(), source.origin.clone());
        Self {
            settings: Key::ALL.into_iter().filter_map(origin).collect(),
            sources: top.sources.iter().map(source).collect(),
            rollout: top.rollout.map(|rollout| rollout.origin),
            file: top.file,
        }
    }

    /// Where a setting was given.
    pub fn setting(&self, key: Key) -> Option<&Origin> {
        self.settings.iter().find(|(of, _)| *of == key).map(|(_, origin)| origin)
    }

    /// Where a source was given.
    pub fn source(&self, name: &str) -> Option<&Origin> {
        self.sources.iter().find(|(of, _)| of == name).map(|(_, origin)| origin)
    }

    /// Where the rollout was given.
    pub fn rollout(&self) -> Option<&Origin> {
        self.rollout.as_ref()
    }

    /// This one, taken over by a running process: what needs a restart is from where it was `before`.
    #[must_use]
    pub fn taken_over(mut self, before: &Self, difference: &Difference) -> Self {
        self.settings.retain(|(key, _)| !difference.left.contains(key));
        let left = difference.left.iter().filter_map(|&key| Some((key, before.setting(key)?.clone())));
        self.settings.extend(left);
        self
    }
}

impl Layer {
    /// Where this layer's value was given. Sources have an origin each, and none together.
    fn origin(&self, key: Key) -> Option<&Origin> {
        fn one<T>(setting: &Option<Setting<T>>) -> Option<&Origin> {
            setting.as_ref().map(|setting| &setting.origin)
        }
        fn first<T>(settings: &[Setting<T>]) -> Option<&Origin> {
            settings.first().map(|setting| &setting.origin)
        }
        match key {
            Key::Listen => first(&self.listen),
            Key::Upstream | Key::Static | Key::Dns => None,
            Key::Workers => one(&self.workers),
            Key::PollInterval => one(&self.poll_interval),
            Key::PollTimeout => one(&self.poll_timeout),
            Key::StartupGrace => one(&self.startup_grace),
            Key::Require => one(&self.require),
            Key::MaxShrink => one(&self.max_shrink),
            Key::State => one(&self.state),
            Key::Takeover => one(&self.takeover),
            Key::Admin => one(&self.admin),
            Key::VersionBase => one(&self.version_base),
            Key::ConnectionsMax => one(&self.connections_max),
            Key::ConnectionsPerIpMax => one(&self.connections_per_ip_max),
            Key::Allow => first(&self.allow),
            Key::ClientsTrackedMax => one(&self.clients_tracked_max),
            Key::RequestTimeout => one(&self.request_timeout),
            Key::IdleTimeout => one(&self.idle_timeout),
            Key::LogFormat => one(&self.log_format),
            Key::LogLevel => one(&self.log_level),
            Key::VersionReply => one(&self.version_reply),
            Key::RingWithout => one(&self.ring_without),
        }
    }
}

impl Places {
    /// Where each setting was given, with the file as it was found. A file that is wrong gives none.
    pub fn provenance(&self, found: &Found) -> Provenance {
        let path = self.file.as_deref().unwrap_or(Path::new(""));
        let file = found.bytes().and_then(|bytes| file::from_bytes(path, bytes).ok()).unwrap_or_default();
        Provenance::of([self.flags.clone(), self.environment.clone(), file, self.passed.clone()])
    }
}

impl Config {
    /// The value of a setting as it is written; none where there is no bound, no file or nothing of the kind. Sources
    /// have texts of their own.
    pub fn text(&self, key: Key) -> Option<String> {
        let time = |time: Duration| Some(humantime::format_duration(time).to_string());
        let number = |number: Option<usize>| number.map(|number| number.to_string());
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        match key {
            Key::Upstream | Key::Static | Key::Dns => None,
            Key::Listen => joined(&self.listen),
            Key::Workers => number(self.workers),
            Key::PollInterval => time(self.poll_interval),
            Key::PollTimeout => time(self.poll_timeout),
            Key::StartupGrace => time(self.startup_grace),
            Key::Require => Some(if self.require == Require::All { "all" } else { "any" }.into()),
            Key::MaxShrink => Some(self.max_shrink.to_string()),
            Key::State => path(&self.state),
            Key::Takeover => path(&self.takeover),
            Key::Admin => Some(self.admin.to_string()),
            Key::VersionBase => Some(self.version_base.to_string()),
            Key::ConnectionsMax => number(self.connections_max),
            Key::ConnectionsPerIpMax => number(self.connections_per_ip_max),
            Key::Allow => joined(&self.allow),
            Key::ClientsTrackedMax => Some(self.clients_tracked_max.to_string()),
            Key::RequestTimeout => time(self.request_timeout),
            Key::IdleTimeout => time(self.idle_timeout),
            Key::LogFormat => Some(if self.log_format == LogFormat::Json { "json" } else { "text" }.into()),
            Key::LogLevel => Some(self.log_level.name().into()),
            Key::VersionReply => Some(self.version_reply.clone()),
            Key::RingWithout => {
                let name = |left_out| RingFeature::NAMES.iter().find(|(_, feature)| feature == left_out);
                joined(self.ring_without.iter().filter_map(name).map(|(name, _)| name))
            }
        }
    }
}

impl Source {
    /// What it is, as the key that gives it has it.
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            SourceKind::Endpoint(_) => Key::Upstream.name(),
            SourceKind::Static(_) => Key::Static.name(),
            SourceKind::Dns(_) => Key::Dns.name(),
        }
    }

    /// What is asked, or the nodes, separated by commas.
    pub fn target(&self) -> String {
        match &self.kind {
            SourceKind::Endpoint(target) | SourceKind::Dns(target) => target.to_string(),
            SourceKind::Static(nodes) => joined(nodes).unwrap_or_default(),
        }
    }

    /// Its other settings, those that were given, by their keys.
    pub fn choices(&self) -> Vec<(&'static str, String)> {
        let fill_ip = (self.fill_ip == FillIp::Missing).then(|| ("fill_ip", "missing".to_owned()));
        let publish = self.publish.then(|| ("publish", "true".to_owned()));
        let max_shrink = self.max_shrink.map(|share| ("max_shrink", share.to_string()));
        let time = |time: Duration| ("drop_after", humantime::format_duration(time).to_string());
        [fill_ip, publish, max_shrink, self.drop_after.map(time)].into_iter().flatten().collect()
    }
}

fn joined<T: ToString>(items: impl IntoIterator<Item = T>) -> Option<String> {
    let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
    (!items.is_empty()).then(|| items.join(","))
}

#[cfg(test)]
mod tests {
    use super::super::key::OTHERS;
    use super::super::{from_bytes, resolve};
    use super::*;

    fn flags(settings: &[(Key, &str)]) -> Layer {
        let mut layer = Layer::default();
        for (key, text) in settings {
            layer.set(*key, text, Origin::Flag(key.flag())).unwrap();
        }
        layer
    }

    #[test]
    fn every_setting_has_its_text_and_its_origin() {
        let source = [(Key::Static, "s=n:1,m:1")];
        let plain = resolve([flags(&source)]).unwrap();
        for key in Key::ALL.into_iter().filter(|key| !key.is_source()) {
            let (_, text) = OTHERS.into_iter().find(|(of, _)| *of == key).unwrap();
            let layer = flags(&[source[0], (key, text)]);
            let provenance = Provenance::of([layer.clone()]);
            assert_eq!(provenance.setting(key), Some(&Origin::Flag(key.flag())));
            assert_eq!(provenance.settings.len(), 1);
            assert_eq!(resolve([layer]).unwrap().text(key).as_deref(), Some(text));
            assert_ne!(plain.text(key).as_deref(), Some(text));
        }
        assert_eq!((plain.sources[0].kind_name(), plain.sources[0].target().as_str()), ("static", "n:1,m:1"));
    }

    #[test]
    fn the_layer_on_top_is_the_origin_and_what_needs_a_restart_keeps_its_own() {
        let file = |text: &str| from_bytes(Path::new("m.toml"), text.as_bytes()).unwrap();
        let source = "[[source]]\nname = \"a\"\nupstream = \"alpha:1\"\ndrop_after = \"1m\"\n";
        let layers = |text: &str| [flags(&[(Key::PollInterval, "3s")]), file(&format!("{text}{source}"))];
        let before = layers("workers = 2\npoll_interval = \"1s\"\nadmin = \"none\"\n");
        let after = layers("\nversion_base = 2\nworkers = 3\n");
        let (was, is) = (resolve(before.clone()).unwrap(), resolve(after.clone()).unwrap());
        let before = Provenance::of(before);
        let place = |provenance: &Provenance, key| provenance.setting(key).map(ToString::to_string);
        assert_eq!(place(&before, Key::PollInterval).unwrap(), "--poll-interval");
        assert_eq!(place(&before, Key::Workers).unwrap(), "m.toml:1");
        assert_eq!(before.source("a").unwrap().to_string(), "m.toml:5");
        let after = Provenance::of(after).taken_over(&before, &Difference::between(&was, &is));
        assert_eq!(place(&after, Key::Workers).unwrap(), "m.toml:1", "that is what is in force");
        assert_eq!(place(&after, Key::Admin).unwrap(), "m.toml:3");
        assert_eq!(place(&after, Key::VersionBase).unwrap(), "m.toml:2");
        assert_eq!(place(&after, Key::State), None);
        assert_eq!(after.source("a").unwrap().to_string(), "m.toml:5");
        assert_eq!(after.rollout(), None);
        assert_eq!(is.sources[0].choices(), [("drop_after", "1m".to_owned())]);
    }

    #[test]
    fn a_rollout_that_is_taken_over_is_from_where_it_is_now() {
        let provenance = |above: &str| {
            let text = format!(
                "{above}[rollout]\nfrom = 'a'\nto = 'b'\nstart = 2026-12-01T03:00:00Z\ninterval = '1m'\n"
            );
            Provenance::of([from_bytes(Path::new("m.toml"), text.as_bytes()).unwrap()])
        };
        let after = provenance("\n\n").taken_over(&provenance(""), &Difference::default());
        assert_eq!(after.rollout().unwrap().to_string(), "m.toml:3");
    }
}
