//! How alerts, incidents and deliveries are written down: in the alert log, in a webhook's body and in the API, all alike.
//!
//! In: the nouns of `model`. Out: JSON by serde, and back. Nothing else in the platform derives `Serialize` for them, so
//! there is one place where an incident's shape is decided.

mod exhibits;
mod household;
mod incident;
mod load;
mod notice;
mod reasoning;
#[cfg(feature = "schema")]
mod schema;
pub mod words;

pub use exhibits::{AnimalJson, AreaJson, BoxJson, HeadJson, SnapshotJson, TrackJson};
pub use household::{EarlierJson, HouseholdJson};
pub use incident::{
    ClosureJson, CountJson, FineJson, IncidentJson, IntervalJson, PositionJson, ReasoningJson, ReportJson,
    TimelineJson, TriggerJson, ZoneRefJson, fine,
};

pub use load::ZoneLoadJson;
pub use notice::NoticeJson;

use model::{Alert, AlertKind, DeviceId, Incident, Severity, Subject, Timestamp};
use serde::{Deserialize, Serialize};

/// What was written is not what we write: which field, and what it held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored {field} `{value}` is not valid")]
pub struct BadWire {
    /// Which field.
    pub field: &'static str,
    /// What it held.
    pub value: String,
}

pub(crate) fn bad(field: &'static str, value: &str) -> BadWire {
    BadWire { field, value: value.to_owned() }
}

pub(crate) fn time(field: &'static str, text: &str) -> Result<Timestamp, BadWire> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| bad(field, text))
}

/// An alert as stored and told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertJson {
    /// The same however often the alert is derived.
    pub id: String,
    /// CloudEvents type, for example `steppewatch.incident.opened`.
    #[serde(rename = "type")]
    pub type_: String,
    /// `notice`, `warning` or `urgent`.
    pub severity: String,
    /// RFC 3339, UTC.
    pub at: String,
    /// The case, for alerts about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentJson>,
    /// The device, for alerts about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceAlertJson>,
    /// What stands in a zone, for alerts about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneLoadJson>,
    /// Something else that people have to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<NoticeJson>,
    /// Whether subscribers hear of it, or only the record and the map.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub told: bool,
}

/// What was written before it said so: most are.
fn yes() -> bool {
    true
}

/// What an alert about a device says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAlertJson {
    /// Which.
    pub device: String,
    /// When it last spoke before the silence.
    pub last_seen: String,
    /// The deadline it missed.
    pub deadline: Option<String>,
}

impl From<&Alert> for AlertJson {
    fn from(alert: &Alert) -> Self {
        let (mut incident, mut device, mut zone, mut notice) = (None, None, None, None);
        match &alert.subject {
            Subject::Incident(case) => incident = Some(IncidentJson::new(case, alert.severity)),
            Subject::Device { device: about, last_seen, deadline } => {
                device = Some(DeviceAlertJson {
                    device: about.to_string(),
                    last_seen: last_seen.to_rfc3339(),
                    deadline: deadline.map(Timestamp::to_rfc3339),
                });
            }
            Subject::Zone(load) => zone = Some(ZoneLoadJson::from(&**load)),
            Subject::Notice(about) => notice = Some(NoticeJson::from(&**about)),
        }
        Self {
            id: alert.id.clone(),
            type_: alert.kind.as_str().to_owned(),
            severity: alert.severity.as_str().to_owned(),
            at: alert.at.to_rfc3339(),
            incident,
            device,
            zone,
            notice,
            told: true,
        }
    }
}

impl TryFrom<&AlertJson> for Alert {
    type Error = BadWire;

    fn try_from(json: &AlertJson) -> Result<Self, BadWire> {
        let subject = match (&json.incident, &json.device, &json.zone, &json.notice) {
            (Some(incident), _, _, _) => Subject::Incident(Box::new(Incident::try_from(incident)?)),
            (None, Some(device), _, _) => Subject::Device {
                device: DeviceId::parse(&device.device).map_err(|_| bad("device", &device.device))?,
                last_seen: time("last_seen", &device.last_seen)?,
                deadline: device.deadline.as_deref().map(|text| time("deadline", text)).transpose()?,
            },
            (None, None, Some(load), _) => Subject::Zone(Box::new(load.try_into()?)),
            (None, None, None, Some(notice)) => Subject::Notice(Box::new(notice.try_into()?)),
            (None, None, None, None) => return Err(bad("alert subject", &json.id)),
        };
        Ok(Self {
            id: json.id.clone(),
            kind: AlertKind::parse(&json.type_).ok_or_else(|| bad("type", &json.type_))?,
            severity: Severity::parse(&json.severity).ok_or_else(|| bad("severity", &json.severity))?,
            at: time("at", &json.at)?,
            subject,
        })
    }
}

/// One subscriber's delivery of one alert; the newest record of an id wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Delivery))]
pub struct DeliveryJson {
    /// Also the `webhook-id` of every attempt.
    pub id: String,
    /// The alert's id.
    pub alert: String,
    /// The alert's type.
    #[serde(rename = "type")]
    pub type_: String,
    /// The case, for alerts about one.
    #[cfg_attr(feature = "schema", schema(required))]
    pub incident: Option<String>,
    /// The subscriber's id.
    pub subscriber: String,
    /// The subscriber's name.
    pub subscriber_name: String,
    /// `webhook`.
    #[cfg_attr(feature = "schema", schema(schema_with = schema::channel))]
    pub channel: String,
    /// Which half of the dual report it is, if any.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(required))]
    pub duty: Option<String>,
    /// `pending`, `delivered` or `dead`.
    #[cfg_attr(feature = "schema", schema(schema_with = schema::delivery_state))]
    pub state: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When the last attempt ended, or when it was made.
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub at: String,
    /// What the receiver answered or what went wrong, without secrets.
    pub answer: String,
    /// The last attempts, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<TryJson>,
}

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = DeliveryTry))]
pub struct TryJson {
    /// When it ended.
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub at: String,
    /// How long it took, milliseconds.
    pub took_ms: u64,
    /// What the receiver answered, status first, or what went wrong; without secrets.
    pub answer: String,
}
