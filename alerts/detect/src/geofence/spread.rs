//! How uncertain a position is, and the points that stand for it.

use super::distance::{Box, Scale};
use model::{GeoPoint, Position};
use std::sync::LazyLock;

/// Points of the lattice; each stands for the same share of the probability.
pub(super) const LATTICE_POINTS: usize = RINGS * SPOKES;
const RINGS: usize = 8;
const SPOKES: usize = 8;

/// A two-dimensional normal distribution around a position: variances in square metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub(crate) east_m2: f64,
    pub(crate) north_m2: f64,
    pub(crate) east_north_m2: f64,
}

impl Spread {
    /// The same in all directions: `sigma_m` is one standard deviation in metres, at least a centimetre.
    pub fn round(sigma_m: f64) -> Self {
        let variance = if sigma_m.is_finite() { sigma_m.max(0.01).powi(2) } else { 1e12 };
        Self { east_m2: variance, north_m2: variance, east_north_m2: 0.0 }
    }

    /// An ellipse: `along_m` in the direction `bearing_deg` (clockwise from north), `across_m` at right angles to it.
    pub fn ellipse(along_m: f64, across_m: f64, bearing_deg: f64) -> Self {
        let (sin, cos) = bearing_deg.to_radians().sin_cos();
        let (along, across) = (along_m.max(0.01).powi(2), across_m.max(0.01).powi(2));
        Self {
            east_m2: along * sin * sin + across * cos * cos,
            north_m2: along * cos * cos + across * sin * sin,
            east_north_m2: (along - across) * sin * cos,
        }
    }

    /// What [`Self::ellipse`] was made from: `along_m` (the longer axis), `across_m`, `bearing_deg` from 0 to 180.
    pub fn axes(self) -> (f64, f64, f64) {
        let Self { east_m2, north_m2, east_north_m2 } = self;
        let (middle, half) = ((east_m2 + north_m2) / 2.0, (north_m2 - east_m2) / 2.0);
        let reach = half.hypot(east_north_m2);
        let bearing_deg = (0.5 * east_north_m2.atan2(half)).to_degrees().rem_euclid(180.0);
        ((middle + reach).sqrt(), (middle - reach).max(0.0).sqrt(), bearing_deg)
    }

    /// The standard deviation in metres of a round distribution with the same area.
    pub fn sigma_m(self) -> f64 {
        (self.east_m2 * self.north_m2 - self.east_north_m2.powi(2)).max(0.0).powf(0.25)
    }

    /// A box that holds all points of the lattice. `None` where it would reach around the globe.
    pub(super) fn reach(self, around: Position) -> Option<Box> {
        // The outermost ring, in standard deviations.
        let radius = (-2.0 * (0.5 / RINGS as f64).ln()).sqrt();
        let point = GeoPoint::from(around);
        let side_m = |variance_m2: f64| radius * variance_m2.max(1e-9).sqrt() + 0.01;
        Box::around(point, Scale::at(point)?, side_m(self.east_m2), side_m(self.north_m2))
    }

    /// 64 points of equal weight: 8 rings at the middle of each eighth of a Rayleigh distribution, 8 points on each,
    /// turned from ring to ring so that no direction is preferred. Mean error of a probability about 1 %.
    pub(super) fn lattice(self, around: Position) -> impl Iterator<Item = Position> {
        // Cholesky factor of the covariance.
        let a = self.east_m2.max(1e-9).sqrt();
        let b = self.east_north_m2 / a;
        let c = (self.north_m2 - b * b).max(0.0).sqrt();
        let plane = around.plane();
        UNIT_LATTICE.iter().map(move |(u, v)| plane.at(a * u, b * u + c * v))
    }
}

/// The lattice of a distribution whose standard deviation is one in all directions.
static UNIT_LATTICE: LazyLock<[(f64, f64); LATTICE_POINTS]> = LazyLock::new(|| {
    std::array::from_fn(|number| {
        let (ring, spoke) = ((number / SPOKES) as f64, (number % SPOKES) as f64);
        let radius = (-2.0 * (1.0 - (ring + 0.5) / RINGS as f64).ln()).sqrt();
        let angle = std::f64::consts::TAU * (spoke + ring / RINGS as f64) / SPOKES as f64;
        (radius * angle.cos(), radius * angle.sin())
    })
});
