//! The first rows: is all well, what is served, who has it.

use mimikyu::status::{Audience, Severity, State, Status};

use super::super::rollout::words as rollout_words;
use super::plain::{Row, Tone, clock, elapsed, some};
use super::words::{NEAR_PERCENT, percent, state};

/// Characters of a digest that people are shown: enough to tell any two apart.
const DIGEST_CHARS: usize = 12;

/// What a row begins with that is one of several: it is cut where it does not fit, others are folded.
pub const ITEM: &str = "  ";

/// Who speaks, and from where.
pub fn speaker(status: &Status, target: &str) -> Row {
    let (version, up) = (&status.mimikyu, elapsed(status.uptime));
    let workers = some(status.workers.count, "worker");
    Row::new(Tone::Head, format!("mimikyu {version} at {target}, up {up}, {workers}"))
}

/// Is all well? What is not has a row each, so that no reason hides another; in so many rows at most, the last of which
/// counts those that have none.
pub fn verdict(status: &Status, rows_max: usize) -> Vec<Row> {
    if !status.ready {
        let why = status.waits_for.as_deref().unwrap_or("it does not say why");
        return vec![Row::new(Tone::Bad, format!("Not ready: {why}."))];
    }
    let mut doubts: Vec<_> = status.troubles.iter().map(|trouble| trouble.what.clone()).collect();
    for doubtful in [State::Failing, State::Dropped, State::Shrunk, State::Stale, State::Waiting] {
        let names: Vec<_> = status.sources.iter().filter(|source| source.state == doubtful).collect();
        if !names.is_empty() {
            let named =
                names.iter().take(4).map(|source| source.name.as_str()).collect::<Vec<_>>().join(", ");
            let rest = if names.len() > 4 { format!(" and {} more", names.len() - 4) } else { String::new() };
            doubts.push(format!("{} {named}{rest}", state(doubtful)));
        }
    }
    if let Some(rollout) = status.rollout.as_ref().filter(|rollout| rollout_words::is_stuck(rollout)) {
        doubts.push(format!("the rollout is held at step {}", rollout.step));
    }
    for limit in status.limits.iter().filter(|limit| percent(limit) >= NEAR_PERCENT) {
        doubts.push(format!("{} at {} % of the limit", limit.name, percent(limit)));
    }
    let is_severe = status.troubles.iter().any(|trouble| trouble.severity == Severity::Severe);
    let tone = if is_severe { Tone::Bad } else { Tone::Doubtful };
    match &doubts[..] {
        [] => {
            vec![Row::new(Tone::Good, "All is well: the list is served, and every source answers.")]
        }
        [doubt] => vec![Row::new(tone, format!("The list is served, but look at this: {doubt}."))],
        doubts => {
            let named = if doubts.len() > rows_max { rows_max.saturating_sub(1) } else { doubts.len() };
            let rest = doubts.len() - named;
            let mut rows = vec![Row::new(tone, "The list is served, but look at these:")];
            rows.extend(doubts[..named].iter().map(|doubt| Row::new(tone, format!("{ITEM}{doubt}"))));
            rows.extend((rest > 0).then(|| Row::new(tone, format!("{ITEM}and {rest} more"))));
            rows
        }
    }
}

/// What is served.
pub fn served(status: &Status) -> Row {
    let Some(list) = &status.list else {
        return Row::new(Tone::Bad, "Nothing is served: there has never been a list.");
    };
    let digest: String = list.digest.chars().take(DIGEST_CHARS).collect();
    let since = match &list.since {
        Some(since) => format!("since {} UTC", clock(since, &status.now)),
        None => "since before the start".to_owned(),
    };
    let (version, nodes, sources) =
        (list.version, some(list.nodes.len(), "node"), some(status.sources.len(), "source"));
    let text = format!("version {version}: {nodes} of {sources}, digest {digest}, {since}");
    Row::new(Tone::Plain, text)
}

/// How far the rollout is, where there is one.
pub fn rollout(status: &Status) -> Option<Row> {
    status.rollout.as_ref().map(|rollout| rollout_words::headline(rollout, &status.now))
}

/// How many clients have it.
pub fn audience(status: &Status) -> Row {
    let Audience { window, seen, current, behind_count, tracked_max, .. } = status.audience;
    let lately = format!("seen in the last {}", elapsed(window as f64));
    let version = status
        .list
        .as_ref()
        .map_or_else(|| "the list".to_owned(), |list| format!("version {}", list.version));
    if tracked_max == 0 {
        return Row::new(Tone::Faint, "Which clients have the list is not known: clients_tracked_max is 0.");
    }
    if seen == 0 {
        return Row::new(Tone::Faint, format!("No client was {lately}."));
    }
    if seen == 1 {
        let (tone, has) = if current == 1 { (Tone::Good, "has") } else { (Tone::Doubtful, "does not have") };
        return Row::new(tone, format!("The one client {lately} {has} {version}."));
    }
    if current >= seen {
        return Row::new(Tone::Good, format!("All {} {lately} have {version}.", some(seen, "client")));
    }
    // Rounded down: all is said only where it is all.
    let share = current * 100 / seen;
    let rest = if behind_count == 1 { "1 has not".to_owned() } else { format!("{behind_count} have not") };
    let of = some(seen, "client");
    Row::new(Tone::Doubtful, format!("{share} % of the {of} {lately} have {version}; {rest}."))
}

/// How many more there may be that lack it, if any.
pub fn silent(status: &Status) -> Option<Row> {
    let count = status.audience.silent_count;
    let text = format!("And {} not seen since, last with an older version.", some(count, "client"));
    (count > 0).then(|| Row::new(Tone::Doubtful, text))
}
