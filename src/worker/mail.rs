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
                    clients_tracked_max,
                } => {
                    self.limits = Limits {
                        connections_max,
                        refused_max,
                        request_timeout,
                        idle_timeout,
                        clients_tracked_max,
                    };
                    self.census.resize(clients_tracked_max);
                    self.admission = self.admission.with(allow, connections_per_ip_max);
                }
                // Nobody may be waiting any more.
                Mail::Census(to) => drop(to.send(self.census.roll())),
                Mail::Drain => self.drain(),
                Mail::Lend(to) => self.lend(&to),
                Mail::HandOver { keeps, stopped } => self.hand_over(&keeps, stopped),
                Mail::Alive(told) => drop(told),
                Mail::Leave => self.phase = Phase::Left,
            }
        }
        self.listen_for_bell();
    }

    pub(super) fn listen_for_bell(&mut self) {
        self.ring.listen_for_bell(self.mailbox.bell().as_raw_fd(), Token::of(Operation::Bell, 0));
    }
}
