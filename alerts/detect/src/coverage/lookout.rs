//! What a camera sees of the land: a place, a direction, a lens, a range, and the relief between.
//!
//! In: where it is and looks.   Out: yes or no for a point of the ground.   Never: where something in its picture is; that is
//! [`crate::place`].
//!
//! A point is seen where (1) it falls into the picture, (2) an animal there is still some pixels tall, and (3) no ground stands
//! between. Without a model of the relief all land is level and nothing stands between.

use super::settings::Settings;
use crate::place::{Attitude, Lens};
use model::Position;
use terrain::{Miss, SightLine, Terrain};

/// Wider lenses have no flat picture; they look all around, or over a sector of it, from the foot of the mast to their range.
const FLAT_MAX_DEG: f64 = 150.0;
/// As the relief bends a sight line: curvature less refraction.
const BENT: f64 = 0.87;
const EARTH_RADIUS_M: f64 = 6_371_000.0;
/// A line that ends so shortly before the point has met no other ground.
const SHORT_OF_M: f64 = 1.0;

/// Through what it looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Glass {
    /// A picture like a window.
    Flat(Lens),
    /// A wide sector or the full circle, degrees.
    Round(f64),
}

impl Glass {
    /// By its horizontal field of view at zoom 1, and the zoom.
    pub fn new(hfov_deg: f64, zoom: f64) -> Self {
        if hfov_deg > FLAT_MAX_DEG { Self::Round(hfov_deg.min(360.0)) } else { Self::Flat(Lens::new(hfov_deg, zoom)) }
    }

    /// How far away an animal of height `h` is still `p` pixels tall in a picture of `w` pixels: `h w f / p`, where `f` is the focal
    /// length in widths, `1 / (2 tan(hfov / 2))`; of a round picture, where each degree has as many pixels, `h w / (p hfov)`.
    pub fn range_m(self, settings: &Settings) -> f64 {
        let widths = match self {
            Self::Flat(lens) => lens.focal_widths(),
            Self::Round(hfov_deg) => 1.0 / hfov_deg.to_radians(),
        };
        let range_m = settings.animal_m * settings.picture_pixels * widths / settings.animal_pixels;
        range_m.min(settings.range_max_m)
    }
}

/// A camera at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lookout {
    /// Where it is.
    pub position: Position,
    /// Above level ground, metres; only used where there is no relief.
    pub height_m: f64,
    /// Its own height as the relief counts heights; `None` where there is none.
    pub elevation_m: Option<f64>,
    /// Where it looks.
    pub attitude: Attitude,
    /// Through what.
    pub glass: Glass,
    /// How far an animal can be recognised, metres.
    pub range_m: f64,
    /// Height of the animal, metres.
    pub animal_m: f64,
}

impl Lookout {
    /// Whether it sees the ground, or the animal on it, at a place.
    pub fn sees(&self, place: Position, relief: &Terrain) -> bool {
        let (east_m, north_m) = self.position.offset_to(place);
        let level_m = east_m.hypot(north_m);
        if level_m > self.range_m {
            return false;
        }
        let below_m = match self.elevation_m {
            None => Some(self.height_m),
            // Past the model's edge nobody knows what stands between.
            Some(elevation_m) => relief.height(place).map(|ground| elevation_m - ground.height_m),
        };
        let Some(below_m) = below_m else { return false };
        let down_m = below_m + BENT * level_m * level_m / (2.0 * EARTH_RADIUS_M);
        if level_m.hypot(down_m) > self.range_m || !self.is_in_picture(east_m, north_m, down_m) {
            return false;
        }
        self.elevation_m.is_none_or(|elevation_m| self.is_clear((east_m, north_m, down_m), elevation_m, relief))
    }

    fn is_in_picture(&self, east_m: f64, north_m: f64, down_m: f64) -> bool {
        match self.glass {
            Glass::Flat(lens) => {
                let (forward, right, down) = self.attitude.seen(east_m, north_m, down_m);
                let half = 0.5 / lens.focal_widths();
                forward > 0.0 && (right / forward).abs() <= half && (down / forward).abs() <= half / lens.aspect()
            }
            Glass::Round(hfov_deg) => {
                let bearing_deg = east_m.atan2(north_m).to_degrees();
                let away_deg = (bearing_deg - self.attitude.yaw_deg + 180.0).rem_euclid(360.0) - 180.0;
                down_m > 0.0 && away_deg.abs() <= hfov_deg / 2.0
            }
        }
    }

    /// Whether the line to the animal meets no ground before it.
    fn is_clear(&self, (east, north, down_m): (f64, f64, f64), elevation_m: f64, relief: &Terrain) -> bool {
        let down = down_m - self.animal_m;
        let length_m = east.hypot(north).hypot(down);
        if length_m <= SHORT_OF_M {
            return true;
        }
        let line = SightLine { from: self.position, height_m: elevation_m, east, north, down };
        relief.first_ground(&line, length_m - SHORT_OF_M) == Err(Miss::Sky)
    }
}
