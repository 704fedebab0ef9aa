//! What the API's own document says, held against the API: every operation is called, and answers as it is described.

use crate::support::{PASSWORD, Server, delivery, opened};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Served by others than this crate; journeys call them.
const OTHERS: &str = "devices-in";
/// Not JSON over a request and an answer; tests of their own call them.
const ELSEWHERE: [&str; 3] = ["/api/v1/live", "/api/v1/session", "/api/v1/stream"];

/// A path with what the server of the test knows in the places of its parameters.
fn filled(path: &str) -> String {
    let ids = [
        ("incidents", "i-1"),
        ("deliveries", "d-1"),
        ("devices", "camera-1"),
        ("zones", "zone-1"),
        ("households", "h-1"),
    ];
    let id = ids.iter().find(|(list, _)| path.contains(&format!("/{list}/{{id}}"))).map_or("1", |(_, id)| id);
    let others =
        [("{username}", "nobody"), ("{hash}", "00"), ("{name}", "night"), ("{provider}", "aliyun"), ("{token}", "no")];
    others.iter().fold(path.replace("{id}", id), |path, (place, with)| path.replace(place, with))
}

struct Document(Value);

impl Document {
    /// What an operation answers with a status, references followed.
    fn response<'a>(&'a self, operation: &'a Value, status: StatusCode) -> Option<&'a Value> {
        let response = operation["responses"].get(status.as_str())?;
        match response["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.trim_start_matches('#')),
            None => Some(response),
        }
    }

    fn check(&self, schema: &Value, answer: &Value) -> Result<(), String> {
        let mut whole = schema.clone();
        whole["components"] = self.0["components"].clone();
        let validator = jsonschema::validator_for(&whole).unwrap();
        let faults: Vec<_> =
            validator.iter_errors(answer).map(|fault| format!("{} at {}", fault, fault.instance_path())).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
    }
}

#[tokio::test]
async fn every_operation_answers_as_the_document_says() {
    let server = Server::start_after(&[opened("i-1"), delivery("d-1", "i-1", "dead")]).await;
    let session = server.login("admin").await;
    let camera = json!({ "id": "camera-1", "kind": "camera", "place": { "lat": 43.3, "lon": 117.5 } });
    assert_eq!(session.post("/api/v1/devices", camera).await.status(), StatusCode::CREATED);
    let webhook = json!({ "name": "镇政府", "channel": "webhook", "url": "https://example.org/" });
    assert_eq!(session.post("/api/v1/subscribers", webhook).await.status(), StatusCode::CREATED);
    let token = json!({ "name": "wall", "roles": ["viewer"], "expires": "1d" });
    assert_eq!(session.post("/api/v1/tokens", token).await.status(), StatusCode::CREATED);
    let user = json!({ "username": "bao", "password": PASSWORD, "roles": ["viewer"] });
    assert_eq!(session.post("/api/v1/users", user).await.status(), StatusCode::CREATED);
    let document = Document(session.get_json("/api/v1/openapi.json").await);

    let (mut faults, mut called, mut read) = (Vec::new(), 0, 0);
    for (path, item) in document.0["paths"].as_object().unwrap() {
        let own = item.as_object().unwrap().iter().filter(|(_, operation)| operation["tags"][0] != OTHERS);
        for (verb, operation) in own.filter(|(verb, _)| *verb != "parameters") {
            if ELSEWHERE.contains(&path.as_str()) {
                continue;
            }
            let method: Method = verb.to_uppercase().parse().unwrap();
            let mut request = session.request(method.clone(), &filled(path));
            if method != Method::GET {
                // What is not understood is refused as the document says it is.
                request = request.json(&json!({}));
            }
            let response = request.send().await.unwrap();
            let (status, name) = (response.status(), format!("{method} {path}"));
            called += 1;
            let Some(described) = document.response(operation, status) else {
                faults.push(format!("{name}: {status} is not described: {}", response.text().await.unwrap()));
                continue;
            };
            let given = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
            let given = given.unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
            let body = response.bytes().await.unwrap();
            let Some(content) = described.get("content") else {
                if !body.is_empty() {
                    faults.push(format!("{name}: {status} is described without a body and has {} bytes", body.len()));
                }
                continue;
            };
            let Some(schema) = content.get(&given).map(|media| &media["schema"]) else {
                faults.push(format!("{name}: {status} is of type {given}, described are {content}"));
                continue;
            };
            if given.ends_with("json") {
                let answer: Value = serde_json::from_slice(&body).unwrap();
                read += usize::from(status == StatusCode::OK);
                if let Err(fault) = document.check(schema, &answer) {
                    faults.push(format!("{name}: {status}: {fault}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(called > 90 && read > 30, "{called} called, {read} answers read");
}
