//! Everything that is wrong with a configuration, not only what is found first.

use super::error::Error;
use crate::limits::FAULTS_MAX;

/// Faults in the order in which they were found: flags, environment, file, and what shows only when all are known.
///
/// Invariant: at most [`FAULTS_MAX`]; a file that has more is no configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<Error>);

impl Faults {
    /// Notes one.
    pub fn push(&mut self, fault: Error) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(fault);
        }
    }

    /// The value, or nothing and a fault more.
    pub fn note<T>(&mut self, outcome: Result<T, Error>) -> Option<T> {
        outcome.map_err(|fault| self.push(fault)).ok()
    }

    /// Notes those of another place.
    pub fn extend(&mut self, others: Faults) {
        others.0.into_iter().for_each(|fault| self.push(fault));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Error> {
        self.0.iter()
    }

    /// The value, unless something is wrong: then the first fault, which says how many more there are.
    pub fn unless<T>(self, value: T) -> Result<T, Error> {
        let more = self.0.len().saturating_sub(1);
        match self.0.into_iter().next() {
            None => Ok(value),
            Some(first) => Err(Error { more, ..first }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fault, Origin};
    use super::*;

    #[test]
    fn the_first_says_how_many_more_there_are_up_to_a_bound() {
        let fault = |name: usize| Fault::new(format!("wrong {name}"), "right it").at(Origin::Unset);
        let mut faults = Faults::default();
        assert_eq!(faults.clone().unless(7), Ok(7));
        assert_eq!((faults.note(Ok(1)), faults.note::<()>(Err(fault(0)))), (Some(1), None));
        assert_eq!(faults.clone().unless(7).unwrap_err().to_string(), "wrong 0; right it");
        faults.push(fault(1));
        let first = faults.clone().unless(7).unwrap_err().to_string();
        assert_eq!(first, "wrong 0; right it (and 1 more: see mimikyu check)");
        for name in 2..FAULTS_MAX + 1 {
            faults.push(fault(name));
        }
        assert_eq!((faults.len(), faults.iter().count()), (FAULTS_MAX, FAULTS_MAX));
    }
}
