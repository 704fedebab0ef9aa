use super::*;
use model::{
    AnimalId, AnimalMark, CaseZone, Closure, ClosureLevel, EarlierIncident, Exhibits, Household, HouseholdId,
    IncidentId, Interval, MarkKind, Position, ReadingKind, Species, SpeciesCount, Stock, Timestamp, TownshipCode,
    Trigger, ZoneId,
};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_legal(text).unwrap()
}

fn mark(kind: MarkKind, id: &str) -> AnimalMark {
    AnimalMark { kind, id: AnimalId::parse(id).unwrap() }
}

fn case() -> Case {
    let device = |name: &str| DeviceId::parse(name).unwrap();
    Case {
        id: IncidentId::parse("inc-9").unwrap(),
        late: false,
        zones: vec![CaseZone { id: ZoneId::parse("z").unwrap(), name: "北坡禁牧区".into(), version: 3 }],
        township: TownshipCode::parse("150425200").ok(),
        authority: Authority::Township,
        closure: Closure {
            level: ClosureLevel::Enforce,
            rule: "禁牧区全年禁牧 no-grazing zone".into(),
            legal_basis: "条例第三十五条".into(),
            until: None,
            fine_yuan_per_sheep_unit: 120,
        },
        first_seen: at("2026-04-02T08:10:00+08:00"),
        last_seen: at("2026-04-02T08:31:12+08:00"),
        ended_at: None,
        position: Position::parse(43.3, 117.5).unwrap(),
        accuracy_m: 12.4,
        probability: 0.97,
        sightings_count: 8,
        species: vec![
            SpeciesCount {
                species: Species::Sheep,
                count: Interval { low: 34, high: 46 },
                young: Interval { low: 0, high: 0 },
            },
            SpeciesCount {
                species: Species::Cattle,
                count: Interval { low: 3, high: 3 },
                young: Interval { low: 0, high: 0 },
            },
        ],
        sheep_units: Interval { low: 49, high: 61 },
        devices: vec![device("cam-1"), device("drone-2")],
        exhibits: Exhibits::default(),
        apart_m: 118.6,
        trigger: Trigger {
            device: device("cam-1"),
            kind: ReadingKind::Sighting,
            seq: None,
            ts: at("2026-04-02T08:12:00+08:00"),
        },
        evidence: "3 sightings inside within 5 minutes".into(),
    }
}

fn incident(case: Case) -> Incident {
    Incident {
        case,
        status: IncidentStatus::Open,
        outcome: None,
        households: vec![],
        drill: false,
        earlier: vec![],
        timeline: vec![],
    }
}

#[test]
fn a_fresh_case_is_told_whole_who_saw_what_where_why_how_sure_and_by_which_law() {
    let told = of(&incident(case()));
    assert_eq!(
        told.zh,
        "2026-04-02 08:10:00 至 2026-04-02 08:31:12，cam-1、drone-2 共 8 次观测到绵羊 34 至 46 只、牛 3 头（折合 49 至 61 个羊单位）位于「北坡禁牧区」\
         （第 3 版）内，定位误差约 12 米，位于区内的概率 97%。立案依据：5 分钟内在区内观测到 3 次。各次观测归为同一畜群：时间相接，最近十分钟内的\
         位置距畜群中心不超过 119 米，牲畜走得到。该处当前适用「禁牧区全年禁牧」（条例第三十五条），由苏木乡镇人民政府执法；按每羊单位 120 元估算\
         罚款 5880 至 7320 元。目前尚无人签收。数量与罚款均为估算，须由执法人员核实。"
    );
    assert_eq!(
        told.en,
        "From 2026-04-02 08:10:00 to 2026-04-02 08:31:12 (Beijing time) cam-1, drone-2 saw 34 to 46 sheep and 3 cattle (49 to 61 sheep \
         units) 8 times inside \"北坡禁牧区\" (version 3); the position is good to about 12 m, and it is 97 % sure that it is inside. The \
         case was opened because of this: 3 sightings inside within 5 minutes. The sightings are taken for one herd: they follow each \
         other, and those of the last ten minutes lie within 119 m of its middle, which animals can walk. \"no-grazing zone\" \
         (条例第三十五条) holds there, enforced by the township government; at 120 yuan per sheep unit the fine is estimated at 5880 to \
         7320 yuan. Nobody has taken it yet. Numbers and fine are estimates that an officer must verify."
    );
}

#[test]
fn households_are_named_each_with_its_animals_and_its_year_so_far() {
    let tags = ["156001", "156002", "156003"].map(|id| mark(MarkKind::EarTag, id)).to_vec();
    let mut case = case();
    case.exhibits.animals =
        [tags.clone(), vec![mark(MarkKind::Collar, "collar-7"), mark(MarkKind::Face, "f-1")]].concat();
    let household = |id: &str, name: &str, stock| Household {
        id: HouseholdId::parse(id).unwrap(),
        name: name.into(),
        township: None,
        stock,
    };
    let (first, second) = (household("h-1", "其其格", Stock::Local), household("h-2", "王五", Stock::Outside));
    let earlier = EarlierIncident {
        id: IncidentId::parse("inc-1").unwrap(),
        household: first.id.clone(),
        first_seen: at("2026-02-01"),
        outcome: None,
    };
    let told = of(&Incident {
        households: vec![
            Involved { household: first, animals: tags },
            Involved { household: second, animals: vec![mark(MarkKind::Collar, "collar-7")] },
        ],
        earlier: vec![earlier],
        ..incident(case)
    });
    let zh = "牲畜走得到。识别出 3 头个体（耳标 156001、耳标 156002 等），属牧户「其其格」（h-1，本地牲畜）；该户本年度此前有 1 起记录。识别出 1 头个体\
              （项圈 collar-7），属牧户「王五」（h-2，外场牲畜）；该户本年度此前没有记录。另有 1 头可识别个体未登记到户。该处";
    assert!(told.zh.contains(zh), "{}", told.zh);
    let en = "Recognised: 3 animals (ear tag 156001, ear tag 156002 and others) of household \"其其格\" (h-1, local stock); it has 1 \
              earlier case this year. Recognised: 1 animal (collar collar-7) of household \"王五\" (h-2, outside stock); it has no \
              earlier case this year. Registered to no household: 1 animal that could be told apart. ";
    assert!(told.en.contains(en), "{}", told.en);
}

#[test]
fn what_followed_is_told_step_by_step_and_a_late_case_says_that_it_is_late() {
    let item = |at_text: &str, what: &str, by: Option<&str>, text: Option<&str>| TimelineItem {
        at: at(at_text),
        what: what.into(),
        by: by.map(str::to_owned),
        text: text.map(str::to_owned),
    };
    let timeline = vec![
        item("2026-04-02T08:12:00+08:00", "opened", None, Some("3 sightings")),
        item("2026-04-02T08:13:00+08:00", "acknowledged", Some("li"), None),
        item("2026-04-02T08:14:00+08:00", "comment", Some("li"), Some("called")),
        item("2026-04-02T08:15:00+08:00", "dispatched", Some("li"), Some("township")),
        item("2026-04-02T09:00:00+08:00", "ended", None, None),
        item("2026-04-02T10:00:00+08:00", "resolved", Some("wang"), Some("violation")),
    ];
    let late = Case { late: true, sightings_count: 1, ..case() };
    let told = of(&Incident { status: IncidentStatus::Resolved, timeline, ..incident(late) });
    let zh = "元。其后：2026-04-02 08:13:00 li 签收；2026-04-02 08:15:00 li 派往苏木乡镇人民政府；2026-04-02 09:00:00 畜群离开或不再被观测到；\
              2026-04-02 10:00:00 wang 结案：违规放牧。数量与罚款均为估算，须由执法人员核实。数据迟到，仅立案，不作紧急处置。";
    assert!(told.zh.ends_with(zh), "{}", told.zh);
    let en = "What followed: 2026-04-02 08:13:00 li took it; 2026-04-02 08:15:00 li sent the township government; 2026-04-02 09:00:00 the \
              herd left or was no longer seen; 2026-04-02 10:00:00 wang closed it as unlawful grazing. Numbers and fine are estimates that \
              an officer must verify. The data came late: this is a case, not an emergency.";
    assert!(told.en.ends_with(en), "{}", told.en);
    assert!(told.en.contains(" once inside ") && !told.en.contains("one herd"), "{}", told.en);
}

#[track_caller]
fn check(ids: &[&str], zh: &str, en: &str) {
    let ids: Vec<_> = ids.iter().map(|id| DeviceId::parse(id).unwrap()).collect();
    assert_eq!(devices(&ids), (zh.to_owned(), en.to_owned()));
}

#[test]
fn a_few_devices_are_named_and_many_are_counted() {
    check(&["cam-1", "cam-2"], "cam-1、cam-2 ", "cam-1, cam-2");
    check(&["c-1", "c-2", "c-3", "c-4", "c-5"], "c-1、c-2、c-3 等 5 台设备", "c-1, c-2, c-3 and 2 more");
}

#[test]
fn a_rule_in_two_languages_is_told_to_each_reader_in_their_own() {
    assert_eq!(halves("自然保护区禁牧 nature reserve"), ("自然保护区禁牧", "nature reserve"));
    for whole in ["自然保护区禁牧", "nature reserve", "A区禁牧", "-"] {
        assert_eq!(halves(whole), (whole, whole));
    }
}
