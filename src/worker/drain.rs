//! The end of a worker: no new clients, what was asked is answered, and it leaves.

use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};

use super::{Phase, Worker};
use crate::limits::DRAIN;

/// Most queued clients that a draining worker takes in, which is more than kernels queue by default (4,096).
const QUEUED_MAX: usize = 16_384;

impl Worker {
    /// Stops accepting, once what the kernel has queued is taken.
    pub(super) fn drain(&mut self) {
        if matches!(self.phase, Phase::Draining(_) | Phase::Left) {
            return;
        }
        self.phase = Phase::Draining(self.now + DRAIN);
        // The timer in the ring may be set for later than a draining worker's.
        self.look_round();
        self.stop_accepting();
    }

    /// Ends the accepts, and closes the listeners of those that have ended. The kernel does not find an accept that it
    /// is just working on, which then goes on: so every tick tries again.
    pub(super) fn stop_accepting(&mut self) {
        for number in 0..self.listeners.len() {
            self.end_accept(number);
        }
    }

    /// Closes a listener, after accepting the clients in its queue: closed before, they would be reset.
    pub(super) fn take_queued(&mut self, number: usize) {
        let Some(socket) = self.listeners[number].socket.take() else { return };
        // Only now that no accept is in the ring: one on a non-blocking socket would end at once.
        if socket.set_nonblocking(true).is_err() {
            return;
        }
        // Bounded, since new ones come until it is closed.
        for _ in 0..QUEUED_MAX {
            match accept_with(socket.as_fd(), SocketFlags::CLOEXEC) {
                Ok(client) => self.admit(client),
                Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS) => {
                    // The next tick tries again, when some descriptors are free.
                    self.counters().accept_failures.add(1);
                    self.listeners[number].socket = Some(socket);
                    self.listeners[number].blocked = true;
                    return;
                }
                // The client was gone before it was accepted.
                Err(Errno::CONNABORTED | Errno::INTR | Errno::PROTO) => {}
                Err(_) => break,
            }
        }
    }

    /// Clients that are still owed something.
    pub(super) fn unanswered(&mut self) -> usize {
        let slots = 0..self.slots.places();
        slots.filter(|&slot| self.slots.at(slot).is_some_and(|connection| !connection.is_settled())).count()
    }

    /// Whether the worker can go.
    pub(super) fn is_done(&self) -> bool {
        match self.phase {
            Phase::Waiting | Phase::Serving => false,
            Phase::Draining(deadline) => {
                let listening = self.listeners.iter().any(|listener| listener.socket.is_some());
                (self.slots.len() == 0 && !listening) || self.now >= deadline
            }
            Phase::Left => true,
        }
    }
}
