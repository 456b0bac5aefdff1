//! What operators are told: put together from what each room keeps ready.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::sync::{Mutex, watch};

use super::door::Door;
use super::pulse::Pulse;
use crate::admin::Facts;
use crate::census::Surveyor;
use crate::config::{self, Config, Key, Provenance};
use crate::exposition;
use crate::limits::{ADMIN_ALIVE, ADMIN_CONNECTIONS_MAX, NODES_MAX, SOURCES_MAX};
use crate::metrics::Metrics;
use crate::poller::view::{self, seconds};
use crate::snapshot::{Reader, Snapshot};
use crate::stats::Terms;
use crate::status::{
    self, Audience, Configuration, Given, GivenRollout, History, Limit, List, Node, Origin, RolloutPlan,
    Setting, Status, Traffic, Workers,
};
use crate::worker::Features;

/// How far the daemon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Phase {
    /// Clients are not let in yet.
    #[default]
    Starting,
    /// They are.
    Serving,
    /// No more of them are.
    Leaving,
}

/// Who knows all that there is to tell.
pub(super) struct Teller {
    /// When the process started, by a clock that may be set and by one that may not.
    pub started: (SystemTime, Instant),
    pub phase: Rc<Cell<Phase>>,
    pub view: view::Shared,
    pub reader: RefCell<Reader>,
    pub door: Rc<RefCell<Door>>,
    pub metrics: Metrics,
    pub features: Features,
    pub terms: watch::Receiver<Terms>,
    pub configs: watch::Receiver<Arc<Config>>,
    pub provenance: Rc<RefCell<Provenance>>,
    /// Who asks the workers whether they live.
    pub pulse: Rc<Pulse>,
    /// Who asks the workers which clients have seen what: for one question at a time.
    pub surveyor: Mutex<Surveyor>,
    /// The digest of the list that was served when it was asked for last.
    pub digest: RefCell<Option<(Arc<Snapshot>, String)>>,
}

impl Facts for Teller {
    async fn is_alive(&self) -> bool {
        self.pulse.all_alive_within(ADMIN_ALIVE).await
    }

    fn unready(&self) -> Option<String> {
        let has_list = self.has_list();
        let view = self.view.borrow();
        let missing = view.missing().join(", ");
        match self.phase.get() {
            Phase::Serving if has_list => None,
            Phase::Serving => Some(format!("there is no list: never an answer of {missing}")),
            Phase::Starting if missing.is_empty() => Some("it is starting".into()),
            Phase::Starting => Some(format!("it is starting: waits for the first answer of {missing}")),
            Phase::Leaving => Some("it is stopping: it answers what was asked and lets nobody in".into()),
        }
    }

    async fn status(&self) -> Status {
        let audience = self.audience().await;
        let (started_at, started) = self.started;
        let now = Instant::now();
        let sources = self.view.borrow().sources(now);
        let unready = self.unready();
        let limits = self.limits(&sources, &audience);
        Status {
            mimikyu: env!("CARGO_PKG_VERSION").into(),
            now: shown(SystemTime::now()),
            started: shown(started_at),
            uptime: seconds(now.saturating_duration_since(started)),
            ready: unready.is_none(),
            waits_for: unready,
            listen: self.door.borrow().addresses().collect(),
            troubles: self.view.borrow().known_troubles(),
            list: self.list(),
            sources,
            rollout: self.view.borrow().rollout_so_far(),
            audience,
            traffic: self.traffic(),
            workers: self.workers(),
            limits,
        }
    }

    fn configuration(&self) -> Configuration {
        let provenance = self.provenance.borrow();
        let mut config = Config::clone(&self.configs.borrow());
        // What is in force where the configuration leaves it to the machine.
        config.workers.get_or_insert(self.metrics.workers());
        config.connections_max = Some(self.terms.borrow().own.connections_max);
        let setting = |key: Key| {
            let (origin, place) = origin(provenance.setting(key));
            Setting { key: key.name().into(), value: config.text(key), origin, place }
        };
        let given = |source: &config::Source| {
            let (origin, place) = origin(provenance.source(&source.name));
            let choices = source.choices().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            let (kind, target) = (source.kind_name().into(), source.target());
            Given { name: source.name.clone(), kind, target, choices, origin, place }
        };
        let rollout = |rollout: &config::Rollout| {
            let (origin, place) = origin(provenance.rollout());
            let settings = rollout.settings().into_iter().map(|(key, value)| (key.to_owned(), value));
            GivenRollout { settings: settings.collect(), origin, place }
        };
        Configuration {
            file: provenance.file.as_ref().map(|file| file.display().to_string()),
            settings: Key::ALL.into_iter().filter(|key| !key.is_source()).map(setting).collect(),
            sources: config.sources.iter().map(given).collect(),
            rollout: config.rollout.as_ref().map(rollout),
        }
    }

    fn history(&self) -> History {
        self.view.borrow().history()
    }

    fn rollout(&self) -> RolloutPlan {
        self.view.borrow().rollout()
    }

    async fn metrics(&self) -> String {
        exposition::text(&self.metrics, &self.status().await)
    }
}

impl Teller {
    /// Whether there is something to serve.
    pub fn has_list(&self) -> bool {
        self.reader.borrow_mut().current().list.is_some()
    }

    /// Which clients have seen the list.
    async fn audience(&self) -> Audience {
        let current =
            self.reader.borrow_mut().current().list.as_ref().map(|list| list.cluster.version.number());
        self.surveyor.lock().await.survey(Instant::now(), current).await
    }

    fn list(&self) -> Option<List> {
        let mut reader = self.reader.borrow_mut();
        let snapshot = reader.current();
        let list = snapshot.list.as_ref()?;
        let reply = list.config.once();
        let view = self.view.borrow();
        let node = |(place, node): (usize, &crate::cluster::Node)| Node {
            host: node.host.as_ref().into(),
            ip: node.ip.as_ref().into(),
            port: node.port,
            sources: view.owners(place),
        };
        Some(List {
            version: list.cluster.version.number(),
            digest: self.digest(snapshot, reply),
            bytes: reply.len(),
            since: view.since(),
            nodes: list.cluster.nodes.iter().enumerate().map(node).collect(),
        })
    }

    /// It is asked for often and changes seldom.
    fn digest(&self, snapshot: &Arc<Snapshot>, reply: &[u8]) -> String {
        let mut known = self.digest.borrow_mut();
        if !known.as_ref().is_some_and(|(of, _)| Arc::ptr_eq(of, snapshot)) {
            *known = Some((snapshot.clone(), status::digest(reply)));
        }
        known.as_ref().map(|(_, digest)| digest.clone()).unwrap_or_default()
    }

    fn traffic(&self) -> Traffic {
        let metrics = &self.metrics;
        Traffic {
            requests: metrics.requests(),
            lists: metrics.lists(),
            errors: metrics.errors(),
            accepted: metrics.sum(|worker| &worker.accepted),
            rejected: metrics.rejected(),
            open: metrics.open(),
            bytes_received: metrics.sum(|worker| &worker.bytes_received),
            bytes_sent: metrics.sum(|worker| &worker.bytes_sent),
        }
    }

    fn workers(&self) -> Workers {
        let names = self.features.names().map(String::from);
        Workers { count: self.metrics.workers(), ring_features: names.collect() }
    }

    fn limits(&self, sources: &[crate::status::Source], audience: &Audience) -> Vec<Limit> {
        let largest = sources.iter().map(|source| source.nodes).max().unwrap_or_default();
        let connections_max = self.terms.borrow().own.connections_max;
        let mut limits = vec![
            limit("connections", self.metrics.open(), connections_max),
            limit("sources", sources.len(), SOURCES_MAX),
            limit("nodes_of_a_source", largest, NODES_MAX),
        ];
        if audience.tracked_max > 0 {
            limits.push(limit("clients_tracked", audience.tracked, audience.tracked_max));
        }
        let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        limits.extend(descriptors.and_then(|max| {
            let used = open_descriptors()?;
            Some(Limit { name: "descriptors".into(), used, max })
        }));
        limits
    }
}

/// How many connections operators may have, where clients may have so many: they are not to take what clients need.
pub(super) fn operators_max(connections_max: usize) -> usize {
    ADMIN_CONNECTIONS_MAX.min(connections_max.div_ceil(4))
}

fn limit(name: &str, used: usize, max: usize) -> Limit {
    Limit { name: name.into(), used: used as u64, max: max as u64 }
}

/// Kernels since 6.2 say it without being asked for each of them, which with many clients would take long.
fn open_descriptors() -> Option<u64> {
    let counted = std::fs::metadata("/proc/self/fd").ok()?.len();
    (counted > 0).then_some(counted)
}

fn shown(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

fn origin(origin: Option<&config::Origin>) -> (Origin, Option<String>) {
    let kind = match origin {
        Some(config::Origin::Flag(_)) => Origin::Flag,
        Some(config::Origin::Environment(_)) => Origin::Environment,
        Some(config::Origin::File { .. }) => Origin::File,
        Some(config::Origin::Unset) | None => return (Origin::Default, None),
    };
    (kind, origin.map(ToString::to_string))
}
