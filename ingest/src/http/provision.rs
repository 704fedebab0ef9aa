//! First contact: a claim key and a serial number -> a device's own credential, once.
//!
//! In: `POST /provision` from a device that nobody has registered.   Out: its id and secret; the device waits in quarantine until
//! an operator approves it.
//!
//! Never: a claim key or a secret in a log line; more than one claim at a time (each is a write with a sync).

use super::Door;
use super::limits::{CLAIM_BYTES_MAX, CLAIM_KEY_BYTES_MAX};
use super::media_type;
use super::refusal::Refusal;
use axum::Json;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::{DeviceId, DeviceKind};
use registry::{ClaimError, RegistryError, Secret};
use serde::Deserialize;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;

/// What a new device says; what else it says is skipped.
#[derive(Deserialize)]
struct Claim {
    claim_key: String,
    serial: String,
    kind: String,
}

/// `POST /provision`
pub(super) async fn provision(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    match door.provision(peer, request).await {
        Ok((id, secret)) => {
            tracing::info!(%peer, device = %id, "a device registered itself and awaits approval");
            (StatusCode::CREATED, Json(json!({ "id": id.as_str(), "secret": secret.as_str() }))).into_response()
        }
        Err(refusal) => {
            door.refusals.note(&refusal, peer, "");
            refusal.into_response()
        }
    }
}

impl Door {
    async fn provision(&self, peer: SocketAddr, request: Request) -> Result<(DeviceId, Secret), Refusal> {
        self.claims.may_try(peer.ip(), self.clock.now()).map_err(|wait| Refusal::Throttled { wait })?;
        if media_type(request.headers()) != "application/json" {
            return Err(Refusal::MediaType { wanted: "application/json" });
        }
        let body = self.room.whole(request, CLAIM_BYTES_MAX).await?;
        let claim: Claim = serde_json::from_slice(&body.bytes).map_err(|error| {
            // Not the error itself: it can hold a piece of the key.
            let place = format!("line {}, column {}", error.line(), error.column());
            Refusal::Malformed(format!("send {{\"claim_key\", \"serial\", \"kind\"}}, all texts; look at {place}"))
        })?;
        let serial = DeviceId::parse(&claim.serial).map_err(|error| Refusal::Malformed(error.to_string()))?;
        let kind = DeviceKind::parse(&claim.kind).ok_or_else(|| {
            let allowed = DeviceKind::ALL.map(DeviceKind::as_str).join(", ");
            Refusal::Malformed(format!("`kind` is none; use one of {allowed}"))
        })?;
        let outcome = self.claim(peer, claim.claim_key, serial.clone(), kind).await;
        if matches!(outcome, Err(Refusal::ClaimKey(_) | Refusal::SerialTaken(_))) {
            self.claims.was_wrong(peer.ip(), self.clock.now());
        }
        outcome.map(|secret| (serial, secret))
    }

    /// One at a time; who had to wait is held to the count of those before it.
    async fn claim(
        &self,
        peer: SocketAddr,
        key: String,
        serial: DeviceId,
        kind: DeviceKind,
    ) -> Result<Secret, Refusal> {
        let turn = tokio::time::timeout(self.patience, self.claiming.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(Refusal::Unavailable) };
        self.claims.may_try(peer.ip(), self.clock.now()).map_err(|wait| Refusal::Throttled { wait })?;
        if key.len() > CLAIM_KEY_BYTES_MAX {
            return Err(Refusal::ClaimKey(ClaimError::Key(registry::ClaimRefusal::Unknown).to_string()));
        }
        let registry = self.registry.clone();
        let claimed = tokio::task::spawn_blocking(move || registry.claim(&key, &serial, kind)).await;
        match claimed {
            Ok(Ok(secret)) => Ok(secret),
            Ok(Err(refused @ ClaimError::Key(_))) => Err(Refusal::ClaimKey(refused.to_string())),
            Ok(Err(taken @ ClaimError::Taken(_))) => Err(Refusal::SerialTaken(taken.to_string())),
            Ok(Err(ClaimError::Registry(error @ (RegistryError::Busy | RegistryError::Limit { .. })))) => {
                tracing::warn!(%error, "a device could not register itself");
                Err(Refusal::Unavailable)
            }
            Ok(Err(ClaimError::Registry(error))) => {
                tracing::error!(%error, "a device could not register itself");
                Err(Refusal::Unavailable)
            }
            Err(error) => {
                tracing::error!(%error, "a device's claim was aborted");
                Err(Refusal::Unavailable)
            }
        }
    }
}
