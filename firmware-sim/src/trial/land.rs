//! The land of a trial: outlines, the law, and when either changes.
//!
//! In:  outlines, kinds, a season.   Out: whether a place was closed at an instant, and GeoJSON for the platform.
//!
//! Never: asks the platform. Inside is the even-odd rule of [`crate::ground`], legal days are counted here.

use crate::clock::{LEGAL_AHEAD_MS, legal_day};
use crate::ground::{self, LatLon, Plane, Spot};
use crate::rng::Rng;
use serde_json::json;

/// The middle of every trial's land.
const ORIGIN: LatLon = LatLon { lat: 43.3, lon: 117.5 };
const DAY_MS: i64 = 86_400_000;

/// A zone of a trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// Its id.
    pub id: String,
    /// `no-grazing`, closed all year, or `balance`, closed in the season.
    pub kind: &'static str,
    /// Its outline; the first vertex is not repeated.
    pub ring: Vec<Spot>,
}

/// All zones from an instant on.
#[derive(Debug, Clone, PartialEq)]
pub struct Edition {
    /// Unix milliseconds.
    pub from_ms: i64,
    /// The zones.
    pub plots: Vec<Plot>,
}

/// The land and its law.
#[derive(Debug, Clone, PartialEq)]
pub struct Land {
    /// Where metres are counted from.
    pub plane: Plane,
    /// Oldest first; the first one holds before its time, too.
    pub editions: Vec<Edition>,
    /// First and last legal day (month, day; both included) on which balance zones are closed.
    pub season: Option<((u32, u32), (u32, u32))>,
}

impl Land {
    /// Land that never changes.
    pub fn of(plots: Vec<Plot>) -> Self {
        Self { plane: Plane::at(ORIGIN), editions: vec![Edition { from_ms: i64::MIN, plots }], season: None }
    }

    /// The zones at an instant.
    pub fn plots_at(&self, unix_ms: i64) -> &[Plot] {
        let edition = self.editions.iter().rev().find(|edition| edition.from_ms <= unix_ms);
        edition.or(self.editions.first()).map_or(&[], |edition| &edition.plots)
    }

    /// Whether a place lay in closed land.
    pub fn is_closed(&self, spot: Spot, unix_ms: i64) -> bool {
        let in_season = self.in_season(unix_ms);
        let closed = |plot: &&Plot| plot.kind == "no-grazing" || in_season;
        self.plots_at(unix_ms).iter().filter(closed).any(|plot| plot.contains(spot))
    }

    /// Whether a place lay in a zone, closed or not.
    pub fn is_in(&self, zone: &str, place: LatLon, unix_ms: i64) -> bool {
        let spot = self.plane.spot(place);
        self.plots_at(unix_ms).iter().any(|plot| plot.id == zone && plot.contains(spot))
    }

    fn in_season(&self, unix_ms: i64) -> bool {
        let Some((first, last)) = self.season else { return false };
        let today = legal_day(unix_ms);
        first <= today && today <= last
    }

    /// An edition's zones as GeoJSON.
    pub fn geojson(&self, edition: &Edition) -> String {
        let features = edition.plots.iter().map(|plot| {
            let corner = |spot: &Spot| {
                let place = self.plane.degrees(*spot);
                [ground::round_deg(place.lon), ground::round_deg(place.lat)]
            };
            let ring: Vec<_> = plot.ring.iter().chain(plot.ring.first()).map(corner).collect();
            json!({
                "type": "Feature",
                "properties": {"id": plot.id, "name": plot.id, "kind": plot.kind, "land_class": "grassland"},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            })
        });
        json!({"type": "FeatureCollection", "features": features.collect::<Vec<_>>()}).to_string()
    }
}

impl Plot {
    /// A ragged outline about a centre.
    pub fn blob(id: &str, kind: &'static str, centre: Spot, radius_m: f64, rng: &mut Rng) -> Self {
        const VERTICES: u32 = 48;
        let waves: Vec<(f64, f64, f64)> = [2.0, 3.0, 5.0, 9.0]
            .map(|per_turn| (per_turn, 0.2 / per_turn, rng.between(0.0, std::f64::consts::TAU)))
            .into();
        let vertex = |number: u32| {
            let angle = std::f64::consts::TAU * f64::from(number) / f64::from(VERTICES);
            let wave: f64 = waves.iter().map(|(per_turn, size, phase)| size * (per_turn * angle + phase).sin()).sum();
            centre.toward(90.0 - angle.to_degrees(), radius_m * wave.exp())
        };
        Self { id: id.to_owned(), kind, ring: (0..VERTICES).map(vertex).collect() }
    }

    /// A rectangle: west, south, east, north in metres.
    pub fn field(id: &str, kind: &'static str, [west_m, south_m, east_m, north_m]: [f64; 4]) -> Self {
        let corners = [(west_m, south_m), (east_m, south_m), (east_m, north_m), (west_m, north_m)];
        let ring = corners.map(|(east_m, north_m)| Spot { east_m, north_m }).into();
        Self { id: id.to_owned(), kind, ring }
    }

    /// Whether a place lies in it.
    pub fn contains(&self, spot: Spot) -> bool {
        ground::inside(&self.ring, spot)
    }

    /// The place where a line from `centre` in a direction leaves the zone.
    pub fn border(&self, centre: Spot, bearing_deg: f64) -> Spot {
        let (mut inside_m, mut outside_m) = (0.0, 10_000.0);
        for _ in 0..40 {
            let middle_m = (inside_m + outside_m) / 2.0;
            let inside = self.contains(centre.toward(bearing_deg, middle_m));
            *(if inside { &mut inside_m } else { &mut outside_m }) = middle_m;
        }
        centre.toward(bearing_deg, inside_m)
    }
}

/// The instant at which a legal day begins.
pub fn legal_midnight(days_since_1970: i64) -> i64 {
    days_since_1970 * DAY_MS - LEGAL_AHEAD_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_zone_is_closed_from_the_midnight_of_its_first_day_to_that_after_its_last() {
        let mut land = Land::of(vec![Plot::field("b", "balance", [0.0, 0.0, 100.0, 100.0])]);
        land.season = Some(((4, 1), (6, 15)));
        let spot = Spot { east_m: 50.0, north_m: 50.0 };
        let first = legal_midnight(20_544); // 2026-04-01
        assert_eq!(crate::clock::rfc3339(first), "2026-03-31T16:00:00.000Z");
        assert_eq!([first - 1, first].map(|at| land.is_closed(spot, at)), [false, true]);
        let after = first + 76 * DAY_MS;
        assert_eq!([after - 1, after].map(|at| land.is_closed(spot, at)), [true, false]);
    }

    #[test]
    fn a_new_edition_holds_from_its_instant() {
        let mut land = Land::of(vec![]);
        let plots = vec![Plot::field("n", "no-grazing", [0.0, 0.0, 10.0, 10.0])];
        land.editions.push(Edition { from_ms: 1_000, plots });
        let spot = Spot { east_m: 5.0, north_m: 5.0 };
        assert_eq!([999, 1_000].map(|at| land.is_closed(spot, at)), [false, true]);
    }

    #[test]
    fn a_borders_point_lies_on_the_border() {
        let plot = Plot::blob("z", "no-grazing", Spot::default(), 800.0, &mut Rng::new(1, "blob"));
        for bearing_deg in [0.0, 77.0, 200.0] {
            let at = plot.border(Spot::default(), bearing_deg);
            assert!(plot.contains(at.toward(bearing_deg, -0.01)) && !plot.contains(at.toward(bearing_deg, 0.01)));
        }
    }
}
