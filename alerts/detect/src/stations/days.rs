//! The last days of a station, summed up: what its grass and soil did.
//!
//! In: values that can be believed.   Out: means of days and of five days.   Never: more than a month of them; what is older than that is
//! history's.

use model::{LegalDate, Quantity};
use std::collections::{BTreeMap, VecDeque};

/// Days that are kept: twice the longest look back of the green-up rules, ten days of five-day means, and what comes late.
const DAYS_MAX: usize = 32;
/// A five-day mean needs so many days with a value.
const DAYS_OF_FIVE: usize = 3;

/// What a day comes to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sum {
    pub(crate) count: u32,
    pub(crate) sum: f64,
}

/// The last days, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Days {
    pub(crate) days: VecDeque<Day>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    pub(crate) date: LegalDate,
    pub(crate) sums: BTreeMap<Quantity, Sum>,
}

/// What is remembered by day: what the rules look at.
pub fn is_kept(quantity: Quantity) -> bool {
    matches!(
        quantity,
        Quantity::GrassHeightCm
            | Quantity::GrassCoverPercent
            | Quantity::Ndvi
            | Quantity::SoilTemperatureC
            | Quantity::SoilMoisturePercent
    )
}

impl Days {
    /// Takes in a value of a day, late or not; of a day that is no longer kept it does nothing.
    pub fn add(&mut self, date: LegalDate, quantity: Quantity, value: f64) {
        let place = match self.days.iter().rposition(|day| day.date <= date) {
            Some(place) if self.days.get(place).is_some_and(|day| day.date == date) => place,
            before => {
                let place = before.map_or(0, |before| before + 1);
                if place == 0 && self.days.len() >= DAYS_MAX {
                    return;
                }
                self.days.insert(place, Day { date, sums: BTreeMap::new() });
                if self.days.len() > DAYS_MAX {
                    self.days.pop_front();
                    place - 1
                } else {
                    place
                }
            }
        };
        if let Some(day) = self.days.get_mut(place) {
            let sum = day.sums.entry(quantity).or_default();
            sum.count = sum.count.saturating_add(1);
            sum.sum += value;
        }
    }

    /// Mean of a day, if anything was measured.
    pub fn mean(&self, date: LegalDate, quantity: Quantity) -> Option<f64> {
        let day = self.days.iter().rev().find(|day| day.date == date)?;
        day.sums.get(&quantity).filter(|sum| sum.count > 0).map(|sum| sum.sum / f64::from(sum.count))
    }

    /// Mean of so many days that end with this one, if there are at least so many of them.
    pub fn mean_of(&self, last: LegalDate, days: u32, at_least: usize, quantity: Quantity) -> Option<f64> {
        let first = last.plus_days(1 - i32::try_from(days).ok()?)?;
        let inside = self.days.iter().filter(|day| first <= day.date && day.date <= last);
        let means: Vec<f64> = inside.filter_map(|day| self.mean(day.date, quantity)).collect();
        (means.len() >= at_least.max(1)).then(|| means.iter().sum::<f64>() / means.len() as f64)
    }

    /// Five-day mean that ends with this day: it takes out a cloudy day and not a week of growth.
    pub fn five(&self, last: LegalDate, quantity: Quantity) -> Option<f64> {
        self.mean_of(last, 5, DAYS_OF_FIVE, quantity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i32) -> LegalDate {
        LegalDate::parse("2026-04-01").unwrap().plus_days(number).unwrap()
    }

    #[test]
    fn days_stay_in_order_bounded_and_take_in_what_comes_late() {
        let mut days = Days::default();
        for number in [0, 2, 4, 1, 3] {
            days.add(day(number), Quantity::Ndvi, f64::from(number));
        }
        assert!(days.days.iter().is_sorted_by_key(|day| day.date));
        assert_eq!(days.five(day(4), Quantity::Ndvi), Some(2.0));
        days.add(day(0), Quantity::Ndvi, 10.0);
        assert_eq!((days.mean(day(0), Quantity::Ndvi), days.five(day(4), Quantity::Ndvi)), (Some(5.0), Some(3.0)));
        assert_eq!(days.five(day(7), Quantity::Ndvi), None, "two days are no five-day mean");
        for number in 5..200 {
            days.add(day(number), Quantity::Ndvi, 1.0);
        }
        assert_eq!((days.days.len(), days.mean(day(199), Quantity::Ndvi)), (DAYS_MAX, Some(1.0)));
        let before = days.clone();
        days.add(day(0), Quantity::Ndvi, 9.0);
        assert_eq!(days, before, "too late");
    }
}
