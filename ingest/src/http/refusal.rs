//! What HTTP in refuses, said as `application/problem+json` (RFC 9457), in a counter and in a log line.
//!
//! Never: a secret or a payload in a log line, or a flood of lines from one address.

use super::limits::RETRY_AFTER;
use crate::metrics::Metrics;
use crate::seldom::Seldom;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Reject;
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Why a request was refused. Its text is what the device is told.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Neither Basic nor Bearer.
    #[error(
        "no credentials; use HTTP Basic with the device's id and secret, or `Authorization: Bearer` with the secret"
    )]
    NoCredentials,
    /// Unknown device or wrong secret; which of them is not told.
    #[error("device id or secret is wrong")]
    BadCredentials,
    /// Too many wrong secrets from this address.
    #[error("too many wrong secrets from this address; try again in {} s", wait.as_secs().max(1))]
    Throttled {
        /// For how long it has to wait.
        wait: Duration,
    },
    /// An operator shut the device out.
    #[error("device is disabled; ask the platform's administrator")]
    Disabled,
    /// It registered itself and nobody has approved it yet.
    #[error("device awaits approval; an operator approves it")]
    Quarantined,
    /// A claim key that registers nothing.
    #[error("{0}")]
    ClaimKey(String),
    /// A serial number that is known already.
    #[error("{0}")]
    SerialTaken(String),
    /// The registry does not do it just now.
    #[error("the platform cannot do it now; send it again later")]
    Unavailable,
    /// The address names another device.
    #[error("a device speaks only as itself: `{itself}` cannot say anything for another")]
    Foreign {
        /// Who asked.
        itself: String,
    },
    /// Not a kind of message, or a snapshot without its id.
    #[error(
        "there is no such kind of message; use heartbeat, track, reading, sighting, report, or snapshot/{{snapshot_id}}"
    )]
    UnknownKind,
    /// More than the bound.
    #[error("the body is larger than {limit_bytes} bytes; send it in parts")]
    TooLarge {
        /// The bound.
        limit_bytes: usize,
    },
    /// A batch of too many.
    #[error("the batch has more than {limit} lines; send it in parts")]
    TooManyLines {
        /// The bound.
        limit: usize,
    },
    /// A Content-Type that this address does not take.
    #[error("header Content-Type must be {wanted}")]
    MediaType {
        /// What would do.
        wanted: &'static str,
    },
    /// The bytes did not come whole, or are not what the Content-Type says.
    #[error("{0}")]
    Malformed(String),
    /// Whole, and not understood.
    #[error("{0}")]
    NotUnderstood(#[from] Reject),
    /// The body did not come in time.
    #[error("the body did not come in time; send it again")]
    TooSlow,
    /// The device has too much going on at once.
    #[error("more than {limit} requests of this device at once; wait for their answers")]
    TooMany {
        /// The bound.
        limit: usize,
    },
    /// No memory for a large body just now.
    #[error("the platform is taking in too much at once; send it again later")]
    NoRoom,
    /// The journal takes nothing just now.
    #[error("the platform cannot write it down now; nothing was acknowledged, send it again later")]
    JournalFull,
}

impl Refusal {
    /// The metric's label.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::BadCredentials => "bad_credentials",
            Self::Throttled { .. } => "throttled",
            Self::Disabled => "disabled",
            Self::Quarantined => "quarantined",
            Self::ClaimKey(_) => "bad_claim_key",
            Self::SerialTaken(_) => "serial_taken",
            Self::Unavailable => "unavailable",
            Self::Foreign { .. } => "foreign_topic",
            Self::UnknownKind => "unknown_kind",
            Self::TooLarge { .. } | Self::TooManyLines { .. } => "too_large",
            Self::MediaType { .. } => "media_type",
            Self::Malformed(_) => "malformed",
            Self::NotUnderstood(_) => "not_understood",
            Self::TooSlow => "too_slow",
            Self::TooMany { .. } => "quota",
            Self::NoRoom => "no_room",
            Self::JournalFull => "journal_full",
        }
    }

    /// As HTTP says it.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoCredentials | Self::BadCredentials => StatusCode::UNAUTHORIZED,
            Self::Throttled { .. } | Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Disabled | Self::Quarantined | Self::ClaimKey(_) | Self::Foreign { .. } => StatusCode::FORBIDDEN,
            Self::SerialTaken(_) => StatusCode::CONFLICT,
            Self::UnknownKind => StatusCode::NOT_FOUND,
            Self::TooLarge { .. } | Self::TooManyLines { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Malformed(_) | Self::NotUnderstood(_) => StatusCode::BAD_REQUEST,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::NoRoom | Self::JournalFull | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn title(&self) -> &'static str {
        match self.status() {
            StatusCode::UNAUTHORIZED => "not authenticated",
            StatusCode::FORBIDDEN => "not allowed",
            StatusCode::NOT_FOUND => "there is no such thing",
            StatusCode::CONFLICT => "does not fit the present state",
            StatusCode::TOO_MANY_REQUESTS => "too many attempts",
            StatusCode::PAYLOAD_TOO_LARGE => "the body is too large",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "the body's type is not understood",
            StatusCode::REQUEST_TIMEOUT => "too slow",
            StatusCode::SERVICE_UNAVAILABLE => "not available now",
            _ => "the message is not understood",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { wait } => Some(*wait),
            Self::TooMany { .. } => Some(Duration::from_secs(1)),
            Self::NoRoom | Self::JournalFull | Self::Unavailable => Some(RETRY_AFTER),
            _ => None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut body = json!({
            "type": format!("urn:steppewatch:problem:{}", self.label().replace('_', "-")),
            "title": self.title(),
            "status": status.as_u16(),
            "detail": self.to_string(),
        });
        if let (Self::NotUnderstood(reject), Some(fields)) = (&self, body.as_object_mut()) {
            fields.insert("reason".to_owned(), json!(reject.label()));
        }
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(wait) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        if status == StatusCode::UNAUTHORIZED {
            let ways = HeaderValue::from_static("Basic realm=\"steppewatch\", charset=\"UTF-8\", Bearer");
            headers.insert(header::WWW_AUTHENTICATE, ways);
        }
        response
    }
}

/// Counts and logs refusals.
pub struct RefusalLog {
    metrics: Metrics,
    said: Mutex<Seldom<(IpAddr, &'static str)>>,
}

impl RefusalLog {
    /// A log that counts in `metrics`.
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics, said: Mutex::default() }
    }

    /// Notes a refusal. `who` is the device that the address names, or a part of it.
    pub fn note(&self, refusal: &Refusal, peer: SocketAddr, who: &str) {
        self.metrics.refusals.with_label_values(&[refusal.label()]).inc();
        if let Some(unsaid) = self.may_speak(refusal.label(), peer.ip()) {
            let who: String = who.chars().take(64).collect();
            // Not the text: it can hold pieces of what was sent.
            let detail = if let Refusal::NotUnderstood(reject) = refusal { reject.label() } else { "" };
            tracing::warn!(%peer, device = who, reason = refusal.label(), detail, unsaid, "refused over HTTP");
        }
    }

    /// How many alike went unsaid, if it is time for a line.
    fn may_speak(&self, reason: &'static str, address: IpAddr) -> Option<u64> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.may_speak((address, reason), Instant::now())
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
        for _ in 0..5 {
            log.note(&Refusal::UnknownKind, SocketAddr::new(address, 1), "camera-1");
        }
        assert_eq!(metrics.refusals.with_label_values(&["unknown_kind"]).get(), 5);
        assert_eq!(log.may_speak("unknown_kind", address), None);
        assert_eq!(log.may_speak("too_large", address), Some(0));
    }
}
