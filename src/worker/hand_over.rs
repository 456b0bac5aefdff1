//! Another process goes on with the listening sockets: it gets copies of them, and this worker stops accepting.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use tokio::sync::mpsc::UnboundedSender;

use super::Worker;
use super::listener::{Listener, local_address};

impl Worker {
    /// Sends copies of the listening sockets that stay.
    pub(super) fn lend(&self, to: &UnboundedSender<io::Result<Vec<OwnedFd>>>) {
        let sockets = self.listeners.iter().filter_map(Listener::staying);
        // Who asked may have given up.
        let _ = to.send(sockets.map(|socket| socket.try_clone().map(OwnedFd::from)).collect());
    }

    /// Drains, and leaves the queues of these addresses to the process that has them now. `stopped` is dropped when the
    /// last of them is not accepted on any more.
    pub(super) fn hand_over(&mut self, keeps: &[SocketAddr], stopped: UnboundedSender<Infallible>) {
        for listener in &mut self.listeners {
            let address = listener.staying().and_then(|socket| local_address(socket).ok());
            listener.handed_over = address.is_some_and(|address| keeps.contains(&address));
        }
        self.stopped = Some(stopped);
        self.drain();
        self.note_stopped();
    }

    /// Says so when nothing that is another process's is accepted on.
    pub(super) fn note_stopped(&mut self) {
        if !self.listeners.iter().any(|listener| listener.handed_over && listener.socket.is_some()) {
            self.stopped = None;
        }
    }

    /// Whether another process goes on with the clients, so that there is no hurry.
    pub(super) fn is_handed_over(&self) -> bool {
        self.listeners.iter().any(|listener| listener.handed_over)
    }
}
