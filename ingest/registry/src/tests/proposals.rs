use super::*;
use crate::{ImportOptions, MAX_OPEN_PROPOSALS, Proposal, ProposalState, Topic};
use model::ZoneId;

fn land(id: &str, east_deg: f64) -> String {
    format!(
        r#"{{"type":"Feature","properties":{{"id":"{id}","name":"一号","kind":"balance","legal_basis":"29号"}},
        "geometry":{{"type":"Polygon","coordinates":[[[117.0,43.0],[{east_deg},43.0],[117.1,43.1],[117.0,43.0]]]}}}}"#
    )
}

fn propose(registry: &Registry, text: &str) -> Proposal {
    registry.propose_zones(&survey_of(text), ImportOptions::default(), "li", "五年重划").unwrap().0
}

fn approve(registry: &Registry, id: u64, by: &str) -> Result<Proposal, crate::RegistryError> {
    registry.approve_proposal(Topic::Zones, id, by)
}

#[test]
fn an_import_that_was_proposed_is_published_when_another_person_approves_it() {
    let fixture = fixture();
    let registry = &fixture.registry;
    let proposal = propose(registry, &land("a", 117.1));
    check_message(&proposal.report, &["a", "version 1", "1 of 1"]);
    assert!(registry.view().borrow().zones.is_empty());
    check_message(&approve(registry, proposal.id, "li").unwrap_err(), &["another person"]);
    fixture.clock.set(at("2026-04-03T00:00:00+08:00"));
    assert_eq!(approve(&fixture.another(), proposal.id, "wang").unwrap().state, ProposalState::Approved);
    registry.refresh().unwrap();
    let zone = registry.view().borrow().zones[0].clone();
    assert_eq!(
        (zone.published_by.as_str(), zone.reason.as_str(), zone.legal_basis.as_str()),
        ("li", "五年重划", "29号")
    );
    assert_eq!((zone.known_from, zone.in_force_from), (fixture.clock.now(), fixture.clock.now()));
    let done: Vec<_> = registry.audit(3).unwrap().into_iter().map(|entry| (entry.who, entry.what)).collect();
    let by = |who: &str, what: &str| (who.to_owned(), what.to_owned());
    assert_eq!(done, [by("wang", "proposal.approve 1"), by("wang", "zone.publish a"), by("li", "proposal.add 1")]);
    registry.verify_audit().unwrap();
}

#[test]
fn a_proposal_made_on_a_version_that_is_not_the_newest_any_more_is_refused() {
    let fixture = fixture();
    let registry = &fixture.registry;
    let (first, second) = (propose(registry, &land("a", 117.1)), propose(registry, &land("a", 117.2)));
    approve(registry, first.id, "wang").unwrap();
    check_message(&approve(registry, second.id, "wang").unwrap_err(), &["version 1 by now", "propose again"]);
    assert_eq!(registry.proposals(Topic::Zones).unwrap()[0].state, ProposalState::Open);
    registry.decline_proposal(Topic::Zones, second.id, "li", "重新提交").unwrap();
    assert_eq!(registry.view().borrow().zones[0].version, 1);
}

#[test]
fn a_repeal_waits_for_a_second_person_too() {
    let fixture = fixture();
    let registry = &fixture.registry;
    registry.import_zones(&survey_of(&land("a", 117.1)), ImportOptions::default(), "li", "五年重划").unwrap();
    let id = ZoneId::parse("a").unwrap();
    let proposal = registry.propose_repeal(&id, at("2026-05-01T00:00:00+08:00"), "li", "撤销").unwrap();
    check_message(&proposal.report, &["zone a", "2026-05-01 00:00:00"]);
    approve(registry, proposal.id, "wang").unwrap();
    fixture.clock.set(at("2026-05-01T00:00:00+08:00"));
    registry.refresh().unwrap();
    assert!(registry.view().borrow().zones.is_empty());
    let versions = registry.zone_versions(&id).unwrap();
    assert_eq!((versions[1].repealed, versions[1].zone.published_by.as_str()), (true, "li"));
}

#[test]
fn what_has_no_reason_or_says_nothing_new_is_not_proposed() {
    let Fixture { registry, .. } = &fixture();
    let refused = |reason: &str| {
        registry
            .propose_zones(&survey_of(&land("a", 117.1)), ImportOptions::default(), "li", reason)
            .unwrap_err()
            .to_string()
    };
    check_message(&refused(""), &["reason", "why"]);
    registry.import_zones(&survey_of(&land("a", 117.1)), ImportOptions::default(), "li", "五年重划").unwrap();
    check_message(&refused("再次"), &["nothing to propose"]);
}

#[test]
fn proposals_are_bounded_in_number_and_an_old_number_is_not_given_again() {
    let Fixture { registry, .. } = &fixture();
    for number in 0..MAX_OPEN_PROPOSALS {
        assert_eq!(propose(registry, &land(&format!("z{number}"), 117.1)).id, number + 1);
    }
    let full = registry
        .propose_zones(&survey_of(&land("more", 117.1)), ImportOptions::default(), "li", "五年重划")
        .unwrap_err();
    check_message(&full, &["at most 100 open proposals"]);
    registry.decline_proposal(Topic::Zones, MAX_OPEN_PROPOSALS, "wang", "不同意").unwrap();
    assert_eq!(propose(registry, &land("more", 117.1)).id, MAX_OPEN_PROPOSALS + 1);
}
