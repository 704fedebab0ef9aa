//! Where a sight line meets level ground, and how surely.
//!
//! In: a direction, level ground, and the errors of everything that made them.   Out: metres east and north of the eye,
//! with their covariance: each error moves the line a little, and what that moves on the ground is added up as squares.

use super::attitude::{Attitude, Ray};
use super::lens::Lens;
use crate::geofence::Spread;

/// The errors of an eye, each one standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Errors {
    /// Of the direction, clockwise from north, degrees.
    pub pan_deg: f64,
    /// Of the angle against the horizon, degrees.
    pub tilt_deg: f64,
    /// Of the height above the animal's ground, metres.
    pub height_m: f64,
    /// Of the camera's own place, metres.
    pub position_m: f64,
}

/// Where the feet are in a box: so many of its heights they may be off its lower edge, and of its widths off its middle.
pub(super) const BOX_SHARE: f64 = 0.05;
/// A step for measuring a slope, in radians or picture widths.
const STEP: f64 = 1e-6;

/// Level ground, this far against the eye (negative: below it), metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    height_m: f64,
}

impl Plane {
    /// This far below the eye.
    pub fn flat(below_m: f64) -> Self {
        Self { height_m: -below_m }
    }

    /// Metres (east, north) where the ray meets it; nothing where it flies off.
    pub fn meets(self, ray: Ray) -> Option<(f64, f64)> {
        let length = -self.height_m / ray.down;
        (ray.down > 0.0 && length.is_finite() && length >= 0.0).then_some((length * ray.east, length * ray.north))
    }
}

/// What a sight line depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sight {
    /// Where the camera looks.
    pub attitude: Attitude,
    /// Through what.
    pub lens: Lens,
    /// At which point of the picture, 0 to 1 from its upper left.
    pub point: (f64, f64),
}

impl Sight {
    /// Its direction.
    pub fn ray(&self) -> Ray {
        self.attitude.turn(self.lens.ray(self.point.0, self.point.1))
    }

    /// Turned by so many degrees clockwise and upwards.
    pub(super) fn turned(&self, yaw_deg: f64, pitch_deg: f64) -> Self {
        let attitude = Attitude {
            yaw_deg: self.attitude.yaw_deg + yaw_deg,
            pitch_deg: self.attitude.pitch_deg + pitch_deg,
            ..self.attitude
        };
        Self { attitude, ..*self }
    }

    /// Through another point of the picture.
    pub(super) fn shifted(&self, right: f64, down: f64) -> Self {
        Self { point: (self.point.0 + right, self.point.1 + down), ..*self }
    }

    /// The covariance of where it meets the plane; `size` is width and height of the box in the picture.
    pub fn spread(&self, plane: Plane, size: (f64, f64), errors: Errors) -> Option<Spread> {
        let (east, north) = plane.meets(self.ray())?;
        let step_deg = STEP.to_degrees();
        let raised = Plane { height_m: plane.height_m + STEP };
        let moves = [
            (self.turned(step_deg, 0.0), plane, errors.pan_deg.to_radians()),
            (self.turned(0.0, step_deg), plane, errors.tilt_deg.to_radians()),
            (self.shifted(STEP, 0.0), plane, size.0 * BOX_SHARE),
            (self.shifted(0.0, STEP), plane, size.1 * BOX_SHARE),
            (*self, raised, errors.height_m),
        ];
        let mut covariance = Covariance::round(errors.position_m);
        for (sight, plane, sigma) in moves {
            let (moved_east, moved_north) = plane.meets(sight.ray())?;
            covariance.add((moved_east - east) / STEP * sigma, (moved_north - north) / STEP * sigma);
        }
        Some(covariance.spread())
    }
}

/// Sums of squares, in square metres.
#[derive(Debug, Clone, Copy)]
pub(super) struct Covariance {
    east_m2: f64,
    north_m2: f64,
    east_north_m2: f64,
}

impl Covariance {
    /// The same in all directions.
    pub(super) fn round(sigma_m: f64) -> Self {
        Self { east_m2: sigma_m * sigma_m, north_m2: sigma_m * sigma_m, east_north_m2: 0.0 }
    }

    /// One more error, which moves the place by this much for each of its standard deviations.
    pub(super) fn add(&mut self, east_m: f64, north_m: f64) {
        self.east_m2 += east_m * east_m;
        self.north_m2 += north_m * north_m;
        self.east_north_m2 += east_m * north_m;
    }

    /// By the axes of the ellipse.
    pub(super) fn spread(self) -> Spread {
        let Self { east_m2, north_m2, east_north_m2 } = self;
        let (along_m, across_m, bearing_deg) = Spread { east_m2, north_m2, east_north_m2 }.axes();
        Spread::ellipse(along_m, across_m, bearing_deg)
    }
}
