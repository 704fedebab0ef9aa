use crate::{BadName, BadPosition, DeviceId, Offset, ReceivedAt};

/// Why a frame could not be understood. An expected value, not a failure: the frame is kept and the stage goes on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Reject {
    /// Not JSON, or not of the shape the contract gives for this kind; the text says where and what.
    #[error("payload is not valid JSON for this kind: {0}")]
    Malformed(String),
    /// Nothing in it.
    #[error("payload is empty")]
    Empty,
    /// A field that the kind needs is not there.
    #[error("field `{field}` is missing")]
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// A number outside what the field can mean.
    #[error("field `{field}` is {value}; it must be within {low} to {high}")]
    OutOfRange {
        /// Its name.
        field: &'static str,
        /// What was said.
        value: f64,
        /// Lowest meaningful value.
        low: f64,
        /// Highest meaningful value.
        high: f64,
    },
    /// A word that is not in the contract's list.
    #[error("field `{field}` is `{value}`, which is not one of: {allowed}")]
    UnknownWord {
        /// Its name.
        field: &'static str,
        /// What was said.
        value: String,
        /// What could be said.
        allowed: &'static str,
    },
    /// A time without a zone, or not a time.
    #[error("field `ts` is `{0}`; use RFC 3339 with a zone, or whole Unix milliseconds")]
    BadTime(String),
    /// No place on the globe.
    #[error(transparent)]
    BadPosition(#[from] BadPosition),
    /// An id inside the message that is none.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// The kind of message is not one we know; later versions may.
    #[error("unknown message `{0}`; it is kept and can be replayed once it is understood")]
    UnknownMessage(String),
    /// A picture that is no JPEG.
    #[error("snapshot does not begin like a JPEG (FF D8 FF)")]
    NotJpeg,
    /// The station's answer does not fit the register map of its model.
    #[error("station answer of {len} bytes does not fit model `{model}`, which needs {want}")]
    RegisterCount {
        /// The register map.
        model: String,
        /// What came.
        len: usize,
        /// What the map needs.
        want: usize,
    },
    /// Understood, and there is nothing in it that the platform uses. Not a fault: it is counted and makes no dead letter.
    #[error("message `{0}` says nothing that the platform uses")]
    Unused(String),
    /// It is about somebody whom its sender may not speak for.
    #[error(
        "nobody is registered as `{0}` behind the device that said it; register the device with --via and --external"
    )]
    Unregistered(String),
    /// A signal, packet or field that its protocol does not allow; the text says which.
    #[error("payload is no valid {protocol} message: {fault}")]
    BadPacket {
        /// Which protocol.
        protocol: &'static str,
        /// What is wrong.
        fault: String,
    },
    /// The device says it happened later than now; such a time would become "latest" for ever.
    #[error("device time is {ahead_s} s in the future; check the device's clock")]
    FutureTime {
        /// How far ahead, seconds.
        ahead_s: u64,
    },
}

impl Reject {
    /// A short word for the metric's label: bounded in number, never data.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Empty => "empty",
            Self::Missing { .. } => "missing_field",
            Self::OutOfRange { .. } => "out_of_range",
            Self::UnknownWord { .. } => "unknown_word",
            Self::BadTime(_) => "bad_time",
            Self::BadPosition(_) => "bad_position",
            Self::BadName(_) => "bad_name",
            Self::UnknownMessage(_) => "unknown_message",
            Self::NotJpeg => "not_jpeg",
            Self::RegisterCount { .. } => "register_count",
            Self::FutureTime { .. } => "future_time",
            Self::Unused(_) => "unused",
            Self::Unregistered(_) => "unregistered",
            Self::BadPacket { .. } => "bad_packet",
        }
    }
}

/// A frame that was rejected: where it is kept, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Its place in the journal, which holds the bytes.
    pub offset: Offset,
    /// Whom it was about.
    pub device: DeviceId,
    /// When it came.
    pub received_at: ReceivedAt,
    /// How it came, as a topic or the like, for people.
    pub channel: String,
    /// Why.
    pub reason: Reject,
}
