//! One world: its configuration, its sources and replicas, and what befalls them, all from one seed.

use std::collections::VecDeque;
use std::time::Duration;

use fastrand::Rng;
use mimikyu::poller::backoff;

use super::disk::Fate;
use super::judge::SourceTerms;
use super::plan::{Descent, Freedom, Plan};
use super::replica::{Now, Replica};
use super::trail::{Tally, Trail};
use super::upstream::{Kind, Said, Upstream, told};

const INTERVAL: Duration = Duration::from_secs(10);

/// When every world begins, in seconds since 1970.
const WALL: u64 = 1_763_000_000;

const YEAR: u64 = 365 * 24 * 3600;

/// How the replicas are told of the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Each asks by itself, when it likes.
    Apart,
    /// All see the same answers at the same time.
    Together,
    /// All see the same answers, each in another order. The sources number their changes as they should.
    Shuffled,
}

struct World<'a> {
    rng: Rng,
    mode: Mode,
    plan: Plan,
    upstreams: Vec<Upstream>,
    replicas: Vec<Replica>,
    /// When each source is asked next and how often it failed in a row, for each replica, or once for all.
    schedules: Vec<Vec<(Duration, u32)>>,
    now: Duration,
    wall: u64,
    trail: &'a Trail,
    tally: &'a mut Tally,
}

type Verdict = Result<(), String>;

/// Lives through the world of a seed.
pub fn run(seed: u64, trail: &Trail, tally: &mut Tally) -> Verdict {
    let mut world = World::new(seed, trail, tally);
    for _ in 0..world.rng.u32(60..160) {
        world.step()?;
    }
    world.calm_down()
}

impl<'a> World<'a> {
    fn new(seed: u64, trail: &'a Trail, tally: &'a mut Tally) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mode = [Mode::Apart, Mode::Together, Mode::Shuffled][rng.usize(..3)];
        let is_orderly = mode == Mode::Shuffled;
        let count = rng.usize(1..5);
        let is_huge = !is_orderly && rng.u8(..8) == 0;
        if is_huge {
            tally.count("huge versions");
        }
        let upstream = |tag| {
            let kind = Kind::any(&mut rng);
            let first = if is_huge { rng.u64(1_600_000_000..1_800_000_000) } else { rng.u64(1..90) };
            Upstream::new(&mut rng, kind, tag, first, is_orderly)
        };
        let upstreams: Vec<_> = ('a'..).take(count).map(upstream).collect();
        let plan = Plan::new(&mut rng, &upstreams);
        let (config, terms) = (plan.config(&upstreams), plan.terms(&upstreams));
        let now = Duration::from_secs(1);
        let has_disk = rng.u8(..5) != 0;
        let replica_count = if mode == Mode::Apart { rng.usize(1..3) } else { rng.usize(2..4) };
        let clocks = Now { world: now, wall: Duration::from_secs(WALL) + now };
        let replica = |_| Replica::new(&config, terms.clone(), has_disk, clocks);
        let replicas: Vec<_> = (0..replica_count).map(replica).collect();
        let schedule_count = if mode == Mode::Apart { replica_count } else { 1 };
        trail.step(|| {
            format!(
                "{mode:?}, {replica_count} replicas, state file: {has_disk}, {:?}, base {}, {}",
                terms.require,
                terms.base,
                terms.sources.iter().map(SourceTerms::told).collect::<Vec<_>>().join(", ")
            )
        });
        Self {
            schedules: vec![vec![(now, 0); count]; schedule_count],
            rng,
            mode,
            plan,
            upstreams,
            replicas,
            now,
            wall: WALL,
            trail,
            tally,
        }
    }

    fn clocks(&self) -> Now {
        Now { world: self.now, wall: Duration::from_secs(self.wall) + self.now }
    }

    /// The next poll, or the next round of them, and what else happens before it.
    fn step(&mut self) -> Verdict {
        self.befall()?;
        let next = |schedule: &Vec<(Duration, u32)>| {
            schedule.iter().enumerate().map(|(source, (at, _))| (*at, source)).min().unwrap()
        };
        let (_, group) = self.schedules.iter().enumerate().map(|(n, s)| (next(s).0, n)).min().unwrap();
        let (at, source) = next(&self.schedules[group]);
        self.now = self.now.max(at);
        match self.mode {
            Mode::Apart => self.poll_apart(group, source),
            Mode::Together => self.poll_together(source),
            Mode::Shuffled => self.round(),
        }
    }

    /// What befalls one replica, or all of them alike.
    fn befall(&mut self) -> Verdict {
        let whom = match self.mode {
            Mode::Apart => {
                let one = self.rng.usize(..self.replicas.len());
                one..one + 1
            }
            Mode::Together | Mode::Shuffled => 0..self.replicas.len(),
        };
        if self.rng.u8(..100) == 0 {
            // Back by up to an hour, or ahead by years.
            self.wall = match self.rng.bool() {
                true => self.wall - self.rng.u64(1..3600),
                false => self.wall + 2 * YEAR,
            };
            self.tally.count("clock set");
            self.trail.step(|| format!("{:?} the clock is set to {}", self.now, self.wall));
            self.replicas.iter_mut().for_each(Replica::clock_set);
        }
        if self.rng.u8(..30) == 0 {
            let full = self.rng.bool();
            if full {
                self.tally.count("disk full");
            }
            self.trail.step(|| format!("{:?} disks of {whom:?} full: {full}", self.now));
            self.replicas[whom.clone()].iter_mut().for_each(|replica| replica.fill_disk(full));
        }
        if self.rng.u8(..25) == 0 {
            let fate = match Fate::any(&mut self.rng) {
                // The file before the last one is from the middle of a round, where they need not agree.
                Fate::Older if self.mode == Mode::Shuffled => Fate::Whole,
                fate => fate,
            };
            let down_max = if self.rng.bool() { 2_000 } else { 600_000 };
            let down = Duration::from_millis(self.rng.u64(1..down_max));
            self.trail.step(|| format!("{:?} restart of {whom:?} after {down:?}, state {fate:?}", self.now));
            // The others go on meanwhile; the world's time is that of the replica that is furthest behind.
            let is_apart = self.mode == Mode::Apart && self.replicas.len() > 1;
            self.now += if is_apart { Duration::ZERO } else { down };
            let clocks = self.clocks();
            for replica in &mut self.replicas[whom.clone()] {
                replica.restart(fate, clocks, self.tally)?;
            }
            let group = if self.mode == Mode::Apart { whom.start } else { 0 };
            self.schedules[group].iter_mut().for_each(|next| *next = (self.now, 0));
            self.compare()?;
        }
        let is_any_dropped = self.replicas[0].dropped().is_some();
        if self.rng.u8(..if is_any_dropped { 8 } else { 25 }) == 0 {
            self.reload()?;
        }
        Ok(())
    }

    /// The operator changes the configuration that all replicas have.
    fn reload(&mut self) -> Verdict {
        let freedom = if self.mode == Mode::Shuffled { Freedom::Rising } else { Freedom::Any };
        let dropped = self.replicas[0].dropped();
        let (word, from) = self.plan.edit(&mut self.rng, &mut self.upstreams, freedom, dropped);
        self.tally.count(word);
        let (config, terms) = (self.plan.config(&self.upstreams), self.plan.terms(&self.upstreams));
        self.trail.step(|| {
            let told: Vec<_> = terms.sources.iter().map(SourceTerms::told).collect();
            let (base, require) = (terms.base, terms.require);
            format!("{:?} {word}: {from:?}, {require:?}, base {base}, {}", self.now, told.join(", "))
        });
        let clocks = self.clocks();
        for replica in &mut self.replicas {
            replica.reload(&config, terms.clone(), &from, clocks, self.tally)?;
        }
        for schedule in &mut self.schedules {
            let next = |descent: &Descent| match descent {
                Descent::Same(of) => schedule[*of],
                Descent::Instead { .. } | Descent::New => (self.now, 0),
            };
            *schedule = from.iter().map(next).collect();
        }
        self.compare()
    }

    /// A source's answer.
    fn ask(&mut self, source: usize, own: Option<&[u8]>) -> Said {
        let planned = &self.plan.sources[source];
        self.upstreams[planned.upstream].answer(&mut self.rng, own, planned.fills, self.tally)
    }

    /// One replica asks a source by itself.
    fn poll_apart(&mut self, replica: usize, source: usize) -> Verdict {
        let clocks = self.clocks();
        self.replicas[replica].tick(clocks, self.tally)?;
        let back = self.rng.usize(..8);
        let own = self.replicas[replica].own(back).map(<[u8]>::to_vec);
        let said = self.ask(source, own.as_deref());
        self.reschedule(replica, source, &said);
        self.tell(replica, source, &said, clocks)
    }

    /// All replicas see one answer.
    fn poll_together(&mut self, source: usize) -> Verdict {
        let clocks = self.clocks();
        let said = self.ask(source, None);
        self.reschedule(0, source, &said);
        for replica in 0..self.replicas.len() {
            self.replicas[replica].tick(clocks, self.tally)?;
            self.tell(replica, source, &said, clocks)?;
        }
        self.compare()
    }

    /// All replicas see an answer of every source, in any order.
    fn round(&mut self) -> Verdict {
        let clocks = self.clocks();
        let said: Vec<_> = (0..self.plan.sources.len()).map(|source| self.ask(source, None)).collect();
        for replica in 0..self.replicas.len() {
            self.replicas[replica].tick(clocks, self.tally)?;
            let mut order: Vec<usize> = (0..said.len()).collect();
            self.rng.shuffle(&mut order);
            for source in order {
                self.tell(replica, source, &said[source], clocks)?;
            }
        }
        self.schedules[0].iter_mut().for_each(|next| next.0 = self.now + INTERVAL);
        self.compare()
    }

    fn reschedule(&mut self, group: usize, source: usize, said: &Said) {
        let (at, failures) = &mut self.schedules[group][source];
        *failures = if said.outcome.is_ok() { 0 } else { *failures + 1 };
        *at = self.now
            + match *failures {
                0 => INTERVAL,
                failures => backoff::wait(failures, INTERVAL, self.rng.u64(..)),
            };
    }

    fn tell(&mut self, replica: usize, source: usize, said: &Said, now: Now) -> Verdict {
        let outcome = self.replicas[replica].poll(source, said, now, self.tally);
        self.trail.step(|| {
            let served = self.replicas[replica].served().map_or("nothing".into(), told);
            format!("{:?} {replica} asks {source}: {} -> {served}", self.now, said.told())
        });
        outcome.map_err(|what| format!("replica {replica}: {what}"))
    }

    /// Replicas that saw the same answers serve the same bytes.
    fn compare(&mut self) -> Verdict {
        if self.mode == Mode::Apart {
            return Ok(());
        }
        self.tally.count("replicas compared");
        let bytes: Vec<_> = self.replicas.iter_mut().map(Replica::bytes).collect();
        match bytes.iter().position(|other| *other != bytes[0]) {
            None => Ok(()),
            Some(other) => Err(format!("replicas 0 and {other} saw the same and serve different bytes")),
        }
    }

    /// In the end all is well for a while: then every replica, and one that has just been born, has the same nodes.
    fn calm_down(&mut self) -> Verdict {
        self.upstreams.iter_mut().for_each(Upstream::calm_down);
        self.now += Duration::from_secs(60);
        let newborn = {
            let (config, terms) = (self.plan.config(&self.upstreams), self.plan.terms(&self.upstreams));
            Replica::new(&config, terms, false, self.clocks())
        };
        self.replicas.push(newborn);
        self.trail.step(|| format!("{:?} calm; replica {} is new", self.now, self.replicas.len() - 1));
        let mut sources: VecDeque<usize> = (0..self.plan.sources.len()).collect();
        for _ in 0..4 {
            sources.rotate_left(1);
            for &source in &sources {
                let said = self.ask(source, None);
                let clocks = self.clocks();
                for replica in 0..self.replicas.len() {
                    self.tell(replica, source, &said, clocks)?;
                }
            }
            self.now += INTERVAL;
        }
        let nodes = |replica: &Replica| replica.served().map(|served| served.nodes.clone());
        let lists: Vec<_> = self.replicas.iter().map(nodes).collect();
        match lists.iter().position(|list| list.is_none() || *list != lists[0]) {
            None => Ok(()),
            Some(other) => Err(format!("in the end replica {other} has other nodes")),
        }
    }
}
