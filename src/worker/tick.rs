//! Time passes: idle connections end, those with a request that takes too long, lingering ones, and those that a
//! draining worker need not wait for.

use std::time::{Duration, Instant};

use rustix::net::{Shutdown, shutdown};

use super::accept::ACCEPT_RETRY;
use super::connection::{Closing, Connection, Moment, Sending, Waiting};
use super::listener::Listener;
use super::token::{Operation, Token};
use super::{Limits, Phase, Worker};
use crate::limits::{DRAIN, LINGER};

/// How often a draining worker looks round.
const DRAIN_TICK: Duration = Duration::from_millis(20);
/// A connection that was silent for so long when the worker drains is not about to ask.
const DRAIN_SILENCE: Duration = Duration::from_millis(100);
/// The same where another process serves the others: nobody waits for the end of this one, and a client that has just
/// connected may be slow to ask.
const HANDED_OVER_SILENCE: Duration = Duration::from_secs(1);
/// How often connections whose time is over are looked for, while there may be some.
const SWEEP_TICK: Duration = Duration::from_millis(500);

impl Worker {
    /// Keeps the timer in the ring while there is something to look for.
    pub(super) fn keep_ticking(&mut self) {
        // One that leaves may have found no descriptor for its queue, or its accept not ended yet.
        let waits = |listener: &Listener| listener.blocked || (listener.leaving && !listener.is_gone());
        let blocked = self.listeners.iter().any(waits);
        let after = match self.phase {
            Phase::Draining(_) => DRAIN_TICK,
            _ if blocked => ACCEPT_RETRY,
            _ if self.lingering > 0 || !self.limits.idle_timeout.is_zero() => SWEEP_TICK,
            // Not for connections that are silent, as most are.
            _ if self.unfinished && !self.limits.request_timeout.is_zero() => SWEEP_TICK,
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
        let patience = if self.is_handed_over() { HANDED_OVER_SILENCE } else { DRAIN_SILENCE };
        // In the second half of the time it has, a draining worker waits for no more silence.
        let last_call = matches!(self.phase, Phase::Draining(deadline) if self.now + DRAIN / 2 >= deadline);
        let moment = self.clock()();
        self.unfinished = false;
        for slot in 0..self.slots.places() {
            let Some(connection) = self.slots.at(slot) else { continue };
            let silent = self.now.saturating_duration_since(connection.active);
            self.unfinished |= connection.awaited_since().is_some();
            if let Some(over) = over(connection, self.now, moment, &self.limits) {
                let is_open = self.take_down(slot);
                let counters = self.counters();
                let counter = match over {
                    Over::Lingered => &counters.closed,
                    Over::Idle => &counters.idle_closed,
                    Over::Late => &counters.late_closed,
                };
                counter.add(u64::from(is_open));
            } else if draining && (last_call || silent >= patience) {
                // As if the client had said that it asks no more: what it asked is answered, then it is
                // closed. It fails only where the client is gone, and then the receive says so.
                if let Some(socket) = &connection.socket {
                    let _ = shutdown(socket, Shutdown::Read);
                }
            }
        }
    }
}

/// Why a connection's time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// It was to be closed, and its client had time to read the last reply.
    Lingered,
    /// Nothing went either way for `idle_timeout`.
    Idle,
    /// A request was not finished within `request_timeout`.
    Late,
}

fn over(connection: &Connection, now: Instant, moment: Moment, limits: &Limits) -> Option<Over> {
    let silent = now.saturating_duration_since(connection.active);
    // What goes out inline goes at once: if it is not known to have gone, we are slow.
    let idle = !matches!(connection.sending, Sending::Inline(_))
        && !limits.idle_timeout.is_zero()
        && silent >= limits.idle_timeout;
    let idle = idle.then_some(Over::Idle);
    let is_late = |since| !limits.request_timeout.is_zero() && moment.since(since) >= limits.request_timeout;
    match connection.closing {
        Closing::Lingering { .. } => (silent >= LINGER).then_some(Over::Lingered),
        // One that waits for `stats` is neither idle nor late: we are.
        Closing::No if connection.waiting == Waiting::ForStats => None,
        Closing::No if connection.awaited_since().is_some_and(is_late) => Some(Over::Late),
        Closing::No | Closing::AfterReplies(_) => idle,
        Closing::Closed => None,
    }
}
