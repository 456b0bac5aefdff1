//! Keeps the state file up to date, without ever waiting long for a disk.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::{State, store};
use crate::limits::SAVE_WAIT;
use crate::offload::offload;

/// Writes the newest state, one write at a time.
///
/// Invariants: `wanted` is newer than what is being written; where a write failed or hangs, the newest
/// state stays `wanted` until it is written.
#[derive(Debug)]
pub struct Saver {
    path: Option<Arc<PathBuf>>,
    wanted: Option<State>,
    writing: Option<oneshot::Receiver<io::Result<()>>>,
    disk: Disk,
}

/// What the last write came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    Good,
    Failing,
    Hanging,
}

impl Saver {
    /// A saver to this file; without one it does nothing.
    pub fn new(path: Option<PathBuf>) -> Self {
        Self { path: path.map(Arc::new), wanted: None, writing: None, disk: Disk::Good }
    }

    /// Saves a state, and waits until it is on the disk: for [`SAVE_WAIT`] at most, and not at all for a
    /// disk that already hangs.
    pub async fn save(&mut self, state: State) {
        if self.path.is_some() {
            self.wanted = Some(state);
            self.retry().await;
        }
    }

    /// Writes what is still wanted, if anything is.
    pub async fn retry(&mut self) {
        self.finish().await;
        if self.writing.is_none()
            && let (Some(path), Some(state)) = (self.path.clone(), self.wanted.clone())
        {
            match offload("state", move || store(&path, &state)) {
                Ok(writing) => self.writing = Some(writing),
                Err(error) => self.note(Err(error)),
            }
            self.finish().await;
        }
    }

    /// Waits for the write under way.
    async fn finish(&mut self) {
        let Some(writing) = &mut self.writing else { return };
        let wait = if self.disk == Disk::Hanging { Default::default() } else { SAVE_WAIT };
        match tokio::time::timeout(wait, writing).await {
            Ok(outcome) => {
                self.writing = None;
                self.note(outcome.unwrap_or_else(|_| Err(io::Error::other("the write was lost"))));
            }
            Err(_) => self.turn(Disk::Hanging, "it takes long; lists are served without waiting for it"),
        }
    }

    fn note(&mut self, outcome: io::Result<()>) {
        match outcome {
            Ok(()) => {
                self.wanted = None;
                self.turn(Disk::Good, "written");
            }
            Err(error) => self.turn(Disk::Failing, &error.to_string()),
        }
    }

    /// Says so when that changes, and only then.
    fn turn(&mut self, disk: Disk, why: &str) {
        if self.disk == disk {
            return;
        }
        let state = self.path.as_deref().map(|path| path.display().to_string());
        if disk == Disk::Good {
            tracing::info!(state, "the state file is written again");
        } else {
            tracing::warn!(
                state,
                why,
                "the state file is not written: a restart now would not know the last list; see that its directory exists and can be written to"
            );
        }
        self.disk = disk;
    }
}
