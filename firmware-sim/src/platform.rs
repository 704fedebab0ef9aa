//! A system above the platform: what the smart forestry-grass platform (智慧林草) or the fire warning system might run. Their
//! interfaces are not public, so this one is the reference; and it behaves badly on purpose.
//!
//! In:  messages with a proof of who sends them.   Out: what it took, in memory; answers as bad as the script says; acknowledgements.
//! Never: shares a line with the code that it checks, believes a message that proves nothing, or takes the same message twice.

mod proof;
mod tls;

pub use proof::Proof;
pub use tls::Certificates;

use crate::clock;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use proof::Nonces;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Messages kept.
const MESSAGES_MAX: usize = 10_000;
/// Largest body taken.
const BODY_MAX_BYTES: usize = 1 << 20;

/// What it does with one message that has proved who sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Takes it: 200 and `{"code":0}`.
    Yes,
    /// 200, and in the body a code that is no yes.
    Code(i64),
    /// This status, without a body.
    Status(u16),
    /// 200, and a page for people: a portal in between, a login.
    Html,
    /// Takes it, and says so after a while.
    Slow(Duration),
    /// Takes it, and never says so: the sender has to ask again.
    TakeAndHang,
    /// Never answers, and has taken nothing.
    Hang,
}

/// One message as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// `Idempotency-Key`: the same at every attempt.
    pub id: String,
    /// Its content type.
    pub kind: String,
    /// Its body.
    pub body: String,
    /// Why it was not believed, if so.
    pub disbelief: Option<String>,
    /// What was done with it.
    pub mood: Mood,
    /// Whether it was taken for the first time by this.
    pub is_new: bool,
}

impl Received {
    /// The body as JSON; `Null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

struct Shared {
    proof: Proof,
    announce: bool,
    nonces: Mutex<Nonces>,
    script: Mutex<VecDeque<Mood>>,
    log: Mutex<VecDeque<Received>>,
    count: watch::Sender<u64>,
    stop: CancellationToken,
}

/// A running system; it ends when dropped.
pub struct Upstream {
    address: SocketAddr,
    is_tls: bool,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

impl Upstream {
    /// Listens and treats the first messages as the script says, one entry each; then it behaves well. With certificates it speaks TLS
    /// and wants one of the sender's.
    pub async fn start(
        listen: SocketAddr,
        proof: Proof,
        certificates: Option<&Certificates>,
        script: impl IntoIterator<Item = Mood>,
        announce: bool,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            proof,
            announce,
            nonces: Mutex::default(),
            script: Mutex::new(script.into_iter().collect()),
            log: Mutex::default(),
            count: watch::Sender::new(0),
            stop: stop.clone(),
        });
        let app = Router::new().fallback(take).layer(DefaultBodyLimit::max(BODY_MAX_BYTES));
        let app = app.with_state(Arc::clone(&shared));
        let stopped = stop.clone().cancelled_owned();
        match certificates {
            None => {
                tokio::spawn(async move { axum::serve(listener, app).with_graceful_shutdown(stopped).await });
            }
            Some(certificates) => {
                let listener = tls::Listener::new(listener, certificates)?;
                tokio::spawn(async move { axum::serve(listener, app).with_graceful_shutdown(stopped).await });
            }
        }
        Ok(Self { address, is_tls: certificates.is_some(), shared, _stop: stop.drop_guard() })
    }

    /// What to give to the sender.
    pub fn url(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}/api/alerts", self.address)
    }

    /// What has come so far, oldest first.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.log).iter().cloned().collect()
    }

    /// Waits until so many messages were taken, each counted once, and returns them.
    pub async fn wait_for(&self, messages: usize) -> Vec<Received> {
        let taken = || self.received().into_iter().filter(|one| one.is_new).collect::<Vec<_>>();
        let mut count = self.shared.count.subscribe();
        // The sender lives in `shared`, so the wait cannot end by its loss.
        count.wait_for(|_| taken().len() >= messages).await.ok();
        taken()
    }

    /// Waits until so many attempts came, believed or not, and returns them.
    pub async fn wait_for_attempts(&self, attempts: u64) -> Vec<Received> {
        self.shared.count.subscribe().wait_for(|count| *count >= attempts).await.ok();
        self.received()
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let disbelief = shared.proof.check(&headers, &body, clock::now_ms(), &mut lock(&shared.nonces)).err();
    let mood = match &disbelief {
        Some(_) => Mood::Status(401),
        None => lock(&shared.script).pop_front().unwrap_or(Mood::Yes),
    };
    let id = header("idempotency-key");
    let takes = matches!(mood, Mood::Yes | Mood::Slow(_) | Mood::TakeAndHang);
    let is_known = lock(&shared.log).iter().any(|known| known.is_new && known.id == id);
    let body = String::from_utf8_lossy(&body).into_owned();
    let kind = header("content-type");
    record(&shared, Received { id, kind, body, disbelief, mood, is_new: takes && !is_known });
    let yes = || json!({"code": 0, "msg": if is_known { "重复" } else { "成功" }}).to_string();
    match mood {
        Mood::Yes => yes().into_response(),
        Mood::Code(code) => json!({"code": code, "msg": "失败"}).to_string().into_response(),
        Mood::Status(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT).into_response(),
        Mood::Html => "<!DOCTYPE html><title>统一身份认证</title>".into_response(),
        Mood::Slow(delay) => {
            tokio::time::sleep(delay).await;
            yes().into_response()
        }
        Mood::TakeAndHang | Mood::Hang => {
            shared.stop.cancelled().await;
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn record(shared: &Shared, received: Received) {
    if shared.announce && received.is_new {
        println!("taken {} {} {}", clock::rfc3339(clock::now_ms()), received.id, received.kind);
    }
    let mut log = lock(&shared.log);
    if log.len() >= MESSAGES_MAX {
        log.pop_front();
    }
    log.push_back(received);
    drop(log);
    shared.count.send_modify(|count| *count += 1);
}

/// What it says of a case, by the address and the token that the platform gave it. It says so twice, since it trusts no network; both
/// answers.
pub async fn acknowledge(http: &str, token: &str, body: &Value) -> Result<[(u16, Value); 2], reqwest::Error> {
    // A second call only means that the provider is chosen already.
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let call = async || {
        let url = format!("http://{http}/api/v1/platform/acknowledgements");
        let answer = client.post(url).bearer_auth(token).json(body).send().await?;
        Ok((answer.status().as_u16(), answer.json().await.unwrap_or_default()))
    };
    Ok([call().await?, call().await?])
}

/// A handler that panicked has changed nothing by halves: the data behind its lock is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
