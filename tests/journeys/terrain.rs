//! A camera that looks up a slope: on level land its sight line is too flat for a place, by the elevation model it has one.

use crate::herd::two_zones;
use journeys::Platform;
use serde_json::json;

/// Level land, 1200 m above the sea, that rises by one in five north of 43.3012: the foot of the slope lies in the zone `north`.
fn hillside() -> String {
    const CELL_DEG: f64 = 0.000_25;
    const METRES_PER_DEGREE: f64 = 111_100.0;
    let mut text =
        format!("ncols 80\nnrows 80\nxllcenter 117.496\nyllcenter 43.295\ncellsize {CELL_DEG}\nNODATA_value -9999\n");
    for row in (0..80).rev() {
        let lat = 43.295 + CELL_DEG * f64::from(row);
        let height = 1_200.0 + (lat - 43.301_2).max(0.0) * METRES_PER_DEGREE / 5.0;
        text.push_str(&format!("{height:.1} ").repeat(80));
        text.push('\n');
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_herd_on_a_slope_is_placed_by_the_elevation_model_and_what_has_no_place_is_counted() {
    let mut platform = Platform::prepare("").unwrap();
    platform.import(&two_zones()).await.unwrap();
    std::fs::write(platform.file("hill side.asc"), hillside()).unwrap();
    let file = platform.file("hill side.asc");
    let told = platform.tell(&["terrain", "import", file.to_str().unwrap(), "--undulation", "-10"]).await.unwrap();
    assert!(told.starts_with("hill-side  43.2950"), "{told}");
    platform.run().await.unwrap();
    let operator = platform.operator().await.unwrap();

    // On a mast of 20 m, 300 m before the slope, two degrees below the horizon.
    let pose = ["--lat", "43.2985", "--lon", "117.506", "--height-m", "20", "--hfov-deg", "60", "--pitch-deg", "-2"];
    let mut camera = platform.device("cam-1", "camera", &pose).await.unwrap();
    let mut stranger = platform.device("cam-2", "camera", &[]).await.unwrap();
    for device in [&mut stranger, &mut camera] {
        device.connect(&platform).await.unwrap();
        for _ in 0..3 {
            let middle = json!({"x": 0.49, "y": 0.48, "w": 0.02, "h": 0.02});
            let ts = firmware_sim::clock::now_ms();
            let seen = json!({"ts": ts, "species": "sheep", "count": 40, "confidence": 0.9, "box": middle});
            device.say("sighting", seen).await.unwrap();
        }
    }
    let incidents = operator.wait_for_items("/incidents", |items| !items.is_empty()).await.unwrap();
    assert_eq!(incidents[0]["zones"][0]["id"], "north");
    // 20 - s tan(2) = (s - 300) / 5, at 340.6 m.
    let lat = incidents[0]["position"]["lat"].as_f64().unwrap();
    let north_m = (lat - 43.2985) * 111_100.0;
    assert!((north_m - 340.6).abs() < 3.0, "{north_m} m north of the mast");
    let unplaced = "steppewatch_sightings_unplaced_total{reason=\"no_pose\"} 3";
    platform.wait_for_metrics(|page| page.contains(unplaced)).await.unwrap();

    let removed = platform.tell(&["terrain", "remove", "hill-side"]).await.unwrap();
    assert!(removed.contains("restart"), "{removed}");
    assert!(platform.tell(&["terrain", "list"]).await.unwrap().contains("level"));
}
