//! The signals that end the daemon, and the one that has it read its configuration again.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// `SIGTERM` and `SIGINT`: the first asks to leave, the second to leave at once.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Catches them from now on: those that come before they are waited for are not lost.
    pub fn catch() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one and tells its name.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// `SIGHUP`.
#[derive(Debug)]
pub struct Hangups(Signal);

impl Hangups {
    /// Catches it from now on; until then it ends the process.
    pub fn catch() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Waits for the next one. Several that come before it is waited for are one.
    pub async fn next(&mut self) {
        self.0.recv().await;
    }
}
