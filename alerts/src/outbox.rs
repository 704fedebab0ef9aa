//! Alert -> deliveries: who is told, with which words. Pure.
//!
//! In: an alert and the subscribers. Out: an [`Outgoing`] for each that wants it, its body ready to be signed and sent.
//! The body is made once and kept, so that every attempt says the same under the same id.

use crate::message::Messages;
use journal::wire::AlertJson;
use model::{Alert, AlertKind, ChannelKind, Subject, Subscriber, TenantId, TownshipCode};
use serde_json::json;

/// A delivery to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Also the `webhook-id` and the CloudEvents id: derived from alert and subscriber, so it is never made twice.
    pub id: String,
    /// The order that must hold: deliveries of one case reach a subscriber one after the other.
    pub lane: String,
    /// The CloudEvent, as it will be signed; or the message, as it will be read.
    pub body: String,
}

/// Who wants to hear of an alert.
pub fn addressed<'a>(alert: &Alert, subscribers: &'a [Subscriber]) -> Vec<&'a Subscriber> {
    subscribers.iter().filter(|subscriber| wants(subscriber, alert)).collect()
}

/// What one of them is told: programs an event, people a message in their language.
pub fn outgoing(
    subscriber: &Subscriber,
    alert: &Alert,
    json: &AlertJson,
    tenant: &TenantId,
    messages: &Messages,
) -> Outgoing {
    let id = delivery_id(&alert.id, &subscriber.id);
    let body = match subscriber.channel {
        ChannelKind::Webhook => cloud_event(&id, json, tenant),
        ChannelKind::Sms => messages.sms(alert, subscriber.language),
        ChannelKind::Wecom | ChannelKind::Dingtalk | ChannelKind::Feishu => messages.text(alert, subscriber.language),
    };
    Outgoing { body, lane: lane(alert), id }
}

fn delivery_id(alert: &str, subscriber: &str) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(alert.as_bytes()).update(b"\0").update(subscriber.as_bytes());
    format!("msg_{}", hash.finalize().to_hex().get(..24).unwrap_or_default())
}

fn wants(subscriber: &Subscriber, alert: &Alert) -> bool {
    // Whoever hears that a case was opened must hear that it was taken back.
    let kind = if alert.kind == AlertKind::IncidentWithdrawn { AlertKind::IncidentOpened } else { alert.kind };
    let hears = |kind| subscriber.events.contains(&kind);
    let event = subscriber.events.is_empty() || hears(alert.kind) || hears(kind);
    let (township, zone) = match &alert.subject {
        Subject::Incident(incident) => {
            let case = &incident.case;
            (
                in_townships(subscriber, case.township.as_ref()),
                subscriber.zones.is_empty() || case.zones.iter().any(|zone| subscriber.zones.contains(&zone.id)),
            )
        }
        Subject::Zone(load) => (
            in_townships(subscriber, load.township.as_ref()),
            subscriber.zones.is_empty() || subscriber.zones.contains(&load.zone.id),
        ),
        Subject::Notice(notice) => (
            in_townships(subscriber, notice.township.as_ref()),
            subscriber.zones.is_empty() || notice.zone.as_ref().is_some_and(|zone| subscriber.zones.contains(&zone.id)),
        ),
        // A device is nobody's zone; whoever narrowed to zones asked for cases only.
        Subject::Device { .. } => (subscriber.townships.is_empty(), subscriber.zones.is_empty()),
    };
    event && township && zone && alert.severity >= subscriber.severity
}

fn in_townships(subscriber: &Subscriber, township: Option<&TownshipCode>) -> bool {
    subscriber.townships.is_empty() || township.is_some_and(|code| subscriber.townships.contains(code))
}

fn lane(alert: &Alert) -> String {
    match &alert.subject {
        Subject::Incident(incident) => incident.case.id.to_string(),
        Subject::Device { device, .. } => device.to_string(),
        Subject::Zone(load) => format!("zone {}", load.zone.id),
        Subject::Notice(notice) => format!("notice {} {}", notice.matter.code(), notice.about()),
    }
}

fn cloud_event(id: &str, alert: &AlertJson, tenant: &TenantId) -> String {
    let (subject, data) = match (&alert.incident, &alert.device, &alert.zone, &alert.notice) {
        (Some(incident), _, _, _) => (format!("incident/{}", incident.id), json!(incident)),
        (None, Some(device), _, _) => (format!("device/{}", device.device), json!(device)),
        (None, None, Some(load), _) => (format!("zone/{}", load.zone.id), json!(load)),
        (None, None, None, Some(notice)) => (format!("notice/{}", notice.id), json!(notice)),
        (None, None, None, None) => (String::new(), json!({})),
    };
    json!({
        "specversion": "1.0",
        "id": id,
        "source": format!("/steppewatch/{tenant}"),
        "type": alert.type_,
        "subject": subject,
        "time": alert.at,
        // Standard Webhooks names the time of the event so; CloudEvents allows the extra member.
        "timestamp": alert.at,
        "severity": alert.severity,
        "datacontenttype": "application/json",
        "data": data,
    })
    .to_string()
}
