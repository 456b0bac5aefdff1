//! Where a rollout is, a row for each thing that one looks at before the next step.

use mimikyu::status::{Rollout, Status};

use super::super::top::headline;
use super::super::top::plain::{Row, Tone, clock, elapsed, some};
use super::words;

/// Everything, in rows.
pub fn rows(status: &Status, rollout: &Rollout) -> Vec<Row> {
    let now = &status.now;
    let mut rows = vec![
        named("rollout", Tone::Plain, &plan(rollout, now)),
        named("now", words::tone(rollout), &words::standing(rollout)),
    ];
    if let Some(behind) = words::behind(rollout) {
        let cure = rollout.start_to_agree.as_ref();
        let cure = cure.map(|start| format!("; a replica that starts anew agrees with start = {start}"));
        rows.push(named("", Tone::Doubtful, &format!("{behind}{}", cure.unwrap_or_default())));
    }
    if let Some(last) = rollout.hold_at.filter(|last| *last > rollout.step) {
        rows.push(named("", Tone::Plain, &format!("not beyond step {last} (hold_at)")));
    }
    match &rollout.next {
        None => rows.push(named("next", Tone::Plain, "nothing: every step is taken")),
        Some(next) => {
            rows.push(named("next", Tone::Plain, &words::step(next, now)));
            rows.extend(words::cost(next).map(|cost| named("", Tone::Plain, &format!("moves {cost}"))));
        }
    }
    if let Some(hit_rate) = &rollout.hit_rate {
        let Row { text, tone } = words::hits(hit_rate);
        rows.push(named("hit rate", tone, &text));
    }
    for (name, Row { text, tone }) in
        [("list", headline::served(status)), ("clients", headline::audience(status))]
    {
        rows.push(named(name, tone, &text));
    }
    rows.extend(headline::silent(status).map(|Row { text, tone }| named("", tone, &text)));
    rows
}

fn named(name: &str, tone: Tone, text: &str) -> Row {
    Row::new(tone, format!("{name:<8}  {text}"))
}

/// What is configured.
fn plan(rollout: &Rollout, now: &str) -> String {
    let batch = match (rollout.batch.strip_suffix('%'), rollout.batch.parse()) {
        (Some(percent), _) => format!("{percent} % of the nodes"),
        (None, Ok(nodes)) => some(nodes, "node"),
        (None, Err(_)) => rollout.batch.clone(),
    };
    let (interval, start) = (elapsed(rollout.interval), clock(&rollout.start, now));
    format!("{}: {batch} a step, every {interval} from {start} UTC on", words::way(rollout))
}
