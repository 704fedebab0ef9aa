//! Control plane: who may speak, what the land is, when it is closed, who is told, who may look; and who changed what.
//!
//! In:  an operator's changes, from any process that has the file open.   Out: a [`View`] for everybody else, and yes or
//! no to a device's secret or a person's password.   Next: the gate, detection, alerts and the console read the view.
//!
//! One SQLite file. Every change is one transaction with its audit entry; what is refused changes nothing. Methods that
//! change or query block on the disk (call them in `spawn_blocking`); [`Registry::view`] and [`Registry::check_secret`]
//! are memory only. Never: a secret or password in an error, an audit entry or a log line.

mod admission;
mod approval;
mod audit;
mod claims;
mod closures;
mod device_edit;
mod device_file;
mod devices;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod geometry;
mod household_file;
mod households;
mod links;
mod listeners;
mod load;
mod maintenance;
mod masks;
mod patrols;
mod proposal;
mod rosters;
pub mod rules;
mod schema;
mod second_factor;
mod secrets;
mod shift_notes;
mod store;
mod subscriber_rows;
mod subscribers;
mod table;
mod tokens;
mod user_edit;
mod users;
mod view;
mod zone_draft;
mod zone_import;
mod zone_report;
mod zones;

pub use approval::MAX_OPEN_PROPOSALS;
pub use audit::{AuditEntry, AuditQuery};
pub use claims::{ClaimError, ClaimKey, ClaimRefusal, MAX_CLAIM_KEYS, NewClaimKey};
pub use closures::{ClosureEvidence, ClosureTerms, MAX_DECISIONS, NewClosureDecision, PLATFORM};
pub use device_edit::{DeviceEdit, DeviceImport, MAX_EDITED};
pub use device_file::{DeviceRow, device_rows};
pub use devices::{MAX_DEVICES, NewDevice};
pub use error::RegistryError;
pub use household_file::{HouseholdRow, household_rows};
pub use households::{HouseholdImport, MAX_ANIMALS, MAX_HOUSEHOLDS};
pub use links::{BadLink, Links};
pub use listeners::MAX_LISTENERS;
pub use maintenance::{MAX_MAINTENANCE, NewMaintenance};
pub use masks::{MASK_DAYS, MAX_MASKS, MaskEntry, MaskState, MaskVersion};
pub use patrols::{MAX_ROUTES, route_feature, route_of, routes_of};
pub use proposal::{Proposal, ProposalKind, ProposalState, Topic};
pub use rosters::MAX_SHIFTS;
pub use second_factor::{FactorOffer, Login};
pub use secrets::{Refusal, Secret};
pub use shift_notes::ShiftNote;
pub use store::Registry;
pub use subscribers::{MAX_SUBSCRIBERS, NewSubscriber};
pub use survey::Datum;
pub use table::{RowFault, TableError};
pub use tokens::{MAX_TOKENS, NewToken, Token, TokenHolder};
pub use user_edit::UserEdit;
pub use users::{MAX_USERS, NewUser, Role, User};
pub use view::View;
pub use zone_draft::ZoneDraft;
pub use zone_import::{ImportOptions, MAX_VERTICES, MAX_ZONES, ZoneImportError, drafts};
pub use zone_report::{FeatureFault, FeatureNote, FeatureOutcome, FeatureReport, ImportReport};
pub use zones::{Period, ZoneVersion, export_zones};

#[cfg(test)]
mod tests;
