//! One replica: the real ledger and snapshot, a disk that is not real, and a judge of all that it does.

use std::time::Duration;

use mimikyu::cluster::Cluster;
use mimikyu::config::{Config, Require};
use mimikyu::poller::event::Event;
use mimikyu::poller::ledger::{Ledger, Observed, Publication};
use mimikyu::poller::memory::{self, recall, remember};
use mimikyu::poller::renewal::{Origin, origins};
use mimikyu::poller::source::Source;
use mimikyu::snapshot::{Publisher, Reader};
use mimikyu::state::State;

use super::disk::{Disk, Fate};
use super::judge::{Judge, Terms};
use super::plan::Descent;
use super::served;
use super::trail::Tally;
use super::upstream::Said;

/// The two clocks: since the world began, and since 1970.
#[derive(Clone, Copy)]
pub struct Now {
    pub world: Duration,
    pub wall: Duration,
}

/// Longest that a replica knows a former list of its own again, in lists: less than the ledger's bound.
const OWN_KNOWN: usize = 4;

pub struct Replica {
    config: Config,
    ledger: Ledger,
    publisher: Publisher,
    reader: Reader,
    /// `None` runs without a state file.
    disk: Option<Disk>,
    started: Duration,
    grace_ends: Option<Duration>,
    judge: Judge,
    /// The replies of this run.
    own: Vec<Vec<u8>>,
    /// What was checked last: replies that are the same bytes still need not be read again.
    checked: Option<(Cluster, Vec<u8>)>,
}

type Verdict = Result<(), String>;

impl Replica {
    pub fn new(config: &Config, terms: Terms, has_disk: bool, now: Now) -> Self {
        let (ledger, _) = recall(config, &State::default(), now.wall);
        let publisher = Publisher::new("1.6.22");
        Self {
            config: config.clone(),
            ledger,
            reader: publisher.reader(),
            publisher,
            disk: has_disk.then(Disk::default),
            started: now.world,
            grace_ends: Some(now.world + config.startup_grace),
            judge: Judge::new(terms, now.world),
            own: Vec::new(),
            checked: None,
        }
    }

    /// What clients are answered.
    pub fn bytes(&mut self) -> Option<Vec<u8>> {
        self.reader.current().list.as_ref().map(|list| list.config.once().to_vec())
    }

    pub fn served(&self) -> Option<&Cluster> {
        self.ledger.served().filter(|_| self.ledger.is_published())
    }

    /// A reply of its own, as a name that leads back to it would bring: the last one, or one before.
    pub fn own(&self, back: usize) -> Option<&[u8]> {
        let last = self.own.len().checked_sub(1)?;
        Some(&self.own[last.saturating_sub(back % OWN_KNOWN)])
    }

    pub fn fill_disk(&mut self, full: bool) {
        if let Some(disk) = &mut self.disk {
            disk.full = full;
        }
    }

    pub fn clock_set(&mut self) {
        self.judge.clock_set();
    }

    /// The grace ends, if it is time.
    pub fn tick(&mut self, now: Now, tally: &mut Tally) -> Verdict {
        if self.grace_ends.take_if(|ends| *ends <= now.world).is_none() {
            return Ok(());
        }
        tally.count("grace ended");
        let publication = self.ledger.end_grace();
        self.judge.grace_ended(&self.ledger, publication.as_ref())?;
        self.keep(publication, false, now, tally);
        self.check_bytes()
    }

    pub fn poll(&mut self, source: usize, said: &Said, now: Now, tally: &mut Tally) -> Verdict {
        let Observed { events, publication, is_news } =
            self.ledger.observe(source, said.outcome.clone(), now.world - self.started);
        for event in events {
            tally.count(match event {
                Event::Answers { .. } => "answers",
                Event::Fails(_) => "fails",
                Event::Stale(_) => "stale",
                Event::Rewound { .. } => "rewound",
                Event::Shrinks { .. } => "shrinks",
                Event::Shrank { .. } => "shrank",
                Event::Dropped { .. } => "dropped",
                Event::Spared { .. } => "spared",
                Event::Returns => "returns",
                Event::Trouble(_) | Event::TroubleOver if said.filled.is_none() => {
                    return Err("trouble that nobody made".into());
                }
                Event::Trouble(_) | Event::TroubleOver => "trouble",
            });
        }
        self.judge.poll(source, said, now.world, &self.ledger, publication.as_ref())?;
        self.keep(publication, is_news, now, tally);
        self.check_bytes()
    }

    /// As the poller does: another configuration, under which some sources are those of before.
    pub fn reload(
        &mut self,
        config: &Config,
        terms: Terms,
        from: &[Descent],
        now: Now,
        tally: &mut Tally,
    ) -> Verdict {
        let origins = origins(&self.config.sources, &config.sources);
        let origin = |descent: &Descent| match *descent {
            Descent::Same(of) => Origin::Kept(of),
            Descent::Instead { of, .. } => Origin::Replaces(of),
            Descent::New => Origin::New,
        };
        if origins != from.iter().map(origin).collect::<Vec<_>>() {
            return Err(format!("the sources are taken for {origins:?} and are {from:?}"));
        }
        let sources = config.sources.iter().zip(origins);
        let sources = sources.map(|(source, origin)| (memory::terms(config, source), origin)).collect();
        let since = now.world - self.started;
        let publication = self.ledger.renew(memory::rules(config), sources, since);
        if config.sources != self.config.sources {
            self.grace_ends = Some(now.world + config.startup_grace);
        }
        self.config = config.clone();
        if self.ledger.sources().iter().any(Source::is_stand_in) {
            tally.count("stood in for");
        }
        if self.ledger.is_published() && self.ledger.is_held() {
            tally.count("list held");
        }
        self.judge.reload(terms, from, now.world, &self.ledger, publication.as_ref())?;
        self.keep(publication, true, now, tally);
        self.check_bytes()
    }

    /// Whether the nodes of a source are off the list.
    pub fn dropped(&self) -> Option<usize> {
        self.ledger.sources().iter().position(Source::is_dropped)
    }

    /// As the poller does: save, then publish.
    fn keep(&mut self, publication: Option<Publication>, is_news: bool, now: Now, tally: &mut Tally) {
        if let Some(disk) = &mut self.disk {
            if publication.is_some() || is_news {
                let since = now.world - self.started;
                disk.save(remember(&self.config.sources, &self.ledger, since, now.wall));
            } else {
                disk.retry();
            }
        }
        if let Some(publication) = publication {
            tally.count("publication");
            self.publisher.publish(publication.cluster);
            self.own.extend(self.reader.current().list.as_ref().map(|list| list.config.once().to_vec()));
        }
    }

    /// It stops, and is started again `now`.
    pub fn restart(&mut self, fate: Fate, now: Now, tally: &mut Tally) -> Verdict {
        tally.count("restart");
        let (state, is_newest) = match &mut self.disk {
            Some(disk) => disk.restart(fate, tally)?,
            None => (State::default(), false),
        };
        let had = self.bytes();
        let (ledger, publication) = recall(&self.config, &state, now.wall);
        self.ledger = ledger;
        self.started = now.world;
        self.grace_ends = Some(now.world + self.config.startup_grace);
        self.publisher = Publisher::new("1.6.22");
        self.reader = self.publisher.reader();
        self.own.clear();
        self.judge.restart(is_newest, now.world, &self.ledger, publication.as_ref())?;
        self.keep(publication, false, now, tally);
        // Nothing stands in for a source after a restart, and where every one is required there is no list without it.
        let is_whole = self.config.require == Require::Any
            || self.ledger.sources().iter().all(|source| source.last().is_some());
        if is_newest && had.is_some() && is_whole {
            tally.count("restored");
            if self.bytes() != had {
                return Err("a restart serves other bytes".into());
            }
        }
        self.check_bytes()
    }

    fn check_bytes(&mut self) -> Verdict {
        let now = self.served().cloned().zip(self.bytes());
        if now.is_some() && now == self.checked {
            return Ok(());
        }
        served::check(self.reader.current(), self.ledger.served().filter(|_| self.ledger.is_published()))?;
        self.checked = now;
        Ok(())
    }
}
