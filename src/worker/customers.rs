//! Who was served which version: a connection asks for its client's address with its first list, and only then.

use super::Worker;
use super::admission::address_of;
use super::connection::Stranger;

impl Worker {
    /// Remembers that the client of a connection was just served the list.
    pub(super) fn remember(&mut self, slot: u32) {
        if !self.census.is_on() {
            return;
        }
        let version = self.reader.current().list.as_ref().map(|list| list.cluster.version.number());
        let (Some(version), Some(connection)) = (version, self.slots.at(slot)) else { return };
        if let Some(seat) = connection.seat
            && self.census.serve(seat, version, self.now)
        {
            return;
        }
        let was_untracked = connection.stranger == Stranger::Untracked;
        if connection.stranger == Stranger::Unknown || (was_untracked && !self.census.may_have_room(self.now))
        {
            return;
        }
        let Some(address) = connection.socket.as_ref().and_then(address_of) else {
            connection.stranger = Stranger::Unknown;
            return self.counters().clients_unknown.add(1);
        };
        connection.seat = self.census.seat(address, version, self.now).ok();
        if connection.seat.is_none() {
            connection.stranger = Stranger::Untracked;
            // Once a connection, however often it asks.
            self.counters().clients_untracked.add(u64::from(!was_untracked));
        }
    }
}
