//! What a sender has to prove, and how that is checked here.
//!
//! In:  headers and body as they came.   Out: nothing, or why it is not believed.   Never: the same number taken twice, or a time that
//! is long past.

use axum::http::HeaderMap;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::VecDeque;

/// How far a sender's clock may be off.
const CLOCK_MAX_MS: i64 = 5 * 60_000;
/// Numbers remembered: more than come within that time.
const NONCES_MAX: usize = 10_000;

/// Numbers that were used.
#[derive(Debug, Default)]
pub(super) struct Nonces(VecDeque<String>);

/// What a sender has to prove.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Nothing more than its certificate, where it needs one.
    None,
    /// `Authorization: Bearer` with this.
    Token(String),
    /// HMAC-SHA256 in hex in `X-Signature` over `X-Timestamp` (milliseconds), `X-Nonce` and the body, with full stops between.
    Hmac(String),
}

impl Proof {
    pub(super) fn check(&self, headers: &HeaderMap, body: &[u8], now_ms: i64, used: &mut Nonces) -> Result<(), String> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).ok_or(format!("no {name}"));
        match self {
            Self::None => Ok(()),
            Self::Token(token) => match header("authorization")?.split_once(' ') {
                Some(("Bearer", given)) if given == token => Ok(()),
                _ => Err("another token".to_owned()),
            },
            Self::Hmac(key) => {
                let (time, nonce) = (header("x-timestamp")?, header("x-nonce")?);
                let stamp: i64 = time.parse().map_err(|_| "no time".to_owned())?;
                if (now_ms - stamp).abs() > CLOCK_MAX_MS {
                    return Err("a time that is long past or to come".to_owned());
                }
                let text = [time.as_bytes(), b".", nonce.as_bytes(), b".", body].concat();
                if header("x-signature")? != hex_mac(key, &text) {
                    return Err("another signature".to_owned());
                }
                used.once(nonce)
            }
        }
    }
}

impl Nonces {
    fn once(&mut self, nonce: &str) -> Result<(), String> {
        if self.0.iter().any(|known| known == nonce) {
            return Err("a number that was used before".to_owned());
        }
        if self.0.len() >= NONCES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(nonce.to_owned());
        Ok(())
    }
}

fn hex_mac(key: &str, text: &[u8]) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    mac.update(text);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signature is that of `openssl dgst -sha256 -hmac key`.
    const SIGNED: [(&str, &str); 3] = [
        ("x-timestamp", "1795313700000"),
        ("x-nonce", "ffc68c37cf26820ff28b439ec8d91398"),
        ("x-signature", "f38547a36259bf3f0832f7a097fdb4fc7e366dafc47421dbede210660f4e7dfd"),
    ];
    const BODY: &[u8] = b"{\"a\":\"{nonce}\"}";

    fn check(proof: &Proof, given: &[(&'static str, &str)], body: &[u8], used: &mut Nonces) -> Result<(), String> {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.insert(*name, value.parse().unwrap());
        }
        proof.check(&headers, body, 1_795_313_700_000, used)
    }

    #[test]
    fn a_signature_is_believed_once() {
        let (proof, mut used) = (Proof::Hmac("key".into()), Nonces::default());
        assert_eq!(check(&proof, &SIGNED, BODY, &mut used), Ok(()));
        assert_eq!(check(&proof, &SIGNED, BODY, &mut used), Err("a number that was used before".into()));
        assert_eq!(check(&proof, &SIGNED, b"{}", &mut Nonces::default()), Err("another signature".into()));
        let late = [("x-timestamp", "1795313000000"), SIGNED[1], SIGNED[2]];
        assert_eq!(
            check(&proof, &late, BODY, &mut Nonces::default()),
            Err("a time that is long past or to come".into())
        );
        assert_eq!(check(&proof, &SIGNED[..1], BODY, &mut used), Err("no x-nonce".into()));
    }

    #[test]
    fn a_token_is_this_one_or_none() {
        let (proof, mut used) = (Proof::Token("t".into()), Nonces::default());
        assert_eq!(check(&proof, &[("authorization", "Bearer t")], b"", &mut used), Ok(()));
        for wrong in ["Bearer u", "Basic t", "t"] {
            assert!(check(&proof, &[("authorization", wrong)], b"", &mut used).is_err(), "{wrong}");
        }
    }
}
