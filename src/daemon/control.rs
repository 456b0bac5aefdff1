//! The control thread from its first moment on: its runtime, and the signals that wait there.
//!
//! A start may have to wait: for a disk with the configuration on it, for the daemon that is taken over, for a port that
//! is just becoming free. That is done on another thread, so that a signal is heard meanwhile.

use rustix::process::{Resource, getrlimit};

use super::Error;
use crate::limits::DESCRIPTORS_LEAST;
use crate::offload::offload;
use crate::runtime::{self, Runtime};
use crate::signal::{Hangups, Signals};
use crate::worker::{self, StartError};

/// The control thread, before there is a daemon.
#[must_use = "without it, signals end the process"]
pub struct Control {
    wants_hangups: bool,
    /// Absent where it can't be had yet, which is told when there is nothing more important to tell.
    running: Option<Running>,
}

/// What it is made of.
pub(super) struct Running {
    pub runtime: Runtime,
    pub signals: Signals,
    /// Absent where `SIGHUP` is to end the process.
    pub hangups: Option<Hangups>,
}

impl Control {
    /// Catches signals from now on: those that end the process, and, for who can read the configuration again, `SIGHUP`.
    /// They wait until somebody asks for them. So many sockets were `inherited` before.
    pub fn begin(wants_hangups: bool, inherited: usize) -> Self {
        let mut control = Self { wants_hangups, running: None };
        // It takes some descriptors. With fewer, the limit is raised first, or said to be too low.
        let least = (DESCRIPTORS_LEAST + inherited) as u64;
        if getrlimit(Resource::Nofile).current.is_none_or(|limit| limit >= least) {
            control.running = Running::begin(wants_hangups).ok();
        }
        control
    }

    /// Has something done on another thread that may take long. `Err` is the name of the signal that came first: the
    /// process is to leave then, and leaves that thread behind.
    pub fn unless_told_to_leave<T: Send + 'static>(
        &mut self,
        name: &str,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Result<T, &'static str>, Error> {
        let Some(Running { runtime, signals, .. }) = &mut self.running else { return Ok(Ok(call())) };
        runtime.block_on(async {
            let mut done = offload(name, call).map_err(Error::Control)?;
            tokio::select! {
                signal = signals.next() => Ok(Err(signal)),
                done = &mut done => done.map(Ok).map_err(|_| Error::ControlEnded),
            }
        })
    }

    /// What it is made of; where that could not be had before, now.
    pub(super) fn run(self) -> Result<Running, Error> {
        match self.running {
            Some(running) => Ok(running),
            None => Running::begin(self.wants_hangups),
        }
    }
}

impl Running {
    fn begin(wants_hangups: bool) -> Result<Self, Error> {
        let runtime = runtime::begin().map_err(|error| match worker::available() {
            Ok(_) => Error::Control(error),
            // The workers' rings fail for the same reason, and say more about it.
            Err(unavailable) => Error::Start(StartError::Ring(unavailable)),
        })?;
        let caught = runtime
            .block_on(async { Ok((Signals::catch()?, wants_hangups.then(Hangups::catch).transpose()?)) });
        let (signals, hangups) = caught.map_err(Error::Control)?;
        Ok(Self { runtime, signals, hangups })
    }
}
