//! The new process's side.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::sync::oneshot;

use super::wire::{is_late, is_trusted, peer, read_line, receive, shown, write_line};
use super::{Error, Estate, GO, HELLO, NO, Patience, STOPPED};
use crate::offload::offload;

/// Wait between two knocks at a door behind which nobody has answered.
const KNOCK: Duration = Duration::from_millis(10);

/// The daemon that is being taken over: it serves until it is told to go.
#[derive(Debug)]
pub struct Predecessor {
    stream: UnixStream,
    path: PathBuf,
}

/// How the conversation ended.
#[derive(Debug)]
pub enum Verdict {
    /// It accepts nobody any more.
    Stopped,
    /// It goes on serving.
    Withdrew(Error),
    /// It is gone, without a word.
    Gone,
}

/// Asks the daemon at this path for what it has, if there is one. Blocks, for as long as that may take.
pub fn find(path: &Path, patience: Patience) -> Result<Option<(Predecessor, Estate)>, Error> {
    let deadline = Instant::now() + patience.answer;
    let garbage = |what: String| Error::Garbage { path: path.into(), what };
    loop {
        let stream = match knock(path) {
            Ok(stream) => stream,
            // Others wait there already, as many as may.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if Instant::now() >= deadline {
                    return Err(garbage("it lets nobody in".into()));
                }
                std::thread::park_timeout(KNOCK);
                continue;
            }
            // No socket, or one that was left behind.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                return Ok(None);
            }
            Err(source) => return Err(Error::Socket { path: path.into(), source }),
        };
        let uid = peer(&stream).map_err(|source| Error::Socket { path: path.into(), source })?;
        if !is_trusted(uid) {
            return Err(Error::Stranger { path: path.into(), uid });
        }
        // Where it has left meanwhile, the line tells.
        let _ = stream.set_write_timeout(Some(patience.stop));
        let _ = write_line(&stream, HELLO);
        match read_line(&stream, Some(deadline)) {
            Ok(Some(line)) => {
                if let Some(reason) = line.strip_prefix(NO) {
                    return Err(Error::Refused { path: path.into(), reason: shown(reason) });
                }
                let estate = receive(&stream, &line, deadline).map_err(garbage)?;
                return Ok(Some((Predecessor { stream, path: path.into() }, estate)));
            }
            // It is leaving, or was being taken over while we waited at its door: the next one has another.
            Ok(None) if Instant::now() < deadline => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset && Instant::now() < deadline => {}
            Ok(None) => return Err(garbage("it says nothing".into())),
            Err(error) if is_late(&error) => {
                return Err(garbage(format!("it says nothing for {:?}", patience.answer)));
            }
            Err(error) => return Err(garbage(format!("it says nothing: {error}"))),
        }
        std::thread::park_timeout(KNOCK);
    }
}

/// Connects, which must not wait for a place in the queue at the door: who should take those out of it may hang.
fn knock(path: &Path) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)?;
    socket.set_nonblocking(false)?;
    Ok(UnixStream::from(OwnedFd::from(socket)))
}

impl Predecessor {
    /// Listens for its last word: that it has stopped, that it goes on, or none.
    pub fn verdict(&self) -> io::Result<oneshot::Receiver<Verdict>> {
        let (stream, path) = (self.stream.try_clone()?, self.path.clone());
        offload("takeover", move || match read_line(&stream, None) {
            Ok(Some(line)) if line == STOPPED => Verdict::Stopped,
            Ok(Some(line)) => {
                let reason = shown(line.strip_prefix(NO).unwrap_or(&line));
                Verdict::Withdrew(Error::Refused { path, reason })
            }
            Ok(None) | Err(_) => Verdict::Gone,
        })
    }

    /// Tells it to stop accepting on these addresses. Where it is gone, the verdict says so.
    pub fn go(&self, keeps: &[SocketAddr]) {
        let keeps: Vec<_> = keeps.iter().map(SocketAddr::to_string).collect();
        let _ = write_line(&self.stream, &format!("{GO}{}", keeps.join(",")));
    }
}
