//! `Authorization` -> the device that speaks, or a refusal.
//!
//! In: the header, the device that the address names, whence it comes.   Out: [`DeviceId`], authenticated.
//!
//! Never: another device's name in a frame; a secret in a log line; an answer that tells whether a device exists.

use super::refusal::Refusal;
use crate::credentials::Credentials;
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::DeviceId;
use std::net::IpAddr;

/// No secret and no id is longer; a longer text is not worth hashing.
const CREDENTIALS_BYTES_MAX: usize = 512;

/// What a request says of itself.
struct Claim {
    /// The id of HTTP Basic; Bearer has none, there the address names the device.
    device: Option<String>,
    secret: String,
}

impl Claim {
    fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let header = headers.get(header::AUTHORIZATION).ok_or(Refusal::NoCredentials)?;
        let text = header.to_str().map_err(|_| Refusal::BadCredentials)?;
        let (scheme, rest) = text.split_once(' ').ok_or(Refusal::NoCredentials)?;
        let rest = rest.trim();
        if rest.len() > CREDENTIALS_BYTES_MAX {
            return Err(Refusal::BadCredentials);
        }
        if scheme.eq_ignore_ascii_case("bearer") {
            return Ok(Self { device: None, secret: rest.to_owned() });
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(Refusal::NoCredentials);
        }
        let decoded = STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = decoded.as_deref().and_then(|pair| pair.split_once(':'));
        let (device, secret) = pair.ok_or(Refusal::BadCredentials)?;
        Ok(Self { device: Some(device.to_owned()), secret: secret.to_owned() })
    }
}

/// The device that speaks, which is the one that the address names.
pub fn speaker(
    credentials: &Credentials,
    headers: &HeaderMap,
    named: &str,
    address: IpAddr,
) -> Result<DeviceId, Refusal> {
    let claim = Claim::of(headers)?;
    let device = DeviceId::parse(claim.device.as_deref().unwrap_or(named)).map_err(|_| Refusal::BadCredentials)?;
    credentials.check(&device, &claim.secret, address).map_err(Refusal::from)?;
    if device.as_str() == named { Ok(device) } else { Err(Refusal::Foreign { itself: device.to_string() }) }
}
