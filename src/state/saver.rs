//! Keeps the state file up to date, without ever waiting long for a disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::open::claim;
use super::{Claim, State, store};
use crate::limits::SAVE_WAIT;
use crate::offload::offload;

/// Writes the newest state, one write at a time.
///
/// Invariants: `wanted` is newer than what is being written; where a write fails, what it was to write is
/// `wanted` again unless something newer is.
#[derive(Debug)]
pub struct Saver {
    path: Option<Arc<PathBuf>>,
    /// Kept as long as the file is ours.
    claim: Option<Claim>,
    /// Whether another process may have the file now: nothing is written before it is claimed again.
    lent: bool,
    wanted: Option<State>,
    writing: Option<Writing>,
    disk: Disk,
    /// Why the file is not written, where it should be.
    fault: Option<String>,
    /// How a state is written; tests have slower ways.
    store: fn(&Path, &State) -> io::Result<()>,
}

impl Default for Saver {
    fn default() -> Self {
        Self {
            path: None,
            claim: None,
            lent: false,
            wanted: None,
            writing: None,
            disk: Disk::Good,
            fault: None,
            store,
        }
    }
}

/// A write under way, and what it writes.
#[derive(Debug)]
struct Writing {
    outcome: oneshot::Receiver<io::Result<()>>,
    state: State,
}

/// What the last write came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    Good,
    Failing,
    Hanging,
}

impl Saver {
    /// A saver to this file, if this process may write it. (The default one saves nothing.)
    pub fn new(path: PathBuf, claim: Claim) -> Self {
        let why = match claim {
            Claim::Taken => {
                "another process has the state file: this one does not write it; give each its own with --state"
            }
            Claim::Refused => {
                "the state file is not written: it was not read, or is none; a restart will not know the list"
            }
            Claim::Held(_) | Claim::Unknown => "",
        };
        if !why.is_empty() {
            let state = path.display().to_string();
            tracing::warn!(state, "{why}");
            return Self { fault: Some(format!("{why} ({state})")), ..Self::default() };
        }
        Self { path: Some(Arc::new(path)), claim: Some(claim), ..Self::default() }
    }

    /// Why the file is not written, in a sentence, where it should be.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
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
        if self.lent && !self.reclaim().await {
            return;
        }
        if self.writing.is_none()
            && let (Some(path), Some(state)) = (self.path.clone(), self.wanted.take())
        {
            let (written, store) = (state.clone(), self.store);
            match offload("state", move || store(&path, &written)) {
                Ok(outcome) => self.writing = Some(Writing { outcome, state }),
                Err(error) => self.note(Err(error), state),
            }
            self.finish().await;
        }
    }

    /// Lets go of the file for another process that goes on with it; the next save claims it again. False where that
    /// can't be, for a write that hangs: it would undo what the other one writes.
    pub async fn lend(&mut self) -> bool {
        self.finish().await;
        if self.writing.is_some() {
            return false;
        }
        self.claim = None;
        self.lent = true;
        true
    }

    /// Claims the file again, unless the other process has it still.
    async fn reclaim(&mut self) -> bool {
        let Some(path) = self.path.clone() else { return false };
        let Ok(claimed) = offload("state", move || claim(&path)) else { return false };
        match tokio::time::timeout(SAVE_WAIT, claimed).await {
            Ok(Ok(claim @ (Claim::Held(_) | Claim::Unknown))) => {
                self.claim = Some(claim);
                self.lent = false;
                true
            }
            _ => false,
        }
    }

    /// Waits for the write under way.
    async fn finish(&mut self) {
        let Some(Writing { mut outcome, state }) = self.writing.take() else { return };
        let wait = if self.disk == Disk::Hanging { Default::default() } else { SAVE_WAIT };
        match tokio::time::timeout(wait, &mut outcome).await {
            Ok(outcome) => {
                self.note(outcome.unwrap_or_else(|_| Err(io::Error::other("the write was lost"))), state);
            }
            Err(_) => {
                self.writing = Some(Writing { outcome, state });
                self.turn(Disk::Hanging, "it takes long; lists are served without waiting for it");
            }
        }
    }

    fn note(&mut self, outcome: io::Result<()>, state: State) {
        match outcome {
            Ok(()) => self.turn(Disk::Good, "written"),
            Err(error) => {
                self.wanted.get_or_insert(state);
                self.turn(Disk::Failing, &error.to_string());
            }
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
            self.fault = None;
        } else {
            let path = state.as_deref().unwrap_or_default();
            self.fault = Some(format!(
                "the state file {path} is not written ({why}): a restart now would not know the last list"
            ));
            tracing::warn!(
                state,
                why,
                "the state file is not written: a restart now would not know the last list; see that its directory exists and can be written to"
            );
        }
        self.disk = disk;
    }
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::*;
    use crate::cluster::{Cluster, Node, Version};

    fn state(version: u64) -> State {
        let nodes = vec![Node::new("a", "", 1)];
        State {
            served: Version::new(version).map(|version| Cluster { version, nodes }),
            sources: vec![],
            rollout: None,
        }
    }

    /// Writes once a file beside it says so.
    fn store_when_told(path: &Path, state: &State) -> io::Result<()> {
        while !path.with_extension("go").exists() {
            std::thread::park_timeout(std::time::Duration::from_millis(5));
        }
        store(path, state)
    }

    #[test]
    fn what_came_during_a_slow_write_is_written_after_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let mut saver = Saver::new(path.clone(), Claim::Unknown);
        saver.store = store_when_told;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            saver.save(state(1)).await;
            assert_eq!(saver.disk, Disk::Hanging);
            saver.save(state(2)).await;
            saver.save(state(3)).await;
            assert!(load(&path).is_err());
            std::fs::write(path.with_extension("go"), "").unwrap();
            while saver.writing.is_some() || saver.wanted.is_some() {
                saver.retry().await;
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(saver.disk, Disk::Good);
        assert_eq!(load(&path).unwrap(), state(3));
    }

    #[test]
    fn a_write_that_failed_is_tried_again_with_the_newest_state() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("absent/state");
        let mut saver = Saver::new(path.clone(), Claim::Unknown);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            saver.save(state(1)).await;
            saver.save(state(2)).await;
            assert_eq!(saver.disk, Disk::Failing);
            assert!(saver.fault().is_some_and(|fault| fault.contains("absent/state is not written (")));
            std::fs::create_dir(directory.path().join("absent")).unwrap();
            saver.retry().await;
        });
        assert_eq!(load(&path).unwrap(), state(2));
        assert_eq!(saver.fault(), None);
    }

    #[test]
    fn what_was_lent_is_written_again_when_the_other_process_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let mut saver = Saver::new(path.clone(), claim(&path));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            saver.save(state(1)).await;
            assert!(matches!(claim(&path), Claim::Taken));
            assert!(saver.lend().await);
            let other = claim(&path);
            assert!(matches!(other, Claim::Held(_)));
            saver.save(state(2)).await;
            assert_eq!(load(&path).unwrap(), state(1), "the other one's");
            drop(other);
            saver.retry().await;
            assert_eq!(load(&path).unwrap(), state(2));
            assert!(matches!(claim(&path), Claim::Taken));
        });
    }

    #[test]
    fn what_another_process_has_is_not_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let mut saver = Saver::new(path.clone(), Claim::Taken);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(saver.save(state(1)));
        assert!(!path.exists());
        assert!(saver.fault().is_some_and(|fault| fault.starts_with("another process has the state file")));
    }
}
