//! A plan for people, at a terminal.

use std::fmt::Write;

use mimikyu::plan::{Load, Outlook};

use super::{Reckoned, Side, advice};

/// Tables, the sum of them, and the advice.
pub fn text(reckoned: &Reckoned) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_text(&mut out, reckoned);
    out
}

fn write_text(out: &mut String, reckoned: &Reckoned) -> std::fmt::Result {
    let side = |side: &Side| format!("{}, nodes: {}", side.name, side.nodes.len());
    writeln!(out, "from   {}", side(&reckoned.from))?;
    writeln!(out, "to     {}", side(&reckoned.to))?;
    writeln!(out, "batch  {}", reckoned.batch_nodes())?;
    writeln!(out, "keys   {}, {}", reckoned.keys.len(), reckoned.keys_origin)?;
    for note in reckoned.notes() {
        writeln!(out, "note   {note}")?;
    }
    for outlook in &reckoned.outlooks {
        course(out, outlook)?;
    }
    summary(out, reckoned)?;
    writeln!(out, "\nadvice: {}", advice::line(reckoned))
}

fn course(out: &mut String, outlook: &Outlook) -> std::fmt::Result {
    let Outlook { family, strategy, course } = outlook;
    writeln!(out, "\n{}, {} ({})", family.name(), strategy.name(), family.clients())?;
    writeln!(out, "step  nodes    moved   in all  hits kept  worst load")?;
    let load = |load: &Load| format!("{:.0} %", load.max * 100.0);
    writeln!(out, "{:>4}  {:>5}  {:>27}  {:>10}", 0, course.nodes, "", load(&course.load))?;
    for (number, step) in (1..).zip(&course.steps) {
        let [moved, in_all, kept] =
            [step.moved, step.moved_in_all, 1.0 - step.moved].map(|share| format!("{:.1} %", share * 100.0));
        let (nodes, load) = (step.nodes, load(&step.load));
        writeln!(out, "{number:>4}  {nodes:>5}  {moved:>7}  {in_all:>7}  {kept:>9}  {load:>10}")?;
    }
    Ok(())
}

/// A line a client, a column a strategy: the worst step and the sum.
fn summary(out: &mut String, reckoned: &Reckoned) -> std::fmt::Result {
    let title = "worst step / in all";
    let width = reckoned.families().map(|family| family.name().len()).fold(title.len(), usize::max);
    write!(out, "\n{title:width$}")?;
    for way in &reckoned.ways {
        write!(out, "  {:>16}", way.strategy.name())?;
    }
    writeln!(out)?;
    for family in reckoned.families() {
        write!(out, "{:width$}", family.name())?;
        for outlook in reckoned.of(family) {
            write!(out, "  {:>16}", shares(outlook))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// `17 / 100 %`.
pub fn shares(outlook: &Outlook) -> String {
    let ((peak, _), sum) = (outlook.course.peak(), outlook.course.sum());
    format!("{:.0} / {:.0} %", peak * 100.0, sum * 100.0)
}
