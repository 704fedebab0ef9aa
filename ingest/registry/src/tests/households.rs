use super::*;
use crate::{HouseholdImport, RegistryError, household_rows};
use model::{AnimalId, AnimalMark, HouseholdId, MarkKind, Stock};

const LEDGER: &str = "household,name,township,stock,phone,ear_tag,collar,face_id
h-1,其其格,150425200,local,0476-1234567,156000000000001,collar-7,
h-2,外来户,,outside,,,,face-1
";

fn household(name: &str) -> HouseholdId {
    HouseholdId::parse(name).unwrap()
}

fn import(registry: &Registry, text: &str) -> HouseholdImport {
    registry.import_households(&household_rows(text.as_bytes()).unwrap(), "li").unwrap()
}

#[track_caller]
fn check_owner(registry: &Registry, kind: MarkKind, mark: &str, want: Option<&str>) {
    let view = registry.view().borrow().clone();
    let mark = AnimalMark { kind, id: AnimalId::parse(mark).unwrap() };
    assert_eq!(view.households.of(&mark).map(|household| household.name.as_str()), want);
}

#[test]
fn an_animal_is_known_by_each_of_its_marks_and_so_is_its_household() {
    let fixture = fixture();
    let done = import(&fixture.registry, LEDGER);
    assert_eq!(done, HouseholdImport { new: 2, animals_new: 3, ..HouseholdImport::default() });
    for (kind, mark) in [(MarkKind::EarTag, "156000000000001"), (MarkKind::Collar, "collar-7")] {
        check_owner(&fixture.registry, kind, mark, Some("其其格"));
    }
    check_owner(&fixture.registry, MarkKind::Face, "face-1", Some("外来户"));
    check_owner(&fixture.registry, MarkKind::EarTag, "face-1", None);
    let view = fixture.another().view().borrow().clone();
    let stocks: Vec<_> = view.households.all().map(|household| household.stock).collect();
    assert_eq!(stocks, [Stock::Local, Stock::Outside]);
}

#[test]
fn an_import_adds_changes_and_moves_and_forgets_nothing() {
    let fixture = fixture();
    import(&fixture.registry, LEDGER);
    assert_eq!(import(&fixture.registry, LEDGER), HouseholdImport { same: 2, ..HouseholdImport::default() });
    let sold = "household,name,township,stock,ear_tag\nh-2,外来户,150425200,local,156000000000001\n";
    let want = HouseholdImport { changed: 1, animals_moved: 1, ..HouseholdImport::default() };
    assert_eq!(import(&fixture.registry, sold), want);
    check_owner(&fixture.registry, MarkKind::EarTag, "156000000000001", Some("外来户"));
    check_owner(&fixture.registry, MarkKind::Collar, "collar-7", Some("其其格"));
    assert_eq!(fixture.registry.household_phone(&household("h-1"), "li").unwrap().as_deref(), Some("0476-1234567"));
}

#[test]
fn a_phone_is_read_by_name_only_and_the_audit_says_who_did_and_not_what_it_is() {
    let fixture = fixture();
    import(&fixture.registry, LEDGER);
    assert_eq!(fixture.registry.household_phone(&household("h-2"), "wang").unwrap(), None);
    assert!(fixture.registry.household_phone(&household("h-1"), "wang").unwrap().is_some());
    let audit = fixture.registry.audit(10).unwrap();
    assert_eq!((audit[0].who.as_str(), audit[0].what.as_str()), ("wang", "household.phone h-1"));
    assert!(audit.iter().all(|entry| !format!("{entry:?}").contains("1234567")));
    assert!(!format!("{:?}", fixture.registry.view().borrow()).contains("1234567"));
}

#[test]
fn a_household_that_is_removed_takes_its_animals_and_its_phone_along() {
    let fixture = fixture();
    import(&fixture.registry, LEDGER);
    fixture.registry.remove_household(&household("h-1"), "li").unwrap();
    check_owner(&fixture.registry, MarkKind::Collar, "collar-7", None);
    let error = fixture.registry.household_phone(&household("h-1"), "li").unwrap_err();
    assert!(matches!(error, RegistryError::NotFound { what: "household", .. }));
    import(&fixture.registry, "household,name,stock\nh-1,其其格,local\n");
    assert_eq!(fixture.registry.household_phone(&household("h-1"), "li").unwrap(), None, "the old number is gone");
}
