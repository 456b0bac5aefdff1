//! What the control plane tells a worker.

use std::os::fd::AsRawFd;

use super::token::{Operation, Token};
use super::{Limits, Phase, Worker};
use crate::mailbox::Mail;

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
                Mail::Listen(sockets) => self.listen(sockets),
                Mail::Unlisten(address) => self.unlisten(address),
                Mail::Limits {
                    connections_max,
                    refused_max,
                    idle_timeout,
                    request_timeout,
                    allow,
                    connections_per_ip_max,
                } => {
                    self.limits = Limits { connections_max, refused_max, request_timeout, idle_timeout };
                    self.admission = self.admission.with(allow, connections_per_ip_max);
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
}
