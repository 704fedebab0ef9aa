//! A track with fewer vertices, so chosen that the line stays where it was.
//!
//! In: places by time. Out: pieces, broken where the device was silent for long, each with the vertices that matter most, and how far the
//! line may now be beside a place that was left out. Never: a vertex that was not a place; a line over a silence.
//!
//! The vertex that is farthest beside the line is taken next, wherever it is (Douglas and Peucker's way, with the worst place first), so
//! that a given number of vertices goes where the track bends most.

use crate::HistoryError;
use crate::row::{Group, TrackPoint};
use crate::store::{History, Store};
use model::{DeviceId, Position, Timestamp};
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::time::Duration;

/// Metres of a degree of latitude.
const METERS_PER_DEGREE: f64 = 111_195.0;
/// Places held at once; of more, most are let go before the next day is read. A year of a fix every 15 seconds is two million.
const HELD_MAX: usize = 262_144;
const HELD_AFTER: usize = 65_536;

/// Where a device was at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vertex {
    /// When.
    pub ts: Timestamp,
    /// Where, to 1e-7 degree.
    pub position: Position,
}

/// A track with fewer vertices.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Simplified {
    /// Lines without a silence in them, by time; a piece of one vertex is a place between two silences.
    pub pieces: Vec<Vec<Vertex>>,
    /// Places that were read for it.
    pub read: usize,
    /// No place that was left out is farther from the line than this, metres (to some percent). Zero if only places on the line were.
    pub deviation_m: f64,
    /// Silences that were bridged, because there were more than the vertices allow to show; the longest are shown.
    pub bridged: usize,
}

impl Simplified {
    /// How many vertices there are.
    pub fn vertices(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }
}

impl History {
    /// Where a device was from `from` to `to` (excluded), in at most `vertices` (at least two). A silence of more than `gap` breaks the
    /// line. Reads day by day, so a year needs little memory.
    pub fn track_simplified(
        &self,
        device: &DeviceId,
        (from, to): (Timestamp, Timestamp),
        vertices: usize,
        gap: Duration,
    ) -> Result<Simplified, HistoryError> {
        let vertices = vertices.max(2);
        let mut thinned = Thinned::new(millis(gap));
        for span in self.store().days_with_rows(device, Group::Track, (from, to)) {
            thinned.extend(&self.store().places(device, span)?);
            if thinned.places.len() > HELD_MAX.max(vertices) {
                thinned.thin(HELD_AFTER.max(vertices));
            }
        }
        Ok(thinned.simplified(vertices))
    }

    /// What is kept of each vertex of a simplified track beside its place, in the same pieces. A vertex that retention let go of meanwhile is
    /// left out.
    pub fn track_vertices(&self, device: &DeviceId, track: &Simplified) -> Result<Vec<Vec<TrackPoint>>, HistoryError> {
        let mut vertices = track.pieces.iter().flatten().map(|vertex| vertex.ts).peekable();
        let Some(first) = vertices.peek().copied() else { return Ok(Vec::new()) };
        let last = track.pieces.iter().flatten().last().map_or(first, |vertex| vertex.ts);
        let mut found: HashMap<Timestamp, TrackPoint> = HashMap::new();
        let span = (first, last.plus(Duration::from_millis(1)));
        for (from, to) in self.store().days_with_rows(device, Group::Track, span) {
            let points = self.track(device, from, to)?;
            let wanted: HashSet<Timestamp> = std::iter::from_fn(|| vertices.next_if(|ts| *ts < to)).collect();
            found.extend(points.into_iter().filter(|point| wanted.contains(&point.ts)).map(|point| (point.ts, point)));
        }
        let piece = |piece: &Vec<Vertex>| piece.iter().filter_map(|vertex| found.get(&vertex.ts).copied()).collect();
        Ok(track.pieces.iter().map(piece).collect())
    }

    /// [`History::track_simplified`] for many devices, which share the vertices: what one does not need goes to those after it. `gap` says which silence breaks
    /// a device's line. A device without a place is left out.
    pub fn tracks_simplified<'a>(
        &self,
        devices: &'a [DeviceId],
        span: (Timestamp, Timestamp),
        vertices: usize,
        gap: impl Fn(&DeviceId) -> Duration,
    ) -> Result<Vec<(&'a DeviceId, Simplified)>, HistoryError> {
        let mut left = vertices;
        let mut tracks = Vec::new();
        for (place, device) in devices.iter().enumerate() {
            let share = left / (devices.len() - place);
            let track = self.track_simplified(device, span, share, gap(device))?;
            left = left.saturating_sub(track.vertices());
            if track.read > 0 {
                tracks.push((device, track));
            }
        }
        Ok(tracks)
    }
}

impl Store {
    fn places(
        &self,
        device: &DeviceId,
        span: (Timestamp, Timestamp),
    ) -> Result<Vec<(Timestamp, Position)>, HistoryError> {
        self.scan(device, Group::Track, &TrackPoint::PLACE, span, TrackPoint::place_of)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A place on a plane whose middle is the track's beginning.
#[derive(Clone, Copy)]
struct Place {
    vertex: Vertex,
    east_m: f64,
    north_m: f64,
    /// The silence before it, if the line is broken there.
    silence_ms: Option<i64>,
}

/// What is kept so far.
struct Thinned {
    places: Vec<Place>,
    read: usize,
    deviation_m: f64,
    bridged: usize,
    gap_ms: i64,
    last_ms: Option<i64>,
}

impl Thinned {
    fn new(gap_ms: i64) -> Self {
        Self { places: Vec::new(), read: 0, deviation_m: 0.0, bridged: 0, gap_ms, last_ms: None }
    }
}

impl Thinned {
    fn extend(&mut self, found: &[(Timestamp, Position)]) {
        self.read += found.len();
        let begin = self.places.first().map(|place| place.vertex.position);
        let Some(begin) = begin.or_else(|| found.first().map(|(_, position)| *position)) else { return };
        let east = METERS_PER_DEGREE * begin.lat_deg().to_radians().cos();
        for (ts, position) in found {
            let silence_ms = self.last_ms.map(|last_ms| ts.as_millis().saturating_sub(last_ms));
            self.last_ms = Some(ts.as_millis());
            self.places.push(Place {
                vertex: Vertex { ts: *ts, position: *position },
                // A track over the date line is not ours to draw well.
                east_m: (position.lon_deg() - begin.lon_deg()) * east,
                north_m: (position.lat_deg() - begin.lat_deg()) * METERS_PER_DEGREE,
                silence_ms: silence_ms.filter(|silence_ms| *silence_ms > self.gap_ms),
            });
        }
    }

    /// The beginnings of pieces, so few that each can have its two ends: over the shortest silences the line goes on.
    fn pieces(&mut self, vertices: usize) -> Vec<usize> {
        let mut gaps: Vec<(i64, usize)> =
            self.places.iter().enumerate().filter_map(|(at, place)| Some((place.silence_ms?, at))).collect();
        let shown = (vertices / 2).saturating_sub(1).min(gaps.len());
        gaps.sort_unstable_by_key(|(silence, at)| (std::cmp::Reverse(*silence), *at));
        for (_, at) in gaps.drain(shown..) {
            self.bridged += 1;
            if let Some(place) = self.places.get_mut(at) {
                place.silence_ms = None;
            }
        }
        let mut begins: Vec<usize> = gaps.into_iter().map(|(_, begin)| begin).chain([0]).collect();
        begins.sort_unstable();
        begins
    }

    /// Lets go of all but the places that matter most.
    fn thin(&mut self, vertices: usize) {
        let begins = self.pieces(vertices);
        let (kept, deviation_m) = most_telling(&self.places, &begins, vertices);
        let mut kept = kept.into_iter();
        self.places.retain(|_| kept.next().unwrap_or(false));
        // What was left out before lay beside a line that is now itself left out.
        self.deviation_m += deviation_m;
    }

    fn simplified(mut self, vertices: usize) -> Simplified {
        self.thin(vertices);
        let goes_on = |_: &Place, next: &Place| next.silence_ms.is_none();
        let pieces = self.places.chunk_by(goes_on).map(|piece| piece.iter().map(|place| place.vertex).collect());
        let Self { read, deviation_m, bridged, .. } = self;
        Simplified { pieces: pieces.collect(), read, deviation_m, bridged }
    }
}

/// A stretch between two places that are kept, and the one between that is farthest beside.
struct Stretch {
    square_m2: f64,
    first: usize,
    farthest: usize,
    last: usize,
}

impl PartialEq for Stretch {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Stretch {}

impl PartialOrd for Stretch {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Stretch {
    fn cmp(&self, other: &Self) -> Ordering {
        self.square_m2.total_cmp(&other.square_m2).then_with(|| other.first.cmp(&self.first))
    }
}

/// Which places are kept, and how far beside the line the others are at most, metres.
fn most_telling(places: &[Place], begins: &[usize], vertices: usize) -> (Vec<bool>, f64) {
    let mut kept = vec![false; places.len()];
    let mut stretches = BinaryHeap::new();
    let mut keep = |place: usize| {
        let is_new = kept.get_mut(place).is_some_and(|kept| !std::mem::replace(kept, true));
        usize::from(is_new)
    };
    let mut count = 0;
    for (begin, end) in begins.iter().zip(begins.iter().skip(1).chain([&places.len()])) {
        let last = end.saturating_sub(1);
        count += keep(*begin) + keep(last);
        stretches.extend(stretch(places, *begin, last));
    }
    while count < vertices {
        let Some(Stretch { first, farthest, last, .. }) = stretches.pop() else { break };
        count += keep(farthest);
        stretches.extend(stretch(places, first, farthest));
        stretches.extend(stretch(places, farthest, last));
    }
    (kept, stretches.peek().map_or(0.0, |stretch| stretch.square_m2.sqrt()))
}

/// The stretch between two places; `None` if no place between them is beside the line, by more than a millimetre.
fn stretch(places: &[Place], first: usize, last: usize) -> Option<Stretch> {
    let (begin, end) = (places.get(first)?, places.get(last)?);
    let between = places.get(first + 1..last)?;
    let (east, north) = (end.east_m - begin.east_m, end.north_m - begin.north_m);
    let length2 = east * east + north * north;
    // Where both ends are one place, the distance to it.
    let scale = if length2 > 0.0 { 1.0 / length2 } else { 0.0 };
    let (mut square_m2, mut farthest) = (1e-6, None);
    for (place, number) in between.iter().zip(first + 1..) {
        let (x, y) = (place.east_m - begin.east_m, place.north_m - begin.north_m);
        let along = ((x * east + y * north) * scale).clamp(0.0, 1.0);
        let (dx, dy) = (x - along * east, y - along * north);
        let distance2 = dx * dx + dy * dy;
        if distance2 > square_m2 {
            (square_m2, farthest) = (distance2, Some(number));
        }
    }
    farthest.map(|farthest| Stretch { square_m2, first, farthest, last })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A place every second, by metres east and north of a point in Hexigten.
    fn thinned(places: &[(i64, f64, f64)], gap_ms: i64) -> Thinned {
        let east = METERS_PER_DEGREE * 43.0_f64.to_radians().cos();
        let place = |(second, x, y): &(i64, f64, f64)| {
            let position = Position::parse(43.0 + y / METERS_PER_DEGREE, 117.0 + x / east).unwrap();
            (Timestamp::from_millis(second * 1_000), position)
        };
        let mut thinned = Thinned::new(gap_ms);
        thinned.extend(&places.iter().map(place).collect::<Vec<_>>());
        thinned
    }

    fn seconds(simplified: &Simplified) -> Vec<Vec<i64>> {
        simplified.pieces.iter().map(|piece| piece.iter().map(|one| one.ts.as_millis() / 1_000).collect()).collect()
    }

    #[test]
    fn a_straight_way_is_its_two_ends_and_a_corner_stays() {
        let straight: Vec<_> = (0..100).map(|n| (n, n as f64, n as f64 * 2.0)).collect();
        let track = thinned(&straight, 60_000).simplified(50);
        assert_eq!((seconds(&track), track.deviation_m, track.read), (vec![vec![0, 99]], 0.0, 100));
        let corner: Vec<_> = (0..100).map(|n| (n, n.min(40) as f64, (n - 40).max(0) as f64)).collect();
        assert_eq!(seconds(&thinned(&corner, 60_000).simplified(50)), [vec![0, 40, 99]]);
    }

    #[test]
    fn a_silence_breaks_the_line_and_the_longest_stay_when_there_are_too_many() {
        let places = [(0, 0.0, 0.0), (1, 1.0, 0.0), (100, 2.0, 0.0), (1_000, 3.0, 0.0), (1_001, 4.0, 0.0)];
        let all = thinned(&places, 30_000).simplified(20);
        assert_eq!((seconds(&all), all.bridged), (vec![vec![0, 1], vec![100], vec![1_000, 1_001]], 0));
        let few = thinned(&places, 30_000).simplified(4);
        assert_eq!((seconds(&few), few.bridged), (vec![vec![0, 100], vec![1_000, 1_001]], 1));
        assert_eq!(seconds(&thinned(&places, 30_000).simplified(2)), [vec![0, 1_001]]);
        assert_eq!(thinned(&[], 30_000).simplified(2), Simplified::default());
        assert_eq!(seconds(&thinned(&places[..1], 30_000).simplified(2)), [vec![0]]);
    }

    fn beside(places: &[Place], track: &Simplified) -> f64 {
        let line = |piece: &Vec<Vertex>| (piece.first().unwrap().ts, piece.last().unwrap().ts);
        let mut worst = 0.0_f64;
        for place in places {
            let piece = track.pieces.iter().find(|piece| {
                let (begin, end) = line(piece);
                (begin..=end).contains(&place.vertex.ts)
            });
            let piece = piece.expect("every place is within a piece");
            let at = |vertex: &Vertex| places.iter().find(|place| place.vertex == *vertex).unwrap();
            let pairs = piece.windows(2).map(|pair| (at(&pair[0]), at(&pair[1])));
            let nearest = pairs.map(|(one, next)| {
                let both = [*one, *place, *next];
                stretch(&both, 0, 2).map_or(0.0, |stretch| stretch.square_m2.sqrt())
            });
            worst = worst.max(nearest.fold(f64::INFINITY, f64::min).min(if piece.len() == 1 {
                0.0
            } else {
                f64::INFINITY
            }));
        }
        worst
    }

    proptest! {
        #[test]
        fn there_are_never_more_vertices_than_asked_for_and_no_place_is_farther_beside_than_said(
            steps in prop::collection::vec((1..60_i64, -100.0..100.0_f64, -100.0..100.0_f64), 1..200), vertices in 2..60_usize,
        ) {
            let (mut places, mut at) = (Vec::new(), (0, 0.0, 0.0));
            for (seconds, east, north) in steps {
                at = (at.0 + seconds, at.1 + east, at.2 + north);
                places.push(at);
            }
            let all = thinned(&places, 45_000);
            let original = all.places.clone();
            let track = all.simplified(vertices);
            prop_assert!(track.vertices() <= vertices);
            prop_assert_eq!(track.pieces.first().unwrap().first().unwrap().ts, original.first().unwrap().vertex.ts);
            prop_assert_eq!(track.pieces.last().unwrap().last().unwrap().ts, original.last().unwrap().vertex.ts);
            let worst = beside(&original, &track);
            prop_assert!(worst <= track.deviation_m + 0.01, "{} > {}", worst, track.deviation_m);
        }
    }
}
