//! What a comparison comes to, as numbers, as JSON and as text.
//!
//! In:  counts.   Out: shares; where there was nothing to do, it was done well.

use super::Incursion;
use serde_json::{Value, json};

/// What came of the comparison.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Score {
    /// Incursions of more than three minutes, seen or not.
    pub incursions: usize,
    /// Of them those that devices saw at all.
    pub seen: usize,
    /// Of them those of which enough was seen to tell.
    pub seen_enough: usize,
    /// Of those the ones that an incident tells of.
    pub found: usize,
    /// Of those the ones that one incident tells of, and no more.
    pub told_once: usize,
    /// Of those told more than once the ones that nobody saw for half an hour in between: to whom looks, two.
    pub told_again_unwatched: usize,
    /// Incidents.
    pub incidents: usize,
    /// Incidents while a herd had an animal in closed land.
    pub right: usize,
    /// Incidents that tell of several visits of one herd, more than ten minutes apart, as if they were one.
    pub merged: usize,
    /// Right incidents whose sheep units could be compared.
    pub counted: usize,
    /// Of them those whose interval holds the truth.
    pub covered: usize,
    /// Of the compared ones those that say "at least" and no more.
    pub open: usize,
    /// Of the others: by how much the upper end is above the lower one, as a share of the truth.
    pub widths: Vec<f64>,
    /// Time from the arrival of the deciding sighting to the incident.
    pub delays: Delays,
    /// Incursions that no incident tells of.
    pub missed: Vec<Incursion>,
    /// Ids of incidents that are not right.
    pub wrong: Vec<String>,
    /// Incursions with several incidents, and their ids.
    pub doubled: Vec<(Incursion, Vec<String>)>,
    /// Ids of right incidents whose interval misses the truth, and the truth.
    pub miscounted: Vec<(String, f64)>,
}

/// Milliseconds from one thing to another, many times.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Delays(Vec<i64>);

impl Delays {
    /// Adds one.
    pub fn push(&mut self, delay_ms: i64) {
        self.0.push(delay_ms);
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Seconds within which that share of them lie; not a number if there are none.
    pub fn quantile_s(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() as f64 * share).ceil() as usize;
        sorted.get(place.saturating_sub(1)).map_or(f64::NAN, |delay_ms| *delay_ms as f64 / 1_000.0)
    }
}

impl Score {
    /// Found of those of which enough was seen.
    pub fn recall(&self) -> f64 {
        share(self.found, self.seen_enough)
    }

    /// Right of all incidents.
    pub fn precision(&self) -> f64 {
        share(self.right, self.incidents)
    }

    /// Told by one incident, of those found.
    pub fn once(&self) -> f64 {
        share(self.told_once, self.found)
    }

    /// The same, without those that nobody saw for half an hour in between.
    pub fn once_while_watched(&self) -> f64 {
        share(self.told_once, self.found - self.told_again_unwatched)
    }

    /// Right incidents whose sheep units hold the truth.
    pub fn coverage(&self) -> f64 {
        share(self.covered, self.counted)
    }

    /// Of the compared incidents those that state no upper end: what covers the truth by saying little.
    pub fn open(&self) -> f64 {
        share(self.open, self.counted)
    }

    /// The width of the middle one of those that state both ends, as a share of the truth; not a number if there are none.
    pub fn width(&self) -> f64 {
        let mut widths = self.widths.clone();
        widths.sort_by(f64::total_cmp);
        widths.get(widths.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// Incidents that tell of one visit, of all.
    pub fn apart(&self) -> f64 {
        share(self.incidents - self.merged.min(self.incidents), self.incidents)
    }

    /// Both together.
    pub fn and(mut self, other: Self) -> Self {
        self.incursions += other.incursions;
        self.seen += other.seen;
        self.seen_enough += other.seen_enough;
        self.found += other.found;
        self.told_once += other.told_once;
        self.told_again_unwatched += other.told_again_unwatched;
        self.incidents += other.incidents;
        self.right += other.right;
        self.merged += other.merged;
        self.counted += other.counted;
        self.covered += other.covered;
        self.open += other.open;
        self.widths.extend(other.widths);
        self.delays.0.extend(other.delays.0);
        self.missed.extend(other.missed);
        self.wrong.extend(other.wrong);
        self.doubled.extend(other.doubled);
        self.miscounted.extend(other.miscounted);
        self
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let number = |value: f64| if value.is_finite() { json!(value) } else { Value::Null };
        json!({
            "incursions": self.incursions, "seen": self.seen, "seen_enough": self.seen_enough, "found": self.found,
            "incidents": self.incidents, "right": self.right,
            "recall": number(self.recall()), "precision": number(self.precision()), "told_once": number(self.once()),
            "told_once_while_watched": number(self.once_while_watched()), "visits_told_apart": number(self.apart()),
            "sheep_units_covered": number(self.coverage()), "sheep_units_open": number(self.open()),
            "sheep_units_width": number(self.width()),
            "alert_s_median": number(self.delays.quantile_s(0.5)), "alert_s_p99": number(self.delays.quantile_s(0.99)),
            "wrong": self.wrong,
        })
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { incursions, seen_enough, found, told_once, incidents, right, counted, covered, delays, .. } = self;
        writeln!(f, "{incursions} incursions of more than 3 minutes, of {seen_enough} enough was seen to tell")?;
        writeln!(f, "recall     {:.4}  {found} of {seen_enough} told", self.recall())?;
        writeln!(f, "precision  {:.4}  {right} of {incidents} incidents right", self.precision())?;
        writeln!(f, "told once  {:.4}  {told_once} of {found}", self.once())?;
        writeln!(f, "units      {:.4}  {covered} of {counted} intervals hold the truth", self.coverage())?;
        let (median_s, p99_s) = (delays.quantile_s(0.5), delays.quantile_s(0.99));
        if median_s.is_finite() {
            write!(f, "seconds    half within {median_s:.1}, 99 % within {p99_s:.1} of the deciding sighting")
        } else {
            write!(f, "seconds    unknown: no incursion was told, or there is no subscriber")
        }
    }
}

/// Nothing to do is done well.
fn share(part: usize, of: usize) -> f64 {
    if of == 0 { 1.0 } else { part as f64 / of as f64 }
}
