//! What was found, for people or as one JSON document.

use std::fmt::Write;

use mimikyu::cluster::Node;
use mimikyu::lint::Finding;
use serde_json::{Value, json};

use super::super::configured::Configured;
use super::super::probe;
use super::super::terminal::Paint;
use super::online::{Answer, Online};
use super::remark::Remark;

/// For people.
pub fn text(configured: &Configured, remarks: &[Remark], online: Option<&Online>) -> String {
    let (paint, mut out) = (Paint::stdout(), String::new());
    for remark in remarks {
        let line = remark.to_string();
        let _ = writeln!(out, "{}", if remark.is_fault { paint.bad(&line) } else { paint.doubtful(&line) });
    }
    if let Some(online) = online {
        // Writing to a string does not fail.
        let _ = write_online(&mut out, online, paint);
    }
    let faults = remarks.iter().filter(|remark| remark.is_fault).count();
    let warnings = remarks.len() - faults;
    let what = match &configured.places.file {
        Some(file) => file.display().to_string(),
        None => "the configuration".into(),
    };
    let sources = counted(configured.examined.config.sources.len(), "source");
    let line = match (faults, warnings) {
        (0, 0) => format!("{what}: fine, {sources}"),
        (0, _) => format!("{what}: fine, {sources}, {}", counted(warnings, "warning")),
        (_, 0) => format!("{what}: {}", counted(faults, "fault")),
        (_, _) => format!("{what}: {}, {}", counted(faults, "fault"), counted(warnings, "warning")),
    };
    let lost = online.map_or(0, |online| online.asked.iter().filter(|asked| asked.outcome.is_err()).count());
    let line = if lost == 0 { line } else { format!("{line}; {} without a list", counted(lost, "source")) };
    let is_good = faults == 0 && lost == 0;
    let _ = writeln!(out, "{}", if is_good { paint.good(&line) } else { paint.bad(&line) });
    out
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn write_online(out: &mut String, online: &Online, paint: Paint) -> std::fmt::Result {
    for asked in &online.asked {
        match &asked.outcome {
            Ok(answer) => {
                writeln!(out, "source {:?}: {}", asked.name, told(answer))?;
                findings(out, &answer.findings, paint)?;
            }
            Err(what) => writeln!(out, "{}", paint.bad(&format!("source {:?}: {what}", asked.name)))?,
        }
    }
    match &online.merged {
        Some(merged) => {
            writeln!(out, "merged: {}", counted(merged.nodes.len(), "node"))?;
            findings(out, &merged.findings, paint)
        }
        None => writeln!(out, "merged: not known before every source answers"),
    }
}

fn told(answer: &Answer) -> String {
    let mut parts = vec![counted(answer.nodes.len(), "node")];
    parts.extend(answer.version.as_ref().map(|version| format!("version {version}")));
    parts.extend(answer.engine.as_ref().map(|engine| format!("engine {}", probe::shown(engine))));
    parts.extend(answer.address.map(|address| format!("from {address}")));
    parts.join(", ")
}

fn findings(out: &mut String, findings: &[Finding], paint: Paint) -> std::fmt::Result {
    findings.iter().try_for_each(|finding| {
        writeln!(out, "{}", paint.doubtful(&format!("  {}: {finding}", finding.severity)))
    })
}

/// One JSON document, on one line.
pub fn json(remarks: &[Remark], online: Option<&Online>) -> String {
    let document = json!({
        "faults": remarks.iter().filter(|remark| remark.is_fault).map(Remark::json).collect::<Vec<_>>(),
        "warnings": remarks.iter().filter(|remark| !remark.is_fault).map(Remark::json).collect::<Vec<_>>(),
        "online": online.map(json_online),
    });
    format!("{document}\n")
}

fn json_online(online: &Online) -> Value {
    let source = |asked: &super::online::Asked| match &asked.outcome {
        Err(what) => json!({ "name": asked.name, "error": what }),
        Ok(answer) => json!({
            "name": asked.name,
            "error": null,
            "address": answer.address.map(|address| address.to_string()),
            "engine": answer.engine,
            "version": answer.version.as_ref().map(|version| probe::number(version)),
            "nodes": nodes(&answer.nodes),
            "findings": answer.findings.iter().map(probe::finding).collect::<Vec<_>>(),
        }),
    };
    json!({
        "sources": online.asked.iter().map(source).collect::<Vec<_>>(),
        "merged": online.merged.as_ref().map(|merged| json!({
            "nodes": nodes(&merged.nodes),
            "findings": merged.findings.iter().map(probe::finding).collect::<Vec<_>>(),
        })),
    })
}

fn nodes(nodes: &[Node]) -> Vec<Value> {
    nodes.iter().map(probe::node).collect()
}
