//! A request's body -> bytes, within its bounds.
//!
//! In: a request whose sender is known.   Out: [`Whole`].   Never: more of a body in memory than its kind may have, or more
//! large bodies at once than the house has room for.

use super::limits::{
    BODY_TIMEOUT, DISCARD_TIMEOUT, ENVELOPE_BYTES_MAX, LARGE_BODIES_KIB, LARGE_BODY_BYTES, SNAPSHOT_BYTES_MAX,
};
use super::refusal::Refusal;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A body that came whole, and its share of the memory for large ones; keep it until the bytes are on disk.
pub struct Whole {
    /// The bytes.
    pub bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// Memory for large bodies.
pub struct Room {
    bodies: Arc<Semaphore>,
    patience: Duration,
}

impl Room {
    /// All of it; a body waits for its share for `patience`.
    pub fn new(patience: Duration) -> Self {
        Self { bodies: Arc::new(Semaphore::new(usize::try_from(LARGE_BODIES_KIB).unwrap_or(usize::MAX))), patience }
    }

    /// The whole body, as it is.
    pub async fn whole(&self, request: Request, limit_bytes: usize) -> Result<Whole, Refusal> {
        let room = self.reserve(request.headers(), limit_bytes).await?;
        let reading = async {
            let mut chunks = request.into_body().into_data_stream();
            let mut bytes = BytesMut::new();
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk.map_err(|_| Refusal::Malformed("the body did not arrive whole".to_owned()))?;
                if bytes.len() + chunk.len() > limit_bytes {
                    return Err(Refusal::TooLarge { limit_bytes });
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(bytes.freeze())
        };
        let bytes = tokio::time::timeout(BODY_TIMEOUT, reading).await.map_err(|_| Refusal::TooSlow)??;
        Ok(Whole { bytes, _room: room })
    }

    /// Reads a body away, if it is not larger than that and comes soon; a client that is still sending hears no answer.
    pub async fn discard(&self, request: Request, limit_bytes: usize) {
        let reading = async {
            let mut chunks = request.into_body().into_data_stream();
            let mut left = limit_bytes;
            while let Some(Ok(chunk)) = chunks.next().await {
                let Some(still) = left.checked_sub(chunk.len()) else { break };
                left = still;
            }
        };
        // Who is slower than that does not hear why.
        tokio::time::timeout(DISCARD_TIMEOUT, reading).await.ok();
    }

    /// The one file of a multipart/form-data body.
    pub async fn only_file(&self, request: Request) -> Result<Whole, Refusal> {
        let room = self.reserve(request.headers(), SNAPSHOT_BYTES_MAX + ENVELOPE_BYTES_MAX).await?;
        let reading = async {
            let form = Multipart::from_request(request, &()).await;
            let mut form = form.map_err(|rejection| Refusal::Malformed(rejection.body_text()))?;
            let first = form.next_field().await.map_err(|error| broken(&error))?;
            let Some(field) = first else {
                return Err(Refusal::Malformed("the form is empty; it must hold one file".to_owned()));
            };
            let bytes = file(field).await?;
            match form.next_field().await {
                Ok(None) => Ok(bytes),
                Ok(Some(_)) => Err(Refusal::Malformed("the form has several parts; it must hold one file".to_owned())),
                Err(error) => Err(broken(&error)),
            }
        };
        let bytes = tokio::time::timeout(BODY_TIMEOUT, reading).await.map_err(|_| Refusal::TooSlow)??;
        Ok(Whole { bytes, _room: room })
    }

    /// Refuses what announces itself as too large; else its share of the memory, or word that there is none in time.
    async fn reserve(&self, headers: &HeaderMap, limit: usize) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
        let announced = headers.get(header::CONTENT_LENGTH).and_then(|text| text.to_str().ok()?.parse::<usize>().ok());
        // A body that does not say how long it is may be as long as it is allowed to.
        let bytes = announced.unwrap_or(limit);
        if bytes > limit {
            return Err(Refusal::TooLarge { limit_bytes: limit });
        }
        if bytes <= LARGE_BODY_BYTES {
            return Ok(None);
        }
        let kib = u32::try_from(bytes / 1_024 + 1).unwrap_or(LARGE_BODIES_KIB);
        let turn = Arc::clone(&self.bodies).acquire_many_owned(kib);
        match tokio::time::timeout(self.patience, turn).await {
            Ok(Ok(permit)) => Ok(Some(permit)),
            _ => Err(Refusal::NoRoom),
        }
    }
}

async fn file(mut field: Field<'_>) -> Result<Bytes, Refusal> {
    if field.file_name().is_none() {
        let name: String = field.name().unwrap_or_default().chars().take(64).collect();
        return Err(Refusal::Malformed(format!("part `{name}` of the form is no file; it must hold one file")));
    }
    let mut bytes = BytesMut::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| broken(&error))? {
        if bytes.len() + chunk.len() > SNAPSHOT_BYTES_MAX {
            return Err(Refusal::TooLarge { limit_bytes: SNAPSHOT_BYTES_MAX });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn broken(error: &MultipartError) -> Refusal {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge { limit_bytes: SNAPSHOT_BYTES_MAX },
        _ => Refusal::Malformed(format!("the form cannot be read: {}", error.body_text())),
    }
}
