//! Positions as devices write them, in whichever datum, to WGS84.
//!
//! In: latitude, longitude and the payload's `datum`.   Out: [`model::Position`]. The formulas are the registry's, which
//! needs them for imported zones: one way to do one thing. Never guesses a datum: what is not stated is WGS84, as the
//! contract says. A wrong datum moves an animal by 600 m, across most fences.

use super::fields::{required, word};
use model::{BadPosition, Position, Reject};
use registry::Datum;
use serde::Deserialize;

/// Beyond this a position says nothing about any zone: a hundred kilometres.
pub(super) const ACCURACY_MAX_M: f64 = 100_000.0;

/// `datum` as it stood in the payload.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct WireDatum(String);

impl WireDatum {
    /// The datum it names.
    pub(super) fn checked(said: Option<Self>) -> Result<Datum, Reject> {
        let Some(Self(name)) = said else { return Ok(Datum::Wgs84) };
        word("datum", &name, "wgs84, cgcs2000, gcj02, bd09", Datum::parse)
    }
}

/// A place on the globe, in WGS84.
pub(super) fn position(lat_deg: f64, lon_deg: f64, datum: Datum) -> Result<Position, BadPosition> {
    // Checked as said first: "0,0" and "off the globe" must not depend on what the conversion makes of them.
    let said = Position::parse(lat_deg, lon_deg)?;
    let (lat_deg, lon_deg) = datum.to_wgs84(said.lat_deg(), said.lon_deg());
    Position::parse(lat_deg, lon_deg)
}

/// The same for a message that makes sense without a place: 0,0 or nothing said is "no fix"; half a place is a fault.
pub(super) fn position_or_no_fix(lat: Option<f64>, lon: Option<f64>, datum: Datum) -> Result<Option<Position>, Reject> {
    if lat.is_none() && lon.is_none() {
        return Ok(None);
    }
    match position(required("lat", lat)?, required("lon", lon)?, datum) {
        Ok(position) => Ok(Some(position)),
        Err(BadPosition::NoFix) => Ok(None),
        Err(other) => Err(other.into()),
    }
}
