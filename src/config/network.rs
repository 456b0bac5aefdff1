//! A network that clients may come from, as configuration writes it: `10.0.0.0/8`, `192.0.2.7`, `2001:db8::/32`.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::error::{Fault, quoted};

/// The IPv6 network in which IPv4 addresses are written as IPv6 ones has this many bits.
const MAPPED_BITS: u8 = 96;

/// A network, or an address, which is a network of one.
///
/// IPv4 that is written as IPv6 (`::ffff:10.0.0.0/104`) is IPv4: that is what such a client counts as.
pub fn parse(text: &str) -> Result<IpNet, Fault> {
    let fault =
        |cure: String| Err(Fault { what: format!("{} is not a network nor an address", quoted(text)), cure });
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_canonical().into());
    }
    let Ok(network) = text.parse::<IpNet>() else {
        let bits = text.split_once('/').map(|(address, _)| address.parse());
        return fault(match bits {
            Some(Ok(IpAddr::V4(_))) => "give a prefix from 0 to 32".to_owned(),
            Some(Ok(IpAddr::V6(_))) => "give a prefix from 0 to 128".to_owned(),
            _ if text == "all" => "leave it out for every network".to_owned(),
            _ => "write it like 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32".to_owned(),
        });
    };
    if network.addr() != network.network() {
        // Either the prefix or the address is not what was meant.
        return fault(format!("write {} for the network, {} for the host", network.trunc(), network.addr()));
    }
    Ok(without_mapping(network))
}

fn without_mapping(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let bits = v6.prefix_len().checked_sub(MAPPED_BITS);
    match (v6.addr().to_ipv4_mapped(), bits) {
        (Some(address), Some(bits)) => Ipv4Net::new(address, bits).map_or(network, IpNet::V4),
        _ => network,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn good_ones() {
        for (text, network) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::1", "::1/128"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::ffff:10.1.2.3", "10.1.2.3/32"),
        ] {
            let parsed = parse(text).unwrap();
            assert_eq!(parsed.to_string(), network);
            assert_eq!(parse(&parsed.to_string()), Ok(parsed), "it is written as it is read");
        }
        assert!(parse("10.0.0.0/8").unwrap().contains(&IpAddr::from(Ipv4Addr::new(10, 255, 0, 1))));
        assert!(!parse("::/0").unwrap().contains(&IpAddr::from(Ipv4Addr::LOCALHOST)));
        assert!(parse("::/0").unwrap().contains(&IpAddr::from(Ipv6Addr::LOCALHOST)));
    }

    #[test]
    fn bad_ones_say_what_to_write() {
        for (text, cure) in [
            ("10.0.0.1/8", "write 10.0.0.0/8 for the network, 10.0.0.1 for the host"),
            ("2001:db8::1/32", "write 2001:db8::/32 for the network, 2001:db8::1 for the host"),
            ("10.0.0.0/33", "from 0 to 32"),
            ("10.0.0.0/", "from 0 to 32"),
            ("10.0.0.0/+8", "from 0 to 32"),
            ("::/129", "from 0 to 128"),
            ("10.0.0/8", "write it like"),
            ("10.0.0.0/8,::/0", "from 0 to 32"),
            ("", "write it like"),
            (" 10.0.0.0/8", "write it like"),
            ("[::1]", "write it like"),
            ("all", "leave it out"),
        ] {
            let fault = parse(text).unwrap_err();
            assert!(fault.what.ends_with("is not a network nor an address"), "{fault}");
            assert!(fault.cure.contains(cure), "{text:?}: {fault}");
        }
    }
}
