//! A server's process: what it has cost so far, and its end.

use std::fmt::Debug;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeBounds;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

/// Longest that a process takes to accept, or to close, what came and went.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that can be asked.
pub struct Server {
    pub process: Process,
    pub address: SocketAddr,
}

/// A child that is killed and waited for when it is dropped.
pub struct Process(pub Child);

/// Processor time that a process was charged with since its start.
#[derive(Clone, Copy, Default)]
pub struct Spent {
    /// Of all its threads, in nanoseconds.
    pub total: Duration,
    /// Spent in user mode, in ticks of 10 ms.
    pub user_ticks: u64,
    /// Spent in the kernel, in ticks of 10 ms.
    pub system_ticks: u64,
}

impl Process {
    /// What it has cost so far. The time of a running thread is as old as the last timer tick.
    pub fn spent(&self) -> Spent {
        let id = self.0.id();
        let (user_ticks, system_ticks) =
            ticks(&fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default());
        let tasks = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
        let total = tasks.map(|task| run_time(&task.path().join("schedstat").to_string_lossy())).sum();
        Spent { total, user_ticks, system_ticks }
    }

    /// Memory of its own that is in place: neither files nor what the kernel holds for it, such as sockets.
    pub fn anonymous_bytes(&self) -> io::Result<u64> {
        let path = format!("/proc/{}/smaps_rollup", self.0.id());
        let text = fs::read_to_string(&path)?;
        let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:"));
        let kilobytes: Option<u64> = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kilobytes
            .map(|count| count * 1024)
            .ok_or_else(|| io::Error::other(format!("{path} has no Anonymous")))
    }

    /// Waits until it has so many descriptors open: until it has accepted, or closed, what came and went.
    pub fn await_descriptors(&self, wanted: impl RangeBounds<usize> + Debug) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let open = self.descriptors()?;
            if wanted.contains(&open) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(format!(
                    "it has {open} descriptors open instead of {wanted:?}"
                )));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Descriptors that it has open.
    pub fn descriptors(&self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.0.id()))?.count())
    }

    /// Waits until it has done what is left to do, for a second at most.
    pub fn settle(&self) {
        const QUIET: Duration = Duration::from_micros(200);
        let deadline = Instant::now() + Duration::from_secs(1);
        let mut before = self.spent().total;
        while Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
            let now = self.spent().total;
            if now.saturating_sub(before) < QUIET {
                return;
            }
            before = now;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Processor time of this thread.
pub fn spent_here() -> Duration {
    run_time("/proc/thread-self/schedstat")
}

/// The first field of a `schedstat` file: time on a processor, in nanoseconds.
fn run_time(path: &str) -> Duration {
    let text = fs::read_to_string(path).unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0))
}

/// `utime` and `stime` of a `stat` file. The name before them may hold blanks and parentheses.
fn ticks(stat: &str) -> (u64, u64) {
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let field = |index: usize| fields.get(index).and_then(|field| field.parse().ok()).unwrap_or(0);
    (field(11), field(12))
}
