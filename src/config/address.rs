//! A host and a port, as configuration writes them: `cache.example:11211`, `10.0.0.1:11211`, `[::1]:11211`.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use super::error::{Fault, quoted};
use crate::limits::HOST_BYTES_MAX;

/// A host name or address, and a port.
///
/// Invariants of one that was parsed: the host is 1 to [`HOST_BYTES_MAX`] bytes of printable ASCII
/// without a space, `|`, `,`, `=`, `/` or a bracket; it has a colon only if it is an IPv6 address; the
/// port is not 0. So what [`Display`](fmt::Display) prints parses to the same value again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// Name or address, an IPv6 address without its brackets.
    pub host: String,
    /// Port, at least 1.
    pub port: u16,
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for HostPort {
    type Err = Fault;

    fn from_str(text: &str) -> Result<HostPort, Fault> {
        let fault = |cure: String| Fault { what: format!("{} is not HOST:PORT", quoted(text)), cure };
        if text.contains("://") {
            return Err(fault("leave out the scheme".to_owned()));
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(fault(format!("put an IPv6 address in brackets: [{text}]:11211")));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err(fault(match check_host(text) {
                Ok(()) => format!("give a port: {text}:11211"),
                Err(_) => "write it like cache.example:11211".to_owned(),
            }));
        };
        let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inner) if inner.parse::<Ipv6Addr>().is_ok() => inner,
            Some(inner) => {
                return Err(fault(format!("{} in brackets is not an IPv6 address", quoted(inner))));
            }
            None if host.contains(':') && !host.contains(['[', ']']) => {
                return Err(fault("put an IPv6 address in brackets, like [::1]:11211".to_owned()));
            }
            None => {
                check_host(host).map_err(fault)?;
                host
            }
        };
        match parse_port(port) {
            Some(port) => Ok(HostPort { host: host.to_owned(), port }),
            None => Err(fault("give a port from 1 to 65535".to_owned())),
        }
    }
}

/// Says why a host without brackets cannot be one.
fn check_host(host: &str) -> Result<(), String> {
    if host.is_empty() {
        return Err("give a host before the colon".to_owned());
    }
    if host.len() > HOST_BYTES_MAX {
        return Err(format!("a host has at most {HOST_BYTES_MAX} bytes"));
    }
    match host.chars().find(|c| !c.is_ascii_graphic() || "|,=/[]:".contains(*c)) {
        Some(wrong) => Err(format!("a host has no {wrong:?}")),
        None => Ok(()),
    }
}

/// Digits only, since `u16` itself would take `+1`.
fn parse_port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_ones_are_printed_as_they_were_written() {
        let longest = format!("{}:1", "a".repeat(HOST_BYTES_MAX));
        for text in [
            "alpha:11211",
            "10.0.0.1:1",
            "cache-1.a_b.example.:65535",
            "[::1]:11211",
            "[2001:db8::7]:11211",
            &longest,
        ] {
            let parsed: HostPort = text.parse().unwrap();
            assert_eq!(parsed.to_string(), text);
        }
        let parsed: HostPort = "[::1]:11211".parse().unwrap();
        assert_eq!(parsed, HostPort { host: "::1".to_owned(), port: 11211 });
    }

    #[test]
    fn bad_ones_say_what_to_write() {
        let long = format!("{}:1", "a".repeat(HOST_BYTES_MAX + 1));
        for (text, cure) in [
            ("alpha", "give a port: alpha:11211"),
            ("", "write it like cache.example:11211"),
            (":11211", "give a host"),
            ("alpha:", "from 1 to 65535"),
            ("alpha:0", "from 1 to 65535"),
            ("alpha:65536", "from 1 to 65535"),
            ("alpha:+1", "from 1 to 65535"),
            ("alpha:-1", "from 1 to 65535"),
            ("alpha:1 ", "from 1 to 65535"),
            ("alpha:port", "from 1 to 65535"),
            ("a b:1", "a host has no ' '"),
            ("a|b:1", "a host has no '|'"),
            ("a,b:1", "a host has no ','"),
            ("a=b:1", "a host has no '='"),
            ("a\nb:1", r"a host has no '\n'"),
            ("ä:1", "a host has no 'ä'"),
            ("::1", "[::1]:11211"),
            ("fe80::1:2:11211", "brackets"),
            ("::x:11211", "brackets"),
            ("[::1]", "a host has no '['"),
            ("[alpha]:1", "not an IPv6 address"),
            ("[]:1", "not an IPv6 address"),
            ("[::1:11211", "a host has no '['"),
            ("a]:1", "a host has no ']'"),
            ("http://alpha:80", "scheme"),
            (&long, "at most 255 bytes"),
        ] {
            let fault = text.parse::<HostPort>().unwrap_err();
            assert!(fault.what.ends_with("is not HOST:PORT"), "{fault}");
            assert!(fault.cure.contains(cure), "{text:?}: {fault}");
            assert!(!fault.to_string().contains('\n'), "{fault}");
        }
    }
}
