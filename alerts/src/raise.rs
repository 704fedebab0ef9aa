//! Finding -> Alert: is this new, a change of what we know, or already handled? Here a sighting becomes an alert.
//!
//! In: a [`Finding`] of detection or an operator's [`Command`], and the incident as it stood. Out: the [`Alert`] with the
//! incident as it stands now, or nothing. Pure: the store keeps what comes out, and an alert's id is derived from the
//! entry that caused it, so the same cause twice is one alert.

use crate::outbox::Reach;
use model::{
    Action, Alert, AlertKind, Case, CaseZone, Closure, ClosureLevel, Command, DeviceId, Exhibits, Finding, GeoPoint,
    Incident, IncidentId, IncidentStatus, Interval, Matter, Notice, Outcome, Position, ReadingKind, Severity, Species,
    SpeciesCount, Subject, TimelineItem, Timestamp, Trigger, What, Zone, ZoneLoad,
};
use std::time::Duration;

/// Lines kept of a case's history; the alert log has all of it.
const TIMELINE_MAX: usize = 200;

/// An alert, and who hears of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Raised {
    /// For the alert log.
    pub alert: Alert,
    /// Who hears of it.
    pub reach: Reach,
}

/// What a finding means, given the incident as it stood (`None` when we do not know the case).
pub fn from_finding(finding: &Finding, known: Option<Incident>) -> Option<Raised> {
    let offset = finding.offset.0;
    match &finding.what {
        What::Opened(case) => match known {
            Some(_) => None,
            None => Some(opened(case)),
        },
        What::Grew(case) => Some(grew(case, known, offset, true)),
        What::SeenAgain(case) => Some(grew(case, known, offset, false)),
        What::Ended(case) => ended(case, known?, offset),
        What::Withdrawn(case) => withdrawn(case, known?, offset),
        What::Silent { device, last_seen, deadline } => Some(Raised {
            alert: Alert {
                id: format!("{device}-silent-{}", last_seen.as_millis()),
                kind: AlertKind::DeviceSilent,
                severity: Severity::Warning,
                at: *deadline,
                subject: Subject::Device { device: device.clone(), last_seen: *last_seen, deadline: Some(*deadline) },
            },
            reach: Reach::Everybody,
        }),
        What::Back { device, last_seen, at } => Some(Raised {
            alert: Alert {
                id: format!("{device}-back-{}", at.as_millis()),
                kind: AlertKind::DeviceBack,
                severity: Severity::Notice,
                at: *at,
                subject: Subject::Device { device: device.clone(), last_seen: *last_seen, deadline: None },
            },
            reach: Reach::Everybody,
        }),
        What::Overloaded(load) => Some(of_zone(load, AlertKind::ZoneOverload)),
        What::OverloadEnded(load) => Some(of_zone(load, AlertKind::ZoneOverloadEnded)),
        What::Begun(notice) => Some(of_notice(notice, None)),
        What::Changed(notice) => Some(of_notice(notice, Some(offset))),
        What::Over(notice) => Some(of_notice(notice, None)),
    }
}

/// An indication, never more: what was not seen is not counted, and an officer counts before anybody is asked to correct it.
fn of_zone(load: &ZoneLoad, kind: AlertKind) -> Raised {
    let since = load.over_since.unwrap_or(load.at).as_millis();
    let word = if kind == AlertKind::ZoneOverload { "overload" } else { "overload-ended" };
    let alert = Alert {
        id: format!("{}-{word}-{since}", load.zone.id),
        kind,
        severity: Severity::Notice,
        at: load.at,
        subject: Subject::Zone(Box::new(load.clone())),
    };
    Raised { alert, reach: Reach::Everybody }
}

/// What people have to know besides cases. A change has an id of its own; a beginning and an end have one each, however often they
/// are derived.
fn of_notice(notice: &Notice, change: Option<u64>) -> Raised {
    let id = match (change, notice.until) {
        (Some(offset), _) => format!("{}-changed-{offset}", notice.id()),
        (None, Some(_)) => format!("{}-over", notice.id()),
        (None, None) => notice.id(),
    };
    let is_over = notice.until.is_some();
    let (begun, over) = match &notice.matter {
        Matter::Flaw { .. } => (AlertKind::DeviceFaulty, AlertKind::DeviceSound),
        Matter::Outage(_) => (AlertKind::FleetOutage, AlertKind::FleetOutageOver),
        Matter::Blind { .. } => (AlertKind::ZoneBlind, AlertKind::ZoneWatched),
        Matter::Threshold { .. } => (AlertKind::StationThreshold, AlertKind::StationThresholdOver),
        Matter::Fire { .. } => (AlertKind::FireSeen, AlertKind::FireOver),
        Matter::Passage { .. } => (AlertKind::CheckpointPassage, AlertKind::CheckpointPassage),
    };
    let severity = match &notice.matter {
        _ if notice.late || is_over => Severity::Notice,
        Matter::Fire { .. } => Severity::Urgent,
        Matter::Threshold { is_grave: false, .. } | Matter::Passage { .. } => Severity::Notice,
        Matter::Flaw { .. } | Matter::Outage(_) | Matter::Blind { .. } | Matter::Threshold { .. } => Severity::Warning,
    };
    let alert = Alert {
        id,
        kind: if is_over { over } else { begun },
        severity,
        at: notice.until.unwrap_or(notice.since),
        subject: Subject::Notice(Box::new(notice.clone())),
    };
    Raised { alert, reach: Reach::Everybody }
}

/// What an operator's command does to a case; `None` when it changes nothing (acknowledged twice, say).
pub fn from_command(seq: u64, command: &Command, mut incident: Incident) -> Option<Raised> {
    let was_over = is_over(&incident);
    let (what, text) = match &command.action {
        Action::Acknowledge if incident.status == IncidentStatus::Open => {
            incident.status = IncidentStatus::Acknowledged;
            ("acknowledged", None)
        }
        Action::Dispatch { to } if incident.status != IncidentStatus::Resolved => {
            incident.status = IncidentStatus::Dispatched;
            ("dispatched", Some(to.clone()))
        }
        Action::Resolve { outcome } if incident.status != IncidentStatus::Resolved => {
            incident.status = IncidentStatus::Resolved;
            incident.outcome = Some(*outcome);
            if incident.drill {
                // No herd that could leave.
                incident.case.ended_at = Some(command.at);
            }
            ("resolved", Some(outcome.as_str().to_owned()))
        }
        Action::Reopen if incident.status == IncidentStatus::Resolved => {
            incident.status = IncidentStatus::Open;
            incident.outcome = None;
            ("reopened", None)
        }
        Action::Comment { text } => ("comment", Some(text.clone())),
        _ => return None,
    };
    note(&mut incident, command.at, what, Some(command.by.clone()), text);
    let closes = !was_over && is_over(&incident);
    let kind = if closes { AlertKind::IncidentClosed } else { AlertKind::IncidentUpdated };
    let id = format!("{}-command-{seq}", incident.case.id);
    let reach = if what == "comment" { Reach::Nobody } else { Reach::Everybody };
    Some(Raised { reach, alert: about(incident, id, kind, command.at) })
}

/// A case that is none: forty sheep in the middle of a zone. Only this mark and its id tell it from a real one.
pub fn drill(seq: u64, command: &Command, zone: &Zone) -> Option<Raised> {
    let corners = &zone.polygons.first()?.exterior;
    let middle = |of: fn(&GeoPoint) -> i32| {
        corners.iter().map(|corner| f64::from(of(corner))).sum::<f64>() / corners.len().max(1) as f64 / 1e7
    };
    let (at, by) = (command.at, command.by.clone());
    let sheep = Interval { low: 40, high: 40 };
    let case = Case {
        id: IncidentId::parse(&format!("drill-{seq}")).ok()?,
        late: false,
        zones: vec![CaseZone { id: zone.id.clone(), name: zone.name.clone(), version: zone.version }],
        township: zone.township.clone(),
        authority: zone.authority(),
        closure: Closure { level: ClosureLevel::Enforce, rule: "演练 drill".into(), ..Closure::default() },
        first_seen: at,
        last_seen: at,
        ended_at: None,
        position: Position::parse(middle(|corner| corner.lat_e7), middle(|corner| corner.lon_e7)).ok()?,
        accuracy_m: 0.0,
        probability: 1.0,
        sightings_count: 0,
        species: vec![SpeciesCount { species: Species::Sheep, count: sheep, young: Interval::default() }],
        sheep_units: sheep,
        devices: Vec::new(),
        exhibits: Exhibits::default(),
        apart_m: 0.0,
        trigger: Trigger { device: DeviceId::parse("drill").ok()?, kind: ReadingKind::Report, seq: Some(seq), ts: at },
        evidence: "a drill".into(),
    };
    let Raised { mut alert, reach } = opened(&case);
    if let Subject::Incident(incident) = &mut alert.subject {
        incident.drill = true;
        if let Some(line) = incident.timeline.last_mut() {
            line.by = Some(by);
        }
    }
    Some(Raised { alert, reach })
}

/// Nobody has acknowledged a case for so long: the next ones are told.
pub fn escalated(mut incident: Incident, since: Timestamp, after: Duration) -> Raised {
    let at = since.plus(after);
    let seconds = after.as_secs();
    let words = if seconds.is_multiple_of(60) { format!("{} min", seconds / 60) } else { format!("{seconds} s") };
    note(&mut incident, at, "escalated", None, Some(words));
    let id = format!("{}-escalated-{}-{seconds}", incident.case.id, since.as_millis());
    Raised { reach: Reach::Next(after), alert: about(incident, id, AlertKind::IncidentEscalated, at) }
}

/// A case was not taken by these halves of the dual report in time. A failure of ours, so the case's own urgency does not matter.
pub fn half_reported(mut incident: Incident, missing: &[&str], at: Timestamp) -> Raised {
    note(&mut incident, at, "half_reported", None, Some(missing.join(", ")));
    let id = format!("{}-half-reported", incident.case.id);
    let alert = Alert { severity: Severity::Warning, ..about(incident, id, AlertKind::HalfReported, at) };
    Raised { reach: Reach::Everybody, alert }
}

/// The first word of a case.
fn opened(case: &Case) -> Raised {
    let mut incident = Incident {
        case: case.clone(),
        status: IncidentStatus::Open,
        outcome: None,
        households: Vec::new(),
        drill: false,
        earlier: Vec::new(),
        timeline: Vec::new(),
    };
    note(&mut incident, case.last_seen, "opened", None, Some(case.evidence.clone()));
    let id = format!("{}-opened", case.id);
    Raised { reach: Reach::Everybody, alert: about(incident, id, AlertKind::IncidentOpened, case.last_seen) }
}

fn grew(case: &Case, known: Option<Incident>, offset: u64, told: bool) -> Raised {
    // A case that we do not know although it grew: its opening was lost with another state of detection.
    let Some(mut incident) = known else { return opened(case) };
    let had_ended = incident.case.ended_at.is_some();
    incident.case = case.clone();
    if told {
        let zones = case.zones.iter().map(|zone| zone.name.as_str()).collect::<Vec<_>>().join("、");
        note(&mut incident, case.last_seen, if had_ended { "resumed" } else { "grew" }, None, Some(zones));
    }
    let id = format!("{}-grew-{offset}", case.id);
    let reach = if told { Reach::Everybody } else { Reach::Nobody };
    Raised { reach, alert: about(incident, id, AlertKind::IncidentUpdated, case.last_seen) }
}

fn ended(case: &Case, mut incident: Incident, offset: u64) -> Option<Raised> {
    if incident.case.ended_at.is_some() {
        return None;
    }
    let was_over = is_over(&incident);
    let at = case.ended_at.unwrap_or(case.last_seen);
    incident.case = case.clone();
    note(&mut incident, at, "ended", None, None);
    let kind = if was_over { AlertKind::IncidentUpdated } else { AlertKind::IncidentClosed };
    let id = format!("{}-ended-{offset}", case.id);
    Some(Raised { reach: Reach::Everybody, alert: about(incident, id, kind, at) })
}

/// Late data showed that a case never was. The platform takes it back as unfounded; what a person concluded stays.
fn withdrawn(case: &Case, mut incident: Incident, offset: u64) -> Option<Raised> {
    if incident.timeline.iter().any(|item| item.what == "withdrawn") {
        return None;
    }
    incident.case = case.clone();
    if incident.status != IncidentStatus::Resolved {
        (incident.status, incident.outcome) = (IncidentStatus::Resolved, Some(Outcome::Unfounded));
    }
    let at = case.ended_at.unwrap_or(case.last_seen);
    note(
        &mut incident,
        at,
        "withdrawn",
        None,
        Some("data that came late shows that the herd was not inside".to_owned()),
    );
    let id = format!("{}-withdrawn-{offset}", case.id);
    Some(Raised { reach: Reach::Everybody, alert: about(incident, id, AlertKind::IncidentWithdrawn, at) })
}

/// Closed is told once: when the herd left or when a person closed the case, whichever is first.
fn is_over(incident: &Incident) -> bool {
    incident.case.ended_at.is_some() || incident.status == IncidentStatus::Resolved
}

fn about(incident: Incident, id: String, kind: AlertKind, at: Timestamp) -> Alert {
    Alert { id, kind, severity: severity(&incident.case), at, subject: Subject::Incident(Box::new(incident)) }
}

/// Late data and mere warnings wake nobody.
fn severity(case: &Case) -> Severity {
    match (case.late, case.closure.level) {
        (true, _) => Severity::Notice,
        (false, ClosureLevel::Enforce) => Severity::Urgent,
        (false, _) => Severity::Warning,
    }
}

fn note(incident: &mut Incident, at: Timestamp, what: &str, by: Option<String>, text: Option<String>) {
    if incident.timeline.len() >= TIMELINE_MAX {
        // The opening stays; the oldest line after it goes.
        incident.timeline.remove(1);
    }
    incident.timeline.push(TimelineItem { at, what: what.to_owned(), by, text });
}

#[cfg(test)]
#[path = "raise_tests.rs"]
pub(crate) mod tests;
