//! Trials of detection: short histories with the truth beside them, played in memory and in no time.
//!
//! In:  a name and a seed.   Out: [`Trial`]: the land and its changes, the devices, what they said and when it arrived, and
//! [`Truth`].   Next: whoever runs the platform's own decoder and engine over it, and [`crate::score`].
//!
//! Each trial puts one difficulty in front of detection: [`NAMES`]. The devices err as real ones do: masts are surveyed a
//! little wrong and sway, receivers drift, detectors miss, miscount and misname. What they say of their own accuracy is what
//! such devices say, not what this program knows.

mod collar;
mod drone;
mod land;
mod mast;
mod scenes;
mod scenes_on_the_way;
mod stage;
mod walk;
mod way;

pub use land::{Edition, Land, Plot};
pub use walk::Group;

use crate::ground::LatLon;
use crate::scenario::SimDevice;
use crate::score::Truth;
use bytes::Bytes;
use std::sync::Arc;

/// A history of some hours.
#[derive(Debug, Clone)]
pub struct Trial {
    /// One of [`NAMES`].
    pub name: &'static str,
    /// What all chance in it comes from.
    pub seed: u64,
    /// When it begins, Unix milliseconds.
    pub from_ms: i64,
    /// When it ends.
    pub to_ms: i64,
    /// Zones, law, and their changes.
    pub land: Land,
    /// The devices, to be registered.
    pub devices: Vec<SimDevice>,
    /// What arrived, in order of arrival.
    pub said: Vec<Said>,
    /// What was true.
    pub truth: Truth,
}

/// A message that arrived.
#[derive(Debug, Clone)]
pub struct Said {
    /// When it arrived, Unix milliseconds.
    pub arrived_ms: i64,
    /// Whose it is.
    pub device: Arc<str>,
    /// `heartbeat`, `track` or `sighting`.
    pub kind: &'static str,
    /// As on the wire.
    pub payload: Bytes,
    /// When it was made, by the true clock.
    pub happened_ms: i64,
    /// Where that of which it tells truly was.
    pub place: Option<LatLon>,
}

type Scene = fn(u64) -> Trial;

const SCENES: [(&str, Scene); 13] = [
    ("calm_day", scenes::calm_day),
    ("storm_of_sightings", scenes::storm_of_sightings),
    ("border_walkers", scenes::border_walkers),
    ("closure_at_midnight", scenes::closure_at_midnight),
    ("zone_edit_at_noon", scenes::zone_edit_at_noon),
    ("two_herds_crossing", scenes::two_herds_crossing),
    ("mixed_species", scenes::mixed_species),
    ("driven_through", scenes::driven_through),
    ("mast_at_five_degrees", scenes_on_the_way::mast_at_five_degrees),
    ("drone_sweep", scenes_on_the_way::drone_sweep),
    ("collars", scenes_on_the_way::collars),
    ("loss_and_outage", scenes_on_the_way::loss_and_outage),
    ("clock_skew", scenes_on_the_way::clock_skew),
];

/// Every trial there is.
pub const NAMES: [&str; SCENES.len()] = {
    let mut names = [""; SCENES.len()];
    let mut number = 0;
    while number < SCENES.len() {
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            names[number] = SCENES[number].0;
        }
        number += 1;
    }
    names
};

impl Trial {
    /// The trial of that name; `None` if there is none. The same seed makes the same trial.
    pub fn make(name: &str, seed: u64) -> Option<Self> {
        let (_, scene) = SCENES.iter().find(|(known, _)| *known == name)?;
        Some(scene(seed))
    }
}

#[cfg(test)]
mod tests;
