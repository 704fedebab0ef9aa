//! Series as charts want them: a value a step, and a hole where there was none.
//!
//! In: values by time. Out: at most one value a step by the chosen aggregate, and `None` at the beginning of each gap, so that a line drawn
//! through the answer breaks there. Never: a value between two others that nobody measured.

use crate::HistoryError;
use crate::store::{History, Summary, start_of_step};
use model::{DeviceId, Quantity, Timestamp};
use std::time::Duration;

/// What stands for the values of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// The lowest.
    Min,
    /// Their mean; of directions the direction of the mean vector, and none where they cancel out.
    Mean,
    /// The highest.
    Max,
    /// Their sum, as for rain.
    Sum,
    /// How many there are.
    Count,
    /// The first.
    First,
    /// The last.
    Last,
}

impl Aggregate {
    /// Every one.
    pub const ALL: [Self; 7] = [Self::Min, Self::Mean, Self::Max, Self::Sum, Self::Count, Self::First, Self::Last];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Mean => "mean",
            Self::Max => "max",
            Self::Sum => "sum",
            Self::Count => "count",
            Self::First => "first",
            Self::Last => "last",
        }
    }

    /// `None` for a name that is none.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|aggregate| aggregate.as_str() == name)
    }

    fn of(self, is_direction: bool, values: &[(Timestamp, f64)]) -> Option<f64> {
        let all = values.iter().map(|(_, value)| *value);
        let count = values.len() as f64;
        match self {
            Self::Min => all.reduce(f64::min),
            Self::Max => all.reduce(f64::max),
            Self::Sum => Some(all.sum()),
            Self::Count => Some(count),
            Self::First => values.first().map(|(_, value)| *value),
            Self::Last => values.last().map(|(_, value)| *value),
            Self::Mean if is_direction => mean_direction(all),
            Self::Mean => Some(all.sum::<f64>() / count),
        }
    }
}

/// The direction of the mean vector, degrees from 0 to 360.
fn mean_direction(degrees: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut north, mut east, mut count) = (0.0, 0.0, 0.0);
    for degrees in degrees {
        let (sine, cosine) = degrees.to_radians().sin_cos();
        north += cosine;
        east += sine;
        count += 1.0;
    }
    // Shorter than a thousandth is no direction but rounding.
    (f64::hypot(north, east) > count * 1e-3).then(|| {
        let degrees = east.atan2(north).to_degrees().rem_euclid(360.0);
        if degrees < 360.0 { degrees } else { 0.0 }
    })
}

impl History {
    /// What a station measured from `from` to `to` (excluded): a value for each step that has one, by `aggregate`, and `None` at the first
    /// step of each gap between them.
    pub fn series_aggregated(
        &self,
        device: &DeviceId,
        quantity: Quantity,
        (from, to): (Timestamp, Timestamp),
        step: Duration,
        aggregate: Aggregate,
    ) -> Result<Vec<(Timestamp, Option<f64>)>, HistoryError> {
        Ok(aggregated(Some(quantity), &self.series(device, quantity, from, to)?, step, aggregate))
    }
}

/// Values by step, counted from 1970, as in [`History::series_aggregated`]; of a quantity, or of none, as what a device says of itself.
pub fn aggregated(
    quantity: Option<Quantity>,
    points: &[(Timestamp, f64)],
    step: Duration,
    aggregate: Aggregate,
) -> Vec<(Timestamp, Option<f64>)> {
    let steps = points.chunk_by(|one, next| start_of_step(one.0, step) == start_of_step(next.0, step));
    let is_direction = quantity == Some(Quantity::WindDirectionDeg);
    let mut found: Vec<(Timestamp, Option<f64>)> = Vec::new();
    for values in steps {
        let Some((first, _)) = values.first() else { continue };
        let at = start_of_step(*first, step);
        let next = found.last().map(|(last, _)| last.plus(step.max(Duration::from_millis(1))));
        found.extend(next.filter(|next| *next < at).map(|gap| (gap, None)));
        found.push((at, aggregate.of(is_direction, values)));
    }
    found
}

/// Values, and `None` a millisecond after the last before each silence of more than `gap`.
pub fn with_gaps(points: &[(Timestamp, f64)], gap: Duration) -> Vec<(Timestamp, Option<f64>)> {
    broken(points.iter().map(|(ts, value)| (*ts, *value)), gap)
}

/// The same for summed up steps: a step that is missing is a gap.
pub fn steps_with_gaps(steps: &[Summary], step: Duration) -> Vec<(Timestamp, Option<Summary>)> {
    broken(steps.iter().map(|summary| (summary.ts, *summary)), step.max(Duration::from_millis(1)))
}

fn broken<T>(points: impl Iterator<Item = (Timestamp, T)>, gap: Duration) -> Vec<(Timestamp, Option<T>)> {
    let mut found: Vec<(Timestamp, Option<T>)> = Vec::new();
    for (ts, value) in points {
        if let Some((last, _)) = found.last()
            && ts > last.plus(gap)
        {
            found.push((last.plus(Duration::from_millis(1)), None));
        }
        found.push((ts, Some(value)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    fn seconds<T: Copy>(series: &[(Timestamp, Option<T>)]) -> Vec<(i64, Option<T>)> {
        series.iter().map(|(ts, value)| (ts.as_millis() / 1_000, *value)).collect()
    }

    #[track_caller]
    fn check(aggregate: Aggregate, expected: [f64; 2]) {
        let points = [(at(1), 4.0), (at(30), 1.0), (at(59), 3.0), (at(200), 7.0)];
        let found = aggregated(Some(Quantity::RainMm), &points, MINUTE, aggregate);
        assert_eq!(seconds(&found), [(0, Some(expected[0])), (60, None), (180, Some(expected[1]))]);
        assert_eq!(Aggregate::parse(aggregate.as_str()), Some(aggregate));
    }

    #[test]
    fn each_step_has_its_aggregate_and_a_gap_is_one_hole() {
        check(Aggregate::Min, [1.0, 7.0]);
        check(Aggregate::Mean, [8.0 / 3.0, 7.0]);
        check(Aggregate::Max, [4.0, 7.0]);
        check(Aggregate::Sum, [8.0, 7.0]);
        check(Aggregate::Count, [3.0, 1.0]);
        check(Aggregate::First, [4.0, 7.0]);
        check(Aggregate::Last, [3.0, 7.0]);
        assert_eq!(Aggregate::parse("median"), None);
        assert_eq!(aggregated(Some(Quantity::RainMm), &[], MINUTE, Aggregate::Sum), []);
        // Before 1970, and with steps of no length.
        let old = aggregated(Some(Quantity::RainMm), &[(at(-1), 1.0), (at(0), 2.0)], MINUTE, Aggregate::Sum);
        assert_eq!(seconds(&old), [(-60, Some(1.0)), (0, Some(2.0))]);
        assert_eq!(
            aggregated(Some(Quantity::RainMm), &[(at(1), 1.0), (at(2), 2.0)], Duration::ZERO, Aggregate::Sum).len(),
            3
        );
    }

    #[test]
    fn the_mean_of_north_west_and_north_east_is_north_and_opposites_have_none() {
        let mean = |degrees: &[f64]| {
            let points: Vec<_> = degrees.iter().map(|degrees| (at(1), *degrees)).collect();
            aggregated(Some(Quantity::WindDirectionDeg), &points, MINUTE, Aggregate::Mean)[0].1
        };
        let north = mean(&[350.0, 10.0]).unwrap();
        assert!(!(1e-9..=360.0 - 1e-9).contains(&north), "{north}");
        assert!((mean(&[80.0, 100.0]).unwrap() - 90.0).abs() < 1e-9);
        assert_eq!(mean(&[90.0, 270.0]), None);
    }

    #[test]
    fn a_silence_is_a_hole_right_after_the_last_value_before_it() {
        let points = [(at(0), 1.0), (at(60), 2.0), (at(600), 3.0)];
        let found = with_gaps(&points, MINUTE);
        assert_eq!(
            found,
            [(at(0), Some(1.0)), (at(60), Some(2.0)), (Timestamp::from_millis(60_001), None), (at(600), Some(3.0))]
        );
        let summary = |second| Summary { ts: at(second), min: 1.0, mean: 1.0, max: 1.0 };
        let steps = steps_with_gaps(&[summary(0), summary(60), summary(180)], MINUTE);
        assert_eq!(steps.iter().map(|(_, step)| step.is_some()).collect::<Vec<_>>(), [true, true, false, true]);
    }
}
