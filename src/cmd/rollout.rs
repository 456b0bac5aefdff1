//! `mimikyu rollout status` and `mimikyu rollout preview`: how far a migration in steps is, and what is to come of it.
//!
//! Nothing can be changed from here: that is done in the configuration, so that every replica knows of it.

mod preview;
mod status;
#[cfg(test)]
mod tests;
pub mod words;

use std::process::ExitCode;

use mimikyu::status::{RolloutPlan, Status};

use super::terminal::{Paint, Progress};
use super::top::ask::Asker;
use super::top::plain::{Row, printable};
use super::top::{as_it_came, report};
use super::{EXIT_RUNTIME, Failure, output};
use crate::cli::{Format, Question, Rollout};

/// Asks, and prints what is answered.
pub fn run(rollout: &Rollout) -> Result<ExitCode, Failure> {
    let failure = |line: String| Failure { line: printable(&line), exit_code: EXIT_RUNTIME };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| failure(format!("no place to ask from: {error}; see ulimit -n")))?;
    let progress = Progress::new();
    progress.show(&format!("asking {}", rollout.target));
    let told = runtime.block_on(told(rollout));
    // A resolver that hangs holds nobody up.
    runtime.shutdown_background();
    drop(progress);
    output::write(told.map_err(failure)?)?;
    Ok(ExitCode::SUCCESS)
}

async fn told(asked: &Rollout) -> Result<String, String> {
    let none = || {
        let target = &asked.target;
        format!(
            "{target} has no rollout; write [rollout] with from, to, start and interval to its configuration \
             file, and reload it"
        )
    };
    let mut asker = Asker::new(asked.target.clone(), asked.timeout);
    let mut document = asker.document("/status").await?;
    let status: Status = asker.read(&document)?;
    let mut rollout = status.rollout.as_ref().ok_or_else(none)?.clone();
    let rows = match asked.question {
        Question::Status => status::rows(&status, &rollout),
        Question::Preview => {
            document = asker.document("/rollout").await?;
            let plan: RolloutPlan = asker.read(&document)?;
            // It may have gone on, or have been taken out, since.
            rollout = plan.rollout.ok_or_else(none)?;
            // Times are told by the clock that steps are taken by.
            preview::rows(&rollout, &plan.steps, &status.now)
        }
    };
    Ok(match asked.format {
        Format::Json => as_it_came(&document),
        Format::Text => text(&rows, Paint::stdout()),
    })
}

fn text(rows: &[Row], paint: Paint) -> String {
    rows.iter().map(|row| report::painted(row, "", paint)).collect()
}
