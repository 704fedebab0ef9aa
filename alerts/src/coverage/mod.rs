//! Which land is watched: a stage of its own beside detection.
//!
//! In:  [`model::Readings`] as detection gets them, flaws from the alert log.   Out: `coverage.db`; findings about blind zones, raised
//! like detection's; answers for the API ([`Reader`]).
//!
//! ```text
//! worker.rs   readings -> detect::coverage -> store; never makes anybody wait
//! store.rs    coverage.db: cells, days, patrols, and a cursor, moved together or not at all
//! row.rs      a patrol as it is kept
//! read.rs     what the API asks
//! metrics.rs  how much of the closed land was watched
//! ```

mod metrics;
mod read;
mod row;
mod store;
mod worker;

pub use metrics::Metrics;
pub use read::{ReadError, Reader, ReaderParts};
pub use store::{CoverageStore, CoverageStoreError};
pub use worker::{Handed, Missed, Shared, WatchError, WatchParts, run};

/// The consumer's name in the journal.
pub const CONSUMER: &str = "coverage";

#[cfg(test)]
mod tests;
