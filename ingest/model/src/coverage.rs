use crate::{
    CaseZone, ClosureLevel, DeviceId, DeviceKind, GeoPoint, Position, Timestamp, TownshipCode, ZoneId, ZoneKind,
};
use std::time::Duration;

/// How much of a zone was watched, and until when.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneWatch {
    /// Which zone.
    pub zone: CaseZone,
    /// What it is.
    pub kind: ZoneKind,
    /// Whose township.
    pub township: Option<TownshipCode>,
    /// Its area as its border encloses it, mu.
    pub area_mu: f64,
    /// What the law says there now.
    pub level: ClosureLevel,
    /// Parts of its area that were watched within the last hour, day and week, 0 to 1.
    pub watched: [f64; 3],
    /// Within what it has to be watched.
    pub limit: Duration,
    /// So much of it at least, 0 to 1.
    pub share: f64,
    /// So much of it was watched within its limit.
    pub watched_in_limit: f64,
    /// When some of it was watched last.
    pub last: Option<Timestamp>,
    /// Since when it was told to be blind.
    pub blind_since: Option<Timestamp>,
    /// Part that was watched in the span that was asked for.
    pub in_span: Option<f64>,
}

impl ZoneWatch {
    /// What nobody watched within its limit, mu.
    pub fn blind_mu(&self) -> f64 {
        (1.0 - self.watched_in_limit) * self.area_mu
    }
}

/// A square of the grid as the map draws it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WatchedCell {
    /// South, west, north and east, degrees.
    pub bounds_deg: [f64; 4],
    /// Part of its points that was watched, 0 to 1.
    pub share: f64,
    /// When it was watched last; `None` for never.
    pub last: Option<Timestamp>,
}

/// A flight or a ranger's walk.
#[derive(Debug, Clone, PartialEq)]
pub struct Patrol {
    /// By its device and its start, so that it is the same however often it is derived.
    pub id: String,
    /// Whose.
    pub device: DeviceId,
    /// A drone's or a ranger's.
    pub kind: DeviceKind,
    /// As the device numbers it.
    pub flight_id: Option<String>,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// Its way, metres.
    pub distance_m: f64,
    /// What it swept of land that lies in zones, square metres.
    pub area_m2: f64,
    /// Which zones it swept how much of.
    pub zones: Vec<PatrolZone>,
    /// Which townships it swept how much of, 0 to 1.
    pub townships: Vec<(TownshipCode, f64)>,
    /// Its way, thinned.
    pub line: Vec<Position>,
    /// Side of the cells of `points`, metres.
    pub cell_m: f64,
    /// Cells of the grid, by their key, and which of their points it swept.
    pub points: Vec<(i64, u16)>,
}

/// What a patrol swept of a zone.
#[derive(Debug, Clone, PartialEq)]
pub struct PatrolZone {
    /// Which.
    pub zone: ZoneId,
    /// As officers call it.
    pub name: String,
    /// Part of its area, 0 to 1.
    pub share: f64,
}

/// A route that is to be flown, ridden or walked.
#[derive(Debug, Clone, PartialEq)]
pub struct PatrolRoute {
    /// Its name among programs: letters, digits, `.`, `_` and `-`.
    pub id: String,
    /// As officers call it.
    pub name: String,
    /// Whose township.
    pub township: Option<TownshipCode>,
    /// By which device; `None`: by any.
    pub device: Option<DeviceId>,
    /// At most this far to either side it still is the route, metres: half of the corridor's width.
    pub reach_m: f64,
    /// Whose duty it is, as the configuration names it.
    pub duty: Option<String>,
    /// Its vertices, two or more.
    pub line: Vec<GeoPoint>,
}

/// A planned route beside what was flown.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteFlown {
    /// Part of its length that somebody was within its corridor, 0 to 1.
    pub share: f64,
    /// Its length, metres.
    pub length_m: f64,
    /// Where nobody was: from and to, metres along the route.
    pub gaps_m: Vec<(f64, f64)>,
}

/// How a duty stands in a township or in the whole banner.
#[derive(Debug, Clone, PartialEq)]
pub struct DutyState {
    /// Which duty.
    pub duty: String,
    /// As officers call it, in Chinese and in English.
    pub names: (String, String),
    /// Where; `None` for the whole banner.
    pub township: Option<TownshipCode>,
    /// So often in a period.
    pub times: u32,
    /// So often in the present one.
    pub done: u32,
    /// `week`, `month` or `quarter`.
    pub every: &'static str,
    /// When it was last done.
    pub last_done: Option<Timestamp>,
    /// Until when it is to be done next: the end of a period, exclusive.
    pub due: Timestamp,
    /// That the period before ended without it, and it was not made up for since.
    pub overdue: bool,
}

/// Which patrols are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatrolFilter {
    /// Of devices of these townships, or such as swept some of them; empty: of all.
    pub townships: Vec<TownshipCode>,
    /// Of this device only.
    pub device: Option<DeviceId>,
    /// That ended at or after this.
    pub from: Timestamp,
    /// That began before this.
    pub to: Timestamp,
    /// So many were seen already.
    pub passed: usize,
    /// At most so many.
    pub limit: usize,
}

/// A patrol with all that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PatrolDetail {
    /// The patrol.
    pub patrol: Patrol,
    /// The cells that it swept.
    pub cells: Vec<WatchedCell>,
    /// The planned routes of which it flew some.
    pub routes: Vec<(PatrolRoute, RouteFlown)>,
}
