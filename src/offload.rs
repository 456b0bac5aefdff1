//! Calls that may block (the system's resolver, the disk) on a thread of their own.
//!
//! Not the runtime's pool: leaving the runtime waits for every call that its pool is in, so a name
//! server or a disk that hangs would hold up the exit. A caller has one call under way at a time,
//! which is the bound on these threads.

use std::io;
use std::thread;

use tokio::sync::oneshot;

/// Runs `call` on a new thread; its result comes through the receiver.
pub fn offload<T: Send + 'static>(
    name: &str,
    call: impl FnOnce() -> T + Send + 'static,
) -> io::Result<oneshot::Receiver<T>> {
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new().name(name.into()).spawn(move || {
        // Nobody may be waiting any more, and then the result is of no use.
        let _ = sender.send(call());
    })?;
    Ok(receiver)
}
