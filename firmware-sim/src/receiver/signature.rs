//! Checks the signature of a Standard Webhooks delivery, without the crate that the platform signs with.
//!
//! In:  a secret, the three headers, the raw body, the time.   Out: whether to believe it, and if not, why.
//!
//! Rules: secret `whsec_` + base64; signed text `{id}.{timestamp}.{body}`, HMAC-SHA256, compared in constant time; the header
//! may list several signatures, any good `v1` suffices; a timestamp more than five minutes off is refused either way.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How far a delivery's time may lie from ours.
const TOLERANCE_S: i64 = 300;

/// Why a delivery is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A header is missing or empty.
    MissingHeader(&'static str),
    /// The timestamp is no whole number.
    BadTimestamp,
    /// Too old or too new.
    OutsideTolerance,
    /// No signature in the list is ours.
    WrongSignature,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MissingHeader(name) => write!(f, "header {name} is missing"),
            Self::BadTimestamp => f.write_str("webhook-timestamp is not a number of seconds"),
            Self::OutsideTolerance => write!(f, "webhook-timestamp is more than {TOLERANCE_S} s off"),
            Self::WrongSignature => f.write_str("no signature in webhook-signature is right"),
        }
    }
}

/// Why a text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSecret;

impl std::fmt::Display for BadSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("webhook secret is not usable; write whsec_ followed by base64 of at least one byte")
    }
}

impl std::error::Error for BadSecret {}

/// The secret shared with the sender.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Reads `whsec_...`.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let encoded = text.strip_prefix("whsec_").ok_or(BadSecret)?;
        let key = STANDARD.decode(encoded).map_err(|_| BadSecret)?;
        if key.is_empty() { Err(BadSecret) } else { Ok(Self(key)) }
    }
}

/// What came with a delivery, as text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Headers<'a> {
    /// `webhook-id`
    pub id: &'a str,
    /// `webhook-timestamp`
    pub timestamp: &'a str,
    /// `webhook-signature`
    pub signature: &'a str,
}

/// Believes a delivery or says why not.
pub fn verify(secret: &Secret, headers: Headers<'_>, body: &[u8], now_unix_s: i64) -> Result<(), Refusal> {
    for (name, value) in
        [("webhook-id", headers.id), ("webhook-timestamp", headers.timestamp), ("webhook-signature", headers.signature)]
    {
        if value.is_empty() {
            return Err(Refusal::MissingHeader(name));
        }
    }
    let timestamp: i64 = headers.timestamp.parse().map_err(|_| Refusal::BadTimestamp)?;
    if now_unix_s.abs_diff(timestamp) > TOLERANCE_S.unsigned_abs() {
        return Err(Refusal::OutsideTolerance);
    }
    // An HMAC takes a key of any length, so this cannot fail; if it did, refusing is right.
    let mac = Hmac::<Sha256>::new_from_slice(&secret.0)
        .map_err(|_| Refusal::WrongSignature)?
        .chain_update(headers.id)
        .chain_update(".")
        .chain_update(headers.timestamp)
        .chain_update(".")
        .chain_update(body);
    let ours = |entry: &str| {
        let claimed = entry.strip_prefix("v1,").and_then(|encoded| STANDARD.decode(encoded).ok());
        // `verify_slice` compares in constant time.
        claimed.is_some_and(|claimed| mac.clone().verify_slice(&claimed).is_ok())
    };
    if headers.signature.split(' ').any(ours) { Ok(()) } else { Err(Refusal::WrongSignature) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const GOOD: Headers<'static> = Headers {
        id: "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        timestamp: "1649367553",
        signature: "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    };

    #[track_caller]
    fn check(headers: Headers<'_>, now_unix_s: i64, expected: Result<(), Refusal>) {
        assert_eq!(verify(&Secret::parse(SECRET).unwrap(), headers, BODY, now_unix_s), expected);
    }

    #[test]
    fn the_published_vector_is_believed_alone_and_among_others() {
        check(GOOD, 1_649_367_553, Ok(()));
        let list = format!("v1a,AAAA v2,BBBB v1,CCCC {}", GOOD.signature);
        check(Headers { signature: &list, ..GOOD }, 1_649_367_600, Ok(()));
    }

    #[test]
    fn anything_altered_is_refused() {
        let now = 1_649_367_553;
        check(Headers { id: "msg_other", ..GOOD }, now, Err(Refusal::WrongSignature));
        check(Headers { timestamp: "1649367554", ..GOOD }, now, Err(Refusal::WrongSignature));
        check(
            Headers { signature: "v2,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=", ..GOOD },
            now,
            Err(Refusal::WrongSignature),
        );
        check(Headers { timestamp: "soon", ..GOOD }, now, Err(Refusal::BadTimestamp));
        check(Headers { id: "", ..GOOD }, now, Err(Refusal::MissingHeader("webhook-id")));
        check(GOOD, now + 301, Err(Refusal::OutsideTolerance));
        check(GOOD, now - 301, Err(Refusal::OutsideTolerance));
    }

    #[test]
    fn an_empty_or_unmarked_secret_is_refused() {
        assert!(Secret::parse("whsec_").is_err());
        assert!(Secret::parse("C2FVsBQIhrscChlQIMV+b5sSYspob7oD").is_err());
    }

    /// The vectors that the platform's own signing is tested with live beside the repository; where they are not, this says so.
    #[test]
    fn the_shared_conformance_vectors_agree() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/conformance/webhooks/vectors.json");
        let Ok(text) = std::fs::read_to_string(path) else {
            eprintln!("SKIPPED: no conformance vectors at {path}");
            return;
        };
        let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
        let valid = vectors["valid"].as_array().unwrap();
        assert!(!valid.is_empty());
        for vector in valid {
            let field = |name: &str| vector[name].as_str().unwrap().to_owned();
            let (id, timestamp) = (field("webhook-id"), field("webhook-timestamp"));
            let signature = field("webhook-signature");
            let headers = Headers { id: &id, timestamp: &timestamp, signature: &signature };
            let secret = Secret::parse(&field("secret")).unwrap();
            let body = field("payload");
            let now: i64 = timestamp.parse().unwrap();
            assert_eq!(verify(&secret, headers, body.as_bytes(), now), Ok(()));
            for wrong in vectors["invalid"].as_array().unwrap() {
                if let Some(signature) = wrong["webhook-signature"].as_str() {
                    let altered = Headers { signature, ..headers };
                    assert_eq!(verify(&secret, altered, body.as_bytes(), now), Err(Refusal::WrongSignature));
                }
            }
        }
    }
}
