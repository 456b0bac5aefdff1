//! What is for eyes only: colour, and a line that says what is waited for. A pipe gets neither.

use std::cell::Cell;
use std::env;
use std::io::{IsTerminal, Write, stderr, stdout};

/// Colour, where standard output is a terminal whose owner does not object.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    is_on: bool,
}

impl Paint {
    /// For standard output.
    pub fn stdout() -> Self {
        let no_color = env::var_os("NO_COLOR");
        Self { is_on: mimikyu::log::coloured(stdout().is_terminal(), no_color.as_deref()) }
    }

    /// None.
    #[cfg(test)]
    pub fn none() -> Self {
        Self { is_on: false }
    }

    /// What is as it should be.
    pub fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// What should be looked at.
    pub fn doubtful(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// What is wrong.
    pub fn bad(self, text: &str) -> String {
        self.paint("31", text)
    }

    fn paint(self, colour: &str, text: &str) -> String {
        if self.is_on { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A line on standard error that says how far a command is; it is gone when this is dropped.
#[derive(Debug)]
pub struct Progress {
    is_terminal: bool,
    is_shown: Cell<bool>,
}

impl Progress {
    /// Nothing is shown yet, and never anything where standard error is no terminal.
    pub fn new() -> Self {
        let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self { is_terminal: stderr().is_terminal() && !is_dumb, is_shown: Cell::new(false) }
    }

    /// Shows this in the place of what was there.
    pub fn show(&self, text: &str) {
        if self.is_terminal {
            self.is_shown.set(true);
            // Who can't be shown it does not miss it.
            let _ = write!(stderr(), "\r\x1b[K{text}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown.get() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
