use crate::{
    Authority, Closure, DeviceId, Exhibits, IncidentId, Interval, Notice, Offset, Position, Species, SpeciesCount,
    Timestamp, TownshipCode, Trigger, ZoneId, ZoneLoad,
};

/// What detection concluded from one entry. The same journal gives the same findings, bit for bit.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The entry that decided.
    pub offset: Offset,
    /// The conclusion.
    pub what: What,
}

/// The conclusions there are.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A herd stands where it may not: a new case.
    Opened(Case),
    /// The case changed in a way that people should hear of: another zone, clearly more animals.
    Grew(Case),
    /// The herd was seen again and nothing else changed: for the map and the record.
    SeenAgain(Case),
    /// The herd was seen outside, or not seen for long.
    Ended(Case),
    /// Late data showed that it never was.
    Withdrawn(Case),
    /// A device that used to speak stopped.
    Silent {
        /// Which.
        device: DeviceId,
        /// When it last spoke.
        last_seen: Timestamp,
        /// When it should have spoken at the latest.
        deadline: Timestamp,
    },
    /// It speaks again.
    Back {
        /// Which.
        device: DeviceId,
        /// When it last spoke before the silence, as [`What::Silent`] said.
        last_seen: Timestamp,
        /// When it spoke again.
        at: Timestamp,
    },
    /// More grazes in an open balance zone than it carries, and has for a while.
    Overloaded(ZoneLoad),
    /// No longer; `over_since` says since when it did.
    OverloadEnded(ZoneLoad),
    /// Something has begun that people have to know of.
    Begun(Notice),
    /// It changed so much that they have to hear of it again.
    Changed(Notice),
    /// It is over; `until` says since when.
    Over(Notice),
}

impl What {
    /// The case that it is about, if it is about one.
    pub fn case(&self) -> Option<&Case> {
        match self {
            Self::Opened(case)
            | Self::Grew(case)
            | Self::SeenAgain(case)
            | Self::Ended(case)
            | Self::Withdrawn(case) => Some(case),
            Self::Silent { .. }
            | Self::Back { .. }
            | Self::Overloaded(_)
            | Self::OverloadEnded(_)
            | Self::Begun(_)
            | Self::Changed(_)
            | Self::Over(_) => None,
        }
    }
}

/// A case as detection sees it: facts only, no operator's doing.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Derived from the herd and the deciding entry, so a replay gives the same.
    pub id: IncidentId,
    /// Opened by data that came late: a case, not an emergency.
    pub late: bool,
    /// The closed zones it stands in, strictest first.
    pub zones: Vec<CaseZone>,
    /// Whose township.
    pub township: Option<TownshipCode>,
    /// Who enforces.
    pub authority: Authority,
    /// The closure that decided.
    pub closure: Closure,
    /// First sighting inside.
    pub first_seen: Timestamp,
    /// Latest sighting inside.
    pub last_seen: Timestamp,
    /// When it was over; `None` while it lasts.
    pub ended_at: Option<Timestamp>,
    /// Where the herd is.
    pub position: Position,
    /// One standard deviation, metres.
    pub accuracy_m: f64,
    /// How sure we are that it is inside, 0 to 1.
    pub probability: f64,
    /// Sightings and fixes that speak for it.
    pub sightings_count: u32,
    /// Which animals.
    pub species: Vec<SpeciesCount>,
    /// Their sheep units.
    pub sheep_units: Interval,
    /// Which devices saw them, in order of first sight.
    pub devices: Vec<DeviceId>,
    /// What can be shown for it.
    pub exhibits: Exhibits,
    /// How far from the herd's middle the sightings of its last ten minutes lie at most, metres: why they are one herd.
    pub apart_m: f64,
    /// The reading that decided.
    pub trigger: Trigger,
    /// Why it was opened: a rule of evidence in words.
    pub evidence: String,
}

/// A zone that a case stands in.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseZone {
    /// Which.
    pub id: ZoneId,
    /// As officers call it.
    pub name: String,
    /// Which version of it.
    pub version: u32,
}

/// How uncertain a place is in which direction: one standard deviation each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ellipse {
    /// Along the long axis, metres.
    pub along_m: f64,
    /// At right angles to it, metres.
    pub across_m: f64,
    /// Where the long axis points, degrees clockwise from north; the opposite direction is the same.
    pub bearing_deg: f64,
}

impl Ellipse {
    /// The same in all directions.
    pub fn round(sigma_m: f64) -> Self {
        Self { along_m: sigma_m, across_m: sigma_m, bearing_deg: 0.0 }
    }
}

/// A herd as the map shows it, closed zone or not.
#[derive(Debug, Clone, PartialEq)]
pub struct HerdView {
    /// Stable while the herd is followed.
    pub id: String,
    /// Where it is.
    pub position: Position,
    /// One standard deviation, metres.
    pub accuracy_m: f64,
    /// How that lies: a camera errs far along its view and little across.
    pub ellipse: Ellipse,
    /// What it mostly is.
    pub species: Species,
    /// How many.
    pub count: Interval,
    /// When it was last seen.
    pub seen_at: Timestamp,
    /// The case it makes, if it stands where it may not.
    pub incident: Option<IncidentId>,
}
