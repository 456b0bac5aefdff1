//! What the service manager is told of this daemon, and when.
//!
//! ```text
//!  Starting ──▶ Serving ◀──▶ Reloading          READY=1 only with a list and an open door: until then the
//!      │           │             │              start is not over, STATUS= says what it waits for, and its
//!      └───────────┴─────────────┴──▶ Stopping  time limit is put off as long as this thread lives
//! ```
//!
//! A start that is given up would be begun again with the same upstreams: no list would come sooner. So it is put off for ever, and
//! whether to alarm somebody is for who watches.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::joined;
use super::pulse::Pulse;
use crate::config::Config;
use crate::limits::{NOTIFY_EXTENSION, NOTIFY_INTERVAL};
use crate::notify::{Notifier, status_line, watchdog};
use crate::snapshot::Reader;

/// The daemon as its service manager sees it. Clones are the same; without a manager all of it does nothing.
#[derive(Debug, Clone)]
pub(super) struct Service(Option<Rc<RefCell<Told>>>);

/// What has been told.
#[derive(Debug)]
struct Told {
    notifier: Notifier,
    phase: Phase,
    /// Whether clients may come.
    is_open: bool,
    /// What they get.
    reader: Reader,
    /// Who is asked for it.
    configs: watch::Receiver<Arc<Config>>,
    /// The last status.
    status: String,
    /// Reloads that have begun and not ended.
    reloads: usize,
    /// Why the last reload was refused, if it was.
    refused: Option<String>,
}

/// Where the daemon is in its life, as the manager knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Serving,
    Reloading,
    Stopping,
}

impl Service {
    /// One that tells the manager which the environment names.
    pub fn begin(reader: Reader, configs: watch::Receiver<Arc<Config>>) -> Self {
        Self::of(Notifier::from_environment(), reader, configs)
    }

    fn of(notifier: Option<Notifier>, reader: Reader, configs: watch::Receiver<Arc<Config>>) -> Self {
        Self(notifier.map(|notifier| {
            Rc::new(RefCell::new(Told {
                notifier,
                phase: Phase::Starting,
                is_open: false,
                reader,
                configs,
                status: String::new(),
                reloads: 0,
                refused: None,
            }))
        }))
    }

    fn with(&self, act: impl FnOnce(&mut Told)) {
        if let Some(told) = &self.0 {
            act(&mut told.borrow_mut());
        }
    }

    /// Clients may come.
    pub fn opened(&self) {
        self.with(|told| {
            told.is_open = true;
            told.look();
        });
    }

    /// A configuration is read, of which [`Service::reloaded`] tells the end. To be told at once: the manager knows by the
    /// time that its own wish has been heard.
    pub fn reloading(&self) {
        self.with(|told| {
            told.reloads += 1;
            if !matches!(told.phase, Phase::Serving | Phase::Reloading) {
                return;
            }
            // It fails on no Linux.
            let Ok(now) = NotifyState::monotonic_usec_now() else { return };
            told.phase = Phase::Reloading;
            told.status = "reading the configuration".into();
            told.notifier.tell(&[NotifyState::Reloading, now, NotifyState::Status(&told.status)]);
        });
    }

    /// It is in force, or it was refused for this reason.
    pub fn reloaded(&self, refused: Option<&str>) {
        self.with(|told| {
            told.refused = refused.map(String::from);
            told.reloads = told.reloads.saturating_sub(1);
            if told.phase == Phase::Reloading && told.reloads == 0 {
                told.tell_ready();
            }
        });
    }

    /// It leaves.
    pub fn stopping(&self, why: &str) {
        self.with(|told| {
            told.phase = Phase::Stopping;
            told.notifier.tell(&[NotifyState::Stopping, NotifyState::Status(&status_line(why))]);
        });
    }

    /// Tells every change, and that all threads live, for ever.
    pub async fn run(self, pulse: Rc<Pulse>) {
        if self.0.is_none() {
            return std::future::pending().await;
        }
        tokio::join!(self.look_on(), self.watch(watchdog(), &pulse));
    }

    async fn look_on(&self) {
        let mut ticks = interval(NOTIFY_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.with(Told::look);
        }
    }

    /// Says so twice in the time that the manager waits, but only when every worker has taken its mail: one that is
    /// stuck keeps it from being said, and the manager starts the process anew.
    async fn watch(&self, time: Option<Duration>, pulse: &Pulse) {
        let Some(time) = time else { return std::future::pending().await };
        let mut ticks = interval((time / 2).max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            pulse.all_alive().await;
            self.with(|told| told.notifier.tell_now(&[NotifyState::Watchdog]));
        }
    }
}

impl Told {
    /// Tells what has changed.
    fn look(&mut self) {
        self.notifier.retry();
        let has_list = self.reader.current().list.is_some();
        match self.phase {
            Phase::Starting if self.is_open && has_list => self.tell_ready(),
            Phase::Starting => {
                let sources = joined(self.configs.borrow().sources.iter().map(|source| &source.name));
                let extension = u32::try_from(NOTIFY_EXTENSION.as_micros()).unwrap_or(u32::MAX);
                self.notifier.tell_now(&[NotifyState::ExtendTimeoutUsec(extension)]);
                self.tell_status(format!("waiting for a list from {sources}"));
            }
            Phase::Serving => {
                let status = self.serving();
                self.tell_status(status);
            }
            Phase::Reloading | Phase::Stopping => {}
        }
    }

    fn tell_status(&mut self, status: String) {
        let status = status_line(&status);
        if status != self.status {
            self.notifier.tell(&[NotifyState::Status(&status)]);
            self.status = status;
        }
    }

    fn tell_ready(&mut self) {
        self.phase = Phase::Serving;
        self.status = status_line(&self.serving());
        self.notifier.tell(&[NotifyState::Ready, NotifyState::Status(&self.status)]);
    }

    fn serving(&mut self) -> String {
        let mut status = match &self.reader.current().list {
            Some(list) => {
                format!(
                    "serving version {}, nodes: {}",
                    list.cluster.version.number(),
                    list.cluster.nodes.len()
                )
            }
            None => "serving no list".into(),
        };
        if let Some(refused) = &self.refused {
            status += &format!("; the last reload was refused: {refused}");
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;
    use crate::cluster::{Cluster, Node, Version};
    use crate::config::{Key, Layer, Origin, resolve};
    use crate::snapshot::Publisher;

    /// A service whose manager is the test.
    struct Managed {
        service: Service,
        socket: UnixDatagram,
        publisher: Publisher,
        _directory: tempfile::TempDir,
    }

    fn managed() -> Managed {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let publisher = Publisher::new("1.6.22");
        let mut layer = Layer::default();
        layer.set(Key::Static, "alpha=127.0.0.1:9", Origin::Flag("--static".into())).unwrap();
        let (_, configs) = watch::channel(Arc::new(resolve([layer]).unwrap()));
        let notifier = Notifier::new(path.as_os_str()).unwrap();
        let service = Service::of(Some(notifier), publisher.reader(), configs);
        Managed { service, socket, publisher, _directory: directory }
    }

    impl Managed {
        fn heard(&self) -> Vec<String> {
            let mut bytes = [0; 8192];
            let message = || {
                let length = self.socket.recv(&mut bytes).ok()?;
                Some(String::from_utf8(bytes[..length].to_vec()).unwrap())
            };
            std::iter::from_fn(message).collect()
        }
    }

    fn publish(managed: &Managed, version: u64) {
        let nodes = vec![Node::new("a", "10.0.0.1", 11211)];
        managed.publisher.publish(Cluster { version: Version::new(version).unwrap(), nodes });
    }

    const WAITING: [&str; 2] = ["EXTEND_TIMEOUT_USEC=30000000\n", "STATUS=waiting for a list from alpha\n"];
    const SEVEN: &str = "STATUS=serving version 7, nodes: 1\n";

    #[test]
    fn it_is_ready_with_a_list_and_an_open_door_and_not_with_one_of_them() {
        for opens_first in [true, false] {
            let managed = managed();
            let look = || managed.service.with(Told::look);
            look();
            assert_eq!(managed.heard(), WAITING);
            if opens_first {
                managed.service.opened()
            } else {
                publish(&managed, 7)
            };
            look();
            assert!(managed.heard().iter().all(|message| message == WAITING[0]));
            if opens_first {
                publish(&managed, 7)
            } else {
                managed.service.opened()
            };
            look();
            assert_eq!(managed.heard(), [format!("READY=1\n{SEVEN}")]);
            look();
            assert_eq!(managed.heard(), [""; 0], "nothing has changed");
            publish(&managed, 8);
            look();
            assert_eq!(managed.heard(), [SEVEN.replace('7', "8")]);
        }
    }

    #[test]
    fn a_reload_is_told_once_it_runs_and_once_it_is_over() {
        let managed = managed();
        publish(&managed, 7);
        // A start that is not over must not end by a reload.
        managed.service.reloading();
        managed.service.reloaded(None);
        assert_eq!(managed.heard(), [""; 0]);
        managed.service.opened();
        managed.heard();
        for refused in [None, Some("line 1: no\nTOML"), None] {
            managed.service.reloading();
            managed.service.with(Told::look);
            let messages = managed.heard();
            assert_eq!(messages.len(), 1, "{messages:?}");
            let lines: Vec<_> = messages[0].lines().collect();
            assert_eq!((lines[0], lines[2]), ("RELOADING=1", "STATUS=reading the configuration"));
            assert!(lines[1].strip_prefix("MONOTONIC_USEC=").unwrap().parse::<u64>().unwrap() > 0);
            managed.service.reloaded(refused);
            let why = refused.map_or("", |_| "; the last reload was refused: line 1: no TOML");
            assert_eq!(managed.heard(), [format!("READY=1\n{}{why}\n", SEVEN.trim_end())]);
        }
        // The second of two ends what the manager waits for.
        (0..2).for_each(|_| managed.service.reloading());
        managed.service.reloaded(None);
        assert!(managed.heard().iter().all(|message| message.starts_with("RELOADING=1\n")));
        managed.service.reloaded(None);
        assert_eq!(managed.heard(), [format!("READY=1\n{SEVEN}")]);
        managed.service.stopping("enough");
        managed.service.reloading();
        managed.service.reloaded(None);
        managed.service.with(Told::look);
        assert_eq!(managed.heard(), ["STOPPING=1\nSTATUS=enough\n"]);
    }
}
