//! Alert -> deliveries: who is told, with which words. Pure.
//!
//! In: an alert and the subscribers. Out: an [`Outgoing`] for each that wants it, its body ready to be signed and sent.
//! The body is made once and kept, so that every attempt says the same under the same id.

use crate::duties;
use crate::message::Messages;
use crate::store::Known;
use crate::upstream::{Letter, Payloads};
use journal::wire::AlertJson;
use model::{
    Alert, AlertKind, Case, ChannelKind, IncidentStatus, Language, Subject, Subscriber, TenantId, Timestamp,
    TownshipCode, Zone, ZoneId, is_on_duty,
};
use registry::Links;
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// How long a link in a message works.
const LINK_WORKS: Duration = Duration::from_secs(24 * 3_600);

/// A delivery to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Also the `webhook-id` and the CloudEvents id: derived from alert and subscriber, so it is never made twice.
    pub id: String,
    /// The order that must hold: deliveries of one case reach a subscriber one after the other.
    pub lane: String,
    /// The CloudEvent, as it will be signed; or the message, as it will be read.
    pub body: String,
    /// From when on it may be sent: somebody's quiet hours are over.
    pub not_before: Timestamp,
}

/// Whom an alert reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The record and the map only.
    Nobody,
    /// Whoever wants to hear of it at once.
    Everybody,
    /// Besides programs, those who wait for so long for others to acknowledge.
    Next(Duration),
}

/// What every message is made with.
#[derive(Debug, Clone)]
pub struct Stationery {
    /// Whose platform this is.
    pub tenant: TenantId,
    /// The words.
    pub messages: Arc<Messages>,
    /// Links by which people acknowledge; none where the platform has no address that phones reach.
    pub links: Option<Links>,
    /// What the systems above us are told.
    pub payloads: Arc<Payloads>,
}

/// Who hears of an alert. `told` are those who were told of its case before: of whom waits for others only they hear how it goes on.
pub fn addressed<'a>(
    alert: &Alert,
    reach: Reach,
    known: Known<'a>,
    now: Timestamp,
    told: &HashSet<String>,
) -> Vec<&'a Subscriber> {
    let hears = |subscriber: &&Subscriber| {
        let turn = match (reach, subscriber.after) {
            (Reach::Nobody, _) => false,
            (Reach::Everybody, None) => true,
            (Reach::Everybody, Some(_)) => told.contains(&subscriber.id),
            (Reach::Next(after), Some(theirs)) => after == theirs,
            // Whoever is told in words heard of the case when it was opened; that nobody took it is for the next ones.
            (Reach::Next(_), None) => !subscriber.channel.is_text() || subscriber.events.contains(&alert.kind),
        };
        // Who listens takes it from where it is said ([`crate::broadcast`]).
        let is_sent = subscriber.channel != ChannelKind::Mqtt && subscriber.off.is_none();
        turn && is_sent && wants(subscriber, alert, known.zones) && is_on_duty(known.rosters, &subscriber.id, now)
    };
    known.subscribers.iter().filter(hears).collect()
}

impl Stationery {
    /// What one of them is told: programs an event, people a message in their language, systems above us what `letter` makes.
    pub fn outgoing(
        &self,
        subscriber: &Subscriber,
        (alert, json): (&Alert, &AlertJson),
        letter: Option<&Letter<'_>>,
        now: Timestamp,
    ) -> Outgoing {
        let id = delivery_id(&alert.id, &subscriber.id);
        let body = match subscriber.channel {
            ChannelKind::Webhook | ChannelKind::Mqtt => cloud_event(&id, json, &self.tenant),
            ChannelKind::Sms | ChannelKind::Wecom | ChannelKind::Dingtalk | ChannelKind::Feishu => {
                self.messages.said(alert, subscriber.language, self.link(alert, &id, now)).kept()
            }
            ChannelKind::Platform | ChannelKind::FireWarning => {
                letter.map(|letter| letter.body(&id, (alert, json), &self.tenant, &self.messages)).unwrap_or_default()
            }
        };
        let waits_until = subscriber.quiet.and_then(|quiet| quiet.waits_until(alert.severity, now));
        Outgoing { body, lane: lane(alert), id, not_before: waits_until.unwrap_or(now) }
    }

    /// What tries whether somebody can be told; each try is another message.
    pub fn test(&self, subscriber: &Subscriber, seq: u64, now: Timestamp) -> Outgoing {
        let id = delivery_id(&format!("test {seq}"), &subscriber.id);
        let body = if subscriber.channel.is_text() {
            self.messages.test(subscriber.language, now).kept()
        } else {
            let said = self.messages.test(Language::En, now).text;
            event(&id, &self.tenant, TEST, "test", &now.to_rfc3339(), "notice", json!({ "text": said }))
        };
        Outgoing { id, lane: format!("test {seq}"), body, not_before: now }
    }

    /// How somebody says that they take a case that nobody has taken.
    fn link(&self, alert: &Alert, id: &str, now: Timestamp) -> Option<String> {
        let asks = matches!(alert.kind, AlertKind::IncidentOpened | AlertKind::IncidentEscalated);
        let Subject::Incident(incident) = &alert.subject else { return None };
        let is_open = incident.status == IncidentStatus::Open && !incident.case.late;
        let links = self.links.as_ref().filter(|_| asks && is_open)?;
        links.make(id, now.plus(LINK_WORKS))
    }
}

/// The type of a message that only tries the way.
pub const TEST: &str = "steppewatch.test";

/// The same however often it is derived.
pub(crate) fn delivery_id(alert: &str, subscriber: &str) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(alert.as_bytes()).update(b"\0").update(subscriber.as_bytes());
    format!("msg_{}", hash.finalize().to_hex().get(..24).unwrap_or_default())
}

fn wants(subscriber: &Subscriber, alert: &Alert, zones: &[Arc<Zone>]) -> bool {
    let named = |zone: &ZoneId| subscriber.zones.is_empty() || subscriber.zones.contains(zone);
    let land = |zone: &ZoneId| is_their_land(subscriber, zone, zones);
    let about = match &alert.subject {
        Subject::Incident(incident) => {
            let case = &incident.case;
            in_townships(subscriber, case.township.as_ref())
                && enforces(subscriber, case)
                && (case.zones.iter().any(|zone| named(&zone.id) && land(&zone.id)))
        }
        Subject::Zone(load) => {
            in_townships(subscriber, load.township.as_ref()) && named(&load.zone.id) && land(&load.zone.id)
        }
        Subject::Notice(notice) => {
            let zone = notice.zone.as_ref().map(|zone| &zone.id);
            in_townships(subscriber, notice.township.as_ref())
                && zone.map_or(narrows_to_no_land(subscriber), |zone| named(zone) && land(zone))
        }
        // A device is nobody's zone; whoever narrowed to zones asked for cases only.
        Subject::Device { .. } => subscriber.townships.is_empty() && narrows_to_no_land(subscriber),
    };
    subscriber.hears(alert.kind) && about && alert.severity >= subscriber.severity
}

fn narrows_to_no_land(subscriber: &Subscriber) -> bool {
    subscriber.zones.is_empty() && subscriber.zone_kinds.is_empty() && subscriber.land_classes.is_empty()
}

fn is_their_land(subscriber: &Subscriber, id: &ZoneId, zones: &[Arc<Zone>]) -> bool {
    if subscriber.zone_kinds.is_empty() && subscriber.land_classes.is_empty() {
        return true;
    }
    let zone = zones.binary_search_by(|zone| zone.id.cmp(id)).ok().and_then(|place| zones.get(place));
    // A zone that was repealed since is told rather than lost.
    zone.is_none_or(|zone| {
        (subscriber.zone_kinds.is_empty() || subscriber.zone_kinds.contains(&zone.kind))
            && (subscriber.land_classes.is_empty() || subscriber.land_classes.contains(&zone.land_class))
    })
}

/// Whether a case is the business of the bodies that a subscriber speaks for: who enforces there (K 二(一)6), and for a half of the dual
/// report whose half it is.
fn enforces(subscriber: &Subscriber, case: &Case) -> bool {
    let body = subscriber.duty.as_deref().map_or(case.authority, |duty| duties::body(duty, case.authority));
    subscriber.authorities.is_empty() || subscriber.authorities.contains(&body)
}

fn in_townships(subscriber: &Subscriber, township: Option<&TownshipCode>) -> bool {
    subscriber.townships.is_empty() || township.is_some_and(|code| subscriber.townships.contains(code))
}

/// What is told one after the other.
pub fn lane(alert: &Alert) -> String {
    match &alert.subject {
        Subject::Incident(incident) => incident.case.id.to_string(),
        Subject::Device { device, .. } => device.to_string(),
        Subject::Zone(load) => format!("zone {}", load.zone.id),
        Subject::Notice(notice) => format!("notice {} {}", notice.matter.code(), notice.about()),
    }
}

/// What a program is told.
pub(crate) fn cloud_event(id: &str, alert: &AlertJson, tenant: &TenantId) -> String {
    let (subject, data) = match (&alert.incident, &alert.device, &alert.zone, &alert.notice) {
        (Some(incident), _, _, _) => (format!("incident/{}", incident.id), json!(incident)),
        (None, Some(device), _, _) => (format!("device/{}", device.device), json!(device)),
        (None, None, Some(load), _) => (format!("zone/{}", load.zone.id), json!(load)),
        (None, None, None, Some(notice)) => (format!("notice/{}", notice.id), json!(notice)),
        (None, None, None, None) => (String::new(), json!({})),
    };
    event(id, tenant, &alert.type_, &subject, &alert.at, &alert.severity, data)
}

fn event(
    id: &str,
    tenant: &TenantId,
    type_: &str,
    subject: &str,
    at: &str,
    severity: &str,
    data: serde_json::Value,
) -> String {
    json!({
        "specversion": "1.0",
        "id": id,
        "source": format!("/steppewatch/{tenant}"),
        "type": type_,
        "subject": subject,
        "time": at,
        // Standard Webhooks names the time of the event so; CloudEvents allows the extra member.
        "timestamp": at,
        "severity": severity,
        "datacontenttype": "application/json",
        "data": data,
    })
    .to_string()
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
