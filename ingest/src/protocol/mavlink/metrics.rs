//! What the listener counts: packets by what became of them, never by device.

use prometheus::{IntCounterVec, Opts, Registry};

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fate {
    /// It is the news of a frame.
    Recorded,
    /// It is kept to explain the next news, or came too soon after the last of its kind.
    Thinned,
    /// A message that the platform has no use for.
    Unused,
    /// No packet, or one whose checksum is wrong; the rest of its datagram is left.
    Malformed,
    /// Not signed, and from a network whose word does not count.
    Stranger,
    /// Nobody is registered under its system id, or who is is disabled.
    Unregistered,
    /// Not signed although its system has a key.
    Unsigned,
    /// Signed with another key.
    BadSignature,
    /// Signed rightly, and heard before or long ago.
    Replayed,
    /// Another source speaks for that system.
    Taken,
    /// There was no room for it.
    Lost,
}

impl Fate {
    const ALL: [Self; 11] = [
        Self::Recorded,
        Self::Thinned,
        Self::Unused,
        Self::Malformed,
        Self::Stranger,
        Self::Unregistered,
        Self::Unsigned,
        Self::BadSignature,
        Self::Replayed,
        Self::Taken,
        Self::Lost,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Thinned => "thinned",
            Self::Unused => "unused",
            Self::Malformed => "malformed",
            Self::Stranger => "stranger",
            Self::Unregistered => "unregistered",
            Self::Unsigned => "unsigned",
            Self::BadSignature => "bad_signature",
            Self::Replayed => "replayed",
            Self::Taken => "taken",
            Self::Lost => "lost",
        }
    }
}

/// The listener's counters.
#[derive(Debug, Clone)]
pub struct MavlinkMetrics {
    packets: IntCounterVec,
}

impl MavlinkMetrics {
    /// Registers the counters.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let packets = IntCounterVec::new(
            Opts::new("steppewatch_mavlink_packets_total", "MAVLink packets, by what became of them."),
            &["result"],
        )?;
        registry.register(Box::new(packets.clone()))?;
        for fate in Fate::ALL {
            packets.with_label_values(&[fate.as_str()]); // shown as 0 from the start
        }
        Ok(Self { packets })
    }

    pub(super) fn count(&self, fate: Fate) {
        self.packets.with_label_values(&[fate.as_str()]).inc();
    }

    #[cfg(test)]
    pub(super) fn packets(&self, fate: Fate) -> u64 {
        self.packets.with_label_values(&[fate.as_str()]).get()
    }
}
