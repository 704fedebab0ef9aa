//! What proves to an upstream system that a message is ours, where it wants an HMAC.
//!
//! In: the key, an instant, a number used once, the body.   Out: headers.   Never: the key in them, or the same number twice.
//!
//! There is no one way that government platforms sign. What they have in common is a time in milliseconds, a number used once, and
//! HMAC-SHA256 over both and something more, in hex or base64. So what is signed is a line of the configuration.

use crate::deliver::hex;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac;
use model::Timestamp;
use sha2::Sha256;

/// What is signed unless the configuration says otherwise.
pub const SIGNS: &str = "{timestamp}.{nonce}.{body}";
/// What may stand in it.
const PARTS: [&str; 4] = ["{timestamp}", "{nonce}", "{body}", "{client_id}"];

/// How messages are signed, as it is configured.
#[derive(Clone, PartialEq, Eq)]
pub struct HmacSettings {
    /// What both know.
    pub key: Vec<u8>,
    /// By what name they know us, where they ask for one.
    pub client_id: Option<String>,
    /// What is signed, like [`SIGNS`].
    pub signs: String,
    /// In base64, else in hex.
    pub is_base64: bool,
    /// Times in seconds, else in milliseconds.
    pub is_seconds: bool,
    /// The header of the signature.
    pub header: String,
    /// The header of the time.
    pub timestamp_header: String,
    /// The header of the number used once.
    pub nonce_header: String,
    /// The header of our name.
    pub client_header: String,
}

/// The same, checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Hmac {
    settings: HmacSettings,
    signs: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Timestamp,
    Nonce,
    Body,
    ClientId,
    Text(String),
}

/// Why messages cannot be signed so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHmac {
    /// It would be the same at every attempt.
    #[error(
        "it names no {{timestamp}}, so a signature that was overheard would be good for ever; write for example {SIGNS}"
    )]
    NoTimestamp,
    /// A slip of the pen.
    #[error("it has a brace that belongs to none of {}; write for example {SIGNS}", PARTS.join(", "))]
    Unknown,
    /// Name us.
    #[error("it names {{client_id}}, and there is none; add hmac_client_id, of letters that a header may hold")]
    NoClient,
    /// Another name.
    #[error("`{0}` is no name of a header; use letters, digits and hyphens, each header another")]
    Header(String),
}

/// Without the key.
impl std::fmt::Debug for Hmac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hmac").field("signs", &self.signs).finish_non_exhaustive()
    }
}

impl Hmac {
    /// Checks the settings.
    pub fn parse(settings: HmacSettings) -> Result<Self, BadHmac> {
        let signs = parts(&settings.signs)?;
        let is_visible = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        match &settings.client_id {
            Some(id) if !is_visible(id) => return Err(BadHmac::NoClient),
            None if signs.contains(&Part::ClientId) => return Err(BadHmac::NoClient),
            _ => {}
        }
        let HmacSettings { header, timestamp_header, nonce_header, client_header, .. } = &settings;
        let headers = [header, timestamp_header, nonce_header, client_header];
        for (place, name) in headers.iter().enumerate() {
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && !name.is_empty();
            let is_taken = headers.iter().take(place).any(|other| other.eq_ignore_ascii_case(name));
            if !is_name || is_taken {
                return Err(BadHmac::Header((*name).clone()));
            }
        }
        Ok(Self { settings, signs })
    }

    pub(super) fn headers(&self, body: &str, delivery: &str, attempts: u32, now: Timestamp) -> Vec<(&str, String)> {
        let settings = &self.settings;
        let millis = now.as_millis();
        let timestamp = if settings.is_seconds { millis.div_euclid(1_000) } else { millis }.to_string();
        // Another one at each attempt, and none that anybody else makes.
        let nonce = blake3::hash(format!("{delivery} {attempts} {millis}").as_bytes()).to_hex();
        let nonce = nonce.get(..32).unwrap_or_default().to_owned();
        let client_id = settings.client_id.clone().unwrap_or_default();
        // HMAC takes a key of any length.
        let Ok(mut mac) = hmac::Hmac::<Sha256>::new_from_slice(&settings.key) else { return Vec::new() };
        for part in &self.signs {
            mac.update(match part {
                Part::Timestamp => timestamp.as_bytes(),
                Part::Nonce => nonce.as_bytes(),
                Part::Body => body.as_bytes(),
                Part::ClientId => client_id.as_bytes(),
                Part::Text(text) => text.as_bytes(),
            });
        }
        let signed = mac.finalize().into_bytes();
        let signature = if settings.is_base64 { STANDARD.encode(signed) } else { hex(&signed) };
        let mut headers = vec![
            (settings.timestamp_header.as_str(), timestamp),
            (settings.nonce_header.as_str(), nonce),
            (settings.header.as_str(), signature),
        ];
        headers.extend(settings.client_id.as_ref().map(|_| (settings.client_header.as_str(), client_id)));
        headers
    }
}

/// Read once, so that nothing in a body is taken for a name.
fn parts(line: &str) -> Result<Vec<Part>, BadHmac> {
    let (mut parts, mut rest) = (Vec::new(), line);
    while !rest.is_empty() {
        let (text, after) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
        if text.contains('}') {
            return Err(BadHmac::Unknown);
        }
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        rest = match after {
            "" => "",
            after => {
                let name = PARTS.iter().find(|name| after.starts_with(**name)).ok_or(BadHmac::Unknown)?;
                parts.push(match *name {
                    "{timestamp}" => Part::Timestamp,
                    "{nonce}" => Part::Nonce,
                    "{body}" => Part::Body,
                    _ => Part::ClientId,
                });
                after.get(name.len()..).unwrap_or_default()
            }
        };
    }
    if parts.contains(&Part::Timestamp) { Ok(parts) } else { Err(BadHmac::NoTimestamp) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn value(headers: &[(&str, String)], name: &str) -> String {
        headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()).unwrap()
    }

    pub(in crate::deliver::platform) fn settings(signs: &str) -> HmacSettings {
        HmacSettings {
            key: b"key".to_vec(),
            client_id: None,
            signs: signs.to_owned(),
            is_base64: false,
            is_seconds: false,
            header: "X-Signature".into(),
            timestamp_header: "X-Timestamp".into(),
            nonce_header: "X-Nonce".into(),
            client_header: "X-Client-Id".into(),
        }
    }

    const NOW: Timestamp = Timestamp::from_millis(1_795_313_700_000);

    #[test]
    fn time_number_and_body_are_signed_in_hex() {
        let hmac = Hmac::parse(settings(SIGNS)).unwrap();
        let headers = hmac.headers("{\"a\":\"{nonce}\"}", "msg_1", 0, NOW);
        assert_eq!(value(&headers, "X-Timestamp"), "1795313700000");
        assert_eq!(value(&headers, "X-Nonce"), "ffc68c37cf26820ff28b439ec8d91398");
        let openssl = "f38547a36259bf3f0832f7a097fdb4fc7e366dafc47421dbede210660f4e7dfd";
        assert_eq!(value(&headers, "X-Signature"), openssl);
        assert_ne!(value(&headers, "X-Nonce"), value(&hmac.headers("", "msg_1", 1, NOW), "X-Nonce"));
        assert!(!format!("{hmac:?}").contains("107"), "no key, not even as bytes");
    }

    #[test]
    fn a_platform_of_a_province_signs_client_time_and_number_in_base64() {
        let asked = settings("{client_id}{timestamp}{nonce}");
        assert_eq!(Hmac::parse(asked.clone()), Err(BadHmac::NoClient));
        let hmac = HmacSettings { client_id: Some("hexigten".into()), is_base64: true, ..asked };
        let hmac = Hmac::parse(hmac).unwrap();
        let headers = hmac.headers("{}", "msg_1", 0, NOW);
        assert_eq!(value(&headers, "X-Client-Id"), "hexigten");
        assert_eq!(value(&headers, "X-Signature"), "VgLgIOo3AzXobJyXgMsw11WUmoW/9XfaUlSxOJrBXaA=");
    }

    #[test]
    fn a_line_that_would_sign_the_same_for_ever_or_names_nothing_is_refused() {
        assert_eq!(parts("{body}"), Err(BadHmac::NoTimestamp));
        for wrong in ["{timestamp}{colour}", "{timestamp", "timestamp}", "{timestamp}}"] {
            assert_eq!(parts(wrong), Err(BadHmac::Unknown), "{wrong}");
        }
        let line = [Part::Text("a&".into()), Part::Timestamp, Part::Text("&".into()), Part::Body];
        assert_eq!(parts("a&{timestamp}&{body}").unwrap(), line);
        for (header, nonce_header) in
            [("", "X-Nonce"), ("X Sign", "X-Nonce"), ("x-nonce", "X-Nonce"), ("签名", "X-Nonce")]
        {
            let (header, nonce_header) = (header.to_owned(), nonce_header.to_owned());
            let found = Hmac::parse(HmacSettings { header, nonce_header, ..settings(SIGNS) });
            assert!(matches!(found, Err(BadHmac::Header(_))), "{found:?}");
        }
        let seconds = Hmac::parse(HmacSettings { is_seconds: true, ..settings(SIGNS) }).unwrap();
        assert_eq!(value(&seconds.headers("", "msg_1", 0, NOW), "X-Timestamp"), "1795313700");
    }
}
