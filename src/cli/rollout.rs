//! The words of `rollout`: what is asked of whom.

use std::time::Duration;

use clap::{Args, Subcommand};
use mimikyu::config::{Admin, HostPort};

use super::value::{TIMEOUT_BOUNDS, admin_address, format, time};
use super::{Format, Stop};

/// The arguments of `rollout status` and of `rollout preview`.
#[derive(Debug, PartialEq, Eq)]
pub struct Rollout {
    /// What is asked.
    pub question: Question,
    /// The admin address.
    pub target: HostPort,
    /// How the outcome is written.
    pub format: Format,
    /// Longest wait for an answer.
    pub timeout: Duration,
}

/// What one may want to know of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Where it is.
    Status,
    /// What is to come.
    Preview,
}

/// What is done with a rollout: it is looked at, and changed in the configuration alone.
#[derive(Debug, Subcommand)]
pub(super) enum RolloutWord {
    /// Say where it is, what comes next, what holds it, and which clients have the list
    #[command(override_usage = "mimikyu rollout status [OPTIONS] [HOST:PORT]", after_help = HELP)]
    Status(RolloutArgs),
    /// Say what the next step does, and show every step with the keys that it moves
    #[command(override_usage = "mimikyu rollout preview [OPTIONS] [HOST:PORT]", after_help = HELP)]
    Preview(RolloutArgs),
}

/// The same for both.
#[derive(Debug, Args)]
pub(super) struct RolloutArgs {
    /// The daemon's admin address; :PORT is one of this machine
    #[arg(value_name = "HOST:PORT", default_value_t = Admin::DEFAULT.to_string())]
    admin: String,
    /// Print the JSON document that was answered
    #[arg(long)]
    json: bool,
    /// Longest wait for an answer
    #[arg(long, value_name = "TIME", default_value = "2s")]
    timeout: String,
}

const HELP: &str = "\
A rollout is configured in the file of the daemon, below [rollout].

Exit codes: 0 told, 1 it can't be reached or has no rollout, 2 usage.";

impl RolloutWord {
    /// What it asks for.
    pub(super) fn read(self) -> Result<Rollout, Stop> {
        let (question, RolloutArgs { admin, json, timeout }) = match self {
            Self::Status(args) => (Question::Status, args),
            Self::Preview(args) => (Question::Preview, args),
        };
        Ok(Rollout {
            question,
            target: admin_address(&admin)?,
            format: format(json),
            timeout: time("--timeout", &timeout, TIMEOUT_BOUNDS)?,
        })
    }
}
