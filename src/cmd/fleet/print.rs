//! The table, or one JSON document: the same in both.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::probe;
use super::super::terminal::Paint;
use super::Asked;
use super::compare::{Comparison, Difference};

/// Characters of a digest that people are shown: enough to tell any two apart.
const DIGEST_CHARS: usize = 12;

/// For people.
pub fn text(asked: &[Asked], comparison: &Comparison, took: Duration) -> String {
    let (paint, mut out) = (Paint::stdout(), String::new());
    let names = asked.iter().map(|asked| asked.name.len()).chain(["replica".len()]);
    let width = names.max().unwrap_or_default();
    // Writing to a string does not fail.
    let _ = writeln!(out, "{:width$}  {:>10}  {:>5}  digest", "replica", "version", "nodes");
    for (asked, difference) in asked.iter().zip(&comparison.differences) {
        let _ = match &asked.outcome {
            Err(what) => {
                // What is said of an address begins with it, which the row does already.
                let what = what.strip_prefix(&format!("{}: ", asked.name)).unwrap_or(what);
                writeln!(out, "{}", paint.bad(&format!("{:width$}  {what}", asked.name)))
            }
            Ok(served) => {
                let digest = &served.digest[..DIGEST_CHARS.min(served.digest.len())];
                let (version, nodes) = (&served.version, served.nodes.len());
                let row = format!("{:width$}  {version:>10}  {nodes:>5}  {digest}", asked.name);
                match difference {
                    None => writeln!(out, "{row}"),
                    Some(difference) => {
                        writeln!(out, "{}", paint.doubtful(&format!("{row}  {}", difference.told())))
                    }
                }
            }
        };
    }
    let _ = writeln!(out, "{}", summary(asked, comparison, took, paint));
    out
}

fn summary(asked: &[Asked], comparison: &Comparison, took: Duration, paint: Paint) -> String {
    let all = asked.len();
    let lost = asked.iter().filter(|asked| asked.outcome.is_err()).count();
    let different = all - lost - comparison.agreeing;
    let mut parts = Vec::new();
    if different > 0 {
        parts.push(format!("{different} of {all} differ, for {:.1} s", took.as_secs_f64()));
    }
    if lost > 0 {
        parts.push(format!("{lost} of {all} can't be reached"));
    }
    match (parts.is_empty(), comparison.agreeing) {
        (true, 1) => paint.good("1 replica, and no other to compare it with"),
        (true, count) => paint.good(&format!("{count} replicas serve the same bytes")),
        (false, _) => paint.bad(&parts.join("; ")),
    }
}

/// One JSON document, on one line.
pub fn json(asked: &[Asked], comparison: &Comparison, took: Duration) -> String {
    let replica = |(asked, difference): (&Asked, &Option<Difference>)| match &asked.outcome {
        Err(what) => json!({ "replica": asked.name, "error": what }),
        Ok(served) => json!({
            "replica": asked.name,
            "error": null,
            "version": probe::number(&served.version),
            "nodes": served.nodes.iter().map(probe::node).collect::<Vec<_>>(),
            "reply_bytes": served.bytes,
            "digest": served.digest,
            "difference": difference.as_ref().map(told),
        }),
    };
    let document = json!({
        "same": !comparison.is_different() && asked.iter().all(|asked| asked.outcome.is_ok()),
        "took_ms": took.as_millis() as u64,
        "replicas": asked.iter().zip(&comparison.differences).map(replica).collect::<Vec<_>>(),
    });
    format!("{document}\n")
}

fn told(difference: &Difference) -> Value {
    let nodes = |nodes: &[mimikyu::cluster::Node]| nodes.iter().map(probe::node).collect::<Vec<_>>();
    let change = &difference.change;
    json!({
        "version_of_most": difference.version_of_most.as_ref().map(|version| probe::number(version)),
        "added": nodes(&change.added),
        "removed": nodes(&change.removed),
        "moved": nodes(&change.moved),
        "readdressed": nodes(&change.readdressed),
    })
}
