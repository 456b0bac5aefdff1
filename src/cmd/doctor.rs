//! `mimikyu doctor`: can the daemon run here, and how well? For each thing a cause and a cure.

mod kernel;
mod limits;
mod network;
mod print;

use std::process::ExitCode;

use mimikyu::config::{Examined, Layer, Origin};

use super::configured::Configured;
use super::{EXIT_RUNTIME, Failure, machine, output};
use crate::cli::{Doctor, Format};

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It can run, but not as well as it could.
    Worse,
    /// It can't run like this.
    Broken,
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What it is, in a word or two.
    pub name: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub what: String,
    /// What to do about it; none where nothing is to be done.
    pub cure: Option<String>,
}

impl Diagnosis {
    fn ok(name: impl Into<String>, what: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Ok, what: what.into(), cure: None }
    }

    fn worse(name: impl Into<String>, what: impl Into<String>, cure: impl Into<String>) -> Self {
        let cure = Some(cure.into());
        Self { name: name.into(), verdict: Verdict::Worse, what: what.into(), cure }
    }

    fn broken(name: impl Into<String>, what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { verdict: Verdict::Broken, ..Self::worse(name, what, cure) }
    }
}

/// Looks at everything, prints it, and says by its exit code whether the daemon can run.
pub fn run(doctor: Doctor) -> Result<ExitCode, Failure> {
    let is_given = doctor.serve.config.is_some() || !doctor.serve.arguments.is_empty();
    let configured = Configured::read(doctor.serve, Layer::default());
    let is_given = is_given || configured.places.file.is_some();
    let examined = &configured.examined;
    let mut found = Vec::new();
    // Flags without a source are asked about for themselves.
    let lacks_only_sources = configured.places.file.is_none()
        && examined.faults.iter().all(|fault| fault.origin == Origin::Unset)
        && !examined.faults.is_empty();
    if is_given && !lacks_only_sources {
        found.push(configuration(examined));
    }
    let ring = mimikyu::worker::available();
    found.extend(kernel::look(&ring, &examined.config));
    found.extend(limits::look(&examined.config, &ring));
    found.extend(network::look(examined));
    found.extend(files(examined));
    found.push(limits::clock());
    let text = match doctor.format {
        Format::Text => print::text(&found),
        Format::Json => print::json(&found),
    };
    output::write(text)?;
    let can_run = found.iter().all(|diagnosis| diagnosis.verdict != Verdict::Broken);
    Ok(if can_run { ExitCode::SUCCESS } else { ExitCode::from(EXIT_RUNTIME) })
}

/// Whether there is one to start with; what exactly is wrong is `check`'s affair.
fn configuration(examined: &Examined) -> Diagnosis {
    match examined.faults.iter().next() {
        None => {
            let names: Vec<_> = examined.config.sources.iter().map(|source| source.name.as_str()).collect();
            Diagnosis::ok("configuration", format!("no fault; sources: {}", names.join(", ")))
        }
        Some(first) => {
            let count = examined.faults.len();
            let what = match count {
                1 => first.to_string(),
                _ => format!("{count} faults, the first is {first}"),
            };
            Diagnosis::broken("configuration", what, "see mimikyu check")
        }
    }
}

/// Files that it is to write.
fn files(Examined { config, .. }: &Examined) -> Vec<Diagnosis> {
    let told = |name: &str, path: &std::path::Path, outcome: Result<(), mimikyu::config::Fault>| match outcome
    {
        Ok(()) => Diagnosis::ok(name, format!("{} can be written", path.display())),
        // The daemon serves without its state file, and says so; it does not start without its socket.
        Err(fault) if name == "state" => Diagnosis::worse(name, fault.what, fault.cure),
        Err(fault) => Diagnosis::broken(name, fault.what, fault.cure),
    };
    let state = config.state.iter().map(|path| told("state", path, machine::state(path)));
    state.chain(config.takeover.iter().map(|path| told("takeover", path, machine::takeover(path)))).collect()
}
