//! What raising and delivering count.   Never: a device, a person or a place as a label.

use detect::Asides;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry};

/// What this crate counts. Clones share the counters.
#[derive(Clone)]
pub struct Metrics {
    pub(crate) alerts: IntCounterVec,
    pub(crate) attempts: IntCounterVec,
    pub(crate) detection_seconds: Histogram,
    pub(crate) receipt_to_alert_seconds: Histogram,
    pub(crate) detect_cursor: IntGauge,
    pub(crate) incidents_going_on: IntGauge,
    pub(crate) herds: IntGauge,
    pub(crate) receivers_resting: IntGauge,
    pub(crate) fixes_set_aside: IntCounterVec,
    pub(crate) sightings_unplaced: IntCounterVec,
}

impl Metrics {
    /// Makes them and registers them; a second registration in the same registry is an error.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let buckets = vec![0.000_01, 0.000_1, 0.001, 0.01, 0.1, 1.0];
        let metrics = Self {
            alerts: IntCounterVec::new(Opts::new("steppewatch_alerts_total", "Alerts raised, by type."), &["type"])?,
            attempts: IntCounterVec::new(
                Opts::new(
                    "steppewatch_delivery_attempts_total",
                    "Attempts to tell a subscriber, by channel and result.",
                ),
                &["channel", "result"],
            )?,
            detection_seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "steppewatch_detection_seconds",
                    "Time to judge one reading, averaged over its batch.",
                )
                .buckets(buckets),
            )?,
            receipt_to_alert_seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "steppewatch_receipt_to_alert_seconds",
                    "Time from receipt of the deciding message to its alert on disk.",
                )
                .buckets(vec![0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 3.0, 10.0, 60.0]),
            )?,
            detect_cursor: IntGauge::new("steppewatch_detect_cursor", "Last journal entry that was judged.")?,
            incidents_going_on: IntGauge::new("steppewatch_incidents_going_on", "Cases whose herd is still inside.")?,
            herds: IntGauge::new("steppewatch_herds", "Herds that are followed.")?,
            receivers_resting: IntGauge::new(
                "steppewatch_receivers_resting",
                "Subscribers that failed again and again and are left alone for a while.",
            )?,
            fixes_set_aside: IntCounterVec::new(
                Opts::new("steppewatch_fixes_set_aside_total", "Fixes of collars that were not believed, by reason."),
                &["reason"],
            )?,
            sightings_unplaced: IntCounterVec::new(
                Opts::new(
                    "steppewatch_sightings_unplaced_total",
                    "Animals in pictures whose place on the ground is not known, by reason.",
                ),
                &["reason"],
            )?,
        };
        registry.register(Box::new(metrics.alerts.clone()))?;
        registry.register(Box::new(metrics.attempts.clone()))?;
        registry.register(Box::new(metrics.detection_seconds.clone()))?;
        registry.register(Box::new(metrics.receipt_to_alert_seconds.clone()))?;
        registry.register(Box::new(metrics.detect_cursor.clone()))?;
        registry.register(Box::new(metrics.incidents_going_on.clone()))?;
        registry.register(Box::new(metrics.herds.clone()))?;
        registry.register(Box::new(metrics.receivers_resting.clone()))?;
        registry.register(Box::new(metrics.fixes_set_aside.clone()))?;
        registry.register(Box::new(metrics.sightings_unplaced.clone()))?;
        Ok(metrics)
    }

    /// Counts what detection did not use.
    pub(crate) fn set_aside(&self, asides: &Asides) {
        for (counter, counts) in [(&self.fixes_set_aside, &asides.fixes), (&self.sightings_unplaced, &asides.sightings)]
        {
            for (reason, count) in counts {
                counter.with_label_values(&[reason]).inc_by(*count);
            }
        }
    }
}
