//! `reading`: what a station's sensors measure.
//!
//! In: its JSON.   Out: the contract's quantities, each finite and plausible. Names that are not in the contract are
//! skipped as any unknown field; a value that no sound sensor can report rejects the message, because the device names
//! its units itself and a wrong unit would spoil the rest too. `null` means the sensor gave nothing.

use super::super::fields::{short, within};
use super::super::time::RawTime;
use super::Message;
use model::{Body, Measurement, Quantity, Reject};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;

const QUANTITIES: &str = "grass_height_cm, grass_cover_percent, ndvi, biomass_kg_per_mu, soil_moisture_percent, \
    soil_temperature_c, air_temperature_c, humidity_percent, wind_speed_mps, wind_direction_deg, rain_mm, snow_depth_cm";

#[derive(Deserialize)]
pub(super) struct Wire {
    ts: Option<RawTime>,
    seq: Option<u64>,
    values: Option<Values>,
}

/// The object `values`, read without a map in between.
#[derive(Default)]
struct Values {
    known: Vec<Measurement>,
    /// The first name that is not in the contract, for the error if there is nothing else.
    stranger: Option<String>,
}

impl Message<'_> for Wire {
    fn common(&mut self) -> (Option<RawTime>, Option<u64>) {
        (self.ts.take(), self.seq)
    }

    fn body(self) -> Result<Body, Reject> {
        let values = self.values.unwrap_or_default();
        for measurement in &values.known {
            let (low, high) = measurement.quantity.plausible();
            within(measurement.quantity.as_str(), measurement.value, low, high)?;
        }
        match values.stranger {
            _ if !values.known.is_empty() => Ok(Body::Measurements(values.known)),
            Some(name) => Err(Reject::UnknownWord { field: "values", value: short(&name), allowed: QUANTITIES }),
            None => Err(Reject::Missing { field: "values" }),
        }
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct ValuesVisitor;

        impl<'de> Visitor<'de> for ValuesVisitor {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of numbers by quantity")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
                let mut values = Values::default();
                while let Some(name) = map.next_key::<String>()? {
                    let Some(quantity) = Quantity::parse(&name) else {
                        values.stranger.get_or_insert(name);
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    // Said twice: the last one counts, as in most JSON readers.
                    let said: Option<f64> = map.next_value()?;
                    values.known.retain(|measurement| measurement.quantity != quantity);
                    values.known.extend(said.map(|value| Measurement { quantity, value }));
                }
                Ok(values)
            }
        }

        reader.deserialize_map(ValuesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_lists_exactly_the_quantities_of_the_model() {
        let listed: Vec<_> = QUANTITIES.split(", ").collect();
        assert_eq!(listed, Quantity::all().map(Quantity::as_str).collect::<Vec<_>>());
    }
}
