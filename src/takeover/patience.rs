//! How long the two processes wait for each other.

use std::time::Duration;

use crate::limits::{TAKEOVER, TAKEOVER_ANSWER, TAKEOVER_HELLO, TAKEOVER_STOP};

/// The bounds of a conversation: those of [`crate::limits`], but for tests, which have less of it.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The old one's, for the first line.
    pub hello: Duration,
    /// The old one's, from the beginning until the new one is ready.
    pub ready: Duration,
    /// The new one's, for what is handed over.
    pub answer: Duration,
    /// Both sides', for workers to stop accepting, and for the word of that; also the longest that one line is written.
    pub stop: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { hello: TAKEOVER_HELLO, ready: TAKEOVER, answer: TAKEOVER_ANSWER, stop: TAKEOVER_STOP }
    }
}
