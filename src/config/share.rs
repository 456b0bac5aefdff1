//! A share of a whole, counted without rounding: how much of a source's list one answer may remove, how many keys a step
//! may move, how many requests must hit.

use std::fmt;

use super::error::{Fault, quoted};

/// A share: a bound, mostly, where the whole is none.
///
/// Invariant: above 0 and at most the whole, in millionths, so that no rounding decides over a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    millionths: u32,
}

/// The whole.
const WHOLE: u32 = 1_000_000;

impl Share {
    /// The whole: as a bound, none.
    pub const OFF: Self = Self { millionths: WHOLE };

    /// Reads `50%`, `0.5` or `off`.
    pub fn new(text: &str) -> Result<Self, Fault> {
        if text == "off" {
            return Ok(Self::OFF);
        }
        let cure = "write a share like 50% or 0.5, or off";
        let no_share = || Fault::new(format!("{} is not a share", quoted(text)), cure);
        // A bare number could be either.
        let (digits, places) = match text.strip_suffix('%') {
            Some(percent) => (percent, 4),
            None if text.contains('.') => (text, 6),
            None => return Err(no_share()),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(part) || digits.ends_with('.') {
            return Err(no_share());
        }
        let part = part.trim_end_matches('0');
        if part.len() > places {
            return Err(Fault::new(format!("{} is too fine", quoted(text)), "give fewer digits"));
        }
        match format!("{whole}{part:0<places$}").parse() {
            Ok(millionths @ 1..=WHOLE) => Ok(Self { millionths }),
            _ => Err(Fault::new(
                format!("{} is out of range", quoted(text)),
                "give a share above 0% and up to 100%, or off",
            )),
        }
    }

    /// Whether `part` of `of` (nodes, keys) is at most this share: exactly the share is, one more is not.
    pub fn allows(self, part: usize, of: usize) -> bool {
        part as u64 * u64::from(WHOLE) <= of as u64 * u64::from(self.millionths)
    }

    /// As a part of one.
    pub fn fraction(self) -> f64 {
        f64::from(self.millionths) / f64::from(WHOLE)
    }
}

impl Default for Share {
    fn default() -> Self {
        Self::OFF
    }
}

/// As it is written in a configuration.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::OFF => f.write_str("off"),
            Self { millionths } => {
                let fine = format!("{}.{:04}", millionths / 10_000, millionths % 10_000);
                write!(f, "{}%", fine.trim_end_matches('0').trim_end_matches('.'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_allowed_and_one_node_more_is_not() {
        for (text, of, most) in [
            ("50%", 10, 5),
            ("0.5", 9, 4),
            ("33%", 3, 0),
            ("33.4%", 3, 1),
            ("0.1%", 1000, 1),
            ("0.000001", 999_999, 0),
            ("0.000001", 1_000_000, 1),
            ("12.50%", 8, 1),
        ] {
            let share = Share::new(text).unwrap();
            assert!(share.allows(most, of), "{text} of {of}");
            assert!(!share.allows(most + 1, of), "{text} of {of}");
        }
        for off in ["off", "100%", "1.0", "1.000"] {
            let share = Share::new(off).unwrap();
            assert_eq!(share, Share::OFF);
            assert!(share.allows(1024, 1024));
        }
    }

    #[test]
    fn what_is_no_share_says_what_to_write() {
        for (text, message) in [
            ("50", r#""50" is not a share; write a share like 50% or 0.5, or off"#),
            ("1", r#""1" is not a share"#),
            ("", r#""" is not a share"#),
            ("%", r#""%" is not a share"#),
            (".5", r#"".5" is not a share"#),
            ("5.%", r#""5.%" is not a share"#),
            ("0.5e1", r#""0.5e1" is not a share"#),
            ("-5%", r#""-5%" is not a share"#),
            ("half", r#""half" is not a share"#),
            ("0%", r#""0%" is out of range; give a share above 0% and up to 100%, or off"#),
            ("0.0", r#""0.0" is out of range"#),
            ("100.0001%", r#""100.0001%" is out of range"#),
            ("1.1", r#""1.1" is out of range"#),
            ("99999999999999999999%", r#""99999999999999999999%" is out of range"#),
            ("0.00001%", r#""0.00001%" is too fine; give fewer digits"#),
            ("0.0000001", r#""0.0000001" is too fine"#),
        ] {
            let fault = Share::new(text).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{text}: {fault}");
        }
    }
}
