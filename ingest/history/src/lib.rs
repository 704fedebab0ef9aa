//! Telemetry store: where things were and what stations measured, asked by device and time.
//!
//! In:  [`model::Reading`] in journal order, with the offset up to which they came ([`History::append`]).
//! Out: tracks and series ([`History::track`], [`History::track_simplified`], [`History::series`], [`History::series_aggregated`],
//!      [`History::series_judged`], [`History::days`]), tracks as files ([`TrackWriter`]); tracks for who only looks, beside
//!      the writer ([`HistoryReader`]); and, for those who run one, an InfluxDB 2 server ([`influx::InfluxSink`]).
//!
//! New rows go into one SQLite file, the tail, in the same transaction as the cursor. A maintenance tick moves them, off
//! the path of new data, into compressed column blocks in one SQLite file per UTC day; retention unlinks a day's file.
//! Queries merge both, so late and repeated points come out right (`docs/adr/0004-history-blocks-in-sqlite.md`, and 0035 for how rows
//! get there).
//!
//! Never: reads a clock of its own, decides anything about animals, or makes up data that the journal did not hold.

mod block;
mod daily;
mod day;
mod error;
mod export;
pub mod influx;
mod judged;
mod packed;
mod partition;
mod reader;
mod row;
mod seal;
mod series;
mod simplify;
mod sqlite;
mod store;
mod tail;
#[cfg(test)]
mod tests;

pub use error::HistoryError;
pub use export::{TrackFormat, TrackWriter};
pub use reader::HistoryReader;
pub use row::{TrackPoint, Vital};
pub use seal::Sealed;
pub use series::{Aggregate, aggregated, steps_with_gaps, with_gaps};
pub use simplify::{Simplified, Vertex};
pub use store::{History, Summary, in_steps};
