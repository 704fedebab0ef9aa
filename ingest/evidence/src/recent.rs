//! Which pictures came lately.
//!
//! In: readings, in the journal's order.   Out: where a named picture is in the journal, and which came before it. A bounded memory
//! of each camera; what is older is still in the journal, but nobody looks for it there.

use model::{Body, DeviceId, Offset, Position, Reading, SnapshotId, Timestamp};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Pictures remembered of a camera: an alarm names those of its last minutes.
const PICTURES_MAX: usize = 64;

/// Where a camera was and looked and by which firmware, as far as it said; what it did not say stands in the registry.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Looking {
    /// WGS84.
    pub position: Option<Position>,
    /// Above the ground or the take-off, metres.
    pub height_m: Option<f64>,
    /// Clockwise from true north, degrees.
    pub yaw_deg: Option<f64>,
    /// Above the horizon positive, degrees.
    pub pitch_deg: Option<f64>,
    /// How far a camera's head was turned from its zero, degrees.
    pub pan_deg: Option<f64>,
    /// Zoom factor.
    pub zoom: Option<f64>,
    /// Version of its firmware.
    pub firmware: Option<Arc<str>>,
}

/// A picture that came in.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// Which.
    pub snapshot: SnapshotId,
    /// Where its bytes are.
    pub offset: Offset,
    /// Of when.
    pub at: Timestamp,
    /// Where its camera looked.
    pub looking: Looking,
}

#[derive(Debug, Default)]
struct Camera {
    looking: Looking,
    pictures: VecDeque<Taken>,
}

/// The memory; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Recent(Arc<Mutex<HashMap<DeviceId, Camera>>>);

impl Recent {
    /// Learns what came.
    pub fn observe(&self, readings: &[Reading]) {
        let mut cameras = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for reading in readings {
            match &reading.body {
                Body::Track(track) => {
                    // Whoever sends tracks and no pictures is remembered too: one small entry a device.
                    let looking = &mut cameras.entry(reading.device.clone()).or_default().looking;
                    looking.position = track.position.or(looking.position);
                    looking.height_m = track.height_m.or(looking.height_m);
                    looking.yaw_deg = track.gimbal.map(|gimbal| gimbal.yaw_deg).or(looking.yaw_deg);
                    looking.pitch_deg = track.gimbal.map(|gimbal| gimbal.pitch_deg).or(looking.pitch_deg);
                }
                Body::Heartbeat(heartbeat) => {
                    if let Some(firmware) = &heartbeat.firmware {
                        let looking = &mut cameras.entry(reading.device.clone()).or_default().looking;
                        looking.firmware = Some(Arc::clone(firmware));
                    }
                    if let Some(head) = heartbeat.pan_tilt {
                        let looking = &mut cameras.entry(reading.device.clone()).or_default().looking;
                        looking.pan_deg = Some(head.pan_deg);
                        looking.pitch_deg = Some(head.tilt_deg);
                        looking.zoom = Some(head.zoom);
                    }
                }
                Body::Snapshot(snapshot) => {
                    let camera = cameras.entry(reading.device.clone()).or_default();
                    if camera.pictures.back().is_some_and(|last| last.offset >= reading.offset) {
                        continue;
                    }
                    if camera.pictures.len() >= PICTURES_MAX {
                        camera.pictures.pop_front();
                    }
                    camera.pictures.push_back(Taken {
                        snapshot: snapshot.id.clone(),
                        offset: reading.offset,
                        at: reading.happened_at(),
                        looking: camera.looking.clone(),
                    });
                }
                _ => {}
            }
        }
    }

    /// The newest of this name, and the one that came before it, if they are remembered.
    pub fn find(&self, device: &DeviceId, snapshot: &SnapshotId) -> Option<(Taken, Option<Taken>)> {
        let cameras = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pictures = &cameras.get(device)?.pictures;
        let at = pictures.iter().rposition(|taken| taken.snapshot == *snapshot)?;
        let before = at.checked_sub(1).and_then(|before| pictures.get(before)).cloned();
        Some((pictures.get(at)?.clone(), before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Gimbal, ReceivedAt, Snapshot, Track};

    fn reading(offset: u64, body: Body) -> Reading {
        Reading {
            device: DeviceId::parse("d-1").unwrap(),
            offset: Offset(offset),
            received_at: ReceivedAt(Timestamp::from_millis(offset as i64)),
            device_time: None,
            seq: None,
            body,
        }
    }

    fn picture(offset: u64) -> Reading {
        let id = SnapshotId::parse(&format!("s-{offset}")).unwrap();
        reading(offset, Body::Snapshot(Snapshot { id, bytes: 3 }))
    }

    #[test]
    fn a_picture_is_found_with_where_its_camera_looked_then_and_with_the_one_before() {
        let recent = Recent::default();
        let gimbal = |pitch_deg| Some(Gimbal { pitch_deg, yaw_deg: 10.0, roll_deg: 0.0 });
        let track = |pitch_deg| Body::Track(Track { gimbal: gimbal(pitch_deg), ..Track::default() });
        let beat = Body::Heartbeat(model::Heartbeat { firmware: Some("V5.7.3".into()), ..Default::default() });
        recent.observe(&[picture(1), reading(2, track(-30.0)), reading(2, beat), picture(3), reading(4, track(-60.0))]);
        let device = DeviceId::parse("d-1").unwrap();
        let (found, before) = recent.find(&device, &SnapshotId::parse("s-3").unwrap()).unwrap();
        assert_eq!((found.offset, found.looking.pitch_deg), (Offset(3), Some(-30.0)));
        assert_eq!(found.looking.firmware.as_deref(), Some("V5.7.3"));
        assert_eq!(before.map(|before| (before.offset, before.looking.pitch_deg)), Some((Offset(1), None)));
        assert_eq!(recent.find(&device, &SnapshotId::parse("s-1").unwrap()).unwrap().1, None);
    }

    #[test]
    fn of_each_camera_the_newest_pictures_are_remembered_and_what_is_read_again_is_not_new() {
        let recent = Recent::default();
        let all: Vec<_> = (1..=100).map(picture).collect();
        recent.observe(&all);
        recent.observe(&all);
        let device = DeviceId::parse("d-1").unwrap();
        let known = |offset: u64| recent.find(&device, &SnapshotId::parse(&format!("s-{offset}")).unwrap());
        assert!(known(36).is_none() && known(37).is_some_and(|(_, before)| before.is_none()));
        assert_eq!(known(100).unwrap().1.unwrap().offset, Offset(99));
    }
}
