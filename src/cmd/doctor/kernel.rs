//! The kernel, and what of io_uring it lets us have.

use std::fs;

use mimikyu::config::Config;
use mimikyu::worker::{Feature, Features, Unavailable};

use super::Diagnosis;

/// The least, and the first with everything.
const LEAST: (u32, u32) = (5, 19);
const BEST: (u32, u32) = (6, 1);

/// The three calls that a filter must let through.
const CALLS: &str = "io_uring_setup, io_uring_enter and io_uring_register";

/// What is known of the ring.
pub fn look(ring: &Result<Features, Unavailable>, config: &Config) -> Vec<Diagnosis> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let mut found = vec![
        kernel(read("/proc/sys/kernel/osrelease").trim()),
        switch(read("/proc/sys/kernel/io_uring_disabled").trim(), ring.is_ok()),
        seccomp(&read("/proc/self/status"), ring.as_ref().err()),
    ];
    found.push(match ring {
        Ok(features) => Diagnosis::ok("io_uring", format!("works: {features}")),
        Err(unavailable) => {
            let line = unavailable.to_string();
            let (what, cure) = line.split_once("; ").unwrap_or((&line, "see the kernel's log"));
            Diagnosis::broken("io_uring", what, cure)
        }
    });
    if let Ok(features) = ring {
        let left_out = |name: &str| {
            let names = mimikyu::config::RingFeature::NAMES;
            names.iter().any(|(known, feature)| *known == name && config.ring_without.contains(feature))
        };
        found.extend(Feature::ALL.iter().map(|one| feature(*one, features.has(*one), left_out(one.name()))));
    }
    found
}

fn kernel(release: &str) -> Diagnosis {
    let mut numbers = release.split(['.', '-', '+', '~']).map_while(|part| part.parse().ok());
    let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else {
        let what = format!("its release is not understood: {release:?}");
        return Diagnosis::worse("kernel", what, "see whether io_uring works, below");
    };
    let what = format!("Linux {release}");
    match (major, minor) {
        version if version < LEAST => {
            Diagnosis::broken("kernel", format!("{what} is older than 5.19"), "use Linux 6.1 or later")
        }
        version if version < BEST => {
            let what = format!("{what} lacks what 6.1 has: more system calls and interruptions a request");
            Diagnosis::worse("kernel", what, "use Linux 6.1 or later")
        }
        _ => Diagnosis::ok("kernel", what),
    }
}

/// The sysctl that switches io_uring off: for everybody (2), or for who is not in its group (1).
fn switch(level: &str, works: bool) -> Diagnosis {
    let name = "io_uring_disabled";
    match level {
        "" => Diagnosis::ok(name, "this kernel has no such switch"),
        "0" => Diagnosis::ok(name, "0: io_uring is for everybody"),
        level if works => Diagnosis::ok(name, format!("{level}, and this user is let through")),
        "1" => Diagnosis::broken(
            name,
            "1: io_uring is for the group kernel.io_uring_group and CAP_SYS_ADMIN alone",
            "sysctl -w kernel.io_uring_disabled=0, or run in that group",
        ),
        level => Diagnosis::broken(
            name,
            format!("{level}: io_uring is switched off"),
            "sysctl -w kernel.io_uring_disabled=0",
        ),
    }
}

/// Whether a filter of system calls is in force, and in the way.
fn seccomp(status: &str, unavailable: Option<&Unavailable>) -> Diagnosis {
    let mode = status.lines().find_map(|line| line.strip_prefix("Seccomp:")).map_or("", str::trim);
    match (mode, unavailable.filter(|unavailable| unavailable.is_forbidden())) {
        ("2", Some(unavailable)) => Diagnosis::broken(
            "seccomp",
            format!("a filter is in force and answers {} to io_uring", unavailable.errno_name()),
            format!(
                "allow {CALLS}: Docker --security-opt seccomp=PROFILE.json; Kubernetes \
                 securityContext.seccompProfile type Localhost; systemd SystemCallFilter=io_uring_setup \
                 io_uring_enter io_uring_register"
            ),
        ),
        ("2", None) => Diagnosis::ok("seccomp", "a filter is in force and lets io_uring through"),
        _ => Diagnosis::ok("seccomp", "no filter is in force"),
    }
}

fn feature(feature: Feature, works: bool, is_left_out: bool) -> Diagnosis {
    let (since, cost) = match feature {
        Feature::MultishotRecv => ("6.0", "each receive is renewed: a submission more a request"),
        Feature::InlineSend => ("5.19", "each send has a completion: up to a system call more a request"),
        Feature::DeferTaskrun => {
            ("6.1", "completions are worked on whenever they come, not when they are waited for")
        }
        Feature::CoopTaskrun => ("5.19", "completions interrupt the worker"),
    };
    let name = format!("ring {}", feature.name());
    match (works, is_left_out) {
        (true, false) => Diagnosis::ok(name, "works"),
        (true, true) => Diagnosis::worse(
            name,
            format!("works, and ring_without leaves it out: {cost}"),
            "take it out of there",
        ),
        (false, _) => {
            Diagnosis::worse(name, format!("is missing: {cost}"), format!("use Linux {since} or later"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn kernels_are_told_apart_at_their_bounds() {
        for (release, verdict) in [
            ("5.18.99-generic", Verdict::Broken),
            ("4.19.0", Verdict::Broken),
            ("5.19.0", Verdict::Worse),
            ("6.0.9-1-amd64", Verdict::Worse),
            ("6.1.0-13-amd64", Verdict::Ok),
            ("6.18-rc1", Verdict::Ok),
            ("7.0", Verdict::Ok),
            ("5.15.167.4-microsoft-standard-WSL2", Verdict::Broken),
            ("strange", Verdict::Worse),
            ("", Verdict::Worse),
        ] {
            assert_eq!(kernel(release).verdict, verdict, "{release}");
        }
    }

    #[test]
    fn a_switch_is_in_the_way_only_of_whom_it_stops() {
        for (level, works, verdict) in [
            ("", true, Verdict::Ok),
            ("0", true, Verdict::Ok),
            ("0", false, Verdict::Ok),
            ("1", true, Verdict::Ok),
            ("1", false, Verdict::Broken),
            ("2", false, Verdict::Broken),
        ] {
            let diagnosis = switch(level, works);
            assert_eq!(
                (diagnosis.verdict, diagnosis.cure.is_some()),
                (verdict, verdict != Verdict::Ok),
                "{level}"
            );
        }
    }

    #[test]
    fn a_feature_that_is_missing_or_left_out_costs_something() {
        assert_eq!(feature(Feature::InlineSend, true, false).verdict, Verdict::Ok);
        for (works, is_left_out) in [(true, true), (false, true), (false, false)] {
            assert_eq!(feature(Feature::InlineSend, works, is_left_out).verdict, Verdict::Worse);
        }
    }
}
