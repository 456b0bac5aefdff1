//! What there is to say of a status and a history, in rows: the same for the screen and for the report.

use mimikyu::status::{Entry, History, Limit, Source, State, Status};

use super::plain::{Row, Tone, clock, count, largest, table};

/// Share of a bound, in percent, from which on it is near.
pub const NEAR_PERCENT: u64 = 80;

/// Nodes of a change that a row names; the others are counted.
const NODES_SHOWN: usize = 8;

/// The word for a state.
pub fn state(state: State) -> &'static str {
    match state {
        State::Waiting => "waiting",
        State::Fresh => "fresh",
        State::Stale => "stale",
        State::Shrunk => "shrunk",
        State::Failing => "failing",
        State::Dropped => "dropped",
    }
}

fn state_tone(state: State) -> Tone {
    match state {
        State::Fresh => Tone::Good,
        State::Waiting | State::Stale | State::Shrunk => Tone::Doubtful,
        State::Failing | State::Dropped => Tone::Bad,
    }
}

fn cells<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

/// A row for each source, and one for what was wrong with it last.
pub fn sources(status: &Status) -> Vec<Row> {
    let head = cells(["source", "state", "for", "nodes", "version", "last list", "next", "address"]);
    let mut rows = vec![(Tone::Head, head)];
    rows.extend(status.sources.iter().map(|source| (state_tone(source.state), source_cells(source))));
    let mut rows = table(rows).into_iter();
    let mut shown: Vec<Row> = rows.next().into_iter().collect();
    for (row, source) in rows.zip(&status.sources) {
        shown.push(row);
        if let Some(fault) = &source.last_error {
            // What is over is told, but not as if it went on.
            let tone = if source.state == State::Fresh { Tone::Faint } else { state_tone(source.state) };
            shown.push(Row::new(tone, format!("  {} ago: {}", largest(fault.age), fault.what)));
        }
        if source.is_stand_in {
            let what = "  its nodes are those of the source before it, until its own list comes";
            shown.push(Row::new(Tone::Doubtful, what));
        }
    }
    shown
}

fn source_cells(source: &Source) -> Vec<String> {
    let ago = |age: f64| format!("{} ago", largest(age));
    vec![
        source.name.clone(),
        state(source.state).to_owned(),
        largest(source.state_age),
        count(source.nodes as u64),
        source.version.map_or_else(|| "-".to_owned(), |version| version.to_string()),
        source.last_good_age.map_or_else(|| "never".to_owned(), ago),
        source.next_poll.map_or_else(|| "now".to_owned(), |next| format!("in {}", largest(next))),
        source.address.map_or_else(|| source.target.clone(), |address| address.to_string()),
    ]
}

/// A row for each node, in the order that clients see.
pub fn list(status: &Status) -> Vec<Row> {
    let Some(list) = &status.list else {
        return vec![Row::new(Tone::Doubtful, "There is no list yet.")];
    };
    if list.nodes.is_empty() {
        return vec![Row::new(Tone::Doubtful, "The list is empty.")];
    }
    let mut rows = vec![(Tone::Head, cells(["", "node", "ip", "sources"]))];
    for (at, node) in list.nodes.iter().enumerate() {
        let sources = match &node.sources[..] {
            [] => "not known yet".to_owned(),
            sources => sources.join(", "),
        };
        let ip = if node.ip.is_empty() { "-".to_owned() } else { node.ip.clone() };
        let name = format!("{}:{}", node.host, node.port);
        rows.push((Tone::Plain, vec![(at + 1).to_string(), name, ip, sources]));
    }
    table(rows)
}

/// A row for each client that has another version.
pub fn clients(status: &Status) -> Vec<Row> {
    let audience = &status.audience;
    if audience.tracked_max == 0 {
        return vec![Row::new(Tone::Faint, "Clients are not remembered: clients_tracked_max is 0.")];
    }
    let others = audience.behind_count + audience.silent_count;
    let mut shown = if others == 0 {
        vec![Row::new(Tone::Faint, "No client has another version.")]
    } else {
        let mut rows = vec![(Tone::Head, cells(["client", "version", "served"]))];
        // Those not seen lately come last, as the latest seen comes first.
        rows.extend(audience.behind.iter().chain(&audience.silent).map(|behind| {
            let (address, version) = (behind.address.to_string(), behind.version.to_string());
            (Tone::Doubtful, vec![address, version, format!("{} ago", largest(behind.age))])
        }));
        table(rows)
    };
    let unnamed = others.saturating_sub(audience.behind.len() + audience.silent.len());
    if unnamed > 0 {
        shown.push(Row::new(Tone::Doubtful, format!("and {} more", count(unnamed as u64))));
    }
    if audience.untracked > 0 {
        let untracked = count(audience.untracked);
        shown
            .push(Row::new(Tone::Doubtful, format!("{untracked} found no place: raise clients_tracked_max")));
    }
    shown
}

/// A row for each change, and one for what it did to the nodes; the newest first.
pub fn changes(history: &History, now: &str) -> Vec<Row> {
    if history.changes.is_empty() {
        return vec![Row::new(Tone::Faint, "Nothing has changed since the start.")];
    }
    let mut shown = Vec::new();
    for change in &history.changes {
        let at = clock(&change.at, now);
        let (version, nodes) = (change.version, super::plain::some(change.nodes, "node"));
        shown.push(Row::new(Tone::Plain, format!("{at}  version {version}, {nodes}: {}", change.why)));
        let what = difference(change);
        if !what.is_empty() {
            shown.push(Row::new(Tone::Faint, format!("  {what}")));
        }
    }
    shown
}

fn difference(change: &Entry) -> String {
    let mut parts = Vec::new();
    for (what, nodes) in [
        ("added", &change.added),
        ("removed", &change.removed),
        ("moved", &change.moved),
        ("another ip", &change.readdressed),
    ] {
        if !nodes.is_empty() {
            let named = nodes[..nodes.len().min(NODES_SHOWN)].join(" ");
            let rest = nodes.len().saturating_sub(NODES_SHOWN);
            let rest = if rest > 0 { format!(" and {} more", count(rest as u64)) } else { String::new() };
            parts.push(format!("{what} {named}{rest}"));
        }
    }
    if change.omitted > 0 {
        parts.push(format!("{} not named", count(change.omitted as u64)));
    }
    parts.join("; ")
}

/// How much of a bound is used, in percent; a bound of 0 is used up.
pub fn percent(limit: &Limit) -> u64 {
    if limit.max == 0 {
        return 100;
    }
    u64::try_from(u128::from(limit.used) * 100 / u128::from(limit.max)).unwrap_or(u64::MAX)
}

/// A row for each bound, the nearest first.
pub fn limits(status: &Status) -> Vec<Row> {
    let mut limits: Vec<&Limit> = status.limits.iter().collect();
    limits.sort_by_key(|limit| std::cmp::Reverse(percent(limit)));
    let mut rows = vec![(Tone::Head, cells(["limit", "used", "of", "share"]))];
    for limit in limits {
        let share = percent(limit);
        let (tone, word) = match share {
            100.. => (Tone::Bad, ", reached"),
            NEAR_PERCENT.. => (Tone::Doubtful, ", near"),
            _ => (Tone::Plain, ""),
        };
        let share = format!("{share} %{word}");
        rows.push((tone, vec![limit.name.clone(), count(limit.used), count(limit.max), share]));
    }
    table(rows)
}
