//! Where a sight line meets the ground of an elevation model, and how surely.
//!
//! In: an eye, a line, the relief.   Out: the place with its spread, or why there is none.
//! The errors are not carried over a plane but each line is looked along that one standard deviation would make of it: on a slope that
//! faces the eye they meet nearly the same place, and over a crest they fall far apart.

use super::ground::{BOX_SHARE, Covariance, Sight};
use super::{Eye, GRAZING_ANGLE_MIN_DEG, Located, Unplaced};
use terrain::{Hit, Miss, SightLine, Terrain};

/// Nobody recognises an animal farther away; who judges a stretch of the journal again counts on it.
const RANGE_MAX_M: f64 = 10_000.0;

pub(super) fn place(
    eye: &Eye,
    sight: Sight,
    size: (f64, f64),
    relief: &Terrain,
    elevation_m: f64,
) -> Result<Located, Unplaced> {
    let bearing_deg = sight.ray().bearing_deg();
    let meet = |sight: Sight, raised_m: f64| {
        let ray = sight.ray();
        let (height_m, from) = (elevation_m + raised_m, eye.position);
        let line = SightLine { from, height_m, east: ray.east, north: ray.north, down: ray.down };
        relief.first_ground(&line, RANGE_MAX_M)
    };
    let middle = meet(sight, 0.0).map_err(|_miss| Unplaced::NoGround { bearing_deg })?;
    let errors = eye.errors;
    let (up, down) = (meet(sight.turned(0.0, errors.tilt_deg), 0.0), meet(sight.turned(0.0, -errors.tilt_deg), 0.0));
    let grazing = Unplaced::Grazing { bearing_deg };
    // Where a little higher there is only sky, it may as well be kilometres away.
    let by_tilt = between(&middle, up, down).filter(|_| up.is_ok()).ok_or(grazing)?;
    let moved_m = by_tilt.iter().map(|part| part * part).sum::<f64>().sqrt();
    // On level ground this is the angle between line and ground.
    let angle = (middle.distance_m * errors.tilt_deg.to_radians() / moved_m).clamp(0.0, 1.0).asin();
    if errors.tilt_deg > 0.0 && angle.to_degrees() < GRAZING_ANGLE_MIN_DEG {
        return Err(grazing);
    }
    let (wide, high) = (size.0 * BOX_SHARE, size.1 * BOX_SHARE);
    let others = [
        (meet(sight.turned(errors.pan_deg, 0.0), 0.0), meet(sight.turned(-errors.pan_deg, 0.0), 0.0)),
        (meet(sight.shifted(wide, 0.0), 0.0), meet(sight.shifted(-wide, 0.0), 0.0)),
        (meet(sight.shifted(0.0, -high), 0.0), meet(sight.shifted(0.0, high), 0.0)),
        (meet(sight, errors.height_m), meet(sight, -errors.height_m)),
    ];
    let mut covariance = Covariance::round(errors.position_m);
    let [east_m, north_m, _] = by_tilt;
    covariance.add(east_m, north_m);
    for (plus, minus) in others {
        let [east_m, north_m, _] = between(&middle, plus, minus).ok_or(grazing)?;
        covariance.add(east_m, north_m);
    }
    Ok(Located { position: middle.position, spread: covariance.spread() })
}

/// Half of the way from one to the other, in metres east, north and up; from the middle if only one is there.
fn between(middle: &Hit, plus: Result<Hit, Miss>, minus: Result<Hit, Miss>) -> Option<[f64; 3]> {
    let from_middle = |hit: Hit| {
        let (east_m, north_m) = middle.position.offset_to(hit.position);
        [east_m, north_m, hit.height_m - middle.height_m]
    };
    match (plus.map(from_middle), minus.map(from_middle)) {
        (Ok([e, n, u]), Ok([east, north, up])) => Some([(e - east) / 2.0, (n - north) / 2.0, (u - up) / 2.0]),
        (Ok(one), Err(_)) | (Err(_), Ok(one)) => Some(one),
        (Err(_), Err(_)) => None,
    }
}
