//! A setting's text in, its value out, within its bounds.
//!
//! Knows nothing of where the text stood: a [`Fault`] is given its origin by the caller.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::RingFeature;
use super::error::{Fault, quoted};

/// The oldest version that every client takes for one that knows `config get cluster`.
const VERSION_REPLY_MIN: [u16; 3] = [1, 4, 14];

/// Where to listen: `IP:PORT`, `[IPv6]:PORT` or `:PORT`.
pub fn listen(text: &str) -> Result<SocketAddr, Fault> {
    let port_alone = text.strip_prefix(':');
    let address = port_alone.map(|port| format!("0.0.0.0:{port}"));
    if let Ok(address) = address.as_deref().unwrap_or(text).parse() {
        return Ok(address);
    }
    let fault = |cure: String| Fault { what: format!("{} is not IP:PORT", quoted(text)), cure };
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(fault(format!("to listen everywhere on that port, write 0.0.0.0:{text}")));
    }
    match text.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => return Err(fault(format!("give a port: {ip}:11211"))),
        Ok(IpAddr::V6(ip)) => return Err(fault(format!("give a port: [{ip}]:11211"))),
        Err(_) => {}
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(fault("write it like 0.0.0.0:11211".to_owned()));
    };
    if port.parse::<u16>().is_err() || port.starts_with('+') {
        return Err(fault("give a port from 0 to 65535".to_owned()));
    }
    Err(fault(match host {
        "*" => format!("write 0.0.0.0:{port} or [::]:{port}"),
        "localhost" => format!("write 127.0.0.1:{port}"),
        _ if host.contains(':') => "put an IPv6 address in brackets, like [::]:11211".to_owned(),
        _ => format!("give an address of this machine, not a name, or 0.0.0.0:{port} for all of them"),
    }))
}

/// A whole number within its bounds.
pub fn integer(text: &str, bounds: RangeInclusive<u64>) -> Result<u64, Fault> {
    let cure = format!("give a number from {} to {}", bounds.start(), bounds.end());
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits && bounds.contains(&number) => Ok(number),
        Err(_) if !digits && text.parse::<i64>().is_err() => {
            Err(Fault::new(format!("{} is not a whole number", quoted(text)), cure))
        }
        _ => Err(Fault::new(format!("{} is out of range", shortened(text)), cure)),
    }
}

/// A time with its unit, within its bounds; `0` needs no unit.
pub fn duration(text: &str, bounds: RangeInclusive<Duration>) -> Result<Duration, Fault> {
    use humantime::{DurationError as Error, format_duration, parse_duration};
    match parse_duration(text) {
        Ok(duration) if bounds.contains(&duration) => Ok(duration),
        Ok(_) | Err(Error::NumberOverflow) => {
            let (min, max) = (format_duration(*bounds.start()), format_duration(*bounds.end()));
            Err(Fault::new(
                format!("{} is out of range", shortened(text)),
                format!("give a time from {min} to {max}"),
            ))
        }
        Err(Error::UnknownUnit { unit, value, .. }) if unit.is_empty() => {
            let cure = match text.bytes().all(|byte| byte.is_ascii_digit()) {
                true => format!("write {value}s"),
                false => "give each number its unit, like 1m 30s".to_owned(),
            };
            Err(Fault::new(format!("{} has no unit", shortened(text)), cure))
        }
        Err(_) => {
            Err(Fault::new(format!("{} is not a time", quoted(text)), "write it like 10s, 500ms or 1m 30s"))
        }
    }
}

/// A time that is either zero or within its bounds.
pub fn duration_or_zero(text: &str, bounds: RangeInclusive<Duration>) -> Result<Duration, Fault> {
    match duration(text, Duration::ZERO..=*bounds.end())? {
        within if within.is_zero() || bounds.contains(&within) => Ok(within),
        _ => Err(Fault::new(
            format!("{} is too short", shortened(text)),
            format!("give 0s for never, or at least {}", humantime::format_duration(*bounds.start())),
        )),
    }
}

/// One of a few words.
pub fn choice<T: Copy, const N: usize>(text: &str, choices: [(&str, T); N]) -> Result<T, Fault> {
    match choices.iter().find(|(word, _)| *word == text) {
        Some((_, value)) => Ok(*value),
        None => Err(Fault::new(
            format!("{} is not a choice", quoted(text)),
            format!("write {}", choices.map(|(word, _)| word).join(" or ")),
        )),
    }
}

/// Features of io_uring, separated by commas.
pub fn ring_features(text: &str) -> Result<Vec<RingFeature>, Fault> {
    let feature = |word: &str| match RingFeature::NAMES.iter().find(|(name, _)| *name == word.trim()) {
        Some((_, feature)) => Ok(*feature),
        None => Err(Fault::new(
            format!("{} is no feature of io_uring that can be left out", quoted(word)),
            format!("write {}", RingFeature::NAMES.map(|(name, _)| name).join(" or ")),
        )),
    };
    text.split(',').map(feature).collect()
}

/// What `version` answers: three numbers, no less than 1.4.14, since clients refuse anything else.
pub fn version_reply(text: &str) -> Result<String, Fault> {
    let number = |part: &str| match part.bytes().all(|byte| byte.is_ascii_digit()) {
        true => part.parse::<u16>().ok(),
        false => None,
    };
    let numbers: Option<Vec<u16>> = text.split('.').map(number).collect();
    match numbers.map(<[u16; 3]>::try_from) {
        Some(Ok(numbers)) if numbers >= VERSION_REPLY_MIN => Ok(text.to_owned()),
        Some(Ok(_)) => {
            Err(Fault::new(format!("clients refuse version {text}"), "give 1.4.14 or newer, like 1.6.22"))
        }
        _ => Err(Fault::new(
            format!("{} is not a version of three numbers", quoted(text)),
            "write it like 1.6.22",
        )),
    }
}

/// A text that is not empty.
pub fn text(text: &str) -> Result<String, Fault> {
    match text {
        "" => Err(Fault::new("the value is empty", "give one, or leave the setting out")),
        _ => Ok(text.to_owned()),
    }
}

/// A number or time without quotes if it is a plain one.
fn shortened(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if text.len() <= 24 && text.bytes().all(plain) { text.to_owned() } else { quoted(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listen_takes_addresses() {
        for (text, address) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("0.0.0.0:11211", "0.0.0.0:11211"),
            ("[::1]:11211", "[::1]:11211"),
            (":11211", "0.0.0.0:11211"),
        ] {
            assert_eq!(listen(text).unwrap().to_string(), address);
        }
    }

    #[test]
    fn listen_refuses_the_rest_with_a_cure() {
        for (text, cure) in [
            ("11211", "write 0.0.0.0:11211"),
            ("127.0.0.1", "give a port: 127.0.0.1:11211"),
            ("::1", "give a port: [::1]:11211"),
            ("[::1]", "give a port: [::1]:11211"),
            ("localhost:11211", "write 127.0.0.1:11211"),
            ("*:11211", "write 0.0.0.0:11211 or [::]:11211"),
            ("cache.example:11211", "not a name, or 0.0.0.0:11211"),
            ("127.0.0.1:70000", "from 0 to 65535"),
            (":", "from 0 to 65535"),
            (":x", "from 0 to 65535"),
            ("127.0.0.1:+1", "from 0 to 65535"),
            ("fe80::x:11211", "brackets"),
            ("localhost", "write it like 0.0.0.0:11211"),
            ("", "write it like 0.0.0.0:11211"),
        ] {
            let fault = listen(text).unwrap_err();
            assert_eq!(fault.what, format!("{text:?} is not IP:PORT"));
            assert!(fault.cure.contains(cure), "{text:?}: {fault}");
        }
    }

    #[test]
    fn integers_keep_their_bounds() {
        assert_eq!(integer("1", 1..=256), Ok(1));
        assert_eq!(integer("256", 1..=256), Ok(256));
        for (text, what) in [
            ("0", "0 is out of range"),
            ("257", "257 is out of range"),
            ("-1", "-1 is out of range"),
            ("99999999999999999999", "99999999999999999999 is out of range"),
            ("", r#""" is not a whole number"#),
            ("two", r#""two" is not a whole number"#),
            ("1.5", r#""1.5" is not a whole number"#),
            ("4 ", r#""4 " is not a whole number"#),
        ] {
            let fault = integer(text, 1..=256).unwrap_err();
            assert_eq!(fault.what, what);
            assert_eq!(fault.cure, "give a number from 1 to 256");
        }
    }

    #[test]
    fn durations_need_a_unit_and_keep_their_bounds() {
        let bounds = || Duration::from_millis(10)..=Duration::from_secs(3600);
        for (text, ms) in [("10ms", 10), ("10s", 10_000), ("1m 30s", 90_000), ("1h", 3_600_000)] {
            assert_eq!(duration(text, bounds()), Ok(Duration::from_millis(ms)));
        }
        assert_eq!(duration("0", Duration::ZERO..=Duration::MAX), Ok(Duration::ZERO));
        for (text, message) in [
            ("10", "10 has no unit; write 10s"),
            ("1m 30", r#""1m 30" has no unit; give each number its unit, like 1m 30s"#),
            ("0", "0 is out of range; give a time from 10ms to 1h"),
            ("9ms", "9ms is out of range; give a time from 10ms to 1h"),
            ("3600001ms", "3600001ms is out of range; give a time from 10ms to 1h"),
            ("99999999999999999999s", "99999999999999999999s is out of range"),
            ("", r#""" is not a time; write it like 10s, 500ms or 1m 30s"#),
            ("-1s", r#""-1s" is not a time"#),
            ("10 apples", r#""10 apples" is not a time"#),
            ("soon", r#""soon" is not a time"#),
        ] {
            let fault = duration(text, bounds()).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{text:?}: {fault}");
        }
    }

    #[test]
    fn zero_may_stand_below_the_bounds() {
        let bounds = || Duration::from_secs(1)..=Duration::from_secs(60);
        assert_eq!(duration_or_zero("0s", bounds()), Ok(Duration::ZERO));
        assert_eq!(duration_or_zero("1s", bounds()), Ok(Duration::from_secs(1)));
        let fault = duration_or_zero("999ms", bounds()).unwrap_err().to_string();
        assert_eq!(fault, "999ms is too short; give 0s for never, or at least 1s");
        let fault = duration_or_zero("\n1ms", bounds()).unwrap_err().to_string();
        assert!(fault.starts_with(r#""\n1ms" is too short"#), "{fault}");
        let fault = duration_or_zero("61s", bounds()).unwrap_err().to_string();
        assert!(fault.starts_with("61s is out of range"), "{fault}");
    }

    #[test]
    fn a_version_is_three_numbers() {
        for text in ["1.4.14", "1.6.22", "2.0.0", "1.10.0"] {
            assert_eq!(version_reply(text).unwrap(), text);
        }
        for text in ["1.4.13", "1.3.99", "0.9.9"] {
            let fault = version_reply(text).unwrap_err().to_string();
            assert!(fault.contains("give 1.4.14 or newer"), "{fault}");
        }
        for text in ["", "1.6", "1.6.22.1", "1.6.22-x", "1..2", "1.6.+2", "1.6.99999", "1.6.22\r\nEND"] {
            let fault = version_reply(text).unwrap_err().to_string();
            assert!(fault.ends_with("is not a version of three numbers; write it like 1.6.22"), "{fault}");
        }
    }

    #[test]
    fn choices_and_texts() {
        let choices = [("any", 1), ("all", 2)];
        assert_eq!(choice("all", choices), Ok(2));
        let fault = choice("some", choices).unwrap_err().to_string();
        assert_eq!(fault, r#""some" is not a choice; write any or all"#);
        assert_eq!(text("x").unwrap(), "x");
        assert!(text("").unwrap_err().to_string().contains("is empty"));
    }
}
