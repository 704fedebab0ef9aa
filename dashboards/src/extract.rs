//! What a request carries, checked: JSON bodies, query parameters, pages and times.
//!
//! In: an HTTP request.   Out: typed values, or a [`Problem`] that names the parameter, its value and what is allowed.

use crate::problem::Problem;
use crate::refusals::Code;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// Items on a page when nobody asked for a number.
const LIMIT_DEFAULT: usize = 100;

/// Items on a page at most: larger answers would hold a connection and memory for long.
pub(crate) const LIMIT_MAX: usize = 1_000;

/// A JSON body of a known shape.
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Problem::of_status(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "header Content-Type must be application/json",
            )),
            Err(JsonRejection::BytesRejection(rejection)) => Err(too_large_or_cut(&rejection)),
            Err(rejection) => Err(Problem::bad_request(format!("body: {}", rejection.body_text()))),
        }
    }
}

/// A body as bytes, whatever its type.
pub(crate) struct Raw(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Bytes::from_request(request, state).await.map(Self).map_err(|rejection| too_large_or_cut(&rejection))
    }
}

fn too_large_or_cut(rejection: &BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::of_status(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than this address takes (1 MiB; zones 256 MiB); send it in parts",
        )
        .because(Code::TooLarge, []),
        _ => Problem::bad_request(format!("the body did not arrive whole: {}", rejection.body_text())),
    }
}

/// Query parameters of a known shape; unknown ones are ignored.
pub(crate) struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Query::<T>::from_request_parts(parts, state)
            .await
            .map(|Query(value)| Self(value))
            .map_err(|rejection: QueryRejection| Problem::bad_request(format!("query: {}", rejection.body_text())))
    }
}

/// What every list in pages takes.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// Items on a page.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

impl Paging {
    /// The same, read.
    pub fn page(&self) -> Result<Page, Problem> {
        Page::parse(self.limit.as_deref(), self.cursor.as_deref())
    }
}

/// Where a list goes on, and how many items are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// The key of the last item that was seen; `None` for the first page.
    pub after: Option<u64>,
    /// At most this many items.
    pub limit: usize,
}

impl Page {
    /// Reads `limit` and `cursor` as written.
    pub fn parse(limit: Option<&str>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = match limit {
            None => LIMIT_DEFAULT,
            Some(text) => number("limit", text, 1..=LIMIT_MAX)?,
        };
        let after = cursor.map(cursor_key).transpose()?;
        Ok(Self { after, limit })
    }
}

fn cursor_key(text: &str) -> Result<u64, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    bytes.map(u64::from_be_bytes).ok_or_else(|| {
        Problem::bad_request(format!("cursor `{text}` is none of ours; use `next` of the page before, unchanged"))
    })
}

/// The contract's list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    items: Vec<T>,
    /// The `cursor` of the page after this one; null on the last.
    #[schema(required)]
    next: Option<String>,
}

/// Wraps a page as the contract's list. `last` is the key of the last item if more may follow.
pub(crate) fn list<T>(items: Vec<T>, last: Option<u64>) -> Json<List<T>> {
    let next = last.map(|key| URL_SAFE_NO_PAD.encode(key.to_be_bytes()));
    Json(List { items, next })
}

/// The page of what stands in memory in a fixed order; its key counts the items that were passed.
pub(crate) fn counted<T, S>(page: Page, all: impl Iterator<Item = T>, show: impl FnMut(T) -> S) -> Json<List<S>> {
    let passed = page.after.unwrap_or(0);
    let mut rest = all.skip(usize::try_from(passed).unwrap_or(usize::MAX));
    let items: Vec<_> = rest.by_ref().take(page.limit).map(show).collect();
    let last = rest.next().map(|_| passed.saturating_add(items.len() as u64));
    list(items, last)
}

/// Reads an instant; `name` is the parameter's.
pub(crate) fn instant(name: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    Timestamp::parse_rfc3339(text).map(Some).ok_or_else(|| {
        Problem::bad_request(format!(
            "{name} `{text}` is no time; use RFC 3339 with a zone, for example 2026-04-01T00:00:00%2B08:00"
        ))
    })
}

/// Reads an instant or a legal date, which means the midnight in Beijing at which it begins; `name` is the parameter's.
pub(crate) fn legal_instant(name: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    Timestamp::parse_legal(text).map(Some).ok_or_else(|| {
        Problem::bad_request(format!(
            "{name} `{text}` is no time; use a legal date like 2026-04-01, or RFC 3339 with a zone, for example \
             2026-04-01T00:00:00%2B08:00"
        ))
    })
}

/// Reads the two ends of a span, as instants or legal dates; without an end it ends `now`, without a beginning it is as long as `usual`.
pub(crate) fn span(
    (from, to): (Option<&str>, Option<&str>),
    now: Timestamp,
    usual: Duration,
    longest: Duration,
) -> Result<(Timestamp, Timestamp), Problem> {
    let to = legal_instant("to", to)?.unwrap_or(now);
    let from = legal_instant("from", from)?.unwrap_or_else(|| to.minus(usual));
    if from >= to {
        return Err(Problem::bad_request(format!("from {from} is not before to {to}; swap them")));
    }
    if to.since(from) > longest {
        let days = longest.as_secs() / 86_400;
        return Err(Problem::bad_request(format!("{from} to {to} is longer than {days} days; ask for it in parts")));
    }
    Ok((from, to))
}

/// Whether something is what a filter asks for; an empty one asks for nothing.
pub(crate) fn is_asked(wanted: Option<&String>, found: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| wanted.is_empty() || found == Some(wanted))
}

/// Reads a whole number within bounds; `name` is the parameter's.
pub(crate) fn number(name: &'static str, text: &str, allowed: RangeInclusive<usize>) -> Result<usize, Problem> {
    text.parse().ok().filter(|number| allowed.contains(number)).ok_or_else(|| {
        let (low, high) = allowed.into_inner();
        Problem::bad_request(format!("{name} `{text}` is not allowed; use a whole number from {low} to {high}"))
    })
}

/// Reads a length of time: `90s`, `10m`, `1h`, `1d`, or whole seconds.
pub(crate) fn duration(name: &'static str, text: &str) -> Result<Duration, Problem> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let (digits, factor) = units
        .into_iter()
        .find_map(|(unit, factor)| text.strip_suffix(unit).map(|digits| (digits, factor)))
        .unwrap_or((text, 1));
    let seconds =
        digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).filter(|seconds| *seconds > 0);
    seconds.map(Duration::from_secs).ok_or_else(|| {
        Problem::bad_request(format!("{name} `{text}` is no length of time; write it like 60s, 10m, 1h or 1d"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_the_key_it_was_made_from_and_a_foreign_one_is_refused() {
        let Json(page) = list(Vec::<u64>::new(), Some(77));
        let cursor = page.next.unwrap();
        assert_eq!(Page::parse(None, Some(&cursor)).unwrap(), Page { after: Some(77), limit: 100 });
        assert!(Page::parse(None, Some("12")).is_err());
    }

    #[test]
    fn a_limit_outside_one_to_a_thousand_is_refused() {
        for bad in ["0", "1001", "-1", "many"] {
            assert!(Page::parse(Some(bad), None).is_err(), "{bad}");
        }
        assert_eq!(Page::parse(Some("1000"), None).unwrap().limit, 1_000);
    }

    #[test]
    fn lengths_of_time_are_read_with_their_unit() {
        assert_eq!(duration("step", "90").unwrap().as_secs(), 90);
        assert_eq!(duration("step", "10m").unwrap().as_secs(), 600);
        assert_eq!(duration("step", "1d").unwrap().as_secs(), 86_400);
        assert!(duration("step", "0s").is_err() && duration("step", "soon").is_err());
    }
}
