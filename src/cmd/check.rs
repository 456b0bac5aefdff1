//! `mimikyu check`: everything that is wrong with a configuration, at once and without starting.
//!
//! A fault is what keeps `serve` from starting, or from doing what it is told; a warning is what it does, and what was
//! hardly meant.

mod online;
mod print;
mod remark;
mod restart;
mod rollout;
mod sense;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use mimikyu::config::{Examined, Layer};
use mimikyu::{daemon, worker};

use super::configured::Configured;
use super::{EXIT_RUNTIME, Failure, machine, output};
use crate::cli::{Check, Format, Machine};
use remark::Remark;

/// Exit code of a configuration with faults.
const EXIT_FAULTS: u8 = 78;

/// Looks, prints, and says by its exit code what came of it.
pub fn run(check: Check) -> Result<ExitCode, Failure> {
    let configured = Configured::read(check.serve, Layer::default());
    let mut remarks: Vec<_> = configured.examined.faults.iter().map(Remark::fault).collect();
    remarks.extend(configured.warnings.iter().map(|line| Remark::of_environment(line)));
    let examined = &configured.examined;
    remarks.extend(sense::look(examined, configured.places.file.as_deref()));
    // A clock that is set before 1970 tells nothing.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    remarks.extend(rollout::look(&examined.top, now));
    if check.machine == Machine::This {
        remarks.extend(on_this_machine(examined));
    }
    remarks.extend(restart::look(examined));
    // Faults first, each kind in the order of the file.
    remarks.sort_by_key(|remark| (!remark.is_fault, remark.line()));
    let online = check.online.map(|timeout| online::ask(&examined.config, timeout));
    let text = match check.format {
        Format::Text => print::text(&configured, &remarks, online.as_ref()),
        Format::Json => print::json(&remarks, online.as_ref()),
    };
    output::write(text)?;
    Ok(if remarks.iter().any(|remark| remark.is_fault) {
        ExitCode::from(EXIT_FAULTS)
    } else if online.is_some_and(|online| !online.is_complete()) {
        ExitCode::from(EXIT_RUNTIME)
    } else {
        ExitCode::SUCCESS
    })
}

/// What this machine can't keep to.
fn on_this_machine(Examined { top, config, .. }: &Examined) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if let Some(state) = &top.state {
        remarks.extend(machine::state(&state.value).err().map(|fault| Remark::at(&state.origin, fault)));
    }
    if let Some(takeover) = &top.takeover {
        let fault = machine::takeover(&takeover.value).err();
        remarks.extend(fault.map(|fault| Remark::at(&takeover.origin, fault)));
    }
    for listen in &top.listen {
        let fault = machine::address(listen.value).err();
        remarks.extend(fault.map(|fault| Remark::at(&listen.origin, fault)));
    }
    if let Some(admin) = &top.admin
        && let Some(address) = admin.value.address()
    {
        remarks.extend(machine::address(address).err().map(|fault| Remark::at(&admin.origin, fault)));
    }
    let cpus = worker::cpus().len().max(1);
    if let Some(workers) = top.workers.as_ref().filter(|workers| workers.value > cpus) {
        let what = format!("{} workers share {cpus} CPUs and disturb each other", workers.value);
        remarks.push(Remark::warning(&workers.origin, what, format!("give at most {cpus}, or leave it out")));
    }
    let foreseen = daemon::foresee(config, config.workers.unwrap_or(cpus));
    remarks.extend(match (foreseen, &top.connections_max) {
        (Err(too_few), _) => Some(Remark::too_few(&too_few)),
        (Ok(foreseen), Some(connections)) if foreseen.fitting < connections.value => {
            let needed = foreseen.needed;
            let (what, cure) = (
                format!("the descriptor limit allows only {} connections", foreseen.fitting),
                format!("raise it to {needed} (ulimit -Hn, LimitNOFILE={needed}), or give fewer connections"),
            );
            Some(Remark::warning(&connections.origin, what, cure))
        }
        _ => None,
    });
    remarks
}
