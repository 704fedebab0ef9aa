//! The API's description of itself (OpenAPI 3.1), made from the code.
//!
//! In: what each route of the table says of its handler, by `#[utoipa::path]`.   Out: the document at `/api/v1/openapi.json`.
//!
//! What holds for every operation is said here once: how errors look, and that a change by a session carries the CSRF token. What
//! others serve under our address (`devices_in.json`) is merged in.   Never: a second list of paths.

use crate::problem::ProblemJson;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use utoipa::openapi::path::Paths;
use utoipa::openapi::{Ref, RefOr, Response, Schema};
use utoipa::{IntoResponses, PartialSchema};

/// What is not generated: the operations that crate `ingest` serves.
const BY_HAND: &str = include_str!("openapi/devices_in.json");

/// What a handler says of itself.
pub(crate) struct Described {
    /// The shapes that it takes and answers, by name.
    pub schemas: Vec<(String, RefOr<Schema>)>,
    /// Its operation.
    pub paths: Paths,
}

/// The whole document as text.
pub(crate) fn document(described: impl IntoIterator<Item = Described>) -> Result<String, serde_json::Error> {
    let mut document = frame()?;
    merge(&mut document, serde_json::from_str(BY_HAND)?);
    for Described { schemas, paths } in described {
        let mut operations = serde_json::to_value(&paths.paths)?;
        operations.as_object_mut().into_iter().flatten().for_each(|(path, item)| finish(path, item));
        let schemas: BTreeMap<_, _> = schemas.into_iter().collect();
        merge(&mut document, json!({ "paths": operations, "components": { "schemas": schemas } }));
    }
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        name_items(schemas);
    }
    serde_json::to_string(&document)
}

/// What stands in it whatever routes there are.
fn frame() -> Result<Value, serde_json::Error> {
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Steppewatch",
            "version": "1",
            "description": "Times are RFC 3339 UTC. Errors are application/problem+json. State-changing requests by a session carry \
                            X-CSRF-Token. Devices use their own credentials.",
        },
        "security": [{ "session": [] }, { "token": [] }],
        "components": {
            "securitySchemes": {
                "session": { "type": "apiKey", "in": "cookie", "name": crate::auth::COOKIE },
                "token": {
                    "type": "http", "scheme": "bearer",
                    "description": "a program's token, made by POST /tokens; needs no CSRF token",
                },
                "platform": {
                    "type": "http", "scheme": "bearer",
                    "description": "the token of `[platform] callback_token_file`",
                },
            },
            "parameters": {
                "csrf": {
                    "name": "X-CSRF-Token", "in": "header", "required": false,
                    "description": "the `csrf` of POST /api/v1/session; needed with the session's cookie, not with a token",
                    "schema": { "type": "string" },
                },
            },
            "responses": {
                "Problem": {
                    "description": "what went wrong and the remedy",
                    "content": {
                        "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
                    },
                },
            },
            "schemas": { "Problem": serde_json::to_value(ProblemJson::schema())? },
        },
    }))
}

/// Says what holds for every operation of a path.
fn finish(path: &str, item: &mut Value) {
    for (method, operation) in item.as_object_mut().into_iter().flatten() {
        let Some(operation) = operation.as_object_mut() else { continue };
        // The names of handlers repeat from module to module; programs that make clients from the document need one each.
        let words = path.trim_start_matches("/api/v1").split(|letter: char| !letter.is_ascii_alphanumeric());
        let id: Vec<&str> = std::iter::once(method.as_str()).chain(words.filter(|word| !word.is_empty())).collect();
        operation.insert("operationId".to_owned(), id.join("_").into());
        // Who comes in by the session's cookie proves that the request is the page's own; see `auth`.
        if method != "get" && !operation.contains_key("security") {
            let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
            if let Some(parameters) = parameters.as_array_mut() {
                parameters.push(json!({ "$ref": "#/components/parameters/csrf" }));
            }
        }
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        for (_, response) in responses.into_iter().flatten() {
            if let Some(description) = response.get_mut("description").filter(|text| text.as_str() == Some("")) {
                *description = "the answer".into();
            }
        }
    }
}

/// A list of a kind comes with the shape of its items inside; that gets its own name, so that it stands once.
fn name_items(schemas: &mut Map<String, Value>) {
    let lists: Vec<String> = schemas.keys().filter(|name| name.starts_with("List_")).cloned().collect();
    for list in lists {
        let name = list.trim_start_matches("List_").to_owned();
        let items = schemas.get_mut(&list).and_then(|list| list.pointer_mut("/properties/items/items"));
        let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
        if let Some(shape) = items.map(|items| std::mem::replace(items, reference)) {
            schemas.insert(name, shape);
        }
    }
}

/// Adds what `more` has; where both have an object, key by key.
fn merge(document: &mut Value, more: Value) {
    match (document, more) {
        (Value::Object(fields), Value::Object(more)) => {
            for (key, value) in more {
                merge(fields.entry(key).or_insert(Value::Null), value);
            }
        }
        (place, more) => *place = more,
    }
}

/// Statuses that are answered with a problem, to be named among the `responses` of an operation.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $status:literal,)+) => {$(
        $(#[$doc])*
        pub(crate) enum $name {}

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([($status.to_owned(), Ref::from_response_name("Problem").into())])
            }
        }
    )+};
}

problems! {
    /// The caller can say it differently.
    BadRequest = "400",
    /// Log in first.
    NotLoggedIn = "401",
    /// Logged in, but not for this.
    Forbidden = "403",
    /// There is no such thing, or not for this user.
    NotFound = "404",
    /// It exists, but not in a state for this.
    Conflict = "409",
    /// The body is larger than this address takes.
    TooLarge = "413",
    /// The body is of another type.
    WrongType = "415",
    /// It is to be a WebSocket.
    UpgradeRequired = "426",
    /// Slow down.
    TooMany = "429",
    /// Not now.
    Unavailable = "503",
}

/// Texts of a known form, for the document: `#[schema(value_type = …)]`.
pub(crate) mod words;
