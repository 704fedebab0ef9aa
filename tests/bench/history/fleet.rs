//! A fleet that flies and wanders: the rows that every side of the bench gets.
//!
//! In: how many devices, from when, how often they speak.   Out: their fixes in the order they would arrive. Always the same for the
//! same fleet. Each value has the digits a real device sends (a decimetre of latitude, tenths of a degree), since the digits are what
//! a store has to keep.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// What a device says at one instant: `lat`, `lon`, `alt_m`, `speed_mps`, `heading_deg`, `battery_percent`.
#[derive(Clone, Copy)]
pub struct Fix {
    pub device: usize,
    pub ts_ms: i64,
    pub lat: f64,
    pub lon: f64,
    pub alt_m: f64,
    pub speed_mps: f64,
    pub heading_deg: f64,
    pub battery_percent: f64,
}

/// One mover.
struct Mover {
    chance: SmallRng,
    lat: f64,
    lon: f64,
    alt_m: f64,
    climb_mps: f64,
    speed_mps: f64,
    heading_deg: f64,
    turn_dps: f64,
    charge: f64,
}

impl Mover {
    fn new(number: usize) -> Self {
        let mut chance = SmallRng::seed_from_u64(number as u64 + 1);
        Self {
            lat: chance.random_range(42.5..44.0),
            lon: chance.random_range(116.5..118.5),
            alt_m: chance.random_range(1_100.0..1_700.0),
            climb_mps: 0.0,
            speed_mps: chance.random_range(8.0..14.0),
            heading_deg: chance.random_range(0.0..360.0),
            turn_dps: 0.0,
            charge: chance.random_range(55.0..100.0),
            chance,
        }
    }

    /// Goes on by so many seconds: turns and climbs die away slowly, as those of an aircraft do.
    fn go(&mut self, seconds: f64) {
        self.turn_dps = 0.9 * self.turn_dps + self.chance.random_range(-0.3..0.3);
        self.climb_mps = 0.9 * self.climb_mps + self.chance.random_range(-0.1..0.1);
        self.speed_mps = (self.speed_mps + self.chance.random_range(-0.4..0.4)).clamp(3.0, 25.0);
        self.heading_deg = (self.heading_deg + self.turn_dps * seconds).rem_euclid(360.0);
        self.alt_m = (self.alt_m + self.climb_mps * seconds).clamp(900.0, 3_000.0);
        let way_deg = self.speed_mps * seconds / 111_195.0;
        let (east, north) = self.heading_deg.to_radians().sin_cos();
        self.lat += way_deg * north;
        self.lon += way_deg * east / self.lat.to_radians().cos();
        // It never leaves the prefecture: turned back at its border.
        if !(40.0..48.0).contains(&self.lat) || !(112.0..124.0).contains(&self.lon) {
            self.heading_deg = (self.heading_deg + 180.0).rem_euclid(360.0);
        }
        self.charge -= self.chance.random_range(0.01..0.02);
        if self.charge < 5.0 {
            self.charge = 100.0;
        }
    }
}

fn digits(value: f64, scale: f64) -> f64 {
    (value * scale).round() / scale
}

pub struct Fleet {
    movers: Vec<Mover>,
    begun_ms: i64,
    step_s: i64,
    rows: usize,
    next: usize,
}

impl Fleet {
    /// So many devices that each speak so many times, every `step_s` seconds.
    pub fn new(devices: usize, rows_each: usize, begun_ms: i64, step_s: i64) -> Self {
        let movers = (0..devices).map(Mover::new).collect();
        Self { movers, begun_ms, step_s, rows: devices * rows_each, next: 0 }
    }
}

impl Iterator for Fleet {
    type Item = Fix;

    fn next(&mut self) -> Option<Fix> {
        if self.next == self.rows {
            return None;
        }
        let (round, device) = (self.next / self.movers.len(), self.next % self.movers.len());
        self.next += 1;
        let mover = &mut self.movers[device];
        mover.go(self.step_s as f64);
        Some(Fix {
            device,
            // Not all in the same millisecond.
            ts_ms: self.begun_ms + round as i64 * self.step_s * 1_000 + device as i64 % 1_000,
            lat: digits(mover.lat, 1e6),
            lon: digits(mover.lon, 1e6),
            alt_m: digits(mover.alt_m, 10.0),
            speed_mps: digits(mover.speed_mps, 100.0),
            heading_deg: digits(mover.heading_deg, 10.0),
            battery_percent: digits(mover.charge, 10.0),
        })
    }
}
