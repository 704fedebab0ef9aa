//! Telemetry store: tracks and readings; the InfluxDB 2 sink.
