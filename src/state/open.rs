//! The state file at the start: read, and claimed for this process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::{Error, State, load};

/// What a start finds.
#[derive(Debug)]
pub struct Opened {
    /// Where the file really is: a symbolic link is followed once and not replaced.
    pub path: PathBuf,
    /// What it remembers, or why that is nothing.
    pub state: Result<State, Error>,
    /// Whose it is.
    pub claim: Claim,
}

/// Whether this process may write the file.
#[derive(Debug)]
pub enum Claim {
    /// Yes, as long as this is kept: a lock on a file beside it, since the file itself is replaced with each write.
    Held(File),
    /// Another process has it. Two that write one file would undo each other's versions.
    Taken,
    /// There is no telling: the lock can't be made.
    Unknown,
    /// What is there is no file that may be replaced (a pipe, a device), or was not read in time.
    Refused,
}

/// Reads and claims the state file. May block as long as its disk does.
pub fn open(path: &Path) -> Opened {
    // A link to a file that is not there yet is followed too.
    let path = fs::canonicalize(path).unwrap_or_else(|_| match fs::read_link(path) {
        Ok(target) => path.parent().unwrap_or(Path::new("")).join(target),
        Err(_) => path.into(),
    });
    let claim = claim(&path);
    if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
        let state = Err(Error::Damaged(path.clone(), "it is no regular file".into()));
        return Opened { state, path, claim: Claim::Refused };
    }
    let state = load(&path);
    if matches!((&state, &claim), (Err(Error::Damaged(..)), Claim::Held(_) | Claim::Unknown)) {
        // The next write takes its place: whoever wants to know what was in it finds it beside.
        let mut kept = path.as_os_str().to_owned();
        kept.push(".bad");
        let _ = fs::rename(&path, kept);
    }
    Opened { state, path, claim }
}

/// Claims a state file, where it really is, for this process. May block as long as its disk does.
pub(super) fn claim(path: &Path) -> Claim {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    match OpenOptions::new().create(true).truncate(false).write(true).open(beside) {
        Ok(lock) => match lock.try_lock() {
            Ok(()) => Claim::Held(lock),
            Err(TryLockError::WouldBlock) => Claim::Taken,
            Err(TryLockError::Error(_)) => Claim::Unknown,
        },
        Err(_) => Claim::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::super::store;
    use super::*;

    #[test]
    fn one_process_at_a_time_and_a_link_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("real"), directory.path().join("link"));
        store(&real, &State::default()).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let first = open(&link);
        assert_eq!(first.path, fs::canonicalize(&real).unwrap());
        assert!(first.state.is_ok() && matches!(first.claim, Claim::Held(_)));
        assert!(matches!(open(&real).claim, Claim::Taken));
        drop(first);
        assert!(matches!(open(&real).claim, Claim::Held(_)));
        let absent = open(&directory.path().join("absent/state"));
        assert!(matches!((absent.state, absent.claim), (Err(Error::Absent(_)), Claim::Unknown)));
    }
}
