//! The metrics as Prometheus reads them: OpenMetrics text from counters and from what operators are told.
//!
//! Pure: a page of text from plain values. Names keep Prometheus' rules: a unit at the end, `_total` behind what only rises.
//! What each metric means is told by its help, and in `docs/metrics.md`, which a test holds to it.

mod families;
mod page;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use crate::metrics::Metrics;
use crate::status::Status;
use page::Page;

/// What the page is to be served as.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics, as they are now.
pub fn text(metrics: &Metrics, status: &Status) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Reading { metrics: metrics.clone(), status: status.clone() }));
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = text::encode(&mut page, &registry);
    page
}

/// What is told at one time.
#[derive(Debug)]
struct Reading {
    metrics: Metrics,
    status: Status,
}

impl Collector for Reading {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut page = Page::new(&mut encoder);
        let Self { metrics, status } = self;
        families::process(&mut page, status)?;
        families::served(&mut page, status)?;
        families::sources(&mut page, status)?;
        families::rollout(&mut page, status)?;
        families::audience(&mut page, metrics, &status.audience)?;
        families::requests(&mut page, metrics)?;
        families::connections(&mut page, metrics)?;
        families::ring(&mut page, metrics)?;
        families::control(&mut page, metrics)
    }
}
