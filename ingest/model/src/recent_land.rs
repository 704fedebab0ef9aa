use crate::{Timestamp, Zone, ZoneId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A version of a zone that does not decide any more, with a time in which it did.
#[derive(Debug, Clone, PartialEq)]
pub struct LapsedZone {
    /// The version.
    pub zone: Arc<Zone>,
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

/// How the land of the last weeks differs from that of now: what comes late is judged by the land of its own time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecentLand {
    /// What held and holds no more.
    pub lapsed: Vec<LapsedZone>,
    /// Since when zones in force decide as they do, where that is not long ago.
    pub began: BTreeMap<ZoneId, Timestamp>,
}
