//! What was heard and not used, counted by reason.
//!
//! In: a reason.   Out: [`Asides`], for the worker's metrics.   Never: part of the state; a restart counts from nothing.

use std::collections::BTreeMap;

/// Counts by reason. The reasons are words of this crate, so there are few.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asides {
    /// Fixes of collars; the words of [`crate::fixes::Reason::as_str`].
    pub fixes: BTreeMap<&'static str, u64>,
    /// Animals in pictures whose place is not known; the words of [`crate::place::Unplaced::as_str`].
    pub sightings: BTreeMap<&'static str, u64>,
}

impl Asides {
    pub(crate) fn fix(&mut self, reason: &'static str) {
        *self.fixes.entry(reason).or_default() += 1;
    }

    pub(crate) fn sighting(&mut self, reason: &'static str) {
        *self.sightings.entry(reason).or_default() += 1;
    }
}
