//! The operators' console: the built front end, embedded in the program.
//!
//! In: any path that is no route.   Out: a file of `web/dist`; its index for paths that the page's own router knows; 404.
//!
//! A debug build reads the folder at run time (wherever it was started from), a release build carries the files. Names under
//! `assets/` hold a hash of the content, so browsers may keep those for ever; everything else is asked for again each time.

use crate::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

const INDEX: &str = "index.html";
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Files;

/// Answers what no route took.
pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        let detail = format!("there is no {method} {}; /api/v1/openapi.json lists what there is", uri.path());
        return Problem::not_found(detail).into_response();
    }
    if !matches!(method, Method::GET | Method::HEAD) {
        let detail = "the console's pages are only read; the API is under /api/v1";
        return Problem::of_status(StatusCode::METHOD_NOT_ALLOWED, detail).into_response();
    }
    let name = if path.is_empty() { INDEX } else { path };
    if let Some(file) = Files::get(name) {
        return answer(name, file, &headers);
    }
    // A path of the page's own router has no dot; a missing script must not be answered with a page.
    let is_page = !name.rsplit('/').next().unwrap_or_default().contains('.') && !name.starts_with("assets/");
    match Files::get(INDEX).filter(|_| is_page) {
        Some(file) => answer(INDEX, file, &headers),
        None => Problem::not_found(format!("there is no file {}", uri.path())).into_response(),
    }
}

fn answer(name: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let hash = file.metadata.sha256_hash();
    let etag = format!("\"{}\"", blake3::hash(&hash).to_hex().get(..32).unwrap_or_default());
    let cache = if name.starts_with("assets/") { FOR_EVER } else { ASK_AGAIN };
    if is_known(headers, &etag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)], [(header::CACHE_CONTROL, cache)]).into_response();
    }
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name))), (header::CACHE_CONTROL, cache)];
    (headers, [(header::ETAG, etag)], Body::from(file.data.into_owned())).into_response()
}

/// Whether the asker already has what this ETag names.
pub(crate) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == etag || one == "*")
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wav" => "audio/wav",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
