//! What a restart has to know: the ledger as a state file, and a state file as a ledger. Pure.

use std::time::Duration;

use super::ledger::{Ledger, Publication, Rules};
use super::rollout::{Plan, Rollout};
use super::source::{Carried, Source, Terms};
use crate::cluster::Cluster;
use crate::config::{self, Config, SourceKind};
use crate::limits::SILENCE_MAX;
use crate::state::{self, Remembered, Silent, State};
use crate::upstream;

/// A ledger that goes on from a state file, and the list to serve at once, if any. `wall` is the time since 1970.
pub fn recall(config: &Config, state: &State, wall: Duration) -> (Ledger, Option<Publication>) {
    let source = |source: &config::Source| {
        let known = known(source, state);
        let carried = known.and_then(|known| known.silent).map(|silent| carried(silent, wall));
        Source::new(terms(config, source), known.map(|known| restored(source, &known.cluster)), carried)
    };
    let sources = config.sources.iter().map(source).collect();
    let plan = Plan::of(config.rollout.as_ref(), &config.sources);
    let rollout = plan.map(|plan| {
        let rollout = Rollout::new(plan, state.rollout.clone(), wall);
        match &state.served {
            Some(served) => rollout.after(&served.nodes),
            None => rollout,
        }
    });
    Ledger::new(rules(config), sources, state.served.clone(), rollout)
}

/// What the configuration settles.
pub fn rules(config: &Config) -> Rules {
    Rules { require: config.require, version_base: config.version_base }
}

/// What the configuration says of a source's answers.
pub fn terms(config: &Config, source: &config::Source) -> Terms {
    Terms { max_shrink: source.max_shrink.unwrap_or(config.max_shrink), drop_after: source.drop_after }
}

/// What a restart has to know of the ledger at `now` since the start. `wall` is the same time since 1970.
pub fn remember(sources: &[config::Source], ledger: &Ledger, now: Duration, wall: Duration) -> State {
    let remembered = |(source, known): (&config::Source, &Source)| {
        let silent = |Carried { lasting, dropped }| {
            // Up to the next second: a silence must not become longer by being written.
            let since = wall.saturating_sub(lasting).as_millis().div_ceil(1000);
            Silent { since: u64::try_from(since).unwrap_or(u64::MAX), dropped }
        };
        // What stands in for its answer is of another place, of which a restart must not think that it is this one's.
        Some(known).filter(|known| !known.is_stand_in())?;
        Some(Remembered {
            name: source.name.clone(),
            identity: state::identity(&source.kind),
            cluster: known.last()?.clone(),
            silent: known.carried(now).map(silent),
        })
    };
    State {
        served: ledger.served().cloned(),
        sources: sources.iter().zip(ledger.sources()).filter_map(remembered).collect(),
        rollout: ledger.rollout().and_then(Rollout::progress).cloned(),
    }
}

/// What is remembered of a source, if that is the same one still.
fn known<'a>(source: &config::Source, state: &'a State) -> Option<&'a Remembered> {
    let identity = state::identity(&source.kind);
    state.sources.iter().find(|known| known.name == source.name && known.identity == identity)
}

/// A source's last good answer, as far as it is still one.
fn restored(source: &config::Source, known: &Cluster) -> Cluster {
    let SourceKind::Static(targets) = &source.kind else { return known.clone() };
    // The nodes are those of the configuration as it is now; only their addresses are remembered.
    let nodes = upstream::configured(targets, &known.nodes);
    let version = if nodes == known.nodes { known.version } else { known.version.next() };
    Cluster { version, nodes }
}

/// A silence by the wall clock as it is now. One from the future, or too long to be true, is the work of a clock
/// that was set: then it begins with the start.
fn carried(silent: Silent, wall: Duration) -> Carried {
    let lasting = wall.checked_sub(Duration::from_secs(silent.since));
    let lasting = lasting.filter(|lasting| *lasting <= SILENCE_MAX).unwrap_or_default();
    Carried { lasting, dropped: silent.dropped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_believed_within_its_bound_and_is_never_made_longer() {
        let lasting = |since, wall| carried(Silent { since, dropped: true }, wall).lasting;
        let s = Duration::from_secs;
        assert_eq!(lasting(1000, s(1060)), s(60));
        assert_eq!(lasting(1000, s(999)), s(0), "the clock went back");
        assert_eq!(lasting(1000, s(1000) + SILENCE_MAX), SILENCE_MAX);
        assert_eq!(lasting(1000, s(1001) + SILENCE_MAX), s(0), "the clock was set");
    }
    #[test]
    fn what_stands_in_for_an_answer_is_not_remembered_as_one() {
        use super::super::renewal::Origin;
        let target = |port| SourceKind::Endpoint(config::HostPort { host: "alpha".into(), port });
        let before = config::Source::new("a", target(1));
        let after = config::Source::new("a", target(2));
        let nodes = vec![crate::cluster::Node::new("n", "10.0.0.1", 1)];
        let cluster = Cluster { version: crate::cluster::Version::FIRST, nodes };
        let source = Source::new(Terms::default(), Some(cluster.clone()), None);
        let rules = Rules { require: config::Require::Any, version_base: 1 };
        let (mut ledger, _) = Ledger::new(rules, vec![source], None, None);
        let now = Duration::ZERO;
        assert_eq!(remember(&[before], &ledger, now, now).sources.len(), 1);
        ledger.renew(rules, vec![(Terms::default(), Origin::Replaces(0))], now);
        let state = remember(&[after], &ledger, now, now);
        assert_eq!(state.sources, [], "after a crash it would be the new place's");
        assert_eq!(state.served.unwrap().nodes, cluster.nodes);
    }
}
