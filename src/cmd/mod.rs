//! The subcommands, a file each, and how their failures are told.

mod check;
mod configured;
mod demo;
mod doctor;
mod fleet;
mod machine;
mod output;
mod paper;
mod plan;
mod probe;
mod rollout;
mod serve;
mod terminal;
mod top;

use std::error::Error;
use std::process::ExitCode;

use crate::cli::{Audience, Command, fail};

/// Exit code of a failure at run time.
const EXIT_RUNTIME: u8 = 1;

/// Why a command ended early: one line, and the exit code.
#[derive(Debug)]
struct Failure {
    line: String,
    exit_code: u8,
}

impl Failure {
    fn new(error: &(dyn Error + 'static), exit_code: u8) -> Failure {
        Failure { line: chain(error), exit_code }
    }
}

impl From<mimikyu::config::Error> for Failure {
    fn from(error: mimikyu::config::Error) -> Failure {
        Failure::new(&error, error.exit_code())
    }
}

impl From<mimikyu::daemon::Error> for Failure {
    fn from(error: mimikyu::daemon::Error) -> Failure {
        Failure::new(&error, EXIT_RUNTIME)
    }
}

impl From<Box<dyn Error>> for Failure {
    fn from(error: Box<dyn Error>) -> Failure {
        let exit_code = error.downcast_ref().map_or(EXIT_RUNTIME, mimikyu::config::Error::exit_code);
        Failure::new(error.as_ref(), exit_code)
    }
}

/// Runs a command to its end.
pub fn run(command: Command, audience: Audience) -> ExitCode {
    let outcome = match command {
        Command::Serve(serve) => serve::run(serve).map(|()| ExitCode::SUCCESS),
        Command::Demo { listen, admin } => {
            demo::run(listen, admin).map(|()| ExitCode::SUCCESS).map_err(Failure::from)
        }
        Command::Probe(probe) => probe::run(&probe),
        Command::Plan(plan) => plan::run(&plan),
        Command::Check(check) => check::run(check),
        Command::Doctor(doctor) => doctor::run(doctor),
        Command::Fleet(fleet) => fleet::run(&fleet),
        Command::Rollout(rollout) => rollout::run(&rollout),
        Command::Top(top) => top::run(&top),
        Command::Completions(shell) => paper::completions(shell).map(|()| ExitCode::SUCCESS),
        Command::Man => paper::man().map(|()| ExitCode::SUCCESS),
    };
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            fail(&failure.line, audience);
            ExitCode::from(failure.exit_code)
        }
    }
}

/// An error and its causes, on one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
    let line = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    line.lines().map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Outer(std::io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("cannot listen\n  on :1")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_chain_is_one_line() {
        let error = Outer(std::io::Error::other("in use"));
        assert_eq!(chain(&error), "cannot listen; on :1: in use");
    }

    #[test]
    fn exit_codes_are_the_errors_own() {
        let boxed: Box<dyn Error> = Box::new(Outer(std::io::Error::other("in use")));
        assert_eq!(Failure::from(boxed).exit_code, 1);
        let usage = mimikyu::config::resolve([]).unwrap_err();
        assert_eq!(Failure::from(usage).exit_code, 2);
    }
}
