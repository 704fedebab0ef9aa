use super::*;
use crate::{FeatureOutcome, ImportOptions, Period};
use model::{Authority, GeoPoint, LandClass, Polygon, Zone, ZoneId, ZoneKind};
use proptest::prelude::*;

/// One version: in force from, to, known from; a repeal where it has no land.
#[derive(Debug, Clone, Copy)]
struct Written {
    from: i64,
    to: Option<i64>,
    known: i64,
    repeal: bool,
}

fn redraw(from: i64, to: Option<i64>, known: i64) -> Written {
    Written { from, to, known, repeal: false }
}

fn repeal(from: i64, known: i64) -> Written {
    Written { from, to: None, known, repeal: true }
}

fn ms(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn zone_id() -> ZoneId {
    ZoneId::parse("a").unwrap()
}

/// Land of its own for each version.
fn draft(number: usize) -> crate::ZoneDraft {
    let (west, south) = (1_170_000_000 + number as i32, 430_000_000);
    let corner = |lon_e7, lat_e7| GeoPoint { lon_e7, lat_e7 };
    crate::ZoneDraft {
        id: zone_id(),
        name: format!("{number}"),
        kind: ZoneKind::NoGrazing,
        land_class: LandClass::Grassland,
        township: None,
        enforcement_body: None,
        legal_basis: String::new(),
        area_mu: None,
        capacity_sheep_units: None,
        repairs: vec![],
        polygons: vec![Polygon {
            exterior: vec![corner(west, south), corner(west + 1_000, south), corner(west, south + 1_000)],
            holes: vec![],
        }],
    }
}

/// Publishes the versions, each at its time; how many were taken, since what says nothing new is none.
fn publish(fixture: &Fixture, versions: &[Written]) -> Vec<Written> {
    let mut taken = Vec::new();
    for (index, version) in versions.iter().enumerate() {
        fixture.clock.set(ms(version.known));
        let done = if version.repeal {
            fixture.registry.repeal_zone(&zone_id(), ms(version.from), "li", "撤销").is_ok()
        } else {
            let (in_force, in_force_to) = (Some(ms(version.from)), version.to.map(ms));
            let options = ImportOptions { in_force, in_force_to, ..ImportOptions::default() };
            fixture.registry.publish_zones(vec![draft(index)], options, "li", "重划").unwrap().published() == 1
        };
        if done {
            taken.push(*version);
        }
    }
    taken
}

fn answer(registry: &Registry, t: i64, k: i64) -> Option<u32> {
    let zones = registry.zones_as_of(ms(t), ms(k)).unwrap();
    zones.first().map(|zone| zone.version)
}

/// (T, K) -> the version that decides, 0 for no zone.
#[track_caller]
fn check(versions: &[Written], answers: &[(i64, i64, u32)]) {
    let fixture = fixture();
    assert_eq!(publish(&fixture, versions).len(), versions.len());
    for (t, k, want) in answers {
        assert_eq!(answer(&fixture.registry, *t, *k).unwrap_or(0), *want, "T = {t}, K = {k}");
    }
}

#[test]
fn a_later_decision_wins_from_its_own_date_on_once_it_is_known() {
    let versions = [redraw(10, None, 10), redraw(30, None, 20)];
    check(&versions, &[(9, 99, 0), (10, 9, 0), (10, 10, 1), (29, 99, 1), (30, 99, 2), (30, 19, 1)]);
}

#[test]
fn a_retroactive_correction_changes_the_past_only_as_known_later() {
    let versions = [redraw(10, None, 10), redraw(5, None, 40)];
    check(&versions, &[(12, 39, 1), (12, 40, 2), (7, 39, 0), (7, 40, 2)]);
}

#[test]
fn whoever_corrects_a_zone_with_a_redraw_waiting_replaces_the_redraw_until_it_is_published_again() {
    let versions = [redraw(10, None, 10), redraw(50, None, 20), redraw(10, None, 30), redraw(50, None, 40)];
    check(&versions, &[(20, 29, 1), (20, 30, 3), (60, 29, 2), (60, 35, 3), (60, 40, 4), (20, 40, 3)]);
}

#[test]
fn after_an_interval_with_an_end_the_older_version_holds_again() {
    let versions = [redraw(10, None, 10), redraw(20, Some(30), 15)];
    check(&versions, &[(19, 99, 1), (20, 99, 2), (29, 99, 2), (30, 99, 1)]);
}

#[test]
fn a_repealed_zone_is_none_from_its_date_on_and_can_come_back() {
    let versions = [redraw(10, None, 10), repeal(30, 20), redraw(50, Some(60), 40)];
    check(&versions, &[(29, 99, 1), (30, 19, 1), (30, 20, 0), (49, 99, 0), (50, 39, 0), (50, 40, 3), (60, 99, 0)]);
}

#[test]
fn the_view_follows_beginnings_ends_and_repeals_on_their_day() {
    let fixture = fixture();
    publish(&fixture, &[redraw(10, None, 10), redraw(20, Some(30), 11), repeal(40, 12)]);
    let other = fixture.another();
    let held = || other.view().borrow().zones.first().map(|zone| zone.version);
    assert_eq!(held(), Some(1));
    for (now, changes, want) in
        [(19, false, Some(1)), (20, true, Some(2)), (29, false, Some(2)), (30, true, Some(1)), (40, true, None)]
    {
        fixture.clock.set(ms(now));
        assert_eq!((other.refresh().unwrap(), held()), (changes, want), "{now}");
    }
}

#[test]
fn each_version_tells_when_it_decides_and_since_when_it_never_does() {
    let fixture = fixture();
    publish(&fixture, &[redraw(10, None, 10), redraw(20, Some(30), 15), repeal(40, 25)]);
    let periods = |known: i64| -> Vec<_> {
        let versions = fixture.registry.zone_versions_as_of(&zone_id(), ms(known)).unwrap();
        versions.into_iter().map(|one| (one.repealed, one.decides.clone(), one.known_to, one.in_force_to())).collect()
    };
    let period = |from, to: Option<i64>| Period { from: ms(from), to: to.map(ms) };
    assert_eq!(periods(10), [(false, vec![period(10, None)], None, None)]);
    assert_eq!(
        periods(99),
        [
            (false, vec![period(10, Some(20)), period(30, Some(40))], None, Some(ms(40))),
            (false, vec![period(20, Some(30))], None, Some(ms(30))),
            (true, vec![period(40, None)], None, None),
        ]
    );
    publish(&fixture, &[redraw(0, None, 50)]);
    assert!(
        periods(99).iter().take(3).all(|(_, decides, known_to, _)| decides.is_empty() && *known_to == Some(ms(50)))
    );
}

#[test]
fn a_version_that_would_change_no_answer_is_none() {
    let fixture = fixture();
    let registry = &fixture.registry;
    let outcome = |number, from, to: Option<i64>| {
        let options = ImportOptions { in_force: Some(ms(from)), in_force_to: to.map(ms), ..ImportOptions::default() };
        let mut report = registry.publish_zones(vec![draft(number)], options, "li", "重划").unwrap();
        report.features.remove(0).outcome
    };
    assert_eq!(outcome(0, 10, None), FeatureOutcome::Published { version: 1 });
    assert_eq!(outcome(0, 20, Some(30)), FeatureOutcome::Unchanged { version: 1 });
    assert_eq!(outcome(0, 9, Some(30)), FeatureOutcome::Published { version: 2 });
    assert_eq!(outcome(1, 40, Some(50)), FeatureOutcome::Published { version: 3 });
    assert_eq!(outcome(0, 50, None), FeatureOutcome::Unchanged { version: 1 });
    assert_eq!(outcome(0, 30, None), FeatureOutcome::Published { version: 4 });
    let backwards = ImportOptions { in_force: Some(ms(9)), in_force_to: Some(ms(9)), ..ImportOptions::default() };
    check_message(
        &registry.publish_zones(vec![draft(0)], backwards, "li", "重划").unwrap_err(),
        &["in_force_to", "later"],
    );
}

#[test]
fn what_cannot_be_repealed_is_refused_and_a_reason_is_asked_for() {
    let Fixture { registry, .. } = &fixture();
    let repeal = |from, reason| registry.repeal_zone(&zone_id(), ms(from), "li", reason);
    check_message(&repeal(10, "撤销").unwrap_err(), &["zone `a` is not registered"]);
    registry.publish_zones(vec![draft(0)], ImportOptions::default(), "li", "重划").unwrap();
    check_message(&repeal(10, " ").unwrap_err(), &["reason", "why"]);
    assert_eq!(repeal(10, "撤销").unwrap(), 2);
    check_message(&repeal(20, "撤销").unwrap_err(), &["no such zone", "earlier date"]);
    let unnamed = registry.publish_zones(vec![draft(0)], ImportOptions::default(), "li", "").unwrap_err();
    check_message(&unnamed, &["reason", "why"]);
    assert_eq!(registry.audit(1).unwrap()[0].what, "zone.repeal a");
}

#[test]
fn what_a_version_says_of_its_papers_comes_back() {
    let fixture = fixture();
    let papers = crate::ZoneDraft {
        enforcement_body: Some(Authority::ForestrySquadron),
        legal_basis: "克政字〔2026〕29号".into(),
        area_mu: Some(1_234.5),
        capacity_sheep_units: Some(205),
        ..draft(0)
    };
    fixture.registry.publish_zones(vec![papers], ImportOptions::default(), "li", "五年重划").unwrap();
    let view = fixture.another().view().borrow().clone();
    let Zone { legal_basis, area_mu, capacity_sheep_units, reason, published_by, .. } = &*view.zones[0];
    assert_eq!(
        (legal_basis.as_str(), *area_mu, *capacity_sheep_units),
        ("克政字〔2026〕29号", Some(1_234.5), Some(205))
    );
    assert_eq!((reason.as_str(), published_by.as_str()), ("五年重划", "li"));
    assert_eq!(view.zones[0].authority(), Authority::ForestrySquadron);
}

fn history() -> impl Strategy<Value = Vec<Written>> {
    let one = (0_i64..12, prop::option::of(1_i64..6), 0_i64..3, prop::bool::weighted(0.25));
    prop::collection::vec(one, 1..7).prop_map(|list| {
        let mut known = 0;
        let rows = list.into_iter().map(|(from, length, pause, repeal)| {
            known += pause;
            Written { from, to: length.filter(|_| !repeal).map(|length| from + length), known, repeal }
        });
        rows.collect()
    })
}

proptest! {
    // Each case writes to a disk.
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_answer_is_what_looking_at_each_version_finds(versions in history()) {
        let fixture = fixture();
        let taken = publish(&fixture, &versions);
        for t in -1..20 {
            for k in -1..15 {
                let mut want = None;
                for (index, version) in taken.iter().enumerate() {
                    if version.known <= k && version.from <= t && version.to.is_none_or(|to| t < to) {
                        want = (!version.repeal).then_some(index as u32 + 1);
                    }
                }
                prop_assert_eq!(answer(&fixture.registry, t, k), want, "T = {}, K = {}", t, k);
            }
        }
    }
}

#[test]
fn the_land_of_the_last_weeks_is_at_hand_where_it_differs_from_that_of_now() {
    let fixture = fixture();
    let registry = &fixture.registry;
    let publish = |number: usize, from: &str, to: Option<&str>| {
        let options = ImportOptions { in_force: Some(at(from)), in_force_to: to.map(at), ..ImportOptions::default() };
        registry.publish_zones(vec![draft(number)], options, "li", "五年重划").unwrap();
    };
    let recent = || {
        let view = registry.view().borrow().clone();
        let lapsed = view.recent.lapsed.iter().map(|lapsed| (lapsed.zone.version, lapsed.from, lapsed.to));
        (lapsed.collect::<Vec<_>>(), view.recent.began.values().copied().collect::<Vec<_>>())
    };
    publish(1, "2025-01-01T00:00:00+08:00", None);
    assert_eq!(recent(), (vec![], vec![]), "it has been there for long");
    publish(2, "2026-03-20T00:00:00+08:00", None);
    let (first, second) = (at("2025-01-01T00:00:00+08:00"), at("2026-03-20T00:00:00+08:00"));
    assert_eq!(recent(), (vec![(1, first, second)], vec![second]));
    fixture.clock.set(at("2026-04-15T00:00:00+08:00"));
    registry.repeal_zone(&zone_id(), at("2026-04-10T00:00:00+08:00"), "li", "撤销").unwrap();
    let repealed = at("2026-04-10T00:00:00+08:00");
    assert_eq!(recent(), (vec![(2, second, repealed), (1, first, second)], vec![]), "the newest first");
    fixture.clock.set(at("2026-05-15T00:00:00+08:00"));
    let reopened = fixture.another().view().borrow().clone();
    assert!(reopened.recent.lapsed.is_empty(), "more than 30 days ago");
}

#[test]
fn a_zone_whose_first_version_states_no_date_is_taken_to_have_held_before_it_was_known() {
    let Fixture { registry, clock, .. } = &fixture();
    registry.publish_zones(vec![draft(1)], ImportOptions::default(), "li", "五年重划").unwrap();
    let recent = || registry.view().borrow().recent.clone();
    assert_eq!((recent().lapsed.len(), recent().began.len()), (0, 0));
    clock.set(at("2026-04-02T00:00:00+08:00"));
    registry.publish_zones(vec![draft(2)], ImportOptions::default(), "li", "更正").unwrap();
    assert_eq!((recent().lapsed.len(), recent().began.values().copied().collect::<Vec<_>>()), (1, vec![clock.now()]));
}
