//! Which node has the highest score for each key, kept from one list to the next.

use std::collections::HashMap;

use super::family::{Scorer, address};
use super::keys::Keys;
use crate::cluster::Node;

/// The nodes of all keys. A list that differs in a few nodes costs a score a key for each that came, and all scores
/// only for the keys whose node went.
#[derive(Debug, Default)]
pub struct Scores {
    /// Every name that was seen; a number is a place in it.
    names: Vec<String>,
    numbers: HashMap<String, usize>,
    /// The numbers of the list before.
    before: Vec<usize>,
    /// For each key the score and the number of its node.
    highest: Vec<(u32, usize)>,
    scorer: Scorer,
}

impl Scores {
    /// Takes the next list, and tells for each key its place in it.
    pub fn next(&mut self, list: &[Node], keys: &Keys, mut each: impl FnMut(usize)) {
        let numbers: Vec<usize> = list.iter().map(|node| self.number(address(node))).collect();
        let mut places = vec![None; self.names.len()];
        for (place, number) in numbers.iter().enumerate().rev() {
            places[*number] = Some(place);
        }
        let came: Vec<usize> =
            numbers.iter().filter(|number| !self.before.contains(number)).copied().collect();
        let is_first = self.highest.is_empty();
        self.highest.resize(keys.len(), (0, 0));
        for (key, highest) in keys.iter().zip(&mut self.highest) {
            let candidates = if is_first || places[highest.1].is_none() {
                *highest = (self.scorer.score(&self.names[numbers[0]], key), numbers[0]);
                &numbers[1..]
            } else {
                &came[..]
            };
            for number in candidates {
                let score = self.scorer.score(&self.names[*number], key);
                if (score, &self.names[*number]) > (highest.0, &self.names[highest.1]) {
                    *highest = (score, *number);
                }
            }
            each(places[highest.1].unwrap_or_default());
        }
        self.before = numbers;
    }

    fn number(&mut self, name: String) -> usize {
        *self.numbers.entry(name).or_insert_with_key(|name| {
            self.names.push(name.clone());
            self.names.len() - 1
        })
    }
}
