//! Counters of the ingest crate, as Prometheus sees them. Labels are bounded words, never a device's id.

use model::{Channel, Frame};
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// The counters; clones share them.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Frames that reached the disk, by kind.
    pub frames: IntCounterVec,
    /// Payload bytes of those frames.
    pub frame_bytes: IntCounter,
    /// Acknowledgements written to devices, by MQTT packet or `http`.
    pub acknowledgements: IntCounterVec,
    // Held apart: a label is not looked up for every message.
    pubacks: IntCounter,
    pubrecs: IntCounter,
    answers: IntCounter,
    /// What was refused, by reason.
    pub refusals: IntCounterVec,
    /// MQTT connections that are open now, strangers included.
    pub connections: IntGauge,
    /// Connections of those who listen to alerts.
    pub listeners: IntGauge,
    /// MQTT sessions that were accepted.
    pub sessions: IntCounter,
    /// Times a frame waited because the journal was full.
    pub journal_full_waits: IntCounter,
}

impl Metrics {
    /// Makes the counters and registers them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let acknowledgements = IntCounterVec::new(
            Opts::new("steppewatch_acknowledgements_total", "Acknowledgements to devices, by MQTT packet or http"),
            &["packet"],
        )?;
        let metrics = Self {
            frames: IntCounterVec::new(
                Opts::new("steppewatch_frames_total", "Messages of devices written to the journal, by kind"),
                &["kind"],
            )?,
            frame_bytes: IntCounter::new(
                "steppewatch_frame_bytes_total",
                "Payload bytes of messages written to the journal",
            )?,
            pubacks: acknowledgements.with_label_values(&["puback"]),
            pubrecs: acknowledgements.with_label_values(&["pubrec"]),
            answers: acknowledgements.with_label_values(&["http"]),
            acknowledgements,
            refusals: IntCounterVec::new(
                Opts::new("steppewatch_refusals_total", "What was refused to devices, by reason"),
                &["reason"],
            )?,
            connections: IntGauge::new("steppewatch_mqtt_connections", "Open MQTT connections")?,
            listeners: IntGauge::new(
                "steppewatch_mqtt_listeners",
                "Open MQTT connections of subscribers that listen to alerts",
            )?,
            sessions: IntCounter::new("steppewatch_mqtt_sessions_total", "MQTT sessions accepted")?,
            journal_full_waits: IntCounter::new(
                "steppewatch_journal_full_waits_total",
                "Times a frame waited because the journal was full",
            )?,
        };
        registry.register(Box::new(metrics.frames.clone()))?;
        registry.register(Box::new(metrics.frame_bytes.clone()))?;
        registry.register(Box::new(metrics.acknowledgements.clone()))?;
        registry.register(Box::new(metrics.refusals.clone()))?;
        registry.register(Box::new(metrics.connections.clone()))?;
        registry.register(Box::new(metrics.listeners.clone()))?;
        registry.register(Box::new(metrics.sessions.clone()))?;
        registry.register(Box::new(metrics.journal_full_waits.clone()))?;
        Ok(metrics)
    }

    /// Counts acknowledgements that go out to a device.
    pub fn acknowledged(&self, pubacks: u64, pubrecs: u64) {
        self.pubacks.inc_by(pubacks);
        self.pubrecs.inc_by(pubrecs);
    }

    /// Counts messages that were answered with 202.
    pub fn answered(&self, messages: u64) {
        self.answers.inc_by(messages);
    }

    /// Counts a frame that is on disk.
    pub fn frame_recorded(&self, frame: &Frame) {
        self.frames.with_label_values(&[kind_label(&frame.channel)]).inc();
        self.frame_bytes.inc_by(u64::try_from(frame.payload.len()).unwrap_or(u64::MAX));
    }
}

fn kind_label(channel: &Channel) -> &str {
    match channel {
        Channel::Native { kind, .. } => kind.as_str(),
        Channel::DjiOsd => "osd",
        Channel::Modbus { .. } => "modbus",
        Channel::Clock => "clock",
        Channel::Other { .. } => "other",
        // Formats are ours to name, never a device's: they are as few as the table in decode has lines.
        Channel::Foreign { format, .. } => format,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use model::{DeviceId, ReceivedAt, Timestamp, Transport};

    #[test]
    fn a_recorded_frame_is_counted_by_kind_and_bytes() {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry).unwrap();
        let device = DeviceId::parse("camera-1").unwrap();
        metrics.frame_recorded(&Frame {
            device: device.clone(),
            speaker: device,
            channel: Channel::DjiOsd,
            transport: Transport::Mqtt,
            payload: Bytes::from_static(b"12345"),
            received_at: ReceivedAt(Timestamp::from_millis(0)),
        });
        assert_eq!(metrics.frames.with_label_values(&["osd"]).get(), 1);
        assert_eq!(metrics.frame_bytes.get(), 5);
        assert!(registry.gather().iter().all(|family| family.name().starts_with("steppewatch_")));
    }
}
