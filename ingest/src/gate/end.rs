//! How a session ends, and what follows from it: the last word to the client, and whether its will is due.

use super::codec::Malformed;
use super::refusal::Refusal;
use rumqttd::protocol::DisconnectReasonCode;

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// The client said goodbye.
    #[error("client disconnected")]
    Said,
    /// The client said goodbye and wants its will published.
    #[error("client disconnected and asked for its will")]
    SaidWithWill,
    /// The connection broke or was closed without a word.
    #[error("connection lost")]
    Lost,
    /// Silent for longer than one and a half keep-alives.
    #[error("keep-alive expired")]
    KeepAlive,
    /// Another connection of the same device and client id took over.
    #[error("session taken over by another connection")]
    TakenOver,
    /// An operator disabled the device, or removed it; or who listens to alerts may hear less, or nothing, from now on.
    #[error("device was disabled, or a listener's right changed")]
    Disabled,
    /// The client broke a rule.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// Likewise, and it is counted and logged already.
    #[error("refused: {0}")]
    RefusedAndNoted(Refusal),
    /// The client sent what is no MQTT.
    #[error("{0}")]
    Malformed(Malformed),
    /// The gate is stopping.
    #[error("gate is stopping")]
    Stopping,
    /// The journal cannot be written any more.
    #[error("journal failed")]
    JournalFailed,
    /// The router is gone.
    #[error("router is gone")]
    RouterGone,
}

impl End {
    /// The reason of the DISCONNECT that an MQTT 5 client is sent; `None` where it is gone or has nothing to learn.
    pub fn farewell(&self) -> Option<DisconnectReasonCode> {
        Some(match self {
            Self::Said | Self::SaidWithWill | Self::Lost => return None,
            Self::KeepAlive => DisconnectReasonCode::KeepAliveTimeout,
            Self::TakenOver => DisconnectReasonCode::SessionTakenOver,
            Self::Disabled => DisconnectReasonCode::AdministrativeAction,
            Self::Refused(refusal) | Self::RefusedAndNoted(refusal) => refusal.disconnect_code(),
            Self::Malformed(_) => DisconnectReasonCode::MalformedPacket,
            Self::Stopping | Self::JournalFailed | Self::RouterGone => DisconnectReasonCode::ServerShuttingDown,
        })
    }

    /// Whether the will is published. Not when we stop: that is our end, not the device's. Not for a device that may no
    /// longer speak.
    pub fn will_is_due(&self) -> bool {
        !matches!(self, Self::Said | Self::Disabled | Self::Stopping | Self::JournalFailed | Self::RouterGone)
    }

    /// What is to be counted and logged as a refusal.
    pub fn refusal(&self) -> Option<(Refusal, &'static str)> {
        match self {
            Self::Refused(refusal) => Some((*refusal, "")),
            Self::Malformed(Malformed(what)) => Some((Refusal::Malformed, what)),
            _ => None,
        }
    }
}
