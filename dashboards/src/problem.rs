//! What a caller is told when something does not work: `application/problem+json` (RFC 9457).
//!
//! In: what went wrong, named by the handler.   Out: an HTTP response that says what, with which value, and the remedy.
//!
//! Never: shows an inner error to the outside. What is ours to repair is logged here and answered with a plain 500.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use history::HistoryError;
use journal::JournalError;
use registry::RegistryError;
use serde::Serialize;
use std::fmt::Display;
use std::time::Duration;
use utoipa::ToSchema;

/// A refusal or a failure, ready to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
    retry_after_s: Option<u64>,
}

/// What went wrong and the remedy, as it is answered.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemJson {
    /// Which kind of problem, for programs: `urn:steppewatch:problem:not-found`.
    #[serde(rename = "type")]
    type_: String,
    title: &'static str,
    /// The answer's status.
    status: u16,
    /// One sentence that names the thing and the remedy.
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, title, detail: detail.into(), retry_after_s: None }
    }

    /// 400: the caller can say it differently.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "the request cannot be understood", detail)
    }

    /// 401: log in first.
    pub fn not_logged_in(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not-logged-in", "not logged in", detail)
    }

    /// 401: the password is right, and a code of the authenticator is needed too.
    pub fn needs_code() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "code-needed",
            "a code is needed",
            "send the code of your authenticator as `code` along with name and password",
        )
    }

    /// 403: logged in, but not for this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "not allowed", detail)
    }

    /// 403: the request did not prove that it comes from our own page.
    pub fn csrf() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "csrf",
            "request could be forged",
            "header X-CSRF-Token is missing or wrong; send the `csrf` value that POST /api/v1/session or GET /api/v1/me answered",
        )
    }

    /// 404: there is no such thing, or not for this user.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "there is no such thing", detail)
    }

    /// 409: it exists, but not in a state for this.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "does not fit the present state", detail)
    }

    /// 429: slow down.
    pub fn too_many(detail: impl Into<String>, retry_after_s: u64) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "too many attempts", detail);
        Self { retry_after_s: Some(retry_after_s), ..problem }
    }

    /// 429: too many wrong passwords or codes.
    pub fn throttled(wait: Duration) -> Self {
        let seconds = wait.as_secs().max(1);
        Self::too_many(format!("too many wrong passwords; try again in {seconds} s"), seconds)
    }

    /// 503: not now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "not available now", detail);
        Self { retry_after_s: Some(1), ..problem }
    }

    /// 500: ours to repair. The cause goes to the log, not to the caller.
    pub fn internal(doing: &'static str, cause: impl Display) -> Self {
        tracing::error!(doing, %cause, "request failed");
        let detail = format!("the platform failed while {doing}; its log says why");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the platform failed", detail)
    }

    /// Any other status, for what the HTTP layer itself refused.
    pub(crate) fn of_status(status: StatusCode, detail: impl Into<String>) -> Self {
        let (kind, title) = match status {
            StatusCode::METHOD_NOT_ALLOWED => ("method-not-allowed", "method not allowed here"),
            StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "the body is too large"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("media-type", "the body's type is not understood"),
            StatusCode::UPGRADE_REQUIRED => ("upgrade-required", "this address speaks WebSocket"),
            _ => ("refused", "the request was refused"),
        };
        Self::new(status, kind, title, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Json(ProblemJson {
            type_: format!("urn:steppewatch:problem:{}", self.kind),
            title: self.title,
            status: self.status.as_u16(),
            detail: self.detail,
        });
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(HeaderName::from_static("www-authenticate"), HeaderValue::from_static("Session"));
        }
        response
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::NotFound { .. } => Self::not_found(error.to_string()),
            RegistryError::Exists { .. }
            | RegistryError::ExternalTaken { .. }
            | RegistryError::State { .. }
            | RegistryError::Proposal { .. }
            | RegistryError::Mask { .. }
            | RegistryError::LastAdministrator { .. }
            | RegistryError::Limit { .. } => Self::conflict(error.to_string()),
            RegistryError::Invalid { .. } | RegistryError::Rules(_) => Self::bad_request(error.to_string()),
            RegistryError::Busy => Self::unavailable(error.to_string()),
            _ => Self::internal("asking the registry", error),
        }
    }
}

impl From<HistoryError> for Problem {
    fn from(error: HistoryError) -> Self {
        Self::internal("asking the history", error)
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        Self::internal("using a log", error)
    }
}
