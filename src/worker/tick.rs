//! Time passes: idle connections end, lingering ones too, and those that a draining worker need not wait for.

use std::time::{Duration, Instant};

use rustix::net::{Shutdown, shutdown};

use super::accept::ACCEPT_RETRY;
use super::connection::{Closing, Connection, Waiting};
use super::token::{Operation, Token};
use super::{Phase, Worker};
use crate::limits::{DRAIN, LINGER};

/// How often a draining worker looks round.
const DRAIN_TICK: Duration = Duration::from_millis(20);
/// A connection that was silent for so long when the worker drains is not about to ask.
const DRAIN_SILENCE: Duration = Duration::from_millis(100);
/// How often idle and lingering connections are looked for.
const SWEEP_TICK: Duration = Duration::from_millis(500);

impl Worker {
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
        let draining = matches!(self.phase, Phase::Draining(_));
        for number in 0..self.listeners.len() {
            if draining || self.listeners[number].leaving {
                self.end_accept(number);
            }
        }
        self.look_round();
    }

    /// Looks for connections whose time has come.
    pub(super) fn look_round(&mut self) {
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
}

/// Whether a connection has lingered, or been idle, for long enough.
fn is_over(connection: &Connection, now: Instant, idle_timeout: Duration) -> bool {
    let silent = now.saturating_duration_since(connection.active);
    let idle = !idle_timeout.is_zero() && silent >= idle_timeout;
    match connection.closing {
        Closing::Lingering { .. } => silent >= LINGER,
        // One that waits for `stats` is not idle: we are.
        Closing::No => idle && connection.waiting != Waiting::ForStats,
        Closing::AfterReplies(_) => idle,
        Closing::Closed => false,
    }
}
