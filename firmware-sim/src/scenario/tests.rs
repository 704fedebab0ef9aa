use super::*;
use serde_json::Value;
use std::collections::BTreeMap;

fn features() -> Vec<Value> {
    let collection: Value = serde_json::from_str(&Scenario::hexigten_day(7).zones_geojson()).unwrap();
    assert_eq!(collection["type"], "FeatureCollection");
    collection["features"].as_array().unwrap().clone()
}

fn ring(feature: &Value) -> Vec<(i64, i64)> {
    let to_e7 = |value: &Value| (value.as_f64().unwrap() * 1e7).round() as i64;
    feature["geometry"]["coordinates"][0].as_array().unwrap().iter().map(|at| (to_e7(&at[0]), to_e7(&at[1]))).collect()
}

#[test]
fn a_day_in_hexigten_has_what_its_description_promises() {
    let scenario = Scenario::hexigten_day(1);
    let of_kind = |kind| scenario.devices().iter().filter(|device| device.kind == kind).count();
    assert_eq!((scenario.zones.len(), scenario.herds.len()), (30, 8));
    assert_eq!((of_kind("camera"), of_kind("drone"), of_kind("station"), of_kind("collar")), (24, 6, 12, 200));
    assert_eq!(scenario.devices().iter().filter(|device| device.speaks_mqtt()).count(), 230);
    let dji = scenario.devices().iter().filter_map(|device| device.external.as_ref()).count();
    assert_eq!(dji, 2);
    assert_eq!(scenario.cameras.iter().filter(|camera| camera.sends == Sends::Box).count(), 4);
    assert!(scenario.herds.iter().all(|herd| (40..=200).contains(&herd.count) && herd.young < herd.count));
    let townships: std::collections::BTreeSet<_> = scenario.zones.iter().map(|zone| zone.township).collect();
    assert_eq!(townships.len(), 4);
}

#[test]
fn every_kind_of_zone_is_there_and_every_feature_says_that_it_is_made_up() {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for feature in features() {
        assert_eq!(feature["properties"]["note"], "made up for the demonstration");
        *kinds.entry(feature["properties"]["kind"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let expected = [("balance", 8), ("forest", 2), ("no-grazing", 18), ("project", 1), ("reserve", 1)];
    assert_eq!(kinds, expected.map(|(kind, number)| (kind.to_owned(), number)).into());
}

#[test]
fn outlines_are_closed_counter_clockwise_and_have_200_to_5000_vertices() {
    for feature in features() {
        let ring = ring(&feature);
        assert_eq!(ring.first(), ring.last());
        assert!((200..=5_000).contains(&(ring.len() - 1)), "{} vertices", ring.len() - 1);
        let twice_area: i128 = ring.windows(2).map(|pair| cross(pair[0], pair[1])).sum();
        assert!(twice_area > 0);
    }
}

#[test]
fn no_outline_crosses_itself() {
    for feature in features() {
        let ring = ring(&feature);
        let edges: Vec<_> = ring.windows(2).map(|pair| (pair[0], pair[1])).collect();
        // Neighbours in the plane are close in longitude: sorted by it, only overlapping edges are compared.
        let mut order: Vec<usize> = (0..edges.len()).collect();
        order.sort_by_key(|index| edges[*index].0.0.min(edges[*index].1.0));
        for (place, first) in order.iter().enumerate() {
            let east_end = edges[*first].0.0.max(edges[*first].1.0);
            for second in &order[place + 1..] {
                if edges[*second].0.0.min(edges[*second].1.0) > east_end {
                    break;
                }
                let apart = first.abs_diff(*second);
                let neighbours = apart == 1 || apart == edges.len() - 1;
                assert!(neighbours || !touch(edges[*first], edges[*second]), "edges {first} and {second}");
            }
        }
    }
}

#[test]
fn zones_keep_apart() {
    let zones = Scenario::hexigten_day(3).zones;
    for zone in &zones {
        let others = zones.iter().filter(|other| other.id != zone.id);
        assert!(others.flat_map(|other| &other.ring).all(|spot| !zone.contains(*spot)));
    }
}

#[test]
fn trespassers_stand_in_closed_zones_within_a_cameras_reach_and_others_do_not() {
    for seed in [1, 2, 3, 42] {
        let scenario = Scenario::hexigten_day(seed);
        let kind_at = |spot| scenario.zones.iter().find(|zone| zone.contains(spot)).map(|zone| zone.kind);
        let kinds: Vec<_> = scenario.herds.iter().map(|herd| kind_at(herd.start)).collect();
        assert_eq!(kinds[..3], [Some("no-grazing"), Some("no-grazing"), Some("reserve")], "seed {seed}");
        assert!(kinds[3..].iter().all(|kind| *kind == Some("balance")), "seed {seed}: {kinds:?}");
        for herd in &scenario.herds[..2] {
            let near = |camera: &&CameraPlan| camera.spot.distance_m(herd.start) < 600.0;
            assert!(scenario.cameras.iter().filter(near).count() >= 2);
        }
    }
}

#[test]
fn townships_hold_their_zones_and_share_their_borders() {
    let scenario = Scenario::hexigten_day(7);
    let collection: Value = serde_json::from_str(&scenario.townships_geojson()).unwrap();
    let townships = collection["features"].as_array().unwrap();
    assert_eq!(townships.len(), 4);
    let outline = |feature: &Value| -> Vec<Spot> {
        let to_spot = |at: &Value| LatLon { lat: at[1].as_f64().unwrap(), lon: at[0].as_f64().unwrap() };
        let ring = feature["geometry"]["coordinates"][0].as_array().unwrap();
        ring.iter().skip(1).map(|at| scenario.plane.spot(to_spot(at))).collect()
    };
    for zone in &scenario.zones {
        let own = townships.iter().find(|feature| feature["properties"]["township"] == zone.township).unwrap();
        let outline = outline(own);
        assert!(zone.ring.iter().all(|spot| ground::inside(&outline, *spot)), "{} leaves its township", zone.id);
    }
    let mut met: BTreeMap<(i64, i64), usize> = BTreeMap::new();
    for at in townships.iter().flat_map(|feature| ring(feature).into_iter().skip(1)) {
        *met.entry(at).or_default() += 1;
    }
    assert!(met.values().filter(|times| **times == 2).count() > 200, "neighbours meet point by point");
    assert_eq!(met.values().filter(|times| **times == 4).count(), 1, "all four meet in one point");
}

#[test]
fn the_same_seed_gives_the_same_country_and_another_seed_another() {
    assert_eq!(Scenario::hexigten_day(5), Scenario::hexigten_day(5));
    assert_ne!(Scenario::hexigten_day(5).zones_geojson(), Scenario::hexigten_day(6).zones_geojson());
}

fn cross(a: (i64, i64), b: (i64, i64)) -> i128 {
    i128::from(a.0) * i128::from(b.1) - i128::from(b.0) * i128::from(a.1)
}

fn side(a: (i64, i64), b: (i64, i64), c: (i64, i64)) -> i128 {
    cross((b.0 - a.0, b.1 - a.1), (c.0 - a.0, c.1 - a.1)).signum()
}

type Edge = ((i64, i64), (i64, i64));

fn touch(first: Edge, second: Edge) -> bool {
    let apart = |a: i64, b: i64, c: i64, d: i64| a.max(b) < c.min(d) || c.max(d) < a.min(b);
    if apart(first.0.0, first.1.0, second.0.0, second.1.0) || apart(first.0.1, first.1.1, second.0.1, second.1.1) {
        return false;
    }
    side(first.0, first.1, second.0) * side(first.0, first.1, second.1) <= 0
        && side(second.0, second.1, first.0) * side(second.0, second.1, first.1) <= 0
}
