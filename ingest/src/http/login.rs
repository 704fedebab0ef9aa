//! `Authorization` -> the device that speaks, or a refusal.
//!
//! In: the header, the device that the address names, whence it comes.   Out: [`DeviceId`], authenticated.
//!
//! Never: another device's name in a frame; a secret in a log line; an answer that tells whether a device exists.

use super::refusal::Refusal;
use super::throttle::Throttle;
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{Clock, DeviceId};
use registry::Registry;
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

/// Checks secrets, and slows down whoever has the wrong ones.
pub struct Login {
    registry: Registry,
    clock: Clock,
    throttle: Throttle,
}

impl Login {
    /// Checks against `registry`.
    pub fn new(registry: Registry, clock: Clock) -> Self {
        Self { registry, clock, throttle: Throttle::default() }
    }

    /// The device that speaks, which is the one that the address names.
    pub async fn speaker(&self, headers: &HeaderMap, named: &str, address: IpAddr) -> Result<DeviceId, Refusal> {
        self.throttle.may_try(address, self.clock.now()).map_err(|wait| Refusal::Throttled { wait })?;
        let checked = match Claim::of(headers) {
            Ok(claim) => self.check(claim, named).await,
            Err(refusal) => Err(refusal),
        };
        // A request without credentials guesses nothing: some clients send one before each with them.
        if matches!(checked, Err(Refusal::BadCredentials)) {
            self.throttle.was_wrong(address, self.clock.now());
        }
        let device = checked?;
        if device.as_str() == named { Ok(device) } else { Err(Refusal::Foreign { itself: device.to_string() }) }
    }

    async fn check(&self, claim: Claim, named: &str) -> Result<DeviceId, Refusal> {
        let device = DeviceId::parse(claim.device.as_deref().unwrap_or(named)).map_err(|_| Refusal::BadCredentials)?;
        let mut checked = self.registry.check_secret(&device, &claim.secret);
        if checked.is_err() && self.learned_something().await {
            checked = self.registry.check_secret(&device, &claim.secret);
        }
        match checked {
            Ok(()) => Ok(device),
            Err(registry::Refusal::Disabled) => Err(Refusal::Disabled),
            Err(registry::Refusal::Quarantined) => Err(Refusal::Quarantined),
            Err(registry::Refusal::UnknownDevice | registry::Refusal::WrongSecret) => Err(Refusal::BadCredentials),
        }
    }

    /// An operator may have registered it this very second from the command line: look once before it is turned away.
    async fn learned_something(&self) -> bool {
        let registry = self.registry.clone();
        matches!(tokio::task::spawn_blocking(move || registry.refresh()).await, Ok(Ok(true)))
    }
}
