//! The old process's side: at the door.

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::wire::{is_late, is_trusted, peer, read_line, send, shown, write_line};
use super::{Estate, GO, HELLO, NO, Patience, STOPPED, addresses};

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
pub fn attend(listener: &UnixListener, requests: &mpsc::Sender<Request>, patience: Patience) {
    while !requests.is_closed() {
        let Ok((stream, _)) = listener.accept() else {
            std::thread::park_timeout(RETRY);
            continue;
        };
        match converse(&stream, requests, patience) {
            Ok((keeps, successor)) => {
                if successor.send(Successor { stream, keeps }).is_ok() {
                    return;
                }
            }
            // Nothing is said: it asks again until this process is gone, and then finds the place free.
            Err(End::Leaving) => {}
            Err(End::Refused(reason)) => {
                tracing::warn!(reason, "not taken over: going on");
                // It may be gone, and then nobody needs to know.
                let _ = write_line(&stream, &format!("{NO}{reason}"));
            }
        }
    }
}

/// Why a conversation comes to nothing.
enum End {
    /// This process leaves.
    Leaving,
    /// It goes on, and this is why.
    Refused(String),
}

impl From<String> for End {
    fn from(reason: String) -> Self {
        Self::Refused(reason)
    }
}

/// Hands over to who is at the door; returns once that one is ready.
fn converse(
    stream: &UnixStream,
    requests: &mpsc::Sender<Request>,
    patience: Patience,
) -> Result<(Vec<SocketAddr>, oneshot::Sender<Successor>), End> {
    let failed = |error: io::Error| format!("the conversation failed: {error}");
    let begun = Instant::now();
    stream.set_write_timeout(Some(patience.stop)).map_err(failed)?;
    let uid = peer(stream).map_err(failed)?;
    if !is_trusted(uid) {
        return Err(format!("uid {uid} is not the user of this daemon").into());
    }
    match read_line(stream, Some(begun + patience.hello)) {
        Ok(Some(line)) if line == HELLO => {}
        Ok(Some(line)) => return Err(format!("it said {:?} and not {HELLO:?}", shown(&line)).into()),
        Err(error) if !is_late(&error) => return Err(failed(error).into()),
        Ok(None) | Err(_) => return Err("it said nothing".to_owned().into()),
    }
    let (estate, is_estate) = oneshot::channel();
    let (successor, is_successor) = oneshot::channel();
    requests.blocking_send(Request { estate, successor: is_successor }).map_err(|_| End::Leaving)?;
    let estate = is_estate.blocking_recv().map_err(|_| End::Leaving)??;
    let late = || format!("it was not ready in {:?}", patience.ready);
    let outcome = send(stream, &estate, begun + patience.ready);
    outcome.map_err(|error| if is_late(&error) { late() } else { failed(error) })?;
    drop(estate);
    stream.set_write_timeout(Some(patience.stop)).map_err(failed)?;
    let line = match read_line(stream, Some(begun + patience.ready)) {
        Ok(Some(line)) => line,
        Err(error) if is_late(&error) => return Err(late().into()),
        Ok(None) | Err(_) => return Err("it left before it was ready".to_owned().into()),
    };
    let keeps = line.strip_prefix(GO).and_then(addresses);
    Ok((keeps.ok_or_else(|| format!("it said {:?} and not {GO:?}", shown(&line)))?, successor))
}
