//! All of it once, as text for a pipe or for who can't have a screen.

use super::super::terminal::Paint;
use super::headline;
use super::plain::{Row, Tone, count};
use super::view::{Answers, Pane};

/// Everything, a section a pane.
pub fn text(answers: &Answers, target: &str, paint: Paint) -> String {
    let status = &answers.status;
    let mut out = String::new();
    let mut add = |row: &Row, indent: &str| {
        let text = format!("{indent}{}", row.text);
        out.push_str(&match row.tone {
            Tone::Good => paint.good(&text),
            Tone::Doubtful => paint.doubtful(&text),
            Tone::Bad => paint.bad(&text),
            Tone::Plain | Tone::Faint | Tone::Head => text,
        });
        out.push('\n');
    };
    let traffic = &status.traffic;
    let counted = format!(
        "{} requests since the start ({} for the list, {} answered with an error), {} connections open of {} accepted",
        count(traffic.requests),
        count(traffic.lists),
        count(traffic.errors),
        count(traffic.open as u64),
        count(traffic.accepted)
    );
    for row in [
        headline::speaker(status, target),
        headline::verdict(status),
        headline::served(status),
        headline::audience(status),
        Row::new(Tone::Plain, counted),
    ] {
        add(&row, "");
    }
    for pane in Pane::ALL {
        add(&Row::new(Tone::Head, ""), "");
        add(&Row::new(Tone::Head, pane.name()), "");
        for row in pane.rows(answers) {
            add(&row, "  ");
        }
    }
    out
}
