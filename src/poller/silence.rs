//! How long a source has given no good answer, and what becomes of its nodes for that. Pure.

use std::time::Duration;

use crate::limits::DROP_POLLS;

/// What became of a silent source's nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// They are listed: it is not silent, or not for long.
    Listed,
    /// They are listed although it is silent for too long, since nothing else can be relied on.
    Spared,
    /// They are off the list.
    Dropped,
}

/// A silence that goes on over a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// How long it has lasted.
    pub lasting: Duration,
    /// Whether the source's nodes are off the list for it.
    pub dropped: bool,
}

/// The silence of one source, if it is silent.
///
/// Any list that it answers ends the silence, also one that is doubted: the source is there. Only one that
/// is taken brings its nodes back.
#[derive(Debug, Clone)]
pub struct Silence {
    /// Never where it is `None`.
    drop_after: Option<Duration>,
    /// When it was heard last, since the start; the start itself where that was before it.
    heard: Duration,
    /// How long it had been silent before that.
    before: Option<Duration>,
    /// Failed polls in a row since then.
    failures: u32,
    /// Of these the last ones in a row during which another source answered.
    witnessed: u32,
    standing: Standing,
}

impl Silence {
    /// The silence at the start. What was dropped stays so, unless nothing is dropped any more.
    pub fn new(drop_after: Option<Duration>, carried: Option<Carried>) -> Self {
        let carried = carried.filter(|_| drop_after.is_some());
        let dropped = carried.is_some_and(|carried| carried.dropped);
        Self {
            drop_after,
            heard: Duration::ZERO,
            before: carried.map(|carried| carried.lasting),
            failures: 0,
            witnessed: 0,
            standing: if dropped { Standing::Dropped } else { Standing::Listed },
        }
    }

    /// Another configuration says when it is over. What was dropped stays so, unless nothing is dropped any more.
    pub fn renew(&mut self, drop_after: Option<Duration>) {
        self.drop_after = drop_after;
        if drop_after.is_none() {
            self.standing = Standing::Listed;
        }
    }

    /// It failed once more. True where the silence begins with that and has to be remembered.
    pub fn go_on(&mut self) -> bool {
        let begins = self.before.is_none() && self.failures == 0;
        self.failures = self.failures.saturating_add(1);
        begins && self.drop_after.is_some()
    }

    /// It was heard. True where there was a silence that is to be remembered no more.
    pub fn end(&mut self, now: Duration) -> bool {
        let was_silent = self.before.take().is_some() || self.failures > 0;
        (self.heard, self.failures, self.witnessed) = (now, 0, 0);
        if self.standing == Standing::Spared {
            self.standing = Standing::Listed;
        }
        was_silent && self.drop_after.is_some()
    }

    /// The failure came while another source answered, or while none did.
    pub fn witness(&mut self, by_another: bool) {
        self.witnessed = if by_another { self.witnessed.saturating_add(1) } else { 0 };
    }

    /// Whether the last failures were its own: another source answered during each of them.
    pub fn is_its_own(&self) -> bool {
        self.witnessed >= DROP_POLLS
    }

    /// How long it has not been heard.
    pub fn lasting(&self, now: Duration) -> Duration {
        now.saturating_sub(self.heard).saturating_add(self.before.unwrap_or_default())
    }

    /// How long it had been silent before the start, where it was and has not been heard since.
    pub fn before_start(&self) -> Option<Duration> {
        self.before
    }

    /// Whether it has been silent for so long that its nodes should go.
    pub fn is_overdue(&self, now: Duration) -> bool {
        let is_long = self.drop_after.is_some_and(|drop_after| self.lasting(now) >= drop_after);
        is_long && self.failures >= DROP_POLLS && !self.is_dropped()
    }

    /// Whether its nodes are off the list.
    pub fn is_dropped(&self) -> bool {
        self.standing == Standing::Dropped
    }

    /// Takes its nodes off the list.
    pub fn drop_nodes(&mut self) {
        self.standing = Standing::Dropped;
    }

    /// Leaves its nodes on the list for the time being. True the first time in this silence.
    pub fn spare_nodes(&mut self) -> bool {
        std::mem::replace(&mut self.standing, Standing::Spared) != Standing::Spared
    }

    /// Puts its nodes on the list. True where they were off it.
    pub fn list_nodes(&mut self) -> bool {
        std::mem::replace(&mut self.standing, Standing::Listed) == Standing::Dropped
    }

    /// What a restart has to know of it, if anything.
    pub fn carried(&self, now: Duration) -> Option<Carried> {
        let is_silent = self.before.is_some() || self.failures > 0;
        (self.drop_after.is_some() && (is_silent || self.is_dropped()))
            .then(|| Carried { lasting: self.lasting(now), dropped: self.is_dropped() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fails(silence: &mut Silence, times: u32) {
        for _ in 0..times {
            silence.go_on();
        }
    }

    #[test]
    fn is_overdue_after_the_time_and_not_before_and_not_for_too_few_polls() {
        let mut silence = Silence::new(Some(s(60)), None);
        silence.end(s(100));
        fails(&mut silence, DROP_POLLS - 1);
        assert!(!silence.is_overdue(s(1000)));
        fails(&mut silence, 1);
        assert!(!silence.is_overdue(s(159)));
        assert!(silence.is_overdue(s(160)));
        let mut never = Silence::new(None, Some(Carried { lasting: s(1000), dropped: true }));
        fails(&mut never, 10);
        assert!(!never.is_overdue(s(1_000_000)) && !never.is_dropped() && never.carried(s(1)).is_none());
    }

    #[test]
    fn is_its_own_where_another_answered_during_each_of_the_last_failures() {
        let mut silence = Silence::new(Some(s(60)), None);
        let mut fails = |by_another| {
            silence.go_on();
            silence.witness(by_another);
            silence.is_its_own()
        };
        assert_eq!([true, true, false, true, true].map(&mut fails), [false; 5]);
        assert_eq!([true, true, false].map(&mut fails), [true, true, false]);
        assert_eq!([true, true].map(&mut fails), [false; 2]);
        silence.end(s(1));
        silence.witness(true);
        assert!(!silence.is_its_own(), "it was heard between");
    }

    #[test]
    fn goes_on_over_a_restart() {
        let carried = Some(Carried { lasting: s(50), dropped: false });
        let mut silence = Silence::new(Some(s(60)), carried);
        assert_eq!(silence.carried(s(0)), carried);
        assert!(!silence.go_on(), "it is known already");
        fails(&mut silence, DROP_POLLS);
        assert!(!silence.is_overdue(s(9)));
        assert!(silence.is_overdue(s(10)));
        assert!(silence.end(s(10)) && silence.carried(s(11)).is_none());
    }

    #[test]
    fn what_is_remembered_begins_and_ends_once() {
        let mut silence = Silence::new(Some(s(60)), None);
        assert!(!silence.end(s(1)));
        assert_eq!([silence.go_on(), silence.go_on()], [true, false]);
        assert_eq!(silence.carried(s(5)), Some(Carried { lasting: s(4), dropped: false }));
        silence.drop_nodes();
        assert_eq!([silence.end(s(6)), silence.end(s(7))], [true, false]);
        assert_eq!(
            silence.carried(s(7)),
            Some(Carried { lasting: s(0), dropped: true }),
            "until it is taken"
        );
        assert_eq!([silence.list_nodes(), silence.list_nodes()], [true, false]);
        assert_eq!(silence.carried(s(7)), None);
        assert_eq!([silence.spare_nodes(), silence.spare_nodes()], [true, false]);
    }
}
