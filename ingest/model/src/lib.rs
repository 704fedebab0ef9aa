//! The nouns that pass between the stages, one file for each arrow in README's map.
//!
//! Nothing here does I/O, reads a clock or knows a wire format: the types derive no `Serialize`, so that a change of a
//! protocol or of the API never ripples inward. Where a value has an invariant its field is private and `parse` is the
//! only way in; having the value means it was checked.

mod alert;
mod area;
mod clock;
mod closure;
mod command;
mod coverage;
mod device;
mod exhibit;
mod finding;
mod frame;
mod geo;
mod household;
mod ids;
mod incident;
mod legal;
mod maintenance;
mod mask;
mod network;
mod notice;
mod overload;
mod picture;
mod quiet;
mod reading;
mod recent_land;
mod reject;
mod roster;
mod species;
mod station;
mod subscriber;
mod time;
mod zone;

pub use alert::{Alert, AlertKind, Receipt, ReceiptState, Severity, Subject, Trigger};
pub use area::{SQUARE_METRES_PER_MU, area_m2, area_mu, signed_area_m2, square_unit_m2};
pub use clock::Clock;
pub use closure::{Closure, ClosureCalendar, ClosureDecision, ClosureLevel, ClosureRule, MonthDay};
pub use command::{Action, Command, Outcome};
pub use coverage::{
    DutyState, Patrol, PatrolDetail, PatrolFilter, PatrolRoute, PatrolZone, RouteFlown, WatchedCell, ZoneWatch,
};
pub use device::{Device, DeviceKind, External, Health, Pose};
pub use exhibit::{CasePicture, CaseTrack, Exhibits, SeenArea};
pub use finding::{Case, CaseZone, Ellipse, Finding, HerdView, What};
pub use frame::{Channel, Entry, Frame, Offset, Transport};
pub use geo::{BadPosition, GeoPoint, Plane, Position};
pub use household::{AnimalMark, Household, Households, MarkKind, Stock};
pub use ids::{
    AnimalId, BadName, DeviceId, HouseholdId, IncidentId, ReadingKind, SnapshotId, TenantId, TownshipCode, ZoneId,
};
pub use incident::{EarlierIncident, Incident, IncidentStatus, Involved, SpeciesCount, TimelineItem};
pub use legal::LegalDate;
pub use maintenance::{Maintenance, MaintenanceScope};
pub use mask::{Mask, MaskArea};
pub use network::{BadNetwork, Networks};
pub use notice::{FireSign, Flaw, Matter, NOTICE_DEVICES_MAX, Notice, OutageCause};
pub use overload::ZoneLoad;
pub use picture::{Clarity, Detection, Look, Unseen};
pub use quiet::QuietHours;
pub use reading::{
    Body, BoundingBox, Fire, Gimbal, Heartbeat, HeartbeatStatus, Measurement, PanTilt, Place, Quantity, Reading,
    Readings, Report, Sighting, Snapshot, Track,
};
pub use recent_land::{LapsedZone, RecentLand};
pub use reject::{DeadLetter, Reject};
pub use roster::{Roster, Shift, is_on_duty};
pub use species::{Interval, Species};
pub use station::{LatestValue, StationView};
pub use subscriber::{ChannelKind, Language, Subscriber};
pub use time::{DeviceTime, ReceivedAt, Timestamp};
pub use zone::{Authority, LandClass, Polygon, Ring, Zone, ZoneKind};
