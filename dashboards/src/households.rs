//! Households and their animals; how to reach them only by name, and only for those who may.
//!
//! In: a township or a household's number.   Out: what the registry knows.   Never: a phone in a list; one that was read stands
//! in the audit with who read it.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Page, Params, Raw};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use model::{AnimalMark, Household, HouseholdId, TownshipCode};
use registry::{HouseholdImport, Role, household_rows};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Who may reach people at home, or change the ledger.
const TRUSTED: [Role; 2] = [Role::Supervisor, Role::Administrator];

/// What `GET /households` takes.
#[derive(Deserialize)]
pub(crate) struct Filter {
    township: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

/// `GET /households`, by id. The cursor counts households that were passed.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(filter): Params<Filter>,
) -> Result<Json<Value>, Problem> {
    let page = Page::parse(filter.limit.as_deref(), filter.cursor.as_deref())?;
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

/// `POST /households/import` with the table as the body.
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    signed: Signed,
    Raw(body): Raw,
) -> Result<Json<Value>, Problem> {
    signed.who.require(&TRUSTED)?;
    signed.who.require_everywhere()?;
    let (registry, by) = signed.author(&app);
    let done = blocking("importing households", move || {
        let rows = household_rows(&body).map_err(|error| Problem::bad_request(error.to_string()))?;
        registry.import_households(&rows, &by).map_err(Problem::from)
    })
    .await?;
    let HouseholdImport { new, changed, same, animals_new, animals_moved } = done;
    Ok(Json(json!({
        "new": new, "changed": changed, "same": same, "animals_new": animals_new, "animals_moved": animals_moved,
    })))
}

/// `GET /households/{id}/phone`
pub(crate) async fn phone(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
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
    Ok(Json(json!({ "id": id.as_str(), "phone": phone })))
}

/// A household with its animals.
pub fn household_json(household: &Household, animals: Option<&Vec<&AnimalMark>>) -> Value {
    let animals = animals.into_iter().flatten().map(|mark| json!({ mark.kind.as_str(): mark.id.as_str() }));
    json!({
        "id": household.id.as_str(),
        "name": household.name,
        "township": household.township.as_ref().map(TownshipCode::as_str),
        "stock": household.stock.as_str(),
        "animals": animals.collect::<Vec<_>>(),
    })
}
