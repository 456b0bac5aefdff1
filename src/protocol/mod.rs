//! Bytes ⇄ values: what clients and upstreams write, and what they are written.
//!
//! Knows nothing of sockets, time or threads. The docs of each file say where its format comes from;
//! the rules R1–R15 that real clients impose are in `docs/protocol.md`.

pub mod answer;
pub mod ascii;
pub mod binary;
pub mod counters;
mod error;
pub mod lines;
pub mod naive;
pub mod naive_binary;
pub mod packet;
pub mod payload;
pub mod reply;
mod request;
pub mod stats;

pub use error::Error;
pub use request::Request;

/// The ordinary key under which engines older than 1.4.14, and plain memcached, keep the payload.
pub const LEGACY_KEY: &str = "AmazonElastiCache:cluster";

/// What was found at the head of some input.
///
/// Input that has not ended yet is a value and not an error: more of it may come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed<T> {
    /// Something that ended, well or badly, in the first `used` bytes.
    Complete {
        /// What it was.
        value: T,
        /// How many bytes it took.
        used: usize,
    },
    /// The head of something that needs more bytes.
    Partial,
}
