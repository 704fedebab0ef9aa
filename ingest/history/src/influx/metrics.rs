//! What the sink counts.
//!
//! In: outcomes. Out: Prometheus counters. Never a device id as a label.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// The sink's counters, on a registry.
#[derive(Clone, Debug)]
pub struct InfluxMetrics {
    pub(super) accepted: IntCounter,
    pub(super) refused: IntCounter,
    pub(super) retries: IntCounterVec,
}

impl InfluxMetrics {
    /// Puts the counters on a registry; fails if they are on it already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let lines =
            Opts::new("steppewatch_influx_lines_total", "Lines that the InfluxDB 2 server accepted or refused.");
        let lines = IntCounterVec::new(lines, &["result"])?;
        let retries = Opts::new("steppewatch_influx_retries_total", "Writes that had to be tried again, by reason.");
        let retries = IntCounterVec::new(retries, &["reason"])?;
        registry.register(Box::new(lines.clone()))?;
        registry.register(Box::new(retries.clone()))?;
        let [accepted, refused] = ["accepted", "refused"].map(|result| lines.with_label_values(&[result]));
        Ok(Self { accepted, refused, retries })
    }
}
