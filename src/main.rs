//! The program: parse, run, exit code.

mod cli;
mod cmd;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os()) {
        Ok(command) => cmd::run(command),
        Err(stop) => stop.report(),
    }
}
