//! A rollout that is possible and was hardly meant.

use std::time::Duration;

use humantime::format_duration;
use mimikyu::config::{Guard, Layer, Rollout, Setting};
use mimikyu::plan::{Batch, Strategy};

use super::remark::Remark;

/// How often most clients ask for the list.
const CLIENTS_ASK: Duration = Duration::from_secs(60);

/// A share of requests of which a cache that is well still misses more.
const FLOOR_HIGH: f64 = 0.99;

/// Everything of that kind; `now` is time since 1970.
pub fn look(top: &Layer, now: Duration) -> Vec<Remark> {
    let Some(Setting { value: rollout, .. }) = &top.rollout else { return Vec::new() };
    let mut remarks = Vec::new();
    let mut warn = |key: &str, (what, cure): (String, &str)| {
        remarks.push(Remark::warning(&top.rollout_origin(key), what, cure));
    };
    apart(top, rollout).into_iter().for_each(|odd| warn("to", odd));
    started(rollout, now).into_iter().for_each(|odd| warn("start", odd));
    if rollout.strategy == Strategy::Cut {
        if rollout.batch != Batch::default() {
            let what = "it has no effect: cut is one step".to_owned();
            warn("batch", (what, "leave it out, or choose another strategy"));
        }
    } else if rollout.interval < CLIENTS_ASK {
        let (interval, ask) = (format_duration(rollout.interval), format_duration(CLIENTS_ASK));
        let what = format!("a step lasts {interval}: most clients ask every {ask}, and miss steps");
        warn("interval", (what, "make it some minutes"));
    }
    if let Some(Guard { floor, .. }) = rollout.guard
        && floor.fraction() >= FLOOR_HIGH
    {
        let what = format!("few caches hit {floor} of the time: it would hold at every step");
        warn("hold_below_hit_rate", (what, "give less than what the nodes hit now"));
    }
    remarks
}

/// While it runs, the nodes of both stand where `from` stands among the sources; without it, each where it is itself.
fn apart(top: &Layer, rollout: &Rollout) -> Option<(String, &'static str)> {
    let place = |name: &str| top.sources.iter().position(|source| source.value.name == *name);
    let (from, to) = (place(&rollout.from)?, place(&rollout.to)?);
    let what = || {
        format!(
            "{:?} is not next to {:?} among the sources: its nodes change their places in the list when the rollout \
             is taken out",
            rollout.to, rollout.from
        )
    };
    (from.abs_diff(to) > 1).then(|| (what(), "put the two next to each other"))
}

/// One that runs has a start in the past too; for a new one that is a slip which takes several steps at once.
fn started(rollout: &Rollout, now: Duration) -> Option<(String, &'static str)> {
    let ago = now.checked_sub(rollout.start)?;
    let steps = match rollout.strategy {
        Strategy::Cut => 1,
        _ => 1 + ago.as_nanos() / rollout.interval.as_nanos().max(1),
    };
    let steps = rollout.hold_at.map_or(steps, |most| steps.min(most as u128));
    let is_late = steps > 0;
    let ago = format_duration(Duration::from_secs(ago.as_secs()));
    let steps = if steps == 1 { "1 step".to_owned() } else { format!("up to {steps} steps") };
    let what = format!("it was {ago} ago: {steps} would be taken at once by who does not run it yet");
    is_late.then_some((what, "give a time to come, unless it runs"))
}

#[cfg(test)]
mod tests {
    use mimikyu::config::{all_from_bytes, examine};

    use super::*;

    const START: Duration = Duration::from_secs(1_796_094_000);
    const SOURCES: [&str; 3] = ["a", "b", "c"];

    /// What is remarked on in a file with three sources, whose last lines are these.
    fn looked_at(sources: [&str; 3], more: &str, now: Duration) -> Vec<String> {
        let sources = sources.map(|name| format!("{{ name = '{name}', dns = '{name}:1' }}"));
        let text = format!(
            "source = [{}]\n[rollout]\nfrom = 'a'\nto = 'b'\nstart = 2026-12-01T03:00:00Z\n{more}",
            sources.join(", ")
        );
        let (layer, faults) = all_from_bytes("m.toml".as_ref(), text.as_bytes());
        let examined = examine([layer]);
        assert!(faults.is_empty() && examined.faults.is_empty(), "{faults:?} {:?}", examined.faults);
        look(&examined.top, now).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_makes_sense_is_not_remarked_on() {
        let before = START - Duration::from_nanos(1);
        for (sources, more, now) in [
            (SOURCES, "interval = '1m'\nbatch = 2\nhold_below_hit_rate = '98.9999%'", before),
            (["c", "b", "a"], "interval = '1m'", before),
            // The interval of one step is none.
            (SOURCES, "interval = '59s'\nstrategy = 'cut'", before),
            (SOURCES, "interval = '1m'\nhold_at = 0", START),
        ] {
            assert_eq!(looked_at(sources, more, now), [""; 0], "{more}");
        }
        let none = examine([Layer::default()]);
        assert!(look(&none.top, START).is_empty());
    }

    #[test]
    fn what_makes_none_is_named_with_its_place() {
        let before = START - Duration::from_nanos(1);
        let minute = Duration::from_secs(60);
        for (sources, more, now, line) in [
            (
                ["a", "c", "b"],
                "interval = '1m'",
                before,
                "m.toml:4: warning: to: \"b\" is not next to \"a\" among the sources: its nodes change their places",
            ),
            (["b", "c", "a"], "interval = '1m'", before, "m.toml:4: warning: to: \"b\" is not next to"),
            (
                SOURCES,
                "interval = '59s'",
                before,
                "m.toml:6: warning: interval: a step lasts 59s: most clients ask every 1m, and miss steps; ",
            ),
            (
                SOURCES,
                "interval = '1m'\nbatch = 2\nstrategy = 'cut'",
                before,
                "m.toml:7: warning: batch: it has no effect: cut is one step; ",
            ),
            (
                SOURCES,
                "interval = '1m'\nhold_below_hit_rate = 0.99",
                before,
                "m.toml:7: warning: hold_below_hit_rate: few caches hit 99% of the time: it would hold at every step; ",
            ),
            (
                SOURCES,
                "interval = '1m'",
                START,
                "m.toml:5: warning: start: it was 0s ago: 1 step would be taken at once by who does not run it yet; ",
            ),
            (
                SOURCES,
                "interval = '1m'",
                START + 2 * minute,
                "m.toml:5: warning: start: it was 2m ago: up to 3 steps would be taken at once",
            ),
            (
                SOURCES,
                "interval = '1m'\nhold_at = 2",
                START + 9 * minute,
                "m.toml:5: warning: start: it was 9m ago: up to 2 steps would be",
            ),
            (
                SOURCES,
                "interval = '1m'\nstrategy = 'cut'",
                START + 9 * minute,
                "m.toml:5: warning: start: it was 9m ago: 1 step would be",
            ),
        ] {
            let found = looked_at(sources, more, now);
            assert!(found.len() == 1 && found[0].starts_with(line), "{more}: {found:#?}");
        }
    }
}
