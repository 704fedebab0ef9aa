//! The journal's own numbers for `/metrics`: the journal knows no metrics library.

use journal::Journal;
use journal::sqlite::SqliteJournal;
use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};

/// The journal's state as gauges: how full, how far each consumer is behind.
pub struct JournalMetrics {
    bytes: IntGauge,
    max_bytes: IntGauge,
    full: IntGauge,
    head: IntGauge,
    lag: IntGaugeVec,
}

impl JournalMetrics {
    /// Makes and registers them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            bytes: IntGauge::new("steppewatch_journal_bytes", "Bytes of entries in the journal.")?,
            max_bytes: IntGauge::new("steppewatch_journal_max_bytes", "Bytes at which the journal is full.")?,
            full: IntGauge::new(
                "steppewatch_journal_full",
                "1 while the journal, or its disk, has no room and nothing is acknowledged; otherwise 0.",
            )?,
            head: IntGauge::new("steppewatch_journal_head", "Number of the last entry in the journal.")?,
            lag: IntGaugeVec::new(
                Opts::new("steppewatch_cursor_lag_entries", "Entries that a consumer has not dealt with."),
                &["consumer"],
            )?,
        };
        registry.register(Box::new(metrics.bytes.clone()))?;
        registry.register(Box::new(metrics.max_bytes.clone()))?;
        registry.register(Box::new(metrics.full.clone()))?;
        registry.register(Box::new(metrics.head.clone()))?;
        registry.register(Box::new(metrics.lag.clone()))?;
        Ok(metrics)
    }

    /// Takes the present state.
    pub fn show(&self, journal: &SqliteJournal) {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let head = journal.head().borrow().0;
        let stats = journal.stats();
        self.bytes.set(whole(stats.bytes));
        self.max_bytes.set(whole(stats.max_bytes));
        self.full.set(i64::from(stats.full.is_some()));
        self.head.set(whole(head));
        for (consumer, offset) in journal.cursors() {
            self.lag.with_label_values(&[consumer.as_str()]).set(whole(head.saturating_sub(offset.0)));
        }
    }
}
