//! The land and its law change under a running platform, by two people.

use crate::herd::two_zones;
use journeys::Platform;
use model::{Clock, LegalDate};
use serde_json::{Value, json};

const SECOND_PERSON: &str = "[zones]\nsecond_person = true";

/// A calendar whose only season is half a year away from today.
fn calendar(today: LegalDate) -> String {
    let month = if today.month_day().month > 6 { 2 } else { 10 };
    format!(
        "[[rule]]\nname = \"休牧期 rest period\"\nkinds = [\"balance\"]\nseason = {{ from = \"{month:02}-10\", to = \"{month:02}-20\" }}\n\
         level = \"enforce\"\nlegal_basis = \"29号\"\nfine_yuan_per_sheep_unit = 120\n"
    )
}

/// Runs a command as somebody; its output, or its complaint.
async fn as_user(platform: &Platform, user: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = platform.command(arguments);
    let output = command.env("USER", user).env_remove("SUDO_USER").output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// Proposed by li, approved by wang.
async fn agreed(platform: &Platform, topic: &str, arguments: &[&str]) {
    let answer = as_user(platform, "li", arguments).await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let id = answer["proposal"]["id"].as_u64().or(answer["id"].as_u64()).unwrap().to_string();
    let own = as_user(platform, "li", &[topic, "approve", &id]).await.unwrap_err();
    assert!(own.contains("another person has to approve it"), "{own}");
    as_user(platform, "wang", &[topic, "approve", &id]).await.unwrap();
}

/// Zones and calendar that two people agreed on, and the platform running.
async fn settled(today: LegalDate) -> Platform {
    let mut platform = Platform::prepare(SECOND_PERSON).unwrap();
    let (zones, rules) = (platform.file("zones.geojson"), platform.file("rules.toml"));
    std::fs::write(&zones, two_zones()).unwrap();
    std::fs::write(&rules, calendar(today)).unwrap();
    let (zones, rules) = (zones.display().to_string(), rules.display().to_string());
    agreed(&platform, "zones", &["--json", "zones", "import", &zones, "--in-force", "2026-01-01"]).await;
    agreed(&platform, "closures", &["--json", "closures", "import", &rules, "--reason", "新规划"]).await;
    platform.run().await.unwrap();
    platform
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_that_another_person_approves_makes_a_case_of_the_herd_that_stands_inside() {
    let today = LegalDate::of(Clock::system().now()).unwrap();
    let platform = settled(today).await;
    let operator = platform.operator().await.unwrap();
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(&platform).await.unwrap();
    for _ in 0..3 {
        camera.sees("sheep", 40, 43.2845, 117.506).await.unwrap();
    }
    operator.wait_for("/zones/at?lat=43.2845&lon=117.506", |answer| answer["zones"][0]["id"] == "south").await.unwrap();
    assert_eq!(operator.items("/incidents").await.unwrap(), [] as [Value; 0]);

    let (first, last) = (today.to_string(), today.next().unwrap().to_string());
    let decision = json!({ "rule": "休牧期 rest period", "first": first, "last": last, "adds": true, "zones": ["south"],
                           "legal_basis": "12号", "reason": "旱情" });
    let (status, proposed) = operator.post("/closures/decisions", &decision).await.unwrap();
    assert_eq!(status.as_u16(), 202);
    as_user(&platform, "wang", &["closures", "approve", &proposed["id"].to_string()]).await.unwrap();

    let cases = operator.wait_for_items("/incidents", |items| !items.is_empty()).await.unwrap();
    assert_eq!((&cases[0]["zones"][0]["id"], &cases[0]["legal_basis"]), (&json!("south"), &json!("29号; 12号")));
    let at = operator.get("/zones/at?lat=43.2845&lon=117.506").await.unwrap();
    assert_eq!(at["zones"][0]["closure"]["level"], "enforce");
    let before = operator.get("/zones/at?lat=43.2845&lon=117.506&known=2026-01-02").await.unwrap();
    assert_eq!(before["zones"], json!([]), "nothing was known of it then");
    let words = as_user(&platform, "li", &["zones", "at", "43.2845", "117.506"]).await.unwrap();
    for word in ["south 南坡平衡区", "禁止放牧", "苏木乡镇人民政府", "29号; 12号"] {
        assert!(words.contains(word), "{word}: {words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repealed_zone_is_gone_from_the_map_and_still_there_for_the_days_before() {
    let platform = settled(LegalDate::of(Clock::system().now()).unwrap()).await;
    let operator = platform.operator().await.unwrap();
    agreed(&platform, "zones", &["--json", "zones", "repeal", "north", "--from", "2026-02-01", "--reason", "撤销"])
        .await;
    let ids = |answer: &Value| -> Vec<Value> {
        answer["features"].as_array().unwrap().iter().map(|feature| feature["id"].clone()).collect()
    };
    let map = operator.wait_for("/zones", |answer| ids(answer).len() == 1).await.unwrap();
    assert_eq!(ids(&map), ["south"]);
    let north = operator.get("/zones/at?lat=43.3045&lon=117.506&t=2026-01-31").await.unwrap();
    assert_eq!(north["zones"][0]["in_force_to"], "2026-01-31T16:00:00.000Z");
    let now = as_user(&platform, "li", &["zones", "at", "43.3045", "117.506"]).await.unwrap();
    assert!(now.contains("不在任何区划内"), "{now}");
}
