//! What a decision about a season does to herds that stand inside.

use crate::World;
use crate::testing::{SOUTH, Stage, cases, rules, square, words};
use model::{ClosureCalendar, ClosureDecision, LegalDate, Offset, Timestamp, What, ZoneKind};
use std::sync::Arc;

/// The same land and devices with the season of 2026 ending on `last`.
fn extended(stage: &Stage, last: &str) -> Arc<World> {
    let date = |text| LegalDate::parse(text).unwrap();
    let decision = ClosureDecision {
        id: 1,
        rule: "春季休牧".into(),
        year: 2026,
        first: date("2026-04-01"),
        last: date(last),
        adds: false,
        townships: vec![],
        zones: vec![],
        legal_basis: "克草字〔2026〕12号".into(),
        reason: "返青推迟".into(),
        proposed_by: "li".into(),
        approved_by: "wang".into(),
        known_from: Timestamp::default(),
    };
    let devices = stage.engine.world().devices().map(|device| (device.id.clone(), device.clone())).collect();
    let zones = vec![square("south", ZoneKind::Balance, 432_910_000)];
    let calendar = ClosureCalendar { rules: rules(), decisions: vec![decision] };
    Arc::new(World::new(devices, zones, calendar).unwrap())
}

fn decide(stage: &mut Stage, last: &str) -> Vec<What> {
    let world = extended(stage, last);
    stage.engine.set_world(world, Offset(stage.offset)).into_iter().map(|finding| finding.what).collect()
}

fn graze(stage: &mut Stage) -> Vec<What> {
    let mut found = Vec::new();
    for _ in 0..3 {
        found.extend(stage.sees("cam-1", SOUTH, 40));
        found.extend(stage.wait(30));
    }
    found
}

#[test]
fn a_season_that_is_extended_on_its_last_evening_goes_on_over_midnight_as_one_case() {
    let mut stage = Stage::at("2026-06-15T23:57:00+08:00");
    let mut found = graze(&mut stage);
    found.extend(decide(&mut stage, "2026-06-30"));
    found.extend(stage.wait(120));
    assert_eq!(cases(&found), ["opened in south"]);
}

#[test]
fn an_extension_that_is_approved_after_the_season_ended_makes_a_case_of_who_stands_inside() {
    let mut stage = Stage::at("2026-06-16T08:00:00+08:00");
    assert_eq!(cases(&graze(&mut stage)), [] as [&str; 0]);
    let found = decide(&mut stage, "2026-06-30");
    assert_eq!(words(&found), ["opened in south"]);
    let What::Opened(case) = &found[0] else { panic!() };
    assert_eq!(case.closure.legal_basis, "K 二(一)1; 克草字〔2026〕12号");
    assert_eq!(case.closure.until, Timestamp::parse_legal("2026-07-01"));
    assert!(case.evidence.starts_with("the zones or closures changed"), "{}", case.evidence);
}

#[test]
fn a_season_that_is_shortened_ends_its_cases() {
    let mut stage = Stage::at("2026-06-10T08:00:00+08:00");
    let mut found = graze(&mut stage);
    found.extend(decide(&mut stage, "2026-06-09"));
    assert_eq!(cases(&found), ["opened in south", "ended in south"]);
}
