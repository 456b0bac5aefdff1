//! Statuses to look at.

use mimikyu::status::{
    Audience, Behind, Entry, Fault, History, Limit, List, Moves, Node, Progress, Rollout, RolloutStep,
    Source, State, Status, Traffic, Workers,
};

use super::super::view::Answers;

fn node(host: &str, sources: &[&str]) -> Node {
    let sources = sources.iter().map(|name| (*name).to_owned()).collect();
    Node { host: host.into(), ip: "10.0.0.1".into(), port: 11211, sources }
}

fn source(name: &str, state: State) -> Source {
    Source {
        name: name.into(),
        kind: "upstream".into(),
        target: format!("{name}.example:11211"),
        state,
        state_age: 11_520.0,
        version: Some(12),
        nodes: 2,
        is_stand_in: false,
        last_good_age: Some(2.4),
        last_error: None,
        next_poll: Some(7.6),
        address: Some("10.0.0.5:11211".parse().unwrap()),
        polls_good: 1152,
        polls_doubted: 0,
        polls_failed: 0,
    }
}

fn entry(at: &str, version: u32, why: &str, added: &[&str], removed: &[&str]) -> Entry {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Entry {
        at: at.into(),
        version,
        nodes: 3,
        why: why.into(),
        added: owned(added),
        removed: owned(removed),
        moved: vec![],
        readdressed: vec![],
        omitted: 0,
    }
}

fn limit(name: &str, used: u64, max: u64) -> Limit {
    Limit { name: name.into(), used, max }
}

/// Two sources, three nodes, and clients that all have the list.
pub fn fine() -> Answers {
    let nodes = vec![node("a", &["alpha"]), node("b", &["alpha", "beta"]), node("c", &["beta"])];
    let status = Status {
        mimikyu: "0.1.0".into(),
        now: "2026-11-22T10:20:31.000Z".into(),
        started: "2026-11-22T07:08:00.000Z".into(),
        uptime: 11_551.0,
        ready: true,
        waits_for: None,
        listen: vec!["0.0.0.0:11211".parse().unwrap()],
        troubles: vec![],
        list: Some(List {
            version: 1_000_024,
            digest: "4b825dc642cb6eb9a060e54bf8d69288fbee4904".into(),
            bytes: 120,
            since: Some("2026-11-22T09:15:01.000Z".into()),
            nodes,
        }),
        sources: vec![source("alpha", State::Fresh), source("beta", State::Fresh)],
        rollout: None,
        audience: Audience {
            window: 120,
            seen: 214,
            current: 214,
            share: Some(1.0),
            tracked: 230,
            tracked_max: 16384,
            ..Audience::default()
        },
        traffic: Traffic {
            requests: 1_234_567,
            lists: 1_234_000,
            errors: 12,
            accepted: 4000,
            open: 214,
            ..Traffic::default()
        },
        workers: Workers { count: 2, ring_features: vec![] },
        limits: vec![limit("connections", 214, 65_536), limit("descriptors", 330, 65_864)],
    };
    let history = History {
        changes: vec![
            entry(
                "2026-11-22T09:15:01.000Z",
                1_000_024,
                "beta answered another list",
                &["c:11211"],
                &["d:11211"],
            ),
            entry("2026-11-21T07:08:00.000Z", 1_000_023, "alpha answered", &[], &[]),
        ],
    };
    Answers { status, history }
}

/// As many nodes and sources and changes as scrolling needs.
pub fn many(count: usize) -> Answers {
    let mut answers = fine();
    let nodes = (0..count).map(|n| node(&format!("n{n}"), &["alpha"])).collect();
    answers.status.list.as_mut().unwrap().nodes = nodes;
    answers
}

/// One of each that is not well, a limit that is near, and clients that lag behind.
pub fn failing() -> Answers {
    let mut answers = fine();
    let status = &mut answers.status;
    let refused = |age| Fault {
        what: "beta.example:11211 can't be reached: 10.0.0.6:11211: Connection refused (os error 111)".into(),
        age,
    };
    status.sources[0].last_error = Some(Fault { what: "no whole answer within 2 s".into(), age: 4000.0 });
    status.sources[1] = Source {
        last_error: Some(refused(1.2)),
        last_good_age: Some(190.0),
        ..source("beta", State::Failing)
    };
    status.sources.push(Source {
        version: None,
        last_good_age: None,
        nodes: 0,
        address: None,
        ..source("gamma", State::Waiting)
    });
    status.sources.push(Source { is_stand_in: true, next_poll: None, ..source("delta", State::Shrunk) });
    status.audience.current = 213;
    status.audience.seen = 216;
    status.audience.behind =
        vec![Behind { address: "10.1.0.7".parse().unwrap(), version: 1_000_023, age: 61.0 }];
    status.audience.behind_count = 3;
    status.audience.untracked = 5;
    status.limits[0].used = 61_000;
    status.limits.push(limit("sources", 64, 64));
    answers
}

/// A rollout that is half done.
pub fn rolling() -> Answers {
    let mut answers = fine();
    let moves = Moves { client: "libmemcached-modula".into(), share: 0.166 };
    let next = RolloutStep {
        step: 4,
        at: Some("2026-11-22T10:29:00.000Z".into()),
        nodes: 6,
        added: vec!["new-4:11211".into()],
        removed: vec!["old-4:11211".into()],
        moved: vec![],
        moves: vec![moves],
    };
    answers.status.rollout = Some(Rollout {
        from: "old".into(),
        to: "new".into(),
        strategy: "swap".into(),
        batch: "1".into(),
        start: "2026-11-22T09:59:00.000Z".into(),
        interval: 600.0,
        progress: Progress::Running,
        step: 3,
        steps: 6,
        hold_at: None,
        hold: None,
        behind: 0,
        start_to_agree: None,
        next: Some(next),
        hit_rate: None,
    });
    answers
}

/// A start that waits.
pub fn nothing() -> Answers {
    let mut answers = fine();
    let status = &mut answers.status;
    status.ready = false;
    status.waits_for = Some("it is starting: waits for the first answer of alpha, beta".into());
    status.list = None;
    status.audience = Audience { window: 120, tracked_max: 16384, ..Audience::default() };
    for source in &mut status.sources {
        *source = Source { version: None, last_good_age: None, nodes: 0, address: None, ..source.clone() };
        source.state = State::Waiting;
    }
    status.traffic = Traffic::default();
    answers.history.changes.clear();
    answers
}

/// Every word that comes from elsewhere tries to command the terminal.
pub fn hostile() -> Answers {
    const WORDS: &str = "\x1b[2J\x1b]0;x\x07\u{9b}31m\u{202e}\u{200b}\r\nz";
    let mut answers = fine();
    let status = &mut answers.status;
    for text in [&mut status.mimikyu, &mut status.now, &mut status.started] {
        text.push_str(WORDS);
    }
    let list = status.list.as_mut().unwrap();
    list.digest = WORDS.into();
    list.since = Some(WORDS.into());
    for node in &mut list.nodes {
        node.host.push_str(WORDS);
        node.ip.push_str(WORDS);
        node.sources.push(WORDS.into());
    }
    for source in &mut status.sources {
        source.name.push_str(WORDS);
        source.state = State::Failing;
        source.address = None;
        source.target.push_str(WORDS);
        source.last_error = Some(Fault { what: WORDS.into(), age: f64::NAN });
    }
    status.limits.push(limit(WORDS, u64::MAX, 0));
    let mut rollout = rolling().status.rollout.unwrap();
    for text in [&mut rollout.from, &mut rollout.to, &mut rollout.strategy, &mut rollout.batch] {
        text.push_str(WORDS);
    }
    rollout.hold = Some(WORDS.into());
    let next = rollout.next.as_mut().unwrap();
    next.at = Some(WORDS.into());
    (next.added[0], next.moves[0].client) = (WORDS.into(), WORDS.into());
    next.moves[0].share = f64::NAN;
    status.rollout = Some(rollout);
    for change in &mut answers.history.changes {
        change.why = WORDS.into();
        change.at = WORDS.into();
        for names in [&mut change.added, &mut change.removed, &mut change.moved, &mut change.readdressed] {
            names.push(WORDS.into());
        }
    }
    answers
}
