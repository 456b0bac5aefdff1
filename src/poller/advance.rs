//! Has a rollout take its steps when they are due, and tells of it.

use std::mem::discriminant;
use std::time::{Duration, UNIX_EPOCH};

use super::guard::{Seen, Wanted, watch};
use super::rollout::{Hold, Rollout};
use super::{Poller, wall};
use crate::limits::{ROLLOUT_PAUSE, ROLLOUT_STALE};
use crate::plan::Family;
use crate::status::{Progress, RolloutPlan};

/// What was told of a rollout last.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Told {
    identity: String,
    way: String,
    progress: Option<Progress>,
    /// Whether there were lists of its steps.
    has_lists: bool,
    revision: u64,
    step: usize,
    behind: i64,
    is_done: bool,
    hold: Option<Hold>,
    seen: Option<Seen>,
}

impl Told {
    fn of(rollout: &Rollout, seen: Option<Seen>) -> Self {
        Self {
            identity: rollout.plan().identity(),
            way: rollout.plan().way(),
            progress: Some(rollout.told_progress()),
            has_lists: rollout.steps() > 0,
            revision: rollout.revision(),
            step: rollout.step(),
            behind: rollout.progress().map_or(0, |progress| progress.behind),
            is_done: rollout.is_done(),
            hold: rollout.hold().cloned(),
            seen,
        }
    }
}

/// A point in time as it is shown.
fn shown(since_1970: Duration) -> String {
    let time = UNIX_EPOCH.checked_add(since_1970).unwrap_or(UNIX_EPOCH);
    humantime::format_rfc3339_millis(time).to_string()
}

impl Poller {
    /// When the clock has to be looked at for a rollout: soon, since it may be set.
    pub(super) fn next_step(&self) -> tokio::time::Instant {
        let pause =
            self.ledger.rollout().map_or(ROLLOUT_PAUSE, |rollout| rollout.next_due_in().min(ROLLOUT_PAUSE));
        tokio::time::Instant::now() + pause
    }

    /// Takes the steps that are due.
    pub(super) async fn step(&mut self) {
        let now = wall();
        let stood_still = now.saturating_sub(std::mem::replace(&mut self.looked, now)) > ROLLOUT_STALE;
        if stood_still && self.guard.borrow().guard.is_some() {
            // What was known of the nodes is of a time before.
            self.guard.send_modify(|wanted| wanted.beginning += 1);
            self.ledger.note_misses(Some("the hit rate of the nodes is to be asked for anew".into()));
        }
        let publication = self.ledger.tick(now);
        match publication {
            Some(publication) => {
                let why = self.ledger.rollout().map(why).unwrap_or_default();
                self.publish(publication, why).await;
            }
            // It may have fallen behind.
            None if self.told_now() != self.told => self.saver.save(self.state()).await,
            None => {}
        }
        self.tell_rollout();
    }

    /// Takes note of what the nodes say of their hits.
    pub(super) fn note_hit_rate(&mut self) {
        let seen = self.hit_rate.borrow_and_update().clone();
        // Without a guard nobody is asked, and nothing speaks against a step.
        let Some(Seen { verdict, .. }) = seen else { return };
        let unknown = || "too many requests miss".to_owned();
        self.ledger.note_misses((!verdict.is_good).then(|| verdict.why.unwrap_or_else(unknown)));
    }

    /// Starts the task that asks nodes for their hits, once there is something to ask for.
    pub(super) fn guard_if_wanted(&mut self) {
        // Once it is done, nothing is held.
        let guarded = self.ledger.rollout().filter(|rollout| !rollout.is_done());
        let guard = guarded.and_then(|rollout| rollout.plan().terms.guard);
        let served = self.ledger.served().filter(|_| guard.is_some() && self.ledger.is_published());
        let (nodes, beginning) =
            (served.map(|list| list.nodes.clone()).unwrap_or_default(), self.guard.borrow().beginning);
        let wanted = Wanted { guard, nodes, beginning };
        self.guard.send_if_modified(|known| {
            let is_news = *known != wanted;
            *known = wanted;
            is_news
        });
        if guard.is_some()
            && let Some(told) = self.hit_rates.take()
        {
            let (wanted, pace, metrics) =
                (self.guard.subscribe(), self.pace.subscribe(), self.metrics.clone());
            self.askers.spawn(watch(wanted, pace, told, metrics));
        }
    }

    fn told_now(&self) -> Option<Told> {
        let seen = self.hit_rate.borrow().clone();
        self.ledger.rollout().map(|rollout| Told::of(rollout, seen))
    }

    /// Says what has become of a rollout since it was told of last, and keeps ready what operators see of it.
    pub(super) fn tell_rollout(&mut self) {
        let now = self.told_now();
        if now == self.told {
            return;
        }
        match (self.ledger.rollout(), &now) {
            (Some(rollout), Some(now)) => {
                tell(&self.told.take().unwrap_or_default(), now, rollout);
                let hit_rate = now.seen.as_ref().map(Into::into);
                self.view.borrow_mut().show_rollout(rollout.told(hit_rate, shown));
            }
            _ => {
                tracing::info!("there is no rollout any more");
                self.view.borrow_mut().show_rollout(RolloutPlan::default());
            }
        }
        self.told = now;
    }
}

/// Why the list is another one.
fn why(rollout: &Rollout) -> String {
    let config = &rollout.plan().terms;
    format!("rollout {} to {}: step {} of {}", config.from, config.to, rollout.step(), rollout.steps())
}

/// One line a step, and one a change of what holds it.
fn tell(before: &Told, now: &Told, rollout: &Rollout) {
    let (from, to) = (&rollout.plan().terms.from, &rollout.plan().terms.to);
    let (step, steps) = (now.step, rollout.steps());
    let moves = moves(rollout.cost());
    let is_other = (&before.identity, &before.way) != (&now.identity, &now.way);
    if is_other {
        let (strategy, batch) = (rollout.plan().terms.strategy.name(), rollout.plan().terms.batch);
        let start = shown(rollout.plan().terms.start);
        let interval = humantime::format_duration(rollout.plan().terms.interval);
        tracing::info!(from, to, strategy, %batch, start, %interval, moves, "rollout is configured");
    }
    if now.has_lists && (!before.has_lists || is_other) {
        tracing::info!(from, to, step, steps, "rollout is at this step");
    } else if before.step != now.step && now.has_lists && !(before.is_done && now.is_done) {
        let before = before.step;
        if now.step > before {
            tracing::info!(from, to, step, steps, moves, "rollout has taken a step");
        } else {
            tracing::warn!(from, to, step, steps, before, moves, "rollout has gone back");
        }
    }
    if now.is_done && !before.is_done {
        tracing::info!(from, to, steps, "rollout is done: its list is that of the source it leads to");
    }
    // Of the hit rate who asks for it tells, and not of each moment in which a new node has not answered yet.
    let told = |told: &Told| told.hold.clone().filter(|hold| !matches!(hold, Hold::HitRate(_)));
    let (held_before, held) = (told(before), told(now));
    if held_before.as_ref().map(discriminant) != held.as_ref().map(discriminant) {
        match held.map(|hold| (hold.to_string(), hold)) {
            // It was asked for.
            Some((hold, Hold::At(_))) => {
                tracing::info!(from, to, step, steps, hold, "rollout stays at its step")
            }
            Some((hold, _)) => tracing::warn!(from, to, step, steps, hold, "rollout stays at its step"),
            None if !now.is_done => tracing::info!(from, to, step, steps, "rollout goes on"),
            None => {}
        }
    }
    if rollout.behind() > 0 && before.behind <= 0 && !now.is_done {
        let (behind, start) = (rollout.behind(), rollout.start_to_agree().map(shown));
        tracing::warn!(
            behind,
            start,
            "rollout is not where its schedule is, and goes on a step at a time: with this start others are at the same step"
        );
    }
}

/// `libmemcached-modula 17.2 %, …`.
fn moves(cost: &[(Family, f64)]) -> Option<String> {
    let moves = cost.iter().map(|(client, share)| format!("{} {:.1} %", client.name(), share * 100.0));
    (!cost.is_empty()).then(|| moves.collect::<Vec<_>>().join(", "))
}
