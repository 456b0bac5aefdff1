//! What process tests are made of: the built binary, scripted upstreams, and clients.
//!
//! Nothing here sleeps for a fixed time: it waits for a condition, with a deadline. What a test starts
//! is stopped by its `Drop`, by process id.

// Each test binary uses another part of it.
#![allow(dead_code, unused_imports)]

pub mod admin;
mod client;
pub mod process;
pub mod upstream;

use std::time::{Duration, Instant};

pub use client::{Client, Reply};
pub use process::{Memcached, Mimikyu};
pub use upstream::{Behaviour, Upstream};

/// Longest that a test waits for anything: generous, since machines are shared.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `condition` gives a value.
#[track_caller]
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Lets this process hold as many connections as it may.
pub fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
