//! When a source is asked next. Pure: chance is an argument.

use std::time::Duration;

use crate::limits::{BACKOFF_MAX, BACKOFF_MIN};

/// How long to wait after the `failures`-th failure in a row (1 is the first).
///
/// Doubles from a second (or the poll interval, where that is shorter) to half a minute. Of that, a share
/// between a half and the whole is taken by `chance`, so that replicas do not ask in step.
pub fn wait(failures: u32, poll_interval: Duration, chance: u64) -> Duration {
    let first = BACKOFF_MIN.min(poll_interval);
    let whole = first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(BACKOFF_MAX);
    let share = 0.5 + (chance as f64 / u64::MAX as f64) / 2.0;
    whole.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_half_a_minute() {
        let seconds = |failures| wait(failures, Duration::from_secs(10), u64::MAX).as_secs();
        let waits: Vec<_> = (1..=8).map(seconds).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(wait(u32::MAX, Duration::from_secs(3600), u64::MAX), BACKOFF_MAX);
    }

    #[test]
    fn begins_with_the_poll_interval_where_that_is_shorter() {
        assert_eq!(wait(1, Duration::from_millis(50), u64::MAX), Duration::from_millis(50));
    }

    #[test]
    fn is_spread_over_the_upper_half() {
        for chance in [0, 1, u64::MAX / 2, u64::MAX] {
            let wait = wait(6, Duration::from_secs(10), chance);
            assert!((BACKOFF_MAX / 2..=BACKOFF_MAX).contains(&wait), "{wait:?}");
        }
        assert_eq!(wait(6, Duration::from_secs(10), 0), BACKOFF_MAX / 2);
    }
}
