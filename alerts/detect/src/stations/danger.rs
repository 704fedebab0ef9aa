//! Fire danger and drought: rules over several quantities.
//!
//! In: what a station measures and has measured.   Out: an index and its class.   Never: a notice; a township's stations are weighed
//! together (`township.rs`), so that not each of them tells the same weather.

use super::Station;
use super::settings::DangerSettings;
use model::{LegalDate, Quantity, Timestamp};
use std::time::Duration;

/// Lower bounds of the classes 2 to 5 of the grassland index: moderate, high, very high, extreme. The bounds are those of McArthur's
/// meter (low to 2.5, moderate to 7.5, high to 20, very high to 50, extreme above).
pub const FIRE_CLASSES: [f64; 4] = [2.5, 7.5, 20.0, 50.0];
/// Upper bounds of drought's classes 1 to 4: light, moderate, severe, extreme; relative soil moisture in percent (GB/T 20481-2017; those
/// of loam in GB/T 32136-2015).
pub const DROUGHT_CLASSES: [f64; 4] = [60.0, 50.0, 40.0, 30.0];

/// Dead grass that was rained on dries within an hour; for so long after rain nothing burns.
const WET_FOR: Duration = Duration::from_secs(3 * 3_600);
/// Snow from here on covers the grass, cm.
const SNOW_CM: f64 = 3.0;
/// NDVI of a typical steppe in winter and at its best, where a station has not seen a year yet.
const NDVI_OF_A_STEPPE: (f64, f64) = (0.12, 0.45);
/// A day's NDVI says how green the grass is for so many days.
const NDVI_DAYS: i32 = 10;
/// Grass that nobody measures is taken for dead from October to May, and for half green in summer: percent.
const CURED_IN_WINTER: f64 = 100.0;
const CURED_IN_SUMMER: f64 = 60.0;
/// Of the days that drought is taken over at least half must have a value.
const DROUGHT_MONTHS: std::ops::RangeInclusive<i8> = 4..=9;

/// McArthur's Grassland Fire Danger Index, meter Mk 4, as equation by Purton (1982), given in Sharples et al., "A simple index for
/// assessing fire danger rating", Environmental Modelling & Software 24 (2009) 764-774:
///
/// `F = exp(-1.523 + 1.027 ln Q - 0.009432 (100 - C)^1.536 + 0.02764 T - 0.2205 sqrt(H) + 0.6422 sqrt(U))`
///
/// with the fuel `Q` in t/ha (above 0), the curing `C` in percent of the grass that is dead (0 to 100), the air's temperature `T` in °C, its relative
/// humidity `H` in percent and the wind `U` in km/h. 0 to some 200; the classes are [`FIRE_CLASSES`].
pub fn grassland_index(
    fuel_t_per_ha: f64,
    curing_percent: f64,
    air_c: f64,
    humidity_percent: f64,
    wind_mps: f64,
) -> f64 {
    const KMH_PER_MPS: f64 = 3.6;
    let green = (100.0 - curing_percent).clamp(0.0, 100.0);
    let exponent = -1.523 + 1.027 * fuel_t_per_ha.max(0.01).ln() - 0.009_432 * green.powf(1.536) + 0.027_64 * air_c
        - 0.220_5 * humidity_percent.max(0.0).sqrt()
        + 0.642_2 * (wind_mps.max(0.0) * KMH_PER_MPS).sqrt();
    exponent.exp()
}

/// Class 1 to 5 of an index.
pub fn fire_class(index: f64) -> u8 {
    1 + FIRE_CLASSES.iter().fold(0, |class, bound| class + u8::from(index >= *bound))
}

/// Class of a relative soil moisture: 0 none, 1 light, 2 moderate, 3 severe, 4 extreme.
pub fn drought_class(relative_percent: f64) -> u8 {
    DROUGHT_CLASSES.iter().fold(0, |class, bound| class + u8::from(relative_percent <= *bound))
}

/// How much of the grass is dead, percent: what is missing of its green (relative greenness, Burgan and Hartford 1993), by the station's own
/// NDVI of a year where that is known.
pub fn curing_percent(station: &Station, today: LegalDate) -> f64 {
    let seen = (0..NDVI_DAYS).find_map(|days| station.days.mean(today.plus_days(-days)?, Quantity::Ndvi));
    match seen {
        Some(ndvi) => {
            let (low, high) = station.season.amplitude().unwrap_or(NDVI_OF_A_STEPPE);
            100.0 * (1.0 - ((ndvi - low) / (high - low)).clamp(0.0, 1.0))
        }
        None if (6..=9).contains(&today.month_day().month) => CURED_IN_SUMMER,
        None => CURED_IN_WINTER,
    }
}

/// Fire danger at a station now; `None` where it does not measure air, humidity and wind, or cannot be believed.
pub fn fire_danger(station: &Station, now: Timestamp, settings: &DangerSettings) -> Option<f64> {
    let recent = |quantity| station.monitor.recent(quantity, now);
    let (air, humidity, wind) =
        (recent(Quantity::AirTemperatureC)?, recent(Quantity::HumidityPercent)?, recent(Quantity::WindSpeedMps)?);
    let is_covered = recent(Quantity::SnowDepthCm).is_some_and(|depth| depth >= SNOW_CM);
    let is_wet = station.rained_at.is_some_and(|at| now.since(at) <= WET_FOR);
    if is_covered || is_wet {
        return Some(0.0);
    }
    let curing = curing_percent(station, LegalDate::of(now)?);
    Some(grassland_index(settings.fuel_t_per_ha, curing, air, humidity, wind))
}

/// Relative soil moisture at a station over the last whole days, percent of field capacity; `None` outside the growing season, in frozen soil,
/// and where fewer than half of the days are known.
pub fn soil_moisture(station: &Station, today: LegalDate, settings: &DangerSettings) -> Option<f64> {
    let last = today.plus_days(-1)?;
    let at_least = usize::try_from(settings.drought_days.div_ceil(2)).ok()?;
    let is_frozen = station.days.five(last, Quantity::SoilTemperatureC).is_some_and(|soil| soil <= 0.0);
    if is_frozen || !DROUGHT_MONTHS.contains(&today.month_day().month) {
        return None;
    }
    let moisture = station.days.mean_of(last, settings.drought_days, at_least, Quantity::SoilMoisturePercent)?;
    Some(100.0 * moisture / settings.field_capacity_percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(index: f64, expected: f64) {
        assert!((index - expected).abs() < 0.05, "{index} is not {expected}");
    }

    #[test]
    fn the_index_is_that_of_the_meter() {
        // By hand: ln 4.5 = 1.50408, sqrt 15 = 3.87298, sqrt 50 = 7.07107; exponent 4.31675.
        check(grassland_index(4.5, 100.0, 22.0, 15.0, 50.0 / 3.6), 74.94);
        // Half green: 50^1.536 = 407.0, times 0.009432 = 3.839 less.
        check(grassland_index(4.5, 50.0, 22.0, 15.0, 50.0 / 3.6), 1.61);
        assert_eq!([0.0, 2.5, 7.4, 7.5, 20.0, 49.9, 50.0, 300.0].map(fire_class), [1, 2, 2, 3, 4, 4, 5, 5]);
        assert!(grassland_index(2.0, 100.0, 60.0, 0.0, 90.0).is_finite());
    }

    #[test]
    fn drought_has_four_classes() {
        assert_eq!([61.0, 60.0, 50.1, 50.0, 40.0, 30.0, 0.0].map(drought_class), [0, 1, 1, 2, 3, 4, 4]);
    }
}
