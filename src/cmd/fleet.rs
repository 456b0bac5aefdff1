//! `mimikyu fleet check`: do these replicas serve the same bytes?
//!
//! Each is asked as a client would, all at once. Where they differ they are asked again for a while, since replicas see
//! a change one after the other.

mod compare;
mod print;

use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use mimikyu::cluster::Node;
use mimikyu::config::HostPort;
use mimikyu::limits::REPLICAS_MAX;
use mimikyu::status::digest;

use super::terminal::Progress;
use super::{Failure, output, probe};
use crate::cli::{Encoding, Fleet, Format};
use compare::Comparison;

/// Exit codes: a replica can't be reached, replicas differ.
const EXIT_UNREACHABLE: u8 = 1;
const EXIT_DIFFERENT: u8 = 3;

/// Time between two questions to replicas that differ.
const PAUSE: Duration = Duration::from_millis(250);

/// A replica, and what it serves or why that is not known.
pub struct Asked {
    /// As it was named; with every address, as the address.
    pub name: String,
    /// What it serves, or cause and cure.
    pub outcome: Result<Served, String>,
}

/// What a replica serves.
pub struct Served {
    /// The version, in digits.
    pub version: String,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Size of the reply.
    pub bytes: usize,
    /// SHA-256 of the reply, in hexadecimal.
    pub digest: String,
}

/// Asks, prints, and says by its exit code whether they are the same.
pub fn run(fleet: &Fleet) -> Result<ExitCode, Failure> {
    let begun = Instant::now();
    let progress = Progress::new();
    let replicas = replicas(fleet, &progress);
    let mut asked = ask(&replicas, fleet.timeout, &progress);
    while Comparison::of(&asked).is_different() && begun.elapsed() < fleet.settle {
        progress.show("they differ: a change may be under way, asking again");
        thread::park_timeout(PAUSE);
        asked = ask(&replicas, fleet.timeout, &progress);
    }
    drop(progress);
    let comparison = Comparison::of(&asked);
    let text = match fleet.format {
        Format::Text => print::text(&asked, &comparison, begun.elapsed()),
        Format::Json => print::json(&asked, &comparison, begun.elapsed()),
    };
    output::write(text)?;
    Ok(if comparison.is_different() {
        ExitCode::from(EXIT_DIFFERENT)
    } else if asked.iter().any(|asked| asked.outcome.is_err()) {
        ExitCode::from(EXIT_UNREACHABLE)
    } else {
        ExitCode::SUCCESS
    })
}

/// Whom to ask, or why nobody can be.
type Replica = Result<HostPort, (String, String)>;

/// Every replica once.
fn replicas(fleet: &Fleet, progress: &Progress) -> Vec<Replica> {
    let mut replicas: Vec<Replica> = Vec::new();
    for target in &fleet.targets {
        let mut add = |replica| {
            if !replicas.contains(&replica) && replicas.len() < REPLICAS_MAX {
                replicas.push(replica);
            }
        };
        if !fleet.every_address {
            add(Ok(target.clone()));
            continue;
        }
        progress.show(&format!("looking for {}", target.host));
        match probe::resolve(target, fleet.timeout) {
            Err(error) => add(Err((target.to_string(), error.to_string()))),
            Ok(mut addresses) => {
                addresses.sort();
                for address in addresses {
                    add(Ok(HostPort { host: address.ip().to_string(), port: address.port() }));
                }
            }
        }
    }
    replicas
}

/// Asks all of them at once.
fn ask(replicas: &[Replica], timeout: Duration, progress: &Progress) -> Vec<Asked> {
    let (sender, answers) = mpsc::channel();
    let mut asked = Vec::new();
    for (index, replica) in replicas.iter().enumerate() {
        let (name, why) = match replica {
            Ok(target) => (target.to_string(), "there is no thread to ask it; see ulimit -u".to_owned()),
            Err((name, why)) => (name.clone(), why.clone()),
        };
        asked.push(Asked { name, outcome: Err(why) });
        if let Ok(target) = replica {
            let (sender, target) = (sender.clone(), target.clone());
            let body = move || drop(sender.send((index, served(&target, timeout))));
            let _ = thread::Builder::new().name("ask".into()).spawn(body);
        }
    }
    drop(sender);
    for answered in 0.. {
        progress.show(&format!("{answered} of {} have answered", replicas.len()));
        let Ok((index, outcome)) = answers.recv() else { break };
        asked[index].outcome = outcome;
    }
    asked
}

fn served(target: &HostPort, timeout: Duration) -> Result<Served, String> {
    let begun = Instant::now();
    let addresses = probe::resolve(target, timeout).map_err(|error| error.to_string())?;
    let left = timeout.saturating_sub(begun.elapsed());
    let (tried, listed) = probe::first_list(&addresses, Encoding::Text, left);
    let Some((_, listed)) = listed else { return Err(probe::telling(tried).to_string()) };
    let digest = digest(&listed.reply);
    let (version, nodes) = (listed.reading.version, listed.reading.nodes);
    Ok(Served { version, nodes, bytes: listed.reply.len(), digest })
}
