//! The words of `plan`: which lists, which clients, which ways.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};
use mimikyu::cluster::{Node, merge};
use mimikyu::config::{HostPort, nearest, parse_duration};
use mimikyu::limits::NODES_MAX;
use mimikyu::plan::{Batch, Family, Strategy};

use super::Stop;

/// The arguments of `plan`.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// The list that is served now.
    pub from: Source,
    /// The list that is to be.
    pub to: Source,
    /// The file that names of sources are in.
    pub config: Option<PathBuf>,
    /// The clients, each once.
    pub families: Vec<Family>,
    /// The ways, each once.
    pub strategies: Vec<Strategy>,
    /// How many nodes a step may change.
    pub batch: Batch,
    /// Real keys, one a line.
    pub keys: Option<PathBuf>,
    /// How the outcome is written.
    pub format: PlanFormat,
    /// Longest wait for an endpoint.
    pub timeout: Duration,
}

/// Where a list comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An endpoint, which is asked: `HOST:PORT`.
    Endpoint(HostPort),
    /// Nodes as they are: what has a comma or a `|` in it, or begins with `static:`. Never empty, no node twice.
    List(Vec<Node>),
    /// A source of the configuration file: what has no colon.
    Named(String),
}

/// How a plan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanFormat {
    /// Tables for people.
    Table,
    /// One JSON document.
    Json,
    /// One page that needs nothing else.
    Html,
}

/// The formats by their names.
const FORMATS: [(&str, PlanFormat); 3] =
    [("table", PlanFormat::Table), ("json", PlanFormat::Json), ("html", PlanFormat::Html)];

/// Says of a list that it is one, where it could be an endpoint.
const LIST: &str = "static:";

pub const HELP: &str = "\
SOURCE is one of:
  HOST:PORT               an endpoint, which is asked for its list
  HOST:PORT,HOST:PORT...  a list; an item may be host|ip|port, for clients that know nodes by
                          their ip. A list of one node: static:HOST:PORT
  NAME                    a source in the file of --config

Example:
  mimikyu plan --from old.abc.cfg.use1.cache.amazonaws.com:11211 \\
               --to new.def.cfg.use1.cache.amazonaws.com:11211 --client libmemcached-modula

Exit codes: 0 planned, 1 an endpoint can't be asked, 2 usage, 78 a bad configuration file.";

/// Bounds of `--timeout`.
const TIMEOUT_BOUNDS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(300);

/// The flags of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The list that clients have now
    #[arg(long, value_name = "SOURCE")]
    from: String,
    /// The list that they are to have
    #[arg(long, value_name = "SOURCE")]
    to: String,
    /// The file with sources that are given by name
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// How clients spread their keys; repeatable [default: every family]
    #[arg(long = "client", value_name = "FAMILY", value_delimiter = ',')]
    clients: Vec<String>,
    /// Ways to change the list: swap, add-then-drain, merge-then-drain, cut; repeatable [default: all]
    #[arg(long = "strategy", value_name = "STRATEGY", value_delimiter = ',')]
    strategies: Vec<String>,
    /// Most nodes that come or go in a step: a number, or a share of the longer list like 20%
    #[arg(long, value_name = "N|P%", default_value = "1")]
    batch: String,
    /// Reckon with these keys, one a line; one that is there twice counts twice [default: 100,000 made-up keys]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    keys: Option<PathBuf>,
    /// How it is written: table, json, html
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: String,
    /// Print one JSON document, as --format json does
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Longest wait for an endpoint's list
    #[arg(long, value_name = "TIME", default_value = "2s")]
    timeout: String,
}

impl PlanArgs {
    /// Gives the words meaning.
    pub fn read(self) -> Result<Plan, Stop> {
        let usage = |flag: &str, what: String| Stop::Usage(format!("{flag}: {what}"));
        Ok(Plan {
            from: source(&self.from).map_err(|what| usage("--from", what))?,
            to: source(&self.to).map_err(|what| usage("--to", what))?,
            config: self.config,
            families: chosen(&self.clients, Family::ALL, Family::name)
                .map_err(|what| usage("--client", what))?,
            strategies: chosen(&self.strategies, Strategy::ALL, Strategy::name)
                .map_err(|what| usage("--strategy", what))?,
            batch: self
                .batch
                .parse()
                .map_err(|error| usage("--batch", format!("{:?} is {error}", self.batch)))?,
            keys: self.keys,
            format: match self.json {
                true => PlanFormat::Json,
                false => one_of(&self.format, &FORMATS).map_err(|what| usage("--format", what))?,
            },
            timeout: parse_duration(&self.timeout, TIMEOUT_BOUNDS)
                .map_err(|fault| usage("--timeout", fault.to_string()))?,
        })
    }
}

/// Those that are named, each once, in the order of `all`; without a name all of them.
fn chosen<T: Copy, const N: usize>(
    names: &[String],
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<Vec<T>, String> {
    let named = all.map(|one| (name(one), one));
    for name in names {
        one_of(name, &named)?;
    }
    let is_chosen = |(name, _): &(&str, T)| names.is_empty() || names.iter().any(|chosen| chosen == name);
    Ok(named.into_iter().filter(is_chosen).map(|(_, one)| one).collect())
}

fn one_of<T: Copy>(name: &str, named: &[(&str, T)]) -> Result<T, String> {
    if let Some((_, found)) = named.iter().find(|(known, _)| *known == name) {
        return Ok(*found);
    }
    let names = || named.iter().map(|(known, _)| *known);
    Err(match nearest(name, names()) {
        Some(meant) => format!("{name:?} is unknown; did you mean \"{meant}\"?"),
        None => format!("{name:?} is unknown; give one of {}", names().collect::<Vec<_>>().join(", ")),
    })
}

fn source(text: &str) -> Result<Source, String> {
    if text.starts_with(LIST) || text.contains([',', '|']) {
        return list(text.strip_prefix(LIST).unwrap_or(text)).map(Source::List);
    }
    if text.contains(':') {
        return text.parse().map(Source::Endpoint).map_err(|fault: mimikyu::config::Fault| fault.to_string());
    }
    if text.is_empty() {
        return Err("it is empty; give HOST:PORT, a list, or a source's name".into());
    }
    Ok(Source::Named(text.to_owned()))
}

fn list(text: &str) -> Result<Vec<Node>, String> {
    let nodes = text.split(',').map(node).collect::<Result<Vec<_>, _>>()?;
    if nodes.len() > NODES_MAX {
        return Err(format!("{} nodes are too many; give at most {NODES_MAX}", nodes.len()));
    }
    if merge([&nodes[..]]).len() < nodes.len() {
        return Err("a node is listed twice; list it once".into());
    }
    Ok(nodes)
}

/// `host|ip|port`, or `HOST:PORT` whose ip is known where the host is one.
fn node(text: &str) -> Result<Node, String> {
    if text.contains('|') {
        return text.parse().map_err(|_| format!("{text:?} is not a node; write host|ip|port or HOST:PORT"));
    }
    let HostPort { host, port } = text.parse().map_err(|fault: mimikyu::config::Fault| fault.to_string())?;
    let ip = if host.parse::<IpAddr>().is_ok() { host.clone() } else { String::new() };
    Ok(Node::new(host, ip, port))
}

#[cfg(test)]
mod tests {
    use super::super::{Command, parse};
    use super::*;

    fn plan(words: &str) -> Result<Plan, String> {
        match parse(["mimikyu", "plan"].into_iter().chain(words.split_whitespace())) {
            Ok(Command::Plan(plan)) => Ok(plan),
            Err(Stop::Usage(line)) => Err(line),
            other => panic!("{words}: {other:?}"),
        }
    }

    #[test]
    fn an_endpoint_a_list_and_a_name_are_told_apart() {
        let node = |host: &str, ip: &str| Node::new(host, ip, 1);
        for (text, expected) in [
            ("a.x:1", Source::Endpoint(HostPort { host: "a.x".into(), port: 1 })),
            ("[::1]:1", Source::Endpoint(HostPort { host: "::1".into(), port: 1 })),
            ("static:a.x:1", Source::List(vec![node("a.x", "")])),
            ("a:1,10.0.0.1:1", Source::List(vec![node("a", ""), node("10.0.0.1", "10.0.0.1")])),
            ("[::1]:1,b:1", Source::List(vec![node("::1", "::1"), node("b", "")])),
            ("a|10.0.0.1|1", Source::List(vec![node("a", "10.0.0.1")])),
            ("a||1,b:1", Source::List(vec![node("a", ""), node("b", "")])),
            ("old-1", Source::Named("old-1".into())),
        ] {
            assert_eq!(source(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_left_out_is_everything() {
        let found = plan("--from a:1 --to b").unwrap();
        assert_eq!((found.families.len(), found.strategies.len()), (12, 4));
        assert_eq!((found.batch, found.format), (Batch::default(), PlanFormat::Table));
        assert_eq!((found.timeout, found.keys, found.config), (Duration::from_secs(2), None, None));
        let found = plan(
            "--from a:1 --to b --client jump,dalli --client=jump --strategy cut --strategy swap --batch 20% \
             --format html --keys k --config c --timeout 1s",
        )
        .unwrap();
        assert_eq!(found.families, [Family::Dalli, Family::Jump]);
        assert_eq!(found.strategies, [Strategy::Swap, Strategy::Cut]);
        assert_eq!((found.batch.to_string().as_str(), found.format), ("20%", PlanFormat::Html));
        assert_eq!(found.timeout, Duration::from_secs(1));
    }

    #[test]
    fn faults_have_their_flag_and_a_cure() {
        let many = vec!["a:1"; NODES_MAX + 1].join(",");
        for (words, expected) in [
            ("--to b:1", "--from <SOURCE>"),
            ("--from a:b --to b:1", "--from: \"a:b\" is not HOST:PORT; give a port from 1 to 65535"),
            ("--from a:1 --to b:1,", "--to: \"\" is not HOST:PORT; "),
            ("--from a:1 --to a|1", "--to: \"a|1\" is not a node; write host|ip|port or HOST:PORT"),
            ("--from a:1 --to b:1,b:1", "--to: a node is listed twice; list it once"),
            (&format!("--from a:1 --to {many}"), "--to: 1025 nodes are too many; give at most 1024"),
            ("--from a:1 --to b --client jumps", "--client: \"jumps\" is unknown; did you mean \"jump\"?"),
            ("--from a:1 --to b --client zebra", "--client: \"zebra\" is unknown; give one of java-modulo, "),
            ("--from a:1 --to b --strategy swop", "--strategy: \"swop\" is unknown; did you mean \"swap\"?"),
            ("--from a:1 --to b --batch 0", "--batch: \"0\" is not a batch; give nodes from 1 to 1024"),
            ("--from a:1 --to b --format xml", "--format: \"xml\" is unknown; "),
            ("--from a:1 --to b --timeout 0s", "--timeout: 0s is out of range"),
        ] {
            let line = plan(words).unwrap_err();
            assert!(line.contains(expected), "{words}: {line}");
        }
    }
}
