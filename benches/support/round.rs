//! What one round of one peer found.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::support::load::Load;
use crate::support::process::{Process, Spent, spent_here};

/// The figures of a round.
pub struct Round {
    pub requests: u64,
    pub requests_per_second: f64,
    /// Server's processor time for one request, in microseconds.
    pub cpu: f64,
    /// Ticks of 10 ms that the server spent in user mode and in the kernel.
    pub ticks: (u64, u64),
    /// From send to whole reply, in microseconds: the median, and what 1 % and 0.1 % exceed.
    pub latency: [f64; 3],
    /// Share of the time that the load generator was busy: near 1, it and not the server was the limit.
    pub generator: f64,
}

/// A stretch of time whose cost is being measured.
pub struct Window<'a> {
    process: &'a Process,
    opened: Instant,
    before: Spent,
    here: Duration,
}

impl<'a> Window<'a> {
    /// Starts to count: what was counted before is forgotten.
    pub fn open(load: &mut Load<'a>) -> Self {
        load.forget();
        let process = load.process();
        Self { process, opened: Instant::now(), here: spent_here(), before: process.spent() }
    }

    /// The figures since it was opened.
    pub fn close(self, load: &Load<'a>) -> Round {
        let after = self.process.spent();
        let wall = self.opened.elapsed().as_secs_f64();
        let here = spent_here().saturating_sub(self.here);
        let requests = load.completed.max(1);
        let cpu = after.total.saturating_sub(self.before.total);
        let quantile = |at| nanoseconds(&load.latency, at) / 1e3;
        Round {
            requests: load.completed,
            requests_per_second: load.completed as f64 / wall,
            cpu: cpu.as_secs_f64() * 1e6 / requests as f64,
            ticks: (after.user_ticks - self.before.user_ticks, after.system_ticks - self.before.system_ticks),
            latency: [quantile(0.5), quantile(0.99), quantile(0.999)],
            generator: here.as_secs_f64() / wall,
        }
    }
}

/// A window that opens once all is warm, and closes by itself.
pub struct Measurement<'a> {
    warm: Instant,
    length: Duration,
    window: Option<Window<'a>>,
}

impl<'a> Measurement<'a> {
    /// Warms up for a fifth of `length`, then measures for all of it.
    pub fn of(length: Duration) -> Self {
        Self { warm: Instant::now() + length / 5, length, window: None }
    }

    /// To be called again and again; gives the round when it is over.
    pub fn look(&mut self, load: &mut Load<'a>, now: Instant) -> Option<Round> {
        if self.window.is_none() && now >= self.warm {
            self.window = Some(Window::open(load));
            return None;
        }
        let over = self.window.take_if(|open| now.duration_since(open.opened) >= self.length);
        over.map(|window| window.close(load))
    }
}

fn nanoseconds(latency: &Histogram<u64>, quantile: f64) -> f64 {
    latency.value_at_quantile(quantile) as f64
}
