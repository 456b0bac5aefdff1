//! `mimikyu top`: what the admin address says, on a screen that keeps itself up to date; once, in a pipe.

pub mod ask;
pub mod headline;
pub mod plain;
pub mod report;
mod screen;
mod seat;
#[cfg(test)]
pub mod tests;
mod view;
mod watch;
mod words;

use std::env;
use std::io::{IsTerminal, stdin, stdout};
use std::process::ExitCode;

use super::terminal::{Paint, Progress};
use super::{EXIT_RUNTIME, Failure, output};
use crate::cli::{Look, Top};
use ask::Asker;
use screen::Palette;
use view::View;

/// Asks, and shows what is answered.
pub fn run(top: &Top) -> Result<ExitCode, Failure> {
    let failure = |line: String| Failure { line: plain::printable(&line), exit_code: EXIT_RUNTIME };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| failure(format!("no place to ask from: {error}; see ulimit -n")))?;
    let outcome = runtime.block_on(look(top)).map_err(failure);
    // A resolver that hangs holds nobody up.
    runtime.shutdown_background();
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn look(top: &Top) -> Result<(), String> {
    let progress = Progress::new();
    progress.show(&format!("asking {}", top.target));
    let mut asker = Asker::new(top.target.clone(), top.timeout);
    if top.look == Look::Json {
        let document = asker.document("/status").await?;
        asker.read::<serde::de::IgnoredAny>(&document)?;
        drop(progress);
        return written(&as_it_came(&document));
    }
    let answers = asker.answers().await?;
    drop(progress);
    let target = top.target.to_string();
    if top.look == Look::Once || !has_screen() {
        return written(&report::text(&answers, &target, Paint::stdout()));
    }
    let no_color = env::var_os("NO_COLOR");
    let palette = Palette { is_coloured: mimikyu::log::coloured(true, no_color.as_deref()) };
    let view = View::new(target, top.interval, answers);
    let told = |error| format!("this terminal can't be used: {error}; try mimikyu top --once");
    watch::watch(asker, view, palette).await.map_err(told)
}

/// Whether there is a terminal to draw on, and keys to read.
fn has_screen() -> bool {
    let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    stdin().is_terminal() && stdout().is_terminal() && !is_dumb
}

/// The document, with a line end. Controls that JSON lets stand in a string, but a terminal obeys, are escaped, which
/// makes no other document of it.
pub fn as_it_came(document: &[u8]) -> String {
    let mut text = String::with_capacity(document.len() + 1);
    for c in String::from_utf8_lossy(document).trim_end().chars() {
        if matches!(c, '\u{7f}'..='\u{9f}') {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text.push('\n');
    text
}

fn written(text: &str) -> Result<(), String> {
    output::write(text).map_err(|failure| failure.line)
}

#[cfg(test)]
mod json {
    use super::*;

    #[test]
    fn a_document_is_as_it_came_and_commands_no_terminal() {
        assert_eq!(as_it_came(b"{\"a\": \"\xc3\xa9\"}\n"), "{\"a\": \"\u{e9}\"}\n");
        let hostile = as_it_came("\"\u{7f}\u{9b}31m\"".as_bytes());
        assert_eq!(hostile, "\"\\u007f\\u009b31m\"\n");
        assert_eq!(serde_json::from_str::<String>(&hostile).unwrap(), "\u{7f}\u{9b}31m");
    }
}
