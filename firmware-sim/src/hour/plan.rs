//! Who there is, and what happens to whom.
//!
//! In:  a seed, by which devices are chosen and moments moved.   Out: the [`Hour`], its truth written as the harm is done.

use super::speak::{Script, Span, play};
use super::{About, Change, Hour, Registered, SECONDS, Truth};
use crate::rng::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

const TOWNSHIPS: usize = 5;
const MASTS: usize = 16;
const CAMERAS_ON_A_MAST: usize = 5;
const DEVICES: usize = 5_000;
/// Cadences, seconds.
const CAMERA_S: u64 = 60;
const DRONE_S: u64 = 60;
const DOCK_S: u64 = 30;
const STATION_S: u64 = 300;
const COLLAR_S: u64 = 900;
/// What people are promised: a silence is told after three cadences and five seconds, held back for a minute at most; the way may take a
/// minute and a half, and our own second hand two seconds.
const WAY_S: u64 = 92;
/// The mast that fails and stays so.
const FAILED_MAST: usize = 17;
/// When the platform is down.
const DOWN: Span = (2_800, 3_040);

fn silence_by(cadence_s: u64, from: u64) -> u64 {
    let by = from + WAY_S + 3 * cadence_s + 5 + cadence_s.min(60);
    // While the platform was down nobody's time ran; what was cut short by it is heard of so much later.
    if by > DOWN.0 && from < DOWN.1 { by + (DOWN.1 - DOWN.0) + 30 } else { by }
}

/// What is over is told with the next message, which may be late or lost.
fn over_by(cadence_s: u64, to: u64) -> u64 {
    let by = to + 2 * cadence_s + WAY_S;
    if by > DOWN.0 && to < DOWN.1 { by + (DOWN.1 - DOWN.0) + 30 } else { by }
}

struct Plan {
    rng: Rng,
    devices: Vec<Registered>,
    scripts: BTreeMap<Arc<str>, Script>,
    changes: Vec<(u64, Change)>,
    truth: Vec<Truth>,
    /// Cameras to which nothing has happened yet, by mast.
    spare: Vec<Vec<Arc<str>>>,
}

pub(super) fn make(seed: u64) -> Hour {
    let mut plan = Plan {
        rng: Rng::new(seed, "hour/plan"),
        devices: Vec::new(),
        scripts: BTreeMap::new(),
        changes: Vec::new(),
        truth: Vec::new(),
        spare: Vec::new(),
    };
    plan.people();
    plan.masts_and_links();
    plan.single_silences();
    plan.work();
    plan.flaws();
    plan.changes.sort_by_key(|(at, _)| *at);
    let said = play(seed, &plan.devices, &plan.scripts, DOWN);
    let Plan { devices, changes, truth, .. } = plan;
    Hour { devices, said, changes, restarts: vec![1_000, 1_333, 2_000], down: DOWN, truth }
}

fn code(township: usize) -> String {
    format!("1504251{township:02}")
}

fn site(number: usize) -> String {
    format!("mast-{number:02}")
}

impl Plan {
    fn register(&mut self, id: String, kind: &'static str, township: usize, cadence_s: u64) -> &mut Registered {
        let id = Arc::from(id);
        self.devices.push(Registered { id, kind, site: None, township: code(township), via: None, cadence_s });
        let last = self.devices.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "it was pushed just now")]
        &mut self.devices[last]
    }

    /// The fleet: masts with cameras and a station, docks with drones, concentrators with stations, and collars.
    fn people(&mut self) {
        for number in 0..TOWNSHIPS * MASTS {
            let township = number / MASTS;
            let mut spare = Vec::new();
            for camera in 0..CAMERAS_ON_A_MAST {
                let device = self.register(format!("cam-{number:02}-{camera}"), "camera", township, CAMERA_S);
                device.site = Some(site(number));
                spare.push(device.id.clone());
            }
            self.register(format!("st-{number:02}"), "station", township, STATION_S).site = Some(site(number));
            self.spare.push(spare);
        }
        for number in 0..50 {
            let township = number % TOWNSHIPS;
            let dock = self.register(format!("dock-{number:02}"), "gateway", township, DOCK_S).id.clone();
            self.register(format!("drone-{number:02}"), "drone", township, DRONE_S).via = Some(dock);
        }
        for number in 0..40 {
            let township = number % TOWNSHIPS;
            let hub = self.register(format!("hub-{number:02}"), "gateway", township, DOCK_S).id.clone();
            for child in 0..4 {
                let station = self.register(format!("soil-{number:02}-{child}"), "station", township, STATION_S);
                station.via = Some(hub.clone());
            }
        }
        for number in 0..20 {
            let id = self.register(format!("boxed-{number:02}"), "camera", number % TOWNSHIPS, CAMERA_S).id.clone();
            self.script(&id).is_mute = true;
        }
        for number in 0..DEVICES - self.devices.len() {
            self.register(format!("collar-{number:04}"), "collar", number % TOWNSHIPS, COLLAR_S);
        }
    }

    fn script(&mut self, device: &Arc<str>) -> &mut Script {
        self.scripts.entry(device.clone()).or_default()
    }

    /// A camera of a mast to which nothing has happened; the first four townships only, since the fifth is cut off.
    fn camera(&mut self) -> Arc<str> {
        loop {
            let mast = self.rng.whole(8, (4 * MASTS - 1) as u64) as usize;
            let Some(spare) = self.spare.get_mut(mast).filter(|_| mast != FAILED_MAST) else { continue };
            // One of a mast at most: two would have their mast in common.
            if spare.len() == CAMERAS_ON_A_MAST
                && let Some(camera) = spare.pop()
            {
                return camera;
            }
        }
    }

    fn moment(&mut self, from: u64, to: u64) -> u64 {
        self.rng.whole(from, to)
    }

    fn true_once(&mut self, about: About, from: u64, to: Option<u64>, told_by: u64, over_by: Option<u64>) {
        let in_time = |by: u64| if by < SECONDS { by } else { u64::MAX };
        let (told_by, over_by) = (in_time(told_by), over_by.map(in_time));
        self.truth.push(Truth { about, from, to, told_by, over_by, times: 1 });
    }

    /// Everything on it, or behind it, is gone.
    fn outage(
        &mut self,
        kind: &'static str,
        name: String,
        span: (u64, Option<u64>),
        is_of_it: impl Fn(&Registered) -> bool,
        keeps: bool,
    ) {
        let of_it: Vec<Registered> = self.devices.iter().filter(|device| is_of_it(device)).cloned().collect();
        let (from, to) = span;
        for device in &of_it {
            let quiet = (from, to.unwrap_or(SECONDS));
            let script = self.script(&device.id);
            if keeps { script.cut_off.push(quiet) } else { script.quiet.push(quiet) }
        }
        let news: Vec<&Registered> = of_it.iter().filter(|device| device.kind != "collar").collect();
        let slowest = news.iter().map(|device| device.cadence_s).max().unwrap_or_default();
        // Quick ones are missed first, and name the cause.
        let quickest = news.iter().map(|device| device.cadence_s).min().unwrap_or_default();
        let members = news.iter().map(|device| device.id.clone()).collect();
        let over = to.map(|to| over_by(slowest, to) + 120);
        self.true_once(About::Outage { kind, name, members }, from, to, silence_by(quickest.max(60), from), over);
    }

    fn masts_and_links(&mut self) {
        let mast = |number: usize| move |device: &Registered| device.site.as_deref() == Some(&site(number));
        let from = self.moment(600, 800);
        self.outage("site", site(0), (from, Some(from + 1_000)), mast(0), false);
        let from = self.moment(2_100, 2_300);
        self.outage("site", site(FAILED_MAST), (from, None), mast(FAILED_MAST), false);
        let behind =
            |hub: &'static str| move |device: &Registered| &*device.id == hub || device.via.as_deref() == Some(hub);
        let from = self.moment(500, 700);
        self.outage("gateway", "hub-01".to_owned(), (from, Some(from + 1_300)), behind("hub-01"), false);
        let from = self.moment(1_200, 1_400);
        self.outage("gateway", "dock-02".to_owned(), (from, Some(from + 700)), behind("dock-02"), true);
        let cut = code(4);
        let of_township = move |device: &Registered| device.township == cut && !device.id.starts_with("boxed");
        self.outage("township", code(4), (1_900, Some(2_500)), of_township, true);
    }

    fn single_silences(&mut self) {
        for _ in 0..12 {
            let camera = self.camera();
            let from = self.moment(300, 1_500);
            let to = from + self.moment(500, 900);
            self.script(&camera).quiet.push((from, to));
            self.true_once(
                About::Silence(camera),
                from,
                Some(to),
                silence_by(CAMERA_S, from),
                Some(over_by(CAMERA_S, to)),
            );
        }
        for _ in 0..4 {
            let (camera, from) = (self.camera(), self.moment(2_500, 2_790));
            self.script(&camera).quiet.push((from, SECONDS));
            self.true_once(About::Silence(camera), from, None, silence_by(CAMERA_S, from), None);
        }
        for number in [3, 8, 13] {
            let (station, from) = (Arc::from(format!("soil-{number:02}-0")), self.moment(400, 600));
            let to = 2_300;
            self.script(&station).quiet.push((from, to));
            let by = (silence_by(STATION_S, from), Some(over_by(STATION_S, to)));
            self.true_once(About::Silence(station), from, Some(to), by.0, by.1);
        }
        for _ in 0..10 {
            // Too short to be told.
            let (camera, from) = (self.camera(), self.moment(300, 2_500));
            self.script(&camera).quiet.push((from, from + 110));
        }
        let flapping = self.camera();
        for round in 0..4 {
            self.script(&flapping).quiet.push((1_000 + round * 450, 1_330 + round * 450));
        }
        self.truth.push(Truth {
            about: About::Silence(flapping),
            from: 1_000,
            to: Some(2_680),
            told_by: silence_by(CAMERA_S, 1_000),
            over_by: Some(u64::MAX),
            times: 2,
        });
        let (camera, from) = (self.camera(), 500);
        self.script(&camera).quiet.push((from, SECONDS));
        self.changes.push((1_500, Change::Disable(camera.clone())));
        self.true_once(About::Silence(camera), from, Some(1_500), silence_by(CAMERA_S, from), Some(1_503));
    }

    /// Two masts that somebody works on: on one all comes back before the end, on the other a camera does not.
    fn work(&mut self) {
        for (mast, until, back) in [(5, 2_400, true), (6, 1_800, false)] {
            self.changes.push((1_200, Change::Work { site: site(mast), until }));
            let of_it: Vec<Registered> =
                self.devices.iter().filter(|device| device.site == Some(site(mast))).cloned().collect();
            for device in &of_it {
                self.script(&device.id).quiet.push((1_300, 1_750));
            }
            let first = of_it.first().map(|device| device.id.clone()).filter(|_| !back);
            if let Some(camera) = first {
                self.script(&camera).quiet.push((1_300, SECONDS));
                self.true_once(About::Silence(camera), 1_300, None, silence_by(CAMERA_S, until), None);
            }
        }
    }

    fn flaw(&mut self, device: &Arc<str>, flaw: &'static str, span: (u64, Option<u64>), by: (u64, u64)) {
        let (from, to) = span;
        let (told_by, over) = (from + by.0 + WAY_S, to.map(|to| to + by.1 + WAY_S));
        let shifted = |at: u64| if at > DOWN.0 { at + DOWN.1 - DOWN.0 + 30 } else { at };
        let about = About::Flaw { device: device.clone(), flaw };
        self.true_once(about, from, to, shifted(told_by), over.map(shifted));
    }

    fn flaws(&mut self) {
        for _ in 0..5 {
            let (camera, from) = (self.camera(), self.moment(400, 700));
            let to = from + 1_300;
            self.script(&camera).frozen.push((from, to));
            self.flaw(&camera, "frozen_picture", (from, Some(to)), (13 * CAMERA_S, 4 * CAMERA_S));
        }
        for _ in 0..4 {
            let (camera, from) = (self.camera(), self.moment(500, 900));
            self.script(&camera).fault.push((from, from + 800));
            self.flaw(&camera, "fault", (from, Some(from + 800)), (2 * CAMERA_S, 2 * CAMERA_S));
        }
        for _ in 0..2 {
            let (camera, from) = (self.camera(), self.moment(800, 1_000));
            self.script(&camera).stuck.push((from, from + 900));
            self.flaw(&camera, "wrong_pose", (from, Some(from + 900)), (6 * CAMERA_S, 4 * CAMERA_S));
        }
        for number in [5, 10, 15] {
            let dock: Arc<str> = Arc::from(format!("dock-{number:02}"));
            self.script(&dock).full.push((500, 1_400));
            self.flaw(&dock, "storage", (500, Some(1_400)), (2 * DOCK_S, 2 * DOCK_S));
        }
        for number in [20, 21, 22, 23, 25] {
            let station: Arc<str> = Arc::from(format!("soil-{number:02}-1"));
            self.script(&station).battery = Some((60.0, 30.0));
            self.flaw(&station, "battery", (0, None), (3_000, 0));
        }
        for number in [100, 200, 300] {
            let collar: Arc<str> = Arc::from(format!("collar-{number:04}"));
            self.script(&collar).battery = Some((9.0, 1.0));
            self.flaw(&collar, "battery", (0, None), (2 * COLLAR_S, 0));
        }
        self.clocks();
    }

    /// Ahead a little, behind, so far ahead that nothing of what it says can be used, and put right after a while.
    fn clocks(&mut self) {
        for (wrong_s, to, told_by) in
            [(120, None, 300), (90, Some(1_500), 300), (-300, None, 1_700), (-240, None, 1_700), (900, None, 300)]
        {
            let camera = self.camera();
            self.script(&camera).clock = Some((wrong_s * 1_000, (0, to.unwrap_or(SECONDS))));
            self.flaw(&camera, "clock", (0, to), (told_by, 14 * CAMERA_S));
        }
    }
}
