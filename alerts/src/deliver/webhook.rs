//! One attempt to tell a webhook receiver, signed by Standard Webhooks 1.0.0 (standard-webhooks/standard-webhooks, spec).

use super::sender::{Answer, Http};
use crate::store::Due;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use model::{Subscriber, Timestamp};
use reqwest::StatusCode;

/// One attempt: any 2xx is yes, 410 is no for good.
pub(super) async fn send(http: &Http, to: &Subscriber, due: &Due, now: Timestamp) -> Answer {
    let seconds = now.as_millis().div_euclid(1_000);
    let Some(mut signature) = sign(&to.secret, &due.id, seconds, &due.body) else {
        return Answer::Refused("the receiver's secret is not valid".into());
    };
    // For a day after a change both secrets hold; a receiver takes the one that it knows.
    if let Some((old, _)) = to.old_secret.as_ref().filter(|(_, until)| now < *until)
        && let Some(by_old) = sign(old, &due.id, seconds, &due.body)
    {
        signature = format!("{signature} {by_old}");
    }
    let request = match http.post(&to.url) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    let request = request
        .header("content-type", "application/cloudevents+json; charset=utf-8")
        .header("webhook-id", &due.id)
        .header("webhook-timestamp", seconds.to_string())
        .header("webhook-signature", signature)
        .body(due.body.clone());
    match http.ask(request).await {
        Ok(reply) if reply.status.is_success() => Answer::Accepted(reply.told()),
        Ok(reply) if reply.status == StatusCode::GONE => Answer::Gone(reply.told()),
        Ok(reply) => Answer::Later { reason: reply.told(), after: reply.after },
        Err(answer) => answer,
    }
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
