//! Log lines on standard error, for people or for machines.
//!
//! Written by a thread of their own, which drops lines when it cannot keep up: a worker or the poller
//! must never wait for whoever reads standard error (a full pipe, a stopped terminal). What is lost is a
//! log line; what would be lost otherwise is the service.
//!
//! `RUST_LOG` says what is written; where it is not set, the configuration does, which can change while the process
//! runs. Lines have no module paths: their words and
//! fields are for an operator, who has not read the source.

mod journal;
mod line;

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use tracing::Dispatch;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{LogFormat, LogLevel};
use journal::{WithPriority, is_journal};
use line::Screen;

pub use journal::failure_prefix;
pub use line::show;

/// Most lines that wait to be written; what comes on top is dropped. At 200 bytes a line, under 2 MiB; a line of a change that names
/// 4 × 32 nodes of the longest names has 33 KiB, and then it is 270 MiB.
const LINES_WAITING_MAX: usize = 8192;

/// Writes out what is still waiting when it is dropped, for about a second at most.
#[must_use = "what is logged after this is dropped is lost"]
#[derive(Debug)]
pub struct Guard {
    _writer: WorkerGuard,
    dial: Dial,
}

impl Guard {
    /// A way to change what is logged.
    pub fn dial(&self) -> Dial {
        self.dial.clone()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // What is written after the log begins on a line of its own.
        show("");
    }
}

/// Changes what is logged from now on.
#[derive(Clone)]
pub struct Dial {
    turn: Turn,
    /// Whether `RUST_LOG` has said what is logged.
    is_fixed: bool,
}

type Turn = Arc<dyn Fn(EnvFilter) + Send + Sync>;

impl Dial {
    /// Logs lines of this level and those above it. False where `RUST_LOG` wins, and nothing changes.
    pub fn turn(&self, level: LogLevel) -> bool {
        if !self.is_fixed {
            (self.turn)(EnvFilter::new(level.name()));
        }
        !self.is_fixed
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial").field("is_fixed", &self.is_fixed).finish_non_exhaustive()
    }
}

/// Starts logging for the whole process; a second call changes nothing and its lines are the first one's.
pub fn init(format: LogFormat, level: LogLevel) -> Guard {
    let (writer, guard) = non_blocking();
    line::begin(&writer);
    let directives = env::var_os("RUST_LOG");
    let Filter { filter, is_fixed, warning } = filter(directives.as_deref(), level);
    let coloured = coloured(io::stderr().is_terminal(), env::var_os("NO_COLOR").as_deref());
    let dress = match format {
        LogFormat::Json => Dress::Json,
        LogFormat::Text if is_journal() => Dress::Journal,
        LogFormat::Text => Dress::Text { coloured },
    };
    let (subscriber, turn) = subscriber(dress, filter, writer);
    let installed = tracing::dispatcher::set_global_default(subscriber);
    if let Some(warning) = warning {
        tracing::warn!("{warning}");
    }
    if installed.is_err() {
        tracing::debug!("logging was started before");
    }
    Guard { _writer: guard, dial: Dial { turn, is_fixed } }
}

fn non_blocking() -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LINES_WAITING_MAX)
        .thread_name("log")
        .finish(Screen(io::stderr()))
}

/// What is logged at the start.
struct Filter {
    filter: EnvFilter,
    /// Whether `RUST_LOG` has said so.
    is_fixed: bool,
    /// A warning where that is not what was asked for.
    warning: Option<String>,
}

fn filter(directives: Option<&OsStr>, level: LogLevel) -> Filter {
    let configured = |warning| Filter { filter: EnvFilter::new(level.name()), is_fixed: false, warning };
    let Some(directives) = directives.filter(|directives| !directives.is_empty()) else {
        return configured(None);
    };
    let parsed = directives.to_str().ok_or_else(|| "not UTF-8".to_owned()).and_then(|text| {
        EnvFilter::builder().parse(text).map_err(|error| error.to_string().replace('\n', " "))
    });
    match parsed {
        Ok(filter) => Filter { filter, is_fixed: true, warning: None },
        Err(what) => configured(Some(format!(
            "RUST_LOG={directives:?} is not understood ({what}); logging as with RUST_LOG={}",
            level.name()
        ))),
    }
}

/// Colour is for a terminal whose owner does not object (<https://no-color.org>).
pub fn coloured(terminal: bool, no_color: Option<&OsStr>) -> bool {
    terminal && no_color.is_none_or(OsStr::is_empty)
}

/// What lines look like.
#[derive(Debug, Clone, Copy)]
enum Dress {
    /// For people.
    Text { coloured: bool },
    /// For the journal, which has time and name of its own.
    Journal,
    /// For machines.
    Json,
}

fn subscriber<W>(dress: Dress, filter: EnvFilter, writer: W) -> (Dispatch, Turn)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // It fails only where the subscriber is gone, which a process has to its end.
    macro_rules! turnable {
        ($builder:expr) => {{
            let builder = $builder.with_filter_reloading();
            let handle = builder.reload_handle();
            (builder.into(), Arc::new(move |filter| drop(handle.reload(filter))))
        }};
    }
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    match dress {
        Dress::Text { coloured } => turnable!(builder.with_ansi(coloured).compact()),
        Dress::Journal => {
            let bare = tracing_subscriber::fmt::format().compact();
            let bare = bare.without_time().with_level(false).with_target(false).with_ansi(false);
            turnable!(builder.with_ansi(false).event_format(WithPriority(bare)))
        }
        Dress::Json => turnable!(
            builder
                .with_ansi(false)
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A buffer in the place of standard error.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const TEXT: Dress = Dress::Text { coloured: false };

    fn logged(dress: Dress, directives: &str) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let filter = filter(Some(directives.as_ref()), LogLevel::Info).filter;
        let (dispatch, _) = subscriber(dress, filter, move || writer.clone());
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::info!(version = 7, source = "alpha", "the list changed");
            tracing::debug!("a detail");
        });
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn text_is_one_line_without_module_path_or_colour() {
        let text = logged(TEXT, "");
        let (time, rest) = text.split_once(' ').unwrap();
        assert!(time.ends_with('Z') && time.contains('T'), "{text}");
        assert_eq!(rest.trim_start(), "INFO the list changed version=7 source=\"alpha\"\n");
    }

    #[test]
    fn the_journal_gets_a_priority_and_no_time_level_or_colour() {
        let text = logged(Dress::Journal, "debug");
        assert_eq!(text, "<6>the list changed version=7 source=\"alpha\"\n<7>a detail\n");
    }

    #[test]
    fn json_has_the_fields_at_the_top() {
        let line: serde_json::Value = serde_json::from_str(&logged(Dress::Json, "info")).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "the list changed");
        assert_eq!(line["version"], 7);
        assert_eq!(line["source"], "alpha");
        assert!(line["timestamp"].is_string());
        assert_eq!(line.as_object().unwrap().len(), 5, "{line}");
    }

    #[test]
    fn rust_log_chooses() {
        assert!(logged(TEXT, "debug").contains("a detail"));
        assert_eq!(logged(TEXT, "off"), "");
    }

    #[test]
    fn a_bad_rust_log_is_info_and_a_warning() {
        let Filter { filter: fallback, is_fixed, warning } =
            filter(Some("info=info=x".as_ref()), LogLevel::Info);
        assert_eq!((fallback.to_string(), is_fixed), ("info".to_owned(), false));
        let warning = warning.unwrap();
        assert!(warning.starts_with(r#"RUST_LOG="info=info=x" is not understood ("#), "{warning}");
        for unset in [None, Some(OsStr::new(""))] {
            let Filter { filter, is_fixed, warning } = filter(unset, LogLevel::Warn);
            assert_eq!((filter.to_string(), is_fixed, warning), ("warn".to_owned(), false, None));
        }
    }

    #[test]
    fn the_level_can_be_turned_unless_rust_log_has_set_it() {
        for (rust_log, shown) in [(None, [false, true, false]), (Some("warn"), [false; 3])] {
            let lines = Lines::default();
            let writer = lines.clone();
            let Filter { filter, is_fixed, .. } = filter(rust_log.map(OsStr::new), LogLevel::Warn);
            let (dispatch, turn) = subscriber(TEXT, filter, move || writer.clone());
            let dial = Dial { turn, is_fixed };
            let is_shown = |level| {
                let before = lines.0.lock().unwrap().len();
                // The level is turned for whoever has the subscriber as their own.
                tracing::dispatcher::with_default(&dispatch, || {
                    assert_eq!(dial.turn(level), rust_log.is_none());
                    tracing::info!("news");
                });
                lines.0.lock().unwrap().len() > before
            };
            assert_eq!([LogLevel::Warn, LogLevel::Info, LogLevel::Error].map(is_shown), shown);
        }
    }

    #[test]
    fn colour_needs_a_terminal_and_consent() {
        for (terminal, no_color, colour) in [
            (true, None, true),
            (true, Some(""), true),
            (true, Some("1"), false),
            (false, None, false),
            (false, Some(""), false),
        ] {
            assert_eq!(coloured(terminal, no_color.map(OsStr::new)), colour, "{terminal} {no_color:?}");
        }
    }
}
