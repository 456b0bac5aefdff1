//! One connection: its socket, its session, and what of it is in the kernel.

use std::num::NonZeroU32;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::admission::Host;
use crate::census::Seat;
use crate::session::{Farewell, Outbox, Session};

/// Whether input comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Receiving {
    /// No receive is in the kernel.
    Off,
    /// A multishot receive is.
    On,
    /// It is being cancelled; its last completion is still to come.
    Stopping,
}

/// How what is owed goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    /// No send is in the kernel.
    Off,
    /// An inline one of so many bytes is: unless it fails, its completion never comes.
    Inline(u32),
    /// None is; the last one found the socket full, so the next has to wait for room.
    Full,
    /// One that waits for room is.
    Waiting,
}

/// What the session waits for before it takes the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Nothing but input.
    No,
    /// The client to read what it is owed.
    ForRoom,
    /// An upstream's answer to `stats`.
    ForStats,
}

/// Why it is not remembered which version a client was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stranger {
    /// It was served none.
    New,
    /// There was no room.
    Untracked,
    /// The kernel does not know its address.
    Unknown,
}

/// How far the end of a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    /// It is open.
    No,
    /// When all it is owed is sent.
    AfterReplies(Farewell),
    /// All is sent and said, and nothing is `active` from then on; what the client still sends is thrown away
    /// until it closes, or has lingered long enough.
    Lingering { thrown: u32 },
    /// The descriptor is gone; the slot waits for its last completion.
    Closed,
}

/// A time of a worker's clock, in milliseconds: a quarter of an [`Instant`], as every connection has room for one.
///
/// It wraps after 49 days, which no request is let to take: connections with one are looked at every half a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(NonZeroU32);

impl Moment {
    /// So long after the worker's start.
    pub fn after(time: Duration) -> Self {
        // The first millisecond of each round is taken for the second.
        Self(NonZeroU32::new(time.as_millis() as u32).unwrap_or(NonZeroU32::MIN))
    }

    /// The time from `earlier` to this one.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.get().wrapping_sub(earlier.0.get()).into())
    }
}

/// A client's connection.
///
/// Invariants: at most one send and one receive are in the kernel; the slot is freed only when neither is.
/// The outbox holds the memory that a send reads until its completion.
#[derive(Debug)]
pub(super) struct Connection {
    /// Absent once closed.
    pub socket: Option<OwnedFd>,
    pub session: Session,
    pub outbox: Outbox,
    pub receiving: Receiving,
    pub sending: Sending,
    pub waiting: Waiting,
    pub closing: Closing,
    /// The client sends nothing more (half-close), or is not listened to any more (drain).
    pub input_ended: bool,
    /// Whether it holds one of the places that `connections_max` bounds; a refused one does not.
    pub admitted: bool,
    /// Whom it counts as one of, where connections of a host are counted.
    pub host: Option<Host>,
    /// When the request began that the session has a part of; bytes of it that come later change nothing.
    pub unfinished_since: Option<Moment>,
    /// Where it is remembered which version the client was served.
    pub seat: Option<Seat>,
    /// Why not, where it has no seat.
    pub stranger: Stranger,
    /// Whether a receive has ever been in the kernel.
    pub received: bool,
    /// Whether it is on the list of slots to settle.
    pub touched: bool,
    /// Whether it is on the list of those that found no buffer.
    pub starved: bool,
    /// When bytes last went either way.
    pub active: Instant,
}

impl Connection {
    pub fn new(socket: OwnedFd, now: Instant, admitted: bool, host: Option<Host>) -> Self {
        Self {
            socket: Some(socket),
            session: Session::default(),
            outbox: Outbox::default(),
            receiving: Receiving::Off,
            sending: Sending::Off,
            waiting: Waiting::No,
            closing: Closing::No,
            input_ended: false,
            admitted,
            host,
            unfinished_since: None,
            seat: None,
            stranger: Stranger::New,
            received: false,
            touched: false,
            starved: false,
            active: now,
        }
    }

    /// Sees whether the session is left with a part of a request, now that it was given something. `untouched` is
    /// how many bytes it would have if it had taken no request of them. True where it is.
    pub fn see_unfinished(&mut self, untouched: usize, clock: impl FnOnce() -> Moment) -> bool {
        let unread = self.session.unread();
        if unread == 0 {
            self.unfinished_since = None;
        } else if unread != untouched || self.unfinished_since.is_none() {
            // A request was taken, so that this is another one.
            self.unfinished_since = Some(clock());
        }
        unread > 0
    }

    /// Whether it is for the client to go on with a request that it has begun, and since when.
    pub fn awaited_since(&self) -> Option<Moment> {
        let awaited = self.closing == Closing::No && self.waiting == Waiting::No;
        self.unfinished_since.filter(|_| awaited)
    }

    /// Whether a send is in the kernel.
    pub fn is_sending(&self) -> bool {
        matches!(self.sending, Sending::Inline(_) | Sending::Waiting)
    }

    /// Whether something is to follow as soon as what is owed has been sent.
    pub fn waits_for_send(&self) -> bool {
        self.closing != Closing::No || self.input_ended || self.waiting == Waiting::ForRoom
    }

    /// Whether nothing of it is in the kernel.
    pub fn is_quiet(&self) -> bool {
        !self.is_sending() && self.receiving == Receiving::Off
    }

    /// Whether everything that was asked has been answered and sent.
    pub fn is_settled(&self) -> bool {
        !self.is_sending() && self.outbox.is_empty() && self.waiting == Waiting::No
    }
}
