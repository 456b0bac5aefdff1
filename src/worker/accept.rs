//! Clients come in.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;

use super::ring::Completion;
use super::token::{Operation, Token};
use super::{Phase, Worker};

/// How long an accept that lacked descriptors or memory waits, unless a connection is closed before.
pub(super) const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Least time between two warnings of the same shortage.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

impl Worker {
    /// Has the ring accept on every listener that is not accepting and could.
    pub(super) fn accept_everywhere(&mut self) {
        if self.phase != Phase::Serving {
            return;
        }
        for (number, listener) in self.listeners.iter_mut().enumerate() {
            if let Some(socket) = listener.socket.as_ref().filter(|_| listener.can_accept()) {
                self.ring.accept(socket.as_raw_fd(), Token::of(Operation::Accept, number as u32));
                listener.accepting = true;
            }
        }
    }

    /// A client has come, or could not.
    pub(super) fn accepted(&mut self, completion: Completion) {
        let number = completion.token.slot as usize;
        if !completion.more {
            self.listeners[number].accepting = false;
            if self.phase == Phase::Serving && !self.listeners[number].leaving {
                self.counters().rearms.add(1);
            }
        }
        match completion.result {
            Ok(descriptor) => {
                // SAFETY: the kernel has just made this descriptor for us, and nobody else knows of it.
                let socket = unsafe { OwnedFd::from_raw_fd(descriptor as i32) };
                self.admit(socket);
            }
            // The last: the client was gone before it was accepted.
            Err(Errno::CANCELED | Errno::INTR | Errno::AGAIN | Errno::CONNABORTED | Errno::PROTO) => {}
            Err(error) => {
                // Asking again at once would fail at once, two million times a second.
                self.counters().accept_failures.add(1);
                self.listeners[number].blocked = true;
                self.warn_of_shortage(error);
            }
        }
        match self.phase {
            Phase::Draining(_) if !self.listeners[number].accepting => self.take_queued(number),
            Phase::Serving if self.listeners[number].leaving => self.end_accept(number),
            _ => self.accept_everywhere(),
        }
    }

    /// Says that clients have to wait: once a minute, however often it happens.
    fn warn_of_shortage(&mut self, error: Errno) {
        if self.warned.is_none_or(|at| self.now.duration_since(at) >= WARN_INTERVAL) {
            self.warned = Some(self.now);
            let open = self.metrics.open();
            tracing::warn!(
                worker = self.index,
                open,
                %error,
                "new clients wait: none can be accepted now; if it is for want of descriptors, raise their limit (ulimit -n, LimitNOFILE=)"
            );
        }
    }

    /// Lets listeners that lacked descriptors or memory try again.
    pub(super) fn unblock(&mut self) {
        for listener in &mut self.listeners {
            listener.blocked = false;
        }
        self.accept_everywhere();
    }
}
