//! 返青: when a station's grass turns green.
//!
//! In: the last days of a station, and what its NDVI was over a year.   Out: [`Greened`], once a year, with the facts behind it.   Never: a word
//! about a station whose sensors are broken or under snow; it is not judged, and counts neither way.
//!
//! Two rules, the better one where it can be used:
//! 1. **By the season before**: the five-day mean of NDVI has been at or above `low + 0.2 (high - low)` on three days in a row, with the
//!    lowest and highest five-day mean of the station's last year (dynamic threshold; Jönsson and Eklundh, TIMESAT, Computers & Geosciences 30
//!    (2004) 833-845, with their usual 20 %).
//! 2. **By warmth**, in a station's first year: the five-day mean of the soil's temperature was above 5 °C on each of ten days, and the
//!    grass says the same: over those ten days NDVI rose by 0.03 or more, the grass by 1 cm or more, or its cover by 5 % or more.

use super::days::Days;
use super::settings::GreenUpSettings;
use model::{LegalDate, Quantity};

/// Part of a year's amplitude of NDVI that has to be reached.
const SHARE_OF_AMPLITUDE: f64 = 0.2;
/// A station whose NDVI moves less in a year sees no grass.
const AMPLITUDE_MIN: f64 = 0.1;
/// On so many days in a row.
const DAYS_IN_A_ROW: i32 = 3;
/// Before March nothing grows here; what is green after July is no green-up.
const MONTHS: std::ops::RangeInclusive<i8> = 3..=7;
/// Least rise over the warm days.
const RISES: [(Quantity, f64); 3] =
    [(Quantity::Ndvi, 0.03), (Quantity::GrassHeightCm, 1.0), (Quantity::GrassCoverPercent, 5.0)];

/// What a station's year is like so far, and what the one before was.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Season {
    /// Which year.
    pub(crate) year: i64,
    /// Lowest and highest five-day mean of NDVI in it.
    pub(crate) ndvi: Option<(f64, f64)>,
    /// The same of the last year that had a summer.
    pub(crate) past: Option<(f64, f64)>,
    /// When it turned green in it.
    pub(crate) greened: Option<Greened>,
}

/// That a station's grass turned green.
#[derive(Debug, Clone, PartialEq)]
pub struct Greened {
    /// The first day on which the rule held.
    pub on: LegalDate,
    /// By which rule.
    pub by: GreenRule,
    /// How sure that is, 0 to 1: by NDVI of a year 0.9; by warmth 0.6, and a tenth more for each further sign.
    pub confidence: f64,
}

/// Which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GreenRule {
    /// NDVI against the year before.
    Ndvi,
    /// Warm soil and grass that grows.
    Warmth,
}

impl GreenRule {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ndvi, Self::Warmth];

    /// As written in a proposal's evidence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ndvi => "ndvi",
            Self::Warmth => "warmth",
        }
    }
}

impl Season {
    /// Lowest and highest NDVI of a year, where one is known that saw grass.
    pub fn amplitude(&self) -> Option<(f64, f64)> {
        [self.past, self.ndvi].into_iter().flatten().find(|(low, high)| high - low >= AMPLITUDE_MIN)
    }

    /// NDVI from which on the station counts as green, by the year before.
    pub fn ndvi_limit(&self) -> Option<f64> {
        self.past.map(|(low, high)| low + SHARE_OF_AMPLITUDE * (high - low))
    }

    /// A day is over: looks at it and, since data may have come late, at those before it.
    pub fn close(&mut self, day: LegalDate, days: &Days, settings: &GreenUpSettings) {
        self.begin(i64::from(day.year()));
        if let Some(mean) = days.five(day, Quantity::Ndvi) {
            let (low, high) = self.ndvi.unwrap_or((mean, mean));
            self.ndvi = Some((low.min(mean), high.max(mean)));
        }
        if self.greened.is_none() {
            let known = days.days.iter().map(|known| known.date).filter(|known| *known <= day);
            let mut this_season =
                known.filter(|known| known.year() == day.year() && MONTHS.contains(&known.month_day().month));
            self.greened = this_season.find_map(|known| self.greens(known, days, settings));
        }
    }

    fn begin(&mut self, year: i64) {
        if year <= self.year {
            return;
        }
        let saw_grass = |(low, high): &(f64, f64)| high - low >= AMPLITUDE_MIN;
        self.past = self.ndvi.filter(saw_grass).or(self.past);
        (self.year, self.ndvi, self.greened) = (year, None, None);
    }

    /// Whether the rule holds on a day.
    fn greens(&self, day: LegalDate, days: &Days, settings: &GreenUpSettings) -> Option<Greened> {
        if let Some(limit) = self.ndvi_limit() {
            let is_green = |back: i32| {
                let before = day.plus_days(-back);
                before.and_then(|before| days.five(before, Quantity::Ndvi)).is_some_and(|ndvi| ndvi >= limit)
            };
            let greens = (0..DAYS_IN_A_ROW).all(is_green);
            return greens.then_some(Greened { on: day, by: GreenRule::Ndvi, confidence: 0.9 });
        }
        let needed = i32::from(settings.warm_days);
        if warm_days(day, days, settings) < settings.warm_days {
            return None;
        }
        let before = day.plus_days(-needed)?;
        let rise = |quantity| Some(days.five(day, quantity)? - days.five(before, quantity)?);
        let signs = RISES.iter().filter(|(quantity, least)| rise(*quantity).is_some_and(|by| by >= *least)).count();
        let confidence = [0.6, 0.7, 0.8].get(signs.checked_sub(1)?).copied()?;
        Some(Greened { on: day, by: GreenRule::Warmth, confidence })
    }
}

/// On how many days in a row up to this one the soil was warm, at most as many as are needed.
pub fn warm_days(day: LegalDate, days: &Days, settings: &GreenUpSettings) -> u16 {
    let warm = |back: &u16| {
        let before = day.plus_days(-i32::from(*back));
        let soil = before.and_then(|before| days.five(before, Quantity::SoilTemperatureC));
        soil.is_some_and(|soil| soil > settings.soil_c)
    };
    let run = (0..settings.warm_days).take_while(warm).count();
    u16::try_from(run).unwrap_or(u16::MAX)
}

/// Whether a station can be judged on a day: its grass is seen, and where the year before is not known its soil is measured too.
pub fn can_be_judged(season: &Season, day: LegalDate, days: &Days) -> bool {
    let knows = |quantity| days.five(day, quantity).is_some();
    match season.past {
        Some(_) => knows(Quantity::Ndvi),
        None => knows(Quantity::SoilTemperatureC) && RISES.iter().any(|(quantity, _)| knows(*quantity)),
    }
}

#[cfg(test)]
#[path = "season_tests.rs"]
mod tests;
