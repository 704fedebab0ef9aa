//! What became of the pictures.

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry};

/// The counters; clones share them.
#[derive(Debug, Clone)]
pub struct VisionMetrics {
    pictures: IntCounterVec,
    /// Pictures that wait or are looked at.
    pub(super) waiting: IntGauge,
    /// How long a picture takes.
    pub(super) seconds: Histogram,
}

impl VisionMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            pictures: IntCounterVec::new(
                Opts::new(
                    "steppewatch_vision_pictures_total",
                    "Pictures of cameras, by what became of looking at them.",
                ),
                &["outcome"],
            )?,
            waiting: IntGauge::new("steppewatch_vision_waiting", "Pictures that wait to be looked at.")?,
            seconds: Histogram::with_opts(
                HistogramOpts::new("steppewatch_vision_seconds", "How long a picture takes to be read and looked at.")
                    .buckets(vec![0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0]),
            )?,
        };
        registry.register(Box::new(metrics.pictures.clone()))?;
        registry.register(Box::new(metrics.waiting.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        Ok(metrics)
    }

    pub(super) fn outcome(&self, outcome: &'static str) {
        self.pictures.with_label_values(&[outcome]).inc();
    }

    /// How often it came out like this.
    #[cfg(test)]
    pub(super) fn count(&self, outcome: &str) -> u64 {
        self.pictures.with_label_values(&[outcome]).get()
    }
}
