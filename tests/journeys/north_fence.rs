//! A herd at the north fence, from the camera's eye to the closed file: told to a phone and to both halves of the dual report, taken by
//! nobody, passed on to the next one, taken by a link on a phone, somebody sent, and closed.

use crate::herd::two_zones;
use firmware_sim::receiver::Receiver;
use firmware_sim::vendor::{Maker, Vendor};
use journeys::{Operator, Platform, http_client};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};

/// Phones of the two who can be sent.
const FIRST: &str = "13900000001";
const NEXT: &str = "13900000002";

/// A platform that knows an SMS provider and where phones reach it.
async fn platform(sms: &Vendor, key: &std::path::Path) -> Platform {
    let sms = format!(
        "[sms]\nprovider = \"aliyun\"\nendpoint = \"{}\"\naccess_key_id = \"key\"\naccess_key_secret_file = {:?}\n\
         sign_name = \"草原禁牧\"\ntemplate_code = \"SMS_1\"\nparams = [\"zone\", \"n=animals\", \"link\", \"event\"]\n",
        sms.url(),
        key.display().to_string()
    );
    let mut platform = Platform::prepare(&sms).unwrap();
    platform.add_to("http", "public_url = \"https://watch.example\"").unwrap();
    platform.import(&two_zones()).await.unwrap();
    platform.run().await.unwrap();
    platform
}

async fn subscribed(operator: &Operator, body: Value) -> Value {
    let (status, answer) = operator.post("/subscribers", &body).await.unwrap();
    assert_eq!(status.as_u16(), 201, "{answer}");
    answer
}

/// Who takes one half of the dual report.
async fn half(operator: &Operator, name: &str, duty: &str) -> Receiver {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/");
    let body = json!({"name": name, "channel": "webhook", "url": url, "duty": duty});
    let made = subscribed(operator, body).await;
    let secret = made["secret"].as_str().unwrap();
    Receiver::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), secret).await.unwrap()
}

/// What a text message says, by the provider's template.
async fn told(sms: &Vendor, phone: &str, event: &str) -> Value {
    let wanted = |message: &firmware_sim::vendor::Message| message.phone == phone && message.text.contains(event);
    serde_json::from_str(&sms.wait_until(wanted).await.text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_herd_at_the_north_fence_is_told_passed_on_taken_by_a_link_and_closed() {
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "hidden\n").unwrap();
    let sms = Vendor::start(Maker::Aliyun("hidden".into()), []).await.unwrap();
    let platform = platform(&sms, key.path()).await;
    let operator = platform.operator().await.unwrap();
    let town = half(&operator, "苏木政府", "local_government").await;
    let bureau = half(&operator, "旗林草局", "forestry_authority").await;
    subscribed(&operator, json!({"name": "王所长", "channel": "sms", "phone": FIRST})).await;
    subscribed(&operator, json!({"name": "李镇长", "channel": "sms", "phone": NEXT, "after": "10s"})).await;

    // A camera sees forty sheep inside the fence.
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(&platform).await.unwrap();
    for _ in 0..3 {
        camera.sees("sheep", 40, 43.3045, 117.506).await.unwrap();
    }

    // The one on duty gets a text message, both halves of the dual report their event.
    let first = told(&sms, FIRST, "incident.opened").await;
    assert_eq!((&first["zone"], &first["n"]), (&json!("北坡禁牧区"), &json!("绵羊 34 至 46 只")));
    let opened = town.wait_until(|delivery| delivery.type_ == "steppewatch.incident.opened").await.json();
    bureau.wait_until(|delivery| delivery.type_ == "steppewatch.incident.opened").await;
    let path = format!("/incidents/{}", opened["data"]["id"].as_str().unwrap());
    let is_reported = |incident: &Value| {
        incident["reports"].as_array().is_some_and(|halves| halves.iter().all(|half| half["state"] == "delivered"))
    };
    operator.wait_for(&path, is_reported).await.unwrap();

    // Nobody takes it: the next one is told.
    let next = told(&sms, NEXT, "incident.escalated").await;
    let escalated = operator.get(&path).await.unwrap();
    assert_eq!((&escalated["status"], &escalated["timeline"][1]["what"]), (&json!("open"), &json!("escalated")));

    // A phone opens the link: looking takes nothing, the button does, and only once.
    let token = next["link"].as_str().unwrap().strip_prefix("https://watch.example/a/").unwrap();
    let link = format!("http://{}/a/{token}", platform.http);
    let phone = http_client().unwrap();
    let page = phone.get(&link).send().await.unwrap().text().await.unwrap();
    assert!(
        page.contains("北坡禁牧区") && page.contains("绵羊 34 至 46 只") && page.contains("<button>我已收到"),
        "{page}"
    );
    assert_eq!(operator.get(&path).await.unwrap()["status"], "open");
    let page = phone.post(&link).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("已签收：李镇长（链接）") && !page.contains("<button"), "{page}");
    let page = phone.post(&link).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("已签收"), "{page}");
    let taken = operator.get(&path).await.unwrap();
    assert_eq!((&taken["status"], &taken["timeline"][2]["by"]), (&json!("acknowledged"), &json!("李镇长（链接）")));
    let forged = phone.get(format!("{link}x")).send().await.unwrap();
    assert_eq!(forged.status().as_u16(), 404);

    // Somebody is sent, and the case is closed.
    let post = |what: &str, body: Value| {
        let (operator, path) = (&operator, format!("{path}/{what}"));
        async move { operator.post(&path, &body).await.unwrap().1 }
    };
    assert_eq!(post("dispatch", json!({"to": "巴特尔"})).await["status"], "dispatched");
    assert_eq!(post("resolve", json!({"outcome": "violation"})).await["status"], "resolved");
    let closed = bureau.wait_until(|delivery| delivery.type_ == "steppewatch.incident.closed").await.json();
    assert_eq!(closed["data"]["outcome"], "violation");
    let lines = closed["data"]["timeline"].as_array().unwrap().iter().map(|line| line["what"].as_str().unwrap());
    assert_eq!(lines.collect::<Vec<_>>(), ["opened", "escalated", "acknowledged", "dispatched", "resolved"]);
}
