//! What ChirpStack's own codec made of an uplink, under the names that codecs mostly use.
//!
//! In: `object`.   Out: a [`model::Track`] where there is a place, [`model::Measurement`]s where there are quantities of the contract,
//! otherwise a sign of life. Never guesses a unit: names without one are read only where every codec means the same.

use super::super::datum;
use super::super::fields::{heading, within, within_if_said};
use super::super::json;
use super::super::native::SPEED_MAX_MPS;
use model::{Body, Heartbeat, Measurement, Quantity, Reject, Track};
use registry::Datum;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The fields that are read; the place may stand in an object of its own.
#[derive(Deserialize)]
pub(super) struct Object {
    #[serde(alias = "lat", alias = "latitudeDeg")]
    latitude: Option<f64>,
    #[serde(alias = "lon", alias = "lng", alias = "longitudeDeg")]
    longitude: Option<f64>,
    #[serde(default, alias = "gps", alias = "gnss", deserialize_with = "json::nested")]
    location: Option<Place>,
    #[serde(alias = "fixFailed")]
    fix_failed: Option<bool>,
    #[serde(alias = "batteryPercent", alias = "battery_percent", alias = "batteryLevel", alias = "battery_level")]
    battery: Option<f64>,
    #[serde(alias = "headingDeg", alias = "course")]
    heading_deg: Option<f64>,
    speed_mps: Option<f64>,
    #[serde(alias = "speedKmph", alias = "speed_kmh")]
    speed_kmph: Option<f64>,
    hdop: Option<f64>,
    accuracy_m: Option<f64>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Place {
    #[serde(alias = "lat")]
    latitude: Option<f64>,
    #[serde(alias = "lon", alias = "lng")]
    longitude: Option<f64>,
}

impl Object {
    pub(super) fn body(self) -> Result<Body, Reject> {
        let quantities = measurements(&self.others)?;
        // Some codecs write volts under the same name; what is below five is no percentage of a collar that still sends.
        let battery = self.battery.filter(|percent| (5.0..=100.0).contains(percent));
        let inner = self.location.map_or((None, None), |place| (place.latitude, place.longitude));
        let place = (self.latitude.or(inner.0), self.longitude.or(inner.1));
        if place == (None, None) && self.fix_failed != Some(true) {
            return Ok(if quantities.is_empty() {
                Body::Heartbeat(Heartbeat { battery_percent: battery, ..Heartbeat::default() })
            } else {
                Body::Measurements(quantities)
            });
        }
        let (lat, lon) = if self.fix_failed == Some(true) { (None, None) } else { place };
        let speed = self.speed_mps.or(self.speed_kmph.map(|kmph| kmph / 3.6));
        Ok(Body::Track(Track {
            position: datum::position_or_no_fix(lat, lon, Datum::Wgs84)?,
            speed_mps: within_if_said("speed", speed, 0.0, SPEED_MAX_MPS)?,
            heading_deg: heading("heading", self.heading_deg)?,
            battery_percent: battery,
            hdop: within_if_said("hdop", self.hdop, 0.0, 1_000.0)?,
            accuracy_m: within_if_said("accuracy_m", self.accuracy_m, 0.0, datum::ACCURACY_MAX_M)?,
            ..Track::default()
        }))
    }
}

/// Those that are named as in the contract, unit and all.
fn measurements(fields: &BTreeMap<String, Value>) -> Result<Vec<Measurement>, Reject> {
    let mut found = Vec::new();
    for (name, value) in fields {
        if let (Some(quantity), Some(value)) = (Quantity::parse(name), value.as_f64()) {
            let (low, high) = quantity.plausible();
            found.push(Measurement { quantity, value: within(quantity.as_str(), value, low, high)? });
        }
    }
    Ok(found)
}
