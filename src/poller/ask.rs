//! A task a source, which asks it for ever; they come and go with the configuration.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::backoff;
use super::renewal::Origin;
use super::source::Failure;
use super::view::NextPoll;
use crate::cluster::Cluster;
use crate::config::{self, Config};
use crate::upstream::{Answer, Upstream};

/// Reports that wait for the ledger: a source with one in the queue waits with it.
const REPORTS_MAX: usize = 64;

/// How often sources are asked, and how long they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    pub interval: Duration,
    pub timeout: Duration,
}

impl Pace {
    pub fn of(config: &Config) -> Self {
        Self { interval: config.poll_interval, timeout: config.poll_timeout }
    }
}

/// A source's outcome, and who asked it.
#[derive(Debug)]
pub(super) struct Report {
    pub asker: u64,
    pub outcome: Result<Answer, Failure>,
    /// Who answered.
    pub address: Option<SocketAddr>,
    /// Every address that its name led to, where it is an endpoint.
    pub places: Vec<SocketAddr>,
}

/// The task of a source.
#[derive(Debug)]
struct Asking {
    /// Its own, and never another one's again.
    number: u64,
    task: AbortHandle,
    next_poll: NextPoll,
}

/// The tasks.
#[derive(Debug)]
pub(super) struct Askers {
    tasks: JoinSet<()>,
    /// The task of each source, in their order.
    asking: Vec<Asking>,
    started: u64,
    pace: watch::Receiver<Pace>,
    sender: mpsc::Sender<Report>,
    reports: mpsc::Receiver<Report>,
}

impl Askers {
    pub fn new(pace: watch::Receiver<Pace>) -> Self {
        let (sender, reports) = mpsc::channel(REPORTS_MAX);
        Self { tasks: JoinSet::new(), asking: Vec::new(), started: 0, pace, sender, reports }
    }

    /// Asks one more source, at once; `last` is its last good answer.
    pub fn start(&mut self, source: &config::Source, last: Option<&Cluster>) {
        let task = self.task(source, last);
        self.asking.push(task);
    }

    fn task(&mut self, source: &config::Source, last: Option<&Cluster>) -> Asking {
        let upstream = Upstream::new(source, last.map_or(&[][..], |last| &last.nodes));
        let number = self.started;
        self.started += 1;
        let next_poll = NextPoll::default();
        let task = ask(number, upstream, self.pace.clone(), self.sender.clone(), next_poll.clone());
        Asking { number, task: self.tasks.spawn_local(task), next_poll }
    }

    /// Asks these sources from now on. Those that were asked before go on as they were; those that are gone are given
    /// up, with their conversations.
    pub fn renew<'a>(
        &mut self,
        sources: impl Iterator<Item = (&'a config::Source, Origin, Option<&'a Cluster>)>,
    ) {
        let mut before: Vec<_> = std::mem::take(&mut self.asking).into_iter().map(Some).collect();
        for (source, origin, last) in sources {
            let kept = match origin {
                Origin::Kept(index) => before[index].take(),
                Origin::Replaces(_) | Origin::New => None,
            };
            let task = kept.unwrap_or_else(|| self.task(source, last));
            self.asking.push(task);
        }
        before.into_iter().flatten().for_each(|asking| asking.task.abort());
    }

    /// The place of the source that a task asks, unless it is gone.
    pub fn place(&self, asker: u64) -> Option<usize> {
        self.asking.iter().position(|asking| asking.number == asker)
    }

    /// When each source is asked next, in their order.
    pub fn next_polls(&self) -> impl Iterator<Item = NextPoll> {
        self.asking.iter().map(|asking| asking.next_poll.clone())
    }

    /// One more task, which never ends by itself.
    pub fn spawn(&mut self, task: impl Future<Output = ()> + 'static) {
        self.tasks.spawn_local(task);
    }

    /// The next report; none once a task has ended that was not given up, which it does only by a panic.
    pub async fn report(&mut self) -> Option<Report> {
        loop {
            tokio::select! {
                report = self.reports.recv() => return report,
                Some(ended) = self.tasks.join_next() => match ended {
                    Err(error) if error.is_cancelled() => {}
                    _ => return None,
                },
            }
        }
    }
}

/// Asks one source for ever.
async fn ask(
    asker: u64,
    mut upstream: Upstream,
    mut pace: watch::Receiver<Pace>,
    reports: mpsc::Sender<Report>,
    next_poll: NextPoll,
) {
    let mut failures: u32 = 0;
    loop {
        next_poll.set(None);
        let begun = Instant::now();
        let timeout = pace.borrow_and_update().timeout;
        let outcome = upstream.poll(timeout).await.map_err(|error| Failure {
            what: error.what(),
            address: error.address(),
            timeout: error.timeout(),
        });
        let ended = Instant::now();
        failures = if outcome.is_ok() { 0 } else { failures.saturating_add(1) };
        let (address, places) = (upstream.answered(), upstream.places());
        if reports.send(Report { asker, outcome, address, places }).await.is_err() {
            return;
        }
        let chance = fastrand::u64(..);
        loop {
            let interval = pace.borrow_and_update().interval;
            let until = match failures {
                0 => begun + interval,
                _ => ended + backoff::wait(failures, interval, chance),
            };
            next_poll.set(Some(until));
            tokio::select! {
                () = tokio::time::sleep_until(until.into()) => break,
                // Another pace holds from now on, and not only after a wait of the old one.
                Ok(()) = pace.changed() => {}
            }
        }
    }
}
