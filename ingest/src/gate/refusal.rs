//! What the gate refuses, said in the protocol's words, in a counter and in a log line.
//!
//! Never: a secret or a payload in a log line, or a flood of lines from one address.

use crate::metrics::Metrics;
use crate::seldom::Seldom;
use rumqttd::protocol::{ConnectReturnCode, DisconnectReasonCode, PubAckReason, PubRecReason};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Unknown device or wrong secret; which of them is not told to the client.
    #[error("device id or secret is wrong")]
    BadCredentials,
    /// Likewise, after too many of them from this address.
    #[error("too many wrong secrets from this address; it is heard again in half a minute")]
    Throttled,
    /// An operator shut the device out.
    #[error("device is disabled")]
    Disabled,
    /// It registered itself and nobody has approved it yet.
    #[error("device awaits approval; an operator approves it")]
    Quarantined,
    /// A way to authenticate that we do not have.
    #[error("authentication method is not supported; use username and password")]
    BadAuthenticationMethod,
    /// A client id that cannot be used.
    #[error("client id is not usable; use 1 to 128 characters without + $ # /")]
    BadClientId,
    /// A level of the protocol that is neither 4 nor 5.
    #[error("protocol version is not supported; use MQTT 3.1.1 or 5")]
    BadVersion,
    /// A will that the device could not publish itself.
    #[error("will topic is not allowed for this device")]
    BadWill,
    /// A topic of another device, or none of ours.
    #[error("topic is not this device's")]
    ForeignTopic,
    /// No topic at all.
    #[error("topic name is not valid")]
    BadTopic,
    /// Somebody who listens tried to say something.
    #[error("who listens to alerts may say nothing")]
    ListenerSpeaks,
    /// A filter that the device, or who listens, may not have.
    #[error("subscription is not allowed for this device or listener")]
    ForeignFilter,
    /// More than the payload limit.
    #[error("payload is larger than allowed; 1 MiB, snapshots 4 MiB")]
    TooLarge,
    /// Not MQTT.
    #[error("packet is malformed")]
    Malformed,
    /// MQTT, but not now.
    #[error("packet does not fit the state of the session")]
    Protocol,
    /// A topic alias beyond what was announced.
    #[error("topic alias is not valid")]
    BadTopicAlias,
    /// Too many sessions, filters or unreleased packets of one device.
    #[error("device is beyond its quota of sessions, filters or unreleased packets")]
    Quota,
    /// No room for another connection.
    #[error("connection limit is reached; raise it or find out who connects")]
    TooManyConnections,
    /// No room for another that listens.
    #[error("limit of listeners' connections is reached; raise [mqtt.limits] listeners or find out who listens")]
    TooManyListeners,
    /// No room for another connection of this address.
    #[error(
        "connection limit of this address is reached; raise [mqtt] connections_per_address if a fleet stands behind it"
    )]
    TooManyFromAddress,
    /// Faster than its limit for so long that slowing did not help.
    #[error("device or address speaks faster than its limit; it was slowed and did not slow down")]
    TooFast,
    /// TLS, websocket or PROXY protocol did not come about.
    #[error("connection did not get as far as MQTT")]
    Handshake,
    /// A stranger that did not say CONNECT in time.
    #[error("no CONNECT in time")]
    ConnectTimeout,
}

impl Refusal {
    /// The metric's label.
    pub fn label(self) -> &'static str {
        match self {
            Self::BadCredentials => "bad_credentials",
            Self::Throttled => "throttled",
            Self::Disabled => "disabled",
            Self::Quarantined => "quarantined",
            Self::BadAuthenticationMethod => "bad_authentication_method",
            Self::BadClientId => "bad_client_id",
            Self::BadVersion => "bad_version",
            Self::BadWill => "bad_will",
            Self::ForeignTopic => "foreign_topic",
            Self::BadTopic => "bad_topic",
            Self::ListenerSpeaks => "listener_speaks",
            Self::ForeignFilter => "foreign_filter",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Protocol => "protocol",
            Self::BadTopicAlias => "bad_topic_alias",
            Self::Quota => "quota",
            Self::TooManyConnections => "too_many_connections",
            Self::TooManyListeners => "too_many_listeners",
            Self::TooManyFromAddress => "too_many_from_address",
            Self::TooFast => "too_fast",
            Self::Handshake => "handshake",
            Self::ConnectTimeout => "connect_timeout",
        }
    }

    /// In a CONNACK.
    pub fn connect_code(self) -> ConnectReturnCode {
        match self {
            Self::BadCredentials => ConnectReturnCode::BadUserNamePassword,
            Self::BadAuthenticationMethod => ConnectReturnCode::BadAuthenticationMethod,
            Self::BadClientId => ConnectReturnCode::ClientIdentifierNotValid,
            Self::BadVersion => ConnectReturnCode::UnsupportedProtocolVersion,
            Self::BadTopic => ConnectReturnCode::TopicNameInvalid,
            Self::TooLarge => ConnectReturnCode::PacketTooLarge,
            Self::Malformed => ConnectReturnCode::MalformedPacket,
            Self::Protocol => ConnectReturnCode::ProtocolError,
            Self::Quota => ConnectReturnCode::QuotaExceeded,
            Self::TooManyConnections
            | Self::TooManyFromAddress
            | Self::TooManyListeners
            | Self::ConnectTimeout
            | Self::Throttled => ConnectReturnCode::ServerBusy,
            _ => ConnectReturnCode::NotAuthorized,
        }
    }

    /// In a DISCONNECT.
    pub fn disconnect_code(self) -> DisconnectReasonCode {
        match self {
            Self::TooLarge => DisconnectReasonCode::PacketTooLarge,
            Self::Malformed => DisconnectReasonCode::MalformedPacket,
            Self::BadTopicAlias => DisconnectReasonCode::TopicAliasInvalid,
            Self::BadTopic => DisconnectReasonCode::TopicNameInvalid,
            Self::Quota => DisconnectReasonCode::QuotaExceeded,
            Self::TooFast => DisconnectReasonCode::MessageRateTooHigh,
            Self::Disabled => DisconnectReasonCode::AdministrativeAction,
            Self::ForeignTopic | Self::ListenerSpeaks => DisconnectReasonCode::NotAuthorized,
            _ => DisconnectReasonCode::ProtocolError,
        }
    }

    /// In a PUBACK. MQTT 5 has no "too large" there; quota exceeded (an imposed limit) is the nearest that ends the
    /// resending.
    pub fn puback_reason(self) -> PubAckReason {
        match self {
            Self::TooLarge => PubAckReason::QuotaExceeded,
            Self::BadTopic => PubAckReason::TopicNameInvalid,
            _ => PubAckReason::NotAuthorized,
        }
    }

    /// In a PUBREC.
    pub fn pubrec_reason(self) -> PubRecReason {
        match self {
            Self::TooLarge => PubRecReason::QuotaExceeded,
            Self::BadTopic => PubRecReason::TopicNameInvalid,
            _ => PubRecReason::NotAuthorized,
        }
    }
}

/// Counts and logs refusals.
pub struct RefusalLog {
    metrics: Metrics,
    said: Mutex<Seldom<(IpAddr, Refusal, String)>>,
}

impl RefusalLog {
    /// A log that counts in `metrics`.
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics, said: Mutex::default() }
    }

    /// Notes a refusal. `who` is the device where it is known; `what` a detail of bounded length such as a topic.
    pub fn note(&self, refusal: Refusal, peer: SocketAddr, who: &str, what: &str) {
        self.metrics.refusals.with_label_values(&[refusal.label()]).inc();
        // Whoever is not known could take a new name for every line.
        let known = if matches!(refusal, Refusal::BadCredentials | Refusal::Throttled) { "" } else { who };
        if let Some(unsaid) = self.may_speak(refusal, peer.ip(), known) {
            let what: String = what.chars().take(160).collect();
            tracing::warn!(%peer, device = who, reason = refusal.label(), what, unsaid, "refused: {refusal}");
        }
    }

    /// How many alike went unsaid, if it is time for a line.
    fn may_speak(&self, refusal: Refusal, address: IpAddr, who: &str) -> Option<u64> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.may_speak((address, refusal, who.to_owned()), Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_counted_and_a_flood_from_one_address_is_logged_once() {
        let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
        let log = RefusalLog::new(metrics.clone());
        let address = IpAddr::from([10, 0, 0, 1]);
        assert_eq!(log.may_speak(Refusal::ForeignTopic, address, "camera-1"), Some(0));
        assert_eq!(log.may_speak(Refusal::ForeignTopic, address, "camera-1"), None);
        assert_eq!(log.may_speak(Refusal::TooLarge, address, "camera-1"), Some(0));
        assert_eq!(log.may_speak(Refusal::ForeignTopic, address, "camera-2"), Some(0));
        for _ in 0..5 {
            log.note(Refusal::ForeignTopic, SocketAddr::new(address, 1), "camera-1", "t");
        }
        assert_eq!(metrics.refusals.with_label_values(&["foreign_topic"]).get(), 5);
    }
}
