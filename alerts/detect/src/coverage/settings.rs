//! By which numbers land counts as watched.
//!
//! In: nothing yet but the defaults.   Out: [`Settings`].   Never: a duty of the law; those are [`super::duty::Duty`].

use model::ZoneKind;
use std::collections::BTreeMap;
use std::time::Duration;

/// The numbers. Configuration with defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Side of a cell, metres; coarser where all land would take more than [`Settings::cells_max`].
    pub cell_m: f64,
    /// So many parts of zones (a cell in two zones counts twice) are kept at the most; some 100 bytes each.
    pub cells_max: usize,
    /// Height of the animal that has to be recognised, metres.
    pub animal_m: f64,
    /// So many pixels tall it still has to be.
    pub animal_pixels: f64,
    /// Width of cameras' pictures, pixels.
    pub picture_pixels: f64,
    /// Farther than this nothing counts as seen, whatever the lens, metres.
    pub range_max_m: f64,
    /// Horizontal field of view of a drone whose registration names none, degrees.
    pub drone_hfov_deg: f64,
    /// A ranger sees so far, metres.
    pub ranger_m: f64,
    /// A patrol is over after so long without a word or a step.
    pub patrol_pause: Duration,
    /// Of a zone, unless its kind has terms of its own.
    pub terms: Terms,
    /// Terms of kinds.
    pub kinds: BTreeMap<ZoneKind, KindTerms>,
    /// So much more than its share has to be watched before a zone counts as watched again.
    pub hysteresis: f64,
}

/// How much of a closed zone has to be watched within how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// Within this.
    pub limit: Duration,
    /// At least this part of its area, 0 to 1.
    pub share: f64,
}

/// What of the terms is different for a kind.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct KindTerms {
    /// Its limit.
    pub limit: Option<Duration>,
    /// Its share; 0 is never blind.
    pub share: Option<f64>,
}

impl Settings {
    /// The terms of a kind of zone.
    pub fn terms_of(&self, kind: ZoneKind) -> Terms {
        let of = self.kinds.get(&kind).copied().unwrap_or_default();
        Terms { limit: of.limit.unwrap_or(self.terms.limit), share: of.share.unwrap_or(self.terms.share) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cell_m: 250.0,
            cells_max: 400_000,
            animal_m: 0.9,
            animal_pixels: 10.0,
            picture_pixels: 3_840.0,
            range_max_m: 3_000.0,
            drone_hfov_deg: 84.0,
            ranger_m: 100.0,
            patrol_pause: Duration::from_secs(600),
            // The weekly duty of the plan (T 6).
            terms: Terms { limit: Duration::from_secs(7 * 86_400), share: 0.5 },
            kinds: BTreeMap::new(),
            hysteresis: 0.05,
        }
    }
}
