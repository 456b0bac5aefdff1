#![warn(missing_docs)]
#![deny(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

//! A configuration endpoint for memcached auto discovery that merges several clusters into one.

pub mod admin;
pub mod census;
pub mod cluster;
pub mod config;
pub mod daemon;
pub mod exposition;
#[doc(hidden)]
pub mod fuzz;
pub mod limits;
pub mod lint;
pub mod log;
pub mod mailbox;
pub mod metrics;
pub mod notify;
pub mod offload;
pub mod plan;
pub mod poller;
pub mod protocol;
pub mod runtime;
pub mod session;
pub mod signal;
pub mod snapshot;
pub mod state;
pub mod stats;
pub mod status;
pub mod takeover;
pub mod upstream;
pub mod worker;
