//! From a way to patrols: a drone's from start to landing, a ranger's until it pauses.
//!
//! In: where a drone or a ranger was.   Out: [`Patrol`]s that ended.   Never: one of a few steps; a longer list than is bounded; a
//! change of one that was told.
//!
//! What comes late joins the patrol of its own time while that is open, or makes one of its own.

use super::grid::{Grid, Place};
use crate::place::Sample;
use model::{Device, DeviceId, DeviceKind, Patrol, PatrolZone, Position, Timestamp, TownshipCode, Zone};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Open patrols of one device: the present one, and such as arrive late.
const OPEN_MAX: usize = 4;
/// Vertices of a patrol's line; past them every second goes.
const LINE_MAX: usize = 1_000;
/// From vertex to vertex at first, metres.
const LINE_STEP_M: f64 = 20.0;
/// Less is the receiver's noise, metres.
const STEP_M: f64 = 10.0;
/// Less is no patrol.
const WAY_MIN_M: f64 = 100.0;
const TIME_MIN: Duration = Duration::from_secs(30);

/// The patrols that go on, and those that ended since they were last asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Patrols {
    pub(crate) open: BTreeMap<DeviceId, Vec<Open>>,
    pub(crate) ended: Vec<(DeviceId, Open)>,
}

/// A patrol that goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    pub(crate) is_drone: bool,
    pub(crate) flight_id: Option<String>,
    pub(crate) start: Timestamp,
    /// The latest word of it, in the device's time.
    pub(crate) last: Timestamp,
    /// When we last heard of it.
    pub(crate) heard: Timestamp,
    /// When it last made a step.
    pub(crate) moved_at: Timestamp,
    pub(crate) distance_m: f64,
    /// Where it made its last step.
    pub(crate) anchor: Position,
    /// The latest sample, for the land between it and the next.
    pub(crate) sample: Sample,
    pub(crate) line: Vec<Position>,
    pub(crate) line_step_m: f64,
    /// Cells and which of their points it swept.
    pub(crate) points: HashMap<i64, u16>,
}

/// A word of a drone or a ranger.
pub(crate) struct Step<'a> {
    pub(crate) device: &'a Device,
    pub(crate) flight_id: Option<&'a str>,
    pub(crate) sample: Sample,
    pub(crate) heard: Timestamp,
    /// In the air, or on its feet.
    pub(crate) is_out: bool,
}

impl Open {
    fn new(step: &Step<'_>) -> Self {
        let Sample { at, position, .. } = step.sample;
        Self {
            is_drone: step.device.kind == DeviceKind::Drone,
            flight_id: step.flight_id.map(str::to_owned),
            start: at,
            last: at,
            heard: step.heard,
            moved_at: at,
            distance_m: 0.0,
            anchor: position,
            sample: step.sample,
            line: vec![position],
            line_step_m: LINE_STEP_M,
            points: HashMap::new(),
        }
    }

    fn is_of(&self, step: &Step<'_>, pause: Duration) -> bool {
        let at = step.sample.at;
        self.flight_id.as_deref() == step.flight_id && at <= self.last.plus(pause) && at >= self.start.minus(pause)
    }

    /// Takes the word in; the sample before it, if it goes on from there.
    fn take(&mut self, step: &Step<'_>) -> Option<Sample> {
        let Sample { at, position, .. } = step.sample;
        self.heard = self.heard.max(step.heard);
        if at < self.last {
            // It came late: where it was counts, the way there is told by the others.
            self.start = self.start.min(at);
            return None;
        }
        let before = std::mem::replace(&mut self.sample, step.sample);
        self.last = at;
        let step_m = self.anchor.distance_m(position);
        if step_m >= STEP_M {
            self.distance_m += step_m;
            (self.anchor, self.moved_at) = (position, at);
            self.draw(position);
        } else if self.distance_m == 0.0 && !self.is_drone {
            // Still at the door.
            (self.start, self.moved_at) = (at, at);
        }
        Some(before)
    }

    fn draw(&mut self, position: Position) {
        if self.line.last().is_some_and(|last| last.distance_m(position) < self.line_step_m) {
            return;
        }
        self.line.push(position);
        if self.line.len() > LINE_MAX {
            let mut is_kept = false;
            self.line.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
            self.line_step_m *= 2.0;
        }
    }

    /// It swept a point.
    pub(crate) fn sweep(&mut self, place: Place) {
        *self.points.entry(place.key).or_default() |= 1 << place.bit;
    }

    /// Whether it swept a point.
    pub(crate) fn has_swept(&self, place: Place) -> bool {
        self.points.get(&place.key).is_some_and(|mask| mask & (1 << place.bit) != 0)
    }

    /// A ranger's ends with the last step, a drone's with its last word.
    fn end(&self) -> Timestamp {
        if self.is_drone { self.last } else { self.moved_at }
    }

    fn is_worth_telling(&self) -> bool {
        self.distance_m >= WAY_MIN_M && self.end().since(self.start) >= TIME_MIN
    }
}

impl Patrols {
    /// The patrol that a word belongs to, begun if need be, and the sample before it; `None` on the ground.
    pub(crate) fn join(&mut self, step: &Step<'_>, pause: Duration) -> Option<(&mut Open, Option<Sample>)> {
        let at = step.sample.at;
        let open = self.open.entry(step.device.id.clone()).or_default();
        let mut place = open.iter().position(|patrol| patrol.is_of(step, pause));
        let is_over = |patrol: &Open| !patrol.is_drone && at.since(patrol.moved_at) > pause && patrol.distance_m > 0.0;
        let ends = match place.and_then(|place| open.get(place)) {
            Some(patrol) => (!step.is_out && at >= patrol.last) || is_over(patrol),
            None => false,
        };
        if let Some(found) = place.filter(|_| ends) {
            end(&mut self.ended, &step.device.id, open.remove(found));
            place = None;
        }
        if !step.is_out {
            return None;
        }
        if let Some(place) = place {
            let patrol = open.get_mut(place)?;
            let before = patrol.take(step);
            return Some((patrol, before));
        }
        // A new one: whatever came before it is over, what came late may still go on.
        while let Some(earlier) = open.iter().position(|patrol| patrol.last <= at) {
            end(&mut self.ended, &step.device.id, open.remove(earlier));
        }
        if open.len() >= OPEN_MAX {
            end(&mut self.ended, &step.device.id, open.remove(0));
        }
        open.push(Open::new(step));
        open.last_mut().map(|patrol| (patrol, None))
    }

    /// Time went on.
    pub(crate) fn tick(&mut self, now: Timestamp, pause: Duration) {
        for (device, open) in &mut self.open {
            while let Some(quiet) = open.iter().position(|patrol| now.since(patrol.heard) > pause) {
                end(&mut self.ended, device, open.remove(quiet));
            }
        }
        self.open.retain(|_, open| !open.is_empty());
    }

    /// What ended since this was last asked, with what it swept of the zones.
    pub(crate) fn take_ended(&mut self, grid: &Grid, zones: &[Arc<Zone>]) -> Vec<Patrol> {
        let ended = std::mem::take(&mut self.ended);
        ended.into_iter().map(|(device, open)| told(device, open, grid, zones)).collect()
    }

    /// Those that go on, as if they ended now.
    pub(crate) fn going_on(&self, grid: &Grid, zones: &[Arc<Zone>]) -> Vec<Patrol> {
        let all = self.open.iter().flat_map(|(device, open)| open.iter().map(move |open| (device, open)));
        let worth = all.filter(|(_, open)| open.is_worth_telling());
        worth.map(|(device, open)| told(device.clone(), open.clone(), grid, zones)).collect()
    }
}

fn end(ended: &mut Vec<(DeviceId, Open)>, device: &DeviceId, open: Open) {
    if open.is_worth_telling() {
        ended.push((device.clone(), open));
    }
}

fn told(device: DeviceId, open: Open, grid: &Grid, zones: &[Arc<Zone>]) -> Patrol {
    let mut points: Vec<(i64, u16)> = open.points.iter().map(|(key, mask)| (*key, *mask)).collect();
    points.sort_unstable();
    let (mut of_zones, mut of_townships): (BTreeMap<u32, u32>, BTreeMap<&TownshipCode, u32>) = Default::default();
    let mut swept = 0_u32;
    for (key, mask) in &points {
        let in_zones = grid.parts(*key).iter().fold(0, |all, part| all | part.mask);
        swept += (mask & in_zones).count_ones();
        let mut townships: BTreeMap<&TownshipCode, u16> = BTreeMap::new();
        for part in grid.parts(*key) {
            let both = part.mask & mask;
            if both == 0 {
                continue;
            }
            *of_zones.entry(part.zone).or_default() += both.count_ones();
            if let Some(township) = zones.get(part.zone as usize).and_then(|zone| zone.township.as_ref()) {
                *townships.entry(township).or_default() |= both;
            }
        }
        for (township, mask) in townships {
            *of_townships.entry(township).or_default() += mask.count_ones();
        }
    }
    let share = |swept: u32, of: u32| f64::from(swept) / f64::from(of.max(1));
    let zone = |(number, swept): (&u32, &u32)| {
        let zone = zones.get(*number as usize)?;
        let share = share(*swept, grid.zone_points(*number as usize)).min(1.0);
        Some(PatrolZone { zone: zone.id.clone(), name: zone.name.clone(), share })
    };
    let township = |(code, swept): (&&TownshipCode, &u32)| {
        ((*code).clone(), share(*swept, grid.townships().get(*code).copied().unwrap_or(1)).min(1.0))
    };
    let cell_m = grid.lattice().cell_m();
    let end = open.end();
    let mut line = open.line;
    if line.last() != Some(&open.anchor) {
        line.push(open.anchor);
    }
    Patrol {
        id: format!("{device}-{}", open.start.as_millis()),
        kind: if open.is_drone { DeviceKind::Drone } else { DeviceKind::Ranger },
        flight_id: open.flight_id,
        start: open.start,
        end,
        distance_m: open.distance_m,
        area_m2: f64::from(swept) * cell_m * cell_m / super::grid::POINTS as f64,
        zones: of_zones.iter().filter_map(zone).collect(),
        townships: of_townships.iter().map(township).collect(),
        line,
        cell_m,
        points,
        device,
    }
}
