//! Listeners come and go while a worker runs.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use socket2::Socket;

use super::listener::Listener;
use super::token::{Operation, Token};
use super::{Phase, Worker};

impl Worker {
    /// Accepts on these too, from now on or from when it accepts at all.
    pub(super) fn listen(&mut self, sockets: Vec<OwnedFd>) {
        if !matches!(self.phase, Phase::Waiting | Phase::Serving) {
            return;
        }
        for socket in sockets {
            let listener = Listener::new(Socket::from(socket));
            // The place of one that is gone, of which nothing is in the kernel any more.
            match self.listeners.iter_mut().find(|place| place.is_gone()) {
                Some(place) => *place = listener,
                None => self.listeners.push(listener),
            }
        }
        self.accept_everywhere();
    }

    /// Closes the listener of an address, once what the kernel has queued is taken.
    pub(super) fn unlisten(&mut self, address: SocketAddr) {
        let is_it = |listener: &Listener| {
            let socket = listener.socket.as_ref().filter(|_| !listener.leaving);
            socket.and_then(|socket| socket.local_addr().ok()?.as_socket()) == Some(address)
        };
        if let Some(number) = self.listeners.iter().position(is_it) {
            self.listeners[number].leaving = true;
            self.end_accept(number);
        }
    }

    /// Ends the accept on a listener that takes no more; what is queued follows when it has ended.
    pub(super) fn end_accept(&mut self, number: usize) {
        if self.listeners[number].accepting {
            let accept = Token::of(Operation::Accept, number as u32);
            self.ring.cancel(accept, Token::of(Operation::Ignored, 0));
        } else {
            self.take_queued(number);
        }
    }
}
