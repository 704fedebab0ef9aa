//! The devices' door on a free port with everything behind it, and a journal that a test can hold up.

pub use crate::moody::Mood;
use crate::moody::MoodyJournal;
use bytes::Bytes;
use ingest::http::{HttpParts, router};
use ingest::metrics::Metrics;
use journal::Journal;
use journal::sqlite::{SqliteJournal, SqliteOptions};
use model::{Clock, DeviceId, DeviceKind, Entry, Offset, Timestamp};
use registry::{NewDevice, Registry};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The house's clock stands here unless a test moves it: 2025-11-22T00:00:00Z.
pub const NOW_MS: i64 = 1_763_769_600_000;

/// The door and its surroundings. Devices: `camera-1`, `camera-2`.
pub struct House {
    pub address: SocketAddr,
    pub registry: Registry,
    pub clock: Clock,
    pub metrics: Metrics,
    pub mood: watch::Sender<Mood>,
    /// Appends that the journal was asked for so far.
    pub asked: watch::Receiver<u64>,
    secrets: Vec<(String, String)>,
    journal: Arc<SqliteJournal>,
    client: reqwest::Client,
    pub folder: TempDir,
}

impl House {
    /// With the patience of a test that waits for an answer to come.
    pub async fn start() -> Self {
        Self::start_with(Duration::from_secs(600)).await
    }

    pub async fn start_with(patience: Duration) -> Self {
        // A second call only means that the provider is chosen already.
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = TempDir::new().unwrap();
        let clock = Clock::manual(Timestamp::from_millis(NOW_MS));
        let registry = Registry::open(&folder.path().join("registry.db"), clock.clone()).unwrap();
        let journal = SqliteJournal::open(&folder.path().join("journal.db"), SqliteOptions::default()).unwrap();
        let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
        let (mood, mood_rx) = watch::channel(Mood::Willing);
        let (asked_tx, asked) = watch::channel(0);
        let moody = Arc::new(MoodyJournal { inner: Arc::clone(&journal), mood: mood_rx, asked: asked_tx });
        let parts = HttpParts::new(moody, registry.clone(), clock.clone(), metrics.clone());
        let router = router(HttpParts { patience, ..parts });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut house =
            Self { address, registry, clock, metrics, mood, asked, secrets: Vec::new(), journal, client, folder };
        for id in ["camera-1", "camera-2"] {
            let device = NewDevice::new(DeviceId::parse(id).unwrap(), DeviceKind::Camera);
            let secret = house.registry.add_device(device, "test").unwrap();
            house.secrets.push((id.to_owned(), secret.to_string()));
        }
        house
    }

    pub fn secret(&self, device: &str) -> &str {
        &self.secrets.iter().find(|(id, _)| id == device).unwrap().1
    }

    /// A POST below `/api/v1` without credentials.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("http://{}/api/v1{path}", self.address))
    }

    /// A POST of `camera-1` below its own address.
    pub fn says(&self, rest: &str) -> RequestBuilder {
        self.post(&format!("/ingest/camera-1/{rest}")).basic_auth("camera-1", Some(self.secret("camera-1")))
    }

    /// A POST of `camera-1` with a JSON payload.
    pub async fn sends(&self, kind: &str, payload: impl Into<reqwest::Body>) -> Response {
        self.says(kind).header("content-type", "application/json").body(payload).send().await.unwrap()
    }

    /// A POST of a camera's event.
    pub fn event(&self, rest: &str) -> RequestBuilder {
        self.client.post(format!("http://{}/isapi/{rest}", self.address))
    }

    /// What `camera-1` has to know for a digest.
    pub fn password(&self) -> String {
        self.registry.sip_password(&DeviceId::parse("camera-1").unwrap()).unwrap().as_str().to_owned()
    }

    /// Sends bytes as they are and reads until the server closes.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // A server that refuses early may reset what it did not read; what it said came before that.
        stream.read_to_end(&mut answer).await.ok();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Everything in the journal.
    pub async fn entries(&self) -> Vec<Entry> {
        self.journal.read(Offset(0), 100_000).await.unwrap()
    }

    /// The payloads in the journal, in order.
    pub async fn payloads(&self) -> Vec<Bytes> {
        self.entries().await.into_iter().map(|entry| entry.frame.payload).collect()
    }

    pub fn refusals(&self, reason: &str) -> u64 {
        self.metrics.refusals.with_label_values(&[reason]).get()
    }
}

/// A heartbeat that is understood.
pub fn beat(seq: u64) -> String {
    format!(r#"{{"ts":{NOW_MS},"seq":{seq},"status":"ok"}}"#)
}

/// Checks that an answer is a problem with this status; the whole of it.
pub async fn problem(response: Response, status: u16) -> Value {
    assert_eq!(response.status(), StatusCode::from_u16(status).unwrap());
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    assert!(body["type"].as_str().unwrap().starts_with("urn:steppewatch:problem:") && body["title"].is_string());
    body
}
