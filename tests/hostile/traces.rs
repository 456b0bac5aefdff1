//! What clients leave behind in the daemon: nothing.

use super::control::Control;
use super::harness::{Mimikyu, until};
use super::stat;

/// How much more memory the daemon may hold afterwards, in KiB: the places of 10,000 connections (2 MiB, kept for the next ones), the
/// tables of a batch, and what the allocator keeps before it is asked for it (1 MiB a worker).
pub const GROWTH_KIB_MAX: usize = 4 * 1024;

/// A packet that asks for a key that is not there (`getq k`), and for no answer in that case.
pub const QUIET: &[u8] = b"\x80\x09\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0k";

/// So many clients, whom the kernel spreads over the workers, send so many bytes before anything is measured: every worker has
/// used its ring, its buffers and its first places by then.
const WARM_UP: (usize, usize) = (8, 512 * 1024);

/// How it is.
#[derive(Debug, Clone, Copy)]
pub struct Traces {
    descriptors: usize,
    pub memory_kib: usize,
    /// Whether it counts its own connections for us, having no source that is asked for `stats`.
    tells: bool,
}

impl Traces {
    /// Before anything happens, the control client not yet there.
    pub fn before(mimikyu: &Mimikyu) -> Self {
        for _ in 0..WARM_UP.0 {
            let mut client = mimikyu.client();
            client.send(QUIET.repeat(WARM_UP.1 / QUIET.len()));
            client.finish();
            assert_eq!(client.rest(), "");
        }
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
        let seen = control.stop();
        let after = self.after(mimikyu);
        let most = memory_kib(mimikyu, "VmHWM");
        let Self { descriptors, memory_kib: before, .. } = self;
        let mib = |kib: usize| format!("{:.1}", kib as f64 / 1024.0);
        println!(
            "| {what} | {seen} | {} → {} → {} MiB | {descriptors} → {descriptors} |",
            mib(before),
            mib(most),
            mib(after)
        );
        assert!(after <= before + GROWTH_KIB_MAX, "{what}: {before} KiB before, {after} KiB after");
    }

    /// Waits until no client is left, and tells the memory in KiB.
    #[track_caller]
    pub fn after(&self, mimikyu: &Mimikyu) -> usize {
        until("the descriptors to be given back", || {
            (mimikyu.descriptors() == self.descriptors).then_some(())
        });
        if self.tells {
            until("all places to be free", || (stat(mimikyu, "curr_connections") == 1).then_some(()));
        }
        memory_kib(mimikyu, "VmRSS")
    }
}

fn memory_kib(mimikyu: &Mimikyu, name: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", mimikyu.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
    line.and_then(|value| value.trim().strip_suffix(" kB")?.parse().ok()).expect("a number of KiB")
}
