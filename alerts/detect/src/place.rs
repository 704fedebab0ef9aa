//! Where on the ground something was seen.
//!
//! In: a sighting, and where its camera stood and looked. Out: a position with its [`Spread`], or nothing when the camera
//! looks too flat to tell. Flat ground at the camera's foot; relief comes with the elevation model.
//! Frames and formulas: camera forward x, right y, down z; yaw clockwise from north, pitch above the horizon positive.

use crate::geofence::Spread;
use model::{BoundingBox, Device, Gimbal, PanTilt, Place, Position};

/// Below this angle under the horizon a degree of pointing error moves the spot by more than the distance is worth.
const GRAZING_ANGLE_MIN_DEG: f64 = 3.0;
/// Pointing error of a mast or gimbal (one standard deviation).
const POINTING_ERROR_DEG: f64 = 1.0;
/// Error of the height above the animal's ground.
const HEIGHT_ERROR_M: f64 = 3.0;
/// Width to height of a picture where the device did not say.
const ASPECT_RATIO: f64 = 16.0 / 9.0;

/// A place with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Located {
    /// Where.
    pub position: Position,
    /// How surely.
    pub spread: Spread,
}

/// Where a camera is and looks at the moment of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eye {
    /// Where it stands or flies.
    pub position: Position,
    /// Above the ground, metres.
    pub height_m: f64,
    /// Clockwise from true north, degrees.
    pub yaw_deg: f64,
    /// Above the horizon positive, degrees.
    pub pitch_deg: f64,
    /// Horizontal field of view, degrees.
    pub hfov_deg: f64,
}

impl Eye {
    /// A fixed camera by its survey and, for a turning head, by what its heartbeat last said.
    pub fn of_camera(device: &Device, head: Option<PanTilt>) -> Option<Self> {
        let (position, pose) = (device.place?, device.pose?);
        // A head says how far it turned from its zero, but how steeply it looks against the horizon.
        let head = head.unwrap_or(PanTilt { pan_deg: 0.0, tilt_deg: pose.pitch_deg, zoom: 1.0 });
        let half = (pose.hfov_deg / 2.0).to_radians().tan() / head.zoom.max(1.0);
        Some(Self {
            position,
            height_m: pose.height_m,
            yaw_deg: pose.yaw_deg + head.pan_deg,
            pitch_deg: head.tilt_deg,
            hfov_deg: 2.0 * half.atan().to_degrees(),
        })
    }

    /// A drone by its latest position and gimbal; the field of view stands in the registry.
    pub fn of_drone(device: &Device, position: Position, height_m: f64, gimbal: Gimbal) -> Option<Self> {
        let hfov_deg = device.pose?.hfov_deg;
        Some(Self { position, height_m, yaw_deg: gimbal.yaw_deg, pitch_deg: gimbal.pitch_deg, hfov_deg })
    }

    /// The ground under the bottom centre of a box: where the animal's feet are.
    pub fn ground(&self, seen: BoundingBox) -> Option<Located> {
        let focal = 0.5 / (self.hfov_deg / 2.0).to_radians().tan();
        let right = (seen.x + seen.w / 2.0 - 0.5) / focal;
        let down = (seen.y + seen.h - 0.5) / ASPECT_RATIO / focal;
        let (pitch_sin, pitch_cos) = self.pitch_deg.to_radians().sin_cos();
        let (yaw_sin, yaw_cos) = self.yaw_deg.to_radians().sin_cos();
        // Pitch, then yaw: the ray (1, right, down) in north, east, down.
        let level = pitch_cos + down * pitch_sin;
        let fall = down * pitch_cos - pitch_sin;
        let (north, east) = (level * yaw_cos - right * yaw_sin, level * yaw_sin + right * yaw_cos);
        let flat = north.hypot(east);
        let grazing = fall.atan2(flat);
        if !(grazing.to_degrees() >= GRAZING_ANGLE_MIN_DEG && self.height_m > 0.0) {
            return None;
        }
        let range_m = self.height_m / grazing.tan();
        let bearing = east.atan2(north);
        let error = POINTING_ERROR_DEG.to_radians();
        let along_m = (self.height_m / grazing.sin().powi(2) * error).hypot(HEIGHT_ERROR_M / grazing.tan());
        Some(Located {
            position: self.position.moved(range_m * bearing.sin(), range_m * bearing.cos()),
            spread: Spread::ellipse(along_m, range_m * error, bearing.to_degrees()),
        })
    }
}

/// Where a sighting was: as its device says, or by way of the eye that saw it.
pub fn locate(place: Place, eye: Option<Eye>, default_accuracy_m: f64) -> Option<Located> {
    match place {
        Place::Ground { position, accuracy_m } => {
            Some(Located { position, spread: Spread::round(accuracy_m.unwrap_or(default_accuracy_m)) })
        }
        Place::Picture(seen) => eye?.ground(seen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A camera at 43.9, 113.5, 100 m above ground, 84 degrees wide, yaw 30: the vectors of the protocol notes.
    #[track_caller]
    fn check(pitch_deg: f64, pixel: (f64, f64), north_m: f64, east_m: f64) {
        let position = Position::parse(43.9, 113.5).unwrap();
        let eye = Eye { position, height_m: 100.0, yaw_deg: 30.0, pitch_deg, hfov_deg: 84.0 };
        let seen = BoundingBox { x: pixel.0 / 1920.0 - 0.01, y: pixel.1 / 1080.0 - 0.02, w: 0.02, h: 0.02 };
        let (east, north) = position.offset_to(eye.ground(seen).unwrap().position);
        assert!((east - east_m).abs() < 0.01 && (north - north_m).abs() < 0.01, "{north} {east}");
    }

    #[test]
    fn a_box_lands_where_the_published_vectors_say() {
        check(-45.0, (960.0, 540.0), 86.603, 50.000);
        check(-30.0, (1500.0, 800.0), 55.002, 113.988);
        check(-10.0, (960.0, 540.0), 491.147, 283.564);
    }

    #[test]
    fn a_camera_that_looks_at_the_horizon_gives_no_position() {
        let position = Position::parse(43.9, 113.5).unwrap();
        let eye = Eye { position, height_m: 30.0, yaw_deg: 0.0, pitch_deg: -2.0, hfov_deg: 60.0 };
        assert_eq!(eye.ground(BoundingBox { x: 0.45, y: 0.4, w: 0.1, h: 0.1 }), None);
    }

    #[test]
    fn five_degrees_under_the_horizon_a_mast_is_wrong_by_tens_of_metres_along_and_few_across() {
        let position = Position::parse(43.9, 113.5).unwrap();
        let eye = Eye { position, height_m: 30.0, yaw_deg: 0.0, pitch_deg: -5.0, hfov_deg: 60.0 };
        let sigma = eye.ground(BoundingBox { x: 0.45, y: 0.4, w: 0.1, h: 0.1 }).unwrap().spread.sigma_m();
        // sqrt(hypot(69, 34) * 6)
        assert!((sigma - 21.5).abs() < 1.0, "{sigma}");
    }
}
