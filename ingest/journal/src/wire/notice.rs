//! A notice on the wire: in alerts, in the API and in the live view alike.
//!
//! In: [`model::Notice`].   Out: one flat object for every matter, with a sentence for people in both languages; and back.

use super::incident::{PositionJson, ZoneRefJson, case_zone, device, township};
#[cfg(feature = "schema")]
use super::schema;
use super::words::{self, both};
use super::{BadWire, ReasoningJson, bad, time};
use model::{FireSign, Flaw, Matter, Notice, OutageCause, Position, Species, Timestamp};
use serde::{Deserialize, Serialize};

/// A notice as stored and told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Notice))]
pub struct NoticeJson {
    /// The same at its beginning and at its end.
    pub id: String,
    /// `flaw`, `outage`, `blind`, `threshold`, `fire` or `passage`.
    #[cfg_attr(feature = "schema", schema(schema_with = schema::matter))]
    pub matter: String,
    /// Which of them: a flaw, what the devices have in common, the rule's name, `smoke` or `heat`.
    pub code: String,
    /// Which gateway, site or township an outage is of; what carries animals past a checkpoint; empty for all else.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Which devices; of very many the first.
    pub devices: Vec<String>,
    /// How many those are in all.
    pub devices_count: u32,
    /// Which zone.
    #[cfg_attr(feature = "schema", schema(required))]
    pub zone: Option<ZoneRefJson>,
    /// Whose township.
    #[cfg_attr(feature = "schema", schema(required))]
    pub township: Option<String>,
    /// Where.
    #[cfg_attr(feature = "schema", schema(required))]
    pub position: Option<PositionJson>,
    /// Since when it is so, RFC 3339.
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub since: String,
    /// When it was over; `null` while it lasts.
    #[cfg_attr(feature = "schema", schema(required, format = DateTime))]
    pub until: Option<String>,
    /// How much it is: of a flaw, a threshold, a share that is watched (0 to 1), a confidence (0 to 1), animals of the species in `unit`.
    #[cfg_attr(feature = "schema", schema(required))]
    pub value: Option<f64>,
    /// How much it may be.
    #[cfg_attr(feature = "schema", schema(required))]
    pub limit: Option<f64>,
    /// Unit of both.
    pub unit: String,
    /// How many zones are blind.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub zones_count: u32,
    /// What a threshold's rule looks at.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub quantity: String,
    /// Whether a threshold's rule says to go and look now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub grave: bool,
    /// Told by data that came late.
    pub late: bool,
    /// The same in a sentence.
    pub text: ReasoningJson,
}

impl From<&Notice> for NoticeJson {
    fn from(notice: &Notice) -> Self {
        let text = words::notice(notice);
        let (value, limit, unit) = measure(&notice.matter);
        let (quantity, grave) = match &notice.matter {
            Matter::Threshold { quantity, is_grave, .. } => (quantity.clone(), *is_grave),
            _ => (String::new(), false),
        };
        let zones_count = match &notice.matter {
            Matter::Blind { zones, .. } => *zones,
            _ => 0,
        };
        let (code, name) = match &notice.matter {
            Matter::Outage(cause) => (cause.kind(), cause.name()),
            Matter::Passage { vehicle, .. } => (notice.matter.code(), vehicle.as_str()),
            matter => (matter.code(), ""),
        };
        Self {
            id: notice.id(),
            matter: notice.matter.kind().to_owned(),
            code: code.to_owned(),
            name: name.to_owned(),
            devices: notice.devices.iter().map(ToString::to_string).collect(),
            devices_count: notice.devices_count,
            zone: notice.zone.as_ref().map(ZoneRefJson::from),
            township: notice.township.as_ref().map(ToString::to_string),
            position: notice.position.map(|at| PositionJson { lat: at.lat_deg(), lon: at.lon_deg() }),
            since: notice.since.to_rfc3339(),
            until: notice.until.map(Timestamp::to_rfc3339),
            value,
            limit,
            unit: unit.to_owned(),
            zones_count,
            quantity,
            grave,
            late: notice.late,
            text: ReasoningJson { zh: text.zh, en: text.en },
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's shape")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn measure(matter: &Matter) -> (Option<f64>, Option<f64>, &str) {
    match matter {
        Matter::Flaw { flaw, value } => (*value, None, flaw.unit()),
        Matter::Outage(_) => (None, None, ""),
        Matter::Blind { watched, limit_hours, .. } => (Some(*watched), Some(*limit_hours), "h"),
        Matter::Threshold { value, limit, unit, .. } => (Some(*value), Some(*limit), unit),
        Matter::Fire { confidence, .. } => (Some(*confidence), None, ""),
        Matter::Passage { species, count, .. } => (count.map(f64::from), None, species.as_str()),
    }
}

impl TryFrom<&NoticeJson> for Notice {
    type Error = BadWire;

    fn try_from(json: &NoticeJson) -> Result<Self, BadWire> {
        let position = |at: &PositionJson| Position::parse(at.lat, at.lon).map_err(|_| bad("position", &json.id));
        Ok(Self {
            matter: matter(json)?,
            devices: json.devices.iter().map(|name| device(name)).collect::<Result<_, _>>()?,
            devices_count: json.devices_count,
            zone: json.zone.as_ref().map(case_zone).transpose()?,
            township: json.township.as_deref().map(township).transpose()?,
            position: json.position.as_ref().map(position).transpose()?,
            since: time("since", &json.since)?,
            until: json.until.as_deref().map(|text| time("until", text)).transpose()?,
            late: json.late,
        })
    }
}

fn matter(json: &NoticeJson) -> Result<Matter, BadWire> {
    let bad_code = || bad("notice code", &json.code);
    let (value, limit) = (json.value.unwrap_or_default(), json.limit.unwrap_or_default());
    Ok(match json.matter.as_str() {
        "flaw" => Matter::Flaw { flaw: Flaw::parse(&json.code).ok_or_else(bad_code)?, value: json.value },
        "outage" => Matter::Outage(OutageCause::parse(&json.code, &json.name).ok_or_else(bad_code)?),
        "blind" => Matter::Blind { watched: value, limit_hours: limit, zones: json.zones_count },
        "threshold" => Matter::Threshold {
            rule: json.code.clone(),
            quantity: json.quantity.clone(),
            value,
            limit,
            unit: json.unit.clone(),
            is_grave: json.grave,
        },
        "fire" => Matter::Fire { sign: FireSign::parse(&json.code).ok_or_else(bad_code)?, confidence: value },
        "passage" => Matter::Passage {
            species: Species::parse(&json.unit).ok_or_else(bad_code)?,
            count: json.value.map(|count| count as u32),
            vehicle: json.name.clone(),
        },
        other => return Err(bad("notice", other)),
    })
}

/// A number for people: whole where it is large, with one decimal where it is small.
pub(super) fn shown(value: f64) -> String {
    if value.abs() >= 100.0 || value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

/// `37 %` of a share.
pub(super) fn percent(share: f64) -> words::Both {
    let percent = format!("{:.0} %", share * 100.0);
    both(percent.clone(), percent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{CaseZone, DeviceId, TownshipCode, ZoneId};

    fn notice(matter: Matter) -> Notice {
        Notice {
            matter,
            devices: vec![DeviceId::parse("cam-1").unwrap()],
            devices_count: 1,
            zone: None,
            township: Some(TownshipCode::parse("150425").unwrap()),
            position: Position::parse(43.5, 117.25).ok(),
            since: Timestamp::from_millis(1_780_000_000_000),
            until: None,
            late: false,
        }
    }

    #[test]
    fn every_matter_comes_back_as_it_was_written() {
        let zone = CaseZone { id: ZoneId::parse("z-1").unwrap(), name: "北坡".into(), version: 2 };
        let matters = [
            Matter::Flaw { flaw: Flaw::Clock, value: Some(-95.0) },
            Matter::Flaw { flaw: Flaw::Lens, value: None },
            Matter::Outage(OutageCause::Fleet),
            Matter::Outage(OutageCause::Site("北山塔".into())),
            Matter::Outage(OutageCause::Gateway(DeviceId::parse("dock-1").unwrap())),
            Matter::Blind { watched: 0.25, limit_hours: 168.0, zones: 1 },
            Matter::Blind { watched: 0.25, limit_hours: 168.0, zones: 12 },
            Matter::Threshold {
                rule: "frost".into(),
                quantity: "air_temperature_c".into(),
                value: -3.5,
                limit: 0.0,
                unit: "°C".into(),
                is_grave: true,
            },
            Matter::Fire { sign: FireSign::Smoke, confidence: 0.75 },
            Matter::Passage { species: Species::Sheep, count: Some(40), vehicle: "蒙D·A1234".into() },
            Matter::Passage { species: Species::Unknown, count: None, vehicle: String::new() },
        ];
        for matter in matters {
            let is_blind = matches!(matter, Matter::Blind { zones: 1, .. });
            let told = Notice { zone: is_blind.then(|| zone.clone()), ..notice(matter) };
            let json = NoticeJson::from(&told);
            assert_eq!(Notice::try_from(&json).unwrap(), told);
            let text = serde_json::to_string(&json).unwrap();
            assert_eq!(serde_json::from_str::<NoticeJson>(&text).unwrap(), json);
            assert!(!json.text.zh.is_empty() && !json.text.en.is_empty(), "{text}");
        }
    }
}
