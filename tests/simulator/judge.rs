//! What must hold, said a second time: naively, from the whole history, without the types that the ledger uses.

use std::collections::HashSet;
use std::time::Duration;

use mimikyu::cluster::{Cluster, Node, Version};
use mimikyu::config::Require;
use mimikyu::poller::ledger::{Ledger, Publication};

use super::plan::Descent;
use super::upstream::{Kind, Said, told};

/// What the configuration says, in the judge's words.
#[derive(Clone)]
pub struct Terms {
    pub base: u32,
    pub require: Require,
    pub sources: Vec<SourceTerms>,
}

#[derive(Clone)]
pub struct SourceTerms {
    pub kind: Kind,
    /// The share that may go at once, in hundredths.
    pub percent: usize,
    pub drop_after: Option<Duration>,
}

/// A source as one replica has seen it.
#[derive(Clone)]
struct View {
    held: Option<Cluster>,
    /// What the polls of this run brought.
    recent: Vec<Option<Cluster>>,
    /// Whether another source answered at that time.
    beside: Vec<bool>,
    /// Every good answer there ever was.
    ever: HashSet<String>,
    dropped: bool,
    /// When it gave its last list, as far as the replica can know.
    heard: Duration,
    /// Whether it has failed since.
    silent: bool,
    /// Whether the replica knows no less of its silence than this; and no more.
    is_exact: bool,
    is_sure: bool,
    /// Whether what is held is another place's list, whose name it has now.
    stands_in: bool,
}

impl View {
    fn new(now: Duration) -> Self {
        Self {
            held: None,
            recent: Vec::new(),
            beside: Vec::new(),
            ever: HashSet::new(),
            dropped: false,
            heard: now,
            silent: false,
            is_exact: true,
            is_sure: true,
            stands_in: false,
        }
    }
}

/// The judge of one replica.
#[derive(Clone)]
pub struct Judge {
    terms: Terms,
    views: Vec<View>,
    served: Option<Cluster>,
    published: bool,
    settled: bool,
    started: Duration,
}

type Verdict = Result<(), String>;

impl Judge {
    pub fn new(terms: Terms, now: Duration) -> Self {
        let views = vec![View::new(now); terms.sources.len()];
        Self { terms, views, served: None, published: false, settled: false, started: now }
    }

    /// The clock on the wall was set: a silence that a restart reads from it may be any shorter.
    pub fn clock_set(&mut self) {
        self.views.iter_mut().for_each(|view| view.is_exact = false);
    }

    /// A restart. Where the state file was the newest, nothing may be forgotten.
    pub fn restart(
        &mut self,
        is_newest: bool,
        now: Duration,
        ledger: &Ledger,
        publication: Option<&Publication>,
    ) -> Verdict {
        let was_served = self.served.is_some();
        (self.settled, self.published, self.started) = (false, false, now);
        for (index, view) in self.views.iter_mut().enumerate() {
            let source = &ledger.sources()[index];
            view.recent.clear();
            view.beside.clear();
            if is_newest {
                if view.stands_in {
                    // The next run must not think that it is this place's.
                    let ever = std::mem::take(&mut view.ever);
                    *view = View { ever, ..View::new(now) };
                }
                // How long a silence has lasted is written down only where it may end in something.
                view.is_exact &= !view.silent || self.terms.sources[index].drop_after.is_some();
                expect("held after a restart", source.last(), view.held.as_ref())?;
                let stays = view.dropped == source.is_dropped();
                ensure(stays, || format!("source {index} is dropped by a restart, or listed"))?;
                if !view.silent {
                    view.heard = now;
                }
                continue;
            }
            if let Some(held) = source.last() {
                let known =
                    view.ever.contains(&told(held)) || self.terms.sources[index].kind != Kind::Endpoint;
                ensure(known, || format!("source {index} holds what it was never told: {}", told(held)))?;
            }
            view.held = source.last().cloned();
            view.dropped = source.is_dropped();
            (view.heard, view.is_exact, view.is_sure) = (now, true, false);
            view.stands_in = false;
        }
        if !is_newest {
            // The last list may be an older one, or none; whatever it is, it goes on from there.
            self.served = ledger.served().cloned();
            self.published = publication.is_some();
            self.settled = self.is_complete();
            return ensure(self.published == ledger.is_published(), || "published or not".into());
        }
        if was_served {
            let again = publication.map(|publication| &publication.cluster);
            let must = self.terms.require == Require::Any || self.is_complete();
            expect("served after a restart", again, self.served.as_ref().filter(|_| must))?;
        }
        self.published = publication.is_some();
        self.judge_list(ledger, publication)
    }

    pub fn grace_ended(&mut self, ledger: &Ledger, publication: Option<&Publication>) -> Verdict {
        self.settled = true;
        self.judge_list(ledger, publication)
    }

    /// Another configuration.
    pub fn reload(
        &mut self,
        terms: Terms,
        from: &[Descent],
        now: Duration,
        ledger: &Ledger,
        publication: Option<&Publication>,
    ) -> Verdict {
        let before = std::mem::take(&mut self.views);
        let goes_on = |index| {
            from.iter()
                .any(|one| matches!(one, Descent::Same(of) | Descent::Instead { of, .. } if *of == index))
        };
        let is_gone = |(index, view): (usize, &View)| view.held.is_some() && !goes_on(index);
        if before.iter().enumerate().any(is_gone) && from.contains(&Descent::New) {
            // The new ones may be what the old ones' nodes have moved to.
            self.settled = false;
        }
        let view = |(one, terms): (&Descent, &SourceTerms)| match *one {
            Descent::Same(of) => {
                let mut same = before[of].clone();
                same.dropped &= terms.drop_after.is_some();
                same
            }
            Descent::Instead { of, same_place } => {
                let held = before[of].held.clone().filter(|_| !before[of].dropped);
                let ever = if same_place { before[of].ever.clone() } else { HashSet::new() };
                View { stands_in: held.is_some(), held, ever, ..View::new(now) }
            }
            Descent::New => View::new(now),
        };
        self.views = from.iter().zip(&terms.sources).map(view).collect();
        self.terms = terms;
        self.judge_views(ledger)?;
        self.judge_list(ledger, publication)
    }

    /// A poll of a source, and what became of it.
    pub fn poll(
        &mut self,
        index: usize,
        said: &Said,
        now: Duration,
        ledger: &Ledger,
        publication: Option<&Publication>,
    ) -> Verdict {
        self.judge_answer(index, said, ledger)?;
        self.judge_silence(index, said.truth.is_some(), now, ledger)?;
        self.judge_views(ledger)?;
        self.judge_list(ledger, publication)
    }

    fn judge_views(&self, ledger: &Ledger) -> Verdict {
        ensure(ledger.sources().len() == self.views.len(), || "the sources are others".into())?;
        for (other, view) in self.views.iter().enumerate() {
            let source = &ledger.sources()[other];
            expect("held", source.last(), view.held.as_ref())?;
            ensure(source.is_dropped() == view.dropped, || format!("source {other} is dropped, or listed"))?;
            let stands_in = source.is_stand_in() == view.stands_in;
            ensure(stands_in, || format!("source {other} has a list of its own, or not"))?;
        }
        Ok(())
    }

    /// Whether the answer was taken, and whether it should have been.
    fn judge_answer(&mut self, index: usize, said: &Said, ledger: &Ledger) -> Verdict {
        let terms = &self.terms.sources[index];
        let view = &mut self.views[index];
        let held = view.held.as_ref();
        // What was found out, else what was known: an ip that is found out makes no other answer of it.
        let asked = said.truth.as_ref().map(|truth| completed(truth, said.filled.as_deref(), held));
        let is_same = said.filled.is_some()
            && said.truth.iter().zip(held).any(|(truth, held)| {
                let nodes = || truth.nodes.iter().zip(&held.nodes);
                truth.version == held.version
                    && truth.nodes.len() == held.nodes.len()
                    && nodes().all(|(came, held)| {
                        (&came.host, came.port) == (&held.host, held.port)
                            && (came.ip.is_empty() || came.ip == held.ip)
                    })
            });
        view.recent.push(asked.clone());
        let Some(asked) = asked else { return Ok(()) };
        let mut came = asked.clone();
        if terms.kind != Kind::Endpoint {
            // Its version is the count of its changes.
            came.version = match &view.held {
                None => Version::FIRST,
                Some(held) if held.nodes == came.nodes => held.version,
                Some(held) => Version::new(u64::from(held.version.number()) + 1).unwrap(),
            };
        }
        let (newer, keeps) = match &view.held {
            None => (true, true),
            Some(_) if view.stands_in || is_same => (true, true),
            Some(held) => {
                let gone = distinct(&held.nodes).iter().filter(|node| !has(&came.nodes, node)).count();
                let of = distinct(&held.nodes).len();
                (
                    *held == came || came.version > held.version,
                    view.dropped || gone * 100 <= of * terms.percent,
                )
            }
        };
        let last_three = &view.recent[view.recent.len().saturating_sub(3)..];
        let thrice = |same: &dyn Fn(&Cluster) -> bool| {
            last_three.len() == 3 && last_three.iter().flatten().filter(|list| same(list)).count() == 3
        };
        let may = newer && keeps || thrice(&|list| list.nodes == asked.nodes);
        let must = newer && keeps || thrice(&|list| *list == asked);
        let taken = ledger.sources()[index].last() == Some(&came);
        ensure(may || !taken, || format!("source {index}: taken although it should be doubted"))?;
        ensure(taken || !must, || format!("source {index}: not taken although it should be"))?;
        if taken {
            view.ever.insert(told(&came));
            view.held = Some(came);
            (view.dropped, view.stands_in) = (false, false);
        }
        Ok(())
    }

    /// Whether its nodes were taken off, and whether they should have been.
    fn judge_silence(&mut self, index: usize, heard: bool, now: Duration, ledger: &Ledger) -> Verdict {
        let is_relied_on = |(other, view): (usize, &View)| {
            let answers = view.recent.last().is_some_and(Option::is_some);
            other != index && answers && !view.dropped && view.held.is_some()
        };
        let others = self.views.iter().enumerate().any(is_relied_on);
        let view = &mut self.views[index];
        view.beside.push(others);
        if heard {
            (view.heard, view.silent, view.is_exact, view.is_sure) = (now, false, true, true);
            return Ok(());
        }
        view.silent = true;
        let Some(drop_after) = self.terms.sources[index].drop_after else { return Ok(()) };
        let was_dropped = view.dropped;
        view.dropped = ledger.sources()[index].is_dropped();
        if was_dropped {
            return ensure(view.dropped, || format!("source {index} is listed by a failure"));
        }
        let polls = view.recent.iter().zip(&view.beside).rev();
        let failures = polls.take_while(|(came, beside)| came.is_none() && **beside).count();
        let may = failures >= 3 && self.published && self.settled && view.held.is_some();
        let since = if view.is_exact { view.heard } else { view.heard.max(self.started) };
        // A second is lost where the time is written down.
        let slack = Duration::from_secs(if view.heard < self.started { 2 } else { 0 });
        let must = may && now - since >= drop_after + slack;
        let early = view.is_sure && now - view.heard < drop_after;
        ensure(may && !early || !view.dropped, || format!("source {index} is dropped too early"))?;
        ensure(view.dropped || !must, || format!("source {index} should have been dropped"))
    }

    /// Whether the right list is served, under the right version.
    fn judge_list(&mut self, ledger: &Ledger, publication: Option<&Publication>) -> Verdict {
        self.settled |= self.is_complete();
        let held = || self.views.iter().filter_map(|view| Some((view, view.held.as_ref()?)));
        let enough = held().next().is_some() && (self.terms.require == Require::Any || self.is_complete());
        let mut expected = self.served.clone().filter(|_| self.published);
        if self.settled && enough {
            let mut nodes: Vec<Node> = Vec::new();
            // Where nothing else is left, what is silent is better than nothing.
            let is_any = held().any(|(view, _)| !view.dropped);
            for (_, list) in held().filter(|(view, _)| !is_any || !view.dropped) {
                for node in &list.nodes {
                    if !has(&nodes, node) {
                        nodes.push(node.clone());
                    }
                }
            }
            let version = self.version(&nodes);
            expected = Some(Cluster { version, nodes });
        }
        let now = ledger.served().filter(|_| ledger.is_published());
        expect("served", now, expected.as_ref())?;
        let before = self.served.as_ref().filter(|_| self.published);
        let is_other = now != before;
        if is_other || publication.is_some() {
            expect("published", publication.map(|publication| &publication.cluster), now)?;
        }
        if let (Some(before), Some(now)) = (&self.served, now) {
            let rises = now.version > before.version || now.version == Version::MAX;
            ensure(now.version >= before.version, || "the version fell".into())?;
            ensure(rises || now.nodes == before.nodes, || "another list under the same version".into())?;
        }
        if let Some(now) = now {
            ensure(!now.nodes.is_empty(), || "an empty list is served".into())?;
            let above = held().all(|(_, list)| list.version < now.version);
            // One that does not follow the sources, for want of answers, may be that of others.
            ensure(above || !self.settled || !enough, || "an upstream's version is not below ours".into())?;
            (self.served, self.published) = (Some(now.clone()), true);
        } else {
            ensure(!self.published, || "a list was served, and now there is none".into())?;
        }
        Ok(())
    }

    /// The base and every upstream's version, or one more than the last where another list has that already.
    fn version(&self, nodes: &[Node]) -> Version {
        let versions =
            || self.views.iter().filter_map(|view| Some(view.held.as_ref()?.version.number() as u64));
        let mut number = versions().sum::<u64>() + u64::from(self.terms.base);
        if number > u64::from(Version::MAX.number()) {
            number = versions().max().unwrap_or_default() + 1;
        }
        if let Some(last) = &self.served {
            let least = u64::from(last.version.number()) + u64::from(last.nodes != nodes);
            number = number.max(least);
        }
        Version::new(number.min(u64::from(Version::MAX.number()))).unwrap()
    }

    fn is_complete(&self) -> bool {
        self.views.iter().all(|view| view.held.is_some())
    }
}

/// A list with the ips that were found out, or else known.
fn completed(truth: &Cluster, filled: Option<&[Node]>, held: Option<&Cluster>) -> Cluster {
    let Some(filled) = filled else { return truth.clone() };
    let mut nodes = filled.to_vec();
    for node in nodes.iter_mut().filter(|node| node.ip.is_empty()) {
        let known = held.and_then(|held| {
            held.nodes.iter().find(|known| known.host == node.host && known.port == node.port)
        });
        node.ip = known.map_or("".into(), |known| known.ip.clone());
    }
    Cluster { version: truth.version, nodes }
}

fn has(nodes: &[Node], node: &Node) -> bool {
    nodes.iter().any(|other| other.host == node.host && other.port == node.port)
}

fn distinct(nodes: &[Node]) -> Vec<Node> {
    let mut distinct: Vec<Node> = Vec::new();
    for node in nodes {
        if !has(&distinct, node) {
            distinct.push(node.clone());
        }
    }
    distinct
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(what()) }
}

fn expect(what: &str, is: Option<&Cluster>, should: Option<&Cluster>) -> Verdict {
    let told = |cluster: Option<&Cluster>| cluster.map_or("nothing".into(), told);
    ensure(is == should, || format!("{what} is {} and should be {}", told(is), told(should)))
}
