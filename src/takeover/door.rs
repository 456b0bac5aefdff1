//! The unix socket at which a daemon waits for the one that takes its place.

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use super::Error;

/// Processes that may wait at the door.
const BACKLOG: i32 = 4;

/// A door, shut at first: bound beside its path, so that a path that is of no use shows at the start, and so that the
/// daemon that is at the path now keeps it until this one has taken its place.
#[derive(Debug)]
pub struct Door {
    path: PathBuf,
    /// Where it is bound until it is opened.
    beside: PathBuf,
    socket: Option<Socket>,
    /// Device and number of what is ours at the path.
    ours: Option<(u64, u64)>,
}

impl Door {
    /// Makes it, for this user alone.
    pub fn new(path: &Path) -> Result<Self, Error> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}", std::process::id()));
        let beside = PathBuf::from(beside);
        let error = |source| Error::Socket { path: path.into(), source };
        if fs::symlink_metadata(path).is_ok_and(|there| !is_socket(&there)) {
            return Err(error(io::Error::other("there is another file")));
        }
        // One left behind by a process that had this number: nobody else's name ends in it.
        let _ = fs::remove_file(&beside);
        let socket = bind(&beside).map_err(error)?;
        let door = Self { path: path.into(), beside, socket: Some(socket), ours: None };
        // Nobody can connect before it listens, so that there is no moment in which others could.
        fs::set_permissions(&door.beside, Permissions::from_mode(0o600)).map_err(error)?;
        Ok(door)
    }

    /// Opens it, at once and in place of the one that may be there: who connects finds the one or the other.
    pub fn open(&mut self) -> io::Result<UnixListener> {
        let socket = self.socket.take().ok_or(io::ErrorKind::NotConnected)?;
        socket.listen(BACKLOG)?;
        let metadata = fs::symlink_metadata(&self.beside)?;
        fs::rename(&self.beside, &self.path)?;
        self.ours = Some((metadata.dev(), metadata.ino()));
        Ok(UnixListener::from(OwnedFd::from(socket)))
    }

    /// Leaves it to who has taken over, and who makes one of its own at the same path.
    pub fn leave(&mut self) {
        self.ours = None;
    }
}

fn bind(path: &Path) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    Ok(socket)
}

fn is_socket(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.file_type().is_socket()
}

impl Drop for Door {
    fn drop(&mut self) {
        // Another's stays; and one that can't be removed is found to be deaf by the next start.
        match self.ours {
            None => drop(fs::remove_file(&self.beside)),
            Some(ours) => {
                let there = fs::symlink_metadata(&self.path).map(|there| (there.dev(), there.ino()));
                if there.is_ok_and(|there| there == ours) {
                    let _ = fs::remove_file(&self.path);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn it_is_this_users_alone_and_gone_with_its_daemon() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("door");
        let mut door = Door::new(&path).unwrap();
        assert!(UnixStream::connect(&path).is_err(), "shut");
        let _listener = door.open().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        UnixStream::connect(&path).unwrap();
        drop(door);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_next_ones_door_takes_its_place_and_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("door");
        let mut old = Door::new(&path).unwrap();
        let old_listener = old.open().unwrap();
        let mut new = Door::new(&path).unwrap();
        let new_listener = new.open().unwrap();
        drop((old, old_listener));
        UnixStream::connect(&path).unwrap();
        new_listener.accept().unwrap();
    }

    #[test]
    fn what_is_no_socket_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("door");
        fs::write(&path, "precious").unwrap();
        let error = Door::new(&path).unwrap_err().to_string();
        assert!(error.contains("another file") && error.contains("--takeover"), "{error}");
        assert!(Door::new(&directory.path().join("absent/door")).is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
