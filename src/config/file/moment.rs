//! A date-time of the file as time since 1970.

use std::time::{Duration, UNIX_EPOCH};

use humantime::format_rfc3339;
use toml::de::DeValue;
use toml::value::{Date, Datetime, Offset, Time};

use super::super::error::{Fault, quoted};
use super::scalar::wrong_type;

/// The first moment that is taken, 2000-01-01T00:00:00Z: one before it is a slip of the pen.
const MIN: Duration = Duration::from_secs(946_684_800);

/// The last, 2100-01-01T00:00:00Z.
const MAX: Duration = Duration::from_secs(4_102_444_800);

/// Reads a date-time that means the same everywhere: one with an offset.
pub(super) fn read(value: &DeValue) -> Result<Duration, Fault> {
    let like = "write it like 2026-12-01T03:00:00Z";
    match value {
        DeValue::Datetime(moment @ Datetime { date: Some(date), time: Some(time), offset: Some(offset) }) => {
            let shown = |moment| format_rfc3339(UNIX_EPOCH + moment);
            let cure = || format!("give a time from {} to {}", shown(MIN), shown(MAX));
            let beyond = || Fault::new(format!("{moment} is out of range"), cure());
            since_1970(*date, *time, *offset).filter(|moment| (MIN..=MAX).contains(moment)).ok_or_else(beyond)
        }
        DeValue::Datetime(local) => {
            let (lacks, add) = match (local.date, local.time) {
                (Some(_), Some(_)) => ("offset", "Z or an offset"),
                (Some(_), None) => ("time", "a time and Z or an offset"),
                _ => ("date", "a date and Z or an offset"),
            };
            let cure = format!("add {add}: replicas in other time zones must agree");
            Err(Fault::new(format!("{local} has no {lacks}"), cure))
        }
        DeValue::String(text) if text.parse::<Datetime>().is_ok() => {
            Err(wrong_type("a date-time", "write it without quotes", value))
        }
        DeValue::String(text) => {
            Err(Fault::new(format!("{} is not a date-time", quoted(text)), format!("{like}, without quotes")))
        }
        _ => Err(wrong_type("a date-time", like, value)),
    }
}

/// Nothing where it is before 1970. A leap second is the one that follows, as the clocks of machines have it.
fn since_1970(date: Date, time: Time, offset: Offset) -> Option<Duration> {
    let offset_minutes = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let minutes = i64::from(time.hour) * 60 + i64::from(time.minute) - offset_minutes;
    let seconds = days(date) * 24 * 3600 + minutes * 60 + i64::from(time.second.unwrap_or(0));
    let nanoseconds = u64::from(time.nanosecond.unwrap_or(0));
    Some(Duration::from_secs(seconds.try_into().ok()?) + Duration::from_nanos(nanoseconds))
}

/// Days from 1970 to a date, which is one that there is. Years begin in March, so that a leap day is their last.
fn days(Date { year, month, day }: Date) -> i64 {
    let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // Months of 31 and 30 days by turns: 153 days in each five from March on.
    let days_before_month = (153 * month + 2) / 5;
    // The first of March of the year 0 is 719,468 days before 1970.
    year * 365 + leap_days + days_before_month + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> i64 {
        let Ok(Datetime { date: Some(date), time: Some(time), offset: Some(offset) }) = text.parse() else {
            panic!("{text}");
        };
        since_1970(date, time, offset).expect("after 1970").as_secs() as i64
    }

    #[test]
    fn every_day_is_the_one_after_the_day_before() {
        // Whoever reads dates otherwise agrees, over all leap years that are taken.
        for day in 0..=(MAX.as_secs() / 86_400) {
            let moment = Duration::from_secs(day * 86_400 + 86_399);
            let text = format_rfc3339(UNIX_EPOCH + moment).to_string();
            assert_eq!(seconds(&text), moment.as_secs() as i64, "{text}");
        }
    }

    #[test]
    fn offsets_leap_seconds_and_fractions() {
        let noon = seconds("2026-12-01T12:00:00Z");
        for (text, after) in [
            ("2026-12-01T14:00:00+02:00", 0),
            ("2026-12-01 03:30:00-08:30", 0),
            ("2026-12-02T11:59:00+23:59", 0),
            ("2026-12-01T12:00Z", 0),
            ("2026-12-01T11:59:60Z", 0),
            ("2026-12-01T12:00:00.999Z", 0),
            ("2026-12-01T11:59:59Z", -1),
        ] {
            assert_eq!(seconds(text), noon + after, "{text}");
        }
        assert_eq!(seconds("1970-01-01T00:00:00Z"), 0);
    }
}
