//! Which strategy to take: the one whose worst step is the least bad, then the one that moves the least in all.

use std::cmp::Ordering;

use super::course::Course;
use super::family::Family;
use super::strategy::Strategy;

/// Worst steps that differ by less than this are the same: 100,000 keys tell no finer.
const GRAIN: f64 = 0.005;

/// What one strategy does to one family.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// The family.
    pub family: Family,
    /// The strategy.
    pub strategy: Strategy,
    /// Its course.
    pub course: Course,
}

/// A strategy as the family that it hurts most sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worst {
    /// The strategy.
    pub strategy: Strategy,
    /// The greatest share of the keys that moves in a step, over all families.
    pub peak: f64,
    /// That step, from 1; 0 where there is none.
    pub step: usize,
    /// The family that it is of.
    pub family: Family,
    /// The greatest sum over all steps, over all families.
    pub sum: f64,
}

impl Worst {
    /// The better one is less. Finest differences don't count, so that a sum decides between peaks that chance made.
    fn compare(&self, other: &Self) -> Ordering {
        let grains = |share: f64| (share / GRAIN).round() as i64;
        let key = |worst: &Self| (grains(worst.peak), grains(worst.sum));
        key(self).cmp(&key(other))
    }
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// The best strategy for all families together.
    pub best: Worst,
    /// The others, the better first.
    pub others: Vec<Worst>,
    /// The best strategy for each family alone.
    pub alone: Vec<(Family, Worst)>,
}

impl Advice {
    /// Of outlooks that have every strategy for every family; `None` where there is none.
    ///
    /// The best has the least worst step over all families, then the least sum; of equals it is the first given.
    pub fn of(outlooks: &[Outlook]) -> Option<Self> {
        let mut all = ranked(outlooks, |_| true);
        if all.is_empty() {
            return None;
        }
        let best = all.remove(0);
        let mut families: Vec<Family> = Vec::new();
        for outlook in outlooks {
            if !families.contains(&outlook.family) {
                families.push(outlook.family);
            }
        }
        let alone = |family: Family| Some((family, *ranked(outlooks, |other| other == family).first()?));
        Some(Self { best, others: all, alone: families.into_iter().filter_map(alone).collect() })
    }
}

/// The strategies, the better first, by the families that are meant.
fn ranked(outlooks: &[Outlook], meant: impl Fn(Family) -> bool) -> Vec<Worst> {
    let mut all: Vec<Worst> = Vec::new();
    for Outlook { family, strategy, course } in outlooks.iter().filter(|outlook| meant(outlook.family)) {
        let ((peak, step), sum) = (course.peak(), course.sum());
        match all.iter_mut().find(|worst| worst.strategy == *strategy) {
            Some(worst) => {
                worst.sum = worst.sum.max(sum);
                if peak > worst.peak {
                    (worst.peak, worst.step, worst.family) = (peak, step, *family);
                }
            }
            None => all.push(Worst { strategy: *strategy, peak, step, family: *family, sum }),
        }
    }
    all.sort_by(Worst::compare);
    all
}

#[cfg(test)]
mod tests {
    use super::super::course::{Load, Step};
    use super::*;

    fn outlook(family: Family, strategy: Strategy, moved: &[f64]) -> Outlook {
        let mut moved_in_all = 0.0;
        let step = |moved: &f64| {
            moved_in_all += moved;
            Step { nodes: 1, moved: *moved, moved_in_all, load: Load::default() }
        };
        let steps = moved.iter().map(step).collect();
        Outlook { family, strategy, course: Course { nodes: 1, load: Load::default(), steps } }
    }

    #[test]
    fn the_least_worst_step_wins_then_the_least_sum() {
        let (ketama, modulo) = (Family::LibmemcachedKetama, Family::JavaModulo);
        let mut outlooks = vec![
            outlook(ketama, Strategy::Cut, &[1.0]),
            outlook(ketama, Strategy::AddThenDrain, &[0.16, 0.12]),
            outlook(ketama, Strategy::Swap, &[0.2, 0.29]),
            outlook(modulo, Strategy::Cut, &[1.0]),
            outlook(modulo, Strategy::AddThenDrain, &[0.8, 0.92]),
            outlook(modulo, Strategy::Swap, &[0.17, 0.17]),
        ];
        let advice = Advice::of(&outlooks).unwrap();
        let Worst { strategy, peak, step, family, sum } = advice.best;
        assert_eq!((strategy, peak, step, family, sum), (Strategy::Swap, 0.29, 2, ketama, 0.49));
        let others: Vec<_> = advice.others.iter().map(|worst| (worst.strategy, worst.family)).collect();
        assert_eq!(others, [(Strategy::AddThenDrain, modulo), (Strategy::Cut, ketama)]);
        let alone: Vec<_> = advice.alone.iter().map(|(family, worst)| (*family, worst.strategy)).collect();
        assert_eq!(alone, [(ketama, Strategy::AddThenDrain), (modulo, Strategy::Swap)]);

        // Worst steps as good as equal: the sum decides.
        outlooks.push(outlook(ketama, Strategy::MergeThenDrain, &[0.2901, 0.1]));
        outlooks.push(outlook(modulo, Strategy::MergeThenDrain, &[0.1]));
        assert_eq!(Advice::of(&outlooks).unwrap().best.strategy, Strategy::MergeThenDrain);
        assert_eq!(Advice::of(&[]), None);
    }
}
