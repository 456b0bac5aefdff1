//! An axis: which stretch of numbers it shows, where on it a number is, and which of them it names.

/// Digits that a tick of an axis may begin with.
const STEPS: [f64; 3] = [1.0, 2.0, 5.0];
/// Ticks of a linear axis, at most.
const LINEAR_MAX: f64 = 8.0;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// From zero.
    Linear,
    Log,
}

/// A stretch of an axis.
#[derive(Clone, Copy)]
pub struct Range {
    scale: Scale,
    pub low: f64,
    pub high: f64,
}

impl Range {
    /// Just as much as the values need, and on a linear axis from zero.
    pub fn tight(scale: Scale, values: impl Iterator<Item = f64> + Clone) -> Self {
        let high = values.clone().fold(f64::MIN_POSITIVE, f64::max);
        let low = if scale == Scale::Linear { 0.0 } else { values.fold(high, f64::min) };
        Self { scale, low, high }
    }

    /// The same out to the next ticks, and those ticks.
    pub fn with_ticks(self) -> (Self, Vec<f64>) {
        let ticks = match self.scale {
            Scale::Linear => {
                let step = steps(self.high / LINEAR_MAX).next().unwrap_or(self.high);
                let count = (self.high / step).ceil() as u32;
                (0..=count).map(|tick| f64::from(tick) * step).collect()
            }
            Scale::Log => {
                let below = steps(self.low / 10.0).take_while(|&step| step <= self.low).last();
                let low = below.unwrap_or(self.low);
                let within: Vec<f64> = steps(low).take_while(|&step| step < self.high).collect();
                let next = steps(self.high).next().unwrap_or(self.high);
                within.into_iter().chain([next]).collect::<Vec<_>>()
            }
        };
        let low = ticks.first().copied().unwrap_or(self.low);
        let high = ticks.last().copied().unwrap_or(self.high);
        (Self { low, high, ..self }, ticks)
    }

    /// Where a value is: 0 at the low end, 1 at the high end.
    pub fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => (value / self.low).ln() / (self.high / self.low).ln(),
        }
    }
}

/// The numbers that begin with one of [`STEPS`], from `least` on.
fn steps(least: f64) -> impl Iterator<Item = f64> {
    // A hair less, so that a step which came out of a division is not skipped.
    let least = least * (1.0 - 1e-9);
    let decade = least.log10().floor() as i32;
    let all = (decade..).flat_map(|decade| STEPS.map(|step| step * 10f64.powi(decade)));
    all.skip_while(move |&step| step < least)
}
