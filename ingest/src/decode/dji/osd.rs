//! The `data` object of an osd message, read key by key.
//!
//! In: JSON.   Out: the few values we use of the hundred there may be. The gimbal stands under a key that is its payload's
//! index (`81-0-0`: type, subtype, place on the aircraft), so a derived struct cannot name it. Never keeps what it skips.

use super::super::json::{self, Label};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// What we use of an osd message.
#[derive(Default)]
pub(super) struct Osd {
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub height: Option<f64>,
    pub elevation: Option<f64>,
    pub attitude_head: Option<f64>,
    pub horizontal_speed: Option<f64>,
    pub track_id: Option<Label>,
    pub capacity_percent: Option<f64>,
    pub is_fixed: Option<f64>,
    pub temperature: Option<f64>,
    pub environment_temperature: Option<f64>,
    storage: Option<WireStorage>,
    /// Of the camera with the lowest place: 0 is the main gimbal, 7 the pilot's fixed view.
    pub gimbal: Option<WireGimbal>,
    gimbal_place: u32,
    has_flight_keys: bool,
    has_dock_keys: bool,
}

/// One payload's attitude, in tenths of degrees' precision.
#[derive(Deserialize)]
pub(super) struct WireGimbal {
    pub gimbal_pitch: Option<f64>,
    pub gimbal_yaw: Option<f64>,
    pub gimbal_roll: Option<f64>,
}

#[derive(Deserialize)]
struct WireStorage {
    total: Option<f64>,
    used: Option<f64>,
}

#[derive(Deserialize)]
struct WireBattery {
    capacity_percent: Option<f64>,
}

#[derive(Deserialize)]
struct WirePositionState {
    is_fixed: Option<f64>,
}

impl Osd {
    /// An aircraft or a pilot's remote control; a dock does not move. Its messages have no key in common with a dock's
    /// that would tell them apart by itself, so both sets are looked for.
    pub(super) fn is_of_a_mover(&self) -> bool {
        self.has_flight_keys || (self.latitude.is_some() && !self.has_dock_keys)
    }

    /// What is left of the storage, in kilobytes.
    pub(super) fn storage_free_kb(&self) -> Option<f64> {
        let storage = self.storage.as_ref()?;
        Some((storage.total? - storage.used?).max(0.0))
    }

    fn offer_gimbal(&mut self, place: u32, offered: Option<WireGimbal>) {
        let Some(offered) = offered.filter(|gimbal| gimbal.gimbal_pitch.is_some()) else { return };
        if self.gimbal.is_none() || place < self.gimbal_place {
            (self.gimbal, self.gimbal_place) = (Some(offered), place);
        }
    }
}

/// `{type}-{subtype}-{place}`, three whole numbers: the place.
fn payload_place(key: &str) -> Option<u32> {
    let mut parts = key.split('-').map(|part| part.parse::<u32>().ok());
    let place = match (parts.next(), parts.next(), parts.next()) {
        (Some(Some(_)), Some(Some(_)), Some(place)) => place,
        _ => None,
    };
    place.filter(|_| parts.next().is_none())
}

enum Key {
    Latitude,
    Longitude,
    Height,
    Elevation,
    AttitudeHead,
    HorizontalSpeed,
    TrackId,
    Battery,
    CapacityPercent,
    PositionState,
    Temperature,
    EnvironmentTemperature,
    Storage,
    Payload(u32),
    /// One that only a dock sends.
    Dock,
    Other,
}

impl Key {
    fn of(name: &str) -> Self {
        match name {
            "latitude" => Self::Latitude,
            "longitude" => Self::Longitude,
            "height" => Self::Height,
            "elevation" => Self::Elevation,
            "attitude_head" => Self::AttitudeHead,
            "horizontal_speed" => Self::HorizontalSpeed,
            "track_id" => Self::TrackId,
            "battery" => Self::Battery,
            "capacity_percent" => Self::CapacityPercent,
            "position_state" => Self::PositionState,
            "temperature" => Self::Temperature,
            "environment_temperature" => Self::EnvironmentTemperature,
            "storage" => Self::Storage,
            "drone_in_dock"
            | "drone_charge_state"
            | "cover_state"
            | "putter_state"
            | "sub_device"
            | "job_number"
            | "rainfall"
            | "emergency_stop_state"
            | "alternate_land_point"
            | "flighttask_step_code" => Self::Dock,
            _ => payload_place(name).map_or(Self::Other, Self::Payload),
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Key, E> {
                Ok(Key::of(name))
            }
        }

        reader.deserialize_identifier(KeyVisitor)
    }
}

/// A value that is an object or `null`.
#[derive(Deserialize)]
#[serde(transparent, bound = "T: Deserialize<'de>")]
struct Object<T>(#[serde(deserialize_with = "json::nested")] Option<T>);

impl<'de> Deserialize<'de> for Osd {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct OsdVisitor;

        impl<'de> Visitor<'de> for OsdVisitor {
            type Value = Osd;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an osd object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Osd, A::Error> {
                let mut osd = Osd::default();
                while let Some(key) = map.next_key::<Key>()? {
                    osd.read(key, &mut map)?;
                }
                Ok(osd)
            }
        }

        reader.deserialize_map(OsdVisitor)
    }
}

impl Osd {
    fn read<'de, A: MapAccess<'de>>(&mut self, key: Key, map: &mut A) -> Result<(), A::Error> {
        self.has_flight_keys |= matches!(key, Key::Elevation | Key::AttitudeHead | Key::HorizontalSpeed);
        self.has_dock_keys |= matches!(key, Key::Dock | Key::EnvironmentTemperature);
        match key {
            Key::Latitude => self.latitude = map.next_value()?,
            Key::Longitude => self.longitude = map.next_value()?,
            Key::Height => self.height = map.next_value()?,
            Key::Elevation => self.elevation = map.next_value()?,
            Key::AttitudeHead => self.attitude_head = map.next_value()?,
            Key::HorizontalSpeed => self.horizontal_speed = map.next_value()?,
            Key::TrackId => self.track_id = map.next_value()?,
            Key::CapacityPercent => self.capacity_percent = map.next_value()?,
            Key::Temperature => self.temperature = map.next_value()?,
            Key::EnvironmentTemperature => self.environment_temperature = map.next_value()?,
            Key::Battery => {
                let battery: Object<WireBattery> = map.next_value()?;
                self.capacity_percent = battery.0.and_then(|battery| battery.capacity_percent);
            }
            Key::PositionState => {
                let state: Object<WirePositionState> = map.next_value()?;
                self.is_fixed = state.0.and_then(|state| state.is_fixed);
            }
            Key::Storage => self.storage = map.next_value::<Object<WireStorage>>()?.0,
            Key::Payload(place) => self.offer_gimbal(place, map.next_value::<Object<WireGimbal>>()?.0),
            Key::Dock | Key::Other => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_index_is_three_whole_numbers_and_nothing_else() {
        assert_eq!(payload_place("81-0-0"), Some(0));
        assert_eq!(payload_place("39-0-7"), Some(7));
        for other in ["81-0", "81-0-0-0", "81-0-x", "4g_link_state", "", "--"] {
            assert_eq!(payload_place(other), None, "{other}");
        }
    }
}
