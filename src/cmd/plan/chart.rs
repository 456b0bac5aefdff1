//! A family's chart: steps across, the share of the keys that moves up, a line a strategy.

use std::fmt::{self, Write};

use mimikyu::plan::{Outlook, Strategy};

/// Where things are, in the units of the picture.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 704.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 232.0;

/// Steps above which a line has no marks, which would be one blot.
const MARKS_MAX: usize = 40;

/// Most numbers below the chart.
const TICKS_MAX: usize = 12;

/// The chart of one family, its outlooks in the order in which lines are drawn.
pub fn svg<'a>(outlooks: impl Iterator<Item = &'a Outlook> + Clone) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_svg(&mut out, outlooks);
    out
}

fn write_svg<'a>(out: &mut String, outlooks: impl Iterator<Item = &'a Outlook> + Clone) -> fmt::Result {
    let steps = outlooks.clone().map(|outlook| outlook.course.steps.len()).max().unwrap_or_default();
    let Some(first) = outlooks.clone().next() else { return Ok(()) };
    let name = first.family.name();
    write!(out, "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{name}-title\">")?;
    write!(out, "<title id=\"{name}-title\">Share of the keys that moves at each step, {name}: ")?;
    for outlook in outlooks.clone() {
        let (peak, step) = outlook.course.peak();
        write!(out, "{} {:.0} % at worst, in step {step}; ", outlook.strategy.name(), peak * 100.0)?;
    }
    writeln!(out, "the table below has the same.</title>")?;
    grid(out, steps)?;
    for outlook in outlooks {
        line(out, outlook, steps)?;
    }
    out.write_str("</svg>\n")
}

fn grid(out: &mut String, steps: usize) -> fmt::Result {
    for percent in [0, 25, 50, 75, 100] {
        let y = height(f64::from(percent) / 100.0);
        writeln!(out, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>")?;
        writeln!(out, "<text class=\"up\" x=\"{:.1}\" y=\"{:.1}\">{percent} %</text>", LEFT - 8.0, y + 4.0)?;
    }
    let every = steps.div_ceil(TICKS_MAX).max(1);
    for step in (1..=steps).filter(|step| (step - 1) % every == 0) {
        let x = across(step, steps);
        writeln!(out, "<text class=\"across\" x=\"{x:.1}\" y=\"{:.1}\">{step}</text>", BOTTOM + 20.0)?;
    }
    let (x, y) = ((LEFT + RIGHT) / 2.0, BOTTOM + 40.0);
    writeln!(out, "<text class=\"across\" x=\"{x:.1}\" y=\"{y:.1}\">step</text>")
}

fn line(out: &mut String, outlook: &Outlook, steps: usize) -> fmt::Result {
    let moved = (1..).zip(outlook.course.steps.iter().map(|step| step.moved));
    let points: Vec<_> = moved.map(|(step, moved)| (across(step, steps), height(moved))).collect();
    write!(out, "<g class=\"{}\">", outlook.strategy.name())?;
    if points.len() > 1 {
        let texts: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        write!(out, "<polyline class=\"line\" points=\"{}\"/>", texts.join(" "))?;
    }
    if points.len() <= MARKS_MAX {
        points.iter().try_for_each(|point| mark(out, outlook.strategy, *point))?;
    }
    writeln!(out, "</g>")
}

/// A strategy's mark, which tells it from the others without its colour.
fn mark(out: &mut String, strategy: Strategy, (x, y): (f64, f64)) -> fmt::Result {
    match strategy {
        Strategy::Swap => write!(out, "<circle class=\"mark\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>"),
        Strategy::AddThenDrain => {
            write!(out, "<path class=\"mark\" d=\"M{:.1} {:.1}h8v8h-8z\"/>", x - 4.0, y - 4.0)
        }
        Strategy::MergeThenDrain => {
            write!(out, "<path class=\"mark\" d=\"M{x:.1} {:.1}l5.5 9.5h-11z\"/>", y - 6.0)
        }
        Strategy::Cut => {
            write!(out, "<path class=\"mark\" d=\"M{x:.1} {:.1}l6 6l-6 6l-6-6z\"/>", y - 6.0)
        }
    }
}

/// A piece of a strategy's line with its mark.
pub fn sample(strategy: Strategy) -> String {
    let mut out = format!(
        "<svg class=\"sample {}\" viewBox=\"0 0 36 16\" aria-hidden=\"true\"><path class=\"line\" d=\"M2 8H34\"/>",
        strategy.name()
    );
    // Writing to a string does not fail.
    let _ = mark(&mut out, strategy, (18.0, 8.0));
    out + "</svg>"
}

/// Where a step is, counted from 1: a single one is in the middle.
fn across(step: usize, steps: usize) -> f64 {
    let width = RIGHT - LEFT;
    LEFT + width * (step as f64 - 0.5) / steps.max(1) as f64
}

fn height(share: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * share
}
