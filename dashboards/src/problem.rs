//! What a caller is told when something does not work: `application/problem+json` (RFC 9457).
//!
//! In: what went wrong, named by the handler.   Out: an HTTP response that says what, with which value, and the remedy.
//!
//! A refusal that people meet at work also has a [`Code`] and its values, so that a page can say it in their own language.
//!
//! Never: shows an inner error to the outside. What is ours to repair is logged here and answered with a plain 500.

use crate::refusals::{Code, Kind};
use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use history::HistoryError;
use journal::JournalError;
use registry::RegistryError;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt::Display;
use std::time::Duration;
use utoipa::ToSchema;

/// A refusal or a failure, ready to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    kind: Kind,
    code: Option<Code>,
    params: Map<String, Value>,
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
    /// Which refusal exactly, where programs may want to know or pages say it in another language: `incident-resolved`. Absent where
    /// `type` says all there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// What the refusal of this `code` is about: texts and numbers by name.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Option<Object>)]
    params: Map<String, Value>,
}

impl Problem {
    fn new(status: StatusCode, kind: Kind, detail: impl Into<String>) -> Self {
        Self { status, kind, code: None, params: Map::new(), detail: detail.into(), retry_after_s: None }
    }

    /// Which refusal it is exactly, with its values by the names that [`Code`] gives them.
    #[must_use]
    pub(crate) fn because<const N: usize>(self, code: Code, values: [Value; N]) -> Self {
        debug_assert_eq!(code.params().len(), N, "{} has other values", code.as_str());
        let params = code.params().iter().map(|name| (*name).to_owned()).zip(values).collect();
        Self { code: Some(code), params, ..self }
    }

    /// 400: the caller can say it differently.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Kind::BadRequest, detail)
    }

    /// 401: log in first.
    pub fn not_logged_in(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, Kind::NotLoggedIn, detail)
    }

    /// 401: the password is right, and a code of the authenticator is needed too.
    pub fn needs_code() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            Kind::CodeNeeded,
            "send the code of your authenticator as `code` along with name and password",
        )
    }

    /// 403: logged in, but not for this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, Kind::Forbidden, detail)
    }

    /// 403: the request did not prove that it comes from our own page.
    pub fn csrf() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            Kind::Csrf,
            "header X-CSRF-Token is missing or wrong; send the `csrf` value that POST /api/v1/session or GET /api/v1/me answered",
        )
    }

    /// 404: there is no such thing, or not for this user.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, Kind::NotFound, detail)
    }

    /// 409: it exists, but not in a state for this.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, Kind::Conflict, detail)
    }

    /// 429: slow down.
    pub fn too_many(detail: impl Into<String>, retry_after_s: u64) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, Kind::TooManyRequests, detail);
        Self { retry_after_s: Some(retry_after_s), ..problem }
    }

    /// 429: too many wrong passwords or codes.
    pub fn throttled(wait: Duration) -> Self {
        let seconds = wait.as_secs().max(1);
        Self::too_many(format!("too many wrong passwords; try again in {seconds} s"), seconds)
            .because(Code::Throttled, [seconds.into()])
    }

    /// 503: not now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, Kind::Unavailable, detail);
        Self { retry_after_s: Some(1), ..problem }
    }

    /// 500: ours to repair. The cause goes to the log, not to the caller.
    pub fn internal(doing: &'static str, cause: impl Display) -> Self {
        tracing::error!(doing, %cause, "request failed");
        let detail = format!("the platform failed while {doing}; its log says why");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Kind::Internal, detail)
    }

    /// Any other status, for what the HTTP layer itself refused.
    pub(crate) fn of_status(status: StatusCode, detail: impl Into<String>) -> Self {
        let kind = match status {
            StatusCode::METHOD_NOT_ALLOWED => Kind::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::MediaType,
            StatusCode::UPGRADE_REQUIRED => Kind::UpgradeRequired,
            _ => Kind::Refused,
        };
        Self::new(status, kind, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Json(ProblemJson {
            type_: format!("urn:steppewatch:problem:{}", self.kind.as_str()),
            title: self.kind.title(),
            status: self.status.as_u16(),
            detail: self.detail,
            code: self.code.map(Code::as_str),
            params: self.params,
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
        let conflict = || Self::conflict(error.to_string());
        match &error {
            RegistryError::NotFound { what, name } => {
                Self::not_found(error.to_string()).because(Code::NotRegistered, [(*what).into(), name.as_str().into()])
            }
            RegistryError::Exists { what, name } => {
                conflict().because(Code::Exists, [(*what).into(), name.as_str().into()])
            }
            RegistryError::ExternalTaken { system, id, device } => {
                conflict().because(Code::IdentityTaken, [system, id, device].map(|text| text.as_str().into()))
            }
            RegistryError::OwnProposal { id, .. } => conflict().because(Code::SecondPersonNeeded, [(*id).into()]),
            RegistryError::Proposal { id, .. } => conflict().because(Code::ProposalStale, [(*id).into()]),
            RegistryError::Mask { id, .. } => conflict().because(Code::MaskState, [(*id).into()]),
            RegistryError::State { device, .. } => conflict().because(Code::DeviceState, [device.as_str().into()]),
            RegistryError::LastAdministrator { username } => {
                conflict().because(Code::LastAdministrator, [username.as_str().into()])
            }
            RegistryError::Limit { what, limit } => conflict().because(Code::Full, [(*what).into(), (*limit).into()]),
            RegistryError::Invalid { .. } | RegistryError::Rules(_) => Self::bad_request(error.to_string()),
            RegistryError::Busy => Self::unavailable(error.to_string()).because(Code::Busy, []),
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
