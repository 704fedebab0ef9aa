//! Where a drone was and looked at the time of a picture.
//!
//! In: its tracks.   Out: a [`Sample`] for an instant, between two tracks or shortly after the last.   Never: a place from
//! tracks too far apart; a turn of the gimbal in between is not in them.

use model::{Gimbal, Position, Reading, Timestamp, Track};
use std::collections::VecDeque;

/// Two minutes of a drone that tells its place every two seconds: pictures that come later than their tracks find theirs.
const SAMPLES_MAX: usize = 64;
/// Further from a track than this nothing is made up.
const EXTRAPOLATED_MAX_MS: i64 = 2_000;
/// Between two tracks further apart than this neither is a flight known to be straight, nor a gimbal to be still.
const GAP_MAX_MS: i64 = 10_000;
/// So much of a way that was made up may be wrong: it brakes or turns.
const EXTRAPOLATED_ERROR_SHARE: f64 = 0.5;
/// Lower than this above the place where it took off, it stands there.
const ON_GROUND_M: f64 = 1.0;

/// What a track says of a drone's camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// Where it is.
    pub position: Position,
    /// Above the place where it took off, metres.
    pub height_m: f64,
    /// Above the ellipsoid, metres.
    pub alt_m: Option<f64>,
    /// Where the camera looks; yaw from true north, as decode made it whatever the maker's convention.
    pub gimbal: Gimbal,
    /// Accuracy of the position, metres (one standard deviation).
    pub accuracy_m: Option<f64>,
}

/// The last tracks of one drone, in the order of its own time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flight {
    /// At most [`SAMPLES_MAX`].
    pub(crate) samples: VecDeque<Sample>,
    /// Where it stood on the ground last.
    pub(crate) took_off: Option<Position>,
}

impl Flight {
    /// Takes a track in; one without position, height or gimbal tells nothing of a camera.
    pub fn add(&mut self, reading: &Reading, track: &Track) {
        let (Some(position), Some(height_m)) = (track.position, track.height_m) else { return };
        if height_m.abs() < ON_GROUND_M {
            self.took_off = Some(position);
        }
        let Some(gimbal) = track.gimbal else { return };
        let at = reading.happened_at();
        let sample = Sample { at, position, height_m, alt_m: track.alt_m, gimbal, accuracy_m: track.accuracy_m };
        let place = self.samples.partition_point(|known| known.at < at);
        match self.samples.get_mut(place) {
            Some(known) if known.at == at => *known = sample,
            _ => self.samples.insert(place, sample),
        }
        if self.samples.len() > SAMPLES_MAX {
            self.samples.pop_front();
        }
    }

    /// Where it was at this instant; nothing if its tracks are too far from it.
    pub fn at(&self, at: Timestamp) -> Option<Sample> {
        let place = self.samples.partition_point(|known| known.at < at);
        let (before, after) = (place.checked_sub(1).and_then(|place| self.samples.get(place)), self.samples.get(place));
        match (before, after) {
            (_, Some(after)) if after.at == at => Some(*after),
            (Some(before), Some(after)) if millis(before.at, after.at) <= GAP_MAX_MS => {
                Some(between(before, after, at))
            }
            (Some(before), _) if millis(before.at, at) <= EXTRAPOLATED_MAX_MS => {
                let earlier = place.checked_sub(2).and_then(|place| self.samples.get(place));
                Some(beyond(before, earlier, at))
            }
            (_, Some(after)) if millis(at, after.at) <= EXTRAPOLATED_MAX_MS => {
                Some(beyond(after, self.samples.get(place + 1), at))
            }
            _ => None,
        }
    }
}

fn millis(from: Timestamp, to: Timestamp) -> i64 {
    to.as_millis().saturating_sub(from.as_millis())
}

/// On the straight way between two tracks, the gimbal turning the shorter way round.
pub(crate) fn between(before: &Sample, after: &Sample, at: Timestamp) -> Sample {
    let share = millis(before.at, at) as f64 / millis(before.at, after.at).max(1) as f64;
    let mixed = |from: f64, to: f64| from + share * (to - from);
    let turned = |from: f64, to: f64| from + share * ((to - from + 180.0).rem_euclid(360.0) - 180.0);
    let (east_m, north_m) = before.position.offset_to(after.position);
    Sample {
        at,
        position: before.position.moved(share * east_m, share * north_m),
        height_m: mixed(before.height_m, after.height_m),
        alt_m: before.alt_m.zip(after.alt_m).map(|(from, to)| mixed(from, to)),
        gimbal: Gimbal {
            pitch_deg: mixed(before.gimbal.pitch_deg, after.gimbal.pitch_deg),
            yaw_deg: turned(before.gimbal.yaw_deg, after.gimbal.yaw_deg).rem_euclid(360.0),
            roll_deg: mixed(before.gimbal.roll_deg, after.gimbal.roll_deg),
        },
        accuracy_m: worse(before.accuracy_m, after.accuracy_m),
    }
}

/// Going on as between the nearest track and its neighbour; the gimbal held where it was.
fn beyond(nearest: &Sample, neighbour: Option<&Sample>, at: Timestamp) -> Sample {
    let held = Sample { at, ..*nearest };
    let Some(neighbour) = neighbour else { return held };
    let apart = millis(neighbour.at, nearest.at);
    if apart == 0 || apart.abs() > GAP_MAX_MS {
        return held;
    }
    let share = millis(nearest.at, at) as f64 / apart as f64;
    let (east_m, north_m) = neighbour.position.offset_to(nearest.position);
    let (east_m, north_m) = (share * east_m, share * north_m);
    let made_up_m = EXTRAPOLATED_ERROR_SHARE * east_m.hypot(north_m);
    Sample {
        position: nearest.position.moved(east_m, north_m),
        height_m: nearest.height_m + share * (nearest.height_m - neighbour.height_m),
        alt_m: nearest.alt_m.zip(neighbour.alt_m).map(|(near, far)| near + share * (near - far)),
        accuracy_m: worse(nearest.accuracy_m, Some(made_up_m)),
        ..held
    }
}

fn worse(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
#[path = "flight_tests.rs"]
mod tests;
