//! What one part found: a table, its exponents, its picture.

use std::fmt::Write;

use crate::plot::Picture;

/// All that is told of one part.
pub struct Growth {
    pub title: &'static str,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// What grows, and with which exponent.
    pub exponents: Vec<(String, f64)>,
    /// Sentences below the table: what was skipped, and why.
    pub notes: Vec<String>,
    /// Counts that grew faster than they may.
    pub broken: Vec<String>,
    pub picture: Picture,
}

impl Growth {
    pub fn markdown(&self) -> String {
        let mut text = format!("### {}\n\n", self.title);
        let mut row =
            |cells: &[String]| writeln!(text, "| {} |", cells.join(" | ")).expect("a string takes all");
        row(&self.columns);
        row(&vec!["--:".to_owned(); self.columns.len()]);
        self.rows.iter().for_each(|cells| row(cells));
        text.push('\n');
        let exponents: Vec<_> =
            self.exponents.iter().map(|(what, exponent)| format!("{what} {exponent:.2}")).collect();
        writeln!(text, "Exponent of growth (1 is linear): {}.", exponents.join(", "))
            .expect("a string takes all");
        self.notes.iter().for_each(|note| writeln!(text, "{note}").expect("a string takes all"));
        text.push('\n');
        text
    }
}

/// A whole number with a comma at every third digit.
pub fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let first = digits.len() % 3;
    let mut text = digits[..first].to_owned();
    for (index, digit) in digits[first..].chars().enumerate() {
        if index % 3 == 0 && !text.is_empty() {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
