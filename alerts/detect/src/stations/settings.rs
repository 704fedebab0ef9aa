//! The numbers by which stations' values become news.
//!
//! In: nothing but the defaults; the configuration changes them.   Out: [`StationSettings`].   Never: a number that a sensor's soundness
//! hangs on; those are physics (`quality`).

use model::{MonthDay, Quantity};
use std::time::Duration;

/// All of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StationSettings {
    /// Limits of single quantities at single stations.
    pub thresholds: Thresholds,
    /// Fire danger and drought of townships.
    pub danger: DangerSettings,
    /// What cameras take for fires.
    pub fire: FireSettings,
    /// When a late green-up proposes a longer rest period.
    pub green_up: GreenUpSettings,
}

/// The rules in force; by name, each name once.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds(pub Vec<ThresholdRule>);

/// More rules than this are refused: each is weighed at each value.
pub const RULES_MAX: usize = 64;

/// A limit of one quantity.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdRule {
    /// As notices name it: `frost`.
    pub name: String,
    /// What it looks at.
    pub quantity: Quantity,
    /// Which side of the limit is past it.
    pub side: Side,
    /// From here on it is past, in the quantity's unit.
    pub limit: f64,
    /// It is over only once the value is back by this much more.
    pub back: f64,
    /// It has to be past for so long.
    pub lasts: Duration,
    /// As bad as to go and look now, rather than to know.
    pub is_grave: bool,
    /// First and last legal day of the year on which it matters, both included; `None`: always.
    pub season: Option<(MonthDay, MonthDay)>,
}

/// Which side of a limit is past it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// At it or more.
    Above,
    /// At it or less.
    Below,
}

impl Default for Thresholds {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let rule = |name: &str, quantity, side, limit, back, lasts| ThresholdRule {
            name: name.to_owned(),
            quantity,
            side,
            limit,
            back,
            lasts,
            is_grave: false,
            season: None,
        };
        // Lambs of late spring and the grass that has just greened: by May the air no longer freezes in most years.
        let frost_season = Some((MonthDay { month: 5, day: 10 }, MonthDay { month: 9, day: 10 }));
        Self(vec![
            ThresholdRule {
                season: frost_season,
                ..rule("frost", Quantity::AirTemperatureC, Side::Below, 0.0, 2.0, minutes(30))
            },
            // Below it batteries and links of stations fail, and animals need shelter.
            rule("cold", Quantity::AirTemperatureC, Side::Below, -35.0, 5.0, minutes(60)),
            // Force 8 (GB/T 28591-2012: 17.2 to 20.7 m/s), which China's meteorological service calls a gale.
            rule("wind", Quantity::WindSpeedMps, Side::Above, 17.2, 3.0, minutes(10)),
            // Sheep paw through some 20 cm of snow to the grass; what lies deeper buries their forage.
            ThresholdRule {
                is_grave: true,
                ..rule("snow", Quantity::SnowDepthCm, Side::Above, 20.0, 5.0, minutes(12 * 60))
            },
        ])
    }
}

/// Fire danger and drought, of a township's stations together.
#[derive(Debug, Clone, PartialEq)]
pub struct DangerSettings {
    /// From this class of fire danger on it is told, 2 to 5; 5 is always grave.
    pub fire_class: u8,
    /// Dry matter of the grass with its litter, t/ha.
    pub fuel_t_per_ha: f64,
    /// From this class of drought on it is told, 1 (light) to 4 (extreme); 4 is always grave.
    pub drought_class: u8,
    /// Soil moisture is taken over so many whole days.
    pub drought_days: u32,
    /// Water that the soil holds against gravity, percent of its volume; what stations measure is given as a part of it.
    pub field_capacity_percent: f64,
}

impl Default for DangerSettings {
    fn default() -> Self {
        Self { fire_class: 4, fuel_t_per_ha: 2.0, drought_class: 3, drought_days: 10, field_capacity_percent: 22.0 }
    }
}

/// What cameras take for fires.
#[derive(Debug, Clone, PartialEq)]
pub struct FireSettings {
    /// What a camera is less sure of is not told.
    pub confidence_min: f64,
    /// Signs this near to each other are of one fire, metres.
    pub join_m: f64,
    /// A fire of which nothing was seen for so long is over; and signs so far apart are of two.
    pub over_after: Duration,
}

impl Default for FireSettings {
    fn default() -> Self {
        Self { confidence_min: 0.3, join_m: 2_000.0, over_after: Duration::from_secs(1_800) }
    }
}

/// When a late green-up proposes a longer rest period.
#[derive(Debug, Clone, PartialEq)]
pub struct GreenUpSettings {
    /// Whether it proposes anything.
    pub proposes: bool,
    /// From so many days before the end of the rest period on it is looked at.
    pub days_before_end: u16,
    /// It is late while less than this part of the stations has greened, 0 to 1.
    pub share_min: f64,
    /// Fewer stations that can be judged say nothing about the banner.
    pub stations_min: u32,
    /// So many days longer is what is proposed.
    pub extend_days: u16,
    /// Where the season before is not known: soil that is warmer than this lets grass grow, °C ...
    pub soil_c: f64,
    /// ... once it is so for so many days.
    pub warm_days: u16,
    /// The document that allows a longer rest period.
    pub legal_basis: String,
}

impl Default for GreenUpSettings {
    fn default() -> Self {
        Self {
            proposes: true,
            days_before_end: 15,
            share_min: 0.5,
            stations_min: 3,
            extend_days: 15,
            soil_c: 5.0,
            warm_days: 10,
            legal_basis: "克政字〔2026〕29号 三(二)".to_owned(),
        }
    }
}
