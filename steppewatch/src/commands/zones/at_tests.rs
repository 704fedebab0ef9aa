use super::*;
use crate::config::Config;
use model::Clock;
use registry::ImportOptions;

const LAND: &str = r#"{"type":"Feature","properties":{"id":"zone-1","name":"一号平衡区","kind":"balance","township":"150425100",
    "land_class":"grassland","legal_basis":"克政字〔2026〕29号"},
    "geometry":{"type":"Polygon","coordinates":[[[117.0,43.0],[118.0,43.0],[118.0,44.0],[117.0,44.0],[117.0,43.0]]]}}"#;

struct Fixture {
    registry: Registry,
    clock: Clock,
    _folder: tempfile::TempDir,
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_legal(text).unwrap()
}

/// A balance zone that was published in January and holds from February on.
fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(at("2026-01-10"));
    let registry = Registry::open(&folder.path().join("registry.db"), clock.clone()).unwrap();
    let options = ImportOptions { in_force: Some(at("2026-02-01")), ..ImportOptions::default() };
    let survey = survey::read(&survey::Source::file("land.geojson", LAND.as_bytes()), &Default::default()).unwrap();
    registry.import_zones(&survey, options, "li", "五年重划").unwrap();
    Fixture { registry, clock, _folder: folder }
}

fn found(registry: &Registry, lat: f64, lon: f64, t: &str, known: &str) -> Vec<String> {
    let position = position(lat, lon, Datum::Wgs84).unwrap();
    zones_as_of(registry, position, at(t), at(known)).unwrap().iter().map(paragraph).collect()
}

#[test]
fn a_place_tells_who_enforces_by_which_rule_and_since_when() {
    let fixture = fixture();
    assert_eq!(
        found(&fixture.registry, 43.5, 117.5, "2026-05-01", "2026-05-01"),
        [
            "zone-1 一号平衡区\n  类别 kind         草畜平衡区 balance, 草地 grassland\n  版本 version      1, 生效 in force since 2026-02-01 \
          00:00:00, 直至另行公布 until it is replaced\n  规则 rule         禁止放牧 grazing is banned: 草畜平衡区春季休牧 balance zone, \
          rest period, 至 until 2026-06-16 00:00:00\n  执法 enforced by  苏木乡镇人民政府 township government 150425100\n  \
          依据 legal basis  规则 rule: 克政字〔2026〕29号 二(一)1; 内蒙古自治区草畜平衡和禁牧休牧条例 第九条、第三十五条\n                    \
          区划 zone: 克政字〔2026〕29号"
        ]
    );
    let open = found(&fixture.registry, 43.5, 117.5, "2026-07-01", "2026-07-01").remove(0);
    assert!(open.contains("未封闭 open") && open.contains("规则 rule: 未载明 not stated"), "{open}");
}

#[test]
fn a_place_lies_in_no_zone_beside_it_before_it_held_and_before_it_was_known() {
    let Fixture { registry, .. } = &fixture();
    for (lat, lon, t, known) in [
        (43.5, 118.5, "2026-05-01", "2026-05-01"),
        (43.5, 117.5, "2026-01-31", "2026-05-01"),
        (43.5, 117.5, "2026-05-01", "2026-01-09"),
    ] {
        assert!(found(registry, lat, lon, t, known).is_empty(), "{lat} {lon} {t} {known}");
    }
}

#[test]
fn an_extension_and_a_repeal_show_in_the_answer_from_when_they_are_known() {
    let fixture = fixture();
    let registry = &fixture.registry;
    fixture.clock.set(at("2026-06-10"));
    let decision = registry::NewClosureDecision {
        rule: "草畜平衡区春季休牧 balance zone, rest period".into(),
        first: None,
        last: model::LegalDate::parse("2026-06-30").unwrap(),
        adds: false,
        townships: vec![],
        zones: vec![],
        legal_basis: "克草字〔2026〕12号".into(),
        reason: "返青推迟".into(),
    };
    registry.decide_closure(&decision, "li").unwrap();
    registry.repeal_zone(&model::ZoneId::parse("zone-1").unwrap(), at("2026-06-25"), "li", "撤销").unwrap();
    let answer = found(registry, 43.5, 117.5, "2026-06-20", "2026-06-10").remove(0);
    for words in ["第三十五条; 克草字〔2026〕12号", "至 until 2026-07-01 00:00:00", "至 until 2026-06-25 00:00:00"]
    {
        assert!(answer.contains(words), "{words}: {answer}");
    }
    let before = found(registry, 43.5, 117.5, "2026-06-20", "2026-06-09").remove(0);
    assert!(before.contains("未封闭 open") && before.contains("直至另行公布"), "{before}");
    assert!(found(registry, 43.5, 117.5, "2026-06-25", "2026-06-10").is_empty());
}

#[test]
fn a_place_from_a_consumer_map_is_moved_before_it_is_looked_up() {
    let moved = position(43.902009, 113.507503, Datum::Gcj02).unwrap();
    assert!((moved.lon_deg() - 113.5).abs() < 1e-5 && (moved.lat_deg() - 43.9).abs() < 1e-5);
    assert!(position(91.0, 117.0, Datum::Gcj02).is_err());
    assert!(!Config::parse("").unwrap().second_person);
}
