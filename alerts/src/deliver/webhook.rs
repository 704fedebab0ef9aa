//! One attempt to tell a webhook receiver, signed by Standard Webhooks 1.0.0 (standard-webhooks/standard-webhooks, spec).

use super::address::{Guarded, permits};
use crate::store::Due;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use model::{Networks, Subscriber, Timestamp};
use reqwest::{Client, Response, StatusCode, Url};
use std::sync::Arc;
use std::time::Duration;

/// A receiver that answers more slowly is tried again.
const TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// So much of an answer is kept for people.
const ANSWER_MAX: usize = 2_048;

/// What a receiver made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Any 2xx.
    Accepted(String),
    /// It never will: 410, or an address that may not be used.
    Refused(String),
    /// Perhaps later.
    Later {
        /// Why not now.
        reason: String,
        /// How long it asks us to wait.
        after: Option<Duration>,
    },
}

/// An HTTP client that follows no redirect and speaks to permitted addresses only.
pub(super) struct Sender {
    client: Client,
    networks: Networks,
}

impl Sender {
    pub(super) fn new(networks: Networks) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("steppewatch/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(Guarded(networks.clone())))
            .build()?;
        Ok(Self { client, networks })
    }

    pub(super) async fn send(&self, to: &Subscriber, due: &Due, now: Timestamp) -> Answer {
        let Ok(url) = Url::parse(&to.url) else { return Answer::Refused("the receiver's URL is not valid".into()) };
        // A literal address is not resolved, so it is checked here.
        let literal = url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse().ok());
        if literal.is_some_and(|address| !permits(&self.networks, address)) {
            return Answer::Refused(format!(
                "{} is in a private network; allow it by [webhooks] allow_networks",
                url.host_str().unwrap_or_default()
            ));
        }
        let seconds = now.as_millis().div_euclid(1_000);
        let Some(signature) = sign(&to.secret, &due.id, seconds, &due.body) else {
            return Answer::Refused("the receiver's secret is not valid".into());
        };
        let request = self
            .client
            .post(url)
            .header("content-type", "application/cloudevents+json; charset=utf-8")
            .header("webhook-id", &due.id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signature)
            .body(due.body.clone());
        match request.send().await {
            Ok(response) => judge(response).await,
            Err(error) => Answer::Later { reason: plain(&error), after: None },
        }
    }
}

async fn judge(mut response: Response) -> Answer {
    let status = response.status();
    let after = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let mut body = Vec::new();
    // The status has decided; a body that breaks off changes nothing.
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend(chunk.iter().take(ANSWER_MAX.saturating_sub(body.len())));
        if body.len() >= ANSWER_MAX {
            break;
        }
    }
    let text = format!("{status} {}", String::from_utf8_lossy(&body).trim());
    match status {
        status if status.is_success() => Answer::Accepted(text),
        StatusCode::GONE => Answer::Refused(text),
        _ => Answer::Later { reason: text, after },
    }
}

/// The error's causes without the URL, which may hold a token.
fn plain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "no answer in time".to_owned() } else { "no connection".to_owned() };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.chars().take(300).collect()
}

/// The `webhook-signature` header: `v1,` and the base64 of HMAC-SHA256 over "id.timestamp.body". `None` for a secret that
/// is not `whsec_` and base64.
pub fn sign(secret: &str, id: &str, timestamp_s: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{timestamp_s}.").as_bytes());
    mac.update(body.as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors_are_reproduced() {
        let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        assert_eq!(
            sign(secret, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body).unwrap(),
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
        );
        let body = r#"{"type":"grazing.alert.raised","timestamp":"2026-11-22T02:15:00Z","data":{"alert_id":"a-1"}}"#;
        assert_eq!(
            sign(secret, "msg_grz0001", 1_795_313_700, body).unwrap(),
            "v1,yOCdVnBbH0Awg0EYr3J/VMi08WBlON3WbGasVUUaW5E="
        );
        assert_eq!(sign("not a secret", "id", 0, ""), None);
    }

    #[test]
    fn a_foreign_library_accepts_our_signature() {
        let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let webhook = standardwebhooks::Webhook::new(secret).unwrap();
        let ours = sign(secret, "msg_1", 1_795_313_700, "{}").unwrap();
        assert_eq!(webhook.sign("msg_1", 1_795_313_700, b"{}").unwrap(), ours);
    }
}
