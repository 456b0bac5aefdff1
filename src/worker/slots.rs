//! The connections of a worker, by number.

use super::connection::Connection;
use super::token::{GENERATION_MASK, Operation, Token};

/// A table whose places are used again once nothing of their last tenant is in the kernel.
///
/// Invariants: a place is in `free` exactly when it holds no connection; `generation` rises when a tenant
/// leaves, so that a late word for it finds nobody.
#[derive(Debug, Default)]
pub(super) struct Slots {
    places: Vec<Place>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Place {
    generation: u32,
    connection: Option<Connection>,
}

impl Slots {
    /// Takes a connection in.
    pub fn insert(&mut self, connection: Connection) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.places[slot as usize].connection = Some(connection);
            return slot;
        }
        // Far beyond what descriptors allow, so the number always fits.
        let slot = self.places.len() as u32;
        self.places.push(Place { generation: 0, connection: Some(connection) });
        slot
    }

    /// Frees a place.
    pub fn remove(&mut self, slot: u32) -> Option<Connection> {
        let place = self.places.get_mut(slot as usize)?;
        let connection = place.connection.take()?;
        place.generation = (place.generation + 1) & GENERATION_MASK;
        self.free.push(slot);
        Some(connection)
    }

    /// The connection in a place.
    pub fn at(&mut self, slot: u32) -> Option<&mut Connection> {
        self.places.get_mut(slot as usize)?.connection.as_mut()
    }

    /// The connection that a token speaks of, unless it has left.
    pub fn of(&mut self, token: Token) -> Option<&mut Connection> {
        let place = self.places.get_mut(token.slot as usize)?;
        place.connection.as_mut().filter(|_| place.generation == token.generation)
    }

    /// The token for an operation on the connection in a place.
    pub fn token(&self, operation: Operation, slot: u32) -> Token {
        Token::new(operation, slot, self.places[slot as usize].generation)
    }

    /// Connections held.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// One more than the greatest place ever used.
    pub fn places(&self) -> u32 {
        self.places.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        let (socket, _) = std::os::unix::net::UnixStream::pair().unwrap();
        Connection::new(socket.into(), std::time::Instant::now(), true, None)
    }

    #[test]
    fn an_idle_connection_is_small() {
        // The rest of its 256 bytes is for its places in the lists of a batch.
        assert!(size_of::<Place>() <= 192, "{}", size_of::<Place>());
    }

    #[test]
    fn a_late_word_for_the_last_tenant_finds_nobody() {
        let mut slots = Slots::default();
        let slot = slots.insert(connection());
        let token = slots.token(Operation::Send, slot);
        assert!(slots.of(token).is_some());
        slots.remove(slot);
        assert!(slots.of(token).is_none() && slots.len() == 0);
        assert_eq!(slots.insert(connection()), slot);
        assert!(slots.of(token).is_none(), "the place has another tenant");
        assert!(slots.at(slot).is_some());
        assert!(slots.remove(slot).is_some() && slots.remove(slot).is_none());
    }
}
