//! The messages of the live socket, as JSON.
//!
//! In: records of the alert log, what moved, who is looking.   Out: texts for the socket, each only what that user may see.

use crate::app::App;
use crate::auth::Who;
use crate::devices::{device_json, sees};
use crate::live::{Fix, Moved};
use crate::notices;
use crate::zones::townships_at;
use journal::alert_log::{Record, RecordBody};
use journal::wire::{AlertJson, DeliveryJson};
use model::{DeviceId, HerdView, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

/// The first message: where the alert log stands, and what time it is here.
pub(crate) fn hello(app: &App, seq: u64) -> String {
    let tenant = app.parts.tenant.as_str();
    json!({ "type": "hello", "seq": seq, "server_time": app.now().as_millis(), "tenant": tenant }).to_string()
}

/// Too much was missed: load everything again.
pub(crate) fn resync(seq: u64) -> String {
    json!({ "type": "resync", "seq": seq }).to_string()
}

/// A sign of life.
pub(crate) fn ping(seq: u64) -> String {
    json!({ "type": "ping", "seq": seq }).to_string()
}

/// The registry changed in this respect (`zones` or `devices`).
pub(crate) fn registry_changed(seq: u64, kind: &'static str) -> String {
    event(seq, json!({ "kind": kind }))
}

fn event(seq: u64, event: Value) -> String {
    json!({ "type": "event", "seq": seq, "event": event }).to_string()
}

/// What a record means to this user; `None` if it is not their business.
pub(crate) fn record(app: &App, who: &Who, record: &Record) -> Option<String> {
    let body = match &record.body {
        RecordBody::Alert(alert) => alert_event(app, who, alert)?,
        RecordBody::Delivery(delivery) => delivery_event(app, who, delivery)?,
    };
    Some(event(record.seq, body))
}

fn alert_event(app: &App, who: &Who, alert: &AlertJson) -> Option<Value> {
    if let Some(logged) = &alert.incident {
        // The view's case is at least as new, and has its reports filled in.
        let held = app.view.incident(&logged.id);
        let incident = held.as_ref().map_or(logged, |held| &held.json);
        return who.sees(incident.township.as_deref()).then(
            || json!({ "kind": "incident", "alert": alert.type_, "severity": alert.severity, "incident": incident }),
        );
    }
    if let Some(notice) = &alert.notice {
        return notices::sees(app, who, notice)
            .then(|| json!({ "kind": "notice", "alert": alert.type_, "severity": alert.severity, "notice": notice }));
    }
    let id = DeviceId::parse(&alert.device.as_ref()?.device).ok()?;
    let registry = app.registry_view();
    let device = registry.device(&id).filter(|device| sees(who, device))?;
    Some(json!({
        "kind": "device",
        "alert": alert.type_,
        "severity": alert.severity,
        "device": device_json(app, device),
    }))
}

fn delivery_event(app: &App, who: &Who, delivery: &DeliveryJson) -> Option<Value> {
    let incident = delivery.incident.as_deref().and_then(|id| app.view.incident(id));
    let visible = who.sees_everything() || incident.is_some_and(|one| who.sees(one.json.township.as_deref()));
    visible.then(|| json!({ "kind": "delivery", "delivery": delivery }))
}

#[derive(Serialize)]
struct Positions<'a> {
    server_time: i64,
    items: Vec<Item<'a>>,
    herds: Vec<Herd<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    kind: &'static str,
    lat: f64,
    lon: f64,
    ts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    heading_deg: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed_mps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy_m: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    battery_percent: Option<f64>,
}

#[derive(Serialize)]
struct Herd<'a> {
    id: &'a str,
    lat: f64,
    lon: f64,
    accuracy_m: f64,
    along_m: f64,
    across_m: f64,
    bearing_deg: f64,
    species: &'static str,
    count: Count,
    ts: i64,
    incident: Option<&'a str>,
}

#[derive(Serialize)]
struct Count {
    low: u64,
    high: Option<u64>,
}

/// A frame of positions for one page: `rest` is what it has in common with others'.
pub(crate) fn with_seq(seq: u64, rest: &str) -> String {
    format!("{{\"type\":\"positions\",\"seq\":{seq},{rest}")
}

/// Where the things that moved are now, from behind the frame's first fields on; `None` if nothing of this is the user's business.
pub(crate) fn positions(app: &App, who: &Who, moved: &Moved) -> Option<String> {
    let registry = app.registry_view();
    let items: Vec<_> = moved
        .devices
        .iter()
        .filter_map(|(id, fix, battery_percent)| {
            let device = registry.device(id).filter(|device| sees(who, device))?;
            Some(item(id, device.kind.as_str(), fix, *battery_percent))
        })
        .collect();
    if items.is_empty() && !moved.herds_changed {
        return None;
    }
    let herds = moved.herds.iter().filter(|herd| sees_herd(app, who, herd)).map(Herd::from).collect();
    let frame = Positions { server_time: app.now().as_millis(), items, herds };
    // Fails only for maps with odd keys, of which there are none.
    let text = serde_json::to_string(&frame).ok()?;
    text.strip_prefix('{').map(str::to_owned)
}

fn item<'a>(id: &'a DeviceId, kind: &'static str, fix: &Fix, battery_percent: Option<f64>) -> Item<'a> {
    Item {
        id: id.as_str(),
        kind,
        lat: fix.position.lat_deg(),
        lon: fix.position.lon_deg(),
        ts: Timestamp::as_millis(fix.at),
        heading_deg: fix.heading_deg,
        speed_mps: fix.speed_mps,
        accuracy_m: fix.accuracy_m,
        battery_percent,
    }
}

/// A herd has no township of its own; where it stands decides whose business it is.
fn sees_herd(app: &App, who: &Who, herd: &HerdView) -> bool {
    who.sees_everything() || townships_at(app, herd.position).iter().any(|township| who.sees(Some(township)))
}

impl<'a> From<&'a HerdView> for Herd<'a> {
    fn from(herd: &'a HerdView) -> Self {
        Self {
            id: &herd.id,
            lat: herd.position.lat_deg(),
            lon: herd.position.lon_deg(),
            accuracy_m: herd.accuracy_m,
            along_m: herd.ellipse.along_m,
            across_m: herd.ellipse.across_m,
            bearing_deg: herd.ellipse.bearing_deg,
            species: herd.species.as_str(),
            count: Count { low: herd.count.low, high: herd.count.at_most() },
            ts: herd.seen_at.as_millis(),
            incident: herd.incident.as_ref().map(|id| id.as_str()),
        }
    }
}
