//! What the operator has written, and how it changes: as a configuration, and in the judge's words.

use std::time::Duration;

use fastrand::Rng;
use mimikyu::config::{self, Config, FillIp, HostPort, Layer, Origin, Require, Setting, Share, SourceKind};

use super::judge::{SourceTerms, Terms};
use super::upstream::{Kind, Upstream};

/// Most sources at a time.
const SOURCES_MAX: usize = 6;

#[derive(Clone)]
pub struct Plan {
    pub base: u32,
    pub require: Require,
    /// The share that may go at once, in hundredths.
    percent: usize,
    pub sources: Vec<Planned>,
    /// Names that were ever given.
    named: usize,
}

#[derive(Clone)]
pub struct Planned {
    name: String,
    /// Its place among the world's upstreams: of those none is asked under two names.
    pub upstream: usize,
    percent: Option<usize>,
    drop_after: Option<Duration>,
    pub fills: bool,
}

/// What the operator did: where a source of another configuration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descent {
    Same(usize),
    /// It has the name of another; `same_place` is the same endpoint, asked otherwise.
    Instead {
        of: usize,
        same_place: bool,
    },
    New,
}

/// Which edits leave no choice to the order of answers: only those after which versions follow the sources' alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freedom {
    Any,
    Rising,
}

impl Plan {
    pub fn new(rng: &mut Rng, upstreams: &[Upstream]) -> Self {
        let percent = [100, 25, 50, 67][rng.usize(..4)];
        let base = if rng.bool() { 1_000_000 } else { rng.u32(100_000..2_000_000) };
        let require = if rng.u8(..4) == 0 { Require::All } else { Require::Any };
        let mut plan = Self { base, require, percent, sources: Vec::new(), named: 0 };
        for (number, upstream) in upstreams.iter().enumerate() {
            let planned = plan.planned(rng, number, upstream);
            plan.sources.push(planned);
        }
        plan
    }

    fn planned(&mut self, rng: &mut Rng, number: usize, upstream: &Upstream) -> Planned {
        self.named += 1;
        let name = format!("s{}", self.named);
        // An address that is found out is no other version, so versions would depend on the order of answers.
        let fills = upstream.kind == Kind::Endpoint && !upstream.is_orderly && rng.u8(..3) == 0;
        let mut planned = Planned { name, upstream: number, percent: None, drop_after: None, fills };
        planned.limit(rng, upstream);
        planned
    }

    /// One edit, as an operator makes it; in a word, and where each source comes from. `dropped` is one whose nodes
    /// are off the list, which is often taken out.
    pub fn edit(
        &mut self,
        rng: &mut Rng,
        upstreams: &mut Vec<Upstream>,
        freedom: Freedom,
        dropped: Option<usize>,
    ) -> (&'static str, Vec<Descent>) {
        let mut from: Vec<_> = (0..self.sources.len()).map(Descent::Same).collect();
        let at = rng.usize(..self.sources.len());
        // The end of a migration.
        let is_over = freedom == Freedom::Any && dropped.is_some() && self.sources.len() > 1 && rng.bool();
        let victim = dropped.filter(|_| is_over).unwrap_or(at);
        let is_full = self.sources.len() >= SOURCES_MAX;
        let edits = if freedom == Freedom::Any { 0..12 } else { 0..4 };
        let word = match if is_over { 4 } else { rng.u8(edits) } {
            0 | 1 if !is_full => {
                self.add(rng, upstreams, &mut from);
                "source added"
            }
            0..=2 => {
                self.base = (self.base + rng.u32(1..1000)).min(3_000_000);
                "base raised"
            }
            3 => {
                self.percent = rng.usize(1..=100);
                "shrink changed"
            }
            4 | 5 if self.sources.len() > 1 => {
                self.sources.remove(victim);
                from.remove(victim);
                if is_over { "dropped source removed" } else { "source removed" }
            }
            4..=6 => {
                self.sources.remove(victim);
                from.remove(victim);
                self.add(rng, upstreams, &mut from);
                "source swapped"
            }
            7 => {
                let upstream = upstreams[self.sources[at].upstream].another(rng, upstreams.len());
                self.sources[at].fills &= upstream.kind == Kind::Endpoint;
                self.sources[at].drop_after.take_if(|_| upstream.kind == Kind::Static);
                self.sources[at].upstream = upstreams.len();
                upstreams.push(upstream);
                from[at] = Descent::Instead { of: at, same_place: false };
                "source replaced"
            }
            8 if upstreams[self.sources[at].upstream].kind == Kind::Endpoint => {
                self.sources[at].fills ^= true;
                from[at] = Descent::Instead { of: at, same_place: true };
                "filling changed"
            }
            8 | 9 => {
                let mut order: Vec<_> = (0..from.len()).collect();
                rng.shuffle(&mut order);
                self.sources = order.iter().map(|&place| self.sources[place].clone()).collect();
                from = order.into_iter().map(Descent::Same).collect();
                "order changed"
            }
            10 => {
                let upstream = self.sources[at].upstream;
                self.sources[at].limit(rng, &upstreams[upstream]);
                "limits changed"
            }
            _ => {
                self.require = if self.require == Require::Any { Require::All } else { Require::Any };
                self.base = rng.u32(100_000..2_000_000);
                self.named += 1;
                self.sources[at].name = format!("s{}", self.named);
                "rules changed"
            }
        };
        (word, from)
    }

    fn add(&mut self, rng: &mut Rng, upstreams: &mut Vec<Upstream>, from: &mut Vec<Descent>) {
        let upstream = upstreams[0].another(rng, upstreams.len());
        let planned = self.planned(rng, upstreams.len(), &upstream);
        upstreams.push(upstream);
        let at = rng.usize(..=self.sources.len());
        self.sources.insert(at, planned);
        from.insert(at, Descent::New);
    }

    pub fn config(&self, upstreams: &[Upstream]) -> Config {
        let source = |planned: &Planned| {
            let upstream = &upstreams[planned.upstream];
            let place = host(&format!("place-{}.example", planned.upstream));
            let kind = match upstream.kind {
                Kind::Endpoint => SourceKind::Endpoint(place),
                Kind::Dns => SourceKind::Dns(place),
                Kind::Static => {
                    SourceKind::Static(upstream.nodes().iter().map(|node| host(&node.host)).collect())
                }
            };
            given(config::Source {
                max_shrink: planned.percent.map(share),
                drop_after: planned.drop_after,
                fill_ip: if planned.fills { FillIp::Missing } else { FillIp::Never },
                ..config::Source::new(&planned.name, kind)
            })
        };
        let layer = Layer {
            sources: self.sources.iter().map(source).collect(),
            require: Some(given(self.require)),
            version_base: Some(given(self.base)),
            max_shrink: Some(given(share(self.percent))),
            ..Layer::default()
        };
        config::resolve([layer]).unwrap()
    }

    pub fn terms(&self, upstreams: &[Upstream]) -> Terms {
        let terms = |planned: &Planned| SourceTerms {
            kind: upstreams[planned.upstream].kind,
            percent: planned.percent.unwrap_or(self.percent),
            drop_after: planned.drop_after,
        };
        Terms { base: self.base, require: self.require, sources: self.sources.iter().map(terms).collect() }
    }
}

impl Planned {
    fn limit(&mut self, rng: &mut Rng, upstream: &Upstream) {
        (self.percent, self.drop_after) = (None, None);
        // The order in which a silence of several is noticed would decide which is spared.
        if upstream.kind != Kind::Static && !upstream.is_orderly {
            self.drop_after = (rng.u8(..2) == 0).then(|| Duration::from_secs(rng.u64(20..400)));
            if rng.u8(..4) == 0 {
                self.percent = Some(rng.usize(1..=100));
            }
        }
    }
}

impl SourceTerms {
    pub fn told(&self) -> String {
        format!("{:?} shrinks by {}%, dropped after {:?}", self.kind, self.percent, self.drop_after)
    }
}

fn given<T>(value: T) -> Setting<T> {
    Setting { value, origin: Origin::Unset }
}

fn host(host: &str) -> HostPort {
    HostPort { host: host.into(), port: 11211 }
}

fn share(percent: usize) -> Share {
    Share::new(&format!("{percent}%")).unwrap()
}
