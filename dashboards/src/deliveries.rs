//! What became of telling people.
//!
//! In: filters and a cursor; a wish to try again.   Out: deliveries newest first; a retry command for `alerts`.

use crate::app::App;
use crate::auth::{Signed, Who};
use crate::commands::{ACTORS, EFFECT_MAX, append};
use crate::extract::{self, Body, List, Paging, Params, is_asked};
use crate::openapi::{BadRequest, Conflict, Forbidden, NotFound, NotLoggedIn};
use crate::problem::Problem;
use crate::refusals::Code;
use crate::view::View;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use journal::wire::DeliveryJson;
use model::{Action, Command, IncidentId, ReceiptState};
use registry::Role;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

const STATES: [ReceiptState; 3] = [ReceiptState::Pending, ReceiptState::Delivered, ReceiptState::Dead];

/// What `GET /deliveries` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Pending, delivered or dead.
    state: Option<String>,
    /// Only of this case.
    incident: Option<String>,
    /// Only to this one.
    subscriber: Option<String>,
    /// Only by this way.
    channel: Option<String>,
    #[serde(flatten)]
    #[param(ignore)]
    paging: Paging,
}

/// What became of telling people, newest first.
#[utoipa::path(
    get, path = "/api/v1/deliveries", tag = "deliveries",
    params(Filter, Paging),
    responses((status = 200, body = List<DeliveryJson>), BadRequest, NotLoggedIn),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(filter): Params<Filter>,
) -> Result<Json<List<DeliveryJson>>, Problem> {
    let page = filter.paging.page()?;
    let state = filter.state.filter(|word| !word.is_empty());
    if let Some(word) = state.as_ref().filter(|word| !STATES.iter().any(|state| state.as_str() == word.as_str())) {
        return Err(Problem::bad_request(format!("state `{word}` is none; use pending, delivered or dead")));
    }
    let view = app.view().await?;
    let sees = visible_incidents(view, &signed.who);
    let (found, last) = view.deliveries(page.after, page.limit, |delivery| {
        state.as_ref().is_none_or(|state| *state == delivery.state)
            && is_asked(filter.incident.as_ref(), delivery.incident.as_deref())
            && is_asked(filter.subscriber.as_ref(), Some(&delivery.subscriber))
            && is_asked(filter.channel.as_ref(), Some(&delivery.channel))
            && sees.delivery(delivery)
    });
    Ok(extract::list(found.iter().map(|delivery| DeliveryJson::clone(delivery)).collect(), last))
}

/// Which deliveries are a user's business: those about cases in their townships.
struct Visible(Option<std::collections::HashSet<String>>);

fn visible_incidents(view: &View, who: &Who) -> Visible {
    if who.sees_everything() {
        return Visible(None);
    }
    let (found, _) = view.incidents(None, usize::MAX, |incident| who.sees(incident.json.township.as_deref()));
    Visible(Some(found.iter().map(|incident| incident.json.id.clone()).collect()))
}

impl Visible {
    fn delivery(&self, delivery: &DeliveryJson) -> bool {
        let Some(ids) = &self.0 else { return true };
        delivery.incident.as_ref().is_some_and(|incident| ids.contains(incident))
    }
}

/// Send again what was given up.
#[utoipa::path(
    post, path = "/api/v1/deliveries/{id}/retry", tag = "deliveries",
    responses((status = 200, body = DeliveryJson), (status = 202, body = DeliveryJson, description = "the command is durable, its effect is still on its way"), NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn retry(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    signed.who.require(&ACTORS)?;
    let view = app.view().await?;
    let sees = |delivery: &DeliveryJson| {
        let incident = delivery.incident.as_deref().and_then(|incident| view.incident(incident));
        signed.who.sees_everything() || incident.is_some_and(|one| signed.who.sees(one.json.township.as_deref()))
    };
    let before = view
        .delivery(&id)
        .filter(|delivery| sees(delivery))
        .ok_or_else(|| Problem::not_found(format!("there is no delivery `{id}`; GET /api/v1/deliveries lists them")))?;
    if before.state == ReceiptState::Delivered.as_str() {
        return Err(Problem::conflict(format!(
            "delivery `{id}` was taken by its receiver; there is nothing to send again"
        ))
        .because(Code::DeliveryTaken, [id.as_str().into()]));
    }
    let incident = before.incident.as_deref().and_then(|incident| IncidentId::parse(incident).ok());
    let by = signed.by.to_string();
    let action = Action::RetryDelivery { delivery: id.clone() };
    append(&app, Some(signed.address), Command { incident, by, at: app.now(), action }).await?;
    match tokio::time::timeout(EFFECT_MAX, changed(view, &id, &before)).await {
        Ok(after) => Ok(Json(&*after).into_response()),
        Err(_) => Ok((StatusCode::ACCEPTED, Json(&*before)).into_response()),
    }
}

/// What `POST /deliveries/retry` takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    subscriber: Option<String>,
}

/// Send again whatever was given up, of one subscriber or of all.
#[utoipa::path(
    post, path = "/api/v1/deliveries/retry", tag = "deliveries",
    request_body = Which,
    responses((status = 202, description = "it is on its way"), BadRequest, NotLoggedIn, Forbidden),
)]
pub(crate) async fn retry_all(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(Which { subscriber }): Body<Which>,
) -> Result<StatusCode, Problem> {
    signed.who.require(&[Role::Supervisor, Role::Administrator])?;
    if !signed.who.sees_everything() {
        return Err(Problem::forbidden(
            "what was given up is sent again as a whole by somebody who sees every township; \
             retry yours one by one",
        ));
    }
    let (by, action) = (signed.who.user.username.clone(), Action::RetryDeliveries { subscriber });
    append(&app, Some(signed.address), Command { incident: None, by, at: app.now(), action }).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn changed(view: &View, id: &str, before: &DeliveryJson) -> Arc<DeliveryJson> {
    let mut seq = view.seq();
    loop {
        if let Some(after) = view.delivery(id).filter(|after| **after != *before) {
            return after;
        }
        if seq.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
