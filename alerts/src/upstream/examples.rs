//! Alerts of every kind there is, with as much and as little in them as there can be: what a template is tried on before it is used.
//!
//! In: nothing.   Out: [`Alert`]s that never happened.   Never: told to anybody.

use model::{
    Alert, AlertKind, Authority, Case, CaseZone, Closure, ClosureLevel, DeviceId, Exhibits, FireSign, Flaw, Incident,
    IncidentId, IncidentStatus, Interval, Matter, Notice, OutageCause, Outcome, Position, ReadingKind, Severity,
    Species, SpeciesCount, Subject, TimelineItem, Timestamp, TownshipCode, Trigger, ZoneId, ZoneLoad,
};
use std::time::Duration;

/// 2026-04-22 10:15, legal time.
const AT: Timestamp = Timestamp::from_millis(1_776_824_100_000);
const HOUR: Duration = Duration::from_secs(3_600);
/// Whatever a person may have typed: nothing of it may break a document.
const NAME: &str = "北坡\"<禁牧区> & 'A'\\\n\u{1}";

/// Two of every kind at least.
pub(crate) fn alerts() -> Vec<Alert> {
    // The names here are valid; a test counts what comes out.
    [cases(), devices(), loads(), notices()].into_iter().flatten().flatten().collect()
}

fn alert(kind: AlertKind, severity: Severity, subject: Subject) -> Alert {
    Alert { id: format!("example-{}", kind.as_str()), kind, severity, at: AT, subject }
}

fn zone(name: &str) -> Option<CaseZone> {
    Some(CaseZone { id: ZoneId::parse("zone-12").ok()?, name: name.to_owned(), version: 3 })
}

fn camera() -> Option<DeviceId> {
    DeviceId::parse("cam-7").ok()
}

fn township() -> Option<TownshipCode> {
    TownshipCode::parse("150425200").ok()
}

fn place() -> Option<Position> {
    Position::parse(43.304_5, 117.506).ok()
}

/// A case of which hardly anything is known.
fn bare() -> Option<Incident> {
    let trigger = Trigger { device: camera()?, kind: ReadingKind::Sighting, seq: None, ts: AT };
    let case = Case {
        id: IncidentId::parse("inc-1").ok()?,
        late: true,
        zones: vec![],
        township: None,
        authority: Authority::Township,
        closure: Closure { level: ClosureLevel::Warn, ..Closure::default() },
        first_seen: AT,
        last_seen: AT,
        ended_at: None,
        position: place()?,
        accuracy_m: 10.0,
        probability: 0.5,
        sightings_count: 1,
        species: vec![],
        sheep_units: Interval::at_least(0),
        devices: vec![],
        exhibits: Exhibits::default(),
        apart_m: 0.0,
        trigger,
        evidence: String::new(),
    };
    let (households, earlier, timeline) = (vec![], vec![], vec![]);
    let drill = false;
    Some(Incident { case, drill, status: IncidentStatus::Open, outcome: None, households, earlier, timeline })
}

/// A case of which much is known.
fn full() -> Option<Incident> {
    let Incident { case, .. } = bare()?;
    let count =
        |species, low, high| SpeciesCount { species, count: Interval { low, high }, young: Interval::default() };
    let line = |what: &str| TimelineItem { at: AT, what: what.into(), by: Some(NAME.into()), text: Some(NAME.into()) };
    let case = Case {
        late: false,
        zones: vec![zone(NAME)?, zone("林场")?],
        township: township(),
        closure: Closure {
            level: ClosureLevel::Enforce,
            rule: "禁牧 No grazing".into(),
            legal_basis: "R 35".into(),
            until: Some(AT.plus(HOUR)),
            fine_yuan_per_sheep_unit: 120,
        },
        probability: 0.97,
        sightings_count: 3,
        species: vec![count(Species::Sheep, 34, 46), count(Species::Cattle, 3, 3)],
        sheep_units: Interval { low: 49, high: 61 },
        devices: vec![camera()?],
        apart_m: 40.0,
        evidence: "3 sightings inside within 5 minutes".into(),
        ..case
    };
    let timeline = vec![line("opened"), line("acknowledged")];
    Some(Incident { case, status: IncidentStatus::Acknowledged, timeline, ..bare()? })
}

fn cases() -> Vec<Option<Alert>> {
    let of = |kind, severity, incident: Option<Incident>| {
        incident.map(|incident| alert(kind, severity, Subject::Incident(Box::new(incident))))
    };
    let over = |incident: Option<Incident>| {
        let incident = incident?;
        Some(Incident { case: Case { ended_at: Some(AT), ..incident.case.clone() }, ..incident })
    };
    let closed_as = |outcome| Some(Incident { status: IncidentStatus::Resolved, outcome: Some(outcome), ..full()? });
    vec![
        of(AlertKind::IncidentOpened, Severity::Urgent, full()),
        of(AlertKind::IncidentOpened, Severity::Notice, bare()),
        of(AlertKind::IncidentUpdated, Severity::Urgent, full()),
        of(AlertKind::IncidentUpdated, Severity::Warning, bare()),
        of(AlertKind::IncidentUpdated, Severity::Urgent, closed_as(Outcome::FalsePositive)),
        of(AlertKind::IncidentEscalated, Severity::Urgent, full()),
        of(AlertKind::IncidentEscalated, Severity::Warning, bare()),
        of(AlertKind::HalfReported, Severity::Warning, full()),
        of(AlertKind::HalfReported, Severity::Warning, bare()),
        of(AlertKind::IncidentClosed, Severity::Urgent, over(full())),
        of(AlertKind::IncidentClosed, Severity::Urgent, closed_as(Outcome::Violation)),
        of(AlertKind::IncidentClosed, Severity::Notice, over(bare())),
        of(AlertKind::IncidentWithdrawn, Severity::Urgent, closed_as(Outcome::Unfounded)),
        of(AlertKind::IncidentWithdrawn, Severity::Notice, over(bare())),
    ]
}

fn devices() -> Vec<Option<Alert>> {
    let of = |kind, severity, deadline| {
        Some(alert(kind, severity, Subject::Device { device: camera()?, last_seen: AT, deadline }))
    };
    vec![
        of(AlertKind::DeviceSilent, Severity::Warning, Some(AT.plus(HOUR))),
        of(AlertKind::DeviceSilent, Severity::Warning, None),
        of(AlertKind::DeviceBack, Severity::Notice, None),
    ]
}

fn loads() -> Vec<Option<Alert>> {
    let of = |kind, name: &str, township, over_since| {
        let load = ZoneLoad {
            zone: zone(name)?,
            township,
            authority: Authority::Township,
            capacity_sheep_units: 80,
            sheep_units: Interval { low: 90, high: 120 },
            herds: 2,
            over_since,
            at: AT,
        };
        Some(alert(kind, Severity::Notice, Subject::Zone(Box::new(load))))
    };
    vec![
        of(AlertKind::ZoneOverload, NAME, township(), Some(AT)),
        of(AlertKind::ZoneOverload, "南坡", None, None),
        of(AlertKind::ZoneOverloadEnded, NAME, township(), Some(AT)),
    ]
}

/// Each matter at its beginning and at its end, with all that a notice may hold and with nothing.
fn notices() -> Vec<Option<Alert>> {
    let matters = [
        (Matter::Flaw { flaw: Flaw::Lens, value: None }, AlertKind::DeviceFaulty, AlertKind::DeviceSound),
        (Matter::Flaw { flaw: Flaw::Battery, value: Some(7.5) }, AlertKind::DeviceFaulty, AlertKind::DeviceSound),
        (Matter::Outage(OutageCause::Fleet), AlertKind::FleetOutage, AlertKind::FleetOutageOver),
        (Matter::Outage(OutageCause::Site(NAME.into())), AlertKind::FleetOutage, AlertKind::FleetOutageOver),
        (Matter::Blind { watched: 0.31, limit_hours: 168.0, zones: 2 }, AlertKind::ZoneBlind, AlertKind::ZoneWatched),
        (threshold("wind", "wind_speed_mps", true), AlertKind::StationThreshold, AlertKind::StationThresholdOver),
        (threshold("drought", "drought", false), AlertKind::StationThreshold, AlertKind::StationThresholdOver),
        (threshold("fire_danger", "fire_danger", false), AlertKind::StationThreshold, AlertKind::StationThresholdOver),
        (threshold("green_up", "green_up", false), AlertKind::StationThreshold, AlertKind::StationThresholdOver),
        (Matter::Fire { sign: FireSign::Smoke, confidence: 0.8 }, AlertKind::FireSeen, AlertKind::FireOver),
        (Matter::Fire { sign: FireSign::Heat, confidence: 0.4 }, AlertKind::FireSeen, AlertKind::FireOver),
        (passage(Some(40), "蒙D·A1234"), AlertKind::CheckpointPassage, AlertKind::CheckpointPassage),
        (passage(None, ""), AlertKind::CheckpointPassage, AlertKind::CheckpointPassage),
    ];
    let mut all = Vec::new();
    for (matter, begun, over) in matters {
        let urgent = if matter.kind() == "fire" { Severity::Urgent } else { Severity::Warning };
        all.push(notice(&matter, None, true).map(|of| alert(begun, urgent, of)));
        all.push(notice(&matter, None, false).map(|of| alert(begun, Severity::Notice, of)));
        all.push(notice(&matter, Some(AT.plus(HOUR)), true).map(|of| alert(over, Severity::Notice, of)));
    }
    all
}

fn passage(count: Option<u32>, vehicle: &str) -> Matter {
    Matter::Passage { species: Species::Sheep, count, vehicle: vehicle.to_owned() }
}

fn threshold(rule: &str, quantity: &str, is_grave: bool) -> Matter {
    let (rule, quantity, unit) = (rule.to_owned(), quantity.to_owned(), "m/s".to_owned());
    Matter::Threshold { rule, quantity, value: 21.0, limit: 17.2, unit, is_grave }
}

fn notice(matter: &Matter, until: Option<Timestamp>, is_full: bool) -> Option<Subject> {
    let notice = Notice {
        matter: matter.clone(),
        devices: if is_full { vec![camera()?] } else { vec![] },
        devices_count: u32::from(is_full),
        zone: if is_full { zone(NAME) } else { None },
        township: if is_full { township() } else { None },
        position: if is_full { place() } else { None },
        since: AT,
        until,
        late: !is_full,
    };
    Some(Subject::Notice(Box::new(notice)))
}
