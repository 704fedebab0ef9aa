//! Asking cameras: one task for each that keeps a link alive, with pauses after failures, and HTTP with Digest.
//!
//! In:  cameras of the configuration, and what a session with one does ([`keep`]).   Out: frames in the journal by the [`Door`],
//! counters, a log line when a camera is lost and when it is back.
//!
//! Never: a password in a log line; a redirect that is followed, or another host than the configured one that hears the password;
//! frames for a device that nobody registered or that is disabled.

use super::backoff::Backoff;
use super::digest::Challenge;
use super::door::{Door, DoorParts};
use super::health::Health;
use journal::AppendError;
use model::{DeviceId, Frame};
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};
use rand::Rng;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// A camera in the steppe answers a connection within two seconds on a bad day.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A refused login makes us wait like so many failures of another kind.
const REFUSALS_WEIGH: u32 = 16;

/// A password that no log line shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// As the camera's page has it.
    pub fn new(password: &str) -> Self {
        Self(password.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

/// One camera to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraConfig {
    /// As which device it is registered.
    pub device: DeviceId,
    /// Scheme, host and port; for ONVIF also the path of its device service, if that is not the usual one.
    pub url: Url,
    /// A user of the camera who may read events.
    pub user: String,
    /// His password.
    pub password: Password,
}

/// Why a camera cannot be configured so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Not a URL, or of another protocol.
    #[error("write http:// or https:// and the camera's address, for example http://10.0.0.5")]
    NoHttp,
    /// User and password belong elsewhere.
    #[error("write user and password on lines of their own (`user`, `password_file`)")]
    Login,
}

/// Reads a camera's URL.
pub fn camera_url(text: &str) -> Result<Url, BadUrl> {
    let url = Url::parse(text).map_err(|_| BadUrl::NoHttp)?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(BadUrl::NoHttp);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadUrl::Login);
    }
    Ok(url)
}

/// How a session with a camera ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it refuses user or password")]
    Refused,
    #[error("it said nothing for {0:?}")]
    Silent(Duration),
    #[error("it ended the connection")]
    Ended,
    #[error("it answers what nobody understands: {0}")]
    Malformed(String),
    #[error("no such device is registered, or it is disabled; register it with `devices add`")]
    Unregistered,
}

impl Failure {
    fn label(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Refused => "refused",
            Self::Silent(_) => "silent",
            Self::Ended => "ended",
            Self::Malformed(_) => "malformed",
            Self::Unregistered => "unregistered",
        }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        // Without the URL, and with what lies below: reqwest itself only says that it failed.
        let error = error.without_url();
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Self::Unreachable(format!("{error}{cause}"))
    }
}

/// Counters of links; clones share them.
#[derive(Debug, Clone)]
pub struct LinkMetrics {
    links: IntGaugeVec,
    failures: IntCounterVec,
}

impl LinkMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let links = IntGaugeVec::new(
            Opts::new("steppewatch_camera_links", "Cameras that the platform asks for events, by protocol and state."),
            &["protocol", "state"],
        )?;
        let failures = IntCounterVec::new(
            Opts::new("steppewatch_camera_link_failures_total", "Links to cameras that broke, by protocol and reason."),
            &["protocol", "reason"],
        )?;
        registry.register(Box::new(links.clone()))?;
        registry.register(Box::new(failures.clone()))?;
        for protocol in ["isapi", "onvif"] {
            for state in ["up", "down"] {
                links.with_label_values(&[protocol, state]); // shown as 0 from the start
            }
        }
        Ok(Self { links, failures })
    }

    #[cfg(test)]
    pub(super) fn failures(&self, protocol: &str, reason: &str) -> u64 {
        self.failures.with_label_values(&[protocol, reason]).get()
    }
}

/// A camera, and what its task works with.
pub(super) struct Link {
    pub camera: CameraConfig,
    pub door: Door,
    health: Arc<Mutex<Health>>,
    protocol: &'static str,
    metrics: LinkMetrics,
    is_up: Mutex<bool>,
}

impl Link {
    pub(super) fn new(
        protocol: &'static str,
        camera: CameraConfig,
        door: Door,
        health: Arc<Mutex<Health>>,
        metrics: LinkMetrics,
    ) -> Self {
        metrics.links.with_label_values(&[protocol, "down"]).inc();
        Self { camera, door, health, protocol, metrics, is_up: Mutex::new(false) }
    }

    pub(super) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The camera answers as it should.
    pub(super) fn is_up(&self) {
        if self.moves(true) {
            tracing::info!(device = %self.camera.device, protocol = self.protocol, "camera is heard");
        }
    }

    /// `true` if that is news.
    fn moves(&self, up: bool) -> bool {
        let mut is_up = self.is_up.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_up == up {
            return false;
        }
        *is_up = up;
        let step = if up { 1 } else { -1 };
        self.metrics.links.with_label_values(&[self.protocol, "up"]).add(step);
        self.metrics.links.with_label_values(&[self.protocol, "down"]).sub(step);
        true
    }

    /// Whether anything may be recorded of it now.
    pub(super) fn may_speak(&self) -> Result<(), Failure> {
        let view = self.door.view();
        let is_there = view.device(&self.camera.device).is_some_and(|device| !device.disabled && !device.quarantined);
        if is_there { Ok(()) } else { Err(Failure::Unregistered) }
    }

    /// Onto the disk, however long that takes: the camera has handed it over and will not say it again.
    pub(super) async fn record(&self, frames: Vec<Frame>) {
        while !frames.is_empty() && self.door.begin(frames.clone()).await.is_err() {
            // It waited for the journal already; a journal that is gone ends the process.
            tokio::task::yield_now().await;
        }
    }
}

/// A task for each camera, until all of them end; an error means that the process cannot go on.
pub(super) async fn each<F>(
    protocol: &'static str,
    cameras: Vec<CameraConfig>,
    parts: DoorParts,
    metrics: LinkMetrics,
    task: impl Fn(Link) -> F,
) -> Result<(), AppendError>
where
    F: Future<Output = ()> + Send + 'static,
{
    let door = Door::new(protocol, parts);
    let health = Arc::new(Mutex::new(Health::new(door.now())));
    let mut tasks = JoinSet::new();
    for camera in cameras {
        tasks.spawn(task(Link::new(protocol, camera, door.clone(), Arc::clone(&health), metrics.clone())));
    }
    tokio::select! {
        error = door.failure() => Err(error),
        () = async { while tasks.join_next().await.is_some() {} } => Ok(()),
    }
}

/// Session after session, for ever. `session` ends only by failing.
pub(super) async fn keep<F>(link: &Link, backoff: Backoff, session: impl Fn() -> F) -> std::convert::Infallible
where
    F: Future<Output = Failure>,
{
    let (mut failures, mut said) = (0_u32, "");
    loop {
        let failure = session().await;
        let (device, protocol) = (&link.camera.device, link.protocol);
        link.metrics.failures.with_label_values(&[protocol, failure.label()]).inc();
        let was_up = link.moves(false);
        failures = if was_up { 1 } else { failures.saturating_add(1) };
        // Each kind of failure is said once until the camera was heard again.
        if was_up || said != failure.label() {
            tracing::warn!(%device, protocol, %failure, "camera is not heard; trying again");
            said = failure.label();
        }
        // Cameras lock out whoever is wrong too often.
        let weight =
            if matches!(failure, Failure::Refused) { failures.saturating_add(REFUSALS_WEIGH) } else { failures };
        sleep(backoff.pause(weight, device.as_str())).await;
    }
}

/// HTTP to one camera, with Digest once it asks for it.
pub(super) struct Http {
    client: Client,
    user: String,
    password: Password,
    /// What it asked last, and how often that was answered.
    challenge: Mutex<Option<(Challenge, u32)>>,
}

impl Http {
    pub(super) fn new(camera: &CameraConfig) -> Result<Self, Failure> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("steppewatch/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let (user, password) = (camera.user.clone(), camera.password.clone());
        Ok(Self { client, user, password, challenge: Mutex::new(None) })
    }

    /// Sends what `request` makes, again with a proof if the camera asks for one. The answer has status 200, or any other that is no
    /// question for a login.
    pub(super) async fn send(
        &self,
        method: &str,
        url: &Url,
        request: impl Fn(&Client) -> RequestBuilder,
    ) -> Result<Response, Failure> {
        let first = self.proved(method, url, request(&self.client)).send().await?;
        if first.status() != StatusCode::UNAUTHORIZED {
            return Ok(first);
        }
        let asked = challenge_in(first.headers()).ok_or(Failure::Refused)?;
        *self.asked() = Some((asked, 0));
        let second = self.proved(method, url, request(&self.client)).send().await?;
        if second.status() == StatusCode::UNAUTHORIZED { Err(Failure::Refused) } else { Ok(second) }
    }

    fn proved(&self, method: &str, url: &Url, request: RequestBuilder) -> RequestBuilder {
        let mut asked = self.asked();
        let Some((challenge, count)) = asked.as_mut() else { return request };
        *count = count.saturating_add(1);
        let uri = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let own = format!("{:016x}", rand::rng().random::<u64>());
        let proof = challenge.answer((method, &uri), (&self.user, self.password.as_str()), *count, &own);
        match HeaderValue::from_str(&proof) {
            Ok(mut value) => {
                value.set_sensitive(true);
                request.header(AUTHORIZATION, value)
            }
            // A realm that is no header's text: the camera will refuse.
            Err(_) => request,
        }
    }

    fn asked(&self) -> MutexGuard<'_, Option<(Challenge, u32)>> {
        self.challenge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn challenge_in(headers: &HeaderMap) -> Option<Challenge> {
    Challenge::best_of(headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()))
}
