use super::*;
use model::{Authority, Offset, ZoneId};

pub(crate) fn case() -> Case {
    Case {
        id: IncidentId::parse("inc-1").unwrap(),
        late: false,
        zones: vec![CaseZone { id: ZoneId::parse("z").unwrap(), name: "北坡".into(), version: 1 }],
        township: None,
        authority: Authority::Township,
        closure: Closure { level: ClosureLevel::Enforce, ..Closure::default() },
        first_seen: Timestamp::from_millis(1_000),
        last_seen: Timestamp::from_millis(2_000),
        ended_at: None,
        position: Position::parse(43.3, 117.5).unwrap(),
        accuracy_m: 10.0,
        probability: 1.0,
        sightings_count: 3,
        species: vec![],
        sheep_units: Interval::default(),
        devices: vec![],
        exhibits: model::Exhibits::default(),
        apart_m: 0.0,
        trigger: Trigger {
            device: DeviceId::parse("cam-1").unwrap(),
            kind: ReadingKind::Sighting,
            seq: Some(3),
            ts: Timestamp::from_millis(2_000),
        },
        evidence: "3 sightings".into(),
    }
}

/// A no-grazing zone without a border.
pub(crate) fn zone(id: &str) -> Zone {
    Zone {
        id: ZoneId::parse(id).unwrap(),
        name: id.into(),
        kind: model::ZoneKind::NoGrazing,
        land_class: model::LandClass::Grassland,
        township: None,
        enforcement_body: None,
        legal_basis: String::new(),
        area_mu: None,
        capacity_sheep_units: None,
        version: 1,
        in_force_from: Timestamp::default(),
        in_force_to: None,
        known_from: Timestamp::default(),
        reason: String::new(),
        published_by: String::new(),
        polygons: vec![],
    }
}

pub(crate) fn finding(what: What) -> Finding {
    Finding { offset: Offset(9), what }
}

fn incident(raised: &Raised) -> Incident {
    match &raised.alert.subject {
        Subject::Incident(incident) => (**incident).clone(),
        Subject::Device { .. } | Subject::Zone(_) | Subject::Notice(_) => panic!("about something else"),
    }
}

fn command(action: Action) -> Command {
    Command { incident: None, by: "其其格".into(), at: Timestamp::from_millis(5_000), action }
}

fn opened_once() -> Incident {
    incident(&from_finding(&finding(What::Opened(case())), None).unwrap())
}

#[test]
fn a_new_case_is_urgent_and_told_and_the_same_again_is_nothing() {
    let raised = from_finding(&finding(What::Opened(case())), None).unwrap();
    assert_eq!(
        (raised.alert.kind, raised.alert.severity, raised.reach == Reach::Everybody),
        (AlertKind::IncidentOpened, Severity::Urgent, true)
    );
    assert_eq!(from_finding(&finding(What::Opened(case())), Some(incident(&raised))), None);
}

#[test]
fn late_data_and_warnings_wake_nobody() {
    let severity = |late, level| {
        let closure = Closure { level, ..Closure::default() };
        from_finding(&finding(What::Opened(Case { late, closure, ..case() })), None).unwrap().alert.severity
    };
    assert_eq!(severity(true, ClosureLevel::Enforce), Severity::Notice);
    assert_eq!(severity(false, ClosureLevel::Warn), Severity::Warning);
}

#[test]
fn a_case_seen_again_keeps_what_the_operator_did_and_tells_nobody() {
    let taken = incident(&from_command(1, &command(Action::Acknowledge), opened_once()).unwrap());
    let again = Case { sightings_count: 8, ..case() };
    let raised = from_finding(&finding(What::SeenAgain(again)), Some(taken)).unwrap();
    assert!(raised.reach == Reach::Nobody);
    assert_eq!(incident(&raised).status, IncidentStatus::Acknowledged);
    assert_eq!(incident(&raised).case.sightings_count, 8);
}

#[test]
fn a_case_is_closed_once_whether_the_herd_left_or_a_person_closed_it() {
    let over = Case { ended_at: Some(Timestamp::from_millis(4_000)), ..case() };
    let left = from_finding(&finding(What::Ended(over.clone())), Some(opened_once())).unwrap();
    assert_eq!(left.alert.kind, AlertKind::IncidentClosed);
    let resolve = Action::Resolve { outcome: Outcome::Violation };
    let resolved = from_command(1, &command(resolve.clone()), incident(&left)).unwrap();
    assert_eq!(resolved.alert.kind, AlertKind::IncidentUpdated);

    let resolved = from_command(1, &command(resolve), opened_once()).unwrap();
    assert_eq!(resolved.alert.kind, AlertKind::IncidentClosed);
    let left = from_finding(&finding(What::Ended(over)), Some(incident(&resolved))).unwrap();
    assert_eq!(left.alert.kind, AlertKind::IncidentUpdated);
    assert_eq!(incident(&left).outcome, Some(Outcome::Violation));
}

#[test]
fn acknowledging_twice_is_one_change_with_one_name_in_the_timeline() {
    let taken = incident(&from_command(1, &command(Action::Acknowledge), opened_once()).unwrap());
    assert_eq!(from_command(2, &command(Action::Acknowledge), taken.clone()), None);
    let lines: Vec<_> = taken.timeline.iter().map(|line| (line.what.as_str(), line.by.as_deref())).collect();
    assert_eq!(lines, [("opened", None), ("acknowledged", Some("其其格"))]);
}

#[test]
fn a_case_that_never_was_is_taken_back_once_and_what_a_person_concluded_stays() {
    let never = Case { ended_at: Some(Timestamp::from_millis(4_000)), ..case() };
    let taken_back = from_finding(&finding(What::Withdrawn(never.clone())), Some(opened_once())).unwrap();
    assert_eq!((taken_back.alert.kind, taken_back.reach == Reach::Everybody), (AlertKind::IncidentWithdrawn, true));
    let unfounded = incident(&taken_back);
    assert_eq!((unfounded.status, unfounded.outcome), (IncidentStatus::Resolved, Some(Outcome::Unfounded)));
    assert_eq!(from_finding(&finding(What::Withdrawn(never.clone())), Some(unfounded)), None);

    let resolve = Action::Resolve { outcome: Outcome::Violation };
    let resolved = incident(&from_command(1, &command(resolve), opened_once()).unwrap());
    let taken_back = from_finding(&finding(What::Withdrawn(never)), Some(resolved)).unwrap();
    assert_eq!(incident(&taken_back).outcome, Some(Outcome::Violation));
}

#[test]
fn an_overload_is_an_indication_told_once_and_its_end_once() {
    let load = |over_since: i64| ZoneLoad {
        zone: CaseZone { id: ZoneId::parse("b-1").unwrap(), name: "南坡平衡区".into(), version: 2 },
        township: None,
        authority: Authority::Township,
        capacity_sheep_units: 80,
        sheep_units: Interval { low: 85, high: 115 },
        herds: 1,
        over_since: Some(Timestamp::from_millis(over_since)),
        at: Timestamp::from_millis(9_000),
    };
    let over = from_finding(&finding(What::Overloaded(load(1_000))), None).unwrap();
    let again = from_finding(&finding(What::Overloaded(load(1_000))), None).unwrap();
    let ended = from_finding(&finding(What::OverloadEnded(load(1_000))), None).unwrap();
    let later = from_finding(&finding(What::Overloaded(load(7_000))), None).unwrap();
    assert_eq!((over.alert.severity, over.reach == Reach::Everybody), (Severity::Notice, true));
    assert_eq!(over.alert.id, again.alert.id);
    assert!(ended.alert.id != over.alert.id && later.alert.id != over.alert.id);
    let json = journal::wire::AlertJson::from(&over.alert);
    assert_eq!(json.zone.as_ref().map(|zone| (zone.sheep_units.low, zone.indication)), Some((85, true)));
    assert_eq!(Alert::try_from(&json).unwrap(), over.alert, "it is read back as it was written");
}

#[test]
fn a_drill_is_a_case_like_any_other_that_says_what_it_is_and_ends_when_it_is_closed() {
    let corner = |lon_e7, lat_e7| GeoPoint { lon_e7, lat_e7 };
    let exterior = vec![
        corner(1_175_000_000, 433_000_000),
        corner(1_176_000_000, 433_000_000),
        corner(1_176_000_000, 434_000_000),
        corner(1_175_000_000, 434_000_000),
    ];
    let polygons = vec![model::Polygon { exterior, holes: vec![] }];
    let zone = Zone { name: "北坡".into(), polygons, ..zone("north") };
    let begun = drill(7, &command(Action::Drill { zone: zone.id.clone() }), &zone).unwrap();
    let (kind, severity) = (begun.alert.kind, begun.alert.severity);
    assert_eq!((kind, severity, begun.reach), (AlertKind::IncidentOpened, Severity::Urgent, Reach::Everybody));
    let case = incident(&begun);
    assert!(case.drill && case.case.position.distance_m(Position::parse(43.35, 117.55).unwrap()) < 1.0);
    let said = crate::message::Messages::default().said(&begun.alert, model::Language::Zh, None);
    assert!(said.text.starts_with("【演练】") && said.values["zone"].starts_with("【演练】"), "{said:?}");
    let closed = from_command(8, &command(Action::Resolve { outcome: Outcome::Lawful }), case).unwrap();
    assert_eq!(closed.alert.kind, AlertKind::IncidentClosed);
    assert!(incident(&closed).case.ended_at.is_some());
}
