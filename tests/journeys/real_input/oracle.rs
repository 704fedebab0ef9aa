//! What a careful person would read out of the tracks: who was in which zone, from when to when.
//!
//! In: fixes in the order of a log, and the zones. Out: a verdict for each fix, and the stays. By what the guides promise, on a flat
//! map with `geo`: no index of cells, no engine, nothing of the platform's own detection.

use super::tracks::Fix;
use geo::{Contains, Coord, Distance, Euclidean, LineString, Point, Polygon};
use model::Timestamp;
use std::time::Duration;

/// "A collar that stays inside for three minutes."
const DWELL: Duration = Duration::from_secs(3 * 60);
/// "Collars: six of their periods", and a collar that was registered without one speaks every 15 minutes.
const UNSEEN: Duration = Duration::from_secs(6 * 15 * 60);
/// So many of its own errors from the border a fix is nine times in ten on the side where it lies.
const SURE: f64 = 1.2816;
/// Fixes between these many errors from the border would be decided by how exactly one reckons: none may lie there.
const UNSETTLED: std::ops::Range<f64> = 1.0..1.6;
/// No cow walks faster than 6 km/h for long; half a kilometre she may run, or the receiver err.
const WALK_MPS: f64 = 6.0 / 3.6;
const RUN_M: f64 = 500.0;
/// Three fixes that agree on a new place are no error of the receiver: she was carried there.
const AGREEING: usize = 3;

/// The flat map: metres east and north of the middle of the winter grazing.
pub(crate) fn flat(lat: f64, lon: f64) -> Coord<f64> {
    const M_PER_DEG: f64 = 111_195.0;
    let (middle_lat, middle_lon) = (43.33_f64, -117.11);
    Coord { x: (lon - middle_lon) * M_PER_DEG * middle_lat.to_radians().cos(), y: (lat - middle_lat) * M_PER_DEG }
}

/// A zone, by its corners as latitude and longitude.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Zone {
    pub(crate) id: &'static str,
    pub(crate) corners: &'static [(f64, f64)],
}

impl Zone {
    pub(crate) fn outline(&self) -> Polygon<f64> {
        let corners = self.corners.iter().map(|(lat, lon)| flat(*lat, *lon));
        Polygon::new(corners.collect::<LineString<f64>>(), vec![])
    }

    /// Metres to the border; negative outside.
    pub(crate) fn depth_m(&self, place: Coord<f64>) -> f64 {
        let (outline, place) = (self.outline(), Point::from(place));
        let distance_m = Euclidean.distance(&place, outline.exterior());
        if outline.contains(&place) { distance_m } else { -distance_m }
    }
}

/// What to make of a fix, wherever it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Worth {
    Believed,
    NoFix,
    /// At the very time of the one before.
    Repeat,
    /// Where no cow can have walked meanwhile.
    Jump,
}

/// Looks at each fix with the ones before it.
pub(crate) fn judge(fixes: &[Fix]) -> Vec<(Fix, Worth)> {
    let mut judged: Vec<(Fix, Worth)> = Vec::new();
    for fix in fixes {
        let worth = worth(fix, &judged);
        judged.push((*fix, worth));
    }
    judged
}

fn worth(fix: &Fix, before: &[(Fix, Worth)]) -> Worth {
    if fix.is_none() {
        return Worth::NoFix;
    }
    let Some((believed, _)) = before.iter().rfind(|(_, worth)| *worth == Worth::Believed) else {
        return Worth::Believed;
    };
    if fix.at <= believed.at {
        return Worth::Repeat;
    }
    if can_walk(believed, fix) {
        return Worth::Believed;
    }
    let since = before.iter().rev().take_while(|(_, worth)| *worth != Worth::Believed);
    let doubted = since.filter(|(_, worth)| *worth == Worth::Jump).map(|(fix, _)| fix);
    let newest: Vec<&Fix> = [fix].into_iter().chain(doubted).take(AGREEING).collect();
    let agree = newest.iter().skip(1).zip(&newest).all(|(earlier, later)| can_walk(earlier, later));
    if newest.len() == AGREEING && agree { Worth::Believed } else { Worth::Jump }
}

fn can_walk(from: &Fix, to: &Fix) -> bool {
    let way_m = Euclidean.distance(flat(from.lat, from.lon), flat(to.lat, to.lon));
    way_m <= RUN_M + WALK_MPS * to.at.since(from.at).as_secs_f64()
}

/// From the first fix inside to the first one outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stay {
    pub(crate) zone: &'static str,
    pub(crate) first_seen: Timestamp,
    pub(crate) last_seen: Timestamp,
    /// `None`: the track ends inside.
    pub(crate) ended_at: Option<Timestamp>,
}

impl Stay {
    /// Long enough to be somebody's case.
    pub(crate) fn is_case(&self) -> bool {
        self.last_seen.since(self.first_seen) >= DWELL
    }
}

/// The stays of one collar in one zone, those too short to matter included.
pub(crate) fn stays(judged: &[(Fix, Worth)], zone: &Zone) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    let mut inside: Option<Stay> = None;
    for (fix, _) in judged.iter().filter(|(_, worth)| *worth == Worth::Believed) {
        let errors = zone.depth_m(flat(fix.lat, fix.lon)) / fix.accuracy_m;
        assert!(!UNSETTLED.contains(&errors.abs()), "{} is drawn so that {fix:?} could be judged either way", zone.id);
        if let Some(stay) = inside.take_if(|stay| fix.at.since(stay.last_seen) > UNSEEN) {
            stays.push(Stay { ended_at: Some(stay.last_seen), ..stay });
        }
        if errors >= SURE {
            let new = Stay { zone: zone.id, first_seen: fix.at, last_seen: fix.at, ended_at: None };
            inside.get_or_insert(new).last_seen = fix.at;
        } else if errors <= -SURE
            && let Some(stay) = inside.take()
        {
            stays.push(Stay { ended_at: Some(fix.at), ..stay });
        }
    }
    stays.extend(inside);
    stays
}

/// The cases of a herd: as long as any of its collars is inside, it is; and one that stayed long enough suffices.
pub(crate) fn cases_of_herd(mut stays: Vec<Stay>) -> Vec<Stay> {
    stays.sort();
    let mut joined: Vec<(Stay, bool)> = Vec::new();
    for stay in stays {
        match joined.last_mut() {
            Some((herd, is_case))
                if herd.zone == stay.zone && herd.ended_at.is_none_or(|ended| stay.first_seen < ended) =>
            {
                herd.last_seen = herd.last_seen.max(stay.last_seen);
                herd.ended_at = herd.ended_at.zip(stay.ended_at).map(|(a, b)| a.max(b));
                *is_case |= stay.is_case();
            }
            _ => joined.push((stay, stay.is_case())),
        }
    }
    joined.into_iter().filter(|(_, is_case)| *is_case).map(|(herd, _)| herd).collect()
}
