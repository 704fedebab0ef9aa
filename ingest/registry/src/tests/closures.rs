use super::*;
use crate::{ImportOptions, NewClosureDecision, ProposalState, Topic};
use model::{LegalDate, TownshipCode, ZoneId};

const SEASON: &str = "草畜平衡区春季休牧 balance zone, rest period";
const LAND: &str = r#"{"type":"Feature","properties":{"id":"zone-1","kind":"balance","township":"150425100"},
    "geometry":{"type":"Polygon","coordinates":[[[117.0,43.0],[117.1,43.0],[117.1,43.1],[117.0,43.0]]]}}"#;

fn date(text: &str) -> LegalDate {
    LegalDate::parse(text).unwrap()
}

fn until(last: &str) -> NewClosureDecision {
    NewClosureDecision {
        rule: SEASON.into(),
        first: None,
        last: date(last),
        adds: false,
        townships: vec![],
        zones: vec![],
        legal_basis: "克草字〔2026〕12号".into(),
        reason: "返青推迟".into(),
    }
}

fn with_land() -> Fixture {
    let fixture = fixture();
    fixture.registry.import_zones(&survey_of(LAND), ImportOptions::default(), "li", "五年重划").unwrap();
    fixture
}

#[track_caller]
fn check_refused(new: &NewClosureDecision, words: &[&str]) {
    let fixture = with_land();
    check_message(&fixture.registry.decide_closure(new, "li").unwrap_err(), words);
    assert!(fixture.registry.view().borrow().calendar.decisions.is_empty());
}

#[test]
fn a_decision_is_law_from_its_approval_on_and_known_from_then() {
    let fixture = with_land();
    let (registry, other) = (&fixture.registry, fixture.another());
    // On the last day of the season, in the evening.
    fixture.clock.set(at("2026-06-15T18:00:00+08:00"));
    let proposal = registry.decide_closure(&until("2026-06-30"), "li").unwrap();
    assert_eq!(proposal.state, ProposalState::Approved);
    other.refresh().unwrap();
    let decisions = other.view().borrow().calendar.decisions.clone();
    assert_eq!((decisions.len(), decisions[0].id), (1, proposal.id));
    assert_eq!(
        (decisions[0].year, decisions[0].first, decisions[0].last),
        (2026, date("2026-04-01"), date("2026-06-30"))
    );
    assert_eq!((decisions[0].proposed_by.as_str(), decisions[0].approved_by.as_str()), ("li", "li"));
    let known = |k: &str| registry.calendar_as_of(at(k)).unwrap().decisions.len();
    assert_eq!((known("2026-06-15T17:59:59+08:00"), known("2026-06-15T18:00:00+08:00")), (0, 1));
    registry.verify_audit().unwrap();
}

#[test]
fn what_was_proposed_is_law_only_after_another_person_approved_it() {
    let fixture = with_land();
    let registry = &fixture.registry;
    let id = registry.propose_closure(&until("2026-06-30"), "li").unwrap().id;
    assert!(registry.view().borrow().calendar.decisions.is_empty());
    check_message(
        &registry.approve_proposal(Topic::Closures, id, "cli:li").unwrap_err(),
        &["proposed by", "another person"],
    );
    check_message(&registry.approve_proposal(Topic::Zones, id, "wang").unwrap_err(), &["not registered"]);
    fixture.clock.set(at("2026-04-02T00:00:00+08:00"));
    registry.approve_proposal(Topic::Closures, id, "wang").unwrap();
    let decision = registry.view().borrow().calendar.decisions[0].clone();
    assert_eq!((decision.proposed_by.as_str(), decision.approved_by.as_str()), ("li", "wang"));
    assert_eq!(decision.known_from, fixture.clock.now());
    check_message(&registry.approve_proposal(Topic::Closures, id, "wang").unwrap_err(), &["approved already"]);
    let declined = registry.propose_closure(&until("2026-07-15"), "li").unwrap().id;
    registry.decline_proposal(Topic::Closures, declined, "wang", "草已返青").unwrap();
    assert_eq!(registry.view().borrow().calendar.decisions.len(), 1);
    assert_eq!(registry.proposals(Topic::Closures).unwrap()[0].remark.as_deref(), Some("草已返青"));
}

#[test]
fn a_decision_that_means_nothing_is_refused_with_the_remedy() {
    let first = |day| Some(date(day));
    check_refused(
        &NewClosureDecision { rule: "休牧".into(), ..until("2026-06-30") },
        &["`休牧`", "whole name", SEASON],
    );
    let always = "禁牧区全年禁牧 no-grazing zone, all year";
    check_refused(&NewClosureDecision { rule: always.into(), ..until("2026-06-30") }, &["all year", "no season"]);
    check_refused(
        &NewClosureDecision { first: first("2026-07-01"), ..until("2026-06-30") },
        &["first day is 2026-07-01"],
    );
    check_refused(&NewClosureDecision { first: first("2026-04-01"), ..until("2027-04-01") }, &["more than a year"]);
    check_refused(&until("2025-06-30"), &["long over"]);
    check_refused(&NewClosureDecision { legal_basis: " ".into(), ..until("2026-06-30") }, &["legal_basis", "document"]);
    check_refused(&NewClosureDecision { reason: String::new(), ..until("2026-06-30") }, &["reason", "why"]);
    check_refused(&NewClosureDecision { adds: true, ..until("2026-08-30") }, &["added days begin"]);
    let township = TownshipCode::parse("150425999").unwrap();
    check_refused(&NewClosureDecision { townships: vec![township], ..until("2026-06-30") }, &["150425999", "no zone"]);
    let zone = ZoneId::parse("zone-2").unwrap();
    check_refused(&NewClosureDecision { zones: vec![zone], ..until("2026-06-30") }, &["zone `zone-2`"]);
}

#[test]
fn a_calendar_may_not_drop_the_season_of_a_decision_that_still_runs() {
    let fixture = with_land();
    let registry = &fixture.registry;
    registry.decide_closure(&until("2026-06-30"), "li").unwrap();
    let other =
        "[[rule]]\nname = 'r'\nkinds = ['balance']\nlevel = 'warn'\nlegal_basis = 'x'\nfine_yuan_per_sheep_unit = 0\n";
    check_message(&registry.set_rules(other, "li", "新规划").unwrap_err(), &[SEASON, "2026-06-30", "keep its name"]);
    fixture.clock.set(at("2026-07-01T00:00:00+08:00"));
    registry.set_rules(other, "li", "新规划").unwrap();
    let names = |k: &str| registry.calendar_as_of(at(k)).unwrap().rules.len();
    assert_eq!((names("2026-06-30T23:59:59+08:00"), names("2026-07-01T00:00:00+08:00")), (7, 1));
}

#[test]
fn a_proposed_calendar_is_refused_once_another_one_was_published() {
    let fixture = with_land();
    let registry = &fixture.registry;
    let rules = include_str!("../../rules/hexigten.toml");
    let id = registry.propose_rules(rules, "li", "新规划").unwrap().id;
    let second = registry.propose_rules(rules, "li", "新规划").unwrap().id;
    registry.approve_proposal(Topic::Closures, id, "wang").unwrap();
    check_message(
        &registry.approve_proposal(Topic::Closures, second, "wang").unwrap_err(),
        &["version 1 by now", "again"],
    );
}

#[test]
fn the_platform_proposes_once_for_a_season_and_shows_why() {
    let fixture = with_land();
    let registry = &fixture.registry;
    let facts = serde_json::json!({ "stations": [{ "device": "station-1", "ndvi": 0.13 }] });
    let evidence = crate::ClosureEvidence {
        report: "返青推迟：4 个监测站中 0 个已返青".into(), facts: facts.clone()
    };
    let once = |last: &str| registry.propose_closure_once(&until(last), &evidence).unwrap();
    let proposal = once("2026-06-30").unwrap();
    assert_eq!((proposal.proposed_by.as_str(), proposal.state), (crate::PLATFORM, ProposalState::Open));
    assert_eq!(registry.proposals(Topic::Closures).unwrap(), std::slice::from_ref(&proposal));
    assert_eq!(proposal.evidence.map(|text| serde_json::from_str::<serde_json::Value>(&text).unwrap()), Some(facts));
    assert!(proposal.report.starts_with("返青推迟") && proposal.report.contains(SEASON), "{}", proposal.report);
    assert_eq!(once("2026-06-30"), None, "it waits");
    registry.decline_proposal(Topic::Closures, proposal.id, "wang", "雨已下").unwrap();
    assert_eq!(once("2026-07-05"), None, "a person said no");
    assert!(registry.view().borrow().calendar.decisions.is_empty());
    let by_hand = registry.propose_closure(&until("2026-06-25"), "li").unwrap();
    assert_eq!(by_hand.evidence, None, "what people propose has a reason and a document");
    fixture.clock.set(at("2027-05-31T00:00:00+08:00"));
    assert!(once("2027-06-30").is_some(), "another year");
    let much = crate::ClosureEvidence { facts: serde_json::json!("x".repeat(600_000)), ..evidence.clone() };
    check_message(&registry.propose_closure_once(&until("2027-06-30"), &much).unwrap_err(), &["at most"]);
    registry.verify_audit().unwrap();
}
