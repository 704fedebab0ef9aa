//! Where a sight line meets the ground first.
//!
//! In: an eye, a direction, and the relief.   Out: a [`Hit`], or why there is none ([`Miss`]).
//! In steps of half a cell along the line, until it is under the ground, then by halving the last step. The earth's curvature lifts
//! the line over the ground, refraction bends it back by an eighth of that.

use crate::frame::Frame;
use crate::tile::{Lookup, Terrain};
use model::Position;

/// Of the curvature; the usual value over land by day.
const REFRACTION: f64 = 0.13;
const EARTH_RADIUS_M: f64 = 6_371_000.0;
/// The ground is met to within this along the line.
const CLOSE_M: f64 = 0.05;
/// Steps of a line at the most, however fine the model.
const STEPS_MAX: f64 = 20_000.0;
/// A line that goes nearly straight down takes steps as if it were this flat.
const LEVEL_MIN: f64 = 0.1;

/// From where, and in which direction; its length means nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SightLine {
    /// The eye.
    pub from: Position,
    /// Its height, measured as the relief's heights are, metres.
    pub height_m: f64,
    /// Eastwards.
    pub east: f64,
    /// Northwards.
    pub north: f64,
    /// Downwards.
    pub down: f64,
}

/// Where the ground is seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The place.
    pub position: Position,
    /// Metres from the eye along the line.
    pub distance_m: f64,
    /// Its height.
    pub height_m: f64,
}

/// Why no ground is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// The line meets none within the range: it goes over the last ridge into the sky.
    Sky,
    /// It comes over land whose height is not in the model.
    Unknown,
    /// The eye is not above the ground by this model.
    Buried,
}

impl Terrain {
    /// The first ground on the line within `range_m`.
    pub fn first_ground(&self, line: &SightLine, range_m: f64) -> Result<Hit, Miss> {
        let length = line.east.hypot(line.north).hypot(line.down);
        let unit = [line.east, line.north, line.down].map(|part| part / length);
        let [east, north, down] = unit;
        // Not-a-number is no range and no direction.
        if !(unit.into_iter().all(f64::is_finite) && range_m > 0.0 && range_m.is_finite()) {
            return Err(Miss::Sky);
        }
        let walk = Walk { terrain: self, frame: Frame::new(line.from, line.height_m), unit };
        let (_, above_m, cell_m) = walk.above(0.0)?;
        if above_m <= 0.0 {
            return Err(Miss::Buried);
        }
        let level = east.hypot(north).max(LEVEL_MIN);
        let (mut passed_m, mut step_m) = (0.0, cell_m / 2.0 / level);
        while passed_m < range_m {
            // Over the highest peak there is nothing to meet.
            let clear_m = walk.place(passed_m).1 - self.highest_m();
            if clear_m > 0.0 {
                if down <= 0.0 {
                    return Err(Miss::Sky);
                }
                step_m = step_m.max(clear_m / down);
            }
            let next_m = passed_m + step_m.max(range_m / STEPS_MAX);
            if next_m > range_m {
                break;
            }
            let (_, above_m, cell_m) = walk.above(next_m)?;
            if above_m <= 0.0 {
                return walk.close(passed_m, next_m);
            }
            (passed_m, step_m) = (next_m, cell_m / 2.0 / level);
        }
        Err(Miss::Sky)
    }
}

struct Walk<'a> {
    terrain: &'a Terrain,
    frame: Frame,
    /// East, north, down.
    unit: [f64; 3],
}

impl Walk<'_> {
    /// The place so far along the line, and the line's height there.
    fn place(&self, along_m: f64) -> (Option<Position>, f64) {
        let [east_m, north_m, down_m] = self.unit.map(|part| part * along_m);
        let (lat_deg, lon_deg, height_m) = self.frame.geodetic(east_m, north_m, -down_m);
        let bent_m = REFRACTION * (east_m * east_m + north_m * north_m) / (2.0 * EARTH_RADIUS_M);
        (Position::parse(lat_deg, lon_deg).ok(), height_m - bent_m)
    }

    /// The place, how far the line is above the ground there, and the size of the model's cells.
    fn above(&self, along_m: f64) -> Result<(Position, f64, f64), Miss> {
        let (Some(position), height_m) = self.place(along_m) else { return Err(Miss::Unknown) };
        match self.terrain.ground(position) {
            Lookup::Height(ground) => Ok((position, height_m - ground.height_m, ground.cell_m)),
            Lookup::Void | Lookup::Outside => Err(Miss::Unknown),
        }
    }

    /// Between a point above the ground and one under it.
    fn close(&self, mut above_m: f64, mut under_m: f64) -> Result<Hit, Miss> {
        while under_m - above_m > CLOSE_M {
            let middle_m = f64::midpoint(above_m, under_m);
            if self.above(middle_m)?.1 > 0.0 {
                above_m = middle_m;
            } else {
                under_m = middle_m;
            }
        }
        let distance_m = f64::midpoint(above_m, under_m);
        let (Some(position), height_m) = self.place(distance_m) else { return Err(Miss::Unknown) };
        Ok(Hit { position, distance_m, height_m })
    }
}
