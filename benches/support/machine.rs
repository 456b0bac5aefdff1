//! The machine the rounds run on: its cores, its limits, what it is called.

use std::fs;
use std::io;
use std::process::{Child, Command};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Which core does what.
pub struct Cores {
    /// All servers, one at a time.
    pub server: usize,
    /// The load generator.
    pub load: usize,
}

impl Cores {
    /// The first and the last core that this thread may run on; the same one where there is no other.
    pub fn of_this_thread() -> io::Result<Self> {
        let set = sched_getaffinity(None)?;
        let mut mine = (0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core));
        let server = mine.next().ok_or_else(|| io::Error::other("no core to run on"))?;
        Ok(Self { server, load: mine.next_back().unwrap_or(server) })
    }

    /// This thread stays on the load generator's core from now on.
    pub fn pin_load(&self) -> io::Result<()> {
        pin(self.load)
    }

    /// Does something on the servers' core: processes that it starts stay there, with all their threads.
    pub fn as_server<T>(&self, start: impl FnOnce() -> T) -> io::Result<T> {
        let before = sched_getaffinity(None)?;
        pin(self.server)?;
        let started = start();
        sched_setaffinity(None, &before)?;
        Ok(started)
    }
}

/// Where a server may run.
#[derive(Clone, Copy)]
pub enum Seat<'a> {
    /// On the servers' core, with all its threads.
    Pinned(&'a Cores),
    /// Wherever the thread that starts it may.
    Free,
}

impl Seat<'_> {
    pub fn spawn(self, command: &mut Command) -> io::Result<Child> {
        match self {
            Self::Pinned(cores) => cores.as_server(|| command.spawn())?,
            Self::Free => command.spawn(),
        }
    }
}

fn pin(core: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Raises the limit of open descriptors as far as it goes, for this process and those it starts; returns it.
pub fn raise_descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    // A process that may not raise it keeps what it has: workloads that need more are skipped by name.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current.map_or(usize::MAX, |limit| limit as usize)
}

/// The kernel's release.
pub fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").map_or("unknown".into(), |text| text.trim().to_owned())
}

/// The processor's name.
pub fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, name)| name).to_owned()
}
