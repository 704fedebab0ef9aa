//! What the registry has to know about a simulated device before it may speak.

/// A simulated device as one would register it.
#[derive(Debug, Clone, PartialEq)]
pub struct SimDevice {
    /// Its id, which is also its username and the third part of its topics.
    pub id: String,
    /// `camera`, `drone`, `station` or `collar`.
    pub kind: &'static str,
    /// Where it stands or starts from, degrees north; `None` for collars, which have no place.
    pub lat: Option<f64>,
    /// Where it stands or starts from, degrees east.
    pub lon: Option<f64>,
    /// Height of a camera's lens above the ground, metres.
    pub height_m: Option<f64>,
    /// Where a camera looks, clockwise from true north.
    pub yaw_deg: Option<f64>,
    /// Where a camera looks; negative is down.
    pub pitch_deg: Option<f64>,
    /// How wide a camera sees.
    pub hfov_deg: Option<f64>,
    /// Code of its township.
    pub township: String,
    /// How often it promises to speak, in scenario time.
    pub cadence_s: u64,
    /// Its name in another system, as (system, name): the serial number of a DJI airframe.
    pub external: Option<(String, String)>,
    /// The gateway that speaks for it; none in this scenario.
    pub via: Option<String>,
    /// Unit id on the Modbus server, for stations.
    pub modbus_unit: Option<u8>,
}

impl SimDevice {
    /// Whether it connects by MQTT and so needs a secret. Stations are polled.
    pub fn speaks_mqtt(&self) -> bool {
        self.modbus_unit.is_none()
    }

    /// A device that is nothing yet but its name.
    pub(crate) fn named(id: String, kind: &'static str, township: &str, cadence_s: u64) -> Self {
        Self {
            id,
            kind,
            lat: None,
            lon: None,
            height_m: None,
            yaw_deg: None,
            pitch_deg: None,
            hfov_deg: None,
            township: township.to_owned(),
            cadence_s,
            external: None,
            via: None,
            modbus_unit: None,
        }
    }

    /// As a JSON object, with only what it has.
    pub fn to_json(&self) -> serde_json::Value {
        let mut object = serde_json::Map::new();
        let mut put = |key: &str, value: Option<serde_json::Value>| {
            if let Some(value) = value {
                object.insert(key.to_owned(), value);
            }
        };
        put("id", Some(self.id.as_str().into()));
        put("kind", Some(self.kind.into()));
        put("lat", self.lat.map(Into::into));
        put("lon", self.lon.map(Into::into));
        put("height_m", self.height_m.map(Into::into));
        put("yaw_deg", self.yaw_deg.map(Into::into));
        put("pitch_deg", self.pitch_deg.map(Into::into));
        put("hfov_deg", self.hfov_deg.map(Into::into));
        put("township", Some(self.township.as_str().into()));
        put("cadence_s", Some(self.cadence_s.into()));
        put("external", self.external.as_ref().map(|(system, name)| format!("{system}={name}").into()));
        put("via", self.via.as_deref().map(Into::into));
        put("modbus_unit", self.modbus_unit.map(Into::into));
        object.into()
    }
}
