//! A late spring in virtual time: the real detection, the real registry, and a person who decides.

use super::*;
use crate::worker::world_of;
use detect::{Engine, Settings};
use model::{
    Body, Clock, DeviceId, DeviceKind, DeviceTime, Measurement, Offset, Quantity, Reading, ReceivedAt, Timestamp, What,
    ZoneId,
};
use registry::{ImportOptions, NewDevice, ProposalState, Topic, household_rows};
use std::time::Duration;

const SEASON: &str = "草畜平衡区春季休牧 balance zone, rest period";
const LAND: &str = r#"{"type":"Feature","properties":{"id":"zone-1","name":"一号","kind":"balance","township":"150425100"},
    "geometry":{"type":"Polygon","coordinates":[[[117.0,43.0],[117.1,43.0],[117.1,43.1],[117.0,43.0]]]}}"#;
const STEP: Duration = Duration::from_secs(6 * 3_600);

struct Spring {
    registry: Registry,
    clock: Clock,
    engine: Engine,
    offset: u64,
    _folder: tempfile::TempDir,
}

impl Spring {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::parse_rfc3339("2026-03-01T00:00:00+08:00").unwrap());
        let registry = Registry::open(&folder.path().join("registry.db"), clock.clone()).unwrap();
        let survey =
            survey::read(&survey::Source::file("zones.geojson", LAND.as_bytes()), &survey::ReadOptions::default());
        registry.import_zones(&survey.unwrap(), ImportOptions::default(), "li", "五年重划").unwrap();
        for number in 1..=4 {
            let id = DeviceId::parse(&format!("station-{number}")).unwrap();
            let station = NewDevice { cadence: Some(STEP), ..NewDevice::new(id, DeviceKind::Station) };
            registry.add_device(station, "li").unwrap();
        }
        let ledger = "household,name,township,stock,collar\nh-1,巴特尔,150425100,local,collar-1\nh-1,,,,collar-2\nh-2,乌兰,150425200,local,collar-3\n";
        registry.import_households(&household_rows(ledger.as_bytes()).unwrap(), "li").unwrap();
        let world = world_of(&registry.view().borrow().clone(), None, &Arc::default());
        Self { engine: Engine::new(Settings::default(), world), registry, clock, offset: 0, _folder: folder }
    }

    fn take(&mut self, device: DeviceId, body: Body) -> Vec<What> {
        self.offset += 1;
        let now = self.clock.now();
        let reading = Reading {
            device,
            offset: Offset(self.offset),
            received_at: ReceivedAt(now),
            device_time: Some(DeviceTime(now)),
            seq: None,
            body,
        };
        self.engine.observe(&reading).into_iter().map(|finding| finding.what).collect()
    }

    /// Until a day, with grass that turns green on one; the proposals that were made.
    fn goes_on(&mut self, green: &str, until: &str) -> Vec<Proposal> {
        let (green, until) = (LegalDate::parse(green).unwrap(), LegalDate::parse(until).unwrap());
        let mut proposals = Vec::new();
        while let Some(today) = LegalDate::of(self.clock.now()).filter(|today| *today < until) {
            self.clock.set(self.clock.now().plus(STEP));
            self.take(DeviceId::platform(), Body::Clock);
            if let Some(late) = self.engine.take_late_green_up() {
                let view = self.registry.view().borrow().clone();
                proposals.extend(propose(&self.registry, &view, &late, &GreenUpSettings::default()).unwrap());
            }
            let grown = (f64::from(today.days_since(green)) / 40.0).clamp(0.0, 1.0);
            let warmed = (f64::from(today.days_since(green) + 20) / 60.0).clamp(0.0, 1.0);
            for number in 1..=4 {
                let noise = 0.001 * f64::from(u32::try_from(self.offset % 7).unwrap());
                let measured = |quantity, value| Measurement { quantity, value };
                let values = vec![
                    measured(Quantity::Ndvi, 0.12 + 0.33 * grown + noise),
                    measured(Quantity::SoilTemperatureC, -6.0 + 28.0 * warmed + noise),
                ];
                self.take(DeviceId::parse(&format!("station-{number}")).unwrap(), Body::Measurements(values));
            }
        }
        proposals
    }

    /// The last day on which the land is closed, as the law stands on that day.
    fn closed_until(&self) -> Option<String> {
        let view = self.registry.view().borrow().clone();
        let world = world_of(&view, Some(self.engine.world()), &Arc::default());
        let zone = view.zone(&ZoneId::parse("zone-1").unwrap()).unwrap();
        let closure = world.closure(zone, Timestamp::parse_rfc3339("2026-06-10T12:00:00+08:00").unwrap());
        closure.until.and_then(LegalDate::of)?.plus_days(-1).map(|last| last.to_string())
    }
}

#[test]
fn a_late_spring_ends_in_one_proposal_which_a_person_approves_and_the_rest_period_lasts_longer() {
    let mut spring = Spring::new();
    assert_eq!(spring.goes_on("2026-06-10", "2026-05-31"), [], "more than fifteen days are left");
    let proposals = spring.goes_on("2026-06-10", "2026-06-07");
    let [proposal] = proposals.as_slice() else { panic!("{proposals:?}") };
    assert_eq!((proposal.proposed_by.as_str(), proposal.state), (registry::PLATFORM, ProposalState::Open));
    assert!(
        proposal.report.starts_with("返青推迟：截至 2026-05-31，可判断的 4 个监测站中 0 个已返青"),
        "{}",
        proposal.report
    );
    for words in ["由 2026-06-15 延长至 2026-06-30（15 天）", "1 户", "2 头（只）", "station-1 未返青", SEASON]
    {
        assert!(proposal.report.contains(words), "{words}: {}", proposal.report);
    }
    let facts: Value = serde_json::from_str(proposal.evidence.as_ref().unwrap()).unwrap();
    assert_eq!((&facts["judged"], &facts["greened"], &facts["days"]), (&json!(4), &json!(0), &json!(15)));
    assert_eq!(facts["townships"][0]["households"], json!(1));
    assert!(facts["stations"][0]["ndvi"].as_f64().unwrap() < 0.2, "{facts}");
    assert_eq!(spring.closed_until().as_deref(), Some("2026-06-15"), "nothing is applied by itself");

    let listed = spring.registry.proposals(Topic::Closures).unwrap();
    assert_eq!(listed, proposals, "it is in the list as it was made");
    spring.registry.approve_proposal(Topic::Closures, proposal.id, "wang").unwrap();
    assert_eq!(spring.closed_until().as_deref(), Some("2026-06-30"));
    let view = spring.registry.view().borrow().clone();
    let world = world_of(&view, Some(spring.engine.world()), &Arc::default());
    spring.engine.set_world(world, Offset(spring.offset));
    assert_eq!(spring.goes_on("2026-07-20", "2026-07-10"), [], "the new end is near and brown too: no second proposal");
    spring.registry.verify_audit().unwrap();
}

#[test]
fn who_declines_is_not_asked_again_that_year() {
    let mut spring = Spring::new();
    let proposals = spring.goes_on("2026-06-10", "2026-06-03");
    spring.registry.decline_proposal(Topic::Closures, proposals[0].id, "wang", "雨已下").unwrap();
    assert_eq!((proposals.len(), spring.goes_on("2026-07-10", "2026-06-20")), (1, vec![]));
    assert_eq!(spring.closed_until().as_deref(), Some("2026-06-15"));
}

#[test]
fn an_ordinary_spring_proposes_nothing() {
    assert_eq!(Spring::new().goes_on("2026-04-28", "2026-07-01"), []);
}
