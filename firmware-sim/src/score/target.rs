//! Asks a running platform for its incidents, as a person's program would.
//!
//! In:  address and login.   Out: [`Incident`]s, as they stand now.   Never: more than the API tells. When an incident was told
//! is when its first delivery was tried, so without a subscriber it is not known.

use super::{Incident, Trace};
use crate::clock::parse_rfc3339_utc;
use crate::ground::LatLon;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Items asked for at a time.
const PAGE: usize = 200;

/// Why there are no incidents to compare.
#[derive(Debug)]
pub enum TargetError {
    /// Nobody answers there.
    Unreachable(String, reqwest::Error),
    /// The answer was no.
    Refused(String, u16, String),
    /// The answer is not the contract's.
    Strange(String, &'static str),
}

impl std::fmt::Display for TargetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable(url, error) => {
                write!(f, "{url} cannot be asked ({error}); is the platform running, and is --target its http address")
            }
            Self::Refused(url, status, said) => {
                write!(f, "{url} answered {status}: {said}; check --username and --password")
            }
            Self::Strange(url, what) => write!(f, "{url} answered without `{what}`; it is no platform of this version"),
        }
    }
}

impl std::error::Error for TargetError {}

/// All incidents of the platform at `http://HOST:PORT`.
pub async fn incidents(target: &str, username: &str, password: &str) -> Result<Vec<Incident>, TargetError> {
    // A second call only means that the provider is chosen already.
    rustls::crypto::ring::default_provider().install_default().ok();
    let base = format!("{}/api/v1", target.trim_end_matches('/'));
    let client = Client::builder().no_proxy().build();
    let client = client.map_err(|error| TargetError::Unreachable(base.clone(), error))?;
    let session = format!("{base}/session");
    let login = client.post(&session).json(&json!({"username": username, "password": password}));
    let answer = login.send().await.map_err(|error| TargetError::Unreachable(session.clone(), error))?;
    let cookie = answer.headers().get("set-cookie").and_then(|value| value.to_str().ok());
    let cookie = cookie.and_then(|value| value.split(';').next()).unwrap_or_default().to_owned();
    if !answer.status().is_success() {
        let status = answer.status().as_u16();
        return Err(TargetError::Refused(session, status, answer.text().await.unwrap_or_default()));
    }
    let ask = |path: String| (format!("{base}{path}"), client.get(format!("{base}{path}")).header("cookie", &cookie));
    let mut told: BTreeMap<String, i64> = BTreeMap::new();
    for delivery in all("/deliveries", ask).await? {
        let text = |key: &str| delivery.get(key).and_then(Value::as_str);
        if let (Some("steppewatch.incident.opened"), Some(incident), Some(at_ms)) =
            (text("type"), text("incident"), text("at").and_then(parse_rfc3339_utc))
        {
            let first = told.entry(incident.to_owned()).or_insert(at_ms);
            *first = at_ms.min(*first);
        }
    }
    let listed = all("/incidents", ask).await?;
    listed.iter().map(|value| incident(value, &told, &base)).collect()
}

async fn all(path: &str, ask: impl Fn(String) -> (String, RequestBuilder)) -> Result<Vec<Value>, TargetError> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let (url, request) = ask(format!("{path}?limit={PAGE}{after}"));
        let answer = request.send().await.map_err(|error| TargetError::Unreachable(url.clone(), error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| TargetError::Unreachable(url.clone(), error))?;
        if !status.is_success() {
            return Err(TargetError::Refused(url, status.as_u16(), text));
        }
        let page: Value = serde_json::from_str(&text).unwrap_or_default();
        let found = page.get("items").and_then(Value::as_array).ok_or(TargetError::Strange(url, "items"))?;
        items.extend(found.iter().cloned());
        cursor = page.get("next").and_then(Value::as_str).map(str::to_owned);
        if cursor.is_none() {
            return Ok(items);
        }
    }
}

fn incident(value: &Value, told: &BTreeMap<String, i64>, url: &str) -> Result<Incident, TargetError> {
    let strange = |key: &'static str| TargetError::Strange(url.to_owned(), key);
    let id = value.get("id").and_then(Value::as_str).ok_or_else(|| strange("id"))?;
    let time = |key: &'static str| {
        value.get(key).and_then(Value::as_str).and_then(parse_rfc3339_utc).ok_or_else(|| strange(key))
    };
    let number = |of: &'static str, key: &str| {
        value.get(of).and_then(|part| part.get(key)).and_then(Value::as_f64).ok_or_else(|| strange(of))
    };
    let last_seen_ms = time("last_seen")?;
    let place = LatLon { lat: number("position", "lat")?, lon: number("position", "lon")? };
    let accuracy_m = value.get("accuracy_m").and_then(Value::as_f64).ok_or_else(|| strange("accuracy_m"))?;
    Ok(Incident {
        id: id.to_owned(),
        first_seen_ms: time("first_seen")?,
        last_seen_ms,
        opened_ms: told.get(id).copied(),
        // Without an upper end it is "at least".
        sheep_units: (number("sheep_units", "low")?, number("sheep_units", "high").unwrap_or(f64::INFINITY)),
        trace: vec![Trace { at_ms: last_seen_ms, place, accuracy_m }],
    })
}
