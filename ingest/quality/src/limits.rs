//! What is possible on the steppe: the highest and lowest, the fastest and the longest.
//!
//! In: a quantity.   Out: its limits, each with its reason.   Never: a value that has to be set for one station; these are physics and
//! climate, not configuration.
//!
//! They are wide: a value that is wrongly flagged may hide a frost, one that is wrongly believed is one more value in a mean.

use model::Quantity;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

/// How much a quantity may change: by `step` at once, and by `per_hour` more for each hour; up and down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    step: f64,
    up_per_hour: f64,
    down_per_hour: f64,
}

impl Rate {
    const fn both(step: f64, per_hour: f64) -> Self {
        Self { step, up_per_hour: per_hour, down_per_hour: per_hour }
    }

    const fn up(step: f64, per_hour: f64) -> Self {
        Self { step, up_per_hour: per_hour, down_per_hour: f64::INFINITY }
    }

    /// Whether it can have changed by so much in this time.
    pub(crate) fn allows(self, change: f64, within: Duration) -> bool {
        let hours = within.as_secs_f64() / HOUR.as_secs_f64();
        // Infinity times no time at all is no number.
        let limit = |per_hour: f64| if per_hour.is_infinite() { per_hour } else { self.step + per_hour * hours };
        -limit(self.down_per_hour) <= change && change <= limit(self.up_per_hour)
    }
}

/// Lowest and highest that this climate has, with a margin: the records of Inner Mongolia are -50.2 °C (Genhe; the region's open basins were
/// lower) and 44.8 °C; China's wind record away from typhoons is 56 m/s. Other quantities have the decoder's limits only.
pub(crate) fn range(quantity: Quantity) -> (f64, f64) {
    match quantity {
        Quantity::AirTemperatureC => (-55.0, 48.0),
        Quantity::WindSpeedMps => (0.0, 60.0),
        Quantity::SnowDepthCm => (0.0, 200.0),
        other => other.plausible(),
    }
}

/// How fast it may change; `None`: as fast as it likes.
pub(crate) fn rate(quantity: Quantity) -> Option<Rate> {
    Some(match quantity {
        // The sharpest cold fronts here bring some 10 °C in an hour; WMO-No. 8 calls 3 °C in a minute wrong.
        Quantity::AirTemperatureC => Rate::both(3.0, 15.0),
        // Bare soil near the surface, sun to thunderstorm.
        Quantity::SoilTemperatureC => Rate::both(3.0, 8.0),
        // A foehn or a front may dry the air by half in an hour; WMO-No. 8 calls 10 % in a minute wrong.
        Quantity::HumidityPercent => Rate::both(15.0, 40.0),
        // A cloudburst wets a probe in minutes; no soil gives off water that fast.
        Quantity::SoilMoisturePercent => Rate { step: 6.0, up_per_hour: 60.0, down_per_hour: 6.0 },
        // A gust front.
        Quantity::WindSpeedMps => Rate::both(20.0, 60.0),
        // Grass does not grow a finger's length in an hour; mowing or a herd shortens it at once.
        Quantity::GrassHeightCm => Rate::up(4.0, 1.0),
        Quantity::GrassCoverPercent => Rate::up(12.0, 3.0),
        Quantity::BiomassKgPerMu => Rate::up(40.0, 5.0),
        // A cloud's shadow moves a sensor by 0.1; snow takes all of it in an hour.
        Quantity::Ndvi => Rate::up(0.2, 0.05),
        // 10 cm an hour is a blizzard; drift takes it away as fast.
        Quantity::SnowDepthCm => Rate::both(8.0, 10.0),
        Quantity::WindDirectionDeg | Quantity::RainMm => return None,
    })
}

/// What the same station measures at the same time, as far as it is believed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Around {
    pub(crate) soil_temperature_c: Option<f64>,
    pub(crate) air_temperature_c: Option<f64>,
    pub(crate) wind_speed_mps: Option<f64>,
    pub(crate) humidity_percent: Option<f64>,
    pub(crate) snow_depth_cm: Option<f64>,
    pub(crate) grass_height_cm: Option<f64>,
    pub(crate) grass_cover_percent: Option<f64>,
}

/// For how long it may show exactly the same; `None`: for ever. No rain, no snow, calm, fog and ground that thaws stand still; grass
/// that is dead does too, and its sensors are coarse.
pub(crate) fn same_at_most(quantity: Quantity, value: f64, around: &Around) -> Option<Duration> {
    /// A probe with steps of 0.1 at zero: the latent heat of the thaw holds it there for days.
    const THAW_C: f64 = 0.6;
    /// An anemometer that does not turn.
    const CALM_MPS: f64 = 0.6;
    let hours = |hours: u32| Some(HOUR * hours);
    match quantity {
        Quantity::AirTemperatureC => hours(6),
        Quantity::SoilTemperatureC if value.abs() > THAW_C => hours(48),
        Quantity::HumidityPercent if value < 95.0 => hours(12),
        Quantity::WindSpeedMps if value > CALM_MPS => hours(6),
        Quantity::WindDirectionDeg if around.wind_speed_mps.is_some_and(|speed| speed > 2.0) => hours(12),
        // Frozen water does not move, and a probe does not see it.
        Quantity::SoilMoisturePercent if around.soil_temperature_c.is_none_or(|soil| soil > THAW_C) => hours(7 * 24),
        Quantity::Ndvi => hours(5 * 24),
        Quantity::RainMm if value > 0.0 => hours(12),
        _ => None,
    }
}

/// Whether what else is measured contradicts it.
pub(crate) fn contradicts(quantity: Quantity, value: f64, around: &Around) -> bool {
    /// From here on a sensor above the grass sees snow.
    const COVERED_CM: f64 = 3.0;
    let known = |other: Option<f64>, is_so: fn(f64) -> bool| other.is_some_and(is_so);
    let is_under_snow = known(around.snow_depth_cm, |depth| depth >= COVERED_CM);
    match quantity {
        // An ultrasonic probe takes the grass of June for snow.
        Quantity::SnowDepthCm => {
            value >= COVERED_CM
                && (known(around.air_temperature_c, |air| air > 15.0)
                    || known(around.soil_temperature_c, |soil| soil > 10.0))
        }
        // A gauge that is knocked or rinsed.
        Quantity::RainMm => value > 0.5 && known(around.humidity_percent, |humidity| humidity < 30.0),
        Quantity::GrassHeightCm | Quantity::BiomassKgPerMu => is_under_snow,
        Quantity::GrassCoverPercent => is_under_snow || value > 20.0 && known(around.grass_height_cm, |cm| cm == 0.0),
        Quantity::Ndvi => is_under_snow || value > 0.25 && known(around.grass_cover_percent, |cover| cover == 0.0),
        _ => false,
    }
}
