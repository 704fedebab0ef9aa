//! Where on the ground something was seen.
//!
//! In: a sighting, where its camera stood and looked, and the relief if it is known.   Out: a position with its [`Spread`], or
//! why there is none ([`Unplaced`]); a camera that looks along the ground tells a direction, never a place.
//!
//! ```text
//! lens.rs      a box in the picture -> a direction before the lens
//! attitude.rs  -> a direction in the world (north, east, down)
//! ground.rs    -> where it meets level ground, and how surely
//! relief.rs    -> where it meets the ground of an elevation model, and how surely
//! flight.rs    tracks of a drone -> where it was and looked at the time of the picture
//! ```

mod attitude;
mod flight;
mod ground;
mod lens;
mod relief;

pub use attitude::{Attitude, Ray};
pub(crate) use flight::between;
pub use flight::{Flight, Sample};
pub use ground::{Errors, Plane, Sight};
pub use lens::Lens;

use crate::geofence::Spread;
use model::{BoundingBox, Device, Gimbal, PanTilt, Place, Position, Timestamp};
use terrain::Terrain;

/// Below this angle between sight line and ground, a degree of error moves the spot by more than the distance is worth.
const GRAZING_ANGLE_MIN_DEG: f64 = 3.0;

/// However sure a receiver is of itself: its clock and its antenna's place on the drone are less so.
const ACCURACY_MIN_M: f64 = 0.5;

/// A place with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Located {
    /// Where.
    pub position: Position,
    /// How surely.
    pub spread: Spread,
}

/// Why what was seen in a picture has no place on the ground.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unplaced {
    /// The registry lacks the camera's place, height, direction or field of view.
    NoPose,
    /// The drone did not say where it was and looked at the time of the picture.
    NoTrack,
    /// The sight line is too flat; only its direction is known.
    Grazing {
        /// Clockwise from true north, degrees.
        bearing_deg: f64,
    },
    /// By the elevation model the sight line meets no ground, or leaves the model before it does; only its direction is known.
    NoGround {
        /// Clockwise from true north, degrees.
        bearing_deg: f64,
    },
}

impl Unplaced {
    /// A word for counting.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoPose => "no_pose",
            Self::NoTrack => "no_track",
            Self::Grazing { .. } => "grazing",
            Self::NoGround { .. } => "no_ground",
        }
    }
}

/// From where an eye's height is counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Base {
    /// From the ground straight below it.
    Ground,
    /// From where it took off.
    TakeOff {
        /// Where that was, if it is known.
        place: Option<Position>,
        /// Its own height above the ellipsoid, metres, if its receiver says so.
        alt_m: Option<f64>,
    },
}

/// Where a camera is and looks at the moment of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eye {
    /// Where it stands or flies.
    pub position: Position,
    /// Above its base, metres.
    pub height_m: f64,
    /// From where its height is counted.
    pub base: Base,
    /// Where it looks.
    pub attitude: Attitude,
    /// Through what.
    pub lens: Lens,
    /// How wrong all that may be.
    pub errors: Errors,
}

impl Eye {
    /// A fixed camera by its survey and, for a turning head, by what its heartbeat last said.
    pub fn of_camera(device: &Device, head: Option<PanTilt>, errors: Errors) -> Result<Self, Unplaced> {
        let (Some(position), Some(pose)) = (device.place, device.pose) else { return Err(Unplaced::NoPose) };
        // A head says how far it turned from its zero, but how steeply it looks against the horizon.
        let head = head.unwrap_or(PanTilt { pan_deg: 0.0, tilt_deg: pose.pitch_deg, zoom: 1.0 });
        Ok(Self {
            position,
            height_m: pose.height_m,
            base: Base::Ground,
            attitude: Attitude { yaw_deg: pose.yaw_deg + head.pan_deg, pitch_deg: head.tilt_deg, roll_deg: 0.0 },
            lens: Lens::new(pose.hfov_deg, head.zoom),
            errors,
        })
    }

    /// A drone by where it was at the time of the picture; the field of view stands in the registry.
    pub fn of_drone(device: &Device, flight: &Flight, at: Timestamp, errors: Errors) -> Result<Self, Unplaced> {
        let sample = flight.at(at).ok_or(Unplaced::NoTrack)?;
        let Gimbal { yaw_deg, pitch_deg, roll_deg } = sample.gimbal;
        let pose = device.pose.ok_or(Unplaced::NoPose)?;
        let position_m = sample.accuracy_m.map_or(errors.position_m, |accuracy_m| accuracy_m.max(ACCURACY_MIN_M));
        Ok(Self {
            position: sample.position,
            height_m: sample.height_m,
            base: Base::TakeOff { place: flight.took_off.or(device.place), alt_m: sample.alt_m },
            attitude: Attitude { yaw_deg, pitch_deg, roll_deg },
            lens: Lens::new(pose.hfov_deg, 1.0),
            errors: Errors { position_m, ..errors },
        })
    }

    /// The ground under the bottom centre of a box: where the animal's feet are. By the relief where the ground below the eye is
    /// known, else as if the land were level.
    pub fn ground(&self, seen: BoundingBox, relief: &Terrain) -> Result<Located, Unplaced> {
        let point = (seen.x + seen.w / 2.0, seen.y + seen.h);
        let sight = Sight { attitude: self.attitude, lens: self.lens, point };
        match self.elevation_m(relief) {
            Some(elevation_m) => relief::place(self, sight, (seen.w, seen.h), relief, elevation_m),
            None => self.level_ground(sight, (seen.w, seen.h)),
        }
    }

    /// Its height as the relief counts heights. That of the take-off comes from the relief too, so that an error which both have in
    /// common does no harm; a receiver's own height is only held against heights above the ellipsoid.
    pub(crate) fn elevation_m(&self, relief: &Terrain) -> Option<f64> {
        let below = relief.height(self.position)?;
        match self.base {
            Base::Ground => Some(below.height_m + self.height_m),
            Base::TakeOff { place, alt_m } => {
                let base = place.and_then(|place| relief.height(place));
                base.map(|base| base.height_m + self.height_m).or_else(|| alt_m.filter(|_| below.ellipsoidal))
            }
        }
    }

    fn level_ground(&self, sight: Sight, size: (f64, f64)) -> Result<Located, Unplaced> {
        let (ray, plane) = (sight.ray(), Plane::flat(self.height_m));
        let grazing = Unplaced::Grazing { bearing_deg: ray.bearing_deg() };
        // Not-a-number is no angle that is steep enough.
        if !(ray.depression_deg() >= GRAZING_ANGLE_MIN_DEG && self.height_m > 0.0) {
            return Err(grazing);
        }
        let (east_m, north_m) = plane.meets(ray).ok_or(grazing)?;
        let spread = sight.spread(plane, size, self.errors).ok_or(grazing)?;
        Ok(Located { position: self.position.moved(east_m, north_m), spread })
    }
}

/// Where a sighting was: as its device says, or by way of the eye that saw it.
pub fn locate(
    place: Place,
    eye: impl FnOnce() -> Result<Eye, Unplaced>,
    relief: &Terrain,
    default_accuracy_m: f64,
) -> Result<Located, Unplaced> {
    match place {
        Place::Ground { position, accuracy_m } => {
            Ok(Located { position, spread: Spread::round(accuracy_m.unwrap_or(default_accuracy_m)) })
        }
        Place::Picture(seen) => eye()?.ground(seen, relief),
    }
}

#[cfg(test)]
mod measured_tests;
#[cfg(test)]
mod relief_tests;
#[cfg(test)]
mod tests;
