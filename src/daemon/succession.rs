//! From whom a daemon takes its place, and to whom it leaves it.

use std::net::SocketAddr;

use tokio::sync::{OwnedMutexGuard, mpsc, oneshot, watch};

use super::door::Turn;
use crate::config::Config;
use crate::mailbox::{Mail, Postbox};
use crate::offload::offload;
use crate::poller::Hold;
use crate::state::State;
use crate::takeover::{self, Door, Error, Estate, Patience, Predecessor, Request, Successor, Verdict};
use crate::worker::Inherited;

/// The daemon before this one, if one runs, and the door for the next.
#[derive(Debug, Default)]
pub(super) struct Succession {
    predecessor: Option<(Predecessor, oneshot::Receiver<Verdict>)>,
    /// What it served.
    pub state: Option<State>,
    door: Option<Door>,
    patience: Patience,
}

impl Succession {
    /// Asks a running daemon for its sockets and its list, where a takeover is wanted and one runs. Blocks.
    pub fn begin(config: &Config, inherited: &mut Inherited) -> Result<Self, Error> {
        let Some(path) = &config.takeover else { return Ok(Self::default()) };
        let mut succession = Self::default();
        if let Some((predecessor, Estate { sockets, state })) = takeover::find(path, succession.patience)? {
            for socket in sockets {
                let garbage = |error: crate::worker::Unusable| Error::Garbage {
                    path: path.clone(),
                    what: format!("it sent a descriptor of no use: {error}"),
                };
                inherited.add(socket).map_err(garbage)?;
            }
            let socket = |source| Error::Socket { path: path.clone(), source };
            let verdict = predecessor.verdict().map_err(socket)?;
            succession.predecessor = Some((predecessor, verdict));
            succession.state = Some(state);
        }
        succession.door = Some(Door::new(path)?);
        Ok(succession)
    }

    /// Whether a running daemon is to be taken over.
    pub fn is_taking_over(&self) -> bool {
        self.predecessor.is_some()
    }

    /// Waits for the running daemon to go on with its work instead, which it does when this one takes too long.
    pub async fn withdrawn(&mut self) -> Error {
        if let Some((_, verdict)) = &mut self.predecessor {
            if let Ok(Verdict::Withdrew(error)) = verdict.await {
                return error;
            }
            tracing::warn!("the daemon that was to be taken over is gone: its sockets are ours");
            self.predecessor = None;
        }
        std::future::pending().await
    }

    /// Has the running daemon stop accepting on these addresses, and waits until it has.
    pub async fn take_place(&mut self, addresses: &[SocketAddr]) -> Result<(), Error> {
        let Some((predecessor, verdict)) = self.predecessor.take() else { return Ok(()) };
        predecessor.go(addresses);
        match tokio::time::timeout(2 * self.patience.stop, verdict).await {
            Ok(Ok(Verdict::Withdrew(error))) => return Err(error),
            Ok(Ok(Verdict::Stopped)) => tracing::info!("taken over from the running daemon"),
            // The sockets are ours as well: there is no reason to leave clients waiting in their queues.
            _ => tracing::warn!("the daemon that is taken over does not say that it has stopped: going on"),
        }
        Ok(())
    }

    /// Opens the door to the next process. That it can't be opened harms no client.
    pub fn open(&mut self, holds: mpsc::Sender<Hold>, turn: Turn, postboxes: Vec<Postbox>) -> Heirs {
        let (sender, requests) = mpsc::channel(1);
        let patience = self.patience;
        if let Some(door) = &mut self.door {
            let opened = door.open().and_then(|listener| {
                // It ends with the process, or when another one has taken over.
                offload("takeover", move || takeover::attend(&listener, &sender, patience)).map(drop)
            });
            if let Err(error) = opened {
                tracing::warn!(%error, "the socket for takeovers can't be opened: stop this daemon before the next one starts");
            }
        }
        Heirs { requests, holds, turn, postboxes, stage: watch::Sender::new(Stage::Nobody) }
    }

    /// Leaves the door to who has taken over.
    pub fn leave(&mut self) {
        if let Some(door) = &mut self.door {
            door.leave();
        }
    }
}

/// How far a takeover from us has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is none.
    Nobody,
    /// Somebody has asked.
    Asked,
    /// Somebody has our sockets, and is not ready yet.
    Lent,
}

/// Those who come to take over.
#[derive(Debug)]
pub(super) struct Heirs {
    stage: watch::Sender<Stage>,
    requests: mpsc::Receiver<Request>,
    holds: mpsc::Sender<Hold>,
    turn: Turn,
    postboxes: Vec<Postbox>,
}

/// The one that goes on. As long as this is kept, nothing of ours changes any more.
#[derive(Debug)]
pub(super) struct Heir {
    pub successor: Successor,
    _held: oneshot::Sender<()>,
    _turn: OwnedMutexGuard<()>,
}

impl Heirs {
    /// How far it has come, from now on.
    pub fn stage(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }

    /// Waits for one that is ready to go on.
    pub async fn next(mut self) -> Heir {
        while let Some(Request { estate, successor }) = self.requests.recv().await {
            self.stage.send_replace(Stage::Asked);
            tracing::info!(
                "another process asks to take over: the list stands still until it has, or has not"
            );
            // A reload that is under way ends first; one that comes later waits until the other process is gone.
            let turn = self.turn.clone().lock_owned().await;
            let (held, until) = oneshot::channel();
            let handed_over = self.estate(until).await;
            if handed_over.is_ok() {
                self.stage.send_replace(Stage::Lent);
            }
            // Where who asked is gone, so is its successor.
            let _ = estate.send(handed_over);
            if let Ok(successor) = successor.await {
                return Heir { successor, _held: held, _turn: turn };
            }
            self.stage.send_replace(Stage::Nobody);
        }
        std::future::pending().await
    }

    /// What there is to hand over, from when on it does not change.
    async fn estate(&self, until: oneshot::Receiver<()>) -> Result<Estate, String> {
        let hangs = "its state file's disk hangs";
        let (state, is_state) = oneshot::channel();
        self.holds.send(Hold { state, until }).await.map_err(|_| hangs)?;
        let state = is_state.await.map_err(|_| hangs)?;
        let (lent, mut copies) = mpsc::unbounded_channel();
        self.postboxes.iter().for_each(|postbox| postbox.post(Mail::Lend(lent.clone())));
        drop(lent);
        let mut sockets = Vec::new();
        while let Some(copy) = copies.recv().await {
            sockets.extend(copy.map_err(|error| {
                format!("its sockets can't be copied: {error}; raise its descriptor limit (ulimit -n, LimitNOFILE=)")
            })?);
        }
        Ok(Estate { sockets, state })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::thread::{self, JoinHandle};
    use std::time::{Duration, Instant};

    use super::*;

    const SHORT: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_secs(20);

    /// One that has asked a daemon of these bounds, which never says that it has stopped.
    fn asked(old: Patience, new: Patience) -> (Succession, JoinHandle<Option<Successor>>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("door");
        let listener = UnixListener::bind(&path).unwrap();
        let (sender, mut requests) = mpsc::channel(1);
        thread::spawn(move || takeover::attend(&listener, &sender, old));
        let daemon = thread::spawn(move || {
            let Request { estate, successor } = requests.blocking_recv().unwrap();
            assert!(estate.send(Ok(Estate { sockets: Vec::new(), state: State::default() })).is_ok());
            successor.blocking_recv().ok()
        });
        let (predecessor, _) = takeover::find(&path, new).unwrap().expect("it is there");
        let verdict = predecessor.verdict().unwrap();
        let succession =
            Succession { predecessor: Some((predecessor, verdict)), patience: new, ..Default::default() };
        (succession, daemon)
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn one_that_does_not_say_that_it_has_stopped_is_waited_for_twice_as_long_as_it_has_and_no_longer() {
        let patience = Patience { stop: SHORT, ..Default::default() };
        let (mut succession, daemon) = asked(Patience::default(), patience);
        let begun = Instant::now();
        block_on(succession.take_place(&["127.0.0.1:1".parse().unwrap()])).unwrap();
        assert!((2 * SHORT..LONG).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        assert!(daemon.join().unwrap().is_some(), "it knows who is ready, and is silent");
    }

    #[test]
    fn one_that_does_not_wait_any_longer_ends_the_start() {
        let patience = Patience { ready: SHORT, ..Default::default() };
        let (mut succession, daemon) = asked(patience, Patience::default());
        let error = block_on(succession.withdrawn()).to_string();
        assert!(error.contains("it was not ready in 100ms; it goes on serving"), "{error}");
        assert!(daemon.join().unwrap().is_none());
    }
}
