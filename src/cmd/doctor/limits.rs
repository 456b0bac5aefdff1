//! What the daemon may use up: descriptors, memory, processors, and the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mimikyu::config::Config;
use mimikyu::daemon;
use mimikyu::worker::{self, Features, Unavailable};
use rustix::process::{Resource, getrlimit};

use super::super::machine;
use super::Diagnosis;

/// 2024-01-01: a clock that is before it was never set.
const CLOCK_LEAST: Duration = Duration::from_secs(1_704_067_200);

/// All but the clock.
pub fn look(config: &Config, ring: &Result<Features, Unavailable>) -> Vec<Diagnosis> {
    let cpus = worker::cpus().len().max(1);
    vec![
        descriptors(config, config.workers.unwrap_or(cpus)),
        memory(ring.is_ok(), config.workers.unwrap_or(cpus)),
        processors(config.workers, cpus, machine::cpu_quota()),
    ]
}

fn descriptors(config: &Config, workers: usize) -> Diagnosis {
    let name = "descriptors";
    match daemon::foresee(config, workers) {
        Err(too_few) => {
            let line = too_few.to_string();
            let (what, cure) = line.split_once("; ").unwrap_or((&line, "raise it"));
            Diagnosis::broken(name, what, cure)
        }
        Ok(found) => {
            let limit = |limit: Option<u64>| limit.map_or("unlimited".into(), |limit| limit.to_string());
            let (soft, hard) = (limit(found.soft), limit(found.hard));
            let fitting = found.fitting;
            let what = format!("soft limit {soft}, hard limit {hard}: enough for {fitting} connections");
            match fitting < found.wanted {
                false => Diagnosis::ok(name, what),
                true => {
                    let (needed, wanted) = (found.needed, found.wanted);
                    let cure =
                        format!("for {wanted} raise it to {needed} (ulimit -Hn, LimitNOFILE={needed})");
                    Diagnosis::worse(name, what, cure)
                }
            }
        }
    }
}

/// What a worker's rings may count as locked memory, in KiB: 4,096 submissions of 64 bytes and 16,384 completions of 16 are 512, and the
/// small ones that features are tried with are gone a little later than they are given up.
const RING_KIB: u64 = 768;

/// Between Linux 5.12 and some later one rings are charged to the cgroup and not to this limit; who may lock as much as they
/// like (root) is not held to it.
fn memory(works: bool, workers: usize) -> Diagnosis {
    let limit = getrlimit(Resource::Memlock).current;
    // As many again while another process takes over.
    let needed = 2 * RING_KIB * workers as u64;
    let is_short = limit.is_some_and(|bytes| bytes / 1024 < needed) && !rustix::process::geteuid().is_root();
    let limit = limit.map_or("unlimited".into(), |bytes| format!("{} KiB", bytes / 1024));
    match works {
        true if is_short => {
            let what =
                format!("{limit}: on some kernels too little for {workers} workers, twice in a takeover");
            Diagnosis::worse(
                "memlock",
                what,
                format!("raise it to {needed} (ulimit -l, LimitMEMLOCK={needed}K)"),
            )
        }
        true => Diagnosis::ok("memlock", format!("{limit}, enough for a ring")),
        false => Diagnosis::ok("memlock", format!("{limit}; it matters only where io_uring says ENOMEM")),
    }
}

fn processors(workers: Option<usize>, cpus: usize, quota: Option<f64>) -> Diagnosis {
    let count = workers.unwrap_or(cpus);
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let what = format!("{} on {}", counted(count, "worker"), counted(cpus, "CPU"));
    match quota {
        _ if count > cpus => {
            let what = format!("{what}: they disturb each other");
            Diagnosis::worse("cpus", what, format!("give at most {cpus} (--workers), or leave it out"))
        }
        Some(quota) if quota + 0.01 < count as f64 => {
            let fitting = (quota.floor() as usize).max(1);
            let what = format!(
                "{what}, of which the cgroup gives the time of {quota:.2}: they are stopped together"
            );
            // Fewer than one worker there can't be.
            match fitting < count {
                true => Diagnosis::worse("cpus", what, format!("--workers {fitting}, or a higher quota")),
                false => Diagnosis::worse("cpus", what, "a higher quota (CPUQuota=, resources.limits.cpu)"),
            }
        }
        _ => Diagnosis::ok("cpus", what),
    }
}

/// Times in the log and silences in the state file are of a clock that may be set.
pub fn clock() -> Diagnosis {
    let now = SystemTime::now();
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let what = format!("it is {}", humantime::format_rfc3339_seconds(UNIX_EPOCH + since));
    match since < CLOCK_LEAST {
        false => Diagnosis::ok("clock", what),
        true => Diagnosis::worse("clock", format!("{what}: it was never set"), "set it (NTP, chrony)"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn workers_want_a_cpu_each_and_its_time() {
        for (workers, cpus, quota, verdict) in [
            (None, 4, None, Verdict::Ok),
            (Some(4), 4, Some(4.0), Verdict::Ok),
            (Some(5), 4, None, Verdict::Worse),
            (None, 4, Some(3.9), Verdict::Worse),
            (Some(1), 4, Some(0.5), Verdict::Worse),
            (Some(1), 4, Some(1.0), Verdict::Ok),
        ] {
            assert_eq!(processors(workers, cpus, quota).verdict, verdict, "{workers:?} {cpus} {quota:?}");
        }
        for (workers, cpus, what) in [(1, 1, "1 worker on 1 CPU"), (2, 4, "2 workers on 4 CPUs")] {
            assert_eq!(processors(Some(workers), cpus, None).what, what);
        }
        let cure = |quota| processors(Some(2), 4, Some(quota)).cure.unwrap();
        assert!(cure(1.5).starts_with("--workers 1") && cure(0.5).starts_with("--workers 1"));
        assert!(processors(Some(1), 4, Some(0.5)).cure.unwrap().starts_with("a higher quota"));
    }
}
