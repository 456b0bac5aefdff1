//! What one worker remembers of the clients that it served a list.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Instant;

use crate::limits::CENSUS_WINDOW;

/// A client's place in the table, kept by each of its connections, so that later lists cost no look-up.
///
/// Another client may have got the place since: the tenancy tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    place: u32,
    tenancy: NonZeroU32,
}

/// There is no room for one more client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// The clients of one worker.
///
/// Invariants: `places` has each place that holds a client under its address, and no other; a place holds nobody
/// exactly when it is in `free`; no two tenancies are the same, short of four billion of them. Nobody in it was served
/// last before `oldest`.
#[derive(Debug)]
pub struct Table {
    places: HashMap<IpAddr, u32>,
    clients: Vec<Client>,
    free: Vec<u32>,
    clients_max: usize,
    tenancy: NonZeroU32,
    /// When the one who was served longest ago was served, or before: until the window from then is over, there is nobody to
    /// replace, and none is looked for.
    oldest: Option<Instant>,
}

#[derive(Debug)]
struct Client {
    address: IpAddr,
    /// None where the place is free.
    tenancy: Option<NonZeroU32>,
    version: u32,
    at: Instant,
}

/// A client as it is told to the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Its address.
    pub address: IpAddr,
    /// The version it was served last by this worker.
    pub version: u32,
    /// When.
    pub at: Instant,
}

/// All that a table knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roll {
    /// The clients, in no order.
    pub clients: Vec<Seen>,
    /// How many can be remembered.
    pub clients_max: usize,
}

impl Table {
    /// A table for so many clients. With none, nobody is to be asked for an address.
    pub fn new(clients_max: usize) -> Self {
        Self {
            places: HashMap::new(),
            clients: Vec::new(),
            free: Vec::new(),
            clients_max,
            tenancy: NonZeroU32::MIN,
            oldest: None,
        }
    }

    /// Whether clients are remembered.
    pub fn is_on(&self) -> bool {
        self.clients_max > 0
    }

    /// Remembers so many clients from now on. Where there are more, all are forgotten: they come back with their next list.
    pub fn resize(&mut self, clients_max: usize) {
        let tenancy = self.tenancy;
        if clients_max < self.clients.len() {
            *self = Self { tenancy, ..Self::new(clients_max) };
        }
        self.clients_max = clients_max;
    }

    /// The client in a seat was served a list. False where another client has the seat, or nobody: then it is to be
    /// [`seated`](Table::seat) again.
    pub fn serve(&mut self, seat: Seat, version: u32, now: Instant) -> bool {
        match self.clients.get_mut(seat.place as usize) {
            Some(client) if client.tenancy == Some(seat.tenancy) => {
                (client.version, client.at) = (version, now);
                true
            }
            _ => false,
        }
    }

    /// Whether there may be room for one more client; cheap, and an address need not be asked for before.
    pub fn may_have_room(&self, now: Instant) -> bool {
        let is_due = |oldest| now.saturating_duration_since(oldest) > CENSUS_WINDOW;
        !self.free.is_empty() || self.clients.len() < self.clients_max || self.oldest.is_some_and(is_due)
    }

    /// The client at this address was served a list: finds its seat, or gives it one. Where there is none left, those that
    /// were served nothing for longer than the window go first.
    pub fn seat(&mut self, address: IpAddr, version: u32, now: Instant) -> Result<Seat, Full> {
        if let Some(&place) = self.places.get(&address)
            && let Some(tenancy) = self.clients[place as usize].tenancy
        {
            let seat = Seat { place, tenancy };
            self.serve(seat, version, now);
            return Ok(seat);
        }
        if self.free.is_empty() && self.clients.len() >= self.clients_max && self.may_have_room(now) {
            self.forget_old(now);
        }
        let tenancy = self.tenancy;
        let client = Client { address, tenancy: Some(tenancy), version, at: now };
        let place = match self.free.pop() {
            Some(place) => {
                self.clients[place as usize] = client;
                place
            }
            None if self.clients.len() < self.clients_max => {
                self.clients.push(client);
                // Bounded by `clients_tracked_max`, which is less.
                (self.clients.len() - 1) as u32
            }
            None => return Err(Full),
        };
        self.tenancy = tenancy.checked_add(1).unwrap_or(NonZeroU32::MIN);
        self.oldest.get_or_insert(now);
        self.places.insert(address, place);
        Ok(Seat { place, tenancy })
    }

    /// Frees every place whose client is older than the window. All in one look, since the next newcomers will want them: so
    /// each look that finds somebody frees a place that was held for a window, and one that finds nobody is not
    /// repeated before somebody may be that old.
    fn forget_old(&mut self, now: Instant) {
        let mut oldest = None;
        for (place, client) in
            self.clients.iter_mut().enumerate().filter(|(_, client)| client.tenancy.is_some())
        {
            if now.saturating_duration_since(client.at) > CENSUS_WINDOW {
                client.tenancy = None;
                self.places.remove(&client.address);
                self.free.push(place as u32);
            } else {
                oldest = Some(oldest.map_or(client.at, |at: Instant| at.min(client.at)));
            }
        }
        self.oldest = oldest;
    }

    /// A copy of it all.
    pub fn roll(&self) -> Roll {
        let held = self.clients.iter().filter(|client| client.tenancy.is_some());
        let seen = |client: &Client| Seen { address: client.address, version: client.version, at: client.at };
        Roll { clients: held.map(seen).collect(), clients_max: self.clients_max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn address(n: u8) -> IpAddr {
        [10, 0, 0, n].into()
    }

    fn versions(table: &Table) -> Vec<(IpAddr, u32)> {
        let mut seen: Vec<_> = table.roll().clients.iter().map(|seen| (seen.address, seen.version)).collect();
        seen.sort_unstable();
        seen
    }

    #[test]
    fn connections_of_one_client_share_a_seat_and_the_latest_wins() {
        let (mut table, now) = (Table::new(2), Instant::now());
        let seat = table.seat(address(1), 7, now).unwrap();
        assert_eq!(table.seat(address(1), 8, now), Ok(seat));
        assert_eq!(versions(&table), [(address(1), 8)]);
        assert!(table.serve(seat, 7, now + Duration::from_secs(1)));
        assert_eq!(versions(&table), [(address(1), 7)]);
        assert_eq!(table.roll().clients[0].at, now + Duration::from_secs(1));
    }

    #[test]
    fn holds_so_many_and_not_one_more_until_one_is_older_than_the_window() {
        let (mut table, now) = (Table::new(2), Instant::now());
        let first = table.seat(address(1), 7, now).unwrap();
        let second = table.seat(address(2), 7, now).unwrap();
        assert!(!table.may_have_room(now));
        assert_eq!(table.seat(address(3), 7, now), Err(Full));
        let later = now + CENSUS_WINDOW;
        assert!(table.serve(second, 8, later));
        assert_eq!(table.seat(address(3), 8, later), Err(Full), "at the window itself");
        let late = later + Duration::from_nanos(1);
        assert!(table.may_have_room(late));
        let third = table.seat(address(3), 9, late).unwrap();
        assert_eq!(versions(&table), [(address(2), 8), (address(3), 9)]);
        assert!(!table.serve(first, 9, late), "its seat is another's");
        assert!(table.serve(third, 9, late) && table.serve(second, 9, late));
        assert_eq!(table.seat(address(1), 9, late), Err(Full));
        assert!(!table.may_have_room(later + CENSUS_WINDOW), "nobody is looked for before");
    }

    #[test]
    fn one_look_forgets_all_that_are_old() {
        let (mut table, now) = (Table::new(200), Instant::now());
        for n in 0..200 {
            table.seat(address(n), 7, now).unwrap();
        }
        let late = now + CENSUS_WINDOW + Duration::from_secs(1);
        table.seat(address(250), 8, late).unwrap();
        assert_eq!(versions(&table), [(address(250), 8)]);
        assert_eq!(table.free.len(), 199);
        for n in 0..199 {
            table.seat(address(n), 8, late).unwrap();
        }
        assert_eq!(table.seat(address(249), 8, late), Err(Full));
        assert_eq!((table.clients.len(), table.places.len()), (200, 200));
    }

    #[test]
    fn a_smaller_table_begins_anew_and_a_larger_one_goes_on() {
        let (mut table, now) = (Table::new(2), Instant::now());
        let seats = [1, 2].map(|n| table.seat(address(n), 7, now).unwrap());
        table.resize(3);
        assert!(table.serve(seats[1], 8, now) && table.seat(address(3), 7, now).is_ok());
        table.resize(2);
        assert!(versions(&table).is_empty() && !table.serve(seats[0], 9, now));
        let seat = table.seat(address(1), 9, now).unwrap();
        assert!(!seats.contains(&seat), "an old seat is nobody's");
        table.resize(0);
        assert!(!table.is_on() && table.roll() == Roll::default());
        assert_eq!(table.seat(address(1), 9, now), Err(Full));
    }
}
