//! What holds for any payload at all.

use super::{RECEIVED_MS, entry, native, native_channel};
use crate::decode::stations::STATION_MODELS;
use crate::decode::{decode, formats};
use model::{Body, Channel, Place, ReadingKind, Species};
use proptest::prelude::*;
use std::sync::Arc;

fn channels() -> impl Strategy<Value = Channel> {
    let native = [
        ReadingKind::Heartbeat,
        ReadingKind::Track,
        ReadingKind::Reading,
        ReadingKind::Sighting,
        ReadingKind::Snapshot,
        ReadingKind::Report,
        ReadingKind::Fire,
        ReadingKind::DjiOsd,
    ];
    let models = STATION_MODELS.map(|model| Channel::Modbus { model: Arc::from(&*model.name) });
    prop_oneof![
        prop::sample::select(native.map(native_channel).to_vec()),
        prop::sample::select(models.to_vec()),
        Just(Channel::DjiOsd),
        Just(Channel::Clock),
        Just(crate::decode::gb28181::channel("15252500401320000001", "gcj02")),
        Just(Channel::Foreign { format: Arc::from("hj212"), detail: Arc::from("") }),
        Just(crate::decode::gt06::channel(480, "wgs84")),
        "[a-z]{1,4} (holding|input) [0-9]{1,3} [0-9]{1,3} [0-9]{1,3}:ndvi:(u16|f32):(abcd|dcba):1:0:-"
            .prop_map(|model| Channel::Modbus { model: Arc::from(model) }),
        ".*".prop_map(|topic| Channel::Other { topic: Arc::from(topic) }),
        (prop::sample::select(formats::names()), "|detect|1280x720|sheep|gateway|.*")
            .prop_map(|(format, detail)| Channel::Foreign { format: Arc::from(format), detail: Arc::from(detail) }),
    ]
}

/// Field names of all kinds, so that arbitrary values land where they are read.
const NAMES: &str = "ts|seq|datum|lat|lon|status|uptime_s|pose|zoom|gimbal|values|ndvi|species|count|young|box|x|w|\
    track_id|text|timestamp|data|latitude|longitude|battery|81-0-0|position_state|storage|method|list|level|after|camera|\
    frame_time|label|sub_label|score|time|fPort|fCnt|object|deviceInfo|tags|batteryLevel|location|speedKmph|speed_x|gimbal_yaw";

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "[0-9a-h]{0,8}|sheep|gcj02|ok|hms|osd_info_push|2026-11-22T02:15:00Z|WUUpGtIhoEMBEsg=".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(NAMES, inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_decode_panic(channel in channels(), payload in prop::collection::vec(any::<u8>(), 0..200)) {
        decode(&entry(channel, &payload)).ok();
    }

    #[test]
    fn no_json_makes_decode_panic_or_lets_a_bad_number_through(channel in channels(), payload in json()) {
        if let Ok(reading) = decode(&entry(channel, payload.to_string().as_bytes())) {
            // NaN is the one value that differs from itself; Debug of a reading shows every number.
            let shown = format!("{reading:?}");
            prop_assert!(!shown.contains("NaN") && !shown.contains("inf"), "{shown}");
        }
    }

    #[test]
    fn the_same_entry_always_gives_the_same_answer(channel in channels(), payload in json()) {
        let entry = entry(channel, payload.to_string().as_bytes());
        prop_assert_eq!(decode(&entry), decode(&entry));
    }

    #[test]
    fn a_sightings_numbers_come_through_unchanged(
        species in prop::sample::select(Species::ALL.to_vec()),
        (count, young) in (1_u32..=10_000).prop_flat_map(|count| (Just(count), 0..=count)),
        confidence in 0.0..=1.0,
        (lat, lon) in (-90.0..=90.0, -180.0..=180.0),
        accuracy_m in 0.0..1e5,
        age_ms in 0_i64..1_000_000_000_000,
        seq in any::<u64>(),
    ) {
        let payload = serde_json::json!({
            "ts": RECEIVED_MS - age_ms, "seq": seq, "species": species.as_str(), "count": count, "young": young,
            "confidence": confidence, "lat": lat, "lon": lon, "accuracy_m": accuracy_m,
        });
        let reading = native(ReadingKind::Sighting, &payload.to_string()).unwrap();
        prop_assert_eq!(reading.happened_at().as_millis(), RECEIVED_MS - age_ms);
        prop_assert_eq!(reading.seq, Some(seq));
        let Body::Sighting(seen) = reading.body else { panic!("{payload}") };
        prop_assert_eq!((seen.species, seen.count, seen.young), (species, count, young));
        let Place::Ground { position, accuracy_m: accuracy } = seen.place else { panic!("{payload}") };
        // serde_json without `float_roundtrip` may be off by the last bit.
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs().max(1.0);
        prop_assert!(near(seen.confidence, confidence) && accuracy.is_some_and(|got| near(got, accuracy_m)));
        prop_assert!(near(position.lat_deg(), lat) && near(position.lon_deg(), lon));
    }

    #[test]
    fn every_register_value_is_read_or_refused(model in prop::sample::select(STATION_MODELS.to_vec()), seed in any::<[u16; 14]>()) {
        let bytes: Vec<u8> =
            seed.iter().take(usize::from(model.register_count)).flat_map(|register| register.to_be_bytes()).collect();
        if let Ok(reading) = decode(&entry(Channel::Modbus { model: Arc::from(&*model.name) }, &bytes)) {
            let Body::Measurements(measurements) = reading.body else { panic!() };
            for measurement in measurements {
                let (low, high) = measurement.quantity.plausible();
                prop_assert!((low..=high).contains(&measurement.value));
            }
        }
    }
}
