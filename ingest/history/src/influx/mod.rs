//! The InfluxDB 2 sink: the same telemetry for those who run a server of their own.
//!
//! In:  [`model::Reading`], as fed from the journal by a consumer with its own cursor.
//! Out: lines on the server, and a [`PushReport`] with the lines that the server refused for good, which go into [`RefusedLines`].
//!
//! | measurement | tag | fields |
//! |---|---|---|
//! | `track` | `device` | `lat`, `lon`, `alt_m`, `height_m`, `speed_mps`, `heading_deg`, `battery_percent`, `hdop`, `accuracy_m`, `gimbal_pitch_deg`, `gimbal_yaw_deg`, `gimbal_roll_deg`: float; `flight_id`: string |
//! | `station` | `device` | one float per quantity, named as on the wire (`air_temperature_c`, ...) |
//! | `heartbeat` | `device` | `status`: string (`ok`, `degraded`, `fault`); `uptime_s`: integer; `battery_percent`, `signal_dbm`, `temperature_c`, `storage_free_mb`, `pan_deg`, `tilt_deg`, `zoom`: float |
//!
//! Every line carries its time in milliseconds (when it happened, not when it came), so writing a line again overwrites it
//! and a batch can be sent as often as it takes.
//!
//! The `influxdb2` crate carries the bytes and nothing else; `docs/adr/0006-influxdb2-client-for-writes-only.md` says why.

mod backoff;
mod config;
mod line;
mod metrics;
mod refused;
mod schema;
mod sink;
#[cfg(test)]
mod tests;
mod transport;

pub use config::{InfluxConfig, InfluxConfigError};
pub use metrics::InfluxMetrics;
pub use refused::RefusedLines;
pub use sink::{InfluxSink, PushReport, RefusedLine};
