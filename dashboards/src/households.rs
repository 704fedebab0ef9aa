//! Households and their animals; how to reach them only by name, and only for those who may.
//!
//! In: a township or a household's number.   Out: what the registry knows.   Never: a phone in a list; one that was read stands
//! in the audit with who read it.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, List, Paging, Params, Raw};
use crate::openapi::{BadRequest, Conflict, Forbidden, NotFound, NotLoggedIn};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use journal::wire::{AnimalJson, HouseholdJson};
use model::{AnimalMark, Household, HouseholdId, TownshipCode};
use registry::{HouseholdImport, Role, household_rows};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Who may reach people at home, or change the ledger.
const TRUSTED: [Role; 2] = [Role::Supervisor, Role::Administrator];

/// What `GET /households` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Township code.
    township: Option<String>,
    #[serde(flatten)]
    #[param(ignore)]
    paging: Paging,
}

/// Households and the animals by which they are known.
#[utoipa::path(
    get, path = "/api/v1/households", tag = "households",
    params(Filter, Paging),
    responses((status = 200, body = List<HouseholdJson>), BadRequest, NotLoggedIn),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(filter): Params<Filter>,
) -> Result<Json<List<HouseholdJson>>, Problem> {
    let page = filter.paging.page()?;
    let township = filter.township.filter(|code| !code.is_empty());
    let view = app.registry_view();
    let animals = view.households.animals();
    let code = |household: &Household| household.township.as_ref().map(ToString::to_string);
    let matching = view
        .households
        .all()
        .filter(|household| signed.who.sees(code(household).as_deref()))
        .filter(|household| township.is_none() || township == code(household));
    Ok(extract::counted(page, matching, |household| household_json(household, animals.get(&household.id))))
}

/// Take in a ledger: all of it, or the reason for each wrong line.
#[utoipa::path(
    post, path = "/api/v1/households/import", tag = "households",
    request_body(content = String, content_type = "text/csv", description = "columns household, name, township, stock, phone, ear_tag, collar, face_id; UTF-8 or GBK; at most 16 MiB"),
    responses((status = 200, body = ImportedJson), BadRequest, NotLoggedIn, Forbidden, Conflict),
)]
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    signed: Signed,
    Raw(body): Raw,
) -> Result<Json<ImportedJson>, Problem> {
    signed.who.require(&TRUSTED)?;
    signed.who.require_everywhere()?;
    let (registry, by) = signed.author(&app);
    let done = blocking("importing households", move || {
        let rows = household_rows(&body).map_err(|error| Problem::bad_request(error.to_string()))?;
        registry.import_households(&rows, &by).map_err(Problem::from)
    })
    .await?;
    let HouseholdImport { new, changed, same, animals_new, animals_moved } = done;
    Ok(Json(ImportedJson { new, changed, same, animals_new, animals_moved }))
}

/// How to reach a household.
#[utoipa::path(
    get, path = "/api/v1/households/{id}/phone", tag = "households",
    responses((status = 200, body = PhoneJson), NotLoggedIn, Forbidden, NotFound),
)]
pub(crate) async fn phone(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<PhoneJson>, Problem> {
    signed.who.require(&TRUSTED)?;
    let id = HouseholdId::parse(&id).map_err(|error| Problem::bad_request(error.to_string()))?;
    let view = app.registry_view();
    let is_theirs = |household: &Arc<Household>| signed.who.sees(household.township.as_ref().map(TownshipCode::as_str));
    if !view.households.get(&id).is_some_and(is_theirs) {
        return Err(Problem::not_found(format!(
            "there is no household `{id}` (or it is not in your townships); GET /api/v1/households lists them"
        )));
    }
    let (registry, by) = signed.author(&app);
    let asked = id.clone();
    let phone = blocking("reading a phone number", move || registry.household_phone(&asked, &by)).await?;
    Ok(Json(PhoneJson { id: id.to_string(), phone }))
}

/// What became of a ledger.
#[derive(Serialize, ToSchema)]
#[schema(as = HouseholdsImported)]
pub(crate) struct ImportedJson {
    new: u64,
    changed: u64,
    same: u64,
    animals_new: u64,
    /// Animals that another household had.
    animals_moved: u64,
}

/// How to reach a household.
#[derive(Serialize, ToSchema)]
#[schema(as = HouseholdPhone)]
pub(crate) struct PhoneJson {
    id: String,
    #[schema(required)]
    phone: Option<String>,
}

/// A household with its animals.
pub fn household_json(household: &Household, animals: Option<&Vec<&AnimalMark>>) -> HouseholdJson {
    HouseholdJson {
        id: household.id.to_string(),
        name: household.name.clone(),
        township: household.township.as_ref().map(ToString::to_string),
        stock: household.stock.as_str().to_owned(),
        animals: animals.into_iter().flatten().map(|mark| AnimalJson::from(*mark)).collect(),
    }
}
