//! What programs do: listen one way, keep a zone, and bring back what was not understood.

use crate::support::{Server, TOWNSHIP, opened};
use journal::Journal;
use model::{Channel, DeadLetter, DeviceId, Frame, Offset, ReadingKind, ReceivedAt, Reject, Timestamp, Transport};
use registry::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// What stands in the journal and is not understood; its place there.
async fn letter(server: &Server, payload: &'static str) -> u64 {
    let (device, received_at) = (DeviceId::parse("camera-1").unwrap(), ReceivedAt(Timestamp::from_millis(1_000)));
    let frame = Frame {
        device: device.clone(),
        speaker: device.clone(),
        channel: Channel::Native { kind: ReadingKind::Heartbeat, detail: "".into() },
        transport: Transport::Mqtt,
        payload: payload.into(),
        received_at,
    };
    let offset = server.journal.append(frame).await.unwrap().offset();
    let reason = Reject::Missing { field: "status" };
    let letter = DeadLetter { offset, device, received_at, channel: "heartbeat".into(), reason };
    server.dead_letters.record(&[letter]).unwrap();
    offset.0
}

#[tokio::test]
async fn a_dead_letter_is_read_and_goes_into_the_journal_again_once_it_is_understood() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    let (good, timeless, bad) = (
        letter(&server, "understood, with a time").await,
        letter(&server, "understood").await,
        letter(&server, "?").await,
    );
    let list = session.get_json("/api/v1/dead-letters").await;
    let ids: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| item["offset"].as_u64().unwrap()).collect();
    assert_eq!(ids, [bad, timeless, good], "the newest first");
    let one = session.get_json(&format!("/api/v1/dead-letters/{bad}")).await;
    assert_eq!(one["payload"], json!({ "bytes": 1, "text": "?", "base64": "Pw==" }));

    for (id, why) in [(bad, "still cannot be understood"), (timeless, "bears no time of its own")] {
        let refused = session.post(&format!("/api/v1/dead-letters/{id}/replay"), Value::Null).await;
        assert_eq!(refused.status(), StatusCode::CONFLICT);
        assert!(refused.json::<Value>().await.unwrap()["detail"].as_str().unwrap().contains(why));
    }
    let taken = session.post(&format!("/api/v1/dead-letters/{good}/replay"), Value::Null).await;
    assert_eq!(taken.status(), StatusCode::ACCEPTED);
    let offset = taken.json::<Value>().await.unwrap()["offset"].as_u64().unwrap();
    let again = server.journal.read(Offset(offset - 1), 1).await.unwrap().remove(0).frame;
    assert_eq!((&again.payload[..], again.speaker.as_str()), (&b"understood, with a time"[..], "camera-1"));
    assert!(again.received_at.0 > Timestamp::from_millis(1_000), "it came today");
    assert_eq!(session.get(&format!("/api/v1/dead-letters/{good}")).await.status(), StatusCode::NOT_FOUND);
    let audit = session.get_json("/api/v1/audit").await;
    assert_eq!(audit["items"][0]["what"], format!("dead_letter.replay {good}"));
}

#[tokio::test]
async fn what_a_dead_letter_says_is_for_administrators_and_what_is_elsewhere_for_nobody_else() {
    let server = Server::start().await;
    server.add_user("operator", &[Role::Operator], &[]);
    server.add_user("elsewhere", &[Role::Administrator], &["150425200"]);
    let id = letter(&server, "?").await;
    let operator = server.login("operator").await;
    assert_eq!(operator.get(&format!("/api/v1/dead-letters/{id}")).await.status(), StatusCode::FORBIDDEN);
    let elsewhere = server.login("elsewhere").await;
    assert_eq!(elsewhere.get(&format!("/api/v1/dead-letters/{id}")).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(elsewhere.get_json("/api/v1/dead-letters").await["items"], json!([]));
}

/// Reads until `wanted` messages came; each with the number to go on from.
async fn listened(mut response: reqwest::Response, wanted: usize) -> Vec<(u64, Value)> {
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    loop {
        let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
        let said = whole.split("\n\n").filter_map(|event| {
            let field = |name| event.lines().find_map(|line| line.strip_prefix(name));
            Some((field("id: ")?.parse().unwrap(), serde_json::from_str(field("data: ")?).unwrap()))
        });
        let said: Vec<_> = said.collect();
        if said.len() >= wanted {
            return said;
        }
        text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
}

#[tokio::test]
async fn a_tool_listens_and_goes_on_where_it_stopped() {
    let server = Server::start_after(&[opened("i-1"), opened("i-2")]).await;
    let session = server.login("admin").await;
    let listening = session.get("/api/v1/stream").await;
    server.log(&[opened("i-3")]);
    let said = listened(listening, 2).await;
    assert_eq!((said[0].0, &said[0].1["type"]), (2, &json!("hello")));
    assert_eq!((said[1].0, &said[1].1["event"]["incident"]["id"]), (3, &json!("i-3")));

    let back =
        session.request(Method::GET, "/api/v1/stream?since=3").header("last-event-id", "1").send().await.unwrap();
    let said = listened(back, 3).await;
    assert_eq!(said[0].0, 1, "who is cut off after the greeting has heard nothing yet");
    let cases: Vec<_> =
        said[1..].iter().map(|(id, said)| (*id, said["event"]["incident"]["id"].as_str().unwrap())).collect();
    assert_eq!(cases, [(2, "i-2"), (3, "i-3")]);
    let refused = session.get("/api/v1/stream?since=yesterday").await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_zone_is_put_as_one_feature_and_keeps_what_is_left_out() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    let put = async |id: &str, query: &str, feature: Value| {
        let request = session.request(Method::PUT, &format!("/api/v1/zones/{id}?{query}")).json(&feature);
        let response = request.send().await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap())
    };
    let square = |east: f64| json!({ "type": "Polygon", "coordinates": [[[117.0, 43.0], [east, 43.0], [east, 44.0], [117.0, 44.0], [117.0, 43.0]]] });
    let feature = |east| json!({ "type": "Feature", "geometry": square(east), "properties": { "name": "一号区", "capacity": null } });
    let (status, dry) = put("zone-1", "dry_run=true&days=0", feature(117.5)).await;
    assert_eq!((status, &dry["features"][0]["outcome"]), (StatusCode::OK, &json!("published")), "{dry}");
    let (status, done) = put("zone-1", "reason=border", feature(117.5)).await;
    assert_eq!((status, &done["features"][0]["version"]), (StatusCode::OK, &json!(2)), "{done}");
    let zones = session.get_json("/api/v1/zones").await;
    let properties = &zones["features"][0]["properties"];
    assert_eq!(
        (&properties["name"], &properties["kind"], &properties["township"]),
        (&json!("一号区"), &json!("balance"), &json!(TOWNSHIP))
    );
    let border = zones["features"][0]["geometry"].to_string();
    assert!(border.contains("117.5") && !border.contains("118"), "{border}");

    let (status, _) = put("zone-1", "reason=border", json!({ "type": "FeatureCollection", "geometry": null })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let other = json!({ "type": "Feature", "geometry": square(117.5), "properties": { "id": "zone-2" } });
    let (status, problem) = put("zone-1", "reason=border", other).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(problem["detail"].as_str().unwrap().contains("zone-2"));
    let (status, problem) = put("zone-1", "", feature(117.6)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(problem["detail"].as_str().unwrap().contains("reason"));
}
