//! What clients leave behind in the daemon: nothing.

use super::control::{Control, Seen};
use super::harness::{Mimikyu, until};
use super::stat;

/// How much more memory the daemon may hold afterwards, in KiB: the receive buffers (2 MiB a worker, of which those never used are no
/// memory yet), the places of 10,000 connections (2 MiB), the tables of a batch, and what the allocator keeps.
pub const GROWTH_KIB_MAX: usize = 16 * 1024;

/// How it is.
#[derive(Debug, Clone, Copy)]
pub struct Traces {
    descriptors: usize,
    memory_kib: usize,
    /// Whether it counts its own connections for us, having no source that is asked for `stats`.
    tells: bool,
}

impl Traces {
    /// Before anything happens, the control client not yet there.
    pub fn before(mimikyu: &Mimikyu) -> Self {
        let tells = mimikyu.ask("stats\r\n").contains("STAT curr_connections 1\r\n");
        // The closes of those who have just left.
        let mut last = 0;
        let settled = || {
            let before = std::mem::replace(&mut last, mimikyu.descriptors());
            (before == last).then_some(last)
        };
        let descriptors = until("the descriptors to settle", settled);
        Self { descriptors, memory_kib: memory_kib(mimikyu, "VmRSS"), tells }
    }

    /// Now that the hostile clients are gone: everything is as it was. Prints the line of the table.
    #[track_caller]
    pub fn are_gone(self, mimikyu: &Mimikyu, what: &str, control: Control) {
        let Seen { answers, slowest } = control.stop();
        until("the descriptors to be given back", || {
            (mimikyu.descriptors() == self.descriptors).then_some(())
        });
        if self.tells {
            until("all places to be free", || (stat(mimikyu, "curr_connections") == 1).then_some(()));
        }
        let (most, after) = (memory_kib(mimikyu, "VmHWM"), memory_kib(mimikyu, "VmRSS"));
        let Self { descriptors, memory_kib: before, .. } = self;
        let mib = |kib: usize| format!("{:.1}", kib as f64 / 1024.0);
        println!(
            "| {what} | {answers}, slowest {:.1} ms | {} → {} → {} MiB | {descriptors} → {descriptors} |",
            slowest.as_secs_f64() * 1e3,
            mib(before),
            mib(most),
            mib(after)
        );
        assert!(after <= before + GROWTH_KIB_MAX, "{before} KiB before, {after} KiB after");
    }
}

fn memory_kib(mimikyu: &Mimikyu, name: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", mimikyu.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
    line.and_then(|value| value.trim().strip_suffix(" kB")?.parse().ok()).expect("a number of KiB")
}
