//! Golden scripts: each file in `tests/scripts/ledger` is a story of sources, and of the list they lead to.
//!
//! ```text
//! sources alpha beta       the sources, all endpoints ("~name" has no versions)
//! base 1000                the version base (1000 unless said)
//! require all              (any unless said)
//! last 1005 a b            the state file's last list
//! known alpha 5 a b        the state file's last good answer of a source
//! start                    from here on it runs
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
use mimikyu::config::Require;
use mimikyu::poller::ledger::{Ledger, Publication, Rules};
use mimikyu::poller::source::{Failure, Source};
use mimikyu::upstream::Answer;

#[derive(Default)]
struct Story {
    sources: Vec<String>,
    require: Require,
    base: Option<u32>,
    last: Option<Cluster>,
    known: HashMap<String, Cluster>,
    ledger: Option<Ledger>,
    /// What clients are served, and whether the last step published it.
    served: Option<Cluster>,
    published: bool,
    now: Duration,
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
            ["start"] => {
                let source =
                    |name: &String| Source::new(self.known.get(name.trim_start_matches('~')).cloned());
                let sources = self.sources.iter().map(source).collect();
                let rules = Rules { require: self.require, version_base: self.base.unwrap_or(1000) };
                let (ledger, publication) = Ledger::new(rules, sources, self.last.take());
                self.ledger = Some(ledger);
                self.publish(publication)?;
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
                let now = self.now;
                let (_, publication) = self.ledger()?.observe(place, outcome, now);
                self.publish(publication)?;
            }
            [] => {}
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
