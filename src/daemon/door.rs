//! The addresses that clients come to, and whether they may come yet.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::worker::{BindError, Listeners};

/// Whose turn it is to change what is listened on: a reload's, or that of a takeover, by us or from us. The sockets
/// that one process hands to another must stay the ones that it has.
pub(super) type Turn = Arc<Mutex<()>>;

/// What is listened on.
///
/// Invariant: while it is closed, the sockets of every address are here too, and none of them listens but those that
/// were given to this process, on which nobody of ours accepts yet.
#[derive(Debug)]
pub(super) struct Door {
    addresses: Vec<Address>,
    /// Gone once the door is open.
    closed: Option<Vec<Listeners>>,
}

/// An address as it was configured, and with the port that the kernel chose.
#[derive(Debug, Clone, Copy)]
struct Address {
    configured: SocketAddr,
    bound: SocketAddr,
}

/// What another configuration listens on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Addresses that are not listened on yet, as configured.
    pub added: Vec<SocketAddr>,
    /// Addresses that are not to be listened on any more, as bound.
    pub removed: Vec<SocketAddr>,
}

impl Door {
    /// A closed door of these sockets.
    pub fn new(configured: &[SocketAddr], listeners: Listeners) -> Self {
        let mut door = Self { addresses: Vec::new(), closed: None };
        door.note(configured, &listeners.addresses);
        door.closed = Some(vec![listeners]);
        door
    }

    fn note(&mut self, configured: &[SocketAddr], bound: &[SocketAddr]) {
        let pairs = configured.iter().zip(bound);
        self.addresses.extend(pairs.map(|(&configured, &bound)| Address { configured, bound }));
    }

    /// The addresses, with the ports that the kernel chose.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.addresses.iter().map(|address| address.bound)
    }

    /// Has the kernel queue clients from now on, whom nobody lets in yet: all that can fail of [`Door::open`].
    pub fn listen(&self) -> Result<(), BindError> {
        self.closed.iter().flatten().try_for_each(Listeners::listen)
    }

    /// Lets clients in.
    pub fn open(&mut self) {
        self.closed.take().iter().flatten().for_each(Listeners::wait_for_clients);
    }

    /// What is different where these are configured. An address whose port the kernel chose is known by what was
    /// configured.
    pub fn change(&self, configured: &[SocketAddr]) -> Change {
        let mut left: Vec<_> = self.addresses.clone();
        let is_new =
            |wanted: &&SocketAddr| match left.iter().position(|address| address.configured == **wanted) {
                Some(at) => {
                    left.remove(at);
                    false
                }
                None => true,
            };
        let added = configured.iter().filter(is_new).copied().collect();
        Change { added, removed: left.iter().map(|address| address.bound).collect() }
    }

    /// Takes sockets in, which listen if the door is open.
    pub fn add(&mut self, configured: &[SocketAddr], listeners: &Listeners) -> Result<(), BindError> {
        match &mut self.closed {
            Some(closed) => closed.push(listeners.try_clone()?),
            None => listeners.listen()?,
        }
        self.note(configured, &listeners.addresses);
        Ok(())
    }

    /// Forgets addresses; the sockets of an open door are the workers' alone.
    pub fn remove(&mut self, bound: &[SocketAddr]) {
        self.addresses.retain(|address| !bound.contains(&address.bound));
        for listeners in self.closed.iter_mut().flatten() {
            bound.iter().for_each(|&address| listeners.close(address));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use socket2::{Domain, Socket, Type};

    use super::*;
    use crate::worker::bind;

    #[test]
    fn addresses_are_known_by_what_was_configured_and_nobody_comes_in_before_it_is_open() {
        let [any, other]: [SocketAddr; 2] = ["127.0.0.1:0", "127.0.0.2:0"].map(|text| text.parse().unwrap());
        let first = bind(&[any, any], 2).unwrap();
        let bound = first.addresses.clone();
        let mut door = Door::new(&[any, any], first.try_clone().unwrap());
        assert_eq!(door.change(&[any, any]), Change { added: vec![], removed: vec![] });
        assert_eq!(door.change(&[other, any]), Change { added: vec![other], removed: vec![bound[1]] });
        let second = bind(&[other], 2).unwrap();
        door.add(&[other], &second).unwrap();
        door.remove(&bound[1..]);
        assert_eq!(door.addresses().collect::<Vec<_>>(), [bound[0], second.addresses[0]]);
        assert!(door.addresses().all(|address| TcpStream::connect(address).is_err()), "it is closed");
        door.listen().unwrap();
        door.open();
        assert!(door.addresses().all(|address| TcpStream::connect(address).is_ok()));
        assert!(TcpStream::connect(bound[1]).is_err());
        let third = bind(&[any], 1).unwrap();
        door.add(&[any], &third).unwrap();
        assert!(TcpStream::connect(third.addresses[0]).is_ok(), "it is open");
    }

    #[test]
    fn of_several_addresses_one_that_can_not_be_listened_on_adds_none() {
        let [one, other]: [SocketAddr; 2] = ["127.0.0.1:0", "127.0.0.2:0"].map(|text| text.parse().unwrap());
        let first = bind(&[one], 2).unwrap();
        let mut door = Door::new(&[one], first.try_clone().unwrap());
        door.listen().unwrap();
        door.open();
        let added = bind(&[one, other], 2).unwrap();
        // Whoever listens first on an address that several have bound has it.
        let rival = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        rival.set_reuse_address(true).unwrap();
        rival.bind(&added.addresses[1].into()).unwrap();
        rival.listen(1).unwrap();
        let error = door.add(&[one, other], &added).unwrap_err();
        assert_eq!((error.address, error.is_in_use()), (added.addresses[1], true));
        let bound = added.addresses[0];
        drop(added);
        assert_eq!(door.addresses().collect::<Vec<_>>(), first.addresses);
        assert_eq!(door.change(&[one]), Change { added: vec![], removed: vec![] });
        assert!(TcpStream::connect(bound).is_err(), "nobody would come for who waits there");
        drop(rival);
        let added = bind(&[one, other], 2).unwrap();
        door.add(&[one, other], &added).unwrap();
        assert!(door.addresses().count() == 3 && door.addresses().all(|at| TcpStream::connect(at).is_ok()));
    }
}
