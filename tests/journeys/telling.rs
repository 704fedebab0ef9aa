//! People are told in words: a group by its robot, a phone by a text message, each by the maker's own rules.

use crate::herd::two_zones;
use firmware_sim::vendor::{Maker, Vendor, push_receipt, push_reply};
use journeys::Platform;
use serde_json::{Value, json};

async fn subscribed(platform: &Platform, bodies: &[Value]) {
    let operator = platform.operator().await.unwrap();
    for body in bodies {
        let (status, answer) = operator.post("/subscribers", body).await.unwrap();
        assert_eq!(status.as_u16(), 201, "{answer}");
        assert!(!answer.to_string().contains("13900000000"), "a phone is not shown whole: {answer}");
    }
}

async fn herd_in_the_north(platform: &Platform) {
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(platform).await.unwrap();
    for _ in 0..3 {
        camera.sees("sheep", 40, 43.3045, 117.506).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_phones_hear_of_a_herd_in_words_once_and_by_their_makers_rules() {
    let sms = Vendor::start(Maker::Aliyun("hidden".into()), []).await.unwrap();
    // Answers 200 and means no: it is asked again.
    let wecom =
        Vendor::start(Maker::Wecom, [json!({"errcode": 93_000, "errmsg": "invalid webhook url"})]).await.unwrap();
    let dingtalk = Vendor::start(Maker::Dingtalk("SEC1".into()), []).await.unwrap();
    let feishu = Vendor::start(Maker::Feishu("SEC2".into()), []).await.unwrap();
    let config = format!(
        "[sms]\nprovider = \"aliyun\"\nendpoint = \"{}\"\naccess_key_id = \"key\"\naccess_key_secret_file = \"SECRET\"\n\
         sign_name = \"草原禁牧\"\ntemplate_code = \"SMS_1\"\nparams = [\"zone\", \"n=animals\"]\n",
        sms.url()
    );
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "hidden\n").unwrap();
    let mut platform = Platform::prepare(&config.replace("SECRET", &key.path().display().to_string())).unwrap();
    platform.import(&two_zones()).await.unwrap();
    platform.run().await.unwrap();
    let events = json!(["steppewatch.incident.opened"]);
    let robot = |name: &str, channel: &str, vendor: &Vendor, secret: Option<&str>| json!({"name": name, "channel": channel, "url": vendor.url(), "secret": secret, "events": events});
    let phone = json!({"name": "王所长", "channel": "sms", "phone": "139 0000 0000", "events": events});
    subscribed(
        &platform,
        &[
            phone,
            robot("企业微信群", "wecom", &wecom, None),
            robot("钉钉群", "dingtalk", &dingtalk, Some("SEC1")),
            robot("飞书群", "feishu", &feishu, Some("SEC2")),
        ],
    )
    .await;
    herd_in_the_north(&platform).await;
    for vendor in [&wecom, &dingtalk, &feishu] {
        let text = &vendor.wait_for(1).await[0].text;
        assert!(text.contains("北坡禁牧区发现绵羊 34 至 46 只") && text.contains("43.3045"), "{text}");
    }
    let told = sms.wait_for(1).await;
    assert_eq!((told.len(), told[0].phone.as_str()), (1, "13900000000"));
    let values: Value = serde_json::from_str(&told[0].text).unwrap();
    assert_eq!(values, json!({"zone": "北坡禁牧区", "n": "绵羊 34 至 46 只"}));
    let operator = platform.operator().await.unwrap();
    let deliveries = operator.items("/deliveries?state=delivered").await.unwrap();
    let mut channels: Vec<&str> = deliveries.iter().filter_map(|one| one["channel"].as_str()).collect();
    channels.sort_unstable();
    assert_eq!(channels, ["dingtalk", "feishu", "sms", "wecom"]);
    let log = platform.log();
    for secret in ["hidden", "SEC1", "SEC2", "access_token", "13900000000"] {
        assert!(!log.contains(secret), "`{secret}` stands in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_township_that_animals_are_bound_for_hears_of_them_at_the_checkpoint() {
    let wecom = Vendor::start(Maker::Wecom, []).await.unwrap();
    let elsewhere = Vendor::start(Maker::Wecom, []).await.unwrap();
    let post = json!({"type": "FeatureCollection", "features": [{
        "type": "Feature", "properties": {"id": "post-1", "name": "红山卡口", "kind": "checkpoint", "township": "150425100"},
        "geometry": {"type": "Polygon", "coordinates": [[[117.5, 43.3], [117.51, 43.3], [117.51, 43.31], [117.5, 43.31], [117.5, 43.3]]]}
    }]});
    let platform = Platform::start(&post.to_string()).await.unwrap();
    let group = |name: &str, vendor: &Vendor, township: &str| json!({"name": name, "channel": "wecom", "url": vendor.url(), "townships": [township]});
    subscribed(&platform, &[group("达日罕乌拉", &wecom, "150425200"), group("红山子", &elsewhere, "150425100")]).await;
    let mut guard = platform.device("post-1-phone", "ranger", &[]).await.unwrap();
    guard.connect(&platform).await.unwrap();
    let report = |destination: &str| json!({"ts": firmware_sim::clock::now_ms(), "text": "运羊车", "lat": 43.305, "lon": 117.505, "species": "sheep", "count": 40, "vehicle": "蒙D·A1234", "destination": destination});
    guard.say("report", report("150425200")).await.unwrap();
    guard.say("report", report("150425100")).await.unwrap();
    let told = &wecom.wait_for(1).await[0].text;
    assert!(told.contains("红山卡口：蒙D·A1234 运往 150425200，绵羊 40 只"), "{told}");
    assert!(elsewhere.wait_for(1).await[0].text.contains("运往 150425100"));
    let operator = platform.operator().await.unwrap();
    assert_eq!(operator.items("/incidents").await.unwrap(), [] as [Value; 0], "on wheels, it is nobody's case");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_answers_received_and_a_message_that_did_not_arrive_is_seen_and_sent_again() {
    let sms = Vendor::start(Maker::Aliyun("hidden".into()), []).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("key", "hidden\n"), ("callback", "hidden-callback-token\n")] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let config = format!(
        "[sms]\nprovider = \"aliyun\"\nendpoint = \"{}\"\naccess_key_id = \"key\"\naccess_key_secret_file = \"DIR/key\"\n\
         sign_name = \"草原禁牧\"\ntemplate_code = \"SMS_1\"\ncallback_token_file = \"DIR/callback\"\n",
        sms.url()
    );
    let mut platform = Platform::prepare(&config.replace("DIR", &folder.path().display().to_string())).unwrap();
    platform.import(&two_zones()).await.unwrap();
    platform.run().await.unwrap();
    let events = json!(["steppewatch.incident.opened"]);
    let phone = json!({"name": "王所长", "channel": "sms", "phone": "139 0000 0000", "events": events});
    subscribed(&platform, &[phone]).await;
    herd_in_the_north(&platform).await;
    let operator = platform.operator().await.unwrap();
    let is_there = |items: &[Value]| !items.is_empty();
    let delivered = operator.wait_for_items("/deliveries?state=delivered", is_there).await.unwrap();
    let told = sms.wait_for(1).await;

    let base = format!("http://{}/api/v1/sms/aliyun/hidden-callback-token", platform.http);
    let (status, _) = push_reply(&base.replace("hidden", "guessed"), "13900000000", "收到", 1).await.unwrap();
    assert_eq!(status, 404, "without the token there is no such address");
    let yes = (200, json!({"code": 0, "msg": "成功"}));
    assert_eq!(push_reply(&base, "13900000000", "收到", 1).await.unwrap(), yes);
    let case = format!("/incidents/{}", delivered[0]["incident"].as_str().unwrap());
    let incident = operator.wait_for(&case, |case| case["status"] == "acknowledged").await.unwrap();
    let lines = incident["timeline"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["what"] == "acknowledged" && line["by"] == "王所长（短信）"), "{incident}");

    assert_eq!(push_receipt(&base, &told[0], Some(("MK:0001", "空号"))).await.unwrap(), yes);
    let dead = operator.wait_for_items("/deliveries?state=dead", is_there).await.unwrap();
    assert_eq!((&dead[0]["id"], &dead[0]["answer"]), (&json!(told[0].id), &json!("did not arrive: MK:0001 空号")));
    let retry = format!("/deliveries/{}/retry", told[0].id);
    assert!(operator.post(&retry, &json!({})).await.unwrap().0.is_success());
    let told = sms.wait_for(2).await;
    assert_eq!(told[0], told[1], "the same words once more");
    operator.wait_for_items("/deliveries?state=delivered", is_there).await.unwrap();
    assert_eq!(push_receipt(&base, &told[1], None).await.unwrap(), yes);
    let arrived = |items: &[Value]| items.iter().any(|one| one["answer"] == "arrived: DELIVERED 用户接收成功");
    operator.wait_for_items("/deliveries?state=delivered", arrived).await.unwrap();
    let log = platform.log();
    for secret in ["hidden", "13900000000"] {
        assert!(!log.contains(secret), "`{secret}` stands in the log");
    }
}
