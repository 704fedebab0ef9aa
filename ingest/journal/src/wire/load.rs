//! What stands in a balance zone, on the wire: in alerts and in the API alike.

use super::incident::{IntervalJson, ZoneRefJson, authority, case_zone, township};
use super::{BadWire, time};
use model::{Timestamp, ZoneLoad};
use serde::{Deserialize, Serialize};

/// An indication: what nobody sees is not counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `model::ZoneLoad`")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ZoneLoad))]
pub struct ZoneLoadJson {
    pub zone: ZoneRefJson,
    #[cfg_attr(feature = "schema", schema(required))]
    pub township: Option<String>,
    pub authority: String,
    pub capacity_sheep_units: u32,
    pub sheep_units: IntervalJson,
    pub herds: u32,
    /// Since when even the low end is more than it carries, once that was told.
    #[cfg_attr(feature = "schema", schema(required, format = DateTime))]
    pub over_since: Option<String>,
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub at: String,
    /// Always true: an officer counts before anybody is asked to correct it.
    pub indication: bool,
}

impl From<&ZoneLoad> for ZoneLoadJson {
    fn from(load: &ZoneLoad) -> Self {
        Self {
            zone: ZoneRefJson::from(&load.zone),
            township: load.township.as_ref().map(ToString::to_string),
            authority: load.authority.as_str().to_owned(),
            capacity_sheep_units: load.capacity_sheep_units,
            sheep_units: load.sheep_units.into(),
            herds: load.herds,
            over_since: load.over_since.map(Timestamp::to_rfc3339),
            at: load.at.to_rfc3339(),
            indication: true,
        }
    }
}

impl TryFrom<&ZoneLoadJson> for ZoneLoad {
    type Error = BadWire;

    fn try_from(json: &ZoneLoadJson) -> Result<Self, BadWire> {
        Ok(Self {
            zone: case_zone(&json.zone)?,
            township: json.township.as_deref().map(township).transpose()?,
            authority: authority(&json.authority)?,
            capacity_sheep_units: json.capacity_sheep_units,
            sheep_units: json.sheep_units.into(),
            herds: json.herds,
            over_since: json.over_since.as_deref().map(|text| time("over_since", text)).transpose()?,
            at: time("load at", &json.at)?,
        })
    }
}
