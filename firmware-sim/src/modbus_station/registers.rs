//! What a station's registers hold: the map `renke-soil`.
//!
//! In:  a seed, a unit, a time since the beginning.   Out: 0x0000 soil moisture in tenths of a percent, 0x0001 soil temperature
//! in tenths of a degree, two's complement.

use crate::rng::Rng;
use std::f64::consts::TAU;
use std::time::Duration;

/// How many registers there are, from 0x0000.
pub const COUNT: u16 = 2;

/// A probe in the soil.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probe {
    moisture_percent: f64,
    temperature_c: f64,
    phase: f64,
    held: bool,
}

impl Probe {
    /// The probe of a unit; its values drift about a middle of its own.
    pub fn new(seed: u64, unit: u8) -> Self {
        let mut rng = Rng::new(seed, &format!("probe-{unit}"));
        Self {
            moisture_percent: rng.between(9.0, 26.0),
            temperature_c: rng.between(-4.0, 9.0),
            phase: rng.between(0.0, TAU),
            held: false,
        }
    }

    /// A probe that always reads the same.
    pub fn fixed(moisture_percent: f64, temperature_c: f64) -> Self {
        Self { moisture_percent, temperature_c, phase: 0.0, held: true }
    }

    /// Both registers after a time.
    pub fn registers(&self, elapsed: Duration) -> [u16; COUNT as usize] {
        // An hour's swing on top of a day's: enough to see a line move within a demo.
        let hours = elapsed.as_secs_f64() / 3_600.0;
        let swing = if self.held { 0.0 } else { (TAU * hours + self.phase).sin() + 2.0 * (TAU * hours / 24.0).sin() };
        let moisture = (self.moisture_percent + 0.8 * swing).clamp(0.0, 100.0);
        let temperature = (self.temperature_c + 1.5 * swing).clamp(-40.0, 80.0);
        [(moisture * 10.0).round() as u16, ((temperature * 10.0).round() as i16).cast_unsigned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_temperature_is_written_in_twos_complement() {
        assert_eq!(Probe::fixed(65.8, -10.1).registers(Duration::from_secs(99)), [0x0292, 0xff9b]);
    }

    #[test]
    fn units_differ_and_the_same_unit_drifts_the_same_way() {
        let hour = Duration::from_secs(1_000);
        assert_eq!(Probe::new(1, 1).registers(hour), Probe::new(1, 1).registers(hour));
        assert_ne!(Probe::new(1, 1).registers(hour), Probe::new(1, 2).registers(hour));
        assert_ne!(Probe::new(1, 1).registers(hour), Probe::new(1, 1).registers(Duration::ZERO));
    }
}
