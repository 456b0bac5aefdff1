//! A value that is not a list, as the text that a layer takes.

use toml::de::DeValue;

use super::super::error::Fault;
use super::super::key::Key;

/// What a value is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// A whole number.
    Count,
    /// A time in quotes. A bare 0 is one too, and of any other number the cure is to write the unit.
    Time,
    /// A share in quotes, or a bare one with its point.
    Share,
    /// Anything in quotes.
    Text,
}

impl Type {
    /// What the value of a key is written as.
    pub fn of(key: Key) -> Self {
        match key {
            Key::Workers
            | Key::VersionBase
            | Key::ConnectionsMax
            | Key::ConnectionsPerIpMax
            | Key::ClientsTrackedMax => Self::Count,
            Key::PollInterval
            | Key::PollTimeout
            | Key::StartupGrace
            | Key::RequestTimeout
            | Key::IdleTimeout => Self::Time,
            Key::MaxShrink => Self::Share,
            _ => Self::Text,
        }
    }

    /// The value's text, if it is of this type.
    pub fn text(self, value: &DeValue) -> Result<String, Fault> {
        match (self, value) {
            (Self::Count, DeValue::Integer(number)) => {
                let decimal = i128::from_str_radix(number.as_str(), number.radix());
                Ok(decimal.map_or_else(|_| number.to_string(), |number| number.to_string()))
            }
            (Self::Time, DeValue::Integer(number))
                if number.radix() == 10 && !number.as_str().starts_with(['+', '-']) =>
            {
                Ok(number.as_str().to_owned())
            }
            (Self::Share, DeValue::Float(number)) => Ok(number.as_str().to_owned()),
            (Self::Time | Self::Share | Self::Text, DeValue::String(text)) => Ok(text.to_string()),
            (Self::Count, DeValue::String(text)) if text.parse::<u64>().is_ok() => {
                Err(wrong_type("an integer", "write it without quotes", value))
            }
            // No number without its quotes either: the key says which it takes.
            (Self::Count, DeValue::String(text)) => Ok(text.to_string()),
            (Self::Count, DeValue::Float(number)) => Ok(number.as_str().to_owned()),
            (Self::Count, _) => Err(wrong_type("an integer", "give one number", value)),
            (Self::Time, _) => Err(wrong_type("a string", "write a time like \"10s\"", value)),
            (Self::Share, DeValue::Integer(number)) => {
                // In quotes alone it is no share: it could be of a hundred or of one.
                let percent = number.as_str().parse().ok().filter(|percent| (1..100).contains(percent));
                let cure = format!(
                    "write {}\"{}%\"",
                    if percent.is_some() { "" } else { "a share like " },
                    percent.unwrap_or(50)
                );
                Err(wrong_type("a string", &cure, value))
            }
            (Self::Share, _) => Err(wrong_type("a string", "write a share like \"50%\"", value)),
            _ => Err(wrong_type("a string", "put it in quotes", value)),
        }
    }
}

/// A value of another type than its key wants.
pub(super) fn wrong_type(wanted: &str, cure: &str, found: &DeValue) -> Fault {
    let found = match found.type_str() {
        name if name.starts_with(['a', 'i']) => format!("an {name}"),
        name => format!("a {name}"),
    };
    Fault::new(format!("expected {wanted}, found {found}"), cure)
}
