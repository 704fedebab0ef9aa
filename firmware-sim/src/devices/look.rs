//! From the ground into a picture and back (protocol notes, section 9), on flat ground.
//!
//! In:  where a camera is and how it looks.   Out: where in its picture a place lies, and where on the ground a pixel lies.
//!
//! Frames: world north, east, down; camera forward, right, down. Yaw clockwise from true north, negative pitch looks down.

use crate::ground::Spot;

/// Width over height of every camera's picture.
pub const ASPECT: f64 = 16.0 / 9.0;
/// Flatter than this, a pixel's place on the ground means nothing.
const MIN_DEPRESSION_DEG: f64 = 2.5;

/// How a camera looks at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Below the lens.
    pub spot: Spot,
    /// Lens above the ground.
    pub height_m: f64,
    /// Clockwise from true north.
    pub yaw_deg: f64,
    /// Negative is down.
    pub pitch_deg: f64,
    /// Width of view.
    pub hfov_deg: f64,
}

/// A point of a picture: 0 to 1 from the left, 0 to 1 from the top.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PicturePoint {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// How well a device knows its own attitude, one standard deviation each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Certainty {
    /// Of the yaw.
    pub yaw_deg: f64,
    /// Of the pitch.
    pub pitch_deg: f64,
    /// Of the height above the ground.
    pub height_m: f64,
    /// Of the middle of the herd within the picture, on the ground.
    pub middle_m: f64,
}

impl Look {
    /// Where in the picture a place on the ground lies; `None` when it is out of the picture or too near the horizon.
    pub fn picture_point(&self, target: Spot) -> Option<PicturePoint> {
        let range_m = self.spot.distance_m(target);
        if (self.height_m / range_m).atan().to_degrees() < MIN_DEPRESSION_DEG {
            return None;
        }
        let north = target.north_m - self.spot.north_m;
        let east = target.east_m - self.spot.east_m;
        let (yaw_sin, yaw_cos) = self.yaw_deg.to_radians().sin_cos();
        let ahead = north * yaw_cos + east * yaw_sin;
        let right = east * yaw_cos - north * yaw_sin;
        let (pitch_sin, pitch_cos) = self.pitch_deg.to_radians().sin_cos();
        let forward = pitch_cos * ahead - pitch_sin * self.height_m;
        let down = pitch_sin * ahead + pitch_cos * self.height_m;
        if forward <= 0.0 {
            return None;
        }
        let half_width = (self.hfov_deg / 2.0).to_radians().tan();
        let x = 0.5 + right / forward / (2.0 * half_width);
        let y = 0.5 + down / forward * ASPECT / (2.0 * half_width);
        ((0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y)).then_some(PicturePoint { x, y })
    }

    /// Where on the ground a point of the picture lies; `None` at and above the horizon.
    pub fn ground_point(&self, at: PicturePoint) -> Option<Spot> {
        let half_width = (self.hfov_deg / 2.0).to_radians().tan();
        let right = (at.x - 0.5) * 2.0 * half_width;
        let lower = (at.y - 0.5) * 2.0 * half_width / ASPECT;
        let (pitch_sin, pitch_cos) = self.pitch_deg.to_radians().sin_cos();
        let ahead = pitch_cos + pitch_sin * lower;
        let down = pitch_cos * lower - pitch_sin;
        let length = (1.0 + right * right + lower * lower).sqrt();
        if down / length < 1_f64.to_radians().sin() {
            return None;
        }
        let reach = self.height_m / down;
        let (yaw_sin, yaw_cos) = self.yaw_deg.to_radians().sin_cos();
        Some(Spot {
            east_m: self.spot.east_m + reach * (ahead * yaw_sin + right * yaw_cos),
            north_m: self.spot.north_m + reach * (ahead * yaw_cos - right * yaw_sin),
        })
    }

    /// Accuracy of a place that this camera tells, by the error table of the notes: along the view it grows with the square
    /// of the flatness, across it with the range. One standard deviation, metres.
    pub fn accuracy_m(&self, range_m: f64, certainty: Certainty) -> f64 {
        let depression = (self.height_m / range_m.max(1.0)).atan();
        let along_m = self.height_m / depression.sin().powi(2) * certainty.pitch_deg.to_radians();
        let from_height_m = certainty.height_m / depression.tan();
        let across_m = range_m * certainty.yaw_deg.to_radians();
        [along_m, from_height_m, across_m, certainty.middle_m].into_iter().map(|part| part * part).sum::<f64>().sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(pitch_deg: f64) -> Look {
        Look { spot: Spot::default(), height_m: 100.0, yaw_deg: 30.0, pitch_deg, hfov_deg: 84.0 }
    }

    #[track_caller]
    fn check(pitch_deg: f64, pixel: (f64, f64), north_m: f64, east_m: f64) {
        let at = PicturePoint { x: pixel.0 / 1_920.0, y: pixel.1 / 1_080.0 };
        let spot = look(pitch_deg).ground_point(at).unwrap();
        assert!((spot.north_m - north_m).abs() < 2e-3 && (spot.east_m - east_m).abs() < 2e-3, "{spot:?}");
        let back = look(pitch_deg).picture_point(spot).unwrap();
        assert!((back.x - at.x).abs() < 1e-9 && (back.y - at.y).abs() < 1e-9, "{back:?}");
    }

    #[test]
    fn pixels_land_where_the_published_vectors_say_and_come_back() {
        check(-45.0, (960.0, 540.0), 86.603, 50.000);
        check(-30.0, (1_500.0, 800.0), 55.002, 113.988);
        check(-10.0, (960.0, 540.0), 491.147, 283.564);
    }

    #[test]
    fn what_is_behind_the_camera_or_near_the_horizon_is_not_seen() {
        assert_eq!(look(-10.0).picture_point(Spot::default().toward(210.0, 300.0)), None);
        assert_eq!(look(-10.0).picture_point(Spot::default().toward(30.0, 5_000.0)), None);
        assert_eq!(look(0.0).ground_point(PicturePoint { x: 0.5, y: 0.4 }), None);
    }

    #[test]
    fn accuracy_grows_with_range_as_in_the_error_table() {
        let mast = Look { height_m: 30.0, ..look(-5.0) };
        let one_degree = Certainty { yaw_deg: 0.0, pitch_deg: 1.0, height_m: 0.0, middle_m: 0.0 };
        assert!((mast.accuracy_m(343.0, one_degree) - 69.0).abs() < 1.0);
        assert!((mast.accuracy_m(170.0, one_degree) - 17.0).abs() < 1.0);
    }
}
