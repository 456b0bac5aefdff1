//! What a rollout is going to do: the next step in full, then all of them.

use mimikyu::status::{Progress, Rollout, RolloutStep};

use super::super::top::plain::{Row, Tone, clock, some, table};
use super::words;

/// Nodes that a cell of the table names; more are counted.
const NAMES_IN_A_CELL: usize = 1;

/// Everything, in rows.
pub fn rows(rollout: &Rollout, steps: &[RolloutStep], now: &str) -> Vec<Row> {
    let mut rows = vec![Row::new(
        words::tone(rollout),
        format!("{}: {}", words::way(rollout), words::standing(rollout)),
    )];
    match &rollout.next {
        None => rows.push(Row::new(Tone::Plain, format!("only the nodes of {} are listed", rollout.to))),
        Some(next) => rows.extend(next_step(next, now)),
    }
    rows.extend(guard(rollout));
    rows.push(Row::new(Tone::Plain, ""));
    rows.extend(all(rollout, steps, now));
    rows
}

fn next_step(next: &RolloutStep, now: &str) -> Vec<Row> {
    let mut rows = vec![Row::new(Tone::Head, format!("next: {}", words::when(next, now)))];
    for (sign, names) in [("+", &next.added), ("−", &next.removed), ("↕", &next.moved)] {
        rows.extend(names.iter().map(|name| Row::new(Tone::Plain, format!("  {sign} {name}"))));
    }
    rows.extend(words::cost(next).map(|cost| Row::new(Tone::Plain, format!("  moves {cost}"))));
    rows
}

/// Whether the hit rate lets it go on; there is nothing to let where all is done.
fn guard(rollout: &Rollout) -> Option<Row> {
    if rollout.progress == Progress::Done {
        return None;
    }
    let Some(hit_rate) = &rollout.hit_rate else {
        return Some(Row::new(Tone::Faint, "no guard: hold_below_hit_rate is not given"));
    };
    let Row { text, tone } = words::hits(hit_rate);
    let verdict = if hit_rate.is_good { "lets it go on" } else { "holds it" };
    Some(Row::new(tone, format!("the guard {verdict}: hit rate {text}")))
}

/// A row for each step.
fn all(rollout: &Rollout, steps: &[RolloutStep], now: &str) -> Vec<Row> {
    let mut clients: Vec<&str> = Vec::new();
    for moves in steps.iter().flat_map(|step| &step.moves) {
        if !clients.contains(&moves.client.as_str()) {
            clients.push(&moves.client);
        }
    }
    let head = ["", "step", "at (UTC)", "nodes", "+", "−"].into_iter().chain(clients.iter().copied());
    let mut rows = vec![(Tone::Head, head.map(str::to_owned).collect())];
    for step in steps {
        let (tone, mark) = match step.step {
            taken if taken <= rollout.step => (Tone::Good, "taken"),
            next if next == rollout.step + 1 => (Tone::Plain, "next"),
            _ => (Tone::Plain, ""),
        };
        let mut cells = vec![
            mark.to_owned(),
            step.step.to_string(),
            step.at.as_ref().map_or_else(|| "-".to_owned(), |at| clock(at, now)),
            step.nodes.to_string(),
            cell(&step.added),
            cell(&step.removed),
        ];
        cells.extend(clients.iter().map(|client| {
            let of = step.moves.iter().find(|moves| moves.client == *client);
            of.map_or_else(|| "-".to_owned(), |moves| format!("{:.1} %", moves.share * 100.0))
        }));
        rows.push((tone, cells));
    }
    table(rows)
}

fn cell(names: &[String]) -> String {
    match names {
        [] => "-".to_owned(),
        few if few.len() <= NAMES_IN_A_CELL => few.join(", "),
        many => some(many.len(), "node"),
    }
}
