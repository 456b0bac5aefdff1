//! Writes families of metrics: a name, a help, and a value for each set of labels.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::metrics::{BOUNDS_MICROS, Spread};

/// Names and values of labels.
type Labels<'a> = Vec<(&'static str, &'a str)>;

/// The page that is being written.
pub(super) struct Page<'a, 'b> {
    encoder: &'a mut DescriptorEncoder<'b>,
}

impl<'a, 'b> Page<'a, 'b> {
    pub fn new(encoder: &'a mut DescriptorEncoder<'b>) -> Self {
        Self { encoder }
    }

    /// A number that only rises. `name` is without `_total`, and without the unit.
    pub fn counters<'l>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        values: impl IntoIterator<Item = (Labels<'l>, u64)>,
    ) -> fmt::Result {
        let mut family = self.encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Counter)?;
        for (labels, value) in values {
            labelled(&mut family, &labels, |metric| {
                metric.encode_counter::<NoLabelSet, _, f64>(&value, None)
            })?;
        }
        Ok(())
    }

    /// A number that only rises, without labels.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.counters(name, help, None, [(vec![], value)])
    }

    /// Numbers that go up and down. `name` is without the unit. Without any value there is no family.
    pub fn gauges<'l>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        values: impl IntoIterator<Item = (Labels<'l>, f64)>,
    ) -> fmt::Result {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return Ok(());
        }
        let mut family = self.encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
        for (labels, value) in values {
            // Whole numbers are written as such.
            let is_whole = value.fract() == 0.0 && value.abs() < 9e15;
            labelled(&mut family, &labels, |metric| match is_whole {
                true => metric.encode_gauge(&(value as i64)),
                false => metric.encode_gauge(&value),
            })?;
        }
        Ok(())
    }

    /// A number that goes up and down, without labels; absent where there is none.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl Into<Option<f64>>) -> fmt::Result {
        self.gauges(name, help, None, value.into().map(|value| (vec![], value)))
    }

    /// A text that is told in a label. `name` is without `_info`.
    pub fn info(&mut self, name: &str, help: &str, labels: Labels<'_>) -> fmt::Result {
        let mut family = self.encoder.encode_descriptor(name, help, None, MetricType::Info)?;
        family.encode_info(&labels)
    }

    /// Times. `name` is without `_seconds`.
    pub fn durations(&mut self, name: &str, help: &str, spread: &Spread) -> fmt::Result {
        let seconds = Unit::Seconds;
        let mut family = self.encoder.encode_descriptor(name, help, Some(&seconds), MetricType::Histogram)?;
        let ends = BOUNDS_MICROS.map(|micros| micros as f64 / 1e6).into_iter().chain([f64::INFINITY]);
        let buckets: Vec<_> = ends.zip(spread.buckets).collect();
        family.encode_histogram::<NoLabelSet>(spread.sum.as_secs_f64(), spread.count(), &buckets, None)
    }
}

/// Writes one value of a family; without labels it has no braces.
fn labelled(
    family: &mut MetricEncoder<'_>,
    labels: &Labels<'_>,
    write: impl FnOnce(&mut MetricEncoder<'_>) -> fmt::Result,
) -> fmt::Result {
    if labels.is_empty() { write(family) } else { write(&mut family.encode_family(labels)?) }
}
