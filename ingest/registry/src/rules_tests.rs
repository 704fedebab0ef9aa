use super::*;

const RULE: &str =
    "[[rule]]\nname = 'r'\nkinds = ['balance']\nlevel = 'warn'\nlegal_basis = 'x'\nfine_yuan_per_sheep_unit = 0\n";

#[track_caller]
fn check_refused(text: &str, words: &[&str]) {
    let message = parse(text).unwrap_err().to_string();
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
}

#[test]
fn the_shipped_calendar_closes_balance_land_from_april_to_mid_june_and_warns_in_march() {
    let rules = hexigten();
    let seasons: Vec<_> = rules
        .iter()
        .filter(|rule| rule.kinds.contains(&ZoneKind::Balance))
        .map(|rule| {
            let (from, to) = rule.season.unwrap();
            (from.month, from.day, to.month, to.day, rule.level, rule.fine_yuan_per_sheep_unit)
        })
        .collect();
    assert_eq!(seasons, [(4, 1, 6, 15, ClosureLevel::Enforce, 120), (3, 1, 3, 31, ClosureLevel::Warn, 0)]);
}

#[test]
fn the_shipped_calendar_always_closes_what_the_plan_bans_all_year_and_nothing_else() {
    let always: Vec<_> =
        hexigten().into_iter().filter(|rule| rule.season.is_none()).flat_map(|rule| rule.kinds).collect();
    use ZoneKind::{Forest, ForestFarm, NoGrazing, Overlap, Project, Reserve};
    assert_eq!(always, [NoGrazing, Project, Overlap, Forest, ForestFarm, Reserve]);
    let open = [ZoneKind::Meadow, ZoneKind::Checkpoint, ZoneKind::Jurisdiction];
    assert!(hexigten().iter().all(|rule| open.iter().all(|kind| !rule.kinds.contains(kind))));
}

#[test]
fn an_unknown_key_is_refused_with_the_keys_that_are_allowed() {
    check_refused(&format!("{RULE}until = '06-15'\n"), &["until", "season", "legal_basis"]);
}

#[test]
fn a_wrong_value_is_refused_with_key_value_and_remedy() {
    check_refused(&RULE.replace("'balance'", "'prairie'"), &["kinds", "`prairie`", "no-grazing"]);
    check_refused(&RULE.replace("'warn'", "'strict'"), &["level", "`strict`", "warn or enforce"]);
    check_refused(&RULE.replace("'x'", "' '"), &["legal_basis", "article"]);
    check_refused(&format!("{RULE}season = {{ from = '02-29', to = '03-05' }}"), &["season.from", "`02-29`"]);
    check_refused(&format!("{RULE}season = {{ from = '10-01', to = '03-05' }}"), &["season.to", "two rules"]);
    check_refused(&format!("{RULE}{RULE}"), &["`r`", "own name"]);
    check_refused("", &["0", "1 to 1000"]);
}

#[test]
fn a_rule_may_be_for_some_townships_zones_or_land_and_from_a_day_on() {
    let text = format!(
        "{RULE}townships = ['150425100']\nzones = ['zone-1']\nland_classes = ['sandy-land']\n\
         effective_from = '2026-01-01'\neffective_to = '2030-12-31'\n"
    );
    let rule = parse(&text).unwrap().remove(0);
    assert_eq!((rule.townships[0].as_str(), rule.zones[0].as_str()), ("150425100", "zone-1"));
    assert_eq!(rule.land_classes, [LandClass::SandyLand]);
    assert_eq!(
        (rule.effective_from, rule.effective_to),
        (LegalDate::parse("2026-01-01"), LegalDate::parse("2030-12-31"))
    );
    check_refused(&text.replace("sandy-land", "sand"), &["land_classes", "`sand`", "grassland"]);
    check_refused(&text.replace("150425100", "巴彦查干"), &["townships", "administrative code"]);
    check_refused(&text.replace("2026-01-01", "1 January"), &["effective_from", "2026-01-01"]);
    check_refused(&text.replace("2030", "2025"), &["effective_to", "after effective_from"]);
}
