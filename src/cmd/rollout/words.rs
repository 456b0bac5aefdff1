//! What there is to say of a rollout, in words: the same for `rollout`, `top` and its report.

use mimikyu::status::{HitRate, Progress, Rollout, RolloutStep};

use super::super::top::plain::{Row, Tone, clock, count, elapsed, some};

/// Nodes of a step that a sentence names; the others are counted.
const NAMES_SHOWN: usize = 2;

/// Where it is and what comes next, in a row.
pub fn headline(rollout: &Rollout, now: &str) -> Row {
    let mut parts = vec![standing(rollout)];
    parts.extend(behind(rollout));
    if let Some(next) = &rollout.next {
        parts.push(format!("next: {}", step(next, now)));
        parts.extend(cost(next).map(|cost| format!("moves {cost}")));
    }
    Row::new(tone(rollout), format!("rollout {}: {}", way(rollout), parts.join("; ")))
}

/// `swap old → new`.
pub fn way(rollout: &Rollout) -> String {
    format!("{} {} → {}", rollout.strategy, rollout.from, rollout.to)
}

/// At which step it is, and why it stays there if it does.
pub fn standing(rollout: &Rollout) -> String {
    let Rollout { step, steps, .. } = rollout;
    let standing = match rollout.progress {
        Progress::Waiting => "waits for its start".to_owned(),
        Progress::Running => format!("step {step} of {steps}"),
        Progress::Held => format!("held at step {step} of {steps}"),
        Progress::Done => format!("done, {} taken", some(*steps, "step")),
    };
    match &rollout.hold {
        Some(why) => format!("{standing}: {why}"),
        None => standing,
    }
}

/// Whether something holds it that nobody has asked for.
pub fn is_stuck(rollout: &Rollout) -> bool {
    rollout.progress == Progress::Held && rollout.hold_at != Some(rollout.step)
}

/// How its standing is meant.
pub fn tone(rollout: &Rollout) -> Tone {
    match rollout.progress {
        Progress::Done => Tone::Good,
        Progress::Held if is_stuck(rollout) => Tone::Doubtful,
        _ => Tone::Plain,
    }
}

/// How many steps it is late, if any.
pub fn behind(rollout: &Rollout) -> Option<String> {
    let steps = usize::try_from(rollout.behind).unwrap_or(usize::MAX);
    (steps > 0).then(|| format!("{} behind", some(steps, "step")))
}

/// Which step, when, and which nodes: `step 4 at 03:30:00 UTC, in 8 min: + new-4:11211 − old-4:11211`.
pub fn step(step: &RolloutStep, now: &str) -> String {
    let mut nodes = String::new();
    for (sign, names) in [("+", &step.added), ("−", &step.removed), ("↕", &step.moved)] {
        if !names.is_empty() {
            nodes.push_str(&format!(" {sign} {}", named(names)));
        }
    }
    let colon = if nodes.is_empty() { "" } else { ":" };
    format!("{}{colon}{nodes}", when(step, now))
}

/// Which step and when: `step 4 at 03:30:00 UTC, in 8 min`.
pub fn when(step: &RolloutStep, now: &str) -> String {
    let number = step.step;
    let Some(at) = &step.at else { return format!("step {number}") };
    match until(at, now) {
        Some(left) => format!("step {number} at {} UTC, in {}", clock(at, now), elapsed(left)),
        None => format!("step {number}, due now"),
    }
}

/// Seconds from `now` to then; none where that has passed, or one of them is no time.
fn until(at: &str, now: &str) -> Option<f64> {
    let [at, now] = [at, now].map(humantime::parse_rfc3339);
    Some(at.ok()?.duration_since(now.ok()?).ok()?.as_secs_f64()).filter(|left| *left > 0.0)
}

/// The first of these names, and how many more there are.
fn named(names: &[String]) -> String {
    let shown = names[..names.len().min(NAMES_SHOWN)].join(", ");
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown,
        more => format!("{shown} and {} more", count(more as u64)),
    }
}

/// `17 % of the keys of libmemcached-modula, 5 % of libmemcached-ketama`; none where no clients are configured.
pub fn cost(step: &RolloutStep) -> Option<String> {
    let mut cost = String::new();
    for moves in &step.moves {
        let of = if cost.is_empty() { "of the keys of" } else { "of" };
        let comma = if cost.is_empty() { "" } else { ", " };
        cost.push_str(&format!("{comma}{} {of} {}", share(moves.share), moves.client));
    }
    (!cost.is_empty()).then_some(cost)
}

/// A share of keys, as a sentence has it: never nothing where it is something.
fn share(share: f64) -> String {
    if share > 0.0 && share < 0.01 { "less than 1 %".to_owned() } else { format!("{:.0} %", share * 100.0) }
}

/// What the nodes' own counters say of the hits.
pub fn hits(hit_rate: &HitRate) -> Row {
    let HitRate { rate, requests, floor, resume, window, is_good, why } = hit_rate;
    let [floor_shown, resume_shown] = [floor, resume].map(|share| percent(*share));
    let lately = format!("{} in the last {}", some(*requests as usize, "request"), elapsed(*window));
    let why = why.as_deref().unwrap_or("it does not say why");
    let text = match rate {
        None => format!("not known: {why}; {floor_shown} of the requests must hit"),
        Some(rate) if *is_good => format!("{} of {lately} hit; {floor_shown} must", percent(*rate)),
        Some(rate) => {
            let what = format!("{} of {lately} hit; {floor_shown} must", percent(*rate));
            // Where the rate itself is no reason, there is another one.
            let why = if rate >= resume { format!(": {why}") } else { String::new() };
            format!("{what}, and {resume_shown} before it goes on{why}")
        }
    };
    Row::new(if *is_good { Tone::Good } else { Tone::Bad }, text)
}

/// A share with a tenth where there is one, rounded down: what is below a floor never looks as if it were not.
fn percent(share: f64) -> String {
    let tenths = (share * 1000.0 + 1e-6).floor() as u64;
    match tenths % 10 {
        0 => format!("{} %", tenths / 10),
        tenth => format!("{}.{tenth} %", tenths / 10),
    }
}
