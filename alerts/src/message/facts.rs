//! What a message may say: an alert's facts as words, under the names that templates use.
//!
//! In: an alert.   Out: [`Facts`].   Never: an informant, a phone number, or a number without its uncertainty.

use journal::wire::words::{self, Both};
use model::{
    Alert, AlertKind, DeviceId, Incident, Language, Notice, Severity, Subject, TimelineItem, Timestamp, TownshipCode,
    ZoneLoad,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The names that a template may use. Every one is there in every message; what does not apply is empty.
#[derive(Debug, Clone, Serialize, Default)]
pub(super) struct Facts {
    /// The alert's type without its prefix: `incident.opened`.
    pub event: String,
    /// `notice`, `warning` or `urgent`.
    pub severity: &'static str,
    /// The case's id.
    pub id: String,
    /// Names of the zones.
    pub zone: String,
    /// Code of the township.
    pub township: String,
    /// `2026-11-22 10:15`, legal time.
    pub time: String,
    /// `10:15`, legal time.
    pub clock: String,
    /// `绵羊 34 至 46 只`.
    pub animals: String,
    /// Sheep units, an interval.
    pub units: String,
    /// Fine in yuan, an interval and an estimate.
    pub fine: String,
    /// `43.30450,117.50600`, WGS84.
    pub place: String,
    /// The device that decided, or that it is about.
    pub device: String,
    /// `open`, `acknowledged`, `dispatched` or `resolved`.
    pub status: &'static str,
    /// What happened last, as the timeline says it: `acknowledged`, `grew`.
    pub what: String,
    /// Who did it.
    pub by: String,
    /// Told by data that came late.
    pub late: bool,
    /// A notice in a sentence; how long nobody took a case; who has not taken a report.
    pub text: String,
    /// What the zone carries, sheep units.
    pub capacity: String,
    /// Whether it is over.
    pub over: bool,
}

/// Names that a provider's template may be filled from: the texts of [`Facts`], and the whole message.
pub const NAMES: [&str; 19] = [
    "event", "severity", "id", "zone", "township", "time", "clock", "animals", "units", "fine", "place", "device",
    "status", "what", "by", "text", "capacity", "message", "link",
];

impl Facts {
    /// The texts by their names.
    pub(super) fn values(&self) -> BTreeMap<String, String> {
        let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(self) else { return BTreeMap::new() };
        let text = |(name, value): (String, serde_json::Value)| Some((name, value.as_str()?.to_owned()));
        fields.into_iter().filter_map(text).collect()
    }
}

pub(super) fn facts(alert: &Alert, language: Language) -> Facts {
    let general = general(alert.kind.topic_level(), alert.severity, alert.at);
    match &alert.subject {
        Subject::Incident(incident) => of_incident(incident, language, general),
        Subject::Device { device, last_seen, .. } => {
            Facts { device: device.to_string(), text: last_seen.to_legal().chars().take(16).collect(), ..general }
        }
        Subject::Zone(load) => of_load(load, language, alert.kind, general),
        Subject::Notice(notice) => of_notice(notice, language, general),
    }
}

/// What every message may say: what happened, how urgent it is, and when.
fn general(event: &str, severity: Severity, at: Timestamp) -> Facts {
    let legal = at.to_legal();
    Facts {
        event: event.to_owned(),
        severity: severity.as_str(),
        time: legal.chars().take(16).collect(),
        clock: legal.chars().skip(11).take(5).collect(),
        ..Facts::default()
    }
}

fn said(both: Both, language: Language) -> String {
    match language {
        Language::Zh => both.zh,
        Language::En => both.en,
    }
}

fn code(township: Option<&TownshipCode>) -> String {
    township.map(ToString::to_string).unwrap_or_default()
}

fn of_incident(incident: &Incident, language: Language, general: Facts) -> Facts {
    let case = &incident.case;
    let names: Vec<&str> = case.zones.iter().map(|zone| zone.name.as_str()).collect();
    let last = incident.timeline.last();
    Facts {
        id: case.id.to_string(),
        zone: names.join(if language == Language::Zh { "、" } else { ", " }),
        township: code(case.township.as_ref()),
        animals: said(words::animals(&case.species), language),
        units: said(words::interval(case.sheep_units), language),
        fine: said(words::interval(journal::wire::fine(case)), language),
        place: format!("{:.5},{:.5}", case.position.lat_deg(), case.position.lon_deg()),
        device: case.trigger.device.to_string(),
        status: incident.status.as_str(),
        what: last.map(|item| item.what.clone()).unwrap_or_default(),
        by: last.and_then(|item| item.by.clone()).unwrap_or_default(),
        text: last.map(|item| told(item, language)).unwrap_or_default(),
        late: case.late,
        over: case.ended_at.is_some(),
        ..general
    }
}

/// What the last line of a case's history adds to it, where a message may say it. Never a comment: who wrote it did not write it for
/// everybody.
fn told(item: &TimelineItem, language: Language) -> String {
    let text = item.text.as_deref().unwrap_or_default();
    match item.what.as_str() {
        "escalated" => text.to_owned(),
        "half_reported" => {
            let named: Vec<&str> = text.split(", ").map(|duty| duty_name(duty, language)).collect();
            named.join(if language == Language::Zh { "、" } else { " and " })
        }
        _ => String::new(),
    }
}

fn duty_name(duty: &str, language: Language) -> &str {
    match (duty, language) {
        ("local_government", Language::Zh) => "属地政府",
        ("local_government", Language::En) => "the local government",
        ("forestry_authority", Language::Zh) => "林草主管部门",
        ("forestry_authority", Language::En) => "the forestry and grassland authority",
        (other, _) => other,
    }
}

/// Of a message that only tries the way.
pub(super) fn of_test(now: Timestamp) -> Facts {
    general("test", Severity::Notice, now)
}

fn of_load(load: &ZoneLoad, language: Language, kind: AlertKind, general: Facts) -> Facts {
    Facts {
        zone: load.zone.name.clone(),
        township: code(load.township.as_ref()),
        units: said(words::interval(load.sheep_units), language),
        capacity: load.capacity_sheep_units.to_string(),
        over: kind == AlertKind::ZoneOverloadEnded,
        ..general
    }
}

fn of_notice(notice: &Notice, language: Language, general: Facts) -> Facts {
    Facts {
        id: notice.id(),
        zone: notice.zone.as_ref().map(|zone| zone.name.clone()).unwrap_or_default(),
        township: code(notice.township.as_ref()),
        place: notice.position.map(|at| format!("{:.5},{:.5}", at.lat_deg(), at.lon_deg())).unwrap_or_default(),
        device: notice.devices.first().map(DeviceId::to_string).unwrap_or_default(),
        late: notice.late,
        text: said(words::notice(notice), language),
        over: notice.until.is_some(),
        ..general
    }
}

/// What a message of this name may meet: all that there is, and as little as there can be.
pub(super) fn examples(name: &str) -> [Facts; 2] {
    let event = name.rsplit_once('.').map_or(name, |(event, _)| event);
    let bare = Facts {
        event: event.to_owned(),
        severity: "notice",
        time: "2026-04-22 10:15".into(),
        clock: "10:15".into(),
        status: "open",
        // A notice is never without its sentence, nor a silence without its time.
        text: "cam-1 失联".into(),
        ..Facts::default()
    };
    let full = Facts {
        severity: "urgent",
        id: "inc-1".into(),
        zone: "北坡禁牧区".into(),
        township: "150425200".into(),
        animals: "绵羊 34 至 46 只、牛 3 头".into(),
        units: "49 至 61".into(),
        fine: "5880 至 7320".into(),
        place: "43.30450,117.50600".into(),
        device: "cam-1".into(),
        status: "acknowledged",
        what: "acknowledged".into(),
        by: "li".into(),
        late: true,
        text: "cam-1 发现烟雾，把握 80 %".into(),
        capacity: "80".into(),
        over: true,
        ..bare.clone()
    };
    [full, bare]
}
