//! One zone as one feature: a border drawn on the map, or a zone that a program keeps.
//!
//! In:  an id, a GeoJSON Feature, and why.   Out: what became of it, as of a file with this one feature; it goes the same way.
//!
//! Never: a second way for a zone to change. What the feature leaves out stays as in the version of now, but for the stated area, which
//! belongs to a border.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{Body, Params};
use crate::openapi::{BadRequest, Conflict, Forbidden, NotLoggedIn, TooLarge, WrongType};
use crate::problem::Problem;
use crate::zone_import::{Import, Importing, ZonesImportedJson};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::{Zone, ZoneId};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use survey::Source;
use utoipa::ToSchema;

/// What `PUT /zones/{id}` takes: a GeoJSON Feature (RFC 7946). Members that are not named here are passed over.
#[derive(Deserialize, ToSchema)]
#[schema(as = ZoneFeature)]
pub(crate) struct Feature {
    /// `Feature`.
    r#type: String,
    /// A GeoJSON Polygon or MultiPolygon.
    #[schema(required, value_type = Object)]
    geometry: Option<Value>,
    /// As in POST /zones/import.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    properties: Option<Map<String, Value>>,
}

/// One zone as one GeoJSON Feature; what it leaves out stays as in the version of now, but for `area_mu`.
#[utoipa::path(
    put, path = "/api/v1/zones/{id}", tag = "zones",
    params(Import),
    request_body = Feature,
    responses(
        (status = 200, body = ZonesImportedJson),
        (status = 202, body = ZonesImportedJson, description = "it waits for a second person: `proposal`"),
        BadRequest, NotLoggedIn, Forbidden, Conflict, TooLarge, WrongType,
    ),
)]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    Params(query): Params<Import>,
    Body(feature): Body<Feature>,
) -> Result<(StatusCode, Json<ZonesImportedJson>), Problem> {
    let importing = Importing::checked(&app, &signed, &query)?;
    let id = ZoneId::parse(&id).map_err(|error| Problem::bad_request(error.to_string()))?;
    let registry = app.registry_view();
    let text = whole(&id, feature, registry.zone(&id).map(|zone| &**zone))?.to_string();
    let name = format!("{id}.geojson");
    blocking("putting a zone", move || importing.carry_out(&Source::file(&name, text.as_bytes()))).await
}

/// The feature with what it leaves out.
fn whole(id: &ZoneId, feature: Feature, present: Option<&Zone>) -> Result<Value, Problem> {
    if feature.r#type != "Feature" {
        return Err(Problem::bad_request(format!("field `type` is `{}`; send one GeoJSON Feature", feature.r#type)));
    }
    let Some(geometry) = feature.geometry else {
        return Err(Problem::bad_request("field `geometry` is missing; POST /api/v1/zones/{id}/repeal ends a zone"));
    };
    let said = feature.properties.unwrap_or_default();
    if let Some(other) = said.get("id").filter(|said| said.as_str() != Some(id.as_str())) {
        return Err(Problem::bad_request(format!("field `properties.id` is {other}, but the address says `{id}`")));
    }
    let mut properties = present.map(kept).unwrap_or_default();
    properties.extend(said.into_iter().filter(|(_, value)| !value.is_null()));
    properties.insert("id".to_owned(), id.as_str().into());
    Ok(json!({ "type": "Feature", "properties": properties, "geometry": geometry }))
}

/// What a new border changes nothing about.
fn kept(zone: &Zone) -> Map<String, Value> {
    let texts = [
        ("name", Some(zone.name.as_str())),
        ("kind", Some(zone.kind.as_str())),
        ("land_class", Some(zone.land_class.as_str())),
        ("township", zone.township.as_ref().map(|code| code.as_str())),
        ("enforcement_body", zone.enforcement_body.map(|body| body.as_str())),
        ("legal_basis", Some(zone.legal_basis.as_str())),
    ];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?))));
    let capacity = zone.capacity_sheep_units.map(|units| ("capacity".to_owned(), Value::from(units)));
    texts.chain(capacity).collect()
}
