//! The advice as one line.

use mimikyu::plan::{Family, KnownBy, Strategy, Worst};

use super::Reckoned;

/// Most steps whose dips are told one by one.
const DIPS_MAX: usize = 12;

/// The hit rate that the dip is shown with.
const HIT_RATE: f64 = 90.0;

/// Which strategy, why, and what it will do to the hit rate.
pub fn line(reckoned: &Reckoned) -> String {
    let advice = &reckoned.advice;
    let best = &advice.best;
    let dips = dips(reckoned, best.strategy);
    if dips.is_empty() {
        return "nothing to do: both lists are the same".into();
    }
    let mut line = format!("{}, {}: {}", best.strategy.name(), steps(dips.len()), why(reckoned));
    line += &format!(
        ". The hit rate falls by {} of itself at a step, {} in all; 90 % is {:.0} % for a while after the worst, step {}",
        spread(&dips),
        percent(best.sum),
        HIT_RATE * (1.0 - best.peak),
        best.step,
    );
    if reckoned.families().count() > 1 {
        line += &format!(" ({})", best.family.name());
    }
    if (2..=DIPS_MAX).contains(&dips.len()) {
        let dips: Vec<_> = dips.iter().map(|dip| format!("{:.0}", dip * 100.0)).collect();
        line += &format!("; step by step {} %", dips.join(", "));
    }
    let others: Vec<_> = advice.others.iter().map(other).collect();
    if !others.is_empty() {
        line += &format!(". At worst {}", others.join(", "));
    }
    for (strategy, families) in better_alone(reckoned) {
        let names: Vec<_> = families.iter().map(|(family, _)| family.name()).collect();
        let peak = families.iter().map(|(_, worst)| worst.peak).fold(0.0, f64::max);
        let what = format!("{} ({} at worst)", strategy.name(), percent(peak));
        line += &format!(". Without the other clients {what} is better for {}", names.join(", "));
    }
    line
}

/// At each step of a strategy the share of the keys that moves with the client that it hurts most.
fn dips(reckoned: &Reckoned, strategy: Strategy) -> Vec<f64> {
    let courses = reckoned.outlooks.iter().filter(|outlook| outlook.strategy == strategy);
    let mut dips: Vec<f64> = Vec::new();
    for outlook in courses {
        dips.resize(outlook.course.steps.len(), 0.0);
        for (dip, step) in dips.iter_mut().zip(&outlook.course.steps) {
            *dip = dip.max(step.moved);
        }
    }
    dips
}

fn why(reckoned: &Reckoned) -> String {
    let by_place = |family: Family| family.known_by() == KnownBy::Place;
    let (places, names): (Vec<_>, Vec<_>) = reckoned.families().partition(|family| by_place(*family));
    let batch = match reckoned.batch_nodes() {
        1 => "one".to_owned(),
        nodes => nodes.to_string(),
    };
    match (reckoned.advice.best.strategy, places.is_empty(), names.is_empty()) {
        (_, false, false) => "of all ways its worst step is the least bad for these clients together".into(),
        (Strategy::Swap, false, true) => {
            format!("these clients know a node by its place in the list, and a step gives {batch} to a new one")
        }
        (Strategy::AddThenDrain, true, false) => {
            "these clients know a node by its name, so one that comes or goes moves a part of its own keys only".into()
        }
        _ => "its worst step is the least bad".into(),
    }
}

fn other(worst: &Worst) -> String {
    format!(
        "{} moves {} in a step and {} in all",
        worst.strategy.name(),
        percent(worst.peak),
        percent(worst.sum)
    )
}

/// The families that another strategy would suit better, by that strategy.
fn better_alone(reckoned: &Reckoned) -> Vec<(Strategy, Vec<(Family, Worst)>)> {
    let mut found: Vec<(Strategy, Vec<(Family, Worst)>)> = Vec::new();
    let advice = &reckoned.advice;
    for (family, worst) in advice.alone.iter().filter(|(_, worst)| worst.strategy != advice.best.strategy) {
        match found.iter_mut().find(|(strategy, _)| *strategy == worst.strategy) {
            Some((_, families)) => families.push((*family, *worst)),
            None => found.push((worst.strategy, vec![(*family, *worst)])),
        }
    }
    found
}

/// `17 %` or `12 to 29 %`.
fn spread(dips: &[f64]) -> String {
    let most = dips.iter().copied().fold(0.0, f64::max);
    let least = dips.iter().copied().fold(most, f64::min);
    let (least, most) = (format!("{:.0}", least * 100.0), format!("{:.0}", most * 100.0));
    if least == most { format!("{most} %") } else { format!("{least} to {most} %") }
}

/// `1 step`, `6 steps`.
pub fn steps(count: usize) -> String {
    if count == 1 { "1 step".into() } else { format!("{count} steps") }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
