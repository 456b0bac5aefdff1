//! What was found, for people or as one JSON document.

use std::fmt::Write;

use serde_json::{Value, json};

use super::super::terminal::Paint;
use super::{Diagnosis, Verdict};

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Worse => "worse",
            Verdict::Broken => "broken",
        }
    }

    fn painted(self, paint: Paint, text: &str) -> String {
        match self {
            Verdict::Ok => paint.good(text),
            Verdict::Worse => paint.doubtful(text),
            Verdict::Broken => paint.bad(text),
        }
    }
}

/// For people: a line each, the cure below.
pub fn text(found: &[Diagnosis]) -> String {
    let (paint, mut out) = (Paint::stdout(), String::new());
    let width = found.iter().map(|diagnosis| diagnosis.name.len()).max().unwrap_or_default();
    for Diagnosis { name, verdict, what, cure } in found {
        // Writing to a string does not fail.
        let word = verdict.painted(paint, &format!("{:6}", verdict.word()));
        let _ = writeln!(out, "{word}  {name:width$}  {what}");
        if let Some(cure) = cure {
            let _ = writeln!(out, "{:8}{:width$}  cure: {cure}", "", "");
        }
    }
    let (verdict, line) = match worst(found) {
        Verdict::Ok => (Verdict::Ok, "It can run here."),
        Verdict::Worse => (Verdict::Worse, "It can run here, and could run better."),
        Verdict::Broken => (Verdict::Broken, "It can't run here."),
    };
    let _ = writeln!(out, "{}", verdict.painted(paint, line));
    out
}

fn worst(found: &[Diagnosis]) -> Verdict {
    found.iter().map(|diagnosis| diagnosis.verdict).max().unwrap_or(Verdict::Ok)
}

/// One JSON document, on one line.
pub fn json(found: &[Diagnosis]) -> String {
    let diagnosis = |Diagnosis { name, verdict, what, cure }: &Diagnosis| -> Value {
        json!({ "name": name, "verdict": verdict.word(), "what": what, "cure": cure })
    };
    let document = json!({
        "can_run": worst(found) != Verdict::Broken,
        "verdict": worst(found).word(),
        "found": found.iter().map(diagnosis).collect::<Vec<_>>(),
    });
    format!("{document}\n")
}
