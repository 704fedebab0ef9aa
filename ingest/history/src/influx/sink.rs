//! Gets readings onto the server, however long it takes.
//!
//! In:  readings, from a consumer of the journal with a cursor of its own.
//! Out: [`PushReport`], once every line is accepted or refused for good. The caller keeps the refused lines as dead letters
//!      and then moves its cursor.
//!
//! Never loses a line: the same batch is sent until there is a verdict. There is no queue here; what waits, waits in the
//! journal. Dropping the future stops at any point, and pushing the same readings again overwrites what was written.

use super::backoff::Backoff;
use super::config::{InfluxConfig, InfluxConfigError};
use super::metrics::InfluxMetrics;
use super::schema::{SourcedLine, line_of};
use super::transport::{Answer, Transport, WRITE_TIMEOUT};
use model::{Offset, Reading};

/// Lines in one write, as the server's makers advise; about 700 kB before compression.
const BATCH_LINES: usize = 5_000;

/// A line that the server will never take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedLine {
    /// The journal entry it came from, from which it can be made again.
    pub offset: Offset,
    /// The line.
    pub line: String,
    /// The server's status and words.
    pub reason: String,
}

/// What became of the readings of one push.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "refused lines have to be kept before the cursor moves"]
pub struct PushReport {
    /// Lines that are on the server.
    pub accepted: usize,
    /// Lines that are not and never will be.
    pub refused: Vec<RefusedLine>,
    /// Writes that had to be repeated.
    pub retries: u64,
}

/// The way to one bucket.
pub struct InfluxSink {
    transport: Transport,
    metrics: InfluxMetrics,
    backoff: Backoff,
}

impl InfluxSink {
    /// Prepares the client. The server need not be there yet.
    pub fn new(config: &InfluxConfig, metrics: InfluxMetrics) -> Result<Self, InfluxConfigError> {
        Ok(Self { transport: Transport::new(config, WRITE_TIMEOUT)?, metrics, backoff: Backoff::default() })
    }

    /// Shorter pauses, so that tests need not wait for a minute.
    #[cfg(test)]
    pub(super) fn with_backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// The same for a server that says nothing.
    #[cfg(test)]
    pub(super) fn with_timeout(self, config: &InfluxConfig, timeout: std::time::Duration) -> Self {
        Self { transport: Transport::new(config, timeout).unwrap(), ..self }
    }

    /// Writes the readings; returns when every line is accepted or refused for good, which may take as long as the server is
    /// away. Safe to drop and to repeat.
    pub async fn push(&self, readings: &[Reading]) -> PushReport {
        let lines: Vec<SourcedLine> = readings.iter().filter_map(line_of).collect();
        let mut report = PushReport::default();
        for batch in lines.chunks(BATCH_LINES) {
            self.push_batch(batch, &mut report).await;
        }
        report
    }

    /// Halves a piece that is too large or holds a bad line until the bad line stands alone. The pieces that wait are at most
    /// one per halving, 13 for a full batch.
    async fn push_batch(&self, batch: &[SourcedLine], report: &mut PushReport) {
        let mut pieces = vec![batch];
        while let Some(piece) = pieces.pop() {
            match (self.verdict(piece, report).await, piece) {
                (Verdict::Accepted, _) => {
                    report.accepted += piece.len();
                    self.metrics.accepted.inc_by(u64::try_from(piece.len()).unwrap_or(u64::MAX));
                }
                (Verdict::Halve(reason), [line]) => {
                    self.metrics.refused.inc();
                    report.refused.push(RefusedLine { offset: line.offset, line: line.text.clone(), reason });
                }
                (Verdict::Halve(_), _) => {
                    let (first, second) = piece.split_at(piece.len() / 2);
                    pieces.push(second);
                    pieces.push(first);
                }
            }
        }
    }

    /// Sends one piece until the server says yes or no to it.
    async fn verdict(&self, piece: &[SourcedLine], report: &mut PushReport) -> Verdict {
        let mut failures = 0_u32;
        loop {
            match self.transport.send(piece).await {
                Answer::Accepted => {
                    if failures > 0 {
                        tracing::info!(failures, "influxdb accepts writes again");
                    }
                    return Verdict::Accepted;
                }
                Answer::TooLarge(said) | Answer::Refused(said) => return Verdict::Halve(said),
                Answer::Later { reason, said } => {
                    failures = failures.saturating_add(1);
                    report.retries += 1;
                    self.metrics.retries.with_label_values(&[reason]).inc();
                    let pause = self.backoff.pause(failures, &mut rand::rng());
                    // Once per outage aloud; the counter tells the rest.
                    if failures == 1 {
                        tracing::warn!(reason, said, "influxdb does not accept writes; they wait in the journal");
                    } else {
                        tracing::debug!(reason, said, failures, ?pause, "influxdb still does not accept writes");
                    }
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
}

/// What the server thinks of one piece.
enum Verdict {
    Accepted,
    /// Not as a whole, and why.
    Halve(String),
}
