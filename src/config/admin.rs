//! Where operators are answered.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::error::Fault;
use super::value;

/// The admin address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Admin {
    /// Nobody has said anything: [`Admin::DEFAULT`], unless it is taken.
    #[default]
    Usual,
    /// This one; that it is taken is an error.
    At(SocketAddr),
    /// None.
    Off,
}

impl Admin {
    /// Where it is unless something else is said: for this machine alone.
    pub const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9211);

    /// The address, if there is to be one.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Usual => Some(Self::DEFAULT),
            Self::At(address) => Some(address),
            Self::Off => None,
        }
    }

    /// The first of the addresses for clients with which the kernel would not have it: the same port, and an address
    /// of the other among its own.
    pub fn overlap(self, listen: &[SocketAddr]) -> Option<SocketAddr> {
        let admin = self.address().filter(|admin| admin.port() != 0)?;
        // Where IPv4 has an address of its own at this port, clients' `[::]` is for IPv6 alone.
        let only_v6 = listen.iter().any(|listen| listen.is_ipv4() && listen.port() == admin.port());
        let is_same = |listen: &&SocketAddr| {
            let (one, other) = (admin.ip().to_canonical(), listen.ip().to_canonical());
            listen.port() == admin.port()
                && (one == other
                    || takes(one, other, Reach::Both)
                    || takes(other, one, if only_v6 { Reach::Own } else { Reach::Both }))
        };
        listen.iter().find(is_same).copied()
    }

    /// Reads an address as `listen` has it, or `none`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text == "none" {
            return Ok(Self::Off);
        }
        let example = |cure: String| cure.replace("11211", "9211");
        value::listen(text).map(Self::At).map_err(|Fault { what, cure }| Fault {
            what: format!("{what} nor \"none\""),
            cure: example(cure),
        })
    }
}

/// Whether `[::]` takes what comes by IPv4 too.
#[derive(Clone, Copy, PartialEq)]
enum Reach {
    Own,
    Both,
}

/// Whether an address is all addresses, of which the other is one.
fn takes(all: IpAddr, one: IpAddr, reach: Reach) -> bool {
    all.is_unspecified() && (all.is_ipv4() == one.is_ipv4() || all.is_ipv6() && reach == Reach::Both)
}

impl fmt::Display for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            Some(address) => address.fmt(f),
            None => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_none() {
        for (text, admin) in [
            ("none", Admin::Off),
            ("127.0.0.1:9211", Admin::At(Admin::DEFAULT)),
            ("[::1]:0", Admin::At("[::1]:0".parse().unwrap())),
            (":9211", Admin::At("0.0.0.0:9211".parse().unwrap())),
        ] {
            assert_eq!(Admin::parse(text), Ok(admin), "{text}");
            assert_eq!(Admin::parse(&admin.to_string()), Ok(admin), "{text}");
        }
        assert_eq!(Admin::Usual.to_string(), "127.0.0.1:9211");
        let line = |text| Admin::parse(text).unwrap_err().to_string();
        assert_eq!(line("off"), r#""off" is not IP:PORT nor "none"; write it like 0.0.0.0:9211"#);
        assert_eq!(
            line("localhost:9211"),
            r#""localhost:9211" is not IP:PORT nor "none"; write 127.0.0.1:9211"#
        );
    }

    #[test]
    fn an_address_of_clients_is_not_operators_too() {
        for (admin, listen, overlap) in [
            ("127.0.0.1:1", "127.0.0.1:1", true),
            ("127.0.0.1:1", "127.0.0.1:2", false),
            ("127.0.0.1:1", "127.0.0.2:1", false),
            ("127.0.0.1:1", "0.0.0.0:1", true),
            ("127.0.0.1:1", "[::]:1", true),
            ("127.0.0.1:1", "[::1]:1", false),
            ("127.0.0.1:1", "[::]:1 127.0.0.2:1", false),
            ("127.0.0.1:1", "[::]:1 127.0.0.2:2", true),
            ("127.0.0.1:1", "[::ffff:127.0.0.1]:1", true),
            ("[::1]:1", "[::]:1", true),
            ("[::1]:1", "0.0.0.0:1", false),
            ("[::1]:1", "[::]:1 127.0.0.2:1", true),
            (":1", "127.0.0.1:1", true),
            (":1", "[::1]:1", false),
            ("[::]:1", "127.0.0.1:1", true),
            ("127.0.0.1:0", "127.0.0.1:0", false),
            ("none", "127.0.0.1:9211", false),
        ] {
            let addresses: Vec<_> = listen.split(' ').map(|text| text.parse().unwrap()).collect();
            let found = Admin::parse(admin).unwrap().overlap(&addresses);
            assert_eq!(found.is_some(), overlap, "{admin} {listen}");
        }
        assert_eq!(Admin::Usual.overlap(&[Admin::DEFAULT]), Some(Admin::DEFAULT));
    }
}
