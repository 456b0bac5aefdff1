//! The words that name a subcommand, and what each of them is told.

use std::ops::RangeInclusive;
use std::time::Duration;

use clap::{ArgMatches, Args, Subcommand};
use clap_complete::Shell;
use mimikyu::config::{Admin, Fault, HostPort, parse_listen};
use mimikyu::limits::REPLICAS_MAX;

use super::rollout::RolloutWord;
use super::value::{TIMEOUT_BOUNDS, admin_address, format, host_port, replica, time};
use super::{AFTER_HELP, Argument, Command, Serve, ServeArgs, Stop, plan, serve};

/// The arguments of `probe`.
#[derive(Debug, PartialEq, Eq)]
pub struct Probe {
    /// The endpoint.
    pub target: HostPort,
    /// The protocol it is asked by.
    pub encoding: Encoding,
    /// How the outcome is written.
    pub format: Format,
    /// Longest wait for the list.
    pub timeout: Duration,
}

/// Memcached's two protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Lines.
    Text,
    /// Packets.
    Binary,
}

/// How a command's outcome is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

/// The arguments of `check`.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// What `serve` would be told.
    pub serve: Serve,
    /// Whether it is to be served by the machine that it is checked on.
    pub machine: Machine,
    /// Longest wait for each source; `None` is not to ask them.
    pub online: Option<Duration>,
    /// How the outcome is written.
    pub format: Format,
}

/// Where a configuration that is checked belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// To this machine: its directories, addresses and limits are looked at.
    This,
    /// To another one.
    Other,
}

/// The arguments of `doctor`.
#[derive(Debug, PartialEq, Eq)]
pub struct Doctor {
    /// What `serve` would be told.
    pub serve: Serve,
    /// How the outcome is written.
    pub format: Format,
}

/// The arguments of `fleet check`.
#[derive(Debug, PartialEq, Eq)]
pub struct Fleet {
    /// The replicas, at least one.
    pub targets: Vec<HostPort>,
    /// Whether every address of a name is a replica of its own.
    pub every_address: bool,
    /// How the outcome is written.
    pub format: Format,
    /// Longest wait for one answer.
    pub timeout: Duration,
    /// Longest time in which differences may still go away.
    pub settle: Duration,
}

/// The arguments of `top`.
#[derive(Debug, PartialEq, Eq)]
pub struct Top {
    /// The admin address.
    pub target: HostPort,
    /// How it is looked at.
    pub look: Look,
    /// Time from one answer to the next question.
    pub interval: Duration,
    /// Longest wait for an answer.
    pub timeout: Duration,
}

/// How `top` shows what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// On a screen; once where there is no terminal.
    Screen,
    /// Once, for people.
    Once,
    /// Once, as it came.
    Json,
}

/// What `serve` is told, and more.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Ask the sources too, and say which clients their lists hurt
    #[arg(long)]
    online: bool,
    /// Longest wait for each source with --online
    #[arg(long, value_name = "TIME", default_value = "2s")]
    timeout: String,
    /// Leave out what this machine alone can tell: directories, addresses, limits
    #[arg(long)]
    elsewhere: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    serve: ServeArgs,
}

/// The same for `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    serve: ServeArgs,
}

/// What is done with all replicas.
#[derive(Debug, Subcommand)]
pub(super) enum FleetWord {
    /// Ask each replica for its list: do they all serve the same bytes?
    #[command(override_usage = "mimikyu fleet check [OPTIONS] HOST[:PORT]...", after_help = FLEET_HELP)]
    Check {
        /// The replicas; the port is 11211 where none is given
        #[arg(value_name = "HOST[:PORT]", required = true)]
        targets: Vec<String>,
        /// Every address of a name is a replica of its own (a headless Kubernetes service)
        #[arg(long)]
        every_address: bool,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
        /// Longest wait for an answer
        #[arg(long, value_name = "TIME", default_value = "2s")]
        timeout: String,
        /// Ask again for so long while they differ: a change may be under way
        #[arg(long, value_name = "TIME", default_value = "5s")]
        settle: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Word {
    /// Ask the sources for their nodes and serve the merged list (the default)
    #[command(
        override_usage = "mimikyu serve [OPTIONS] [PRIMARY [SECONDARY...]]",
        after_help = AFTER_HELP
    )]
    Serve(Box<ServeArgs>),
    /// See it at work: two small clusters and the endpoint, in one process
    Demo {
        /// Where clients connect to
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:11211")]
        listen: String,
        /// Where operators are answered (the page, status, metrics), or none [default: 127.0.0.1:9211]
        #[arg(long, value_name = "ADDR")]
        admin: Option<String>,
    },
    /// Say what each way from one list of nodes to another costs, client by client, and which to take
    #[command(override_usage = "mimikyu plan --from SOURCE --to SOURCE [OPTIONS]", after_help = plan::HELP)]
    Plan(Box<plan::PlanArgs>),
    /// Ask any configuration endpoint as a client would, and say which clients its answer hurts
    #[command(override_usage = "mimikyu probe [OPTIONS] HOST:PORT", after_help = PROBE_HELP)]
    Probe {
        /// The endpoint: ElastiCache, Memorystore, mimikyu, or a plain memcached with the legacy key
        #[arg(value_name = "HOST:PORT")]
        target: String,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
        /// Ask by the binary protocol
        #[arg(long)]
        binary: bool,
        /// Longest wait for the list; the engine's version is waited for as long again
        #[arg(long, value_name = "TIME", default_value = "2s")]
        timeout: String,
    },
    /// Say everything that is wrong with a configuration, without starting
    #[command(
        override_usage = "mimikyu check [OPTIONS] [CONFIG] [HOST:PORT...]",
        after_help = CHECK_HELP
    )]
    Check(Box<CheckArgs>),
    /// Say whether the daemon can run here, and how well
    #[command(
        override_usage = "mimikyu doctor [OPTIONS] [CONFIG] [HOST:PORT...]",
        after_help = DOCTOR_HELP
    )]
    Doctor(Box<DoctorArgs>),
    /// Look at all replicas together
    #[command(subcommand, override_usage = "mimikyu fleet check [OPTIONS] HOST[:PORT]...")]
    Fleet(FleetWord),
    /// Look at a migration in steps that a daemon carries out
    #[command(subcommand, override_usage = "mimikyu rollout status|preview [OPTIONS] [HOST:PORT]")]
    Rollout(RolloutWord),
    /// Watch a daemon: sources, list, clients, changes, limits
    #[command(override_usage = "mimikyu top [OPTIONS] [HOST:PORT]", after_help = TOP_HELP)]
    Top {
        /// Its admin address; :PORT is one of this machine
        #[arg(value_name = "HOST:PORT", default_value_t = Admin::DEFAULT.to_string())]
        admin: String,
        /// Print one report and leave, as where there is no terminal
        #[arg(long)]
        once: bool,
        /// Print the JSON document of /status and leave
        #[arg(long)]
        json: bool,
        /// Time from one answer to the next question
        #[arg(long, value_name = "TIME", default_value = "1s")]
        interval: String,
        /// Longest wait for an answer
        #[arg(long, value_name = "TIME", default_value = "2s")]
        timeout: String,
    },
    /// Write what completes words on a shell's command line
    #[command(after_help = COMPLETIONS_HELP)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual page (mimikyu man | man -l -)
    Man,
}

const CHECK_HELP: &str = "\
All that serve takes can be given: what is checked is what serve would be told. A word
that is not HOST:PORT is the configuration file.

Exit codes: 0 fine (there may be warnings), 1 a source gives no list (--online), 2 usage,
78 faults.";

const DOCTOR_HELP: &str = "\
All that serve takes can be given: limits, addresses and directories are held against it.

Exit codes: 0 it can run, 1 it can not, 2 usage.";

const FLEET_HELP: &str = "\
Exit codes: 0 the same bytes, 1 a replica can't be reached, 2 usage, 3 they differ.";

const TOP_HELP: &str = "\
Keys: q quit, Tab next pane, arrows and PgUp PgDn scroll, ? help.

Exit codes: 0 fine, 1 it can't be reached, 2 usage.";

const COMPLETIONS_HELP: &str = "\
bash: mimikyu completions bash > /usr/share/bash-completion/completions/mimikyu
zsh:  mimikyu completions zsh > /usr/local/share/zsh/site-functions/_mimikyu
fish: mimikyu completions fish > ~/.config/fish/completions/mimikyu.fish";

const PROBE_HELP: &str = "\
Exit codes: 0 no client is hurt, 1 unreachable or no list, 2 usage, 3 some client is hurt.";

/// Bounds of `fleet check --settle`.
const SETTLE_BOUNDS: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(300);

/// Bounds of `top --interval`.
const INTERVAL_BOUNDS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(300);

impl Word {
    /// What it asks for; its own matches know the order of its values.
    pub(super) fn command(self, matches: &ArgMatches) -> Result<Command, Stop> {
        match self {
            Word::Serve(_) => Ok(Command::Serve(serve(matches))),
            Word::Demo { listen, admin } => {
                let usage = |flag: &str, fault: Fault| Stop::Usage(format!("{flag}: {fault}"));
                let listen = parse_listen(&listen).map_err(|fault| usage("--listen", fault))?;
                let admin = admin.as_deref().map(Admin::parse).transpose();
                Ok(Command::Demo { listen, admin: admin.map_err(|fault| usage("--admin", fault))? })
            }
            Word::Plan(words) => words.read().map(Command::Plan),
            Word::Probe { target, json, binary, timeout } => Ok(Command::Probe(Probe {
                target: host_port(&target)?,
                encoding: if binary { Encoding::Binary } else { Encoding::Text },
                format: format(json),
                timeout: time("--timeout", &timeout, TIMEOUT_BOUNDS)?,
            })),
            Word::Check(args) => {
                let timeout = time("--timeout", &args.timeout, TIMEOUT_BOUNDS)?;
                Ok(Command::Check(Check {
                    serve: with_file(serve(matches))?,
                    machine: if args.elsewhere { Machine::Other } else { Machine::This },
                    online: args.online.then_some(timeout),
                    format: format(args.json),
                }))
            }
            Word::Doctor(args) => {
                Ok(Command::Doctor(Doctor { serve: with_file(serve(matches))?, format: format(args.json) }))
            }
            Word::Fleet(FleetWord::Check { targets, every_address, json, timeout, settle }) => {
                if targets.len() > REPLICAS_MAX {
                    let line =
                        format!("{} replicas are too many; give at most {REPLICAS_MAX}", targets.len());
                    return Err(Stop::Usage(line));
                }
                Ok(Command::Fleet(Fleet {
                    targets: targets.iter().map(|target| replica(target)).collect::<Result<_, _>>()?,
                    every_address,
                    format: format(json),
                    timeout: time("--timeout", &timeout, TIMEOUT_BOUNDS)?,
                    settle: time("--settle", &settle, SETTLE_BOUNDS)?,
                }))
            }
            Word::Rollout(word) => word.read().map(Command::Rollout),
            Word::Top { admin, once, json, interval, timeout } => Ok(Command::Top(Top {
                target: admin_address(&admin)?,
                look: match (json, once) {
                    (true, _) => Look::Json,
                    (false, true) => Look::Once,
                    (false, false) => Look::Screen,
                },
                interval: time("--interval", &interval, INTERVAL_BOUNDS)?,
                timeout: time("--timeout", &timeout, TIMEOUT_BOUNDS)?,
            })),
            Word::Completions { shell } => Ok(Command::Completions(shell)),
            Word::Man => Ok(Command::Man),
        }
    }
}

/// Takes the one word that is no endpoint for the configuration file.
fn with_file(mut serve: Serve) -> Result<Serve, Stop> {
    let mut endpoints = 0;
    for (argument, text) in std::mem::take(&mut serve.arguments) {
        match argument {
            Argument::Endpoint(_) if text.parse::<HostPort>().is_err() => {
                if serve.config.is_some() {
                    let line =
                        format!("{text:?} is not HOST:PORT, and there is a configuration file already");
                    return Err(Stop::Usage(format!("{line}; give one file")));
                }
                serve.config = Some(text.into());
            }
            // Those that are endpoints are counted among themselves.
            Argument::Endpoint(_) => {
                serve.arguments.push((Argument::Endpoint(endpoints), text));
                endpoints += 1;
            }
            Argument::Flag(_) => serve.arguments.push((argument, text)),
        }
    }
    Ok(serve)
}
