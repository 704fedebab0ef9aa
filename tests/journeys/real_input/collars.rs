//! Three days of two cattle: brought by truck, turned out on winter grazing, driven to another. Their collars' logs are sent to the
//! real binary with zones drawn across their ways; its incidents must be the stays that [`oracle`] finds in the same logs.

use super::oracle::{self, Stay, Worth, Zone};
use super::picture;
use super::tracks::{self, Fix};
use journeys::{Operator, Platform, shared_data};
use model::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The collars and their logs.
const LOGS: [(&str, &str); 2] = [
    ("cow-1149", "tracks/cattle_collars/Bannock_2017_101_1149.csv"),
    ("cow-8855", "tracks/cattle_collars/Bannock_2017_103_8855.csv"),
];

/// Drawn over the plotted tracks by hand, away from places where a fix could be judged either way.
const ZONES: [Zone; 5] = [
    // Where they were unloaded and grazed for a day and a half, in and out.
    Zone {
        id: "winter-grazing",
        corners: &[
            (43.3314, -117.1017),
            (43.3346, -117.1071),
            (43.3294, -117.1167),
            (43.3258, -117.1161),
            (43.3242, -117.1128),
            (43.3227, -117.1044),
        ],
    },
    // Where one of them came to rest: its track ends inside.
    Zone {
        id: "south-west",
        corners: &[
            (43.28425, -117.15902),
            (43.28603, -117.17117),
            (43.28539, -117.17946),
            (43.27985, -117.176),
            (43.28091, -117.16559),
        ],
    },
    // They walk through between two fixes and three: too short for a case.
    Zone {
        id: "gully",
        corners: &[(43.2963, -117.1391), (43.2963, -117.1353), (43.2991, -117.1353), (43.2991, -117.1391)],
    },
    // Twenty kilometres of the truck's way: the collars report from inside for a quarter of an hour, but no cow walks there.
    Zone {
        id: "truck-road",
        corners: &[(43.402, -116.925), (43.402, -116.735), (43.582, -116.735), (43.582, -116.925)],
    },
    // Where a receiver without a fix says that it is.
    Zone { id: "nowhere", corners: &[(-0.01, -0.01), (-0.01, 0.01), (0.01, 0.01), (0.01, -0.01)] },
];

/// Far from all of them; see [`played`].
const MARKER: Zone =
    Zone { id: "marker", corners: &[(44.0, -117.5), (44.0, -117.488), (44.009, -117.488), (44.009, -117.5)] };

fn geojson() -> String {
    let features = ZONES.iter().chain([&MARKER]).map(|zone| {
        let ring: Vec<[f64; 2]> =
            zone.corners.iter().chain(zone.corners.first()).map(|(lat, lon)| [*lon, *lat]).collect();
        json!({"type": "Feature",
               "properties": {"id": zone.id, "name": zone.id, "kind": "no-grazing", "township": "150425100"},
               "geometry": {"type": "Polygon", "coordinates": [ring]}})
    });
    json!({"type": "FeatureCollection", "features": features.collect::<Vec<_>>()}).to_string()
}

/// The logs, or nothing where they are absent.
fn logs() -> Option<BTreeMap<&'static str, Vec<Fix>>> {
    LOGS.iter().map(|(collar, path)| Some((*collar, tracks::read(&shared_data(path)?)))).collect()
}

/// Sends fixes, in the order of their own times, to a platform of their own. When it answers, it has judged all of them: detection
/// goes through the journal in order, and the herd in the marker zone comes last in it.
async fn played(logs: &[(&str, &[Fix])]) -> (Platform, Operator) {
    let platform = Platform::start(&geojson()).await.unwrap();
    let mut collars = BTreeMap::new();
    for (collar, _) in logs {
        let mut device = platform.device(collar, "collar", &[]).await.unwrap();
        device.connect(&platform).await.unwrap();
        collars.insert(*collar, device);
    }
    let mut fixes: Vec<(&str, &Fix)> =
        logs.iter().flat_map(|(collar, fixes)| fixes.iter().map(|fix| (*collar, fix))).collect();
    fixes.sort_by_key(|(_, fix)| fix.at);
    for (collar, fix) in fixes {
        let ts = fix.at.as_millis();
        let said = json!({"ts": ts, "lat": fix.lat, "lon": fix.lon, "accuracy_m": fix.accuracy_m});
        collars.get_mut(collar).unwrap().say("track", said).await.unwrap();
    }
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(&platform).await.unwrap();
    for _ in 0..3 {
        camera.sees("sheep", 40, 44.0045, -117.494).await.unwrap();
    }
    let operator = platform.operator().await.unwrap();
    let marked = |items: &[Value]| items.iter().any(|incident| first_zone(incident) == MARKER.id);
    operator.wait_for_items("/incidents?limit=1000", marked).await.unwrap();
    (platform, operator)
}

fn first_zone(incident: &Value) -> &str {
    incident.pointer("/zones/0/id").and_then(Value::as_str).unwrap()
}

/// The incidents as stays; all of them are late data, and say so.
fn found(items: &[Value]) -> Vec<Stay> {
    let cattle = items.iter().filter(|incident| first_zone(incident) != MARKER.id);
    let mut found: Vec<Stay> = cattle
        .map(|incident| {
            assert_eq!(incident["late"], true, "{incident}");
            let [zone] = &incident["zones"].as_array().unwrap()[..] else { panic!("not one zone: {incident}") };
            let zone = ZONES.iter().find(|known| zone["id"] == known.id).unwrap().id;
            let time = |field: &str| incident[field].as_str().map(|text| Timestamp::parse_rfc3339(text).unwrap());
            Stay {
                zone,
                first_seen: time("first_seen").unwrap(),
                last_seen: time("last_seen").unwrap(),
                ended_at: time("ended_at"),
            }
        })
        .collect();
    found.sort();
    found
}

/// The platform's incidents must be these cases. A case that goes on is told at most every ten seconds, so its `last_seen` may still
/// be on its way; all else is there at once.
async fn check(operator: &Operator, expected: &[Stay]) {
    let path = "/incidents?limit=1000";
    let so_far = |stays: &[Stay]| -> Vec<Stay> {
        stays
            .iter()
            .map(|stay| Stay { last_seen: stay.ended_at.map_or(stay.first_seen, |_| stay.last_seen), ..*stay })
            .collect()
    };
    assert_eq!(so_far(&found(&operator.items(path).await.unwrap())), so_far(expected));
    operator.wait_for_items(path, |items| found(items) == expected).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_cow_enters_and_leaves_exactly_when_her_track_does_and_neither_0_0_nor_a_truck_makes_a_case() {
    let Some(logs) = logs() else { return };
    let plot = |(collar, fixes): (&&'static str, &Vec<Fix>)| {
        let judged = oracle::judge(fixes);
        let stays = ZONES.iter().flat_map(|zone| oracle::stays(&judged, zone)).collect();
        picture::Plot { collar, judged, stays }
    };
    let plots: Vec<picture::Plot<'_>> = logs.iter().map(plot).collect();
    picture::draw("real_collars.svg", &plots, &ZONES).unwrap();

    // Counted by eye on that picture, so that the reckoning of the test itself is held against something.
    // Entries, exits, stays too short for a case, fixes without a position, jumps.
    let count = |plot: &picture::Plot<'_>| {
        let of = |worth| plot.judged.iter().filter(|(_, judged)| *judged == worth).count();
        let cases: Vec<&Stay> = plot.stays.iter().filter(|stay| stay.is_case()).collect();
        let exits = cases.iter().filter(|stay| stay.ended_at.is_some()).count();
        (cases.len(), exits, plot.stays.len() - cases.len(), of(Worth::NoFix), of(Worth::Jump))
    };
    assert_eq!(plots.iter().map(count).collect::<Vec<_>>(), [(7, 6, 1, 2, 12), (5, 5, 1, 2, 16)]);

    for plot in &plots {
        let mut cases: Vec<Stay> = plot.stays.iter().copied().filter(Stay::is_case).collect();
        cases.sort();
        let (platform, operator) = played(&[(plot.collar, &logs[plot.collar])]).await;
        check(&operator, &cases).await;
        // Her fixes that say nothing are counted by what is wrong with them.
        let page = platform.metrics().await.unwrap();
        let of = |worth| plot.judged.iter().filter(|(_, judged)| *judged == worth).count();
        for (reason, count) in [("no_fix", of(Worth::NoFix)), ("jump", of(Worth::Jump)), ("repeat", of(Worth::Repeat))]
        {
            let line = format!("steppewatch_fixes_set_aside_total{{reason=\"{reason}\"}} {count}");
            assert!(count == 0 || page.contains(&line), "{line} is not in {page}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_real_cows_that_graze_together_are_one_case_from_the_first_one_in_to_the_last_one_out() {
    let Some(logs) = logs() else { return };
    let mut stays = Vec::new();
    for fixes in logs.values() {
        let judged = oracle::judge(fixes);
        stays.extend(ZONES.iter().flat_map(|zone| oracle::stays(&judged, zone)));
    }
    let expected: Vec<Stay> = oracle::cases_of_herd(stays);
    let both: Vec<(&str, &[Fix])> = logs.iter().map(|(collar, fixes)| (*collar, fixes.as_slice())).collect();
    let (_platform, operator) = played(&both).await;
    check(&operator, &expected).await;
}
