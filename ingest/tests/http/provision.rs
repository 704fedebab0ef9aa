//! First contact: a device that nobody registered gets its own credential, once, and waits.

use super::house::{House, NOW_MS, beat, problem};
use model::{DeviceId, DeviceKind, Timestamp};
use registry::{NewClaimKey, Secret};
use reqwest::Response;
use serde_json::{Value, json};
use std::time::Duration;

fn key(house: &House, name: &str, kind: Option<DeviceKind>, uses: u32) -> Secret {
    let new = NewClaimKey { name: name.into(), kind, life: Duration::from_secs(3_600), uses };
    house.registry.add_claim_key(&new, "test").unwrap().0
}

async fn claim(house: &House, key: &str, serial: &str) -> Response {
    let claim = json!({ "claim_key": key, "serial": serial, "kind": "station", "firmware": "1.2" });
    house.post("/provision").json(&claim).send().await.unwrap()
}

async fn beats(house: &House, id: &str, secret: &str) -> Response {
    let request = house.post(&format!("/ingest/{id}/heartbeat")).basic_auth(id, Some(secret));
    request.header("content-type", "application/json").body(beat(1)).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_device_exchanges_a_claim_key_for_its_own_secret_and_is_let_in_once_it_is_approved() {
    let house = House::start().await;
    let answer = claim(&house, key(&house, "spring", None, 1).as_str(), "SN-1").await;
    assert_eq!(answer.status().as_u16(), 201);
    let made: Value = answer.json().await.unwrap();
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(made, json!({ "id": "SN-1", "secret": secret }));
    let told = problem(beats(&house, "SN-1", secret).await, 403).await;
    assert!(told["detail"].as_str().unwrap().contains("awaits approval"), "{told}");
    assert_eq!((house.refusals("quarantined"), house.entries().await), (1, vec![]));
    house.registry.approve(&DeviceId::parse("SN-1").unwrap(), "test").unwrap();
    assert_eq!(beats(&house, "SN-1", secret).await.status().as_u16(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serial_number_is_given_a_secret_once() {
    let house = House::start().await;
    let key = key(&house, "spring", None, 5);
    let made: Value = claim(&house, key.as_str(), "SN-1").await.json().await.unwrap();
    for taken in ["SN-1", "camera-1"] {
        let told = problem(claim(&house, key.as_str(), taken).await, 409).await;
        assert!(told["detail"].as_str().unwrap().contains(taken), "{told}");
    }
    house.registry.approve(&DeviceId::parse("SN-1").unwrap(), "test").unwrap();
    assert_eq!(beats(&house, "SN-1", made["secret"].as_str().unwrap()).await.status().as_u16(), 202);
    assert_eq!(house.refusals("serial_taken"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_wrong_spent_expired_revoked_or_of_another_kind_is_told_so() {
    let house = House::start().await;
    let spent = key(&house, "spent", None, 1);
    assert_eq!(claim(&house, spent.as_str(), "SN-1").await.status().as_u16(), 201);
    let revoked = key(&house, "revoked", None, 1);
    house.registry.revoke_claim_key("revoked", "test").unwrap();
    let cameras = key(&house, "cameras", Some(DeviceKind::Camera), 1);
    let late = key(&house, "late", None, 1);
    for (key, word) in [
        ("claim_guess", "wrong"),
        (&*"x".repeat(600), "wrong"),
        (spent.as_str(), "used up"),
        (revoked.as_str(), "revoked"),
        (cameras.as_str(), "kind"),
    ] {
        let told = problem(claim(&house, key, "SN-2").await, 403).await;
        assert!(told["detail"].as_str().unwrap().contains(word), "{told}");
    }
    house.clock.set(Timestamp::from_millis(NOW_MS + 3_600_000));
    let told = problem(claim(&house, late.as_str(), "SN-2").await, 403).await;
    assert!(told["detail"].as_str().unwrap().contains("expired"), "{told}");
    assert_eq!(house.refusals("bad_claim_key"), 6);
    assert_eq!(house.registry.view().borrow().devices.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_cannot_be_read_costs_nothing_and_its_answer_repeats_no_key() {
    let house = House::start().await;
    let key = key(&house, "spring", None, 1);
    let json = |body: Value| house.post("/provision").json(&body).send();
    for body in [
        json!({ "claim_key": [key.as_str()], "serial": "SN-1", "kind": "station" }),
        json!({ "claim_key": key.as_str(), "serial": "SN-1" }),
        json!({ "claim_key": key.as_str(), "serial": "SN 1", "kind": "station" }),
        json!({ "claim_key": key.as_str(), "serial": "SN-1", "kind": "toaster" }),
    ] {
        let told = problem(json(body).await.unwrap(), 400).await;
        assert!(!told.to_string().contains(key.as_str()), "{told}");
    }
    let typed = house.post("/provision").header("content-type", "text/plain").body("{}");
    problem(typed.send().await.unwrap(), 415).await;
    problem(json(json!({ "claim_key": "x".repeat(5_000) })).await.unwrap(), 413).await;
    assert_eq!(claim(&house, key.as_str(), "SN-1").await.status().as_u16(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_wrong_claims_make_the_address_wait_and_devices_that_are_known_do_not() {
    let house = House::start().await;
    let key = key(&house, "spring", None, 1);
    for _ in 0..20 {
        assert_eq!(claim(&house, "claim_guess", "SN-1").await.status().as_u16(), 403);
    }
    let answer = claim(&house, key.as_str(), "SN-1").await;
    assert_eq!(answer.headers()["retry-after"], "30");
    problem(answer, 429).await;
    assert_eq!(house.sends("heartbeat", beat(1)).await.status().as_u16(), 202);
    house.clock.set(Timestamp::from_millis(NOW_MS + 30_000));
    assert_eq!(claim(&house, key.as_str(), "SN-1").await.status().as_u16(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_devices_that_claim_the_last_use_at_once_get_one_secret_between_them() {
    let house = House::start().await;
    let key = key(&house, "spring", None, 1);
    let serials: Vec<String> = (0..8).map(|number| format!("SN-{number}")).collect();
    let claims = serials.iter().map(|serial| claim(&house, key.as_str(), serial));
    let mut statuses: Vec<u16> =
        futures_util::future::join_all(claims).await.iter().map(|answer| answer.status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403, 403, 403, 403, 403, 403, 403]);
}
