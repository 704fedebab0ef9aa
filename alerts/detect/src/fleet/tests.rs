use crate::testing::words;
use crate::{Engine, Settings, World};
use model::{
    Body, Device, DeviceId, DeviceKind, DeviceTime, Heartbeat, HeartbeatStatus, Maintenance, MaintenanceScope, Matter,
    Notice, Offset, OutageCause, Reading, ReceivedAt, Timestamp, TownshipCode, What,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// A fleet, a hand on the clock, and who speaks.
pub(crate) struct Steppe {
    engine: Engine,
    devices: Vec<Device>,
    maintenance: Vec<Maintenance>,
    start: Timestamp,
    second: u64,
    offset: u64,
    /// Devices that say nothing.
    mute: BTreeSet<String>,
    /// Second -> what was told, for all that ever was.
    told: Vec<(u64, What)>,
}

fn id(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

fn device(name: &str, kind: DeviceKind, cadence_s: u64) -> Device {
    Device { cadence: Duration::from_secs(cadence_s), ..Device::new(id(name), kind) }
}

fn camera(name: &str) -> Device {
    device(name, DeviceKind::Camera, 60)
}

fn on_site(device: Device, site: &str) -> Device {
    Device { site: Some(site.to_owned()), ..device }
}

fn in_township(device: Device, code: &str) -> Device {
    Device { township: Some(TownshipCode::parse(code).unwrap()), ..device }
}

impl Steppe {
    pub fn new(devices: Vec<Device>) -> Self {
        let start = Timestamp::parse_rfc3339("2026-11-22T00:00:00Z").unwrap();
        let engine = Engine::new(Settings::default(), Arc::new(World::without_zones(BTreeMap::new(), vec![])));
        let (maintenance, mute, told) = (Vec::new(), BTreeSet::new(), Vec::new());
        let mut steppe = Self { engine, devices, maintenance, start, second: 0, offset: 0, mute, told };
        steppe.register();
        steppe
    }

    fn now(&self) -> Timestamp {
        self.start.plus(Duration::from_secs(self.second))
    }

    /// The registry as it stands becomes the engine's.
    fn register(&mut self) {
        let devices = self.devices.iter().map(|device| (device.id.clone(), device.clone())).collect();
        let world = World::without_zones(devices, vec![]).with_maintenance(&Arc::new(self.maintenance.clone()));
        self.engine.set_world(Arc::new(world), Offset(self.offset));
    }

    fn take(&mut self, device: DeviceId, body: Body) {
        self.offset += 1;
        let reading = Reading {
            device,
            offset: Offset(self.offset),
            received_at: ReceivedAt(self.now()),
            device_time: Some(DeviceTime(self.now())),
            seq: Some(self.offset),
            body,
        };
        let found = self.engine.observe(&reading);
        self.told.extend(found.into_iter().map(|finding| (self.second, finding.what)));
    }

    fn beats(&mut self, name: &str) {
        let body = Body::Heartbeat(Heartbeat { status: Some(HeartbeatStatus::Ok), ..Heartbeat::default() });
        self.take(id(name), body);
    }

    /// Lets time pass: everybody who is not mute beats at its cadence, each at its own second of it. What was told meanwhile.
    fn run(&mut self, seconds: u64) -> Vec<String> {
        let before = self.told.len();
        for _ in 0..seconds {
            self.second += 1;
            for number in 0..self.devices.len() {
                let (name, cadence_s) = (self.devices[number].id.to_string(), self.devices[number].cadence.as_secs());
                if (self.second + 7 * number as u64).is_multiple_of(cadence_s) && !self.mute.contains(&name) {
                    self.beats(&name);
                }
            }
            self.take(DeviceId::platform(), Body::Clock);
        }
        self.told[before..].iter().map(|(_, what)| word(what)).collect()
    }

    fn mute(&mut self, names: &[&str]) {
        self.mute.extend(names.iter().map(|name| (*name).to_owned()));
    }

    fn speak(&mut self, names: &[&str]) {
        self.mute.retain(|name| !names.contains(&name.as_str()));
    }

    fn works_on(&mut self, scope: MaintenanceScope, seconds: u64) {
        let (from, until) = (self.now(), self.now().plus(Duration::from_secs(seconds)));
        let by = "admin".to_owned();
        self.maintenance.push(Maintenance { id: 1, scope, from, until, reason: "new mast".to_owned(), by });
        self.register();
    }

    /// A restart from what was saved.
    fn restart(&mut self) {
        let saved = self.engine.save();
        self.engine = Engine::restore(Settings::default(), Arc::clone(self.engine.world()), &saved).unwrap();
        assert_eq!(self.engine.save(), saved);
    }
}

/// In words, with what an outage is of and how many it names.
fn word(what: &What) -> String {
    let outage = |notice: &Notice| match &notice.matter {
        Matter::Outage(cause) => format!("{cause} ({})", notice.devices_count),
        matter => matter.code().to_owned(),
    };
    match what {
        What::Begun(notice) => format!("begun {}", outage(notice)),
        What::Changed(notice) => format!("changed {}", outage(notice)),
        What::Over(notice) => format!("over {}", outage(notice)),
        other => words(std::slice::from_ref(other)).remove(0),
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn one_silence_is_told_within_its_patience_and_a_minute_and_its_end_at_once() {
    let mut steppe = Steppe::new(vec![camera("cam-1"), camera("cam-2"), device("st-1", DeviceKind::Station, 300)]);
    assert_eq!(steppe.run(600), NOTHING);
    steppe.mute(&["cam-1"]);
    assert_eq!(steppe.run(60 + 185 + 62), ["cam-1 silent"]);
    let What::Silent { last_seen, deadline, .. } = steppe.told[0].1.clone() else { panic!() };
    assert_eq!(deadline, last_seen.plus(Duration::from_secs(185)));
    let told_at = steppe.start.plus(Duration::from_secs(steppe.told[0].0));
    assert!(told_at.since(deadline) <= Duration::from_secs(61), "held back no longer than a cadence of its own");
    assert_eq!(steppe.run(3_600), NOTHING, "told once");
    steppe.speak(&["cam-1"]);
    assert_eq!(steppe.run(60), ["cam-1 back"]);
}

#[test]
fn a_device_that_speaks_while_its_silence_is_held_back_was_never_silent() {
    let mut steppe = Steppe::new(vec![camera("cam-1")]);
    steppe.run(60);
    steppe.mute(&["cam-1"]);
    steppe.run(200);
    steppe.speak(&["cam-1"]);
    assert_eq!(steppe.run(600), NOTHING);
}

#[test]
fn a_camera_that_comes_and_goes_for_an_hour_is_told_of_twice_at_most() {
    let mut steppe = Steppe::new(vec![camera("cam-1"), camera("cam-2")]);
    steppe.run(60);
    let mut told = Vec::new();
    for _ in 0..9 {
        steppe.mute(&["cam-1"]);
        told.extend(steppe.run(300));
        steppe.speak(&["cam-1"]);
        told.extend(steppe.run(100));
    }
    assert_eq!(told, ["cam-1 silent", "cam-1 back", "cam-1 silent"]);
    assert_eq!(steppe.run(400), ["cam-1 back"], "steady for five minutes");
    assert_eq!(steppe.run(3_600), NOTHING);
}

#[test]
fn time_in_which_the_platform_was_down_counts_for_nobody() {
    let mut steppe = Steppe::new(vec![camera("cam-1"), camera("cam-2")]);
    steppe.run(120);
    steppe.mute(&["cam-1", "cam-2"]);
    steppe.run(30);
    steppe.restart();
    steppe.second += 1_800;
    assert_eq!(steppe.run(90), NOTHING, "nobody could be heard");
    steppe.speak(&["cam-1"]);
    assert_eq!(steppe.run(200), ["cam-2 silent"]);
}

#[test]
fn a_device_that_was_never_heard_is_never_silent() {
    let mut steppe = Steppe::new(vec![camera("cam-1"), camera("cam-2")]);
    steppe.mute(&["cam-1"]);
    assert_eq!(steppe.run(7_200), NOTHING);
}

#[test]
fn nothing_is_told_of_what_somebody_works_on_and_its_time_runs_from_the_end_of_the_work() {
    let mut steppe = Steppe::new(vec![on_site(camera("cam-1"), "mast-1"), camera("cam-2")]);
    steppe.run(120);
    steppe.works_on(MaintenanceScope::Site("mast-1".to_owned()), 1_800);
    steppe.mute(&["cam-1"]);
    assert_eq!(steppe.run(1_800 + 185), NOTHING);
    assert_eq!(steppe.run(70), ["cam-1 silent"]);
    steppe.works_on(MaintenanceScope::Device(id("cam-1")), 600);
    steppe.speak(&["cam-1"]);
    assert_eq!(steppe.run(600), NOTHING, "a silence that was told stays one notice while somebody works on it");
    assert_eq!(steppe.run(61), ["cam-1 back"]);
}

#[test]
fn work_that_ends_before_its_time_ends_for_the_devices_too() {
    let mut steppe = Steppe::new(vec![camera("cam-1"), camera("cam-2")]);
    steppe.run(120);
    steppe.works_on(MaintenanceScope::Device(id("cam-1")), 86_400);
    steppe.mute(&["cam-1"]);
    assert_eq!(steppe.run(1_000), NOTHING);
    steppe.maintenance.clear();
    steppe.register();
    assert_eq!(steppe.run(185), NOTHING);
    assert_eq!(steppe.run(70), ["cam-1 silent"]);
}

#[test]
fn a_device_that_is_shut_out_or_removed_is_silent_no_more() {
    let mut steppe = Steppe::new(vec![
        camera("cam-1"),
        on_site(camera("cam-2"), "mast-1"),
        on_site(camera("cam-3"), "mast-1"),
        camera("cam-4"),
    ]);
    steppe.run(120);
    steppe.mute(&["cam-1", "cam-2", "cam-3"]);
    assert_eq!(steppe.run(310), ["begun site-mast-1 (2)", "cam-1 silent"]);
    steppe.devices[0].disabled = true;
    steppe.devices.remove(1);
    steppe.register();
    assert_eq!(steppe.run(2), ["cam-1 back"]);
    steppe.speak(&["cam-3"]);
    assert_eq!(steppe.run(61), ["over site-mast-1 (1)"]);
    steppe.devices[0].disabled = false;
    steppe.register();
    assert_eq!(steppe.run(3_600), NOTHING, "let in again it is one that was never heard");
}

#[test]
fn a_mast_that_fails_is_one_outage_and_a_slow_station_on_it_joins_without_a_word() {
    let mast = ["cam-1", "cam-2", "cam-3", "st-1"];
    let mut devices: Vec<Device> = (1..=3).map(|n| on_site(camera(&format!("cam-{n}")), "mast-1")).collect();
    devices.push(on_site(device("st-1", DeviceKind::Station, 300), "mast-1"));
    devices.extend((4..=12).map(|n| on_site(camera(&format!("cam-{n}")), "mast-2")));
    let mut steppe = Steppe::new(devices);
    steppe.run(600);
    steppe.mute(&mast);
    assert_eq!(steppe.run(310), ["begun site-mast-1 (3)"]);
    assert_eq!(steppe.run(1_200), NOTHING);
    steppe.speak(&mast);
    assert_eq!(steppe.run(301), ["over site-mast-1 (4)"]);
    assert_eq!(steppe.run(3_600), NOTHING);
}

#[test]
fn slow_stations_of_one_mast_are_one_outage_though_their_deadlines_lie_apart() {
    let stations: Vec<Device> = (1..=4)
        .map(|n| on_site(device(&format!("st-{n}"), DeviceKind::Station, 300), "mast-1"))
        .chain((1..=9).map(|n| camera(&format!("cam-{n}"))))
        .collect();
    let names = ["st-1", "st-2", "st-3", "st-4"];
    let mut steppe = Steppe::new(stations);
    // Their beats lie seven seconds apart; let the first two miss one beat before the others do.
    steppe.run(600);
    steppe.mute(&names[..2]);
    steppe.run(150);
    steppe.mute(&names);
    let told = steppe.run(1_300);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("begun site-mast-1"), "{told:?}");
    steppe.speak(&names);
    assert_eq!(steppe.run(301), ["over site-mast-1 (4)"]);
}

#[test]
fn a_gateway_takes_those_it_speaks_for_with_it() {
    let child = |n: u32| Device { via: Some(id("dock-1")), ..device(&format!("drone-{n}"), DeviceKind::Drone, 60) };
    let mut devices = vec![device("dock-1", DeviceKind::Gateway, 30), child(1), child(2)];
    devices.extend((1..=5).map(|n| camera(&format!("cam-{n}"))));
    let mut steppe = Steppe::new(devices);
    steppe.run(120);
    steppe.mute(&["dock-1", "drone-1", "drone-2"]);
    let told = steppe.run(400);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("begun gateway-dock-1"), "{told:?}");
    steppe.speak(&["dock-1", "drone-1", "drone-2"]);
    assert_eq!(steppe.run(61), ["over gateway-dock-1 (3)"]);
}

#[test]
fn a_townships_link_is_one_outage_and_so_is_the_whole_fleets() {
    let cameras = |code: &'static str, from: u32| {
        (from..from + 8)
            .map(move |n| in_township(on_site(camera(&format!("cam-{n}")), &format!("mast-{}", n / 2)), code))
    };
    let devices: Vec<Device> = cameras("150425100", 10).chain(cameras("150425101", 20)).collect();
    let of_one: Vec<String> = devices[..8].iter().map(|device| device.id.to_string()).collect();
    let all: Vec<String> = devices.iter().map(|device| device.id.to_string()).collect();
    let (of_one, all): (Vec<_>, Vec<_>) =
        (of_one.iter().map(String::as_str).collect(), all.iter().map(String::as_str).collect());
    let mut steppe = Steppe::new(devices);
    steppe.run(120);
    steppe.mute(&of_one);
    assert_eq!(steppe.run(400), ["begun township-150425100 (8)"]);
    steppe.speak(&of_one);
    assert_eq!(steppe.run(61), ["over township-150425100 (8)"]);
    steppe.run(7_200);
    steppe.mute(&all);
    assert_eq!(steppe.run(400), ["begun fleet (16)"]);
    steppe.speak(&all);
    assert_eq!(steppe.run(61), ["over fleet (16)"]);
}

#[test]
fn when_most_are_back_the_rest_is_told_of_by_what_it_has_in_common() {
    let mut devices: Vec<Device> = (0..18).map(|n| camera(&format!("cam-{n}"))).collect();
    devices.extend((18..20).map(|n| on_site(camera(&format!("cam-{n}")), "mast-1")));
    let names: Vec<String> = devices.iter().map(|device| device.id.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut steppe = Steppe::new(devices);
    steppe.run(120);
    steppe.mute(&names);
    assert_eq!(steppe.run(400), ["begun fleet (20)"]);
    steppe.speak(&names[1..18]);
    assert_eq!(steppe.run(200), ["over fleet (20)", "begun site-mast-1 (2)", "cam-0 silent"]);
    steppe.speak(&names);
    assert_eq!(steppe.run(400), ["over site-mast-1 (2)", "cam-0 back"].map(str::to_owned), "{:?}", steppe.told);
}

#[test]
fn an_old_silence_neither_speaks_for_a_common_cause_nor_against_it() {
    let mast: Vec<Device> = (1..=3).map(|n| on_site(camera(&format!("cam-{n}")), "mast-1")).collect();
    let mut steppe = Steppe::new(mast.into_iter().chain((4..9).map(|n| camera(&format!("cam-{n}")))).collect());
    steppe.run(120);
    steppe.mute(&["cam-1"]);
    assert_eq!(steppe.run(7_200), ["cam-1 silent"]);
    steppe.mute(&["cam-2"]);
    assert_eq!(steppe.run(1_200), ["cam-2 silent"], "hours apart is no common cause");
    steppe.mute(&["cam-3", "cam-4"]);
    let mut told = steppe.run(400);
    told.sort_unstable();
    assert_eq!(told, ["cam-3 silent", "cam-4 silent"]);
}

/// Chance of its own, so that a failure can be played again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Which silences and outages go on after what was told; fails where one begins twice, or ends without having begun.
#[derive(Default)]
struct GoingOn {
    alone: BTreeSet<String>,
    outages: BTreeMap<String, BTreeSet<String>>,
    begun: BTreeSet<String>,
}

impl GoingOn {
    fn take(&mut self, what: &What) {
        match what {
            What::Silent { device, .. } => assert!(self.alone.insert(device.to_string()), "{what:?}"),
            What::Back { device, .. } => assert!(self.alone.remove(device.as_str()), "{what:?}"),
            What::Begun(notice) => {
                assert!(self.begun.insert(notice.id()), "the same beginning twice: {what:?}");
                self.outages.insert(notice.id(), BTreeSet::new());
            }
            What::Changed(notice) => assert!(self.outages.contains_key(&notice.id()), "{what:?}"),
            What::Over(notice) => assert!(self.outages.remove(&notice.id()).is_some(), "{what:?}"),
            _ => {}
        }
    }
}

#[test]
fn whoever_is_silent_for_long_is_in_exactly_one_notice_and_each_ends_once_whatever_happens() {
    for seed in 0..12 {
        let mut chance = Chance(seed);
        let devices: Vec<Device> = (0..30)
            .map(|n| {
                let cadence_s = [10, 60, 60, 300][chance.below(4) as usize];
                let device = device(&format!("d-{n:02}"), DeviceKind::Camera, cadence_s);
                let device = on_site(device, &format!("mast-{}", chance.below(8)));
                in_township(device, ["150425100", "150425101", "150425102"][chance.below(3) as usize])
            })
            .collect();
        let names: Vec<String> = devices.iter().map(|device| device.id.to_string()).collect();
        let sites: Vec<Option<String>> = devices.iter().map(|device| device.site.clone()).collect();
        let mut steppe = Steppe::new(devices);
        let mut going_on = GoingOn::default();
        let mut checked = 0;
        steppe.run(400);
        for _ in 0..40 {
            let some: Vec<&str> = match chance.below(6) {
                0 => names.iter().map(String::as_str).collect(),
                1 | 2 => {
                    let site = Some(format!("mast-{}", chance.below(8)));
                    names.iter().zip(&sites).filter(|(_, of)| **of == site).map(|(name, _)| name.as_str()).collect()
                }
                _ => vec![names[chance.below(30) as usize].as_str()],
            };
            if chance.below(2) == 0 {
                steppe.mute(&some)
            } else {
                steppe.speak(&some)
            }
            if chance.below(8) == 0 {
                steppe.restart();
            }
            steppe.run(chance.below(900));
            for (_, what) in &steppe.told[checked..] {
                going_on.take(what);
            }
            checked = steppe.told.len();
        }
        // Long enough for the slowest, and for an outage that ends for the others to be told of again.
        steppe.run(3_600);
        for (_, what) in &steppe.told[checked..] {
            going_on.take(what);
        }
        let members: Vec<String> = steppe
            .engine
            .state
            .fleet
            .outages
            .values()
            .flat_map(|outage| outage.members.iter().filter(|(_, member)| !member.is_back))
            .map(|(id, _)| id.to_string())
            .collect();
        let mut silent: Vec<String> = going_on.alone.iter().cloned().chain(members).collect();
        silent.sort_unstable();
        assert_eq!(silent, steppe.mute.iter().cloned().collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(going_on.outages.len(), steppe.engine.state.fleet.outages.len(), "seed {seed}");
        steppe.speak(&names.iter().map(String::as_str).collect::<Vec<_>>());
        steppe.run(1_800);
        let mut all = GoingOn::default();
        steppe.told.iter().for_each(|(_, what)| all.take(what));
        assert!(all.alone.is_empty() && all.outages.is_empty(), "seed {seed}: all are back");
    }
}

#[test]
fn the_order_of_messages_between_two_ticks_changes_nothing() {
    let play = |reversed: bool| {
        let devices: Vec<Device> =
            (0..12).map(|n| on_site(camera(&format!("cam-{n}")), &format!("m-{}", n / 4))).collect();
        let mut steppe = Steppe::new(devices);
        for second in 1..2_400_u64 {
            steppe.second = second;
            let mut speaking: Vec<usize> =
                (0..12).filter(|n| second.is_multiple_of(30) && !(*n < 5 && (500..1_200).contains(&second))).collect();
            if reversed {
                speaking.reverse();
            }
            for number in speaking {
                steppe.beats(&format!("cam-{number}"));
            }
            steppe.take(DeviceId::platform(), Body::Clock);
        }
        steppe.told
    };
    assert!(!play(false).is_empty());
    assert_eq!(play(false), play(true));
}

#[test]
fn a_restart_between_any_two_ticks_of_a_storm_changes_nothing_that_is_told() {
    let play = |restarts: bool| {
        let devices: Vec<Device> =
            (0..16).map(|n| on_site(camera(&format!("cam-{n}")), &format!("m-{}", n / 4))).collect();
        let names: Vec<String> = devices.iter().map(|device| device.id.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut steppe = Steppe::new(devices);
        for (step, second) in (0..1_500).step_by(7).enumerate() {
            match second {
                203 => steppe.mute(&names[..6]),
                700 => steppe.speak(&names[..3]),
                903 => steppe.speak(&names[..6]),
                _ => {}
            }
            steppe.run(7);
            if restarts && step % 2 == 0 {
                steppe.restart();
            }
        }
        (steppe.told, steppe.engine.save())
    };
    assert_eq!(play(false), play(true));
    assert!(play(false).0.len() >= 4);
}

#[test]
fn a_cause_is_named_by_its_kind_in_the_outages_of_the_state() {
    let causes = [
        OutageCause::Fleet,
        OutageCause::Township(TownshipCode::parse("150425100").unwrap()),
        OutageCause::Site("mast-1".to_owned()),
        OutageCause::Gateway(id("dock-1")),
    ];
    let mut sorted = causes.to_vec();
    sorted.sort_unstable();
    assert_eq!(sorted, causes, "widest first, as they are looked for");
}
