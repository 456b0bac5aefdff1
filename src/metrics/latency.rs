//! A histogram of times: fixed buckets, each a counter of its own.

use std::time::Duration;

use super::Counter;

/// Upper ends of the buckets, in microseconds: powers of two from 1 µs to about 1 s. Longer times have a bucket of their own.
pub const BOUNDS_MICROS: [u64; 21] = {
    let mut bounds = [1; 21];
    let mut index = 1;
    while index < bounds.len() {
        bounds[index] = bounds[index - 1] * 2;
        index += 1;
    }
    bounds
};

const BUCKETS: usize = BOUNDS_MICROS.len() + 1;

/// The times of what one thread did; that thread writes it, any reads it.
#[derive(Debug, Default)]
pub struct Latency {
    buckets: [Counter; BUCKETS],
    nanoseconds: Counter,
}

impl Latency {
    /// Counts so many things that each took this long.
    pub fn count(&self, time: Duration, times: u64) {
        // 584 years fit.
        let nanoseconds = time.as_nanos() as u64;
        self.buckets[bucket(nanoseconds)].add(times);
        self.nanoseconds.add(nanoseconds.saturating_mul(times));
    }
}

/// The bucket of a time: the first whose bound is not below it.
fn bucket(nanoseconds: u64) -> usize {
    let micros = nanoseconds.div_ceil(1000);
    let exponent = micros.saturating_sub(1).checked_ilog2().map_or(0, |log| log as usize + 1);
    exponent.min(BUCKETS - 1)
}

/// Times of several threads, as they were when they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spread {
    /// How many fell into each bucket; the last is that of times above all of [`BOUNDS_MICROS`].
    pub buckets: [u64; BUCKETS],
    /// All times together.
    pub sum: Duration,
}

impl Spread {
    /// These and a thread's.
    pub(super) fn with(mut self, latency: &Latency) -> Self {
        for (sum, counter) in self.buckets.iter_mut().zip(&latency.buckets) {
            *sum += counter.value();
        }
        self.sum += Duration::from_nanos(latency.nanoseconds.value());
        self
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_first_bucket_that_holds_it() {
        for (nanoseconds, expected) in [(0, 0), (1, 0), (1000, 0), (1001, 1), (2000, 1), (2001, 2), (4001, 3)]
        {
            assert_eq!(bucket(nanoseconds), expected, "{nanoseconds}");
        }
        for (index, micros) in BOUNDS_MICROS.into_iter().enumerate() {
            assert_eq!(bucket(micros * 1000), index, "at its end");
            assert_eq!(bucket(micros * 1000 + 1), index + 1, "beyond it by one");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        assert_eq!(BOUNDS_MICROS.last(), Some(&1_048_576));
    }

    #[test]
    fn sums_times_and_numbers() {
        let (one, other) = (Latency::default(), Latency::default());
        one.count(Duration::from_micros(3), 16);
        other.count(Duration::from_micros(4), 1);
        other.count(Duration::from_secs(2), 1);
        let spread = Spread::default().with(&one).with(&other);
        assert_eq!((spread.buckets[2], spread.buckets[BUCKETS - 1], spread.count()), (17, 1, 18));
        assert_eq!(spread.sum, Duration::from_micros(2_000_052));
    }
}
