//! The old process's side: at the door.

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::wire::{is_trusted, peer, read_line, send, shown, write_line};
use super::{Estate, GO, HELLO, NO, STOPPED, addresses};
use crate::limits::{TAKEOVER, TAKEOVER_ANSWER, TAKEOVER_HELLO, TAKEOVER_STOP};

/// Wait after an accept that failed, for want of descriptors or memory.
const RETRY: Duration = Duration::from_millis(100);

/// Somebody wants to take over: asked of the daemon.
#[derive(Debug)]
pub struct Request {
    /// Told what is handed over, or why nothing is.
    pub estate: oneshot::Sender<Result<Estate, String>>,
    /// Tells who is ready to go on; closed where nobody is after all.
    pub successor: oneshot::Receiver<Successor>,
}

/// The new process, ready to accept once it hears that we do not any more.
#[derive(Debug)]
pub struct Successor {
    stream: UnixStream,
    /// The addresses that it goes on with.
    pub keeps: Vec<SocketAddr>,
}

impl Successor {
    /// Tells it that nothing of what it keeps is accepted on by us. That it can't be told is no matter: it goes on
    /// after a while.
    pub fn tell_stopped(&self) {
        let _ = write_line(&self.stream, STOPPED);
    }
}

/// Waits at the door, for one process at a time, until one has taken over or the daemon is gone. Blocks.
pub fn attend(listener: &UnixListener, requests: &mpsc::Sender<Request>) {
    while !requests.is_closed() {
        let Ok((stream, _)) = listener.accept() else {
            std::thread::park_timeout(RETRY);
            continue;
        };
        match converse(&stream, requests) {
            Ok((keeps, successor)) => {
                if successor.send(Successor { stream, keeps }).is_ok() {
                    return;
                }
            }
            Err(reason) => {
                tracing::warn!(reason, "not taken over: going on");
                // It may be gone, and then nobody needs to know.
                let _ = write_line(&stream, &format!("{NO}{reason}"));
            }
        }
    }
}

/// Hands over to who is at the door; returns once that one is ready.
fn converse(
    stream: &UnixStream,
    requests: &mpsc::Sender<Request>,
) -> Result<(Vec<SocketAddr>, oneshot::Sender<Successor>), String> {
    let failed = |error: io::Error| format!("the conversation failed: {error}");
    let begun = Instant::now();
    stream.set_write_timeout(Some(TAKEOVER_STOP)).map_err(failed)?;
    let uid = peer(stream).map_err(failed)?;
    if !is_trusted(uid) {
        return Err(format!("uid {uid} is not the user of this daemon"));
    }
    match read_line(stream, Some(begun + TAKEOVER_HELLO)).map_err(failed)? {
        Some(line) if line == HELLO => {}
        Some(line) => return Err(format!("it said {:?} and not {HELLO:?}", shown(&line))),
        None => return Err("it said nothing".into()),
    }
    let leaving = "this daemon is about to leave";
    let (estate, is_estate) = oneshot::channel();
    let (successor, is_successor) = oneshot::channel();
    requests.blocking_send(Request { estate, successor: is_successor }).map_err(|_| leaving)?;
    let estate = is_estate.blocking_recv().map_err(|_| leaving)??;
    stream.set_write_timeout(Some(TAKEOVER_ANSWER)).map_err(failed)?;
    send(stream, &estate).map_err(failed)?;
    drop(estate);
    stream.set_write_timeout(Some(TAKEOVER_STOP)).map_err(failed)?;
    let line = match read_line(stream, Some(begun + TAKEOVER)) {
        Ok(Some(line)) => line,
        Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => {
            return Err(format!("it was not ready in {} s", TAKEOVER.as_secs()));
        }
        Ok(None) | Err(_) => return Err("it left before it was ready".into()),
    };
    let keeps = line.strip_prefix(GO).and_then(addresses);
    Ok((keeps.ok_or_else(|| format!("it said {:?} and not {GO:?}", shown(&line)))?, successor))
}
