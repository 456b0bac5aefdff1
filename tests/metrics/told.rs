//! A status in which everything is told, so that every metric is there.

use mimikyu::status::{
    Audience, HitRate, Limit, List, Node, Progress, Rollout, RolloutStep, Severity, Source, State, Status,
    Traffic, Trouble, Workers,
};

pub fn status() -> Status {
    let source = |name: &str, state| Source {
        name: name.to_owned(),
        kind: "upstream".to_owned(),
        target: "alpha.cfg.example:11211".to_owned(),
        state,
        state_age: 61.5,
        version: Some(12),
        nodes: 1,
        is_stand_in: false,
        last_good_age: Some(3.25),
        last_error: None,
        next_poll: Some(6.75),
        address: None,
        polls_good: 40,
        polls_doubted: 2,
        polls_failed: 3,
    };
    let node = Node {
        host: "a".to_owned(),
        ip: "10.0.0.1".to_owned(),
        port: 11211,
        sources: vec!["alpha".to_owned()],
    };
    Status {
        mimikyu: "0.1.0".to_owned(),
        now: "2026-11-22T09:00:00.000Z".to_owned(),
        started: "2026-11-22T08:00:00.500Z".to_owned(),
        uptime: 3599.5,
        ready: true,
        waits_for: None,
        listen: vec![],
        troubles: vec![Trouble {
            what: "the state file is not written".to_owned(),
            severity: Severity::Warning,
            since: "2026-11-22T08:30:00.000Z".to_owned(),
        }],
        list: Some(List {
            version: 1_000_012,
            digest: "ab12".to_owned(),
            bytes: 679,
            since: None,
            nodes: vec![node],
        }),
        sources: vec![source("alpha", State::Fresh), source("beta", State::Failing)],
        rollout: Some(rollout()),
        audience: Audience {
            window: 120,
            seen: 40,
            current: 39,
            share: Some(0.975),
            behind: vec![],
            behind_count: 1,
            silent: vec![],
            silent_count: 3,
            tracked: 55,
            tracked_max: 16384,
            untracked: 0,
        },
        traffic: Traffic::default(),
        workers: Workers { count: 2, ring_features: vec![] },
        limits: vec![Limit { name: "connections".to_owned(), used: 3, max: 65536 }],
    }
}

fn rollout() -> Rollout {
    Rollout {
        from: "alpha".to_owned(),
        to: "beta".to_owned(),
        strategy: "swap".to_owned(),
        batch: "1".to_owned(),
        start: "2026-11-22T08:30:00.000Z".to_owned(),
        interval: 600.0,
        progress: Progress::Held,
        step: 3,
        steps: 6,
        hold_at: None,
        hold: Some("the hit rate is too low".to_owned()),
        behind: 2,
        start_to_agree: None,
        next: Some(RolloutStep {
            step: 4,
            at: Some("2026-11-22T09:10:00.500Z".to_owned()),
            nodes: 3,
            added: vec![],
            removed: vec![],
            moved: vec![],
            moves: vec![],
        }),
        hit_rate: Some(HitRate {
            rate: Some(0.84),
            requests: 12_000,
            floor: 0.85,
            resume: 0.87,
            window: 300.0,
            is_good: false,
            why: None,
        }),
    }
}
