//! The program: parse, run, exit code.

mod cli;
mod cmd;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    let audience = cli::audience(&words);
    match cli::parse(words) {
        Ok(command) => cmd::run(command, audience),
        Err(stop) => stop.report(audience),
    }
}
