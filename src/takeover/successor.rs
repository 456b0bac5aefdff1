//! The new process's side.

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::sync::oneshot;

use super::wire::{is_trusted, peer, read_line, receive, shown, write_line};
use super::{Error, Estate, GO, HELLO, NO, STOPPED};
use crate::limits::{TAKEOVER_ANSWER, TAKEOVER_STOP};
use crate::offload::offload;

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
pub fn find(path: &Path) -> Result<Option<(Predecessor, Estate)>, Error> {
    let deadline = Instant::now() + TAKEOVER_ANSWER;
    loop {
        let stream = match UnixStream::connect(path) {
            Ok(stream) => stream,
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
        let garbage = |what: String| Error::Garbage { path: path.into(), what };
        // Where it has left meanwhile, the line tells.
        let _ = stream.set_write_timeout(Some(TAKEOVER_STOP));
        let _ = write_line(&stream, HELLO);
        match read_line(&stream, Some(deadline)) {
            Ok(Some(line)) => {
                if let Some(reason) = line.strip_prefix(NO) {
                    return Err(Error::Refused { path: path.into(), reason: shown(reason) });
                }
                let estate = receive(&stream, &line, deadline).map_err(garbage)?;
                return Ok(Some((Predecessor { stream, path: path.into() }, estate)));
            }
            // It was being taken over while we waited at its door: the next one has another.
            Ok(None) if Instant::now() < deadline => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset && Instant::now() < deadline => {}
            Ok(None) => return Err(garbage("it says nothing".into())),
            Err(error) => return Err(garbage(format!("it says nothing: {error}"))),
        }
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
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
