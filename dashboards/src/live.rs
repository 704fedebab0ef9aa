//! What is known of each device right now: when it last spoke, where it is, how it feels; and the herds as the map shows them.
//!
//! In:  [`model::Reading`] from decode ([`Live::observe`]) and [`model::HerdView`] from detect ([`Live::herds`]).
//! Out: what was last heard of each device for the API, and batches of moves for the sockets, latest position only.
//!
//! Never: waits for a reader. Everything stands behind one lock that is held for a few hundred entries at most, so a slow
//! browser cannot slow the way of the data. Holds no history: positions that were overtaken are gone.

use history::TrackPoint;
use model::{Body, DeviceId, HeartbeatStatus, HerdView, Position, Reading, StationView, Timestamp, ZoneLoad};
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Included};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Readings taken under one hold of the lock: some tens of microseconds.
const READINGS_PER_LOCK: usize = 256;

/// Positions handed out at once; the rest follows in the next batch. A frame of this size is about half a megabyte.
pub(crate) const MOVED_MAX: usize = 5_000;

/// How often sockets are told what moved.
const BEAT: Duration = Duration::from_secs(1);

/// Devices remembered. Ten times the largest tenant we promise; beyond it new ones are not shown, never stored without end.
const DEVICES_MAX: usize = 300_000;

/// The shared present; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Live {
    present: Arc<Mutex<Present>>,
    /// Up to which step sockets are told now.
    shown: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Present {
    devices: HashMap<DeviceId, Known>,
    /// Which device moved at which step: the order in which sockets are told. One entry per device.
    moves: BTreeMap<u64, DeviceId>,
    step: u64,
    herds: Arc<Vec<HerdView>>,
    herds_step: u64,
    loads: Arc<Vec<ZoneLoad>>,
    stations: Arc<Vec<StationView>>,
}

#[derive(Debug, Default)]
struct Known {
    heard: Heard,
    moved_step: u64,
}

/// What a device last let us know.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Heard {
    /// When we last took something in from it.
    pub last_seen: Option<Timestamp>,
    /// Its latest fix by its own time.
    pub fix: Option<Fix>,
    /// Charge, percent.
    pub battery_percent: Option<f64>,
    /// What its last heartbeat said.
    pub status: Option<HeartbeatStatus>,
    /// Its firmware, as it last said.
    pub firmware: Option<Arc<str>>,
}

/// Where a mover was, and how it moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fix {
    /// WGS84.
    pub position: Position,
    /// When it was there.
    pub at: Timestamp,
    /// Clockwise from north.
    pub heading_deg: Option<f64>,
    /// Over ground.
    pub speed_mps: Option<f64>,
    /// One standard deviation.
    pub accuracy_m: Option<f64>,
}

/// What changed since a step, for one socket.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moved {
    /// Ask again from here.
    pub step: u64,
    /// The latest fix of each device that moved, with its charge.
    pub devices: Vec<(DeviceId, Fix, Option<f64>)>,
    /// All herds.
    pub herds: Arc<Vec<HerdView>>,
    /// Whether the herds are other ones than at the step asked from.
    pub herds_changed: bool,
}

impl Live {
    /// Nobody heard of yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what devices said. Late readings count as a sign of life but never move a marker back.
    pub fn observe(&self, readings: &[Reading]) {
        for chunk in readings.chunks(READINGS_PER_LOCK) {
            let mut present = self.lock();
            for reading in chunk {
                present.take(reading);
            }
        }
    }

    /// Replaces the herds on the map.
    pub fn herds(&self, herds: Vec<HerdView>) {
        let mut present = self.lock();
        if *present.herds == herds {
            return;
        }
        present.step += 1;
        present.herds_step = present.step;
        present.herds = Arc::new(herds);
    }

    /// Replaces what stands in balance zones.
    pub fn loads(&self, loads: Arc<Vec<ZoneLoad>>) {
        self.lock().loads = loads;
    }

    /// What stands in balance zones, as detection last said.
    pub(crate) fn zone_loads(&self) -> Arc<Vec<ZoneLoad>> {
        Arc::clone(&self.lock().loads)
    }

    /// Replaces how the stations are.
    pub fn show_stations(&self, stations: Arc<Vec<StationView>>) {
        self.lock().stations = stations;
    }

    /// How the stations are, as detection last said.
    pub(crate) fn stations(&self) -> Arc<Vec<StationView>> {
        Arc::clone(&self.lock().stations)
    }

    /// Where things were last according to history, for devices that were not heard since the start. It also says when they
    /// were heard at the latest before it.
    pub(crate) fn seed(&self, positions: &[(DeviceId, TrackPoint)]) {
        for chunk in positions.chunks(READINGS_PER_LOCK) {
            let mut present = self.lock();
            for (device, point) in chunk {
                present.take_seed(device, point);
            }
        }
    }

    /// What a device last let us know; empty for one that was never heard.
    pub(crate) fn heard(&self, device: &DeviceId) -> Heard {
        self.lock().devices.get(device).map(|known| known.heard.clone()).unwrap_or_default()
    }

    /// From now on sockets are told what happened until now; wakes them.
    pub(crate) fn show(&self) {
        let step = self.lock().step;
        self.shown.send_replace(step);
    }

    /// Up to which step sockets are told, and a way to be woken at each beat. As all are told up to the same step, pages that look at the same
    /// are told the same.
    pub(crate) fn shown(&self) -> watch::Receiver<u64> {
        self.shown.subscribe()
    }

    /// What moved after `step` and until `shown`: at most [`MOVED_MAX`] devices, those that moved longest ago first.
    pub(crate) fn moved_between(&self, step: u64, shown: u64) -> Moved {
        let present = self.lock();
        let mut devices = Vec::new();
        let mut reached = shown.max(step);
        for (moved_step, device) in present.moves.range((Excluded(step), Included(reached))) {
            if devices.len() >= MOVED_MAX {
                reached = moved_step - 1;
                break;
            }
            if let Some(Known { heard: Heard { fix: Some(fix), battery_percent, .. }, .. }) =
                present.devices.get(device)
            {
                devices.push((device.clone(), *fix, *battery_percent));
            }
        }
        let herds_changed = present.herds_step > step && present.herds_step <= reached;
        Moved { step: reached, devices, herds: Arc::clone(&present.herds), herds_changed }
    }

    fn lock(&self) -> MutexGuard<'_, Present> {
        // Whole fields are replaced, so even after a panic elsewhere what stands here is usable.
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the sockets once a second until `stop`.
pub(crate) async fn beat(live: Live, stop: CancellationToken) {
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(beats.tick()).await.is_some() {
        live.show();
    }
}

impl Present {
    fn take_seed(&mut self, device: &DeviceId, point: &TrackPoint) {
        if self.devices.len() >= DEVICES_MAX || self.devices.contains_key(device) {
            return;
        }
        let TrackPoint { ts: at, position, heading_deg, speed_mps, accuracy_m, battery_percent, .. } = *point;
        let fix = Some(Fix { position, at, heading_deg, speed_mps, accuracy_m });
        self.step += 1;
        self.moves.insert(self.step, device.clone());
        let heard = Heard { last_seen: Some(at), fix, battery_percent, status: None, firmware: None };
        self.devices.insert(device.clone(), Known { heard, moved_step: self.step });
    }

    fn take(&mut self, reading: &Reading) {
        if matches!(reading.body, Body::Clock | Body::Clarity(_)) {
            return;
        }
        if self.devices.len() >= DEVICES_MAX && !self.devices.contains_key(&reading.device) {
            return;
        }
        let known = self.devices.entry(reading.device.clone()).or_default();
        known.heard.last_seen = known.heard.last_seen.max(Some(reading.received_at.0));
        match &reading.body {
            Body::Heartbeat(heartbeat) => {
                known.heard.status = heartbeat.status.or(known.heard.status);
                known.heard.battery_percent = heartbeat.battery_percent.or(known.heard.battery_percent);
                if heartbeat.firmware.is_some() {
                    known.heard.firmware.clone_from(&heartbeat.firmware);
                }
            }
            Body::Track(track) => {
                known.heard.battery_percent = track.battery_percent.or(known.heard.battery_percent);
                let at = reading.happened_at();
                let overtaken = known.heard.fix.is_some_and(|fix| fix.at > at);
                if let Some(position) = track.position.filter(|_| !overtaken) {
                    let (heading_deg, speed_mps) = (track.heading_deg, track.speed_mps);
                    known.heard.fix = Some(Fix { position, at, heading_deg, speed_mps, accuracy_m: track.accuracy_m });
                    self.moves.remove(&known.moved_step);
                    self.step += 1;
                    known.moved_step = self.step;
                    self.moves.insert(self.step, reading.device.clone());
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use model::{DeviceTime, Heartbeat, Offset, ReceivedAt, Track};

    fn device(name: &str) -> DeviceId {
        DeviceId::parse(name).unwrap()
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn reading(name: &str, received_ms: i64, device_ms: i64, body: Body) -> Reading {
        Reading {
            device: device(name),
            offset: Offset(1),
            received_at: ReceivedAt(at(received_ms)),
            device_time: Some(DeviceTime(at(device_ms))),
            seq: None,
            body,
        }
    }

    /// At the next beat, what moved after a step.
    fn moved_since(live: &Live, step: u64) -> Moved {
        live.show();
        let shown = *live.shown().borrow();
        live.moved_between(step, shown)
    }

    fn track(lat: f64) -> Body {
        Body::Track(Track { position: Position::parse(lat, 117.0).ok(), ..Track::default() })
    }

    #[test]
    fn only_what_moved_since_the_last_look_is_handed_out_and_only_its_latest_place() {
        let live = Live::new();
        live.observe(&[
            reading("a", 1, 1, track(43.0)),
            reading("b", 2, 2, track(43.1)),
            reading("a", 3, 3, track(43.2)),
        ]);
        let first = moved_since(&live, 0);
        let places: Vec<_> = first.devices.iter().map(|(id, fix, _)| (id.as_str(), fix.position.lat_deg())).collect();
        assert_eq!(places, [("b", 43.1), ("a", 43.2)]);

        live.observe(&[reading("b", 4, 4, track(43.3))]);
        let second = moved_since(&live, first.step);
        assert_eq!(second.devices.len(), 1);
        assert!(moved_since(&live, second.step).devices.is_empty());
    }

    #[test]
    fn a_late_fix_is_a_sign_of_life_but_does_not_move_the_marker_back() {
        let live = Live::new();
        live.observe(&[reading("a", 10, 10, track(43.0)), reading("a", 20, 5, track(44.0))]);
        let heard = live.heard(&device("a"));
        assert_eq!(heard.last_seen, Some(at(20)));
        assert_eq!(heard.fix.unwrap().position.lat_deg(), 43.0);
    }

    #[test]
    fn the_last_heartbeat_that_says_so_decides_how_a_device_feels() {
        let live = Live::new();
        let beat = |status| Body::Heartbeat(Heartbeat { status, battery_percent: Some(80.0), ..Heartbeat::default() });
        live.observe(&[
            reading("a", 1, 1, beat(Some(HeartbeatStatus::Fault))),
            reading("a", 2, 2, beat(Some(HeartbeatStatus::Ok))),
            reading("b", 3, 3, beat(Some(HeartbeatStatus::Fault))),
            reading("b", 4, 4, beat(None)),
        ]);
        assert_eq!(live.heard(&device("b")).status, Some(HeartbeatStatus::Fault));
        let heard = live.heard(&device("a"));
        assert_eq!((heard.status, heard.battery_percent), (Some(HeartbeatStatus::Ok), Some(80.0)));
    }

    #[test]
    fn a_batch_is_bounded_and_the_next_one_goes_on_where_it_stopped() {
        let live = Live::new();
        let many: Vec<_> = (0..MOVED_MAX + 10).map(|n| reading(&format!("d{n}"), 1, 1, track(43.0))).collect();
        live.observe(&many);
        let first = moved_since(&live, 0);
        assert_eq!(first.devices.len(), MOVED_MAX);
        assert_eq!(moved_since(&live, first.step).devices.len(), 10);
    }

    #[test]
    fn herds_are_new_only_when_they_differ() {
        let live = Live::new();
        live.herds(Vec::new());
        assert!(!moved_since(&live, 0).herds_changed);
        live.herds(vec![HerdView {
            id: "h".into(),
            position: Position::parse(43.0, 117.0).unwrap(),
            accuracy_m: 10.0,
            ellipse: model::Ellipse::round(10.0),
            species: model::Species::Sheep,
            count: model::Interval { low: 30, high: 50 },
            seen_at: at(1),
            incident: None,
        }]);
        let moved = moved_since(&live, 0);
        assert!(moved.herds_changed && moved.herds.len() == 1);
        assert!(!moved_since(&live, moved.step).herds_changed);
    }

    #[test]
    fn what_moves_after_a_beat_is_told_at_the_next() {
        let live = Live::new();
        live.observe(&[reading("a", 1, 1, track(43.0))]);
        live.show();
        let shown = *live.shown().borrow();
        live.observe(&[reading("b", 2, 2, track(43.1))]);
        let first = live.moved_between(0, shown);
        assert_eq!((first.step, first.devices.len()), (shown, 1));
        assert_eq!(moved_since(&live, first.step).devices.len(), 1);
    }

    #[test]
    fn whoever_moves_every_second_is_told_every_second_however_many_there_are() {
        let live = Live::new();
        let mut told = 0;
        for second in 1..4 {
            let all: Vec<_> =
                (0..MOVED_MAX + 10).map(|n| reading(&format!("d{n}"), second, second, track(43.0))).collect();
            live.observe(&all);
            let first = moved_since(&live, told);
            let rest = live.moved_between(first.step, *live.shown().borrow());
            assert_eq!((first.devices.len(), rest.devices.len()), (MOVED_MAX, 10));
            told = rest.step;
        }
    }
}
