//! A day of one quantity at one station.
//!
//! In: its values with their flags.   Out: count, share of flagged ones; lowest, mean and highest of those that are sound.   Never: a mean
//! of directions, which would be a direction that the wind never had.

use crate::monitor::Judged;
use model::Quantity;

/// What the values of one legal day come to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Daily {
    /// How many values came.
    pub count: u32,
    /// How many of them cannot be believed.
    pub flagged: u32,
    /// Sum of the others, in the quantity's unit.
    pub sum: f64,
    /// The lowest of the others; 0 where there is none.
    pub min: f64,
    /// The highest of the others; 0 where there is none.
    pub max: f64,
}

impl Daily {
    /// Takes in one more.
    pub fn add(&mut self, judged: &Judged) {
        self.count = self.count.saturating_add(1);
        if !judged.flags.is_sound() {
            self.flagged = self.flagged.saturating_add(1);
            return;
        }
        let is_first = self.sound() == 1;
        self.sum += judged.value;
        self.min = if is_first { judged.value } else { self.min.min(judged.value) };
        self.max = if is_first { judged.value } else { self.max.max(judged.value) };
    }

    /// How many values can be believed.
    pub fn sound(&self) -> u32 {
        self.count.saturating_sub(self.flagged)
    }

    /// Their mean; `None` where there is none, and for directions.
    pub fn mean(&self, quantity: Quantity) -> Option<f64> {
        (self.sound() > 0 && quantity != Quantity::WindDirectionDeg).then(|| self.sum / f64::from(self.sound()))
    }

    /// Which part of the values cannot be believed, 0 to 1.
    pub fn flagged_share(&self) -> f64 {
        if self.count == 0 { 0.0 } else { f64::from(self.flagged) / f64::from(self.count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Flag, Flags};

    #[test]
    fn a_day_counts_all_and_sums_only_what_can_be_believed() {
        let mut day = Daily::default();
        let judged = |value, flags| Judged { quantity: Quantity::AirTemperatureC, value, flags, is_newest: true };
        for (value, flags) in [
            (80.0, Flags::default().with(Flag::Rate)),
            (-4.0, Flags::default()),
            (6.0, Flags::default().with(Flag::Gap)),
            (-1.0, Flags::default()),
        ] {
            day.add(&judged(value, flags));
        }
        assert_eq!((day.count, day.flagged, day.min, day.max), (4, 1, -4.0, 6.0));
        assert_eq!(day.mean(Quantity::AirTemperatureC), Some(1.0 / 3.0));
        assert_eq!((day.mean(Quantity::WindDirectionDeg), day.flagged_share()), (None, 0.25));
        assert_eq!(Daily::default().mean(Quantity::Ndvi), None);
    }
}
