use super::*;
use crate::raise::tests::{self as raised, case, finding};
use crate::raise::{from_command, from_finding};
use model::{Action, Authority, Command, Households, Incident, LandClass, Roster, Severity, Shift, What, ZoneKind};
use std::sync::LazyLock;

static NOBODY: LazyLock<Households> = LazyLock::new(Households::default);

fn zone(id: &str, kind: ZoneKind, land_class: LandClass) -> Arc<Zone> {
    Arc::new(Zone { kind, land_class, ..raised::zone(id) })
}

fn opened(authority: Authority, township: &str) -> Alert {
    let township = TownshipCode::parse(township).ok();
    from_finding(&finding(What::Opened(Case { authority, township, ..case() })), None).unwrap().alert
}

/// Everything, by webhook.
fn everybody(id: &str) -> Subscriber {
    Subscriber::to_all(id, ChannelKind::Webhook)
}

#[track_caller]
fn check(subscriber: Subscriber, alert: &Alert, hears: bool) {
    let (zones, subscribers) = ([zone("z", ZoneKind::Forest, LandClass::Forest)], [subscriber]);
    let known = Known { subscribers: &subscribers, rosters: &[], zones: &zones, households: &NOBODY };
    let told = addressed(alert, Reach::Everybody, known, Timestamp::default(), &HashSet::new());
    assert_eq!(!told.is_empty(), hears, "{:?} {}", subscribers[0].name, alert.kind.as_str());
}

#[test]
fn a_case_goes_to_who_enforces_there_and_to_who_asked_for_such_land() {
    let forest = opened(Authority::ForestryBureau, "150425100");
    let body = |body| Subscriber { authorities: vec![body], ..everybody("body") };
    check(body(Authority::ForestryBureau), &forest, true);
    check(body(Authority::Township), &forest, false);
    check(Subscriber { zone_kinds: vec![ZoneKind::Forest], ..everybody("kind") }, &forest, true);
    check(Subscriber { zone_kinds: vec![ZoneKind::Balance], ..everybody("kind") }, &forest, false);
    check(Subscriber { land_classes: vec![LandClass::Grassland], ..everybody("land") }, &forest, false);
    check(
        Subscriber { townships: vec![TownshipCode::parse("150425200").unwrap()], ..everybody("town") },
        &forest,
        false,
    );
    check(Subscriber { severity: Severity::Urgent, ..everybody("urgent") }, &forest, true);
    check(Subscriber { off: Some("410".into()), ..everybody("off") }, &forest, false);
}

#[test]
fn a_half_of_the_dual_report_goes_to_the_body_whose_half_it_is() {
    let half = |duty: &str, body| Subscriber { duty: Some(duty.into()), authorities: vec![body], ..everybody(duty) };
    let grass = opened(Authority::Township, "150425100");
    check(half("local_government", Authority::Township), &grass, true);
    check(half("forestry_authority", Authority::ForestryBureau), &grass, true);
    check(half("forestry_authority", Authority::ReserveStation), &grass, false);
    let reserve = opened(Authority::ReserveStation, "150425100");
    check(half("local_government", Authority::Township), &reserve, true);
    check(half("forestry_authority", Authority::ReserveStation), &reserve, true);
    check(half("forestry_authority", Authority::ForestryBureau), &reserve, false);
}

#[test]
fn who_waits_for_others_hears_at_their_turn_and_then_how_it_goes_on() {
    let alert = opened(Authority::Township, "150425100");
    let after = Duration::from_secs(600);
    let waits = Subscriber { after: Some(after), ..Subscriber::to_all("waits", ChannelKind::Sms) };
    let subscribers = [waits, Subscriber::to_all("phone", ChannelKind::Sms), everybody("program")];
    let known = Known { subscribers: &subscribers, rosters: &[], zones: &[], households: &NOBODY };
    let hear = |reach, told: &[&str]| -> Vec<&str> {
        let told = told.iter().map(|id| (*id).to_owned()).collect();
        addressed(&alert, reach, known, Timestamp::default(), &told).iter().map(|one| one.id.as_str()).collect()
    };
    assert_eq!(hear(Reach::Everybody, &[]), ["phone", "program"]);
    assert_eq!(hear(Reach::Next(after), &["phone", "program"]), ["waits", "program"]);
    assert_eq!(hear(Reach::Next(after * 2), &[]), ["program"]);
    assert_eq!(hear(Reach::Everybody, &["waits"]), ["waits", "phone", "program"]);
    assert_eq!(hear(Reach::Nobody, &["waits"]), [] as [&str; 0]);
}

#[test]
fn who_is_off_duty_is_not_told() {
    let alert = opened(Authority::Township, "150425100");
    let at = |hour: i64| Timestamp::from_millis(hour * 3_600_000);
    let shift = |who: &str, from, until| Shift { subscriber: who.into(), from: at(from), until: at(until) };
    let rosters = [Roster { name: "值班".into(), shifts: vec![shift("day", 8, 20), shift("night", 20, 32)] }];
    let subscribers = [everybody("day"), everybody("night")];
    let known = Known { subscribers: &subscribers, rosters: &rosters, zones: &[], households: &NOBODY };
    let hear = |hour| addressed(&alert, Reach::Everybody, known, at(hour), &HashSet::new())[0].id.as_str();
    assert_eq!((hear(9), hear(22)), ("day", "night"));
}

#[test]
fn only_a_new_case_that_nobody_has_carries_a_link_and_only_where_there_is_an_address() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry::Registry::open(&folder.path().join("registry.db"), model::Clock::system()).unwrap();
    let links = Some(registry.links("https://watch.example"));
    let tenant = TenantId::parse("hexigten").unwrap();
    let desk = Stationery { tenant, messages: Arc::default(), links, payloads: Arc::default() };
    let alert = opened(Authority::Township, "150425100");
    let said = |desk: &Stationery, alert: &Alert| {
        let phone = Subscriber::to_all("phone", ChannelKind::Sms);
        desk.outgoing(&phone, (alert, &AlertJson::from(alert)), None, Timestamp::default()).body
    };
    assert!(said(&desk, &alert).contains("https://watch.example/a/"));
    assert!(!said(&Stationery { links: None, ..desk.clone() }, &alert).contains("/a/"));
    let Subject::Incident(incident) = &alert.subject else { panic!("about something else") };
    let incident: Incident = (**incident).clone();
    let command = Command { incident: None, by: "li".into(), at: Timestamp::default(), action: Action::Acknowledge };
    let taken = from_command(1, &command, incident).unwrap().alert;
    assert!(!said(&desk, &taken).contains("/a/"));
}
