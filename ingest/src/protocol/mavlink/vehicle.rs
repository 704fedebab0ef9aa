//! One vehicle from one source: which of its packets are worth a frame.
//!
//! In: its packets, in order, with the time.   Out: the bytes of a frame now and then: the news first, then the packets that explain it.
//!
//! Of positions at most one in the configured time, but each at which the fix comes or goes; of heartbeats one in ten seconds, but each
//! at which the vehicle is armed, landed or in trouble; of what a camera tracks one a second. All others are kept as the last
//! of their kind until they are too old to explain anything.

use crate::decode::mavlink::packet::{Message, Packet};
use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A sign of life in this time; any device's period is longer.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);
/// What a camera follows moves at a walk.
const TRACKING_INTERVAL: Duration = Duration::from_secs(1);
/// `MAV_AUTOPILOT_INVALID`: a heartbeat of a camera or gimbal, not of the vehicle.
const NO_AUTOPILOT: u8 = 8;
/// `MAV_MODE_FLAG_SAFETY_ARMED`.
const ARMED: u8 = 128;
/// The vehicle's clock since start went back by this much: it started anew, and what it said before is void.
const STARTED_ANEW_MS: u32 = 10_000;

/// What a message is for, and for how long it explains others.
fn explains_for(message: Message) -> Option<Duration> {
    Some(Duration::from_secs(match message {
        // Valid until the vehicle starts anew.
        Message::SystemTime => 24 * 3_600,
        Message::SysStatus | Message::BatteryStatus => 60,
        Message::GpsRawInt => 10,
        Message::Attitude | Message::MountOrientation | Message::GimbalDeviceAttitudeStatus => 5,
        Message::Heartbeat
        | Message::GlobalPositionInt
        | Message::CameraTrackingImageStatus
        | Message::CameraTrackingGeoStatus => return None,
    }))
}

/// Which kept packets explain a message.
fn explained_by(message: Message) -> &'static [Message] {
    match message {
        Message::GlobalPositionInt => &[
            Message::SystemTime,
            Message::GpsRawInt,
            Message::Attitude,
            Message::GimbalDeviceAttitudeStatus,
            Message::MountOrientation,
            Message::BatteryStatus,
            Message::SysStatus,
        ],
        Message::Heartbeat => &[Message::BatteryStatus, Message::SysStatus],
        _ => &[],
    }
}

/// A vehicle.
#[derive(Debug)]
pub(super) struct Vehicle {
    /// When it was heard last.
    pub heard: Instant,
    /// The last of each kind that explains others.
    kept: BTreeMap<Message, (Instant, Bytes)>,
    /// When a frame was last made of each kind of news.
    told: BTreeMap<Message, Instant>,
    /// What decides whether a heartbeat is news at once: armed, and the system's state.
    state: Option<(bool, u8)>,
    /// Likewise for a position.
    has_fix: Option<bool>,
    /// And for each kind of tracking.
    tracking: BTreeMap<Message, u8>,
    boot_ms: u32,
}

impl Vehicle {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            heard: now,
            kept: BTreeMap::new(),
            told: BTreeMap::new(),
            state: None,
            has_fix: None,
            tracking: BTreeMap::new(),
            boot_ms: 0,
        }
    }

    /// Takes a packet; the frame's bytes if it is worth one.
    pub(super) fn take(&mut self, packet: &Packet<'_>, track_interval: Duration, now: Instant) -> Option<Bytes> {
        self.heard = now;
        let message = packet.message?;
        if explains_for(message).is_some() {
            self.keep(packet, message, now);
            return None;
        }
        let (interval, changed) = match message {
            Message::GlobalPositionInt => (track_interval, self.fix_changed(packet.u32(0))),
            Message::Heartbeat if packet.u8(5) == NO_AUTOPILOT => return None,
            Message::Heartbeat => {
                let state = (packet.u8(6) & ARMED != 0, packet.u8(7));
                (HEARTBEAT_INTERVAL, self.state.replace(state) != Some(state))
            }
            _ => {
                let status = packet.u8(if message == Message::CameraTrackingGeoStatus { 48 } else { 28 });
                let before = self.tracking.insert(message, status);
                (TRACKING_INTERVAL, status != 0 && before != Some(status))
            }
        };
        let due = self.told.get(&message).is_none_or(|told| now.duration_since(*told) >= interval);
        if !due && !changed {
            return None;
        }
        self.told.insert(message, now);
        Some(self.explained(packet, message, now))
    }

    fn keep(&mut self, packet: &Packet<'_>, message: Message, now: Instant) {
        if message == Message::SystemTime {
            self.notice_start(packet.u32(8));
        }
        self.kept.insert(message, (now, Bytes::copy_from_slice(packet.bytes)));
    }

    /// Whether the fix came or went since the last position.
    fn fix_changed(&mut self, boot_ms: u32) -> bool {
        self.notice_start(boot_ms);
        let gps = self.kept.get(&Message::GpsRawInt).and_then(|(_, bytes)| Packet::first(bytes).ok());
        let has_fix = gps.map(|(gps, _)| gps.u8(28) >= 2);
        let changed = has_fix != self.has_fix;
        self.has_fix = has_fix;
        changed
    }

    fn notice_start(&mut self, boot_ms: u32) {
        if boot_ms.saturating_add(STARTED_ANEW_MS) < self.boot_ms {
            self.kept.clear();
        }
        self.boot_ms = boot_ms;
    }

    fn explained(&self, news: &Packet<'_>, message: Message, now: Instant) -> Bytes {
        let mut bytes = BytesMut::from(news.bytes);
        for kind in explained_by(message) {
            if let Some((heard, packet)) = self.kept.get(kind)
                && explains_for(*kind).is_some_and(|valid| now.duration_since(*heard) <= valid)
            {
                bytes.extend_from_slice(packet);
            }
        }
        bytes.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A MAVLink 2 packet of system 7; its checksum is not looked at here, since it is built as read.
    fn packet(id: u32, payload: &[u8], extra: u8) -> Vec<u8> {
        let [low, middle, high, _] = id.to_le_bytes();
        let mut bytes = vec![0xfd, u8::try_from(payload.len()).unwrap(), 0, 0, 0, 7, 1, low, middle, high];
        bytes.extend_from_slice(payload);
        let crc = bytes[1..].iter().chain([&extra]).fold(0xffff_u16, |crc, byte| {
            (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0x8408 } else { crc >> 1 })
        });
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn position(boot_ms: u32) -> Vec<u8> {
        packet(33, &boot_ms.to_le_bytes(), 104)
    }

    fn gps(fix: u8) -> Vec<u8> {
        let mut payload = [0; 30];
        payload[28] = fix;
        packet(24, &payload, 24)
    }

    fn heartbeat(base_mode: u8, state: u8) -> Vec<u8> {
        packet(0, &[0, 0, 0, 0, 2, 3, base_mode, state, 3], 50)
    }

    fn take(vehicle: &mut Vehicle, bytes: &[u8], now: Instant) -> Option<Bytes> {
        vehicle.take(&Packet::first(bytes).unwrap().0, SECOND, now)
    }

    #[test]
    fn fifty_positions_a_second_make_one_frame_a_second_and_the_last_is_never_older_than_that() {
        let (start, mut told) = (Instant::now(), 0);
        let mut vehicle = Vehicle::new(start);
        for step in 0..=500 {
            let now = start + Duration::from_millis(20) * step;
            told += u32::from(take(&mut vehicle, &position(20 * step), now).is_some());
        }
        assert_eq!(told, 11);
    }

    #[test]
    fn a_fix_that_goes_or_comes_is_told_at_once() {
        let now = Instant::now();
        let mut vehicle = Vehicle::new(now);
        let mut told = |bytes: &[u8]| take(&mut vehicle, bytes, now).is_some();
        told(&gps(3));
        let first = [told(&position(1)), told(&position(2))];
        told(&gps(1));
        let lost = [told(&position(3)), told(&position(4))];
        told(&gps(3));
        let back = [told(&position(5)), told(&position(6))];
        assert_eq!([first, lost, back], [[true, false]; 3]);
    }

    #[test]
    fn a_heartbeat_is_told_every_ten_seconds_and_whenever_the_state_changes() {
        let start = Instant::now();
        let mut vehicle = Vehicle::new(start);
        let mut told =
            |base_mode, state, at: u32| take(&mut vehicle, &heartbeat(base_mode, state), start + at * SECOND).is_some();
        assert_eq!([0, 1, 9, 10, 11].map(|at| told(0, 3, at)), [true, false, false, true, false]);
        assert_eq!([told(128, 3, 12), told(128, 4, 12), told(128, 4, 13), told(128, 6, 13)], [true, true, false, true]);
    }

    #[test]
    fn what_explains_a_position_goes_with_it_until_it_is_too_old_or_the_vehicle_starts_anew() {
        let start = Instant::now();
        let mut vehicle = Vehicle::new(start);
        let time = packet(2, &[1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 1], 137);
        let attitude = packet(30, &[9; 28], 39);
        take(&mut vehicle, &time, start);
        take(&mut vehicle, &attitude, start);
        let explained = take(&mut vehicle, &position(70_000), start).unwrap();
        assert_eq!(explained, [position(70_000), time.clone(), attitude].concat());
        let later = take(&mut vehicle, &position(80_000), start + 6 * SECOND).unwrap();
        assert_eq!(later, [position(80_000), time].concat(), "an attitude of six seconds ago explains nothing");
        let anew = take(&mut vehicle, &position(500), start + 8 * SECOND).unwrap();
        assert_eq!(anew, position(500), "the time of the last flight is void");
    }

    #[test]
    fn a_cameras_own_heartbeat_is_not_the_vehicles() {
        let now = Instant::now();
        let mut vehicle = Vehicle::new(now);
        assert_eq!(take(&mut vehicle, &packet(0, &[0, 0, 0, 0, 30, 8, 0, 6, 3], 50), now), None);
    }
}
