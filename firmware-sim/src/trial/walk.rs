//! Where a herd of a trial was at every moment.
//!
//! In:  legs, one after the other.   Out: the place of its middle and of single animals at any time.
//!
//! Invariant: a function of the time alone, so that every device and the truth see the same animals.

use crate::ground::Spot;
use crate::rng::Rng;
use std::f64::consts::TAU;

/// Animals whose places are told one by one; the others are among them.
pub const ANIMALS: usize = 12;

/// A herd of a trial.
#[derive(Debug, Clone)]
pub struct Flock {
    /// Its name in the truth.
    pub id: String,
    /// What it consists of: species, head, young among them.
    pub groups: Vec<Group>,
    /// Its animals are within this distance of the middle.
    pub radius_m: f64,
    path: Vec<(i64, Spot)>,
    swings: Vec<[(f64, f64, f64); 2]>,
}

/// The animals of one species in a herd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// As the contract names it.
    pub species: &'static str,
    /// Animals, young included.
    pub count: u32,
    /// Of them young.
    pub young: u32,
}

impl Group {
    /// So many animals, a fifth of them young.
    pub fn of(species: &'static str, count: u32) -> Self {
        Self { species, count, young: count / 5 }
    }

    /// Sheep units by the banner's table: two young count as one.
    pub fn sheep_units(self) -> f64 {
        let each = match self.species {
            "cattle" | "mule" => 5.0,
            "horse" => 6.0,
            "camel" => 7.0,
            "donkey" => 3.0,
            _ => 1.0,
        };
        each * (f64::from(self.count) - f64::from(self.young) / 2.0)
    }
}

impl Flock {
    /// A herd that stands at a place from an instant on.
    pub fn at(id: &str, groups: Vec<Group>, spot: Spot, unix_ms: i64, rng: &mut Rng) -> Self {
        let head: u32 = groups.iter().map(|group| group.count).sum();
        let mut swing = || (rng.between(0.05, 0.7), rng.between(1_200.0, 3_600.0), rng.between(0.0, TAU));
        let swings = (0..ANIMALS).map(|_| [swing(), swing()]).collect();
        let radius_m = (10.0 + f64::from(head) * 0.35).clamp(12.0, 90.0);
        Self { id: id.to_owned(), groups, radius_m, path: vec![(unix_ms, spot)], swings }
    }

    fn end(&self) -> (i64, Spot) {
        self.path.last().copied().unwrap_or_default()
    }

    /// When its last leg ends.
    pub fn until_ms(&self) -> i64 {
        self.end().0
    }

    /// Walks to a place.
    pub fn go(mut self, to: Spot, speed_mps: f64) -> Self {
        let (from_ms, from) = self.end();
        let took_ms = from.distance_m(to) / speed_mps.max(0.01) * 1_000.0;
        self.path.push((from_ms + took_ms as i64, to));
        self
    }

    /// Grazes about where it stands: from tuft to tuft within `reach_m`, and ends in the middle again.
    pub fn graze(mut self, minutes: f64, reach_m: f64, rng: &mut Rng) -> Self {
        let (begin_ms, about) = self.end();
        let end_ms = begin_ms + (minutes * 60_000.0) as i64;
        while self.end().0 + 300_000 < end_ms {
            let tuft = about.toward(rng.between(0.0, 360.0), reach_m * rng.unit().sqrt());
            let walked = self.end().1.distance_m(tuft) / 0.25 * 1_000.0;
            let at_ms = self.end().0 + (walked as i64).max(rng.whole(60_000, 240_000) as i64);
            self.path.push((at_ms, tuft));
        }
        self.go(about, 0.3)
    }

    /// Where its middle was.
    pub fn middle(&self, unix_ms: i64) -> Spot {
        let after = self.path.partition_point(|(at, _)| *at <= unix_ms);
        let before = after.checked_sub(1).and_then(|place| self.path.get(place));
        match (before, self.path.get(after)) {
            (Some((from_ms, from)), Some((to_ms, to))) => {
                from.part_way(*to, (unix_ms - from_ms) as f64 / (to_ms - from_ms).max(1) as f64)
            }
            (Some((_, at)), None) | (None, Some((_, at))) => *at,
            (None, None) => Spot::default(),
        }
    }

    /// Where one of its animals was.
    pub fn animal(&self, number: usize, unix_ms: i64) -> Spot {
        let middle = self.middle(unix_ms);
        let Some([east, north]) = self.swings.get(number % ANIMALS) else { return middle };
        let off_m = |(reach, period_s, phase): (f64, f64, f64)| {
            self.radius_m
                * reach
                * (TAU * (unix_ms.rem_euclid(1_000_000_000)) as f64 / 1_000.0 / period_s + phase).sin()
        };
        Spot { east_m: middle.east_m + off_m(*east), north_m: middle.north_m + off_m(*north) }
    }

    /// Sheep units of all of it.
    pub fn sheep_units(&self) -> f64 {
        self.groups.iter().map(|group| group.sheep_units()).sum()
    }
}
