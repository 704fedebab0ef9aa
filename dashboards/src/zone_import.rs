//! Zones change: new versions from a file, and the end of a zone.
//!
//! In: a surveyor's file or a zone's id, with the reason.   Out: what became of each feature; where a second person is asked for, the
//! number of the proposal that waits.   Never: a change without the role and a reason.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Body, Params};
use crate::openapi::{BadRequest, Conflict, Forbidden, NotFound, NotLoggedIn, TooLarge, words};
use crate::problem::Problem;
use crate::proposals::{ProposalJson, legal_field, proposal_json};
use crate::refusals::Code;
use crate::upload::Upload;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::{SQUARE_METRES_PER_MU, ZoneId, ZoneKind};
use registry::{FeatureOutcome, ImportOptions, ImportReport, Proposal, Registry, Role, ZoneImportError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use survey::{Crs, Datum, Encoding, Mapping, ReadError, ReadOptions, Source};
use utoipa::{IntoParams, ToSchema};

/// Who may change zones.
const EDITORS: [Role; 2] = [Role::ZoneEditor, Role::Administrator];
/// How many days a dry run judges again where nobody says.
const DAYS_DEFAULT: u16 = 30;
const DAYS_MAX: u16 = 366;

/// What `POST /zones/import` takes beside the file, in the query or as fields of the form.
#[derive(Deserialize, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Import {
    /// Kind of every zone in the file.
    #[param(value_type = Option<words::ZoneKind>, inline)]
    kind: Option<String>,
    /// Coordinate system instead of the file's, for example EPSG:4527.
    crs: Option<String>,
    /// One of wgs84, cgcs2000, gcj02 and bd09.
    datum: Option<String>,
    /// Of a shapefile's text, instead of what it says: GBK, UTF-8.
    encoding: Option<String>,
    /// TOML: what the surveyor's attributes and words are called here.
    mapping: Option<String>,
    /// Metres within which borders of two features are joined; 0 for none.
    #[param(value_type = Option<f64>)]
    snap: Option<String>,
    /// From when the versions hold: a legal date, or an instant; now if absent.
    in_force: Option<String>,
    /// Until when (exclusive): a legal date, or an instant; until others replace them if absent.
    in_force_to: Option<String>,
    /// True: change nothing.
    #[param(value_type = Option<bool>)]
    dry_run: Option<String>,
    /// How many days a dry run judges again: incidents gained and lost; 0 for none.
    #[param(value_type = Option<u16>, maximum = 366, default = 30)]
    days: Option<String>,
    /// Why the zones change; only a dry run needs none.
    reason: Option<String>,
}

/// Publish the zones of a surveyor's file, all or none.
#[utoipa::path(
    post, path = "/api/v1/zones/import", tag = "zones",
    params(Import),
    request_body(
        content((Value = "multipart/form-data"), (Value = "application/geo+json"), (words::Bytes = "application/octet-stream")),
        description = "a file as the body; or a form with one file, or the .shp, .dbf, .prj and .cpg of a shapefile, as `file`, and \
                       what the address takes as further fields",
    ),
    responses(
        (status = 200, body = ZonesImportedJson),
        (status = 202, body = ZonesImportedJson, description = "it waits for a second person: `proposal`"),
        BadRequest, NotLoggedIn, Forbidden, Conflict, TooLarge,
    ),
)]
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(query): Params<Import>,
    mut upload: Upload,
) -> Result<(StatusCode, Json<ZonesImportedJson>), Problem> {
    let query = query.with(&mut upload.fields);
    let importing = Importing::checked(&app, &signed, &query)?;
    blocking("importing zones", move || importing.carry_out(&upload.source())).await
}

/// An import that may be carried out.
pub(crate) struct Importing {
    app: Arc<App>,
    registry: Registry,
    by: String,
    reason: String,
    options: ImportOptions,
    reading: ReadOptions,
    days: u16,
}

impl Importing {
    /// Who may, and asks for something that can be understood.
    pub fn checked(app: &Arc<App>, signed: &Signed, query: &Import) -> Result<Self, Problem> {
        signed.who.require(&EDITORS)?;
        let reason = query.reason.clone().unwrap_or_default();
        let (options, reading, days) = (options(query)?, reading(query)?, days(query)?);
        if reason.trim().is_empty() && !options.dry_run {
            return Err(Problem::bad_request("parameter `reason` is missing; say why the zones change")
                .because(Code::ReasonMissing, []));
        }
        let (registry, by) = signed.author(app);
        Ok(Self { app: Arc::clone(app), registry, by, reason, options, reading, days })
    }

    /// Reads the file and changes the zones, or proposes it, or says what would be. Takes as long as the file is.
    pub fn carry_out(self, source: &Source<'_>) -> Result<(StatusCode, Json<ZonesImportedJson>), Problem> {
        let Self { app, registry, by, reason, options, reading, days } = self;
        let survey = survey::read(source, &reading)?;
        let done = |report: &ImportReport| ZonesImportedJson {
            report: report_json(report),
            crs: survey.crs.clone(),
            encoding: survey.encoding.clone(),
            notes: survey.notes.iter().map(ToString::to_string).collect(),
            proposal: None,
            incidents: None,
        };
        if app.parts.second_person && !options.dry_run {
            let (proposal, report) = registry.propose_zones(&survey, options, &by, &reason)?;
            let proposed = ZonesImportedJson { proposal: Some(proposal_json(&proposal)), ..done(&report) };
            return Ok((StatusCode::ACCEPTED, Json(proposed)));
        }
        let mut json = done(&registry.import_zones(&survey, options, &by, &reason)?);
        if options.dry_run && days > 0 {
            let proposed = registry::drafts(&survey, options)?.into_iter().map(|draft| draft.preview()).collect();
            let difference =
                (app.parts.foresee)(proposed, days).map_err(|why| Problem::internal("judging again", why))?;
            json.incidents = Some(difference);
        }
        Ok((StatusCode::OK, Json(json)))
    }
}

/// What became of a surveyor's file.
#[derive(Serialize, ToSchema)]
#[schema(as = ZonesImported)]
pub(crate) struct ZonesImportedJson {
    #[serde(flatten)]
    report: ReportJson,
    /// The file's coordinate system.
    crs: String,
    /// Of a shapefile's text.
    encoding: String,
    /// What the file said about itself.
    notes: Vec<String>,
    /// What waits for a second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal: Option<ProposalJson>,
    /// A dry run: incidents of the last days that were gained and lost, with the zones of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    incidents: Option<Value>,
}

/// What became of each feature of a file.
#[derive(Serialize, ToSchema)]
#[schema(as = ZonesReport)]
pub struct ReportJson {
    dry_run: bool,
    /// How many zones got a new version.
    published: usize,
    features: Vec<FeatureJson>,
}

/// What became of a feature.
#[derive(Serialize, ToSchema)]
#[schema(as = ZonesReportFeature)]
struct FeatureJson {
    /// Its place in the file.
    index: usize,
    #[schema(required)]
    id: Option<String>,
    /// `published`, `unchanged` or `refused`.
    outcome: &'static str,
    #[schema(required)]
    version: Option<u32>,
    /// Why it was refused.
    #[schema(required)]
    reason: Option<String>,
    notes: Vec<String>,
    /// Against the version before.
    #[schema(required)]
    difference: Option<AreaDifferenceJson>,
}

/// How much land a zone gained and lost.
#[derive(Serialize, ToSchema)]
#[schema(as = ZoneDifference)]
struct AreaDifferenceJson {
    gained_mu: f64,
    lost_mu: f64,
}

impl Import {
    /// What the form says goes before what the address says.
    fn with(self, fields: &mut BTreeMap<String, String>) -> Self {
        let mut take = |name: &str, else_: Option<String>| fields.remove(name).or(else_);
        Self {
            kind: take("kind", self.kind),
            crs: take("crs", self.crs),
            datum: take("datum", self.datum),
            encoding: take("encoding", self.encoding),
            mapping: take("mapping", self.mapping),
            snap: take("snap", self.snap),
            in_force: take("in_force", self.in_force),
            in_force_to: take("in_force_to", self.in_force_to),
            dry_run: take("dry_run", self.dry_run),
            days: take("days", self.days),
            reason: take("reason", self.reason),
        }
    }
}

/// What `POST /zones/{id}/repeal` takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RepealZone)]
pub(crate) struct RepealBody {
    /// Legal date or instant.
    from: String,
    reason: String,
}

/// The end of a zone, or the proposal of it.
#[derive(Serialize, ToSchema)]
#[schema(as = ZoneRepealed)]
pub(crate) struct RepealedJson {
    /// The version that ends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    /// What waits for a second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal: Option<ProposalJson>,
}

/// From a date on the zone is none.
#[utoipa::path(
    post, path = "/api/v1/zones/{id}/repeal", tag = "zones",
    request_body = RepealBody,
    responses(
        (status = 200, body = RepealedJson),
        (status = 202, body = RepealedJson, description = "it waits for a second person"),
        BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict,
    ),
)]
pub(crate) async fn repeal(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    Body(body): Body<RepealBody>,
) -> Result<(StatusCode, Json<RepealedJson>), Problem> {
    signed.who.require(&EDITORS)?;
    let id = ZoneId::parse(&id).map_err(|error| Problem::bad_request(error.to_string()))?;
    let from = legal_field("from", &body.from)?;
    let (registry, by) = signed.author(&app);
    let waits = app.parts.second_person;
    let done: Result<Proposal, u32> = blocking("repealing a zone", move || {
        if waits {
            return registry.propose_repeal(&id, from, &by, &body.reason).map(Ok);
        }
        registry.repeal_zone(&id, from, &by, &body.reason).map(Err)
    })
    .await?;
    Ok(match done {
        Ok(proposal) => {
            (StatusCode::ACCEPTED, Json(RepealedJson { version: None, proposal: Some(proposal_json(&proposal)) }))
        }
        Err(version) => (StatusCode::OK, Json(RepealedJson { version: Some(version), proposal: None })),
    })
}

fn options(query: &Import) -> Result<ImportOptions, Problem> {
    let kind = query.kind.as_deref().map(|word| {
        ZoneKind::parse(word).ok_or_else(|| {
            let allowed = ZoneKind::ALL.map(ZoneKind::as_str).join(", ");
            Problem::bad_request(format!("kind `{word}` is none; use {allowed}"))
        })
    });
    let dry_run = match query.dry_run.as_deref() {
        None | Some("false" | "0") => false,
        Some("true" | "1" | "") => true,
        Some(word) => return Err(Problem::bad_request(format!("dry_run `{word}` is neither true nor false"))),
    };
    Ok(ImportOptions {
        kind: kind.transpose()?,
        in_force: extract::legal_instant("in_force", query.in_force.as_deref())?,
        in_force_to: extract::legal_instant("in_force_to", query.in_force_to.as_deref())?,
        dry_run,
    })
}

/// How many days a dry run judges again.
fn days(query: &Import) -> Result<u16, Problem> {
    let Some(text) = query.days.as_deref() else { return Ok(DAYS_DEFAULT) };
    text.parse()
        .ok()
        .filter(|days| *days <= DAYS_MAX)
        .ok_or_else(|| Problem::bad_request(format!("days `{text}` is not allowed; use 0 to {DAYS_MAX}")))
}

fn reading(query: &Import) -> Result<ReadOptions, Problem> {
    let wrong = |what: &str, why: &dyn std::fmt::Display| Problem::bad_request(format!("{what}: {why}"));
    let crs = query.crs.as_deref().map(|name| Crs::parse(name).map_err(|error| wrong("crs", &error)));
    let datum = query.datum.as_deref().map(|word| {
        let allowed = Datum::ALL.map(Datum::as_str).join(", ");
        Datum::parse(word).ok_or_else(|| Problem::bad_request(format!("datum `{word}` is none; use {allowed}")))
    });
    let encoding = query.encoding.as_deref().map(|name| {
        Encoding::parse(name).ok_or_else(|| wrong("encoding", &format!("`{name}` is none; use GBK, GB18030 or UTF-8")))
    });
    let mapping = query.mapping.as_deref().map(|text| Mapping::parse(text).map_err(|error| wrong("mapping", &error)));
    let snap = query.snap.as_deref().map(|text| {
        text.parse().map_err(|_| wrong("snap", &format!("`{text}` is no number; give metres, 0 for none")))
    });
    let plain = ReadOptions::default();
    Ok(ReadOptions {
        crs: crs.transpose()?,
        datum: datum.transpose()?,
        encoding: encoding.transpose()?,
        mapping: mapping.transpose()?.unwrap_or_default(),
        snap_m: snap.transpose()?.unwrap_or(plain.snap_m),
        ..plain
    })
}

/// What became of each feature of a file.
pub fn report_json(report: &ImportReport) -> ReportJson {
    let features = report.features.iter().map(|feature| {
        let (outcome, version, reason) = match &feature.outcome {
            FeatureOutcome::Published { version } => ("published", Some(*version), None),
            FeatureOutcome::Unchanged { version } => ("unchanged", Some(*version), None),
            FeatureOutcome::Refused(fault) => ("refused", None, Some(fault.to_string())),
        };
        let difference = feature.difference.map(|difference| {
            let mu = |square_metres: f64| (square_metres / SQUARE_METRES_PER_MU * 100.0).round() / 100.0;
            AreaDifferenceJson { gained_mu: mu(difference.gained_m2), lost_mu: mu(difference.lost_m2) }
        });
        let notes = feature.notes.iter().map(ToString::to_string).collect();
        FeatureJson { index: feature.index, id: feature.id.clone(), outcome, version, reason, notes, difference }
    });
    ReportJson { dry_run: report.dry_run, published: report.published(), features: features.collect() }
}

impl From<ZoneImportError> for Problem {
    fn from(error: ZoneImportError) -> Self {
        match error {
            ZoneImportError::Registry(error) => error.into(),
            ZoneImportError::Refused(report) => {
                let counts = [report.refused().count(), report.features.len()].map(Into::into);
                let detail = ZoneImportError::Refused(report).to_string();
                Self::bad_request(detail).because(Code::ZonesRefused, counts)
            }
            _ => Self::bad_request(error.to_string()),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::TooLarge { .. } => Self::of_status(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
            _ => Self::bad_request(error.to_string()).because(Code::FileUnreadable, []),
        }
    }
}
