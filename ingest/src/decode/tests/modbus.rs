//! Registers of stations.

use super::entry;
use crate::decode::decode;
use crate::decode::stations::STATION_MODEL_NAMES;
use model::{Body, Channel, Measurement, Quantity, Reject};
use std::sync::Arc;

fn read(model: &str, registers: &[u16]) -> Result<Vec<(Quantity, f64)>, Reject> {
    let bytes: Vec<u8> = registers.iter().flat_map(|register| register.to_be_bytes()).collect();
    raw(model, &bytes)
}

fn raw(model: &str, bytes: &[u8]) -> Result<Vec<(Quantity, f64)>, Reject> {
    let reading = decode(&entry(Channel::Modbus { model: Arc::from(model) }, bytes))?;
    assert_eq!(reading.device_time, None, "registers carry no time");
    match reading.body {
        Body::Measurements(all) => {
            Ok(all.into_iter().map(|Measurement { quantity, value }| (quantity, value)).collect())
        }
        other => panic!("{other:?}"),
    }
}

/// The Renke weather station from 500 to 513 with wind, direction, humidity, temperature and rain set.
fn weather(wind: u16, direction: u16, humidity: u16, temperature: i16, rain: u16) -> [u16; 14] {
    [wind, 3, 2, direction, humidity, temperature.cast_unsigned(), 0, 0, 0, 875, 0, 0, 0, rain]
}

#[test]
fn the_manuals_example_is_65_8_percent_and_10_1_degrees_below_zero() {
    assert_eq!(
        raw("renke-soil", &[0x02, 0x92, 0xff, 0x9b]),
        Ok(vec![(Quantity::SoilMoisturePercent, 65.8), (Quantity::SoilTemperatureC, -10.1)])
    );
}

#[test]
fn each_maker_has_its_own_order_and_scale() {
    assert_eq!(
        read("fdr-soil", &[0xff9b, 0x0292]),
        Ok(vec![(Quantity::SoilTemperatureC, -10.1), (Quantity::SoilMoisturePercent, 65.8)])
    );
    assert_eq!(read("renke-soil-tdr", &[2_345]), Ok(vec![(Quantity::SoilMoisturePercent, 23.45)]));
    let wind = |model| read(model, &weather(250, 0, 400, 0, 0)).unwrap().first().copied();
    assert_eq!(wind("renke-weather"), Some((Quantity::WindSpeedMps, 25.0)));
    assert_eq!(wind("renke-weather-centi"), Some((Quantity::WindSpeedMps, 2.5)));
}

#[test]
fn a_weather_station_gives_its_values_and_an_unfitted_air_probe_gives_none() {
    assert_eq!(
        read("renke-weather", &weather(52, 275, 415, -123, 4)),
        Ok(vec![
            (Quantity::WindSpeedMps, 5.2),
            (Quantity::WindDirectionDeg, 275.0),
            (Quantity::HumidityPercent, 41.5),
            (Quantity::AirTemperatureC, -12.3),
            (Quantity::RainMm, 0.4),
        ])
    );
    let without_probe = read("renke-weather", &weather(52, 275, 0, 0, 0)).unwrap();
    let quantities: Vec<_> = without_probe.iter().map(|(quantity, _)| *quantity).collect();
    assert_eq!(quantities, [Quantity::WindSpeedMps, Quantity::WindDirectionDeg, Quantity::RainMm]);
}

#[test]
fn one_broken_sensor_does_not_silence_its_neighbours() {
    assert_eq!(read("renke-soil", &[1_001, 0xff9b]), Ok(vec![(Quantity::SoilTemperatureC, -10.1)]));
    assert_eq!(read("renke-soil", &[0x7fff, 0x0064]), Ok(vec![(Quantity::SoilTemperatureC, 10.0)]));
}

#[test]
fn an_answer_with_nothing_believable_is_rejected_by_its_first_value() {
    let (field, low, high) = ("soil_moisture_percent", 0.0, 100.0);
    assert_eq!(read("renke-soil", &[1_001, 900]), Err(Reject::OutOfRange { field, value: 100.1, low, high }));
    assert_eq!(read("renke-soil", &[0x7fff, 0x7fff]), Err(Reject::Missing { field: "values" }));
}

#[test]
fn an_answer_that_does_not_fit_its_models_map_is_rejected() {
    for bytes in [&[][..], &[1, 2, 3], &[0; 6]] {
        let (model, len, want) = ("renke-soil".to_owned(), bytes.len(), 4);
        assert_eq!(raw("renke-soil", bytes), Err(Reject::RegisterCount { model, len, want }));
    }
    let (field, value, allowed) = ("model", "acme".to_owned(), STATION_MODEL_NAMES);
    assert_eq!(raw("acme", &[0; 4]), Err(Reject::UnknownWord { field, value, allowed }));
}
