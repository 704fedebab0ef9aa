//! For those who run the platform: is it alive, is it ready, how is it doing.
//!
//! In: probes and scrapes, without login.   Out: `/healthz`, `/readyz`, `/metrics`.
//!
//! Never: a device, a person or a place as a label.

use crate::app::App;
use crate::health;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Health;
use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// The server's own numbers.
pub(crate) struct Metrics {
    responses: IntCounterVec,
    incidents: IntGaugeVec,
    devices: IntGaugeVec,
    flaws: IntGaugeVec,
    notices: IntGaugeVec,
    deliveries: IntGaugeVec,
    /// What phones wrote back, by what it did.
    pub sms_replies: IntCounterVec,
    sessions: IntGauge,
    view_seq: IntGauge,
    /// Live sockets that are open.
    pub sockets: IntGauge,
    /// Sockets that had to start over because they were too slow.
    pub resyncs: prometheus::IntCounter,
}

impl Metrics {
    /// Registers them; fails if another server did so on the same registry.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            responses: IntCounterVec::new(
                Opts::new("steppewatch_http_responses_total", "HTTP answers by class of status"),
                &["class"],
            )?,
            incidents: IntGaugeVec::new(
                Opts::new("steppewatch_console_incidents", "Cases that the console holds, by status"),
                &["status"],
            )?,
            devices: IntGaugeVec::new(Opts::new("steppewatch_devices", "Registered devices by health"), &["health"])?,
            flaws: IntGaugeVec::new(
                Opts::new("steppewatch_device_flaws", "Devices that speak and are not well, by flaw"),
                &["flaw"],
            )?,
            notices: IntGaugeVec::new(
                Opts::new("steppewatch_notices", "Notices that go on, by what they are about"),
                &["matter"],
            )?,
            deliveries: IntGaugeVec::new(
                Opts::new("steppewatch_deliveries", "Deliveries that the console holds, by channel and state"),
                &["channel", "state"],
            )?,
            sms_replies: IntCounterVec::new(
                Opts::new("steppewatch_sms_replies_total", "Text messages that phones wrote back, by what they did"),
                &["result"],
            )?,
            sessions: IntGauge::new("steppewatch_console_sessions", "Sessions of people")?,
            view_seq: IntGauge::new("steppewatch_console_alert_seq", "Last alert log record that the console shows")?,
            sockets: IntGauge::new("steppewatch_live_sockets", "Open live sockets")?,
            resyncs: prometheus::IntCounter::new(
                "steppewatch_live_resyncs_total",
                "Live sockets that were told to start over, because they were too slow or away for too long",
            )?,
        };
        registry.register(Box::new(metrics.responses.clone()))?;
        registry.register(Box::new(metrics.incidents.clone()))?;
        registry.register(Box::new(metrics.devices.clone()))?;
        registry.register(Box::new(metrics.flaws.clone()))?;
        registry.register(Box::new(metrics.notices.clone()))?;
        registry.register(Box::new(metrics.deliveries.clone()))?;
        registry.register(Box::new(metrics.sms_replies.clone()))?;
        registry.register(Box::new(metrics.sessions.clone()))?;
        registry.register(Box::new(metrics.view_seq.clone()))?;
        registry.register(Box::new(metrics.sockets.clone()))?;
        registry.register(Box::new(metrics.resyncs.clone()))?;
        Ok(metrics)
    }

    /// Counts an answer.
    pub fn answered(&self, status: StatusCode) {
        let class = match status.as_u16() {
            0..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        self.responses.with_label_values(&[class]).inc();
    }
}

/// That the process answers.
#[derive(Serialize, ToSchema)]
#[schema(as = Alive)]
pub(crate) struct AliveJson {
    /// `ok`.
    status: &'static str,
}

/// Whether everything that was in the logs at the start is there, and the rest of the platform says it is ready.
#[derive(Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct ReadyJson {
    ready: bool,
    /// What is missing, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Does the process answer?
#[utoipa::path(
    get, path = "/healthz", tag = "operations",
    responses((status = 200, body = AliveJson)),
    security(()),
)]
pub(crate) async fn healthz() -> Json<AliveJson> {
    Json(AliveJson { status: "ok" })
}

/// Is the platform ready?
#[utoipa::path(
    get, path = "/readyz", tag = "operations",
    responses(
        (status = 200, body = ReadyJson), (status = 503, body = ReadyJson, description = "not yet, or not any more"),
    ),
    security(()),
)]
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> (StatusCode, Json<ReadyJson>) {
    let reason = if *app.view.caught_up().borrow() {
        (app.parts.ready)().err()
    } else {
        Some("the view is still being built from the alert log".to_owned())
    };
    let status = if reason.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ReadyJson { ready: reason.is_none(), reason }))
}

/// Prometheus text.
#[utoipa::path(
    get, path = "/metrics", tag = "operations",
    responses((status = 200, body = String, content_type = "text/plain")),
    security(()),
)]
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Response {
    fill(&app);
    match TextEncoder::new().encode_to_string(&app.parts.metrics.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => crate::problem::Problem::internal("writing the metrics", error).into_response(),
    }
}

/// Sets what is counted only when somebody asks.
fn fill(app: &App) {
    let own = &app.metrics;
    for (status, count) in app.view.incidents_by_status() {
        own.incidents.with_label_values(&[status]).set(count);
    }
    let mut counts = Health::ALL.map(|health| (health, 0_i64));
    for device in app.registry_view().devices.values() {
        let heard = app.parts.live.heard(&device.id);
        let health = health::of(app, device, &heard).health;
        if let Some((_, count)) = counts.iter_mut().find(|(one, _)| *one == health) {
            *count += 1;
        }
    }
    for (health, count) in counts {
        own.devices.with_label_values(&[health.as_str()]).set(count);
    }
    for (flaw, count) in app.view.flaws_by_code() {
        own.flaws.with_label_values(&[flaw]).set(count);
    }
    for (matter, count) in app.view.notices_by_matter() {
        own.notices.with_label_values(&[matter]).set(count);
    }
    for (channel, state, count) in app.view.deliveries_by_state() {
        own.deliveries.with_label_values(&[channel, state]).set(count);
    }
    own.sessions.set(i64::try_from(app.sessions.count()).unwrap_or(i64::MAX));
    own.view_seq.set(i64::try_from(*app.view.seq().borrow()).unwrap_or(i64::MAX));
}
