use super::*;
use crate::score::incursions;
use serde_json::Value;

#[test]
fn the_same_seed_makes_the_same_trial_and_another_seed_another() {
    let said = |seed| {
        Trial::make("driven_through", seed).unwrap().said.iter().map(|said| said.payload.clone()).collect::<Vec<_>>()
    };
    assert_eq!(said(3), said(3));
    assert_ne!(said(3), said(4));
    assert!(Trial::make("no such trial", 1).is_none());
}

#[test]
fn every_trial_but_the_calm_day_has_incursions_of_which_enough_is_seen() {
    for name in NAMES {
        let trial = Trial::make(name, 1).unwrap();
        let enough = incursions(&trial.truth).iter().filter(|incursion| incursion.deciding_ms.is_some()).count();
        assert_eq!(enough > 0, name != "calm_day", "{name}: {enough}");
        assert!(trial.said.is_sorted_by_key(|said| said.arrived_ms), "{name}");
        assert!(trial.said.len() > 200, "{name}: {}", trial.said.len());
    }
}

#[test]
fn boxes_and_fields_are_those_of_the_contract() {
    for name in ["drone_sweep", "mast_at_five_degrees", "border_walkers"] {
        for said in Trial::make(name, 2).unwrap().said.iter().filter(|said| said.kind == "sighting") {
            let value: Value = serde_json::from_slice(&said.payload).unwrap();
            assert!(value["count"].as_u64().unwrap() >= 1, "{value}");
            if let Some(part) = value.get("box") {
                let edge = |key: &str| part[key].as_f64().unwrap();
                assert!(edge("w") > 0.0 && edge("h") > 0.0 && edge("x") + edge("w") <= 1.000001, "{value}");
                assert!(edge("y") + edge("h") <= 1.000001, "{value}");
            } else {
                assert!(value["lat"].is_number() && value["accuracy_m"].is_number(), "{value}");
            }
        }
    }
}

#[test]
fn what_is_made_during_the_outage_arrives_after_it() {
    let trial = Trial::make("loss_and_outage", 1).unwrap();
    let late = trial.said.iter().filter(|said| said.arrived_ms - said.happened_ms > 600_000).count();
    assert!(late > 50, "{late}");
}
