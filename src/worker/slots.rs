//! The connections of a worker, by number.

use super::connection::Connection;
use super::token::{GENERATION_MASK, Operation, Token};

/// Places of a chunk: some 45 KiB.
const CHUNK: usize = 256;

/// A table whose places are used again once nothing of their last tenant is in the kernel.
///
/// It grows by chunks, which are never moved: a table in one piece would be copied each time it doubles, and an
/// allocator keeps what it was copied from.
///
/// Invariants: all chunks but the last are full, and none is longer than [`CHUNK`]; a place is in `free` exactly when it holds no connection; `generation` rises when a tenant
/// leaves, so that a late word for it finds nobody.
#[derive(Debug, Default)]
pub(super) struct Slots {
    chunks: Vec<Vec<Place>>,
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
            if let Some(place) = self.place(slot) {
                place.connection = Some(connection);
            }
            return slot;
        }
        let slot = self.places();
        if (slot as usize).is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
            // Who leaves needs no memory for that.
            self.free.reserve(self.chunks.len() * CHUNK);
        }
        if let Some(last) = self.chunks.last_mut() {
            last.push(Place { generation: 0, connection: Some(connection) });
        }
        slot
    }

    /// Frees a place.
    pub fn remove(&mut self, slot: u32) -> Option<Connection> {
        let place = self.place(slot)?;
        let connection = place.connection.take()?;
        place.generation = (place.generation + 1) & GENERATION_MASK;
        self.free.push(slot);
        Some(connection)
    }

    /// The connection in a place.
    pub fn at(&mut self, slot: u32) -> Option<&mut Connection> {
        self.place(slot)?.connection.as_mut()
    }

    /// The connection that a token speaks of, unless it has left.
    pub fn of(&mut self, token: Token) -> Option<&mut Connection> {
        let place = self.place(token.slot)?;
        place.connection.as_mut().filter(|_| place.generation == token.generation)
    }

    /// The token for an operation on the connection in a place.
    pub fn token(&self, operation: Operation, slot: u32) -> Token {
        let place = &self.chunks[slot as usize / CHUNK][slot as usize % CHUNK];
        Token::new(operation, slot, place.generation)
    }

    /// Connections held.
    pub fn len(&self) -> usize {
        self.places() as usize - self.free.len()
    }

    /// One more than the greatest place ever used.
    pub fn places(&self) -> u32 {
        // Far beyond what descriptors allow, so the number always fits.
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len()) as u32
    }

    fn place(&mut self, slot: u32) -> Option<&mut Place> {
        self.chunks.get_mut(slot as usize / CHUNK)?.get_mut(slot as usize % CHUNK)
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
    fn grows_by_chunks_and_fills_gaps_first() {
        let mut slots = Slots::default();
        for expected in 0..=2 * CHUNK as u32 {
            assert_eq!(slots.insert(connection()), expected);
        }
        assert_eq!((slots.len(), slots.places()), (2 * CHUNK + 1, 2 * CHUNK as u32 + 1));
        for gap in [3, CHUNK as u32, 2 * CHUNK as u32] {
            assert!(slots.remove(gap).is_some() && slots.at(gap).is_none());
            assert_eq!(slots.insert(connection()), gap);
            assert_eq!(slots.token(Operation::Send, gap).generation, 1);
        }
        assert_eq!(slots.len(), 2 * CHUNK + 1);
        assert!(slots.at(2 * CHUNK as u32 + 1).is_none());
    }

    #[test]
    fn an_idle_connection_is_small() {
        // The rest of its 256 bytes is for its places in the lists of a batch.
        assert!(size_of::<Place>() <= 200, "{}", size_of::<Place>());
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
