//! Golden scripts: each file in `tests/scripts/ledger` is a story of sources, and of the list they lead to.
//!
//! ```text
//! sources alpha beta       the sources, all endpoints ("~name" has no versions)
//! base 1000                the version base (1000 unless said)
//! require all              (any unless said)
//! max_shrink 50%           (off unless said)
//! drop_after alpha 60      in seconds (never unless said)
//! last 1005 a b            the state file's last list
//! known alpha 5 a b        the state file's last good answer of a source
//! silent alpha 50          the state file's: alpha has not answered for 50 seconds
//! dropped alpha 50         the same, and its nodes are off the list
//! rollout a b swap 1 300 60 hold_at=2 max_move=50%
//!                          nodes of a are replaced by nodes of b, in batches of 1, from 300 seconds after the story's
//!                          beginning on and every 60; also hit_rate=0.85
//! no rollout
//! start                    from here on it runs
//! reload                   from here on it runs with what was said since
//! restart 30               it stops, and 30 seconds later goes on from its state file
//! reconfigured restart 30  the same, with what was said since
//! forgetful restart 30     the same without a state file: its clients see what they see
//! wait 60                  60 seconds pass; every answer takes another 10
//! at 300                   it is 300 seconds after the beginning
//! misses too many          the nodes' counters speak against a step; "misses" alone: not any more
//! step 3 of 6 held         how far the rollout is: waiting, running, held or done
//! alpha 5 a b              alpha answers version 5 and these hosts
//! beta !                   beta fails
//! grace                    the startup grace ends
//! = 1012 a b c             this is served (and was published by the step before)
//! == 1012 a b c            this is still served: the step before published nothing
//! = nothing                nothing is served
//! ```
//! What is wrong is told with file and line.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use mimikyu::cluster::{Cluster, Node, Version};
use mimikyu::config::{self, Config, HostPort, Layer, Origin, Require, Setting, Share, SourceKind};
use mimikyu::plan::{Family, Strategy};
use mimikyu::poller::event::Failure;
use mimikyu::poller::ledger::{Ledger, Publication};
use mimikyu::poller::memory::{self, recall, remember};
use mimikyu::poller::renewal::origins;
use mimikyu::poller::rollout::Plan;
use mimikyu::state::{self, Remembered, Silent, State};
use mimikyu::upstream::Answer;

/// When the stories begin, in seconds since 1970.
const WALL: Duration = Duration::from_secs(1_763_000_000);

#[derive(Default)]
struct Story {
    sources: Vec<String>,
    require: Require,
    base: Option<u32>,
    max_shrink: Option<Share>,
    drop_after: HashMap<String, Duration>,
    last: Option<Cluster>,
    known: HashMap<String, Cluster>,
    silent: HashMap<String, Silent>,
    rollout: Option<config::Rollout>,
    config: Option<Config>,
    ledger: Option<Ledger>,
    /// What clients are served, and whether the last step published it.
    served: Option<Cluster>,
    published: bool,
    /// Time since the story began, and of that until it was started last.
    now: Duration,
    started: Duration,
}

impl Story {
    fn step(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["sources", ..] => self.sources = words[1..].iter().map(|word| word.to_string()).collect(),
            ["base", base] => self.base = base.parse().ok(),
            ["require", "all"] => self.require = Require::All,
            ["last", version, ..] => self.last = Some(cluster(version, &words[2..])?),
            ["known", source, version, ..] => {
                self.known.insert(source.into(), cluster(version, &words[3..])?);
            }
            ["max_shrink", share] => {
                self.max_shrink = Some(Share::new(share).map_err(|fault| fault.to_string())?);
            }
            ["drop_after", source, time] => {
                self.drop_after.insert(source.into(), seconds(time)?);
            }
            [word @ ("silent" | "dropped"), source, time] => {
                let since = (WALL - seconds(time)?).as_secs();
                self.silent.insert(source.into(), Silent { since, dropped: word == "dropped" });
            }
            ["rollout", from, to, strategy, batch, start, interval, ..] => {
                self.rollout = Some(rollout(from, to, [strategy, batch, start, interval], &words[7..])?);
            }
            ["no", "rollout"] => self.rollout = None,
            ["start"] => {
                self.config = Some(self.config()?);
                let state = State {
                    rollout: None,
                    served: self.last.take(),
                    sources: self.sources.iter().filter_map(|name| self.remembered(name)).collect(),
                };
                self.start(&state)?;
            }
            ["restart", time] | ["reconfigured", "restart", time] => {
                let (now, wall) = (self.now - self.started, WALL + self.now);
                let config = self.config.clone().ok_or("it has not started")?;
                let state = remember(&config.sources, self.ledger()?, now, wall);
                self.now += seconds(time)?;
                if words[0] == "reconfigured" {
                    self.config = Some(self.config()?);
                }
                self.start(&state::decode(&state::encode(&state))?)?;
            }
            ["forgetful", "restart", time] => {
                self.now += seconds(time)?;
                self.served = None;
                self.start(&State::default())?;
            }
            ["reload"] => {
                let config = self.config()?;
                let before = self.config.replace(config.clone()).ok_or("it has not started")?;
                let origins = origins(&before.sources, &config.sources).into_iter();
                let sources = config.sources.iter().map(|source| memory::terms(&config, source)).zip(origins);
                let (now, wall) = (self.now - self.started, WALL + self.now);
                let ledger = self.ledger()?;
                ledger.replan(Plan::of(config.rollout.as_ref(), &config.sources), wall);
                let publication = ledger.renew(memory::rules(&config), sources.collect(), now);
                self.publish(publication)?;
            }
            ["wait", time] => self.pass(seconds(time)?)?,
            ["at", time] => {
                let time = seconds(time)?.checked_sub(self.now).ok_or("it is later already")?;
                self.pass(time)?;
            }
            ["misses", ..] => {
                let why = (words.len() > 1).then(|| words[1..].join(" "));
                self.ledger()?.note_misses(why);
            }
            ["step", ..] => {
                let told =
                    self.ledger()?.rollout().ok_or("there is no rollout")?.told(None, |_| String::new());
                let told = told.rollout.ok_or("nothing is told of it")?;
                let progress = format!("{:?}", told.progress).to_lowercase();
                let told = format!("step {} of {} {progress}", told.step, told.steps);
                if told != line {
                    return Err(format!("it is at {told}"));
                }
            }
            ["grace"] => {
                let publication = self.ledger()?.end_grace();
                self.publish(publication)?;
            }
            ["=", "nothing"] => self.expect(None, self.published)?,
            ["=", version, ..] => self.expect(Some(cluster(version, &words[2..])?), true)?,
            ["==", version, ..] => self.expect(Some(cluster(version, &words[2..])?), false)?,
            [source, ..] => {
                let place = self.sources.iter().position(|name| name.trim_start_matches('~') == source);
                let place = place.ok_or_else(|| format!("no source is called {source:?}"))?;
                let unversioned = self.sources[place].starts_with('~');
                let outcome = match &words[1..] {
                    ["!"] => Err(Failure::default()),
                    hosts if unversioned => Ok(Answer::Unversioned { nodes: nodes(hosts), trouble: None }),
                    [version, hosts @ ..] => {
                        let cluster = cluster(version, hosts)?;
                        Ok(Answer::Versioned { cluster, filled: None, trouble: None })
                    }
                    [] => return Err("an answer or ! is missing".into()),
                };
                self.now += Duration::from_secs(10);
                let wall = WALL + self.now;
                let due = self.ledger()?.tick(wall);
                self.publish(due)?;
                let has_stepped = self.published;
                let now = self.now - self.started;
                let observed = self.ledger()?.observe(place, outcome, now);
                self.publish(observed.publication)?;
                self.published |= has_stepped;
            }
            [] => {}
        }
        Ok(())
    }

    /// A source's kind: "~name" has no versions.
    fn source(&self, name: &str) -> config::Source {
        let host = HostPort { host: "x".into(), port: 11211 };
        let (name, kind) = match name.strip_prefix('~') {
            Some(name) => (name, SourceKind::Dns(host)),
            None => (name, SourceKind::Endpoint(host)),
        };
        let drop_after = self.drop_after.get(name).copied();
        config::Source { drop_after, ..config::Source::new(name, kind) }
    }

    fn config(&self) -> Result<Config, String> {
        fn given<T>(value: T) -> Setting<T> {
            Setting { value, origin: Origin::Unset }
        }
        let layer = Layer {
            sources: self.sources.iter().map(|name| given(self.source(name))).collect(),
            require: Some(given(self.require)),
            version_base: Some(given(self.base.unwrap_or(1000))),
            max_shrink: self.max_shrink.map(given),
            rollout: self.rollout.clone().map(given),
            ..Layer::default()
        };
        config::resolve([layer]).map_err(|error| error.to_string())
    }

    fn remembered(&self, name: &str) -> Option<Remembered> {
        let source = self.source(name);
        let cluster = self.known.get(&source.name)?.clone();
        let silent = self.silent.get(&source.name).copied();
        let identity = state::identity(&source.kind);
        Some(Remembered { name: source.name, identity, cluster, silent })
    }

    fn start(&mut self, state: &State) -> Result<(), String> {
        self.started = self.now;
        let config = self.config.as_ref().ok_or("it has not started")?;
        let (ledger, publication) = recall(config, state, WALL + self.now);
        self.ledger = Some(ledger);
        self.publish(publication)
    }

    /// Time passes, second by second as far as a rollout is concerned.
    fn pass(&mut self, time: Duration) -> Result<(), String> {
        self.published = false;
        let ends = self.now + time;
        while self.now < ends {
            self.now = ends.min(self.now + Duration::from_secs(1));
            let wall = WALL + self.now;
            if let Some(publication) = self.ledger.as_mut().and_then(|ledger| ledger.tick(wall)) {
                self.publish(Some(publication))?;
            }
        }
        Ok(())
    }

    fn ledger(&mut self) -> Result<&mut Ledger, String> {
        self.ledger.as_mut().ok_or_else(|| "it has not started".into())
    }

    /// Takes a publication, and checks what must hold for every one, whatever the story.
    fn publish(&mut self, publication: Option<Publication>) -> Result<(), String> {
        self.published = publication.is_some();
        let Some(Publication { cluster, .. }) = publication else { return Ok(()) };
        if let Some(before) = &self.served {
            let same = before.nodes == cluster.nodes;
            if cluster.version < before.version || (!same && cluster.version == before.version) {
                return Err(format!("the version goes from {} to {}", before.version, cluster.version));
            }
        }
        self.served = Some(cluster);
        Ok(())
    }

    fn expect(&self, expected: Option<Cluster>, published: bool) -> Result<(), String> {
        if self.served != expected {
            return Err(format!("served is {}", told(&self.served)));
        }
        if self.published != published {
            return Err(format!("published: {}", self.published));
        }
        Ok(())
    }
}

/// A rollout as its line has it.
fn rollout(from: &str, to: &str, words: [&str; 4], others: &[&str]) -> Result<config::Rollout, String> {
    let [strategy, batch, start, interval] = words;
    let mut rollout = config::Rollout {
        from: from.into(),
        to: to.into(),
        strategy: Strategy::named(strategy).ok_or("no strategy")?,
        batch: batch.parse().map_err(|_| "no batch")?,
        start: WALL + seconds(start)?,
        interval: seconds(interval)?,
        hold_at: None,
        clients: vec![Family::LibmemcachedKetama, Family::LibmemcachedModula],
        max_move: Share::OFF,
        guard: None,
    };
    for word in others {
        let (key, value) = word.split_once('=').ok_or("no key=value")?;
        let share = || Share::new(value).map_err(|fault| fault.to_string());
        match key {
            "hold_at" => rollout.hold_at = Some(value.parse().map_err(|_| "no step")?),
            "max_move" => rollout.max_move = share()?,
            "hit_rate" => {
                let window = Duration::from_secs(60);
                rollout.guard = Some(config::Guard { floor: share()?, window, requests_min: 1000 });
            }
            _ => return Err(format!("{key:?} is unknown")),
        }
    }
    Ok(rollout)
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_secs).map_err(|_| format!("{text:?} is no time"))
}

fn told(cluster: &Option<Cluster>) -> String {
    let Some(cluster) = cluster else { return "nothing".into() };
    let hosts: Vec<_> = cluster.nodes.iter().map(|node| node.host.to_string()).collect();
    format!("{} {}", cluster.version, hosts.join(" "))
}

fn cluster(version: &str, hosts: &[&str]) -> Result<Cluster, String> {
    let version = version.parse().ok().and_then(Version::new).ok_or("no version")?;
    Ok(Cluster { version, nodes: nodes(hosts) })
}

/// `host` or `host=ip`.
fn nodes(hosts: &[&str]) -> Vec<Node> {
    let node = |word: &&str| match word.split_once('=') {
        Some((host, ip)) => Node::new(host, ip, 11211),
        None => Node::new(*word, "10.0.0.1", 11211),
    };
    hosts.iter().map(node).collect()
}

fn tell(path: &Path) -> Result<usize, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut story = Story::default();
    let mut expectations = 0;
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        expectations += usize::from(line.starts_with('='));
        story.step(line).map_err(|what| format!("{}:{}: {line:?}: {what}", path.display(), number + 1))?;
    }
    Ok(expectations)
}

#[test]
fn every_story_ends_as_told() {
    let mut stories: Vec<_> =
        std::fs::read_dir("tests/scripts/ledger").unwrap().map(|entry| entry.unwrap().path()).collect();
    stories.sort();
    assert!(stories.len() >= 10, "only {} stories", stories.len());
    let failures: Vec<String> = stories
        .iter()
        .filter_map(|path| match tell(path) {
            Ok(0) => Some(format!("{}: expects nothing", path.display())),
            Ok(_) => None,
            Err(failure) => Some(failure),
        })
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}
