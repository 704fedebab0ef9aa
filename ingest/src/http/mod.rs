//! HTTP in: the native payloads for devices and gateways that speak no MQTT.
//!
//! In:  requests to [`routes`].   Out: [`model::Frame`]s in the journal, and 202 once they are there.   Next: `record`, `decode`.
//! A device that nobody registered comes to [`provision`] first.
//!
//! ```text
//! login      Authorization -> who is it       turns     how much a device does at once
//! body       bytes, within their bounds       refusal   why not, in HTTP's words
//! batch      lines -> frames                  provision claim key -> a credential
//! cameras    what cameras post by themselves
//! ```
//!
//! Never: a 202 before the journal's proof; a device speaking as another; a message in the journal that was answered with 400.
//! It is decoded twice, here to answer and in `decode` to work: the same pure function on the same frame, so both agree.

mod batch;
mod body;
mod cameras;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod limits;
mod login;
mod provision;
mod refusal;
mod turns;

use crate::credentials::Credentials;
use crate::decode::decode;
use crate::metrics::Metrics;
use crate::protocol::digest::Nonces;
use crate::protocol::health::Health;
use crate::record::Recorder;
use crate::throttle::Throttle;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use axum::{Json, Router};
use body::Room;
use bytes::Bytes;
use journal::Journal;
use model::{Channel, Clock, DeviceId, Entry, Frame, Offset, ReadingKind, ReceivedAt, Transport};
use rand::Rng;
use refusal::{Refusal, RefusalLog};
use registry::Registry;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use turns::Turns;

/// What HTTP in needs from the rest of the house.
pub struct HttpParts {
    /// Where messages go.
    pub journal: Arc<dyn Journal>,
    /// Who may speak.
    pub registry: Registry,
    /// Where time comes in.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Metrics,
    /// How long a message waits for a full journal before its device is told to come back.
    pub patience: Duration,
}

impl HttpParts {
    /// Parts with the usual patience.
    pub fn new(journal: Arc<dyn Journal>, registry: Registry, clock: Clock, metrics: Metrics) -> Self {
        Self { journal, registry, clock, metrics, patience: limits::PATIENCE }
    }
}

/// What the handlers share.
struct Door {
    registry: Registry,
    /// Wrong claims; apart from wrong secrets, so that neither keeps the other out.
    claims: Throttle,
    claiming: Semaphore,
    credentials: Credentials,
    turns: Arc<Turns>,
    room: Room,
    recorder: Recorder,
    clock: Clock,
    metrics: Metrics,
    refusals: RefusalLog,
    patience: Duration,
    /// Of cameras.
    nonces: Mutex<Nonces>,
    health: Mutex<Health>,
}

type Route = (&'static str, &'static str, fn() -> MethodRouter<Arc<Door>>);

/// Every route there is.
const TABLE: [Route; 5] = [
    ("POST", "/api/v1/provision", || post(provision::provision)),
    ("POST", "/api/v1/ingest/{device}/{kind}", || post(message)),
    ("POST", "/api/v1/ingest/{device}/snapshot/{snapshot_id}", || post(snapshot)),
    ("POST", "/isapi/{device}", || post(cameras::posted)),
    ("POST", "/isapi/{device}/{password}", || post(cameras::posted_with_password)),
];

/// Method and path of every route of [`router`].
pub fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.into_iter().map(|(method, path, _)| (method, path))
}

/// The routes. Whoever serves them provides `ConnectInfo<SocketAddr>`, and bounds the number of connections.
pub fn router(parts: HttpParts) -> Router {
    let door = Arc::new(Door {
        credentials: Credentials::new(parts.registry.clone(), parts.clock.clone()),
        registry: parts.registry,
        claims: Throttle::default(),
        claiming: Semaphore::new(1),
        turns: Arc::default(),
        room: Room::new(parts.patience),
        recorder: Recorder::new(parts.journal, parts.metrics.clone()),
        nonces: Mutex::new(Nonces::new(rand::rng().random())),
        health: Mutex::new(Health::new(parts.clock.now())),
        clock: parts.clock,
        refusals: RefusalLog::new(parts.metrics.clone()),
        metrics: parts.metrics,
        patience: parts.patience,
    });
    TABLE
        .into_iter()
        .fold(Router::new(), |router, (_, path, handler)| router.route(path, handler()))
        // Counted again while it is read; this is for the form, which axum reads.
        .layer(DefaultBodyLimit::max(limits::EVENT_BODY_BYTES_MAX))
        .layer(map_response(close))
        .with_state(door)
}

/// The server's connections are bounded and people come through the same door: a fleet that keeps its connections between two
/// messages a minute would keep them out. Who has much to say sends batches.
async fn close(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// `POST /ingest/{device}/{kind}`
async fn message(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((device, kind)): Path<(String, String)>,
    request: Request,
) -> Response {
    // A snapshot has an id, and so an address of its own.
    let kind = ReadingKind::of_native_topic(&kind).filter(|kind| *kind != ReadingKind::Snapshot);
    let channel = kind.map(|kind| Channel::Native { kind, detail: Arc::from("") });
    door.answer(peer, &device, channel, request).await
}

/// `POST /ingest/{device}/snapshot/{snapshot_id}`
async fn snapshot(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((device, id)): Path<(String, String)>,
    request: Request,
) -> Response {
    let channel = Channel::Native { kind: ReadingKind::Snapshot, detail: Arc::from(id) };
    door.answer(peer, &device, Some(channel), request).await
}

impl Door {
    async fn answer(&self, peer: SocketAddr, named: &str, channel: Option<Channel>, request: Request) -> Response {
        match self.take(peer, named, channel, request).await {
            Ok(response) => response,
            Err(refusal) => {
                self.refusals.note(&refusal, peer, named);
                refusal.into_response()
            }
        }
    }

    async fn take(
        &self,
        peer: SocketAddr,
        named: &str,
        channel: Option<Channel>,
        request: Request,
    ) -> Result<Response, Refusal> {
        let speaker = login::speaker(&self.credentials, request.headers(), named, peer.ip())?;
        let channel = channel.ok_or(Refusal::UnknownKind)?;
        let _turn = self.turns.take(&speaker)?;
        let media_type = media_type(request.headers());
        let is_snapshot = matches!(channel, Channel::Native { kind: ReadingKind::Snapshot, .. });
        let one = match (is_snapshot, media_type.as_str()) {
            (true, "image/jpeg") => self.room.whole(request, limits::SNAPSHOT_BYTES_MAX).await?,
            (true, "multipart/form-data") => self.room.only_file(request).await?,
            (true, _) => return Err(Refusal::MediaType { wanted: "image/jpeg, or multipart/form-data with one file" }),
            (false, "application/json") => self.room.whole(request, limits::PAYLOAD_BYTES_MAX).await?,
            (false, "application/x-ndjson") => {
                let lines = self.room.whole(request, limits::BATCH_BYTES_MAX).await?;
                return self.take_lines(peer, &speaker, &channel, &lines.bytes).await;
            }
            (false, _) => return Err(Refusal::MediaType { wanted: "application/json, or application/x-ndjson" }),
        };
        let frame = understand(&speaker, &channel, one.bytes.clone(), ReceivedAt(self.clock.now()))?;
        self.record(vec![frame]).await?;
        Ok((StatusCode::ACCEPTED, Json(json!({ "accepted": 1 }))).into_response())
    }

    async fn take_lines(
        &self,
        peer: SocketAddr,
        speaker: &DeviceId,
        channel: &Channel,
        lines: &Bytes,
    ) -> Result<Response, Refusal> {
        let received_at = ReceivedAt(self.clock.now());
        let judged = batch::judge(lines, |payload| understand(speaker, channel, payload, received_at))?;
        if !judged.frames.is_empty() {
            self.record(judged.frames).await?;
        }
        for refusal in judged.refused.iter().flatten() {
            self.refusals.note(refusal, peer, speaker.as_str());
        }
        let head = [(header::CONTENT_TYPE, "application/x-ndjson")];
        Ok((head, batch::answer(&judged.refused)).into_response())
    }

    /// Resolves when all of them are on disk. A refusal means that none was acknowledged; what was already on its way may be
    /// there all the same, and a message that comes twice does no harm.
    async fn record(&self, frames: Vec<Frame>) -> Result<(), Refusal> {
        let count = u64::try_from(frames.len()).unwrap_or(u64::MAX);
        match tokio::time::timeout(self.patience, self.recorder.begin(frames, count)).await {
            Ok(Ok(count)) => {
                self.metrics.answered(count);
                Ok(())
            }
            Ok(Err(error)) => {
                // The stages that write without being asked end the process if it is broken.
                tracing::error!(%error, "not acknowledging over HTTP");
                Err(Refusal::JournalFull)
            }
            Err(_elapsed) => Err(Refusal::JournalFull),
        }
    }
}

/// A frame that the decode stage will understand, since it does the same.
fn understand(
    speaker: &DeviceId,
    channel: &Channel,
    payload: Bytes,
    received_at: ReceivedAt,
) -> Result<Frame, Refusal> {
    let frame = Frame {
        device: speaker.clone(),
        speaker: speaker.clone(),
        channel: channel.clone(),
        transport: Transport::Http,
        payload,
        received_at,
    };
    let entry = Entry { offset: Offset::default(), frame };
    decode(&entry)?;
    Ok(entry.frame)
}

/// The type without its parameters, in lower case.
fn media_type(headers: &HeaderMap) -> String {
    let stated = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    stated.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
