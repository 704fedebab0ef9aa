//! A surveyor's file comes to the platform: what it would change is said before it is changed.

use crate::herd::two_zones;
use journeys::{Operator, Platform};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const HERD: (f64, f64) = (43.3145, 117.506);

/// The no-grazing zone, drawn twice as far to the north: over the place where the herd stands.
fn redrawn() -> String {
    let mut zones: Value = serde_json::from_str(&two_zones()).unwrap();
    for corner in [2, 3] {
        zones["features"][0]["geometry"]["coordinates"][0][corner][1] = json!(43.318);
    }
    zones.to_string()
}

/// A platform that saw a herd north of the zone, which is nobody's case.
async fn with_a_herd_outside() -> (Platform, Operator) {
    let platform = Platform::start(&two_zones()).await.unwrap();
    let operator = platform.operator().await.unwrap();
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(&platform).await.unwrap();
    for _ in 0..3 {
        camera.sees("sheep", 40, HERD.0, HERD.1).await.unwrap();
    }
    operator.wait_for("/devices/cam-1", |device| device["last_seen"].is_string()).await.unwrap();
    assert_eq!(operator.items("/incidents").await.unwrap(), [] as [Value; 0]);
    (platform, operator)
}

async fn command(platform: &Platform, arguments: &[&str]) -> String {
    let output = platform.command(arguments).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn written(platform: &Platform, name: &str, text: &str) -> String {
    let file = platform.file(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_which_incidents_the_last_days_would_have_had_and_changes_nothing() {
    let (platform, operator) = with_a_herd_outside().await;
    let file = [("redrawn.geojson".to_owned(), redrawn().into_bytes())];
    let (status, answer) = operator.upload("/zones/import?dry_run=true", &file).await.unwrap();
    assert_eq!(status.as_u16(), 200, "{answer}");
    let (gained, lost) = (&answer["incidents"]["gained"], &answer["incidents"]["lost"]);
    assert_eq!((gained.as_array().unwrap().len(), lost), (1, &json!([])), "{answer}");
    assert_eq!(gained[0]["zones"][0]["id"], "north");
    let difference = &answer["features"][0]["difference"];
    assert!(difference["gained_mu"].as_f64().unwrap() > 1_000.0 && difference["lost_mu"] == 0.0, "{answer}");

    let path = written(&platform, "redrawn.geojson", &redrawn());
    let words = command(&platform, &["zones", "import", &path, "--dry-run"]).await;
    for word in ["gains 14", "1 incidents gained, 减少 0 lost", "北坡禁牧区", "nothing was changed"] {
        assert!(words.contains(word), "{word}: {words}");
    }
    let again = ["--json", "replay", "--from", "2026-01-01", "--to", "2100-01-01", "--zones", &path];
    let again: Value = serde_json::from_str(&command(&platform, &again).await).unwrap();
    assert_eq!(again["gained"][0]["position"], gained[0]["position"]);
    let none = ["replay", "--from", "2026-01-01", "--to", "2100-01-01"];
    assert!(command(&platform, &none).await.contains("0 incidents gained, 减少 0 lost"));
    assert_eq!(operator.items("/incidents").await.unwrap(), [] as [Value; 0]);

    // Published, the herd that stands there is a case.
    let (status, answer) = operator.upload("/zones/import?reason=redrawn", &file).await.unwrap();
    assert_eq!((status.as_u16(), &answer["published"]), (200, &json!(1)), "{answer}");
    operator.wait_for_items("/incidents", |items| items.len() == 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_is_read_again_as_it_was_in_every_format() {
    let (platform, operator) = with_a_herd_outside().await;
    for (format, name) in [("shp", "zones.zip"), ("kml", "zones.kml"), ("geojson", "zones.geojson")] {
        let file = platform.file(name);
        let path = file.display().to_string();
        command(&platform, &["zones", "export", "--format", format, "--out", &path]).await;
        let words = command(&platform, &["zones", "import", &path]).await;
        assert!(words.contains("0 of 2 features are new versions"), "{format}: {words}");
        let bytes = vec![(name.to_owned(), std::fs::read(&file).unwrap())];
        let (status, answer) = operator.upload("/zones/import?reason=again", &bytes).await.unwrap();
        assert_eq!((status.as_u16(), &answer["published"]), (200, &json!(0)), "{format}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_one_wrong_feature_changes_nothing_and_says_where_to_look() {
    let (platform, operator) = with_a_herd_outside().await;
    let mut zones: Value = serde_json::from_str(&redrawn()).unwrap();
    zones["features"][1]["geometry"]["coordinates"][0] =
        json!([[117.5, 43.28], [117.512, 43.289], [117.512, 43.28], [117.5, 43.289]]);
    let path = written(&platform, "knot.geojson", &zones.to_string());
    let output = platform.command(&["zones", "import", &path]).output().await.unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{words}");
    for word in
        ["1 of 2 features are wrong", "feature 1 (south)", "lon 117.5060000, lat 43.2845000", "correct it there"]
    {
        assert!(words.contains(word), "{word}: {words}");
    }
    let files = [(name(&platform.file("knot.geojson")), zones.to_string().into_bytes())];
    let (status, answer) = operator.upload("/zones/import?reason=knot", &files).await.unwrap();
    assert_eq!(status.as_u16(), 400, "{answer}");
    let versions = operator.items("/zones/north/versions").await.unwrap();
    assert_eq!(versions.len(), 1);
}

fn name(path: &Path) -> String {
    PathBuf::from(path).file_name().unwrap().to_string_lossy().into_owned()
}
