//! Mail from the control plane to a worker: a queue, and an eventfd that wakes the worker's ring.
//!
//! The queue is bounded by what its senders may have under way (`STATS_WAITERS_MAX` answers and a
//! few orders), so it needs no bound of its own and a sender never waits for a worker.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use ipnet::IpNet;

use bytes::Bytes;
use rustix::event::{EventfdFlags, eventfd};
use tokio::sync::mpsc::UnboundedSender;

use crate::census::Roll;

/// Something a worker is told.
#[derive(Debug)]
pub enum Mail {
    /// The answer to a `stats` that it passed on.
    Stats {
        /// What the worker called the client that waits.
        token: u64,
        /// The upstream's answer, or the line to end the session with.
        answer: Result<Bytes, &'static str>,
    },
    /// There is something to serve: accept.
    Serve,
    /// Accept on these listeners too.
    Listen(Vec<OwnedFd>),
    /// Take the connections that are queued at this address, and close it. Those that are established go on.
    Unlisten(SocketAddr),
    /// Other bounds.
    Limits {
        /// Connections of all workers together; those that are there already stay.
        connections_max: usize,
        /// Refused connections of a worker that linger at a time.
        refused_max: usize,
        /// Time after which a connection that asks nothing is closed; zero is never.
        idle_timeout: Duration,
        /// Time after which an unfinished request closes its connection; zero is never.
        request_timeout: Duration,
        /// Networks whose clients are let in from now on; none is every one.
        allow: Arc<[IpNet]>,
        /// Connections of one host, of clients that come from now on.
        connections_per_ip_max: Option<usize>,
        /// Clients that a worker remembers; zero is none.
        clients_tracked_max: usize,
    },
    /// Send a copy of what is known of the clients.
    Census(UnboundedSender<Roll>),
    /// Take the connections that are queued, then no more; answer what was asked; leave.
    Drain,
    /// Send copies of the listening sockets, which go on accepting.
    Lend(UnboundedSender<io::Result<Vec<OwnedFd>>>),
    /// As [`Mail::Drain`], but the queues of these addresses belong to another process from now on.
    HandOver {
        /// The addresses that it listens on.
        keeps: Arc<[SocketAddr]>,
        /// Dropped when none of them is accepted on any more.
        stopped: UnboundedSender<Infallible>,
    },
    /// Drop this, which tells that mail is taken.
    Alive(UnboundedSender<Infallible>),
    /// Leave, whatever is under way.
    Leave,
}

/// Where mail is put in; one per sender.
#[derive(Debug, Clone)]
pub struct Postbox {
    mail: Sender<Mail>,
    bell: Arc<OwnedFd>,
}

/// Where a worker takes its mail out.
#[derive(Debug)]
pub struct Mailbox {
    mail: Receiver<Mail>,
    bell: Arc<OwnedFd>,
}

/// A mailbox and the postbox that leads to it.
pub fn pair() -> io::Result<(Postbox, Mailbox)> {
    let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
    let (sender, receiver) = channel();
    Ok((Postbox { mail: sender, bell: bell.clone() }, Mailbox { mail: receiver, bell }))
}

impl Postbox {
    /// Sends, and wakes the worker. Mail to a worker that has left is dropped.
    pub fn post(&self, mail: Mail) {
        if self.mail.send(mail).is_ok() {
            // It fails only when 2^64 - 2 rings are unheard, and then the worker is awake anyway.
            let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
        }
    }
}

impl Mailbox {
    /// The next piece of mail, if there is one.
    pub fn take(&self) -> Option<Mail> {
        self.mail.try_recv().ok()
    }

    /// Readable (8 bytes) when there is mail.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_arrives_in_order_and_rings_the_bell() {
        let (postbox, mailbox) = pair().unwrap();
        postbox.post(Mail::Stats { token: 7, answer: Err("no") });
        postbox.post(Mail::Drain);
        let mut count = [0; 8];
        rustix::io::read(mailbox.bell(), &mut count).unwrap();
        assert_eq!(u64::from_ne_bytes(count), 2);
        assert!(matches!(mailbox.take(), Some(Mail::Stats { token: 7, answer: Err("no") })));
        assert!(matches!(mailbox.take(), Some(Mail::Drain)));
        assert!(mailbox.take().is_none());
        drop(mailbox);
        postbox.post(Mail::Drain);
    }
}
