//! Every route there is.
//!
//! In: an HTTP request.   Out: the handler that answers it; for a path that nobody knows, the console's page or a 404.
//!
//! Every answer carries the security headers, also those of others who are served here; every body has a bound. A test compares
//! [`table`] with the document that is made from it.

use crate::app::App;
use crate::listener::Peer;
use crate::openapi::Described;
use crate::problem::Problem;
use crate::{
    acknowledge_page, audit, bundle, closures, commands, console, dead_letters, deliveries, device_edit, devices,
    households, incidents, live_socket, login, maintenance, masks, me, messages, notices, oidc, openapi, ops,
    patrol_routes, patrols, platform_ack, playback, proposals, reports, rosters, series, sessions, sms_back, snapshots,
    stations, stream, subscribers, tokens, tracks, tracks_many, users, watching, zone_at, zone_import, zone_put, zones,
};
use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{from_fn_with_state, map_request, map_response_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use std::sync::{Arc, LazyLock};
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

/// Bodies of ordinary requests.
const BODY_MAX: usize = 1024 * 1024;

/// A county's zones with every bend of their borders.
const ZONES_BODY_MAX: usize = 256 * 1024 * 1024;

/// A ledger of households, a list of devices; the registry takes no longer one.
const LEDGER_BODY_MAX: usize = 16 * 1024 * 1024;

/// Scripts, styles and connections only from here; map tiles and pictures also from memory; in nobody's frame.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; \
     base-uri 'none'; form-action 'self'",
);

/// The machine-readable description of the API; the same as long as the program runs.
static OPENAPI: LazyLock<Result<String, serde_json::Error>> =
    LazyLock::new(|| openapi::document(table().into_iter().map(|route| route.described)));

/// One line of the table.
pub(crate) struct Route {
    /// As in HTTP.
    pub method: &'static str,
    /// With `{}` for what varies.
    pub path: &'static str,
    /// Who answers.
    pub handler: MethodRouter<Arc<App>>,
    /// What it says of itself.
    pub described: Described,
}

impl Route {
    /// The same for bodies of another size than [`BODY_MAX`].
    fn taking(self, bytes: usize) -> Self {
        Self { handler: self.handler.layer(DefaultBodyLimit::max(bytes)), ..self }
    }
}

/// `routes!(module::handler)` is the handler with what it says of itself.
fn route(method: &'static str, path: &'static str, (schemas, paths, handler): UtoipaMethodRouter<Arc<App>>) -> Route {
    Route { method, path, handler, described: Described { schemas, paths } }
}

/// The API and the operators' probes.
pub(crate) fn table() -> Vec<Route> {
    [service(), cases(), land(), fleet(), telling()].into_iter().flatten().collect()
}

/// The operators' probes, sessions and what is written down of everybody.
fn service() -> Vec<Route> {
    vec![
        route("GET", "/healthz", routes!(ops::healthz)),
        route("GET", "/readyz", routes!(ops::readyz)),
        route("GET", "/metrics", routes!(ops::metrics)),
        route("GET", "/api/v1/openapi.json", routes!(document)),
        route("POST", "/api/v1/session", routes!(login::login)),
        route("DELETE", "/api/v1/session", routes!(login::logout)),
        route("GET", "/api/v1/login-ways", routes!(oidc::ways)),
        route("GET", "/api/v1/session/oidc", routes!(oidc::begin)),
        route("GET", "/api/v1/session/oidc/callback", routes!(oidc::callback)),
        route("GET", "/api/v1/me", routes!(me::me)),
        route("PUT", "/api/v1/me/password", routes!(me::set_password)),
        route("POST", "/api/v1/me/second-factor", routes!(me::offer_factor)),
        route("POST", "/api/v1/me/second-factor/confirm", routes!(me::confirm_factor)),
        route("DELETE", "/api/v1/me/second-factor", routes!(me::remove_factor)),
        route("GET", "/api/v1/tokens", routes!(tokens::list)),
        route("POST", "/api/v1/tokens", routes!(tokens::add)),
        route("DELETE", "/api/v1/tokens/{id}", routes!(tokens::revoke)),
        route("GET", "/api/v1/audit/chain", routes!(audit::chain)),
        route("GET", "/api/v1/audit", routes!(audit::list)),
        route("GET", "/api/v1/users", routes!(users::list)),
        route("POST", "/api/v1/users", routes!(users::add)),
        route("PATCH", "/api/v1/users/{username}", routes!(users::edit)),
        route("DELETE", "/api/v1/users/{username}/second-factor", routes!(users::remove_factor)),
        route("GET", "/api/v1/live", routes!(live_socket::upgrade)),
        route("GET", "/api/v1/stream", routes!(stream::stream)),
        route("GET", "/api/v1/playback", routes!(playback::playback)),
        route("GET", "/api/v1/reports/shift", routes!(reports::shift::shift)),
        route("POST", "/api/v1/reports/shift/notes", routes!(reports::shift::note)),
        route("GET", "/api/v1/reports/season", routes!(reports::season::season)),
    ]
}

/// What happened, and what is shown for it.
fn cases() -> Vec<Route> {
    vec![
        route("GET", "/api/v1/incidents", routes!(incidents::list)),
        route("GET", "/api/v1/incidents/{id}", routes!(incidents::one)),
        route("GET", "/api/v1/incidents/{id}/snapshots", routes!(snapshots::of_incident)),
        route("GET", "/api/v1/incidents/{id}/bundle", routes!(bundle::bundle)),
        route("POST", "/api/v1/incidents/{id}/acknowledge", routes!(commands::acknowledge)),
        route("POST", "/api/v1/incidents/{id}/dispatch", routes!(commands::dispatch)),
        route("POST", "/api/v1/incidents/{id}/resolve", routes!(commands::resolve)),
        route("POST", "/api/v1/incidents/{id}/reopen", routes!(commands::reopen)),
        route("POST", "/api/v1/incidents/{id}/comment", routes!(commands::comment)),
        route("POST", "/api/v1/drills", routes!(commands::drill)),
        route("GET", "/api/v1/snapshots/{hash}", routes!(snapshots::one)),
        route("GET", "/api/v1/households", routes!(households::list)),
        route("POST", "/api/v1/households/import", routes!(households::import)).taking(LEDGER_BODY_MAX),
        route("GET", "/api/v1/households/{id}/phone", routes!(households::phone)),
        route("GET", "/api/v1/notices", routes!(notices::list)),
        route("GET", "/api/v1/masks", routes!(masks::list)),
        route("POST", "/api/v1/masks/{id}/apply", routes!(masks::apply)),
        route("POST", "/api/v1/masks/{id}/decline", routes!(masks::decline)),
        route("POST", "/api/v1/masks/{id}/withdraw", routes!(masks::withdraw)),
    ]
}

/// The land, its law, and who watches it.
fn land() -> Vec<Route> {
    vec![
        route("GET", "/api/v1/zones", routes!(zones::all)),
        route("GET", "/api/v1/zones/at", routes!(zone_at::at)),
        route("GET", "/api/v1/zones/loads", routes!(zones::loads)),
        route("PUT", "/api/v1/zones/{id}", routes!(zone_put::put)).taking(ZONES_BODY_MAX),
        route("GET", "/api/v1/zones/{id}/versions", routes!(zones::versions)),
        route("GET", "/api/v1/zones/{id}/versions/{version}", routes!(zones::version)),
        route("POST", "/api/v1/zones/{id}/repeal", routes!(zone_import::repeal)),
        route("POST", "/api/v1/zones/import", routes!(zone_import::import)).taking(ZONES_BODY_MAX),
        route("GET", "/api/v1/zones/proposals", routes!(proposals::zones)),
        route("POST", "/api/v1/zones/proposals/{id}/approve", routes!(proposals::approve_zones)),
        route("POST", "/api/v1/zones/proposals/{id}/decline", routes!(proposals::decline_zones)),
        route("GET", "/api/v1/closures", routes!(closures::list)),
        route("POST", "/api/v1/closures/decisions", routes!(closures::decide)),
        route("POST", "/api/v1/closures/decisions/{id}/approve", routes!(proposals::approve_closure)),
        route("POST", "/api/v1/closures/decisions/{id}/decline", routes!(proposals::decline_closure)),
        route("GET", "/api/v1/coverage", routes!(watching::coverage)),
        route("GET", "/api/v1/patrols", routes!(patrols::list)),
        route("GET", "/api/v1/patrols/duties", routes!(patrols::duties)),
        route("GET", "/api/v1/patrols/routes", routes!(patrol_routes::list)),
        route("POST", "/api/v1/patrols/routes", routes!(patrol_routes::plan)),
        route("DELETE", "/api/v1/patrols/routes/{id}", routes!(patrol_routes::remove)),
        route("GET", "/api/v1/patrols/{id}", routes!(patrols::one)),
    ]
}

/// Devices, and work on them.
fn fleet() -> Vec<Route> {
    vec![
        route("GET", "/api/v1/devices", routes!(devices::list)),
        route("POST", "/api/v1/devices", routes!(devices::add)),
        route("PATCH", "/api/v1/devices", routes!(device_edit::many)),
        route("POST", "/api/v1/devices/import", routes!(device_edit::import)).taking(LEDGER_BODY_MAX),
        route("GET", "/api/v1/devices/{id}", routes!(devices::one)),
        route("PATCH", "/api/v1/devices/{id}", routes!(device_edit::one)),
        route("POST", "/api/v1/devices/{id}/disable", routes!(device_edit::disable)),
        route("POST", "/api/v1/devices/{id}/enable", routes!(device_edit::enable)),
        route("POST", "/api/v1/devices/{id}/approve", routes!(devices::approve)),
        route("POST", "/api/v1/devices/{id}/secret", routes!(devices::renew_secret)),
        route("GET", "/api/v1/devices/{id}/track", routes!(tracks::track)),
        route("GET", "/api/v1/devices/{id}/series", routes!(series::series)),
        route("GET", "/api/v1/devices/{id}/snapshots", routes!(snapshots::list)),
        route("GET", "/api/v1/tracks", routes!(tracks_many::tracks)),
        route("PUT", "/api/v1/devices/{id}/duties", routes!(patrols::set_duties)),
        route("GET", "/api/v1/stations", routes!(stations::list)),
        route("GET", "/api/v1/maintenance", routes!(maintenance::list)),
        route("POST", "/api/v1/maintenance", routes!(maintenance::announce)),
        route("POST", "/api/v1/maintenance/{id}/end", routes!(maintenance::end)),
    ]
}

/// Who is told, and what was said that could not be understood.
fn telling() -> Vec<Route> {
    vec![
        route("GET", "/api/v1/subscribers", routes!(subscribers::list)),
        route("POST", "/api/v1/subscribers", routes!(subscribers::add)),
        route("PUT", "/api/v1/subscribers/{id}", routes!(subscribers::replace)),
        route("DELETE", "/api/v1/subscribers/{id}", routes!(subscribers::remove)),
        route("POST", "/api/v1/subscribers/{id}/enable", routes!(subscribers::enable)),
        route("POST", "/api/v1/subscribers/{id}/disable", routes!(subscribers::disable)),
        route("POST", "/api/v1/subscribers/{id}/secret", routes!(subscribers::renew_secret)),
        route("POST", "/api/v1/subscribers/{id}/test", routes!(subscribers::test)),
        route("GET", "/api/v1/rosters", routes!(rosters::list)),
        route("PUT", "/api/v1/rosters/{name}", routes!(rosters::set)),
        route("DELETE", "/api/v1/rosters/{name}", routes!(rosters::remove)),
        route("GET", "/api/v1/messages", routes!(messages::list)),
        route("POST", "/api/v1/messages/preview", routes!(messages::preview)),
        route("GET", "/a/{token}", routes!(acknowledge_page::show)),
        route("POST", "/a/{token}", routes!(acknowledge_page::take)),
        route("GET", "/api/v1/deliveries", routes!(deliveries::list)),
        route("POST", "/api/v1/deliveries/retry", routes!(deliveries::retry_all)),
        route("POST", "/api/v1/deliveries/{id}/retry", routes!(deliveries::retry)),
        route("GET", "/api/v1/dead-letters", routes!(dead_letters::list)),
        route("GET", "/api/v1/dead-letters/{id}", routes!(dead_letters::one)),
        route("POST", "/api/v1/dead-letters/{id}/replay", routes!(dead_letters::replay)),
        route("POST", "/api/v1/platform/acknowledgements", routes!(platform_ack::acknowledge)),
        route("POST", "/api/v1/sms/{provider}/{token}/receipts", routes!(sms_back::receipts))
            .taking(sms_back::BODY_MAX),
        route("POST", "/api/v1/sms/{provider}/{token}/replies", routes!(sms_back::replies)).taking(sms_back::BODY_MAX),
    ]
}

/// The whole server. `others` is what the composition root lets others answer here.
pub(crate) fn router(app: Arc<App>, others: Router) -> Router {
    let own = table()
        .into_iter()
        .fold(Router::new(), |router, Route { method, path, handler, .. }| {
            tracing::trace!(method, path, "route");
            router.route(path, handler)
        })
        .route_layer(from_fn_with_state(Arc::clone(&app), sessions::renew))
        .fallback(console::serve)
        .with_state(Arc::clone(&app));
    own.merge(others.layer(map_request(tell_peer)))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(map_response_with_state(app, finish))
}

/// Others do not know our listener: they find the address where axum's own listener would have put it.
async fn tell_peer(ConnectInfo(Peer(peer)): ConnectInfo<Peer>, mut request: Request) -> Request {
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

/// This document.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "operations",
    responses((status = 200, body = Object)),
    security(()),
)]
async fn document() -> Result<impl IntoResponse, Problem> {
    let document = OPENAPI.as_deref().map_err(|error| Problem::internal("describing the API", error))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], document))
}

async fn method_not_allowed() -> Problem {
    Problem::of_status(
        StatusCode::METHOD_NOT_ALLOWED,
        "this address does not take that method; /api/v1/openapi.json says which it takes",
    )
}

/// What every answer has in common.
async fn finish(State(app): State<Arc<App>>, mut response: Response) -> Response {
    app.metrics.answered(response.status());
    let headers = response.headers_mut();
    // A page that brings its own policy needs less than the console.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(CONTENT_SECURITY_POLICY);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if app.parts.certificate.is_some() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    // What the API says is somebody's and of now; the handlers that mean otherwise have said so.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// Routes with this tag are served by others; a journey compares them with what those others say.
    const OTHERS: &str = "devices-in";

    #[test]
    fn the_openapi_document_names_every_route_and_no_other() {
        let document: Value = serde_json::from_str(OPENAPI.as_deref().unwrap()).unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let own = item.as_object().unwrap().iter().filter(|(_, operation)| operation["tags"][0] != OTHERS);
            let methods = own.map(|(key, _)| key).filter(|key| *key != "parameters");
            described.extend(methods.map(|method| (method.to_uppercase(), path.clone())));
        }
        let routed: BTreeSet<_> =
            table().iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
        assert_eq!(described, routed);
    }
}
