//! `mimikyu probe`: any configuration endpoint, asked as a client would, and whom its answer hurts.

mod ask;
mod conversation;
mod error;
mod print;

use std::io::Write;
use std::process::ExitCode;

use super::{EXIT_RUNTIME, Failure};
use crate::cli::{Format, Probe};

/// Exit code where some client is hurt.
const EXIT_FINDINGS: u8 = 3;

/// Asks, prints, and says by its exit code whether the answer suits every client.
pub fn run(probe: &Probe) -> Result<ExitCode, Failure> {
    let outcome = ask::ask(probe).map_err(|error| Failure::new(&error, EXIT_RUNTIME))?;
    let text = match probe.format {
        Format::Text => print::text(&outcome),
        Format::Json => print::json(&outcome),
    };
    // Who has closed the output does not want to know; the exit code says it all the same.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(if outcome.reading.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FINDINGS) })
}
