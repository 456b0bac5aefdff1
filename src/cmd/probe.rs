//! `mimikyu probe`: any configuration endpoint, asked as a client would, and whom its answer hurts.

mod ask;
mod conversation;
mod error;
mod print;

use std::process::ExitCode;

pub use ask::{addresses, ask, first_list, nodes, resolve, telling};
pub use error::Error;
pub use print::{finding, node, number, shown};

use super::{EXIT_RUNTIME, Failure, output};
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
    output::write(text)?;
    Ok(if outcome.reading.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FINDINGS) })
}
