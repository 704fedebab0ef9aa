use super::*;
use crate::{MASK_DAYS, MaskEntry, MaskState};
use model::{BoundingBox, IncidentId, MaskArea};
use std::time::Duration;

fn spot(x: f64) -> MaskArea {
    MaskArea::Picture { bounding_box: BoundingBox { x, y: 0.5, w: 0.1, h: 0.1 } }
}

fn propose(registry: &Registry, incident: &str, areas: &[MaskArea]) -> Vec<u64> {
    let areas: Vec<_> = areas.iter().map(|area| (id("camera-1"), *area, 3)).collect();
    registry.propose_masks(&IncidentId::parse(incident).unwrap(), &areas, "li").unwrap()
}

fn held(registry: &Registry) -> Vec<(u64, Timestamp, Timestamp)> {
    registry.view().borrow().masks.iter().map(|mask| (mask.id, mask.from, mask.to)).collect()
}

#[test]
fn a_false_alarm_proposes_each_spot_once_and_hides_nothing_by_itself() {
    let fixture = fixture();
    let head = MaskArea::Head { pan_deg: (10.0, 12.0), tilt_deg: (-8.0, -7.0), zoom: 4.0 };
    assert_eq!(propose(&fixture.registry, "inc-1", &[spot(0.1), spot(0.11), spot(0.5), head]).len(), 3);
    assert_eq!(propose(&fixture.registry, "inc-1", &[spot(0.1)]), [0; 0], "a command carried out twice");
    assert_eq!(propose(&fixture.registry, "inc-2", &[spot(0.105)]), [0; 0], "it is proposed already");
    assert_eq!(held(&fixture.registry), []);
    let masks = fixture.another().masks().unwrap();
    assert!(masks.iter().all(|mask| mask.state() == MaskState::Proposed && mask.times == 3));
    assert_eq!(masks.last().unwrap().area, spot(0.1), "newest first");
    assert_eq!(masks.first().unwrap().area, head, "angles come back as they were");
}

#[test]
fn a_person_applies_a_mask_with_a_reason_for_a_time_and_what_it_was_stays_known() {
    let fixture = fixture();
    let [mask] = propose(&fixture.registry, "inc-1", &[spot(0.1)])[..] else { panic!("one is proposed") };
    let registry = &fixture.registry;
    check_message(&registry.apply_mask(mask, MASK_DAYS, " ", "wang").unwrap_err(), &["reason", "say why"]);
    check_message(&registry.apply_mask(mask, 0, "a boulder", "wang").unwrap_err(), &["days `0`", "1 to 366"]);
    check_message(&registry.apply_mask(99, 1, "a boulder", "wang").unwrap_err(), &["mask `99`"]);
    check_message(&registry.withdraw_mask(mask, "why not", "wang").unwrap_err(), &["is only proposed"]);
    let from = fixture.clock.now();
    registry.apply_mask(mask, MASK_DAYS, "a boulder", "wang").unwrap();
    let to = from.plus(Duration::from_secs(90 * 86_400));
    assert_eq!(held(registry), [(mask, from, to)]);
    check_message(&registry.decline_mask(mask, "no", "wang").unwrap_err(), &["is applied already"]);

    fixture.clock.set(fixture.clock.now().plus(Duration::from_secs(3_600)));
    let withdrawn = registry.withdraw_mask(mask, "the boulder is gone", "zhao").unwrap();
    assert_eq!(
        held(registry),
        [(mask, from, fixture.clock.now())],
        "it held until now, for whoever judges that time again"
    );
    let words = |mask: &MaskEntry| {
        let version = mask.versions.iter();
        version.map(|one| format!("{} {} {}", one.version, one.state.as_str(), one.by)).collect::<Vec<_>>()
    };
    assert_eq!(words(&withdrawn), ["1 proposed li", "2 applied wang", "3 withdrawn zhao"]);
    assert_eq!(words(&registry.masks().unwrap()[0]), words(&withdrawn));
    let audit: Vec<_> = registry.audit(3).unwrap().into_iter().map(|entry| entry.what).collect();
    assert_eq!(audit, ["mask.withdrawn 1", "mask.applied 1", "mask.propose inc-1"]);
    let raw = rusqlite::Connection::open(&fixture.path).unwrap();
    assert!(raw.execute("UPDATE mask_version SET to_ms = 0", []).is_err(), "versions are kept");
    assert!(raw.execute("DELETE FROM mask", []).is_err());
}

#[test]
fn what_was_declined_comes_back_with_another_false_alarm_only_and_what_is_over_likewise() {
    let fixture = fixture();
    let registry = &fixture.registry;
    let [first] = propose(registry, "inc-1", &[spot(0.1)])[..] else { panic!("one is proposed") };
    registry.decline_mask(first, "it was a sheep", "wang").unwrap();
    assert_eq!(held(registry), []);
    assert_eq!(propose(registry, "inc-1", &[spot(0.1)]), [0; 0]);
    let [second] = propose(registry, "inc-2", &[spot(0.1)])[..] else { panic!("it is proposed anew") };
    registry.apply_mask(second, 1, "a boulder", "wang").unwrap();
    assert_eq!(propose(registry, "inc-3", &[spot(0.1)]), [0; 0], "it is masked");
    fixture.clock.set(fixture.clock.now().plus(Duration::from_secs(2 * 86_400)));
    assert_eq!(propose(registry, "inc-4", &[spot(0.1)]).len(), 1, "its time is up");
}
