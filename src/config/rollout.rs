//! A migration in steps from one source to another: the `[rollout]` table.

use std::time::{Duration, UNIX_EPOCH};

use humantime::{format_duration, format_rfc3339};

use super::Share;
use crate::plan::{Batch, Family, Strategy};

/// A rollout: which list is served when follows from this, from the answers of the two sources, and from the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// The name of the source whose nodes leave.
    pub from: String,
    /// The name of the source whose nodes come; another one.
    pub to: String,
    /// In which way.
    pub strategy: Strategy,
    /// How many nodes a step changes.
    pub batch: Batch,
    /// When the first step is taken, as time since 1970: absolute, so that replicas agree.
    pub start: Duration,
    /// Time from one step to the next.
    pub interval: Duration,
    /// The last step that is taken, from 0 (only `from`); `None` is all of them.
    pub hold_at: Option<usize>,
    /// The clients for whom the keys that a step moves are counted. Never empty.
    pub clients: Vec<Family>,
    /// The largest share of the keys that one step may move, for each of the clients; [`Share::OFF`] is any.
    pub max_move: Share,
    /// What holds the rollout while too many requests miss.
    pub guard: Option<Guard>,
}

impl Rollout {
    /// The clients that are counted for unless told: what is usual, hashed the one way and the other.
    pub const CLIENTS: [Family; 2] = [Family::LibmemcachedKetama, Family::LibmemcachedModula];

    /// Its settings by their keys, as they are written; those that are off are left out, but for `max_move`.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        // Names every field, so that a new one is not forgotten.
        let Self { from, to, strategy, batch, start, interval, hold_at, clients, max_move, guard } = self;
        let clients: Vec<_> = clients.iter().map(|client| client.name()).collect();
        let mut settings = vec![
            ("from", from.clone()),
            ("to", to.clone()),
            ("strategy", strategy.name().to_owned()),
            ("batch", batch.to_string()),
            ("start", format_rfc3339(UNIX_EPOCH + *start).to_string()),
            ("interval", format_duration(*interval).to_string()),
        ];
        settings.extend(hold_at.map(|step| ("hold_at", step.to_string())));
        settings.extend([("clients", clients.join(",")), ("max_move", max_move.to_string())]);
        settings.extend(guard.iter().flat_map(|Guard { floor, window, requests_min }| {
            [
                ("hold_below_hit_rate", floor.to_string()),
                ("hit_rate_window", format_duration(*window).to_string()),
                ("hit_rate_requests_min", requests_min.to_string()),
            ]
        }));
        settings
    }

    /// Its settings that were others `before`, as `key=value`; one that was given and is no more is `none`.
    pub fn changes_since(&self, before: Option<&Self>) -> Vec<String> {
        let (before, now) = (before.map(Self::settings).unwrap_or_default(), self.settings());
        let others = now.iter().filter(|setting| !before.contains(setting));
        let is_gone = |key: &str| now.iter().all(|(other, _)| *other != key);
        let gone = before.iter().filter(|(key, _)| is_gone(key)).map(|(key, _)| format!("{key}=none"));
        others.map(|(key, value)| format!("{key}={value}")).chain(gone).collect()
    }
}

/// A hit rate below which no step is taken, as the nodes themselves count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// The share of the requests that must hit.
    pub floor: Share,
    /// How far back requests count.
    pub window: Duration,
    /// The fewest requests within that time that tell something.
    pub requests_min: u64,
}

impl Guard {
    /// How far back requests count unless told.
    pub const WINDOW: Duration = Duration::from_secs(60);

    /// The fewest requests that tell something unless told.
    pub const REQUESTS_MIN: u64 = 1000;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_by_its_keys() {
        let before = Rollout {
            from: "a".into(),
            to: "b".into(),
            strategy: Strategy::Swap,
            batch: Batch::default(),
            start: Duration::from_secs(1_796_094_000),
            interval: Duration::from_secs(90),
            hold_at: None,
            clients: Rollout::CLIENTS.to_vec(),
            max_move: Share::OFF,
            guard: None,
        };
        let guard = Guard {
            floor: Share::new("85%").unwrap(),
            window: Guard::WINDOW,
            requests_min: Guard::REQUESTS_MIN,
        };
        let after = Rollout {
            start: before.start + Duration::from_millis(500),
            hold_at: Some(0),
            guard: Some(guard),
            ..before.clone()
        };
        assert_eq!(before.changes_since(Some(&before)), [""; 0]);
        let forth = [
            "start=2026-12-01T03:00:00.500000000Z",
            "hold_at=0",
            "hold_below_hit_rate=85%",
            "hit_rate_window=1m",
            "hit_rate_requests_min=1000",
        ];
        assert_eq!(after.changes_since(Some(&before)), forth);
        let back = [
            "start=2026-12-01T03:00:00Z",
            "hold_at=none",
            "hold_below_hit_rate=none",
            "hit_rate_window=none",
            "hit_rate_requests_min=none",
        ];
        assert_eq!(before.changes_since(Some(&after)), back);
        let whole = [
            "from=a",
            "to=b",
            "strategy=swap",
            "batch=1",
            "start=2026-12-01T03:00:00Z",
            "interval=1m 30s",
            "clients=libmemcached-ketama,libmemcached-modula",
            "max_move=off",
        ];
        assert_eq!(before.changes_since(None), whole);
    }
}
