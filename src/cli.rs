//! The command line: words in, a [`Command`] out.
//!
//! Values stay text here: [`mimikyu::config`] gives them meaning and bounds, the same as those from the
//! environment and the file. Nor does clap read the environment, which lies below the flags as a
//! layer of its own.

mod plan;
mod rollout;
mod stop;
#[cfg(test)]
mod tests;
mod value;
mod word;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, ValueHint};
use clap_complete::Shell;
use mimikyu::config::{Admin, Key, nearest};

pub use plan::{Plan, PlanFormat, Source};
pub use rollout::{Question, Rollout};
pub use stop::{Audience, Stop, audience, complain, fail};
pub use word::{Check, Doctor, Encoding, Fleet, Format, Look, Machine, Probe, Top};

use stop::stop;
use word::Word;

/// What the program is asked to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Serve the merged list.
    Serve(Serve),
    /// Show what it does, with two clusters inside the process.
    Demo {
        /// Where clients connect to.
        listen: SocketAddr,
        /// Where operators are answered, if something is said of it.
        admin: Option<Admin>,
    },
    /// Ask an endpoint as a client would, and say which clients its answer hurts.
    Probe(Probe),
    /// Reckon what ways from one list to another cost which clients.
    Plan(Plan),
    /// Say everything that is wrong with a configuration.
    Check(Check),
    /// Say whether the daemon can run here.
    Doctor(Doctor),
    /// Say whether replicas serve the same bytes.
    Fleet(Fleet),
    /// Say how far a migration in steps is, or what is to come of it.
    Rollout(Rollout),
    /// Watch a daemon.
    Top(Top),
    /// Write what completes words on a shell's command line.
    Completions(Shell),
    /// Write the manual page.
    Man,
}

/// The arguments of `serve`.
#[derive(Debug, PartialEq, Eq)]
pub struct Serve {
    /// The configuration file.
    pub config: Option<PathBuf>,
    /// Whether that file is looked at all the time.
    pub watch: bool,
    /// Everything else, in the order of the command line, which is the order of the sources.
    pub arguments: Vec<(Argument, String)>,
}

/// What an argument of `serve` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// The value of a flag.
    Flag(Key),
    /// An endpoint without a name: the how-manieth, from 0.
    Endpoint(usize),
}

/// A configuration endpoint for memcached auto discovery that merges several clusters into one.
#[derive(Debug, Parser)]
#[command(
    name = "mimikyu",
    version,
    args_conflicts_with_subcommands = true,
    override_usage = "mimikyu [serve] [OPTIONS] [PRIMARY [SECONDARY...]]\n       mimikyu demo [--listen ADDR] [--admin ADDR]\n       mimikyu COMMAND ...",
    after_help = AFTER_HELP
)]
struct Line {
    #[command(subcommand)]
    command: Option<Word>,
    #[command(flatten)]
    serve: ServeArgs,
}

const AFTER_HELP: &str = "\
A setting is taken from its flag, else from the environment (--poll-interval is
MIMIKYU_POLL_INTERVAL; lists are separated by spaces), else from the file
(poll_interval), else it is the default.

Examples:
  Merge two clusters, the old one's nodes first:
    mimikyu old.abc.cfg.use1.cache.amazonaws.com:11211 new.def.cfg.use1.cache.amazonaws.com:11211

  Auto discovery for two memcached servers of your own:
    mimikyu serve --listen 127.0.0.1:11211 --static local=10.0.0.1:11211,10.0.0.2:11211";

const SOURCES: &str = "Sources, listed in the order they are given";
const CLIENTS: &str = "Clients";
const POLLING: &str = "Polling and the list";
const PROCESS: &str = "Process";

/// The flags of `serve`, read by [`serve`] from [`ArgMatches`], which alone knows the order of values.
#[derive(Debug, Args)]
struct ServeArgs {
    /// Configuration endpoints: the sources primary, secondary, upstream3, …
    #[arg(value_name = "HOST:PORT", help_heading = SOURCES)]
    endpoints: Vec<String>,
    /// A configuration endpoint to be asked for its nodes; repeatable
    #[arg(long, value_name = "NAME=HOST:PORT", help_heading = SOURCES)]
    upstream: Vec<String>,
    /// Nodes as they are; repeatable
    #[arg(long = "static", id = "static", value_name = "NAME=HOST:PORT,HOST:PORT...", help_heading = SOURCES)]
    nodes: Vec<String>,
    /// A DNS name, each address of which is a node; repeatable
    #[arg(long, value_name = "NAME=HOST:PORT", help_heading = SOURCES)]
    dns: Vec<String>,

    /// Where clients connect to: IP:PORT, [IPv6]:PORT or :PORT; repeatable [default: 0.0.0.0:11211]
    #[arg(long, value_name = "ADDR", help_heading = CLIENTS)]
    listen: Vec<String>,
    /// Most connections at a time [default: 65536, less if the descriptor limit is lower]
    #[arg(long, value_name = "N", help_heading = CLIENTS)]
    connections_max: Option<String>,
    /// Most connections at a time from one IPv4 address or one IPv6 network of 64 bits [default: no limit]
    #[arg(long, value_name = "N", help_heading = CLIENTS)]
    connections_per_ip_max: Option<String>,
    /// Serve clients from this network (10.0.0.0/8) or address only; repeatable [default: all]
    #[arg(long, value_name = "NETWORK", help_heading = CLIENTS)]
    allow: Vec<String>,
    /// Clients that are remembered with the version they were served last; 0 is none [default: 16384]
    #[arg(long, value_name = "N", help_heading = CLIENTS)]
    clients_tracked_max: Option<String>,
    /// Close a connection that takes longer than this over one request; 0s is never [default: 10s]
    #[arg(long, value_name = "TIME", help_heading = CLIENTS)]
    request_timeout: Option<String>,
    /// Close a connection that is silent for this long; 0s is never [default: 0s]
    #[arg(long, value_name = "TIME", help_heading = CLIENTS)]
    idle_timeout: Option<String>,
    /// What "version" answers [default: 1.6.22]
    #[arg(long, value_name = "N.N.N", help_heading = CLIENTS)]
    version_reply: Option<String>,

    /// Time from one poll of a source to the next [default: 10s]
    #[arg(long, value_name = "TIME", help_heading = POLLING)]
    poll_interval: Option<String>,
    /// Longest time for one poll [default: 2s]
    #[arg(long, value_name = "TIME", help_heading = POLLING)]
    poll_timeout: Option<String>,
    /// Longest wait for the first answer of every source [default: 10s]
    #[arg(long, value_name = "TIME", help_heading = POLLING)]
    startup_grace: Option<String>,
    /// Sources that must have answered before a list is served: any, all [default: any]
    #[arg(long, value_name = "WHICH", help_heading = POLLING)]
    require: Option<String>,
    /// Hold back an answer that removes more than this share of a source's nodes (like 50%) until it was seen in
    /// three polls in a row [default: off]
    #[arg(long, value_name = "SHARE", help_heading = POLLING)]
    max_shrink: Option<String>,
    /// Added to the sum of the upstreams' versions [default: 1000000]
    #[arg(long, value_name = "N", help_heading = POLLING)]
    version_base: Option<String>,
    /// Keep the last list in this file, and serve it at once after a restart [default: none]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = POLLING)]
    state: Option<String>,

    /// Take the clients over from the daemon that listens at this unix socket, if one does, then listen there for
    /// the next one [default: none]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, help_heading = PROCESS)]
    takeover: Option<String>,
    /// Where operators are answered by HTTP (status, metrics, a page): IP:PORT, or none [default: 127.0.0.1:9211]
    #[arg(long, value_name = "ADDR", help_heading = PROCESS)]
    admin: Option<String>,
    /// Configuration file, in TOML [default: $MIMIKYU_CONFIG, else none]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = PROCESS)]
    config: Option<PathBuf>,
    /// Look at the configuration file all the time and take over what changes in it, as SIGHUP does [default:
    /// $MIMIKYU_WATCH, else no]
    #[arg(long, help_heading = PROCESS)]
    watch: bool,
    /// Worker threads [default: one for each CPU this process may run on]
    #[arg(long, value_name = "N", help_heading = PROCESS)]
    workers: Option<String>,
    /// How log lines are written: text, json [default: text]
    #[arg(long, value_name = "FORMAT", help_heading = PROCESS)]
    log_format: Option<String>,
    /// What is logged: error, warn, info, debug; RUST_LOG wins where it is set [default: info]
    #[arg(long, value_name = "LEVEL", help_heading = PROCESS)]
    log_level: Option<String>,
    /// Features of io_uring to leave unused, when one is under suspicion [default: none]
    #[arg(long, value_name = "FEATURE,...", help_heading = PROCESS)]
    ring_without: Option<String>,
}

/// The command line as a value: its completions and its manual page are made of it.
pub fn definition() -> clap::Command {
    let file_too = |command: clap::Command| {
        command.mut_arg("endpoints", |endpoints| {
            let help = "The configuration file, unless --config gives it; and endpoints, as for serve";
            endpoints.value_name("CONFIG|HOST:PORT").help(help).value_hint(ValueHint::AnyPath)
        })
    };
    Line::command().mut_subcommand("check", file_too).mut_subcommand("doctor", file_too)
}

/// Reads a command line, the program's name first.
pub fn parse(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Command, Stop> {
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    let stop = |error| stop(error, &definition(), &words);
    let matches = definition().try_get_matches_from(&words).map_err(stop)?;
    match Line::from_arg_matches(&matches).map_err(stop)?.command {
        // Clap has just found the subcommand, so its matches are there.
        Some(word) => word.command(matches.subcommand().map_or(&matches, |(_, matches)| matches)),
        None => {
            let serve = serve(&matches);
            check_first_word(&serve)?;
            Ok(Command::Serve(serve))
        }
    }
}

fn serve(matches: &ArgMatches) -> Serve {
    let values = |id: &str| {
        let texts = matches.get_many::<String>(id).into_iter().flatten().cloned();
        matches.indices_of(id).into_iter().flatten().zip(texts).collect::<Vec<_>>()
    };
    let mut arguments = Vec::new();
    for key in Key::ALL {
        arguments.extend(values(key.name()).into_iter().map(|(at, text)| (at, Argument::Flag(key), text)));
    }
    for (position, (at, text)) in values("endpoints").into_iter().enumerate() {
        arguments.push((at, Argument::Endpoint(position), text));
    }
    arguments.sort_by_key(|(at, ..)| *at);
    Serve {
        config: matches.get_one("config").cloned(),
        watch: matches.get_flag("watch"),
        arguments: arguments.into_iter().map(|(_, argument, text)| (argument, text)).collect(),
    }
}

/// Without a subcommand, what looks like an endpoint may be a misspelt or a late one.
fn check_first_word(serve: &Serve) -> Result<(), Stop> {
    let line = Line::command();
    let commands = || line.get_subcommands().map(clap::Command::get_name);
    for (argument, word) in &serve.arguments {
        let Argument::Endpoint(position) = argument else { continue };
        if commands().any(|command| command == word) {
            return Err(Stop::Usage(format!("the command {word:?} comes too late; write it first")));
        }
        if *position == 0 && !word.contains(':') {
            let cure = match nearest(word, commands()) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => "give an endpoint's HOST:PORT, or try mimikyu --help".to_owned(),
            };
            return Err(Stop::Usage(format!("{word:?} is not HOST:PORT nor a command; {cure}")));
        }
    }
    Ok(())
}
