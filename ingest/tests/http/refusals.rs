//! Each refusal with its status and its count, and nothing recorded.

use super::house::{House, Mood, NOW_MS, beat, problem};
use model::{DeviceId, DeviceKind, Timestamp};
use registry::{NewDevice, Registry};

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_let_in_with_its_own_secret_under_its_own_name_only() {
    let house = House::start().await;
    let beat = || house.post("/ingest/camera-1/heartbeat").header("content-type", "application/json").body(beat(1));
    let wrong = [
        beat(),
        beat().header("authorization", "Digest x"),
        beat().header("authorization", "Basic ???"),
        beat().basic_auth("camera-1", Some("wrong")),
        beat().basic_auth("nobody", Some(house.secret("camera-1"))),
        beat().basic_auth("../etc", Some(house.secret("camera-1"))),
        beat().bearer_auth(house.secret("camera-2")),
        beat().bearer_auth("x".repeat(1_000)),
    ];
    for request in wrong {
        let answer = request.send().await.unwrap();
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic"));
        problem(answer, 401).await;
    }
    let foreign = beat().basic_auth("camera-2", Some(house.secret("camera-2")));
    let told = problem(foreign.send().await.unwrap(), 403).await;
    assert!(told["detail"].as_str().unwrap().contains("`camera-2`"), "{told}");
    assert_eq!((house.refusals("no_credentials"), house.refusals("bad_credentials")), (2, 6));
    assert_eq!((house.refusals("foreign_topic"), house.entries().await), (1, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_device_is_told_so_and_comes_in_again_when_it_is_enabled() {
    let house = House::start().await;
    let camera = DeviceId::parse("camera-1").unwrap();
    house.registry.set_disabled(&camera, true, "test").unwrap();
    problem(house.sends("heartbeat", beat(1)).await, 403).await;
    assert_eq!(house.refusals("disabled"), 1);
    house.registry.set_disabled(&camera, false, "test").unwrap();
    assert_eq!(house.sends("heartbeat", beat(1)).await.status().as_u16(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_registered_this_moment_by_another_process_is_let_in() {
    let house = House::start().await;
    let other = Registry::open(&house.folder.path().join("registry.db"), house.clock.clone()).unwrap();
    let camera = NewDevice::new(DeviceId::parse("camera-9").unwrap(), DeviceKind::Camera);
    let secret = other.add_device(camera, "test").unwrap();
    let request = house.post("/ingest/camera-9/heartbeat").basic_auth("camera-9", Some(secret.as_str()));
    let answer = request.header("content-type", "application/json").body(beat(1)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_wrong_secrets_make_whoever_is_wrong_there_wait_for_half_a_minute_and_nobody_else() {
    let house = House::start().await;
    let wrong = || house.post("/ingest/camera-1/heartbeat").basic_auth("camera-1", Some("wrong"));
    for _ in 0..20 {
        assert_eq!(wrong().send().await.unwrap().status().as_u16(), 401);
    }
    let answer = wrong().send().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "30");
    problem(answer, 429).await;
    assert_eq!((house.refusals("bad_credentials"), house.refusals("throttled")), (20, 1));
    assert_eq!(house.sends("heartbeat", beat(1)).await.status().as_u16(), 202);
    house.clock.set(Timestamp::from_millis(NOW_MS + 30_000));
    assert_eq!(wrong().send().await.unwrap().status().as_u16(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_kind_and_an_unfitting_type_are_told_what_would_do() {
    let house = House::start().await;
    for kind in ["mood", "clock", "osd", "down"] {
        problem(house.sends(kind, "{}").await, 404).await;
    }
    let typed = |rest: &str, media_type: &str| house.says(rest).header("content-type", media_type).body("{}").send();
    for (rest, media_type, words) in [
        ("heartbeat", "application/x-www-form-urlencoded", "application/json"),
        ("heartbeat", "image/jpeg", "application/json"),
        ("snapshot/s-1", "application/json", "image/jpeg"),
        ("snapshot/s-1", "application/x-ndjson", "image/jpeg"),
    ] {
        let told = problem(typed(rest, media_type).await.unwrap(), 415).await;
        assert!(told["detail"].as_str().unwrap().contains(words), "{told}");
    }
    assert_eq!((house.refusals("unknown_kind"), house.refusals("media_type")), (4, 4));
    assert_eq!(house.entries().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_before_it_comes_and_a_stranger_is_not_asked_for_one() {
    let house = House::start().await;
    let head = |secret: &str, more: &str| {
        format!(
            "POST /api/v1/ingest/camera-1/heartbeat HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             authorization: Bearer {secret}\r\ncontent-type: application/json\r\n{more}\r\n\r\n"
        )
    };
    let too_large = format!("content-length: {}", (1 << 20) + 1);
    let answer = house.raw(head(house.secret("camera-1"), &too_large).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let stranger = head("wrong", "content-length: 100\r\nexpect: 100-continue");
    let answer = house.raw(stranger.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert_eq!(house.refusals("too_large"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_say_how_long_it_is_is_cut_off_at_the_bound() {
    let house = House::start().await;
    let head = format!(
        "POST /api/v1/ingest/camera-1/heartbeat HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        house.secret("camera-1")
    );
    let body = |len: usize| [format!("{len:x}\r\n").as_bytes(), &vec![b' '; len], b"\r\n0\r\n\r\n"].concat();
    // Exactly the bound is read whole, and then not understood.
    let answer = house.raw(&[head.as_bytes(), &body(1 << 20)].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let answer = house.raw(&[head.as_bytes(), &body((1 << 20) + 1)].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!((house.refusals("not_understood"), house.refusals("too_large")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_has_eight_requests_at_once_and_another_device_is_not_held_up_by_them() {
    let mut house = House::start().await;
    house.mood.send_replace(Mood::Holding);
    let send = || house.says("heartbeat").header("content-type", "application/json").body(beat(1)).send();
    let waiting: Vec<_> = (0..8).map(|_| tokio::spawn(send())).collect();
    let mut asked = house.asked.clone();
    asked.wait_for(|asked| *asked == 8).await.unwrap();
    problem(send().await.unwrap(), 429).await;
    let other = house.post("/ingest/camera-2/heartbeat").bearer_auth(house.secret("camera-2"));
    let other = tokio::spawn(other.header("content-type", "application/json").body(beat(2)).send());
    house.asked.wait_for(|asked| *asked == 9).await.unwrap();
    house.mood.send_replace(Mood::Willing);
    for answer in waiting.into_iter().chain([other]) {
        assert_eq!(answer.await.unwrap().unwrap().status().as_u16(), 202);
    }
    assert_eq!((house.entries().await.len(), house.refusals("quota")), (9, 1));
}
