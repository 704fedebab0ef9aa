//! Systems above us are told by configuration, until their body says yes; and what they say of a case comes back.

use crate::authority::Authority;
use crate::herd::two_zones;
use firmware_sim::platform::{Certificates, Mood, Proof, Upstream, acknowledge};
use journeys::{Operator, Platform};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};

async fn above(proof: Proof, certificates: Option<&Certificates>, script: &[Mood]) -> Upstream {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Upstream::start(free, proof, certificates, script.iter().copied(), false).await.unwrap()
}

/// A folder with the files that a configuration names as `DIR/…`.
fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Running, with these subscribers.
async fn platform(config: &str, folder: &tempfile::TempDir, subscribers: &[Value]) -> (Platform, Operator) {
    let config = config.replace("DIR", &folder.path().display().to_string());
    let mut platform = Platform::prepare(&config).unwrap();
    platform.import(&two_zones()).await.unwrap();
    platform.run().await.unwrap();
    let operator = platform.operator().await.unwrap();
    for body in subscribers {
        let (status, answer) = operator.post("/subscribers", body).await.unwrap();
        assert_eq!(status.as_u16(), 201, "{answer}");
    }
    (platform, operator)
}

async fn herd_in_the_north(platform: &Platform) {
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(platform).await.unwrap();
    for _ in 0..3 {
        camera.sees("sheep", 40, 43.3045, 117.506).await.unwrap();
    }
}

async fn smoke_in_the_east(platform: &Platform) {
    let mut camera = platform.device("cam-2", "camera", &[]).await.unwrap();
    camera.connect(platform).await.unwrap();
    let ts = firmware_sim::clock::now_ms();
    let smoke = json!({"ts": ts, "sign": "smoke", "confidence": 0.8, "lat": 43.31, "lon": 117.52});
    camera.say("fire", smoke).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_herd_is_refused_by_a_code_told_again_taken_once_and_acknowledged_from_above() {
    let above = above(Proof::Token("hidden-token".into()), None, &[Mood::Code(1), Mood::TakeAndHang]).await;
    let folder = files(&[("token", "hidden-token\n"), ("callback", "hidden-callback-token\n")]);
    let config = format!(
        "[platform]\nendpoint = \"{}\"\nauth = \"token\"\ntoken_file = \"DIR/token\"\ntimeout = \"3s\"\n\
         callback_token_file = \"DIR/callback\"\n",
        above.url()
    );
    let subscriber = json!({"name": "智慧林草平台", "channel": "platform", "duty": "forestry_authority"});
    let (platform, operator) = platform(&config, &folder, &[subscriber]).await;
    herd_in_the_north(&platform).await;

    let delivered = operator.wait_for_items("/deliveries?state=delivered", |items| !items.is_empty()).await.unwrap();
    let tried = above.wait_for_attempts(3).await;
    let moods: Vec<Mood> = tried.iter().map(|one| one.mood).collect();
    assert_eq!(
        moods,
        [Mood::Code(1), Mood::TakeAndHang, Mood::Yes],
        "200 with another code is no yes, silence neither"
    );
    assert!(tried.iter().all(|one| one.disbelief.is_none() && (&one.id, &one.body) == (&tried[0].id, &tried[0].body)));
    assert_eq!(tried.iter().filter(|one| one.is_new).count(), 1, "what came twice was taken once");
    let (attempts, answer) = (&delivered[0]["attempts"], delivered[0]["answer"].as_str().unwrap());
    assert!(*attempts == 3 && answer.contains("重复"), "{delivered:?}");
    let told = tried[0].json();
    let id = told["事件编号"].as_str().unwrap().to_owned();
    assert_eq!(
        (&told["消息编号"], &told["级别"], &told["羊单位"]),
        (&json!(tried[0].id), &json!("紧急"), &json!("34 至 46"))
    );
    assert_eq!((&told["区域编号"], &told["罚款估算"]), (&json!(["north"]), &json!("4080 至 5520")));
    let incident = operator.get(&format!("/incidents/{id}")).await.unwrap();
    assert_eq!(incident["reports"][1]["state"], "delivered", "its half of the dual report: {incident}");

    let said = json!({"id": id, "state": "received", "by": "张三", "remark": "已转苏木"});
    let [first, again] = acknowledge(&platform.http, "hidden-callback-token", &said).await.unwrap();
    assert_eq!(first, (200, json!({"code": 0, "id": id, "status": "acknowledged", "repeated": false})));
    assert_eq!(again, (200, json!({"code": 0, "id": id, "status": "acknowledged", "repeated": true})));
    let incident = operator.get(&format!("/incidents/{id}")).await.unwrap();
    let lines = incident["timeline"].as_array().unwrap().iter().filter(|line| line["by"] == "智慧林草平台 张三");
    let whats: Vec<&Value> = lines.map(|line| &line["what"]).collect();
    assert_eq!((&incident["status"], whats), (&json!("acknowledged"), vec![&json!("acknowledged"), &json!("comment")]));
    let [(status, _), _] = acknowledge(&platform.http, "guessed", &said).await.unwrap();
    assert_eq!(status, 401);
    assert_eq!(above.wait_for(2).await[1].json()["处置状态"], "已签收", "and what became of it is told in turn");
    let log = platform.log();
    for secret in ["hidden-token", "hidden-callback-token", "guessed"] {
        assert!(!log.contains(secret), "`{secret}` stands in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fire_is_told_to_the_fire_warning_system_as_signed_cap_and_a_herd_is_not() {
    let above = above(Proof::Hmac("hidden-key".into()), None, &[Mood::Html, Mood::Status(500)]).await;
    let folder = files(&[("key", "hidden-key\n")]);
    let config = format!(
        "[platform.fire]\nendpoint = \"{}\"\nauth = \"hmac\"\nhmac_key_file = \"DIR/key\"\npayload = \"cap\"\n",
        above.url()
    );
    let subscriber = json!({"name": "防灭火预警系统", "channel": "fire_warning"});
    let (platform, operator) = platform(&config, &folder, &[subscriber]).await;
    herd_in_the_north(&platform).await;
    operator.wait_for_items("/incidents", |items| !items.is_empty()).await.unwrap();
    smoke_in_the_east(&platform).await;

    let delivered = operator.wait_for_items("/deliveries?state=delivered", |items| !items.is_empty()).await.unwrap();
    assert_eq!((&delivered[0]["channel"], &delivered[0]["attempts"]), (&json!("fire_warning"), &json!(3)));
    assert_eq!(operator.items("/deliveries").await.unwrap().len(), 1, "of the herd it does not hear");
    let tried = above.received();
    assert!(tried.iter().all(|one| one.disbelief.is_none()), "another number at each attempt: {tried:?}");
    let [.., taken] = &tried[..] else { panic!("nothing came") };
    assert_eq!(taken.kind, "application/cap+xml; charset=utf-8");
    for part in [
        format!("<identifier>{}</identifier>", taken.id).as_str(),
        "<sender>steppewatch.hexigten</sender>",
        "<msgType>Alert</msgType>",
        "<category>Fire</category>",
        "<urgency>Immediate</urgency>",
        "<circle>43.31000,117.52000 2.000</circle>",
        "疑似草原火情",
    ] {
        assert!(taken.body.contains(part), "{part} in {}", taken.body);
    }
    assert!(!platform.log().contains("hidden-key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn by_mutual_tls_who_shows_the_right_certificate_is_heard_and_a_stranger_waits() {
    let (servers, senders, strangers) = (Authority::new(), Authority::new(), Authority::new());
    let (certificate, key) = servers.issue("above");
    let certificates = Certificates { certificate, key, senders: senders.pem() };
    let above = above(Proof::None, Some(&certificates), &[]).await;
    let (ours, stranger) = (senders.issue("hexigten"), strangers.issue("hexigten"));
    let authority = servers.pem();
    let folder = files(&[
        ("ca.pem", authority.as_str()),
        ("ours.pem", &ours.0),
        ("ours.key", &ours.1),
        ("stranger.pem", &stranger.0),
        ("stranger.key", &stranger.1),
    ]);
    let section = |name: &str, who: &str| {
        format!(
            "[{name}]\nendpoint = \"{}\"\nauth = \"mtls\"\nclient_certificate = \"DIR/{who}.pem\"\n\
             client_key = \"DIR/{who}.key\"\nca = \"DIR/ca.pem\"\n",
            above.url()
        )
    };
    let config = section("platform", "ours") + &section("platform.fire", "stranger");
    let both = ["platform", "fire_warning"].map(|channel| json!({"name": channel, "channel": channel}));
    let (platform, operator) = platform(&config, &folder, &both).await;
    smoke_in_the_east(&platform).await;

    let delivered = operator.wait_for_items("/deliveries?state=delivered", |items| !items.is_empty()).await.unwrap();
    assert_eq!(delivered[0]["channel"], "platform");
    let waits = operator
        .wait_for_items("/deliveries?state=pending", |items| items.iter().any(|one| one["attempts"] != 0))
        .await
        .unwrap();
    let answer = waits[0]["answer"].as_str().unwrap();
    assert!(waits[0]["channel"] == "fire_warning" && answer.starts_with("no connection"), "{waits:?}");
    assert!(above.received().iter().all(|one| one.json()["级别"] == "紧急") && above.received().len() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_a_system_that_is_not_configured_waits_and_says_for_what() {
    let both = ["platform", "fire_warning"].map(|channel| json!({"name": channel, "channel": channel}));
    let (platform, operator) = platform("", &files(&[]), &both).await;
    smoke_in_the_east(&platform).await;
    let waits = operator
        .wait_for_items("/deliveries?state=pending", |items| {
            items.iter().filter(|one| one["attempts"] != 0).count() == 2
        })
        .await
        .unwrap();
    let mut answers: Vec<&str> = waits.iter().filter_map(|one| one["answer"].as_str()).collect();
    answers.sort_unstable();
    assert!(answers[0].contains("[platform.fire]") && answers[1].contains("[platform]"), "{answers:?}");
    let (status, _) = platform.probe("/api/v1/platform/acknowledgements").await.unwrap();
    assert_eq!(status, 405, "the address is there for POST only");
    let [(status, _), _] = acknowledge(&platform.http, "any", &json!({"id": "x", "state": "received"})).await.unwrap();
    assert_eq!(status, 404, "and says nothing where no token is configured");
}
