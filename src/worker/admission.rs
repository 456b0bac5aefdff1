//! Who may come in: from which networks, how many of one host, how many in all.
//!
//! The ring tells no addresses with the clients it accepts. Where a rule needs one, it costs a system call a client, and
//! where clients of a host are counted, a lock for a moment when one comes and when it goes; never at a request.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use rustix::net::getpeername;

use super::Worker;
use super::connection::Connection;

/// Tables that the hosts are spread over, so that workers seldom wait for each other.
const TABLES: usize = 64;

/// Least time between two warnings of the same reason.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

/// The rules of admission, and who is in. All workers share one.
#[derive(Debug, Clone)]
pub struct Admission {
    /// None is every network.
    allow: Arc<[IpNet]>,
    per_host_max: Option<usize>,
    book: Arc<Book>,
}

/// What the workers know together.
#[derive(Debug)]
struct Book {
    /// Connections of each host that has some.
    open: [Mutex<HashMap<Host, usize>>; TABLES],
    warnings: Mutex<Warnings>,
}

/// What has been said of clients that were not let in.
#[derive(Debug, Default)]
struct Warnings {
    not_allowed: Warning,
    per_host: Warning,
}

#[derive(Debug, Default)]
struct Warning {
    at: Option<Instant>,
    /// How many there were since then.
    unspoken: u64,
}

/// Whom connections are counted by: an IPv4 address, or the first 64 bits of an IPv6 one, of which a host may have
/// all the rest to itself.
///
/// An IPv4 address takes the bits of the network `0:ffff:…/64`, which is nobody's; `::/64` (where only `::1` is) is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Host(NonZeroU64);

impl Host {
    fn of(address: IpAddr) -> Self {
        let bits = match address.to_canonical() {
            IpAddr::V4(v4) => 0xffff << 32 | u64::from(v4.to_bits()),
            IpAddr::V6(v6) => (v6.to_bits() >> 64) as u64,
        };
        Self(NonZeroU64::new(bits).unwrap_or(NonZeroU64::MIN))
    }

    fn table(self) -> usize {
        // Hosts of one network differ in their last bits or in those before the last 64 of an IPv6 address.
        (self.0.get() % TABLES as u64) as usize
    }
}

/// What becomes of a client that has come.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It may come in; it counts as one of this host, where hosts are counted.
    Welcome(Option<Host>),
    /// Its network is not among the allowed ones.
    NotAllowed(IpAddr),
    /// Its host has as many connections as it may have.
    TooMany(IpAddr),
    /// It has left already.
    Gone,
}

impl Admission {
    /// Lets in clients of these networks (of every one where there is none), and at most so many of one host at a time.
    pub fn new(allow: Vec<IpNet>, per_host_max: Option<usize>) -> Self {
        let open = std::array::from_fn(|_| Mutex::default());
        let book = Arc::new(Book { open, warnings: Mutex::default() });
        Self { allow: allow.into(), per_host_max, book }
    }

    /// The same with other rules, for clients that come from now on. Those that came uncounted stay uncounted.
    pub(super) fn with(&self, allow: Arc<[IpNet]>, per_host_max: Option<usize>) -> Self {
        Self { allow, per_host_max, book: self.book.clone() }
    }

    fn asks_for_addresses(&self) -> bool {
        !self.allow.is_empty() || self.per_host_max.is_some()
    }

    /// Judges a client, and counts it where it is welcome.
    fn judge(&self, socket: &OwnedFd) -> Verdict {
        if !self.asks_for_addresses() {
            return Verdict::Welcome(None);
        }
        address_of(socket).map_or(Verdict::Gone, |address| self.judge_address(address))
    }

    fn judge_address(&self, address: IpAddr) -> Verdict {
        let Self { allow, per_host_max, .. } = self;
        if !allow.is_empty() && !allow.iter().any(|network| network.contains(&address)) {
            return Verdict::NotAllowed(address);
        }
        let Some(most) = *per_host_max else { return Verdict::Welcome(None) };
        let host = Host::of(address);
        let mut open = self.table(host);
        let count = open.entry(host).or_default();
        if *count >= most {
            return Verdict::TooMany(address);
        }
        *count += 1;
        Verdict::Welcome(Some(host))
    }

    /// Uncounts a connection of a host.
    pub(super) fn leave(&self, host: Host) {
        let mut open = self.table(host);
        if let Some(count) = open.get_mut(&host) {
            *count -= 1;
            if *count == 0 {
                open.remove(&host);
            }
        }
    }

    fn table(&self, host: Host) -> MutexGuard<'_, HashMap<Host, usize>> {
        // Nothing panics while it holds one; if it did, the numbers would still be whole.
        self.book.open[host.table()].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a client that was not let in. Gives the number of them that a warning is due for: once a minute.
    fn warning_of(&self, which: fn(&mut Warnings) -> &mut Warning, now: Instant) -> Option<u64> {
        let mut warnings = self.book.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        let warning = which(&mut warnings);
        warning.unspoken += 1;
        if warning.at.is_some_and(|at| now.saturating_duration_since(at) < WARN_INTERVAL) {
            return None;
        }
        warning.at = Some(now);
        Some(std::mem::take(&mut warning.unspoken))
    }
}

/// Where a client is, as far as the kernel still knows: one system call.
pub(super) fn address_of(socket: &OwnedFd) -> Option<IpAddr> {
    let peer = getpeername(socket).ok().flatten()?;
    Some(SocketAddr::try_from(peer).ok()?.ip().to_canonical())
}

impl Worker {
    /// Takes a client in; refuses it politely where there are too many, and without a word where it may not come.
    pub(super) fn admit(&mut self, socket: OwnedFd) {
        self.counters().accepted.add(1);
        let host = match self.admission.judge(&socket) {
            Verdict::Welcome(host) => host,
            Verdict::TooMany(address) => {
                self.counters().refused_per_ip.add(1);
                if let Some(clients) = self.admission.warning_of(|warnings| &mut warnings.per_host, self.now)
                {
                    tracing::warn!(%address, clients, "clients refused: too many connections of one address; see connections_per_ip_max");
                }
                return self.refuse(socket);
            }
            Verdict::NotAllowed(address) => {
                self.counters().not_allowed.add(1);
                self.counters().closed.add(1);
                if let Some(clients) =
                    self.admission.warning_of(|warnings| &mut warnings.not_allowed, self.now)
                {
                    tracing::warn!(%address, clients, "clients closed: their network is not allowed; see allow");
                }
                return;
            }
            Verdict::Gone => return self.counters().closed.add(1),
        };
        if !self.metrics.open_connection(self.limits.connections_max) {
            host.into_iter().for_each(|host| self.admission.leave(host));
            self.counters().refused.add(1);
            return self.refuse(socket);
        }
        let slot = self.slots.insert(Connection::new(socket, self.now, true, host));
        self.touch(slot);
    }

    /// Tells a client that there are too many, or only closes it where too many are being told.
    fn refuse(&mut self, socket: OwnedFd) {
        if self.refused >= self.limits.refused_max {
            self.counters().closed.add(1);
            return;
        }
        self.refused += 1;
        let slot = self.slots.insert(Connection::new(socket, self.now, false, None));
        if let Some(connection) = self.slots.at(slot) {
            let next = connection.session.turn_away(&mut connection.outbox, &mut self.tally);
            self.follow(slot, next);
        }
        self.touch(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn is_welcome(admission: &Admission, text: &str) -> bool {
        matches!(admission.judge_address(address(text)), Verdict::Welcome(_))
    }

    #[test]
    fn only_allowed_networks_are_let_in() {
        let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap());
        let admission = Admission::new(networks.into(), None);
        for text in ["10.0.0.0", "10.255.255.255", "2001:db8::1"] {
            assert!(is_welcome(&admission, text), "{text}");
        }
        for text in ["9.255.255.255", "11.0.0.0", "127.0.0.1", "::1", "2001:db9::", "::a00:1"] {
            assert_eq!(admission.judge_address(address(text)), Verdict::NotAllowed(address(text)));
        }
        let all = Admission::new(vec![], None);
        assert!(is_welcome(&all, "9.9.9.9") && is_welcome(&all, "::1") && !all.asks_for_addresses());
    }

    #[test]
    fn a_host_has_so_many_and_not_one_more() {
        let admission = Admission::new(vec![], Some(2));
        for (same, another) in [
            (["10.0.0.1", "::ffff:10.0.0.1"], "10.0.0.2"),
            (["2001:db8::1", "2001:db8::2"], "2001:db8:0:1::1"),
            (["::1", "::2"], "0.0.0.1"),
        ] {
            assert!(same.iter().all(|text| is_welcome(&admission, text)), "{same:?}");
            let third = address(same[0]);
            assert_eq!(admission.judge_address(third), Verdict::TooMany(third));
            assert!(is_welcome(&admission, another), "{another}");
            admission.leave(Host::of(third));
            assert!(is_welcome(&admission, same[1]) && !is_welcome(&admission, same[1]));
        }
    }

    #[test]
    fn a_host_that_has_left_leaves_nothing() {
        let admission = Admission::new(vec![], Some(9));
        for _ in 0..3 {
            assert!(is_welcome(&admission, "10.0.0.1"));
        }
        (0..3).for_each(|_| admission.leave(Host::of(address("10.0.0.1"))));
        assert!(admission.book.open.iter().all(|table| table.lock().unwrap().is_empty()));
    }

    #[test]
    fn a_warning_comes_once_a_minute_and_tells_how_many_there_were() {
        let admission = Admission::new(vec![], None);
        let now = Instant::now();
        let warning = |at| admission.warning_of(|warnings| &mut warnings.not_allowed, now + at);
        assert_eq!(warning(Duration::ZERO), Some(1));
        assert_eq!(warning(Duration::from_secs(59)), None);
        assert_eq!(warning(WARN_INTERVAL), Some(2));
        assert_eq!(admission.warning_of(|warnings| &mut warnings.per_host, now), Some(1), "each by itself");
    }
}
