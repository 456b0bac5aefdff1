//! The outcome of a probe for people, or as one JSON document: the same in both.

use std::fmt::Write;

use mimikyu::cluster::Node;
use mimikyu::lint::{Finding, PAYLOAD_BYTES_MAX, REPLY_BYTES_MAX};
use serde_json::{Value, json};

use super::ask::Outcome;
use crate::cli::Encoding;

/// Longest part of an engine's version that is shown: it may be anything.
const ENGINE_CHARS_MAX: usize = 40;

/// For people.
pub fn text(outcome: &Outcome) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_text(&mut out, outcome);
    out
}

fn write_text(out: &mut String, outcome: &Outcome) -> std::fmt::Result {
    let reading = &outcome.reading;
    for error in &outcome.tried {
        writeln!(out, "tried     {error}")?;
    }
    let engine = |version: &Option<String>| match version {
        Some(version) => shown(version),
        None => String::from("no answer"),
    };
    let ms = outcome.round_trip.as_secs_f64() * 1000.0;
    writeln!(out, "endpoint  {}", outcome.target)?;
    writeln!(out, "address   {}", outcome.address)?;
    writeln!(out, "asked     {:?} by the {} protocol", outcome.question, protocol(outcome))?;
    writeln!(out, "took      {ms:.3} ms")?;
    writeln!(out, "engine    {}; by stats {}", engine(&outcome.engine), engine(&outcome.stats_engine))?;
    match outcome.encoding {
        Encoding::Text => writeln!(out, "reply     {}", size(reading.reply_bytes, REPLY_BYTES_MAX))?,
        // None of the clients that mind 4096 bytes asks by it.
        Encoding::Binary => writeln!(out, "reply     {} bytes", reading.reply_bytes)?,
    }
    writeln!(out, "payload   {}", size(reading.payload_bytes, PAYLOAD_BYTES_MAX))?;
    writeln!(out, "version   {}", reading.version)?;
    writeln!(out, "nodes     {}\n", reading.nodes.len())?;
    table(out, &reading.nodes)?;
    writeln!(out)?;
    if reading.findings.is_empty() {
        return writeln!(out, "No client is hurt.");
    }
    for finding in &reading.findings {
        writeln!(out, "{}: {} {}", finding.severity, finding.rule, finding.what)?;
        if let Some(nodes) = finding.nodes_named() {
            writeln!(out, "  nodes:   {nodes}")?;
        }
        writeln!(out, "  clients: {}", finding.hurts_named())?;
    }
    Ok(())
}

/// An engine's version as people are shown it.
pub fn shown(version: &str) -> String {
    version.chars().take(ENGINE_CHARS_MAX).flat_map(char::escape_debug).collect()
}

fn table(out: &mut String, nodes: &[Node]) -> std::fmt::Result {
    let width = |column: fn(&Node) -> &str, title: &str| {
        nodes.iter().map(|node| column(node).len()).max().unwrap_or_default().max(title.len())
    };
    let (host, ip) = (width(|node| &node.host, "host"), width(|node| &node.ip, "ip"));
    writeln!(out, "{:host$}  {:ip$}   port", "host", "ip")?;
    nodes.iter().try_for_each(|node| writeln!(out, "{:host$}  {:ip$}  {:>5}", node.host, node.ip, node.port))
}

/// A size, and how far it is from the greatest that every client takes.
fn size(bytes: usize, bytes_max: usize) -> String {
    match bytes_max.checked_sub(bytes) {
        Some(left) => format!("{bytes} bytes, {left} below {bytes_max}"),
        None => format!("{bytes} bytes, {} over {bytes_max}", bytes - bytes_max),
    }
}

fn protocol(outcome: &Outcome) -> &'static str {
    match outcome.encoding {
        Encoding::Text => "text",
        Encoding::Binary => "binary",
    }
}

/// One JSON document, on one line.
pub fn json(outcome: &Outcome) -> String {
    let reading = &outcome.reading;
    let left = |bytes: usize, bytes_max: usize| bytes_max as i64 - bytes as i64;
    let document = json!({
        "endpoint": outcome.target.to_string(),
        "address": outcome.address.to_string(),
        "tried": outcome.tried.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "protocol": protocol(outcome),
        "question": outcome.question,
        "round_trip_us": outcome.round_trip.as_micros() as u64,
        "engine": outcome.engine,
        "stats_engine": outcome.stats_engine,
        "reply_bytes": reading.reply_bytes,
        "reply_bytes_left": match outcome.encoding {
            Encoding::Text => json!(left(reading.reply_bytes, REPLY_BYTES_MAX)),
            Encoding::Binary => Value::Null,
        },
        "payload_bytes": reading.payload_bytes,
        "payload_bytes_left": left(reading.payload_bytes, PAYLOAD_BYTES_MAX),
        "version": number(&reading.version),
        "nodes": reading.nodes.iter().map(node).collect::<Vec<_>>(),
        "findings": reading.findings.iter().map(finding).collect::<Vec<_>>(),
    });
    format!("{document}\n")
}

/// The version of a list: a number unless it is one that no client could hold.
pub fn number(digits: &str) -> Value {
    digits.parse::<u64>().map_or_else(|_| json!(digits), |number| json!(number))
}

/// A node.
pub fn node(node: &Node) -> Value {
    json!({ "host": node.host, "ip": node.ip, "port": node.port })
}

/// Something that a client dislikes.
pub fn finding(finding: &Finding) -> Value {
    let hurt = |hurt: &mimikyu::lint::Hurt| json!({ "client": hurt.client, "effect": hurt.effect });
    json!({
        "rule": finding.rule.to_string(),
        "severity": finding.severity.to_string(),
        "what": finding.what,
        "nodes": finding.nodes,
        "clients": finding.hurts.iter().map(hurt).collect::<Vec<_>>(),
    })
}
