//! Values that several subcommands take: addresses, times, the form of the outcome.

use std::ops::RangeInclusive;
use std::time::Duration;

use mimikyu::config::{Admin, Fault, HostPort, parse_duration};

use super::{Format, Stop};

/// Bounds of `--timeout`.
pub(super) const TIMEOUT_BOUNDS: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(300);

pub(super) fn host_port(text: &str) -> Result<HostPort, Stop> {
    text.parse().map_err(|fault: Fault| Stop::Usage(fault.to_string()))
}

/// As [`host_port`], and `:PORT` for this machine. Its cures name the port that operators use.
pub(super) fn admin_address(text: &str) -> Result<HostPort, Stop> {
    let whole = match text.strip_prefix(':') {
        Some(port) if !port.contains(':') => format!("{}:{port}", Admin::DEFAULT.ip()),
        _ => text.to_owned(),
    };
    whole.parse().map_err(|Fault { what, cure }| {
        let cure = cure.replace(":11211", &format!(":{}", Admin::DEFAULT.port()));
        Stop::Usage(Fault { what, cure }.to_string())
    })
}

/// An endpoint, at the usual port where it names none. What lacks more than that is told as it was written.
pub(super) fn replica(text: &str) -> Result<HostPort, Stop> {
    host_port(text).or_else(|stop| host_port(&format!("{text}:11211")).map_err(|_| stop))
}

pub(super) fn time(flag: &str, text: &str, bounds: RangeInclusive<Duration>) -> Result<Duration, Stop> {
    parse_duration(text, bounds).map_err(|fault| Stop::Usage(format!("{flag}: {fault}")))
}

pub(super) fn format(json: bool) -> Format {
    if json { Format::Json } else { Format::Text }
}
