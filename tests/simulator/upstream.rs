//! A source: its cluster, which changes, and how it answers, which changes too.

use std::collections::BTreeMap;

use fastrand::Rng;
use mimikyu::cluster::{Cluster, Node, Version};
use mimikyu::poller::event::Failure;
use mimikyu::protocol::{Parsed, answer};
use mimikyu::upstream::Answer;

use super::garbage;
use super::trail::Tally;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It has versions, and answers in bytes.
    Endpoint,
    Dns,
    Static,
}

impl Kind {
    pub fn any(rng: &mut Rng) -> Self {
        match rng.u8(..8) {
            0 => Kind::Static,
            1 | 2 => Kind::Dns,
            _ => Kind::Endpoint,
        }
    }
}

/// How it answers, for some polls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    Down,
    Hung,
    Flapping,
    Garbage,
    Empty,
    /// Each poll gets to one of two addresses, which know different lists.
    TwoAddresses,
    /// Only the other address is left.
    OtherAddress,
    OwnList,
}

/// What a poll brings.
#[derive(Clone)]
pub struct Said {
    pub outcome: Result<Answer, Failure>,
    /// The list that it is, whatever the parser makes of its bytes; `None` where it is none.
    pub truth: Option<Cluster>,
    /// Its nodes with the ips that were found out, where missing ones are to be filled.
    pub filled: Option<Vec<Node>>,
    /// What it is, in a word.
    thing: &'static str,
}

impl Said {
    /// For a line of the trail.
    pub fn told(&self) -> String {
        match (&self.truth, &self.outcome) {
            (Some(cluster), _) => format!("{} {}", self.thing, told(cluster)),
            (None, Err(failure)) => format!("{} ({})", self.thing, failure.what),
            (None, Ok(_)) => format!("{} that was understood", self.thing),
        }
    }
}

pub struct Upstream {
    pub kind: Kind,
    /// It numbers every change anew, one up, and never forgets one: what replicas must be able to agree on.
    pub is_orderly: bool,
    tag: char,
    cluster: Cluster,
    /// What the other address knows.
    other: Cluster,
    mood: Mood,
    polls_left: u32,
    nodes_made: u32,
    first_version: u64,
    /// What the name servers know of the names of its nodes, where that has changed.
    moved: BTreeMap<String, u8>,
}

impl Upstream {
    pub fn new(rng: &mut Rng, kind: Kind, tag: char, first_version: u64, is_orderly: bool) -> Self {
        let version = Version::new(first_version).unwrap();
        let cluster = Cluster { version, nodes: Vec::new() };
        let (mood, other) = (Mood::Good, cluster.clone());
        let mut upstream = Self {
            kind,
            is_orderly,
            tag,
            cluster,
            other,
            mood,
            polls_left: 0,
            nodes_made: 0,
            first_version,
            moved: BTreeMap::new(),
        };
        for _ in 0..rng.usize(1..6) {
            let node = upstream.node(rng);
            upstream.cluster.nodes.push(node);
        }
        upstream.other = upstream.cluster.clone();
        upstream
    }

    /// One of any kind in the same world.
    pub fn another(&self, rng: &mut Rng, number: usize) -> Self {
        let kind = Kind::any(rng);
        // As large as that of others here, or not much.
        let first = if rng.bool() { self.first_version } else { rng.u64(1..90) };
        // Tags are a letter of the names and a byte of the addresses.
        Self::new(rng, kind, (b'a' + (number % 100) as u8) as char, first, self.is_orderly)
    }

    /// Another node; some are another source's as well.
    fn node(&mut self, rng: &mut Rng) -> Node {
        self.nodes_made += 1;
        let n = self.nodes_made;
        let is_shared = self.kind != Kind::Static && rng.u8(..8) == 0;
        let host = if is_shared { format!("s{}", rng.u8(..6)) } else { format!("{}{n}", self.tag) };
        let ip =
            if rng.u8(..6) == 0 { String::new() } else { format!("10.{}.0.{}", self.tag as u8, n % 250) };
        Node::new(host, ip, 11211)
    }

    /// The nodes of a static source, for its configuration.
    pub fn nodes(&self) -> &[Node] {
        &self.cluster.nodes
    }

    /// From now on it answers well, and all of its addresses the same.
    pub fn calm_down(&mut self) {
        (self.mood, self.polls_left) = (Mood::Good, u32::MAX);
        self.other = self.cluster.clone();
    }

    fn is_calm(&self) -> bool {
        self.polls_left == u32::MAX
    }

    /// A poll. `own` is a list of the asker's own, where a name may lead back to it.
    /// Where `fills`, the asker looks up the addresses that are missing.
    pub fn answer(&mut self, rng: &mut Rng, own: Option<&[u8]>, fills: bool, tally: &mut Tally) -> Said {
        let mut said = self.list(rng, own, tally);
        if let (true, Ok(Answer::Versioned { cluster, filled, trouble })) = (fills, &mut said.outcome) {
            let nodes = self.look_up(rng, cluster.nodes.clone());
            *trouble = nodes.iter().any(|node| node.ip.is_empty()).then(|| "no address".into());
            tally.count(if trouble.is_some() { "not filled" } else { "filled" });
            *filled = Some(nodes.clone());
            said.filled = Some(nodes);
        }
        said
    }

    /// The nodes with the addresses of their names, as far as they are found out.
    fn look_up(&mut self, rng: &mut Rng, mut nodes: Vec<Node>) -> Vec<Node> {
        for node in nodes.iter_mut().filter(|node| node.ip.is_empty()) {
            let moved = self.moved.entry(node.host.to_string()).or_default();
            match if self.polls_left == u32::MAX { 9 } else { rng.u8(..16) } {
                0..=2 => continue,
                3 => *moved = moved.wrapping_add(1),
                _ => {}
            }
            node.ip = format!("10.8.{moved}.{}", node.host.len()).into();
        }
        nodes
    }

    fn list(&mut self, rng: &mut Rng, own: Option<&[u8]>, tally: &mut Tally) -> Said {
        if !self.is_calm() {
            self.go_on(rng);
        }
        let mood = match self.mood {
            Mood::Flapping if rng.bool() => Mood::Down,
            Mood::TwoAddresses if rng.bool() => Mood::OtherAddress,
            mood => mood,
        };
        if self.kind == Kind::Static {
            return self.nodes_alone(self.cluster.nodes.clone(), tally);
        }
        let (thing, bytes, truth) = match mood {
            Mood::Down => return nothing("refused", tally),
            Mood::Hung => return nothing("hung", tally),
            _ if self.kind == Kind::Dns => match mood {
                Mood::Garbage | Mood::Empty => return nothing("no address", tally),
                Mood::OtherAddress => return self.nodes_alone(self.other.nodes.clone(), tally),
                _ => return self.nodes_alone(self.cluster.nodes.clone(), tally),
            },
            Mood::Garbage => ("garbage", garbage::garbage(rng, &self.cluster), None),
            Mood::Empty => ("empty", garbage::empty(rng, self.cluster.version), None),
            Mood::OwnList => match own {
                Some(own) => ("own list", own.to_vec(), None),
                None => return nothing("refused", tally),
            },
            Mood::OtherAddress => {
                ("other address", garbage::answer(rng, &self.other), Some(self.other.clone()))
            }
            Mood::Good | Mood::Flapping | Mood::TwoAddresses => {
                ("good", garbage::answer(rng, &self.cluster), Some(self.cluster.clone()))
            }
        };
        tally.count(thing);
        let failure = |what: String| Failure { what, ..Failure::default() };
        let outcome = match answer::parse(&bytes) {
            Parsed::Complete { value: Ok(cluster), .. } => {
                Ok(Answer::Versioned { cluster, filled: None, trouble: None })
            }
            Parsed::Complete { value: Err(error), .. } => Err(failure(error.to_string())),
            Parsed::Partial => Err(failure("closed".into())),
        };
        Said { outcome, truth, filled: None, thing }
    }

    fn nodes_alone(&self, nodes: Vec<Node>, tally: &mut Tally) -> Said {
        tally.count("good");
        let truth = Cluster { version: Version::FIRST, nodes: nodes.clone() };
        let outcome = Ok(Answer::Unversioned { nodes, trouble: None });
        Said { outcome, truth: Some(truth), filled: None, thing: "nodes" }
    }

    /// Time passes: another mood, another list.
    fn go_on(&mut self, rng: &mut Rng) {
        if self.polls_left == 0 {
            self.polls_left = rng.u32(1..12);
            self.mood = match rng.u8(..16) {
                0 | 1 => Mood::Down,
                2 => Mood::Hung,
                3 => Mood::Flapping,
                4 => Mood::Garbage,
                5 => Mood::Empty,
                6 | 7 if !self.is_orderly => Mood::TwoAddresses,
                8 if !self.is_orderly => Mood::OtherAddress,
                9 => Mood::OwnList,
                _ => Mood::Good,
            };
            if self.mood == Mood::Down && rng.bool() {
                // For long.
                self.polls_left *= 4;
            }
        }
        self.polls_left -= 1;
        if rng.u8(..8) == 0 {
            // The other address lags behind, or has a change of its own.
            self.other = self.cluster.clone();
        }
        if rng.u8(..6) == 0 {
            self.change(rng);
        }
        if !self.is_orderly && rng.u8(..20) == 0 {
            let kept = self.cluster.clone();
            self.change(rng);
            self.other = std::mem::replace(&mut self.cluster, kept);
        }
    }

    fn change(&mut self, rng: &mut Rng) {
        if self.kind == Kind::Static {
            // Only the addresses of its names can change.
            let at = rng.usize(..self.cluster.nodes.len());
            let n = rng.u8(1..);
            self.cluster.nodes[at].ip = format!("10.9.9.{n}").into();
            return;
        }
        match rng.u8(..10) {
            0..=2 => {
                let node = self.node(rng);
                let at = rng.usize(..=self.cluster.nodes.len());
                self.cluster.nodes.insert(at, node);
                self.cluster.nodes.truncate(12);
            }
            3 => drop(self.cluster.nodes.remove(rng.usize(..self.cluster.nodes.len()))),
            4 => self.cluster.nodes.truncate(rng.usize(1..=self.cluster.nodes.len())),
            5 => rng.shuffle(&mut self.cluster.nodes),
            6 => {
                let at = rng.usize(..self.cluster.nodes.len());
                self.cluster.nodes[at].ip = format!("10.7.7.{}", rng.u8(1..)).into();
            }
            7 => {
                let node = self.node(rng);
                let at = rng.usize(..self.cluster.nodes.len());
                self.cluster.nodes[at] = node;
            }
            8 => {}
            // A node is listed twice.
            _ => self.cluster.nodes.push(self.cluster.nodes[0].clone()),
        }
        if self.cluster.nodes.is_empty() {
            let node = self.node(rng);
            self.cluster.nodes.push(node);
        }
        let number = u64::from(self.cluster.version.number());
        let number = match rng.u8(..12) {
            // The same version for another list, or a cluster made anew.
            0 if !self.is_orderly => number,
            1 if !self.is_orderly => 1 + number / 2,
            _ => number + rng.u64(1..4),
        };
        self.cluster.version = Version::new(number).unwrap();
    }
}

fn nothing(thing: &'static str, tally: &mut Tally) -> Said {
    if thing == "hung" {
        tally.count("hung");
    }
    let failure = Failure { what: thing.into(), ..Failure::default() };
    Said { outcome: Err(failure), truth: None, filled: None, thing }
}

pub fn told(cluster: &Cluster) -> String {
    let nodes: Vec<_> = cluster.nodes.iter().map(|node| format!("{}={}", node.host, node.ip)).collect();
    format!("{} [{}]", cluster.version, nodes.join(" "))
}
