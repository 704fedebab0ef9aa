//! Where a sight line meets a plane, and how surely.
//!
//! In: a direction, a plane of ground, and the errors of everything that made them.   Out: metres east and north of the eye,
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
const BOX_SHARE: f64 = 0.05;
/// A step for measuring a slope, in radians or picture widths.
const STEP: f64 = 1e-6;

/// Ground as a plane, seen from the eye: `height_m` under the eye (negative: below it), rising by `east` and `north`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    /// Height of the plane straight under the eye against the eye, metres.
    pub height_m: f64,
    /// Metres up for each metre east.
    pub east_slope: f64,
    /// Metres up for each metre north.
    pub north_slope: f64,
}

impl Plane {
    /// Flat ground this far below.
    pub fn flat(below_m: f64) -> Self {
        Self { height_m: -below_m, east_slope: 0.0, north_slope: 0.0 }
    }

    /// Metres (east, north) where the ray meets it; nothing where it flies off.
    pub fn meets(self, ray: Ray) -> Option<(f64, f64)> {
        let closing = ray.down + self.east_slope * ray.east + self.north_slope * ray.north;
        let length = -self.height_m / closing;
        (closing > 0.0 && length.is_finite() && length >= 0.0).then_some((length * ray.east, length * ray.north))
    }

    /// The angle between the ray and the plane, degrees; negative when it flies off.
    pub fn grazing_deg(self, ray: Ray) -> f64 {
        let closing = ray.down + self.east_slope * ray.east + self.north_slope * ray.north;
        let normal = (1.0 + self.east_slope.powi(2) + self.north_slope.powi(2)).sqrt();
        (closing / (normal * ray.level().hypot(ray.down))).clamp(-1.0, 1.0).asin().to_degrees()
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

    /// The covariance of where it meets the plane; `size` is width and height of the box in the picture.
    pub fn spread(&self, plane: Plane, size: (f64, f64), errors: Errors) -> Option<Spread> {
        let (east, north) = plane.meets(self.ray())?;
        let step_deg = STEP.to_degrees();
        let turned = |yaw: f64, pitch: f64| {
            let Attitude { yaw_deg, pitch_deg, .. } = self.attitude;
            Self {
                attitude: Attitude { yaw_deg: yaw_deg + yaw, pitch_deg: pitch_deg + pitch, ..self.attitude },
                ..*self
            }
        };
        let shifted = |right: f64, down: f64| Self { point: (self.point.0 + right, self.point.1 + down), ..*self };
        let raised = Plane { height_m: plane.height_m + STEP, ..plane };
        let moves = [
            (turned(step_deg, 0.0), plane, errors.pan_deg.to_radians()),
            (turned(0.0, step_deg), plane, errors.tilt_deg.to_radians()),
            (shifted(STEP, 0.0), plane, size.0 * BOX_SHARE),
            (shifted(0.0, STEP), plane, size.1 * BOX_SHARE),
            (*self, raised, errors.height_m),
        ];
        let own = errors.position_m.powi(2);
        let (mut east_m2, mut north_m2, mut east_north_m2) = (own, own, 0.0);
        for (sight, plane, sigma) in moves {
            let (moved_east, moved_north) = plane.meets(sight.ray())?;
            let (by_east, by_north) = ((moved_east - east) / STEP * sigma, (moved_north - north) / STEP * sigma);
            east_m2 += by_east * by_east;
            north_m2 += by_north * by_north;
            east_north_m2 += by_east * by_north;
        }
        Some(of_covariance(east_m2, north_m2, east_north_m2))
    }
}

/// By the axes of the ellipse.
fn of_covariance(east_m2: f64, north_m2: f64, east_north_m2: f64) -> Spread {
    let (middle, half) = ((east_m2 + north_m2) / 2.0, (north_m2 - east_m2) / 2.0);
    let reach = half.hypot(east_north_m2);
    let bearing_deg = (0.5 * east_north_m2.atan2(half)).to_degrees();
    Spread::ellipse((middle + reach).sqrt(), (middle - reach).max(0.0).sqrt(), bearing_deg)
}
