//! A webhook receiver: what another system would run to be told. The demo starts one; tests misbehave with it.
//!
//! In:  POST requests on any path.   Out: [`Delivery`]s in memory, and (when asked to announce) one line per new alert on
//! standard output.
//!
//! Never: believes an unsigned request; it is recorded as not verified and answered with 401.

mod behaviour;
mod moods;
mod signature;
mod summary;

pub use behaviour::Behaviour;
pub use moods::Moods;
pub use signature::{BadSecret, Headers, Refusal, Secret, verify};
pub use summary::summary;

use crate::clock;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use behaviour::{BreakableListener, Breaker, Script};
use serde_json::Value;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Deliveries kept; older ones make room. A demo of days stays within some tens of megabytes.
const MAX_DELIVERIES: usize = 10_000;
/// Largest body taken: an incident with its timeline is far smaller.
const MAX_BODY_BYTES: usize = 1 << 20;
/// Length of an answer that is cut off: half of it is more than its head.
const CUT_BODY_BYTES: usize = 2_048;
/// Where a redirect leads. Who follows it is seen here, for every path is ours.
const ELSEWHERE: &str = "/elsewhere";

/// Why a receiver could not start.
#[derive(Debug)]
pub enum BindError {
    /// The secret is none.
    Secret(BadSecret),
    /// The address cannot be listened on.
    Listen(SocketAddr, io::Error),
}

impl std::fmt::Display for BindError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Secret(error) => error.fmt(f),
            Self::Listen(addr, error) => {
                write!(f, "cannot listen on {addr} ({error}); choose another address or port 0")
            }
        }
    }
}

impl std::error::Error for BindError {}

/// One request as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// `webhook-id`: the same on every attempt.
    pub id: String,
    /// `type` of the CloudEvent; empty when the body is none.
    pub type_: String,
    /// The body as text.
    pub body: String,
    /// Whether the signature was right.
    pub verified: bool,
    /// What the receiver did with it.
    pub behaviour: Behaviour,
    /// Which path was asked.
    pub path: String,
    /// Unix milliseconds of receipt.
    pub at_ms: i64,
}

impl Delivery {
    /// Whether the sender was told that it has arrived.
    pub fn accepted(&self) -> bool {
        self.verified && matches!(self.behaviour, Behaviour::Ok | Behaviour::Slow(_) | Behaviour::OkBut(_))
    }

    /// Whether the receiver has it, although the sender may not know.
    pub fn is_taken(&self) -> bool {
        self.verified && self.behaviour.takes()
    }

    /// The body as JSON; `Null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// Hears of each request.
type Note = Box<dyn Fn(&Delivery) + Send + Sync>;

/// How a receiver is.
struct Character {
    script: Script,
    announce: bool,
    note: Option<Note>,
}

struct Shared {
    secret: Secret,
    announce: bool,
    note: Option<Note>,
    script: Mutex<Script>,
    log: Mutex<VecDeque<Delivery>>,
    received: watch::Sender<u64>,
    stop: CancellationToken,
}

/// A running receiver; it ends when dropped.
pub struct Receiver {
    addr: SocketAddr,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

impl Receiver {
    /// Listens and behaves well, in silence.
    pub async fn bind(addr: SocketAddr, secret: &str) -> Result<Self, BindError> {
        Self::scripted(addr, secret, []).await
    }

    /// Listens and prints a line per new alert on standard output.
    pub async fn announcing(addr: SocketAddr, secret: &str) -> Result<Self, BindError> {
        Self::start(addr, secret, Character { script: Script::default(), announce: true, note: None }).await
    }

    /// Listens and treats the first requests as the script says, one entry each; then it behaves well.
    pub async fn scripted(
        addr: SocketAddr,
        secret: &str,
        script: impl IntoIterator<Item = Behaviour>,
    ) -> Result<Self, BindError> {
        Self::start(addr, secret, Character { script: Script::new(script), announce: false, note: None }).await
    }

    /// Listens and treats each request as its moods will. It keeps none of them: `note` hears of each, one after the other.
    pub async fn moody(
        addr: SocketAddr,
        secret: &str,
        moods: Moods,
        note: impl Fn(&Delivery) + Send + Sync + 'static,
    ) -> Result<Self, BindError> {
        let character = Character { script: Script::of_moods(moods), announce: false, note: Some(Box::new(note)) };
        Self::start(addr, secret, character).await
    }

    async fn start(addr: SocketAddr, secret: &str, character: Character) -> Result<Self, BindError> {
        let secret = Secret::parse(secret).map_err(BindError::Secret)?;
        let listener = TcpListener::bind(addr).await.map_err(|error| BindError::Listen(addr, error))?;
        let addr = listener.local_addr().map_err(|error| BindError::Listen(addr, error))?;
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            secret,
            announce: character.announce,
            note: character.note,
            script: Mutex::new(character.script),
            log: Mutex::new(VecDeque::new()),
            received: watch::Sender::new(0),
            stop: stop.clone(),
        });
        let app = Router::new()
            .fallback(receive)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(shared.clone())
            .into_make_service_with_connect_info::<Breaker>();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move {
            let served = axum::serve(BreakableListener(listener), app).with_graceful_shutdown(stopped).await;
            if let Err(error) = served {
                tracing::warn!(%error, "webhook receiver ended");
            }
        });
        Ok(Self { addr, shared, _stop: stop.drop_guard() })
    }

    /// The address really bound.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What to give to the sender.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.addr)
    }

    /// Adds to the script.
    pub fn behave(&self, script: impl IntoIterator<Item = Behaviour>) {
        *lock(&self.shared.script) = Script::new(script);
    }

    /// What has come so far, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.shared.log).iter().cloned().collect()
    }

    /// Waits until so many requests have come in all, believed or not, and returns them (at most the last 10,000).
    pub async fn wait_for(&self, requests: u64) -> Vec<Delivery> {
        // The sender lives in `shared`, so the wait cannot end by its loss.
        self.shared.received.subscribe().wait_for(|received| *received >= requests).await.ok();
        self.deliveries()
    }

    /// Waits until a delivery satisfies `wanted`, and returns the first that does.
    pub async fn wait_until(&self, wanted: impl Fn(&Delivery) -> bool) -> Delivery {
        let mut received = self.shared.received.subscribe();
        loop {
            received.mark_unchanged();
            if let Some(found) = lock(&self.shared.log).iter().find(|delivery| wanted(delivery)).cloned() {
                return found;
            }
            if received.changed().await.is_err() {
                // Cannot happen while `self` lives; waiting for ever is what was asked for.
                std::future::pending::<()>().await;
            }
        }
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(breaker): ConnectInfo<Breaker>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signed = Headers {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    let now_ms = clock::now_ms();
    let verdict = verify(&shared.secret, signed, &body, now_ms.div_euclid(1_000));
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    let behaviour = lock(&shared.script).next(signed.id);
    let delivery = Delivery {
        id: signed.id.to_owned(),
        type_: event.get("type").and_then(Value::as_str).unwrap_or_default().to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
        verified: verdict.is_ok(),
        behaviour,
        path: uri.path().to_owned(),
        at_ms: now_ms,
    };
    record(&shared, delivery, &event);
    if let Err(refusal) = verdict {
        tracing::warn!(%refusal, "webhook refused");
        return StatusCode::UNAUTHORIZED.into_response();
    }
    behave(behaviour, &breaker, &shared.stop).await
}

async fn behave(behaviour: Behaviour, breaker: &Breaker, stop: &CancellationToken) -> Response {
    let status = |code| StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match behaviour {
        Behaviour::Ok => {}
        Behaviour::Status(code) => return status(code).into_response(),
        Behaviour::Slow(delay) => tokio::time::sleep(delay).await,
        Behaviour::Hang => stop.cancelled().await,
        Behaviour::Reset => breaker.trip(),
        Behaviour::CutOff => {
            breaker.cut_next();
            return (StatusCode::OK, "x".repeat(CUT_BODY_BYTES)).into_response();
        }
        Behaviour::Redirect(code) => return (status(code), [(header::LOCATION, ELSEWHERE)]).into_response(),
        Behaviour::OkBut(code) => return (StatusCode::OK, format!("{{\"code\":{code}}}")).into_response(),
    }
    StatusCode::NO_CONTENT.into_response()
}

fn record(shared: &Shared, delivery: Delivery, event: &Value) {
    let mut log = lock(&shared.log);
    if let Some(note) = &shared.note {
        note(&delivery);
    } else {
        let is_new = || !log.iter().any(|known| known.id == delivery.id && known.accepted());
        if shared.announce && delivery.accepted() && is_new() {
            println!("alert {} {}", clock::rfc3339(delivery.at_ms), summary(event));
        }
        if log.len() >= MAX_DELIVERIES {
            log.pop_front();
        }
        log.push_back(delivery);
    }
    drop(log);
    shared.received.send_modify(|received| *received += 1);
}

/// A handler that panicked has changed nothing by halves: the data behind its lock is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
