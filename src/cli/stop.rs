//! Why there is nothing to run, on one line: the cause, then the cure.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;

/// Exit code of a command line that makes no sense.
const EXIT_USAGE: u8 = 2;

/// Who reads standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// People.
    People,
    /// A program, which was promised one JSON document whatever happens.
    Program,
}

/// For whom a command line asks, also where it makes no sense as a whole.
pub fn audience(words: &[OsString]) -> Audience {
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let is_json = |at: usize| {
        let follows = |word: &str| at > 0 && words[at - 1] == word;
        words[at] == "--json" || words[at] == "--format=json" || words[at] == "json" && follows("--format")
    };
    if (0..end).any(is_json) { Audience::Program } else { Audience::People }
}

/// Why there is nothing to run.
#[derive(Debug)]
pub enum Stop {
    /// Help or the version was asked for.
    Shown(clap::Error),
    /// The command line is wrong: one line with cause and cure.
    Usage(String),
}

impl Stop {
    /// Tells the user, and what the program ends with.
    pub fn report(self, audience: Audience) -> ExitCode {
        match self {
            Stop::Shown(help) => {
                match help.print().and_then(|()| std::io::stdout().flush()) {
                    // If the pipe is closed, nobody is left to tell.
                    Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                        complain(&format!("can't write to standard output: {error}; see where it leads"));
                        ExitCode::FAILURE
                    }
                    _ => ExitCode::SUCCESS,
                }
            }
            Stop::Usage(line) => {
                fail(&line, audience);
                ExitCode::from(EXIT_USAGE)
            }
        }
    }
}

pub(super) fn stop(error: clap::Error, definition: &clap::Command, words: &[OsString]) -> Stop {
    let (command, name) = meant(definition, words);
    match error.kind() {
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let words: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
            Stop::Usage(format!(
                "{} does nothing by itself; give {} (try {name} --help)",
                command.get_name(),
                words.join(" or ")
            ))
        }
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Stop::Shown(error),
        _ => Stop::Usage(one_line(&error.render().to_string(), &name)),
    }
}

/// The subcommand that the first words name, if they do, and how one calls it.
fn meant<'a>(definition: &'a clap::Command, words: &[OsString]) -> (&'a clap::Command, String) {
    let (mut command, mut name) = (definition, definition.get_name().to_owned());
    for word in words.iter().skip(1) {
        let Some(found) = command.find_subcommand(word) else { break };
        (command, name) = (found, format!("{name} {}", found.get_name()));
    }
    (command, name)
}

/// Says why a command failed: a program is told on standard output, and whoever looks on on standard error.
pub fn fail(line: &str, audience: Audience) {
    if audience == Audience::Program {
        // The line below and the exit code say it all the same.
        let _ = writeln!(std::io::stdout(), "{}", serde_json::json!({ "error": line }));
    }
    complain(line);
}

/// Longest wait for the last line to be taken.
const COMPLAINT_WAIT: Duration = Duration::from_secs(1);

/// Writes the one line that a failing program leaves on standard error, if anyone can still read it.
pub fn complain(line: &str) {
    let line = format!("{}mimikyu: {line}\n", mimikyu::log::failure_prefix());
    let (written, is_written) = std::sync::mpsc::channel();
    // On a thread of its own: where nobody reads standard error, the log's thread may wait in it for ever, and
    // the end of the program must not.
    let write = move || {
        let _ = std::io::stderr().write_all(line.as_bytes());
        let _ = written.send(());
    };
    if std::thread::Builder::new().name("complain".into()).spawn(write).is_ok() {
        let _ = is_written.recv_timeout(COMPLAINT_WAIT);
    }
}

/// Makes one line of clap's several: its first paragraph is the cause, its tip is the cure.
fn one_line(rendered: &str, name: &str) -> String {
    let lines = rendered.lines().map(str::trim);
    let body =
        lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"));
    let (tips, cause): (Vec<_>, Vec<_>) =
        body.filter(|line| !line.is_empty()).partition(|line| line.starts_with("tip:"));
    let cause = cause.join(" ");
    let cause = cause.strip_prefix("error: ").unwrap_or(&cause);
    // Its other tip is how to pass an unknown flag as a value, which nobody wants here.
    match tips.iter().find(|tip| !tip.starts_with("tip: to pass")) {
        Some(tip) => format!("{cause}; {}", tip.trim_start_matches("tip:").trim()),
        None => format!("{cause}; try {name} --help"),
    }
}
