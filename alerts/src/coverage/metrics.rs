//! How much of the closed land was watched.   Never: a zone or a device as a label.

use prometheus::{Gauge, GaugeVec, IntGauge, Opts, Registry};

/// Clones share the gauges.
#[derive(Clone)]
pub struct Metrics {
    blind_mu: Gauge,
    watched: GaugeVec,
    cursor: IntGauge,
}

impl Metrics {
    /// Makes them and registers them; a second registration in the same registry is an error.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            blind_mu: Gauge::new(
                "steppewatch_zone_blind_mu",
                "Land that is closed now and that nobody watched within its limit, mu.",
            )?,
            watched: GaugeVec::new(
                Opts::new(
                    "steppewatch_coverage_watched_ratio",
                    "Part of the land that is closed now that was watched within the window, 0 to 1.",
                ),
                &["window"],
            )?,
            cursor: IntGauge::new("steppewatch_coverage_cursor", "Last journal entry that counted for watched land.")?,
        };
        registry.register(Box::new(metrics.blind_mu.clone()))?;
        registry.register(Box::new(metrics.watched.clone()))?;
        registry.register(Box::new(metrics.cursor.clone()))?;
        metrics.show([0.0; 3], 0.0);
        Ok(metrics)
    }

    pub(super) fn show(&self, watched: [f64; 3], blind_mu: f64) {
        for (window, share) in ["hour", "day", "week"].iter().zip(watched) {
            self.watched.with_label_values(&[window]).set(share);
        }
        self.blind_mu.set(blind_mu);
    }

    pub(super) fn show_cursor(&self, offset: u64) {
        self.cursor.set(i64::try_from(offset).unwrap_or(i64::MAX));
    }
}
