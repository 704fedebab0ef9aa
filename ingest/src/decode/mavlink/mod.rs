//! MAVLink: what a vehicle's packets say together.
//!
//! In: packets of one vehicle one after another, byte for byte as they came. The first is the news; the others are the last of their
//! kind before it, which the news needs to be understood (what time it is, how the camera stands, how good the fix is).
//! Out: a position gives a [`model::Track`], a heartbeat a [`model::Heartbeat`], a tracked object a [`model::Sighting`].
//!
//! The frame's detail is what the camera tracks, a species by its name, as the installation states it: no MAVLink message
//! carries a class. Heights: MAVLink's `alt` is above the sea and the model's above the ellipsoid, so only `alt_ellipsoid` is taken.

pub(crate) mod packet;

use super::Statement;
use super::datum;
use super::fields::{heading, within, within_if_said};
use super::formats;
use super::native::{HEIGHT_RANGE_M, SPEED_MAX_MPS};
use model::{
    Body, BoundingBox, DeviceTime, Frame, Gimbal, Heartbeat, HeartbeatStatus, Place, Reject, Sighting, Species,
    Timestamp, Track,
};
use packet::{Fault, Message, Packet};
use registry::Datum;

/// A vehicle that said the time before it started anew would be believed to speak of the past.
const BOOT_BACKWARDS_MS: u32 = 60_000;

/// 2020-01-01: a clock before it was never set.
const CLOCK_SET_US: u64 = 1_577_836_800_000_000;

/// Packets of one frame; there are fewer kinds that anything needs.
const PACKETS_MAX: usize = 16;

/// Tracking states of a camera: it follows something, and it is in trouble.
const TRACKING_ACTIVE: u8 = 1;
const TRACKING_ERROR: u8 = 2;

/// The packets of one frame.
struct Bundle<'a>(Vec<Packet<'a>>);

/// One frame.
pub(super) fn decode(frame: &Frame) -> Result<Statement, Reject> {
    let bundle = Bundle::read(&frame.payload).map_err(bad)?;
    let news = bundle.0.first().ok_or(Reject::Empty)?;
    match news.message {
        Some(Message::GlobalPositionInt) => bundle.track(news),
        Some(Message::Heartbeat) => Ok(Statement::untimed(Body::Heartbeat(bundle.heartbeat(news)))),
        Some(Message::CameraTrackingGeoStatus) => tracked_on_the_ground(news, frame),
        Some(Message::CameraTrackingImageStatus) => tracked_in_the_picture(news, frame),
        _ => Err(Reject::Unused("mavlink".to_owned())),
    }
}

fn bad(fault: Fault) -> Reject {
    Reject::BadPacket { protocol: "MAVLink", fault: fault.to_string() }
}

impl<'a> Bundle<'a> {
    fn read(mut bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut packets = Vec::new();
        while !bytes.is_empty() && packets.len() < PACKETS_MAX {
            let (packet, rest) = Packet::first(bytes)?;
            packets.push(packet);
            bytes = rest;
        }
        Ok(Self(packets))
    }

    fn of(&self, message: Message) -> Option<&Packet<'a>> {
        self.0.iter().find(|packet| packet.message == Some(message))
    }

    /// What time it was at a time since the vehicle's start.
    fn utc(&self, boot_ms: u32) -> Option<DeviceTime> {
        let time = self.of(Message::SystemTime)?;
        let (unix_us, at_boot_ms) = (time.u64(0), time.u32(8));
        if unix_us < CLOCK_SET_US || boot_ms.saturating_add(BOOT_BACKWARDS_MS) < at_boot_ms {
            return None;
        }
        let unix_ms = i64::try_from(unix_us / 1_000).ok()?;
        let millis = unix_ms.saturating_add(i64::from(boot_ms) - i64::from(at_boot_ms));
        Some(DeviceTime(Timestamp::from_millis(millis)))
    }

    fn track(&self, position: &Packet<'_>) -> Result<Statement, Reject> {
        let gps = self.of(Message::GpsRawInt);
        let has_fix = gps.is_none_or(|gps| gps.u8(28) >= 2);
        let (lat, lon) = (degrees(position.i32(4)), degrees(position.i32(8)));
        let (north, east) = (f64::from(position.i16(20)) / 100.0, f64::from(position.i16(22)) / 100.0);
        let (lowest_m, highest_m) = HEIGHT_RANGE_M;
        let ellipsoid_mm = gps.map(|gps| gps.i32(30)).filter(|mm| *mm != 0);
        let heading_deg = self.heading_deg(position);
        let body = Body::Track(Track {
            position: if has_fix { datum::position_or_no_fix(Some(lat), Some(lon), Datum::Wgs84)? } else { None },
            alt_m: within_if_said("alt_ellipsoid", ellipsoid_mm.map(metres), lowest_m, highest_m)?,
            height_m: Some(within("relative_alt", metres(position.i32(16)), lowest_m, highest_m)?),
            speed_mps: Some(within("speed", north.hypot(east), 0.0, SPEED_MAX_MPS)?),
            heading_deg,
            battery_percent: self.battery_percent(),
            gimbal: self.gimbal(heading_deg),
            hdop: gps.map(|gps| gps.u16(20)).filter(|eph| *eph != u16::MAX).map(|eph| f64::from(eph) / 100.0),
            accuracy_m: gps.map(|gps| gps.u32(34)).filter(|mm| *mm != 0).map(accuracy),
            flight_id: None,
        });
        Ok(Statement { device_time: self.utc(position.u32(0)), seq: None, body })
    }

    fn heading_deg(&self, position: &Packet<'_>) -> Option<f64> {
        let stated = Some(position.u16(26)).filter(|cdeg| *cdeg <= 36_000).map(|cdeg| f64::from(cdeg) / 100.0);
        let turned = || self.of(Message::Attitude)?.f32(12).map(f64::to_degrees);
        heading("hdg", stated.or_else(turned)).ok().flatten()
    }

    fn battery_percent(&self) -> Option<f64> {
        let own = self.of(Message::BatteryStatus).map(|battery| battery.i8(35));
        let percent = own.filter(|percent| *percent >= 0).or_else(|| Some(self.of(Message::SysStatus)?.i8(30)));
        percent.filter(|percent| (0..=100).contains(percent)).map(f64::from)
    }

    fn heartbeat(&self, news: &Packet<'_>) -> Heartbeat {
        let status = match news.u8(7) {
            5 => HeartbeatStatus::Degraded,
            // Emergency, and a flight that is being ended.
            6 | 8 => HeartbeatStatus::Fault,
            _ => HeartbeatStatus::Ok,
        };
        Heartbeat { status: Some(status), battery_percent: self.battery_percent(), ..Heartbeat::default() }
    }

    fn gimbal(&self, vehicle_heading_deg: Option<f64>) -> Option<Gimbal> {
        if let Some(gimbal) = self.of(Message::GimbalDeviceAttitudeStatus) {
            return of_quaternion(gimbal, vehicle_heading_deg);
        }
        let mount = self.of(Message::MountOrientation)?;
        let absolute = mount.f32(16).filter(|yaw| *yaw != 0.0);
        let yaw_deg = match absolute {
            Some(yaw) => yaw,
            None => mount.f32(12)? + vehicle_heading_deg?,
        };
        sound(Gimbal { roll_deg: mount.f32(4)?, pitch_deg: mount.f32(8)?, yaw_deg })
    }
}

/// The gimbal's quaternion (w, x, y, z) as angles, with its yaw turned to north where it is the vehicle's.
fn of_quaternion(gimbal: &Packet<'_>, vehicle_heading_deg: Option<f64>) -> Option<Gimbal> {
    const YAW_LOCK: u16 = 16;
    const YAW_IN_VEHICLE_FRAME: u16 = 32;
    const YAW_IN_EARTH_FRAME: u16 = 64;
    let (w, x, y, z) = (gimbal.f32(4)?, gimbal.f32(8)?, gimbal.f32(12)?, gimbal.f32(16)?);
    let length = (w * w + x * x + y * y + z * z).sqrt();
    // All zeros is a gimbal that does not know; the length of any attitude is 1.
    if !(0.9..=1.1).contains(&length) {
        return None;
    }
    let (w, x, y, z) = (w / length, x / length, y / length, z / length);
    let roll = (2.0 * (w * x + y * z)).atan2(1.0 - 2.0 * (x * x + y * y));
    let pitch = (2.0 * (w * y - z * x)).clamp(-1.0, 1.0).asin();
    let yaw = (2.0 * (w * z + x * y)).atan2(1.0 - 2.0 * (y * y + z * z));
    let flags = gimbal.u16(36);
    // Older gimbals set neither frame, and the lock says which it is.
    let to_north = match (flags & YAW_IN_VEHICLE_FRAME != 0, flags & YAW_IN_EARTH_FRAME != 0) {
        (false, true) => true,
        (false, false) => flags & YAW_LOCK != 0,
        (true, _) => false,
    };
    let yaw_deg = yaw.to_degrees() + if to_north { 0.0 } else { vehicle_heading_deg? };
    sound(Gimbal { pitch_deg: pitch.to_degrees(), yaw_deg, roll_deg: roll.to_degrees() })
}

/// Angles that a camera can have; the yaw from 0 to 360.
fn sound(gimbal: Gimbal) -> Option<Gimbal> {
    let yaw_deg = heading("yaw", Some(gimbal.yaw_deg.rem_euclid(360.0))).ok().flatten()?;
    let turned = |angle: f64| (-180.0..=180.0).contains(&angle);
    (turned(gimbal.pitch_deg) && turned(gimbal.roll_deg)).then_some(Gimbal { yaw_deg, ..gimbal })
}

fn tracked_on_the_ground(news: &Packet<'_>, frame: &Frame) -> Result<Statement, Reject> {
    is_followed(news.u8(48), "CAMERA_TRACKING_GEO_STATUS")?;
    let position = datum::position(degrees(news.i32(0)), degrees(news.i32(4)), Datum::Wgs84)?;
    let accuracy_m = news.f32(12).filter(|metres| *metres > 0.0 && *metres <= datum::ACCURACY_MAX_M);
    Ok(sighting(Place::Ground { position, accuracy_m }, frame))
}

fn tracked_in_the_picture(news: &Packet<'_>, frame: &Frame) -> Result<Statement, Reject> {
    const RECTANGLE: u8 = 2;
    /// A point has no size; a hundredth of the picture's width is about a sheep's.
    const POINT_SIDE: f64 = 0.01;
    is_followed(news.u8(28), "CAMERA_TRACKING_IMAGE_STATUS")?;
    let (left, top, right, bottom) = if news.u8(29) == RECTANGLE {
        (news.f32(12), news.f32(16), news.f32(20), news.f32(24))
    } else {
        let (x, y, half) = (news.f32(0), news.f32(4), news.f32(8).filter(|r| *r > 0.0).unwrap_or(POINT_SIDE / 2.0));
        (x.map(|x| x - half), y.map(|y| y - half), x.map(|x| x + half), y.map(|y| y + half))
    };
    let edge = |field, edge: Option<f64>| edge.map(|edge| edge.clamp(0.0, 1.0)).ok_or(Reject::Missing { field });
    let (x, y) = (edge("rec_top_x", left)?, edge("rec_top_y", top)?);
    let w = within("rec_bottom_x", edge("rec_bottom_x", right)? - x, f64::EPSILON, 1.0)?.min(1.0 - x);
    let h = within("rec_bottom_y", edge("rec_bottom_y", bottom)? - y, f64::EPSILON, 1.0)?.min(1.0 - y);
    Ok(sighting(Place::Picture(BoundingBox { x, y, w, h }), frame))
}

/// A camera that follows nothing has nothing to tell.
fn is_followed(status: u8, message: &str) -> Result<(), Reject> {
    let followed = status & TRACKING_ACTIVE != 0 && status & TRACKING_ERROR == 0;
    if followed { Ok(()) } else { Err(Reject::Unused(message.to_owned())) }
}

/// One of what the installation says its camera follows; how sure it is the protocol does not say.
fn sighting(place: Place, frame: &Frame) -> Statement {
    const CONFIDENCE: f64 = 0.5;
    let species = Species::parse(formats::detail(frame)).unwrap_or(Species::Unknown);
    let seen = Sighting {
        species,
        count: 1,
        young: 0,
        confidence: CONFIDENCE,
        place,
        track_id: None,
        snapshot_id: None,
        bounding_box: place.bounding_box(),
        animals: Vec::new(),
    };
    Statement::untimed(Body::Sighting(seen))
}

fn degrees(e7: i32) -> f64 {
    f64::from(e7) / 1e7
}

fn metres(mm: i32) -> f64 {
    f64::from(mm) / 1_000.0
}

fn accuracy(mm: u32) -> f64 {
    (f64::from(mm) / 1_000.0).min(datum::ACCURACY_MAX_M)
}
