//! All of it once, as text for a pipe or for who can't have a screen.

use super::super::terminal::Paint;
use super::headline;
use super::plain::{Row, Tone, count, some};
use super::view::{Answers, Pane};

/// Everything, a section a pane.
pub fn text(answers: &Answers, target: &str, paint: Paint) -> String {
    let status = &answers.status;
    let mut out = String::new();
    let mut add = |row: &Row, indent: &str| out.push_str(&painted(row, indent, paint));
    let traffic = &status.traffic;
    let counted = format!(
        "{} since the start ({} for the list, {} answered with an error), {} open of {} accepted",
        some(traffic.requests as usize, "request"),
        count(traffic.lists),
        count(traffic.errors),
        some(traffic.open, "connection"),
        count(traffic.accepted)
    );
    let mut above = vec![headline::speaker(status, target)];
    above.extend(headline::verdict(status, usize::MAX));
    above.push(headline::served(status));
    above.extend(headline::rollout(status));
    above.push(headline::audience(status));
    above.extend(headline::silent(status));
    above.push(Row::new(Tone::Plain, counted));
    above.iter().for_each(|row| add(row, ""));
    for pane in Pane::ALL {
        add(&Row::new(Tone::Head, ""), "");
        add(&Row::new(Tone::Head, pane.name()), "");
        for row in pane.rows(answers) {
            add(&row, "  ");
        }
    }
    out
}

/// A row as a line of its own.
pub fn painted(row: &Row, indent: &str, paint: Paint) -> String {
    let text = format!("{indent}{}", row.text);
    let text = match row.tone {
        Tone::Good => paint.good(&text),
        Tone::Doubtful => paint.doubtful(&text),
        Tone::Bad => paint.bad(&text),
        Tone::Plain | Tone::Faint | Tone::Head => text,
    };
    format!("{text}\n")
}
