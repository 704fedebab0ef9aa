//! Fixed cameras: one that speaks and is well watches what its pose sees.
//!
//! In: a camera's word.   Out: marks in the ledger, of the word's own time.   Never: a mark after its last word; land behind a ridge;
//! what a head that turns looked at between two words, which nobody knows.
//!
//! What a pose sees is worked out when it is first needed and kept: a viewshed takes milliseconds.

use super::grid::{Grid, Place};
use super::ledger::{Ledger, seconds};
use super::lookout::{Glass, Lookout};
use super::settings::Settings;
use crate::place::{Attitude, Base, Errors, Eye, Lens};
use crate::world::World;
use model::{Body, Device, DeviceId, Flaw, HeartbeatStatus, PanTilt, Pose, Reading, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Viewsheds that are kept; a head that turns has one for each degree it reports.
const VIEWS_MAX: usize = 1_024;
/// A camera that says much is heard once in this time.
const WORDS_EVERY_S: u32 = 10;
/// Cameras' heads say their zoom to many digits.
const ZOOM_STEPS: f64 = 10.0;

/// What is known of the cameras.
#[derive(Debug, Clone, Default)]
pub struct Cameras {
    pub(crate) states: BTreeMap<DeviceId, Camera>,
    views: HashMap<View, Seen>,
    /// Counts looks at the views, so that the one longest unused can go.
    looks: u64,
}

/// One camera.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Camera {
    /// Where its head looked, and when it said so.
    pub(crate) head: Option<(PanTilt, Timestamp)>,
    /// Whether it says that it is broken.
    pub(crate) broken: bool,
    /// What detection found wrong with it that makes it blind.
    pub(crate) flaws: BTreeSet<String>,
    /// The latest word that counted, seconds.
    pub(crate) heard_s: u32,
}

/// What a viewshed depends on besides the land: the camera, its pose bit for bit, its head in whole steps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct View {
    device: DeviceId,
    pose: [u64; 6],
    head: Option<(i64, i64, i64)>,
}

#[derive(Debug, Clone)]
struct Seen {
    points: Arc<[Place]>,
    looked_at: u64,
}

/// The land and what marks on it.
pub(crate) struct Land<'a> {
    pub(crate) world: &'a World,
    pub(crate) grid: &'a Grid,
    pub(crate) settings: &'a Settings,
    pub(crate) ledger: &'a mut Ledger,
}

/// Whether a camera with this flaw sees nothing of what it should.
pub(crate) fn blinds(flaw: Flaw) -> bool {
    matches!(flaw, Flaw::Fault | Flaw::FrozenPicture | Flaw::WrongPose | Flaw::Lens)
}

impl Cameras {
    /// What was known of them.
    pub(crate) fn of(states: BTreeMap<DeviceId, Camera>) -> Self {
        Self { states, ..Self::default() }
    }

    /// A camera said something.
    pub(crate) fn speaks(&mut self, device: &Device, reading: &Reading, land: &mut Land<'_>) {
        let at = reading.happened_at().min(reading.received_at.0);
        let camera = self.states.entry(device.id.clone()).or_default();
        if let Body::Heartbeat(heartbeat) = &reading.body {
            camera.broken = heartbeat.status.map_or(camera.broken, |status| status == HeartbeatStatus::Fault);
            if let Some(head) = heartbeat.pan_tilt.filter(|_| camera.head.is_none_or(|(_, known)| known <= at)) {
                if camera.head.is_none_or(|(known, _)| known != head) {
                    camera.heard_s = 0;
                }
                camera.head = Some((head, at));
            }
        }
        let at_s = seconds(at);
        let is_blind = camera.broken || !camera.flaws.is_empty() || land.world.is_in_maintenance(device, at);
        if is_blind || at_s.abs_diff(camera.heard_s) < WORDS_EVERY_S {
            return;
        }
        camera.heard_s = camera.heard_s.max(at_s);
        let head = match camera.head {
            None => None,
            Some((head, said)) if at.since(said) <= device.patience() && said <= at => Some(head),
            // It turns, and did not say where to.
            Some(_) => return,
        };
        for place in self.view(device, head, land).iter() {
            land.ledger.mark(*place, at_s);
        }
    }

    /// Detection found something wrong with a camera, or that it is over.
    pub(crate) fn flawed(&mut self, device: &DeviceId, flaw: Flaw, is_so: bool) {
        if !blinds(flaw) {
            return;
        }
        let flaws = &mut self.states.entry(device.clone()).or_default().flaws;
        if is_so {
            flaws.insert(flaw.as_str().to_owned());
        } else {
            flaws.remove(flaw.as_str());
        }
    }

    /// The land or the relief is another one.
    pub(crate) fn forget_views(&mut self) {
        self.views.clear();
    }

    /// Devices that are registered no more.
    pub(crate) fn retain(&mut self, world: &World) {
        self.states.retain(|id, _| world.device(id).is_some());
    }

    fn view(&mut self, device: &Device, head: Option<PanTilt>, land: &Land<'_>) -> Arc<[Place]> {
        let Some((pose, place)) = device.pose.zip(device.place) else { return Arc::default() };
        let head = head.map(|head| {
            (
                head.pan_deg.round() as i64,
                head.tilt_deg.round() as i64,
                (head.zoom.max(1.0) * ZOOM_STEPS).round() as i64,
            )
        });
        let numbers = [place.lat_deg(), place.lon_deg(), pose.height_m, pose.yaw_deg, pose.pitch_deg, pose.hfov_deg];
        let view = View { device: device.id.clone(), pose: numbers.map(f64::to_bits), head };
        self.looks += 1;
        if let Some(seen) = self.views.get_mut(&view) {
            seen.looked_at = self.looks;
            return Arc::clone(&seen.points);
        }
        let points: Arc<[Place]> = viewshed(device, pose, head, land).into();
        if self.views.len() >= VIEWS_MAX {
            let unused = self.views.iter().min_by_key(|(_, seen)| seen.looked_at).map(|(view, _)| view.clone());
            unused.and_then(|view| self.views.remove(&view));
        }
        self.views.insert(view, Seen { points: Arc::clone(&points), looked_at: self.looks });
        points
    }
}

/// The points that a pose sees.
fn viewshed(device: &Device, pose: Pose, head: Option<(i64, i64, i64)>, land: &Land<'_>) -> Vec<Place> {
    let head = head.map(|(pan, tilt, zoom)| PanTilt {
        pan_deg: pan as f64,
        tilt_deg: tilt as f64,
        zoom: zoom as f64 / ZOOM_STEPS,
    });
    let none = Errors { pan_deg: 0.0, tilt_deg: 0.0, height_m: 0.0, position_m: 0.0 };
    let Ok(eye) = Eye::of_camera(device, head, none) else { return Vec::new() };
    let glass = Glass::new(pose.hfov_deg, head.map_or(1.0, |head| head.zoom));
    let lookout = of_eye(&eye, glass, land);
    let mut points = Vec::new();
    land.grid.near(eye.position, lookout.range_m, |place, position| {
        if lookout.sees(position, land.world.terrain()) {
            points.push(place);
        }
    });
    points
}

/// A lookout where an eye is.
pub(crate) fn of_eye(eye: &Eye, glass: Glass, land: &Land<'_>) -> Lookout {
    Lookout {
        position: eye.position,
        height_m: eye.height_m,
        elevation_m: eye.elevation_m(land.world.terrain()),
        attitude: eye.attitude,
        glass,
        range_m: glass.range_m(land.settings),
        animal_m: land.settings.animal_m,
    }
}

/// An eye of a drone.
pub(crate) fn drone_eye(position: model::Position, height_m: f64, base: Base, attitude: Attitude) -> Eye {
    let errors = Errors { pan_deg: 0.0, tilt_deg: 0.0, height_m: 0.0, position_m: 0.0 };
    // Its lens is the lookout's business.
    Eye { position, height_m, base, attitude, lens: Lens::new(FLAT_DEG, 1.0), errors }
}

/// Any lens will do where only the height is asked for.
const FLAT_DEG: f64 = 60.0;
