//! Time passes: idle connections end, lingering ones too, and a draining worker comes to its end.

use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{Shutdown, SocketFlags, accept_with, shutdown};

use super::accept::ACCEPT_RETRY;
use super::connection::{Closing, Connection, Waiting};
use super::token::{Operation, Token};
use super::{Phase, Worker};
use crate::limits::DRAIN;
use crate::mailbox::Mail;

/// How often a draining worker looks round.
const DRAIN_TICK: Duration = Duration::from_millis(20);
/// A connection that was silent for so long when the worker drains is not about to ask.
const DRAIN_SILENCE: Duration = Duration::from_millis(100);
/// Most queued clients that a draining worker takes in, which is more than kernels queue by default (4,096).
const QUEUED_MAX: usize = 16_384;
/// How often idle and lingering connections are looked for.
const SWEEP_TICK: Duration = Duration::from_millis(500);

impl Worker {
    /// The bell has been rung.
    pub(super) fn take_mail(&mut self) {
        while let Some(mail) = self.mailbox.take() {
            match mail {
                Mail::Stats { token, answer } => self.stats_answered(token, answer),
                Mail::Serve => {
                    self.phase = Phase::Serving;
                    self.accept_everywhere();
                }
                Mail::Drain => self.drain(),
                Mail::Leave => self.phase = Phase::Left,
            }
        }
        self.listen_for_bell();
    }

    pub(super) fn listen_for_bell(&mut self) {
        self.ring.listen_for_bell(self.mailbox.bell().as_raw_fd(), Token::of(Operation::Bell, 0));
    }

    /// Stops accepting, once what the kernel has queued is taken.
    fn drain(&mut self) {
        if matches!(self.phase, Phase::Draining(_) | Phase::Left) {
            return;
        }
        self.phase = Phase::Draining(self.now + DRAIN);
        // The timer in the ring may be set for later than a draining worker's.
        self.look_round();
        for number in 0..self.listeners.len() {
            if self.listeners[number].accepting {
                let accept = Token::of(Operation::Accept, number as u32);
                self.ring.cancel(accept, Token::of(Operation::Close, 0));
            } else {
                self.take_queued(number);
            }
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
                    return;
                }
                // The client was gone before it was accepted.
                Err(Errno::CONNABORTED | Errno::INTR | Errno::PROTO) => {}
                Err(_) => break,
            }
        }
    }

    /// Keeps the timer in the ring while there is something to look for.
    pub(super) fn keep_ticking(&mut self) {
        let blocked = self.listeners.iter().any(|listener| listener.blocked);
        let after = match self.phase {
            Phase::Draining(_) => DRAIN_TICK,
            _ if blocked => ACCEPT_RETRY,
            _ if self.lingering > 0 || !self.limits.idle_timeout.is_zero() => SWEEP_TICK,
            _ => return,
        };
        if !self.ticking {
            self.ring.tick_after(after, Token::of(Operation::Tick, 0));
            self.ticking = true;
        }
    }

    /// The timer has gone off.
    pub(super) fn ticked(&mut self) {
        self.ticking = false;
        self.unblock();
        if matches!(self.phase, Phase::Draining(_)) {
            for number in 0..self.listeners.len() {
                if !self.listeners[number].accepting {
                    self.take_queued(number);
                }
            }
        }
        self.look_round();
    }

    /// Looks for connections whose time has come.
    fn look_round(&mut self) {
        let draining = matches!(self.phase, Phase::Draining(_));
        // In the second half of the time it has, a draining worker waits for no more silence.
        let last_call = matches!(self.phase, Phase::Draining(deadline) if self.now + DRAIN / 2 >= deadline);
        for slot in 0..self.slots.places() {
            let Some(connection) = self.slots.at(slot) else { continue };
            let silent = self.now.saturating_duration_since(connection.active);
            if is_over(connection, self.now, self.limits.idle_timeout) {
                if !matches!(connection.closing, Closing::Lingering { .. }) {
                    self.counters().idle_closed.add(1);
                }
                self.close(slot);
            } else if draining && (last_call || silent >= DRAIN_SILENCE) {
                // As if the client had said that it asks no more: what it asked is answered, then it is
                // closed. It fails only where the client is gone, and then the receive says so.
                if let Some(socket) = &connection.socket {
                    let _ = shutdown(socket, Shutdown::Read);
                }
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

/// Whether a connection has lingered, or been idle, for long enough.
fn is_over(connection: &Connection, now: Instant, idle_timeout: Duration) -> bool {
    let silent = now.saturating_duration_since(connection.active);
    let idle = !idle_timeout.is_zero() && silent >= idle_timeout;
    match connection.closing {
        Closing::Lingering { until, .. } => until <= now,
        // One that waits for `stats` is not idle: we are.
        Closing::No => idle && connection.waiting != Waiting::ForStats,
        Closing::AfterReplies(_) => idle,
        Closing::Closed => false,
    }
}
