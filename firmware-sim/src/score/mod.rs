//! How good the platform's incidents are, held against the truth.
//!
//! In:  [`Truth`] and [`Incident`]s.   Out: [`Score`]: recall, precision, incidents for each incursion, seconds, sheep units.
//!
//! Invariant: pure, and nothing of the platform in it. An *incursion* is a herd whose middle was in closed land for longer than
//! three minutes (leaving it for less than that does not end it). It counts for recall if devices saw enough of it to tell: three
//! pictures within five minutes that arrived, or a collar's fixes over three minutes. An incident is *right* if, while it
//! lasted, any animal of a herd near it stood in closed land; so between "has to be told" and "must not be told" lies what may
//! be told or not: an animal that strays over the border, a herd that turns back.

mod calibration;
mod compare;
mod incursions;
mod lines;
mod outcome;
pub mod target;

pub use calibration::{Judged, Tenth, calibration};
pub use compare::score;
pub use incursions::{Incursion, incursions};
pub use lines::{BadLine, read_lines};
pub use outcome::{Delays, Score};

use crate::ground::LatLon;

/// What was true.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Truth {
    /// Every herd and where it was.
    pub herds: Vec<HerdTruth>,
    /// What devices saw of them.
    pub seen: Vec<Sight>,
    /// How wrong the devices' clocks are at most.
    pub clock_error_ms: i64,
}

/// A herd and its way.
#[derive(Debug, Clone, PartialEq)]
pub struct HerdTruth {
    /// Its name in the truth.
    pub id: String,
    /// Sheep units of its animals.
    pub sheep_units: f64,
    /// Its animals are within this distance of its middle.
    pub radius_m: f64,
    /// Where it was, in order of time.
    pub path: Vec<Stand>,
}

/// Where a herd was at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stand {
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Its middle.
    pub place: LatLon,
    /// Whether its middle was in closed land.
    pub closed: bool,
    /// Whether any of its animals was.
    pub touched: bool,
}

/// How something was noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// By a camera or a drone.
    Picture,
    /// By a collar.
    Collar,
}

/// That a device saw a herd, or one of its animals.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    /// When it happened, by the true clock.
    pub at_ms: i64,
    /// When the platform heard of it; `None` if it was lost on the way.
    pub arrived_ms: Option<i64>,
    /// Who.
    pub device: String,
    /// Which herd.
    pub herd: String,
    /// How.
    pub by: By,
    /// Whether what it saw stood in closed land.
    pub inside: bool,
}

/// An incident of the platform.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its id.
    pub id: String,
    /// First sighting inside, as the platform says.
    pub first_seen_ms: i64,
    /// Last sighting inside.
    pub last_seen_ms: i64,
    /// When the platform knew of it, by the true clock.
    pub opened_ms: Option<i64>,
    /// Its sheep units, both ends included.
    pub sheep_units: (f64, f64),
    /// Where it was said to be, in order of time.
    pub trace: Vec<Trace>,
}

/// Where an incident was said to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trace {
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Where.
    pub place: LatLon,
    /// One standard deviation.
    pub accuracy_m: f64,
}

#[cfg(test)]
mod tests;
