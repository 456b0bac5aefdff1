//! What the control plane runs on: tokio with a ring of its own, or tokio alone.
//!
//! Alone with musl, for which tokio-uring 0.5 does not compile (it takes the `msg_controllen` of a message for a `usize`).
//! The workers have their own ring with either. One task runs at a time, on the thread that calls
//! [`Runtime::block_on`]; `tokio::task::spawn_local` begins others.

#[cfg(any(target_env = "musl", test))]
mod alone;
#[cfg(not(target_env = "musl"))]
mod ring;

#[cfg(target_env = "musl")]
pub use alone::{Runtime, TcpListener, TcpStream, begin, listener, stream};
#[cfg(not(target_env = "musl"))]
pub use ring::{Runtime, TcpListener, TcpStream, begin, listener, stream};

#[cfg(test)]
mod tests;
