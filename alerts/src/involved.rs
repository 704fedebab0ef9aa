//! Whose animals a case is about.
//!
//! In: the marks that detection saw, and the ledger.   Out: the households, with which of their animals were recognised.
//! Pure. Joined here and not in detection (docs/adr/0016): a ledger that comes later names the household of a case that goes on,
//! and detection stays a function of what devices said.

use model::{AnimalMark, Case, Household, HouseholdId, Households, Involved};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Households named in a case; those with most animals stay.
const HOUSEHOLDS_MAX: usize = 8;

/// The households of a case's animals, the one with most of them first. An animal that the ledger no longer knows stays with
/// whom the case named before.
pub fn households(before: &[Involved], case: &Case, ledger: &Households) -> Vec<Involved> {
    let marks = &case.exhibits.animals;
    let before_of = |mark: &AnimalMark| {
        let involved = before.iter().find(|involved| involved.animals.contains(mark));
        involved.map(|involved| Arc::new(involved.household.clone()))
    };
    let mut found: BTreeMap<HouseholdId, (Arc<Household>, Vec<AnimalMark>)> = BTreeMap::new();
    for mark in marks {
        if let Some(household) = ledger.of(mark).map(Arc::clone).or_else(|| before_of(mark)) {
            let (_, animals) = found.entry(household.id.clone()).or_insert_with(|| (household, Vec::new()));
            animals.push(mark.clone());
        }
    }
    let mut involved: Vec<Involved> =
        found.into_values().map(|(household, animals)| Involved { household: (*household).clone(), animals }).collect();
    // Stable: of equals the one whose number comes first.
    involved.sort_by_key(|involved| std::cmp::Reverse(involved.animals.len()));
    involved.truncate(HOUSEHOLDS_MAX);
    involved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raise::tests::case;
    use model::{AnimalId, MarkKind, Stock};

    fn tag(id: &str) -> AnimalMark {
        AnimalMark { kind: MarkKind::EarTag, id: AnimalId::parse(id).unwrap() }
    }

    fn ledger(animals: &[(&str, &str)]) -> Households {
        let id = |name: &str| HouseholdId::parse(name).unwrap();
        let household = |name: &str| Household { id: id(name), name: name.into(), township: None, stock: Stock::Local };
        let households: Vec<_> = animals.iter().map(|(_, name)| household(name)).collect();
        Households::new(households, animals.iter().map(|(mark, name)| (tag(mark), id(name))))
    }

    fn seen(marks: &[&str]) -> Case {
        let mut case = case();
        case.exhibits.animals = marks.iter().map(|mark| tag(mark)).collect();
        case
    }

    fn words(involved: &[Involved]) -> Vec<(String, usize)> {
        involved.iter().map(|one| (one.household.id.to_string(), one.animals.len())).collect()
    }

    #[test]
    fn a_herd_of_several_households_names_each_the_one_with_most_animals_first() {
        let ledger = ledger(&[("1", "h-1"), ("2", "h-2"), ("3", "h-2")]);
        let found = households(&[], &seen(&["1", "2", "unknown", "3"]), &ledger);
        assert_eq!(words(&found), [("h-2".into(), 2), ("h-1".into(), 1)]);
        assert_eq!(households(&[], &seen(&["unknown"]), &ledger), []);
    }

    #[test]
    fn a_ledger_that_comes_later_names_them_and_one_that_forgets_takes_no_name_away() {
        let case = seen(&["1", "2"]);
        let found = households(&[], &case, &ledger(&[("1", "h-1")]));
        assert_eq!(words(&found), [("h-1".into(), 1)]);
        let later = households(&found, &case, &ledger(&[("2", "h-2")]));
        assert_eq!(words(&later), [("h-1".into(), 1), ("h-2".into(), 1)]);
        let sold = households(&later, &case, &ledger(&[("1", "h-3")]));
        assert_eq!(words(&sold), [("h-2".into(), 1), ("h-3".into(), 1)]);
    }
}
