//! Lines for systemd's journal: a priority in front, and nothing that the journal knows by itself.

use std::env;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Whether standard error is the journal's: `JOURNAL_STREAM` names it by device and inode. The variable alone says
/// nothing, since who redirects standard error leaves it set.
pub fn is_journal() -> bool {
    let Ok(stream) = env::var("JOURNAL_STREAM") else { return false };
    let Ok(stderr) = io::stderr().as_fd().try_clone_to_owned() else { return false };
    File::from(stderr).metadata().is_ok_and(|file| stream == format!("{}:{}", file.dev(), file.ino()))
}

/// How urgent a line is, in syslog's numbers.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// What the line of a failure has in front of it where the journal reads it, and nothing elsewhere.
pub fn failure_prefix() -> String {
    if is_journal() { format!("<{}>", priority(Level::ERROR)) } else { String::new() }
}

/// A format with the priority in front.
pub(super) struct WithPriority<F>(pub F);

impl<S, N, F> FormatEvent<S, N> for WithPriority<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(line, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(context, line, event)
    }
}
