//! The last line of a terminal, below the log: what the process is waiting for. Elsewhere there is none.
//!
//! The log's own thread writes it, so that it never stands in the middle of a log line, and nobody waits for a terminal
//! that is stopped.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_appender::non_blocking::NonBlocking;

/// What has the line written anew, and is no part of the log.
const NUDGE: &[u8] = b"\0";

/// Goes to the line's beginning and empties it.
const EMPTY: &[u8] = b"\r\x1b[K";

/// What stands there; empty is nothing.
static SHOWN: Mutex<String> = Mutex::new(String::new());

/// The way to the log's thread, where it writes to a terminal.
static WRITER: OnceLock<NonBlocking> = OnceLock::new();

/// Shows this in the place of what was there. Nothing is shown where the log does not go to a terminal.
pub fn show(text: &str) {
    let Some(writer) = WRITER.get() else { return };
    text.clone_into(&mut SHOWN.lock().unwrap_or_else(PoisonError::into_inner));
    // It only passes the bytes on, and drops them where too many wait.
    let _ = writer.clone().write_all(NUDGE);
}

/// Lets [`show`] use this writer, which must lead to a [`Screen`].
pub(super) fn begin(writer: &NonBlocking) {
    let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    if io::stderr().is_terminal() && !is_dumb {
        let _ = WRITER.set(writer.clone());
    }
}

/// Where log lines are written, above the line that is shown.
pub(super) struct Screen<W>(pub W);

impl<W: Write> Write for Screen<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if WRITER.get().is_none() {
            return self.0.write(bytes);
        }
        // In one piece: standard error is not buffered.
        let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let line = if bytes == NUDGE { &[] } else { bytes };
        self.0.write_all(&[EMPTY, line, shown.as_bytes()].concat())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
