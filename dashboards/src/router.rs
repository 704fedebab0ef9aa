//! Every route there is.
//!
//! In: an HTTP request.   Out: the handler that answers it; for a path that nobody knows, the console's page or a 404.
//!
//! Every answer carries the security headers, also those of others who are served here; every body has a bound. A test compares
//! [`table`] with `openapi.json`.

use crate::app::App;
use crate::listener::Peer;
use crate::problem::Problem;
use crate::{
    acknowledge_page, audit, bundle, closures, commands, console, dead_letters, deliveries, device_edit, devices,
    households, incidents, live_socket, login, maintenance, masks, me, messages, notices, oidc, ops, patrols,
    platform_ack, playback, proposals, reports, rosters, sms_back, snapshots, stations, stream, subscribers, tokens,
    tracks, users, watching, zone_at, zone_import, zone_put, zones,
};
use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{map_request, map_response_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use std::sync::Arc;

/// Bodies of ordinary requests.
const BODY_MAX: usize = 1024 * 1024;

/// A county's zones with every bend of their borders.
const ZONES_BODY_MAX: usize = 256 * 1024 * 1024;

/// A ledger of households, a list of devices; the registry takes no longer one.
const LEDGER_BODY_MAX: usize = 16 * 1024 * 1024;

/// Scripts and connections only from here; map tiles and pictures also from memory; in nobody's frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; \
     connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// The machine-readable description of the API.
const OPENAPI: &str = include_str!("openapi.json");

/// One line of the table.
pub(crate) struct Route {
    /// As in HTTP.
    pub method: &'static str,
    /// With `{}` for what varies.
    pub path: &'static str,
    /// Who answers.
    pub handler: MethodRouter<Arc<App>>,
}

fn route(method: &'static str, path: &'static str, handler: MethodRouter<Arc<App>>) -> Route {
    Route { method, path, handler }
}

/// The API and the operators' probes.
pub(crate) fn table() -> Vec<Route> {
    [service(), cases(), land(), fleet(), telling()].into_iter().flatten().collect()
}

/// The operators' probes, sessions and what is written down of everybody.
fn service() -> Vec<Route> {
    vec![
        route("GET", "/healthz", get(ops::healthz)),
        route("GET", "/readyz", get(ops::readyz)),
        route("GET", "/metrics", get(ops::metrics)),
        route("GET", "/api/v1/openapi.json", get(openapi)),
        route("POST", "/api/v1/session", post(login::login)),
        route("DELETE", "/api/v1/session", delete(login::logout)),
        route("GET", "/api/v1/login-ways", get(oidc::ways)),
        route("GET", "/api/v1/session/oidc", get(oidc::begin)),
        route("GET", "/api/v1/session/oidc/callback", get(oidc::callback)),
        route("GET", "/api/v1/me", get(me::me)),
        route("PUT", "/api/v1/me/password", put(me::set_password)),
        route("POST", "/api/v1/me/second-factor", post(me::offer_factor)),
        route("POST", "/api/v1/me/second-factor/confirm", post(me::confirm_factor)),
        route("DELETE", "/api/v1/me/second-factor", delete(me::remove_factor)),
        route("GET", "/api/v1/tokens", get(tokens::list)),
        route("POST", "/api/v1/tokens", post(tokens::add)),
        route("DELETE", "/api/v1/tokens/{id}", delete(tokens::revoke)),
        route("GET", "/api/v1/audit/chain", get(audit::chain)),
        route("GET", "/api/v1/audit", get(audit::list)),
        route("GET", "/api/v1/users", get(users::list)),
        route("POST", "/api/v1/users", post(users::add)),
        route("PATCH", "/api/v1/users/{username}", patch(users::edit)),
        route("DELETE", "/api/v1/users/{username}/second-factor", delete(users::remove_factor)),
        route("GET", "/api/v1/live", get(live_socket::upgrade)),
        route("GET", "/api/v1/stream", get(stream::stream)),
        route("GET", "/api/v1/playback", get(playback::playback)),
        route("GET", "/api/v1/reports/shift", get(reports::shift::shift)),
        route("POST", "/api/v1/reports/shift/notes", post(reports::shift::note)),
        route("GET", "/api/v1/reports/season", get(reports::season::season)),
    ]
}

/// What happened, and what is shown for it.
fn cases() -> Vec<Route> {
    let households_import = post(households::import).layer(DefaultBodyLimit::max(LEDGER_BODY_MAX));
    vec![
        route("GET", "/api/v1/incidents", get(incidents::list)),
        route("GET", "/api/v1/incidents/{id}", get(incidents::one)),
        route("GET", "/api/v1/incidents/{id}/snapshots", get(snapshots::of_incident)),
        route("GET", "/api/v1/incidents/{id}/bundle", get(bundle::bundle)),
        route("POST", "/api/v1/incidents/{id}/acknowledge", post(commands::acknowledge)),
        route("POST", "/api/v1/incidents/{id}/dispatch", post(commands::dispatch)),
        route("POST", "/api/v1/incidents/{id}/resolve", post(commands::resolve)),
        route("POST", "/api/v1/incidents/{id}/reopen", post(commands::reopen)),
        route("POST", "/api/v1/incidents/{id}/comment", post(commands::comment)),
        route("POST", "/api/v1/drills", post(commands::drill)),
        route("GET", "/api/v1/snapshots/{hash}", get(snapshots::one)),
        route("GET", "/api/v1/households", get(households::list)),
        route("POST", "/api/v1/households/import", households_import),
        route("GET", "/api/v1/households/{id}/phone", get(households::phone)),
        route("GET", "/api/v1/notices", get(notices::list)),
        route("GET", "/api/v1/masks", get(masks::list)),
        route("POST", "/api/v1/masks/{id}/apply", post(masks::apply)),
        route("POST", "/api/v1/masks/{id}/decline", post(masks::decline)),
        route("POST", "/api/v1/masks/{id}/withdraw", post(masks::withdraw)),
    ]
}

/// The land, its law, and who watches it.
fn land() -> Vec<Route> {
    let zones_body = || DefaultBodyLimit::max(ZONES_BODY_MAX);
    vec![
        route("GET", "/api/v1/zones", get(zones::all)),
        route("GET", "/api/v1/zones/at", get(zone_at::at)),
        route("GET", "/api/v1/zones/loads", get(zones::loads)),
        route("PUT", "/api/v1/zones/{id}", put(zone_put::put).layer(zones_body())),
        route("GET", "/api/v1/zones/{id}/versions", get(zones::versions)),
        route("POST", "/api/v1/zones/{id}/repeal", post(zone_import::repeal)),
        route("POST", "/api/v1/zones/import", post(zone_import::import).layer(zones_body())),
        route("GET", "/api/v1/zones/proposals", get(proposals::zones)),
        route("POST", "/api/v1/zones/proposals/{id}/approve", post(proposals::approve_zones)),
        route("POST", "/api/v1/zones/proposals/{id}/decline", post(proposals::decline_zones)),
        route("GET", "/api/v1/closures", get(closures::list)),
        route("POST", "/api/v1/closures/decisions", post(closures::decide)),
        route("POST", "/api/v1/closures/decisions/{id}/approve", post(proposals::approve_closure)),
        route("POST", "/api/v1/closures/decisions/{id}/decline", post(proposals::decline_closure)),
        route("GET", "/api/v1/coverage", get(watching::coverage)),
        route("GET", "/api/v1/patrols", get(patrols::list)),
        route("GET", "/api/v1/patrols/duties", get(patrols::duties)),
        route("GET", "/api/v1/patrols/routes", get(patrols::routes)),
        route("POST", "/api/v1/patrols/routes", post(patrols::plan)),
        route("DELETE", "/api/v1/patrols/routes/{id}", delete(patrols::remove)),
        route("GET", "/api/v1/patrols/{id}", get(patrols::one)),
    ]
}

/// Devices, and work on them.
fn fleet() -> Vec<Route> {
    let devices_import = post(device_edit::import).layer(DefaultBodyLimit::max(LEDGER_BODY_MAX));
    vec![
        route("GET", "/api/v1/devices", get(devices::list)),
        route("POST", "/api/v1/devices", post(devices::add)),
        route("PATCH", "/api/v1/devices", patch(device_edit::many)),
        route("POST", "/api/v1/devices/import", devices_import),
        route("GET", "/api/v1/devices/{id}", get(devices::one)),
        route("PATCH", "/api/v1/devices/{id}", patch(device_edit::one)),
        route("POST", "/api/v1/devices/{id}/disable", post(device_edit::disable)),
        route("POST", "/api/v1/devices/{id}/enable", post(device_edit::enable)),
        route("POST", "/api/v1/devices/{id}/approve", post(devices::approve)),
        route("GET", "/api/v1/devices/{id}/track", get(tracks::track)),
        route("GET", "/api/v1/devices/{id}/series", get(tracks::series)),
        route("GET", "/api/v1/devices/{id}/snapshots", get(snapshots::list)),
        route("PUT", "/api/v1/devices/{id}/duties", put(patrols::set_duties)),
        route("GET", "/api/v1/stations", get(stations::list)),
        route("GET", "/api/v1/maintenance", get(maintenance::list)),
        route("POST", "/api/v1/maintenance", post(maintenance::announce)),
        route("POST", "/api/v1/maintenance/{id}/end", post(maintenance::end)),
    ]
}

/// Who is told, and what was said that could not be understood.
fn telling() -> Vec<Route> {
    let sms_body = DefaultBodyLimit::max(sms_back::BODY_MAX);
    vec![
        route("GET", "/api/v1/subscribers", get(subscribers::list)),
        route("POST", "/api/v1/subscribers", post(subscribers::add)),
        route("PUT", "/api/v1/subscribers/{id}", put(subscribers::replace)),
        route("DELETE", "/api/v1/subscribers/{id}", delete(subscribers::remove)),
        route("POST", "/api/v1/subscribers/{id}/enable", post(subscribers::enable)),
        route("POST", "/api/v1/subscribers/{id}/disable", post(subscribers::disable)),
        route("POST", "/api/v1/subscribers/{id}/secret", post(subscribers::renew_secret)),
        route("POST", "/api/v1/subscribers/{id}/test", post(subscribers::test)),
        route("GET", "/api/v1/rosters", get(rosters::list)),
        route("PUT", "/api/v1/rosters/{name}", put(rosters::set)),
        route("DELETE", "/api/v1/rosters/{name}", delete(rosters::remove)),
        route("GET", "/api/v1/messages", get(messages::list)),
        route("POST", "/api/v1/messages/preview", post(messages::preview)),
        route("GET", "/a/{token}", get(acknowledge_page::show)),
        route("POST", "/a/{token}", post(acknowledge_page::take)),
        route("GET", "/api/v1/deliveries", get(deliveries::list)),
        route("POST", "/api/v1/deliveries/retry", post(deliveries::retry_all)),
        route("POST", "/api/v1/deliveries/{id}/retry", post(deliveries::retry)),
        route("GET", "/api/v1/dead-letters", get(dead_letters::list)),
        route("GET", "/api/v1/dead-letters/{id}", get(dead_letters::one)),
        route("POST", "/api/v1/dead-letters/{id}/replay", post(dead_letters::replay)),
        route("POST", "/api/v1/platform/acknowledgements", post(platform_ack::acknowledge)),
        route("POST", "/api/v1/sms/{provider}/{token}/receipts", post(sms_back::receipts).layer(sms_body)),
        route("POST", "/api/v1/sms/{provider}/{token}/replies", post(sms_back::replies).layer(sms_body)),
    ]
}

/// The whole server. `others` is what the composition root lets others answer here.
pub(crate) fn router(app: Arc<App>, others: Router) -> Router {
    let own = table()
        .into_iter()
        .fold(Router::new(), |router, Route { method, path, handler }| {
            tracing::trace!(method, path, "route");
            router.route(path, handler)
        })
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

async fn openapi() -> ([(header::HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
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
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
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
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
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
