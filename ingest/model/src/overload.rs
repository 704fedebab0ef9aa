use crate::{Authority, CaseZone, Interval, Timestamp, TownshipCode};

/// What stands in a balance zone against what it carries. An indication: what nobody sees is not counted, so it may be more.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneLoad {
    /// Which zone, and which version of it.
    pub zone: CaseZone,
    /// Whose township.
    pub township: Option<TownshipCode>,
    /// Who enforces.
    pub authority: Authority,
    /// What it carries, in sheep units.
    pub capacity_sheep_units: u32,
    /// What the herds make that are established inside.
    pub sheep_units: Interval,
    /// How many herds that are.
    pub herds: u32,
    /// Since when even the least that it may be is more than it carries; `None` while it is not.
    pub over_since: Option<Timestamp>,
    /// When it was looked at.
    pub at: Timestamp,
}
