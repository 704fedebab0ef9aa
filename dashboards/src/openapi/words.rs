//! Texts of a known form, as the document says them.
//!
//! In: what `model` and `registry` know of their words.   Out: types for `#[schema(value_type = …)]`, so that no list of words is written twice.

use model::Timestamp;
use registry::Role as RegistryRole;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// An instant: RFC 3339, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub Timestamp);

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339())
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let text = text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        text.description(Some("RFC 3339, UTC")).into()
    }
}

impl ToSchema for Moment {
    fn name() -> Cow<'static, str> {
        "Moment".into()
    }
}

/// A file as it is.
pub(crate) enum Bytes {}

impl PartialSchema for Bytes {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary))).into()
    }
}

impl ToSchema for Bytes {
    fn name() -> Cow<'static, str> {
        "Bytes".into()
    }
}

macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident = $words:expr;)+) => {$(
        $(#[doc = $doc])+
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String).enum_values(Some($words));
                text.description(Some(concat!($($doc),+).trim())).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )+};
}

words! {
    /// What somebody may.
    Role = RegistryRole::ALL.map(RegistryRole::as_str);
    /// What a device is.
    DeviceKind = model::DeviceKind::ALL.map(model::DeviceKind::as_str);
    /// How a device is doing. `faulty`: it speaks and a flaw goes on; `maintenance`: somebody works on it, and nothing is told of it.
    Health = model::Health::ALL.map(model::Health::as_str);
    /// What may be wrong with a value.
    Flag = quality::Flag::ALL.map(quality::Flag::as_str);
    /// What a zone is.
    ZoneKind = model::ZoneKind::ALL.map(model::ZoneKind::as_str);
    /// What grows in a zone.
    LandClass = model::LandClass::STATED.map(model::LandClass::as_str);
    /// Who enforces.
    Authority = model::Authority::ALL.map(model::Authority::as_str);
    /// What holds in a zone.
    ClosureLevel = [model::ClosureLevel::None, model::ClosureLevel::Warn, model::ClosureLevel::Enforce]
        .map(model::ClosureLevel::as_str);
    /// How a case stands.
    IncidentStatus = model::IncidentStatus::ALL.map(model::IncidentStatus::as_str);
    /// How a case ended.
    Outcome = [
        model::Outcome::Violation, model::Outcome::Lawful, model::Outcome::FalsePositive, model::Outcome::Unfounded,
    ]
    .map(model::Outcome::as_str);
    /// How bad it is.
    Severity = [model::Severity::Notice, model::Severity::Warning, model::Severity::Urgent].map(model::Severity::as_str);
    /// What somebody is told by.
    Channel = model::ChannelKind::ALL.map(model::ChannelKind::as_str);
    /// What somebody is told of.
    AlertKind = model::AlertKind::ALL.map(model::AlertKind::as_str);
    /// In which language.
    Language = [model::Language::Zh, model::Language::En].map(model::Language::as_str);
    /// What the system above says of a case.
    PlatformState = ["received", "handled", "returned"];
    /// How a report is written.
    ReportFormat = ["json", "csv", "xlsx", "pdf"];
    /// How a track is written.
    TrackFormat = ["json", "geojson", "gpx", "kml", "csv", "parquet"];
    /// What stands for the values of a step.
    Aggregate = history::Aggregate::ALL.map(history::Aggregate::as_str);
    /// How watched land is written.
    CoverageFormat = ["json", "geojson"];
    /// One half of the dual report.
    Duty = ["local_government", "forestry_authority"];
    /// What became of a mask.
    MaskState = [
        registry::MaskState::Proposed, registry::MaskState::Applied, registry::MaskState::Declined,
        registry::MaskState::Withdrawn,
    ]
    .map(registry::MaskState::as_str);
}
