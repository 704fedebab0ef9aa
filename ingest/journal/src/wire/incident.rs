//! An incident as the contract's `GET /incidents/{id}` shows it, with everything needed to read it back.

use super::exhibits::{AnimalJson, AreaJson, SnapshotJson, TrackJson, exhibits};
use super::household::{EarlierJson, HouseholdJson};
#[cfg(feature = "schema")]
use super::schema;
use super::{BadWire, bad, reasoning, time};
use model::{
    Authority, Case, CaseZone, Closure, ClosureLevel, DeviceId, Incident, IncidentId, IncidentStatus, Interval,
    Outcome, Position, ReadingKind, Severity, Species, SpeciesCount, TimelineItem, Timestamp, TownshipCode, Trigger,
    ZoneId,
};
use serde::{Deserialize, Serialize};

/// A case, as stored, told and shown. Times are RFC 3339 UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the contract's and carry its names; `model::Case` explains each")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Incident))]
pub struct IncidentJson {
    pub id: String,
    #[cfg_attr(feature = "schema", schema(schema_with = schema::incident_status))]
    pub status: String,
    #[cfg_attr(feature = "schema", schema(schema_with = schema::severity))]
    pub severity: String,
    pub late: bool,
    /// A drill; left out for a real case.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    pub zones: Vec<ZoneRefJson>,
    #[cfg_attr(feature = "schema", schema(required))]
    pub township: Option<String>,
    pub authority: String,
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub first_seen: String,
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub last_seen: String,
    #[cfg_attr(feature = "schema", schema(required, format = DateTime))]
    pub ended_at: Option<String>,
    pub position: PositionJson,
    pub accuracy_m: f64,
    pub probability: f64,
    pub sightings_count: u32,
    pub species: Vec<CountJson>,
    pub sheep_units: IntervalJson,
    pub fine_yuan: FineJson,
    pub legal_basis: String,
    pub closure: ClosureJson,
    pub reasoning: ReasoningJson,
    /// Pictures in which it was seen, newest last, with what was seen in them.
    pub evidence: Vec<SnapshotJson>,
    /// In which parts of whose pictures it was seen, and how often.
    #[serde(default)]
    pub areas: Vec<AreaJson>,
    /// The tracks of collars that walked with it; `entries` are the first and the last of the journal.
    #[serde(default)]
    pub tracks: Vec<TrackJson>,
    /// Animals that could be told from all others.
    #[serde(default)]
    pub animals: Vec<AnimalJson>,
    /// How far from its middle the sightings of its last ten minutes lie at most.
    #[serde(default)]
    pub apart_m: f64,
    /// The dual report: both halves, each with the body it goes to.
    pub reports: Vec<ReportJson>,
    /// The household with most of the animals that were recognised.
    #[cfg_attr(feature = "schema", schema(required))]
    pub household: Option<HouseholdJson>,
    #[serde(default)]
    pub other_households: Vec<HouseholdJson>,
    /// Earlier cases of these households in the same calendar year, without false alarms.
    #[serde(default)]
    pub earlier: Vec<EarlierJson>,
    #[cfg_attr(feature = "schema", schema(required))]
    pub outcome: Option<String>,
    pub devices: Vec<String>,
    pub trigger: TriggerJson,
    pub evidence_rule: String,
    pub timeline: Vec<TimelineJson>,
}

/// A zone that the case stands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `model::CaseZone`")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ZoneRef))]
pub struct ZoneRefJson {
    pub id: String,
    pub name: String,
    pub version: u32,
}

/// WGS84 degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "latitude and longitude")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Position))]
pub struct PositionJson {
    pub lat: f64,
    pub lon: f64,
}

/// Both ends included; without an upper end it is "at least".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `model::Interval`")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Interval))]
pub struct IntervalJson {
    pub low: u64,
    #[cfg_attr(feature = "schema", schema(required))]
    pub high: Option<u64>,
}

/// How many of one species.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `model::SpeciesCount`")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = SpeciesCount))]
pub struct CountJson {
    pub species: String,
    pub count: IntervalJson,
    pub young: IntervalJson,
}

/// Always an estimate that an officer must verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "yuan, and the reminder that it is an estimate")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Fine))]
pub struct FineJson {
    pub low: u64,
    #[cfg_attr(feature = "schema", schema(required))]
    pub high: Option<u64>,
    pub estimate: bool,
}

/// The closure that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `model::Closure`")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = DecidingClosure))]
pub struct ClosureJson {
    #[cfg_attr(feature = "schema", schema(schema_with = schema::closure_level))]
    pub level: String,
    pub rule: String,
    pub legal_basis: String,
    #[cfg_attr(feature = "schema", schema(required, format = DateTime))]
    pub until: Option<String>,
    pub fine_yuan_per_sheep_unit: u32,
}

/// The chain of reasoning in one paragraph, in the operators' languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "Chinese and English")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Words))]
pub struct ReasoningJson {
    pub zh: String,
    pub en: String,
}

/// One half of the dual report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Report))]
pub struct ReportJson {
    /// `local_government` or `forestry_authority`.
    pub duty: String,
    /// Which body that is here, as an authority is written.
    #[serde(default)]
    pub body: String,
    /// Of which township, for a body that each has.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(required))]
    pub township: Option<String>,
    /// `no_receiver`, or how far the delivery came: `pending`, `delivered`, `dead`.
    #[cfg_attr(feature = "schema", schema(schema_with = schema::report_state))]
    pub state: String,
}

/// The reading that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `model::Trigger`")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Trigger))]
pub struct TriggerJson {
    pub device: String,
    pub kind: String,
    #[cfg_attr(feature = "schema", schema(required))]
    pub seq: Option<u64>,
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub ts: String,
}

/// One line of the case's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `model::TimelineItem`")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = TimelineItem))]
pub struct TimelineJson {
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub at: String,
    pub what: String,
    #[cfg_attr(feature = "schema", schema(required))]
    pub by: Option<String>,
    #[cfg_attr(feature = "schema", schema(required))]
    pub text: Option<String>,
}

impl IncidentJson {
    /// Writes a case down as it stands.
    pub fn new(incident: &Incident, severity: Severity) -> Self {
        let case = &incident.case;
        let IntervalJson { low, high } = fine(case).into();
        let mut households = incident.households.iter().map(HouseholdJson::from);
        Self {
            id: case.id.to_string(),
            status: incident.status.as_str().to_owned(),
            severity: severity.as_str().to_owned(),
            late: case.late,
            drill: incident.drill,
            zones: case.zones.iter().map(ZoneRefJson::from).collect(),
            township: case.township.as_ref().map(ToString::to_string),
            authority: case.authority.as_str().to_owned(),
            first_seen: case.first_seen.to_rfc3339(),
            last_seen: case.last_seen.to_rfc3339(),
            ended_at: case.ended_at.map(Timestamp::to_rfc3339),
            position: PositionJson { lat: case.position.lat_deg(), lon: case.position.lon_deg() },
            accuracy_m: case.accuracy_m,
            probability: case.probability,
            sightings_count: case.sightings_count,
            species: case.species.iter().map(CountJson::from).collect(),
            sheep_units: case.sheep_units.into(),
            fine_yuan: FineJson { low, high, estimate: true },
            legal_basis: case.closure.legal_basis.clone(),
            closure: ClosureJson::from(&case.closure),
            reasoning: reasoning::of(incident),
            evidence: case.exhibits.pictures.iter().map(SnapshotJson::from).collect(),
            areas: case.exhibits.areas.iter().map(AreaJson::from).collect(),
            tracks: case.exhibits.tracks.iter().map(TrackJson::from).collect(),
            animals: case.exhibits.animals.iter().map(AnimalJson::from).collect(),
            apart_m: case.apart_m,
            reports: Vec::new(),
            household: households.next(),
            other_households: households.collect(),
            earlier: incident.earlier.iter().map(EarlierJson::from).collect(),
            outcome: incident.outcome.map(|outcome| outcome.as_str().to_owned()),
            devices: case.devices.iter().map(ToString::to_string).collect(),
            trigger: TriggerJson::from(&case.trigger),
            evidence_rule: case.evidence.clone(),
            timeline: incident.timeline.iter().map(TimelineJson::from).collect(),
        }
    }
}

impl TryFrom<&IncidentJson> for Incident {
    type Error = BadWire;

    fn try_from(json: &IncidentJson) -> Result<Self, BadWire> {
        Ok(Self {
            case: case(json)?,
            drill: json.drill,
            status: IncidentStatus::parse(&json.status).ok_or_else(|| bad("status", &json.status))?,
            outcome: json
                .outcome
                .as_deref()
                .map(|word| Outcome::parse(word).ok_or_else(|| bad("outcome", word)))
                .transpose()?,
            households: json
                .household
                .iter()
                .chain(&json.other_households)
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            earlier: json.earlier.iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            timeline: json.timeline.iter().map(timeline_item).collect::<Result<_, _>>()?,
        })
    }
}

/// What the law would take for so many sheep units, in yuan.
pub fn fine(case: &Case) -> Interval {
    let each = u64::from(case.closure.fine_yuan_per_sheep_unit);
    Interval { low: case.sheep_units.low.saturating_mul(each), high: case.sheep_units.high.saturating_mul(each) }
}

fn case(json: &IncidentJson) -> Result<Case, BadWire> {
    let position = Position::parse(json.position.lat, json.position.lon);
    Ok(Case {
        id: IncidentId::parse(&json.id).map_err(|_| bad("id", &json.id))?,
        late: json.late,
        zones: json.zones.iter().map(case_zone).collect::<Result<_, _>>()?,
        township: json.township.as_deref().map(township).transpose()?,
        authority: authority(&json.authority)?,
        closure: closure(&json.closure)?,
        first_seen: time("first_seen", &json.first_seen)?,
        last_seen: time("last_seen", &json.last_seen)?,
        ended_at: json.ended_at.as_deref().map(|text| time("ended_at", text)).transpose()?,
        position: position.map_err(|error| bad("position", &error.to_string()))?,
        accuracy_m: json.accuracy_m,
        probability: json.probability,
        sightings_count: json.sightings_count,
        species: json.species.iter().map(species_count).collect::<Result<_, _>>()?,
        sheep_units: json.sheep_units.into(),
        devices: json.devices.iter().map(|name| device(name)).collect::<Result<_, _>>()?,
        exhibits: exhibits(json)?,
        apart_m: json.apart_m,
        trigger: trigger(&json.trigger)?,
        evidence: json.evidence_rule.clone(),
    })
}

pub(super) fn device(name: &str) -> Result<DeviceId, BadWire> {
    if name == DeviceId::platform().as_str() {
        return Ok(DeviceId::platform());
    }
    DeviceId::parse(name).map_err(|_| bad("device", name))
}

pub(super) fn township(code: &str) -> Result<TownshipCode, BadWire> {
    TownshipCode::parse(code).map_err(|_| bad("township", code))
}

pub(super) fn authority(word: &str) -> Result<Authority, BadWire> {
    [Authority::Township, Authority::ForestryBureau, Authority::ForestrySquadron, Authority::ReserveStation]
        .into_iter()
        .find(|authority| authority.as_str() == word)
        .ok_or_else(|| bad("authority", word))
}

pub(super) fn case_zone(json: &ZoneRefJson) -> Result<CaseZone, BadWire> {
    let id = ZoneId::parse(&json.id).map_err(|_| bad("zone", &json.id))?;
    Ok(CaseZone { id, name: json.name.clone(), version: json.version })
}

fn closure(json: &ClosureJson) -> Result<Closure, BadWire> {
    let level = [ClosureLevel::None, ClosureLevel::Warn, ClosureLevel::Enforce]
        .into_iter()
        .find(|level| level.as_str() == json.level)
        .ok_or_else(|| bad("closure level", &json.level))?;
    Ok(Closure {
        level,
        rule: json.rule.clone(),
        legal_basis: json.legal_basis.clone(),
        until: json.until.as_deref().map(|text| time("until", text)).transpose()?,
        fine_yuan_per_sheep_unit: json.fine_yuan_per_sheep_unit,
    })
}

fn species_count(json: &CountJson) -> Result<SpeciesCount, BadWire> {
    let species = Species::parse(&json.species).ok_or_else(|| bad("species", &json.species))?;
    Ok(SpeciesCount { species, count: json.count.into(), young: json.young.into() })
}

fn trigger(json: &TriggerJson) -> Result<Trigger, BadWire> {
    let kind = [ReadingKind::DjiOsd, ReadingKind::Modbus, ReadingKind::Clock]
        .into_iter()
        .find(|kind| kind.as_str() == json.kind)
        .or_else(|| ReadingKind::of_native_topic(&json.kind))
        .ok_or_else(|| bad("trigger kind", &json.kind))?;
    Ok(Trigger { device: device(&json.device)?, kind, seq: json.seq, ts: time("trigger ts", &json.ts)? })
}

fn timeline_item(json: &TimelineJson) -> Result<TimelineItem, BadWire> {
    let at = time("timeline at", &json.at)?;
    Ok(TimelineItem { at, what: json.what.clone(), by: json.by.clone(), text: json.text.clone() })
}

impl From<&CaseZone> for ZoneRefJson {
    fn from(zone: &CaseZone) -> Self {
        Self { id: zone.id.to_string(), name: zone.name.clone(), version: zone.version }
    }
}

impl From<Interval> for IntervalJson {
    fn from(interval: Interval) -> Self {
        Self { low: interval.low, high: interval.at_most() }
    }
}

impl From<IntervalJson> for Interval {
    fn from(IntervalJson { low, high }: IntervalJson) -> Self {
        Self { low, high: high.unwrap_or(Self::OPEN) }
    }
}

impl From<&SpeciesCount> for CountJson {
    fn from(of: &SpeciesCount) -> Self {
        Self { species: of.species.as_str().to_owned(), count: of.count.into(), young: of.young.into() }
    }
}

impl From<&Closure> for ClosureJson {
    fn from(closure: &Closure) -> Self {
        Self {
            level: closure.level.as_str().to_owned(),
            rule: closure.rule.clone(),
            legal_basis: closure.legal_basis.clone(),
            until: closure.until.map(Timestamp::to_rfc3339),
            fine_yuan_per_sheep_unit: closure.fine_yuan_per_sheep_unit,
        }
    }
}

impl From<&Trigger> for TriggerJson {
    fn from(trigger: &Trigger) -> Self {
        Self {
            device: trigger.device.to_string(),
            kind: trigger.kind.as_str().to_owned(),
            seq: trigger.seq,
            ts: trigger.ts.to_rfc3339(),
        }
    }
}

impl From<&TimelineItem> for TimelineJson {
    fn from(item: &TimelineItem) -> Self {
        Self { at: item.at.to_rfc3339(), what: item.what.clone(), by: item.by.clone(), text: item.text.clone() }
    }
}
