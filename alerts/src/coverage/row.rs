//! A patrol as it is kept: what lists show apart from its way and its cells, which are long.
//!
//! In: [`Patrol`].   Out: two texts; and back.   Never: a patrol with a name that is none.

use model::{DeviceId, DeviceKind, Patrol, PatrolZone, Position, Timestamp, TownshipCode, ZoneId};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Summary {
    kind: String,
    flight_id: Option<String>,
    distance_m: f64,
    area_m2: f64,
    zones: Vec<(String, String, f64)>,
    townships: Vec<(String, f64)>,
    cell_m: f64,
}

#[derive(Default, Serialize, Deserialize)]
struct Detail {
    /// Latitude and longitude.
    line: Vec<(f64, f64)>,
    points: Vec<(i64, u16)>,
}

/// What lists show.
pub(super) fn summary(patrol: &Patrol) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Summary {
        kind: patrol.kind.as_str().to_owned(),
        flight_id: patrol.flight_id.clone(),
        distance_m: patrol.distance_m,
        area_m2: patrol.area_m2,
        zones: patrol.zones.iter().map(|zone| (zone.zone.to_string(), zone.name.clone(), zone.share)).collect(),
        townships: patrol.townships.iter().map(|(code, share)| (code.to_string(), *share)).collect(),
        cell_m: patrol.cell_m,
    })
}

/// Its way and its cells.
pub(super) fn detail(patrol: &Patrol) -> Result<String, serde_json::Error> {
    let line = patrol.line.iter().map(|place| (place.lat_deg(), place.lon_deg())).collect();
    serde_json::to_string(&Detail { line, points: patrol.points.clone() })
}

/// A row of the table.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) device: String,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    pub(super) summary: String,
    /// Left out in lists.
    pub(super) detail: Option<String>,
}

impl Row {
    /// `None` for a row that we did not write.
    pub(super) fn read(self) -> Option<Patrol> {
        let summary: Summary = serde_json::from_str(&self.summary).ok()?;
        let detail: Detail = match self.detail {
            Some(detail) => serde_json::from_str(&detail).ok()?,
            None => Detail::default(),
        };
        let zone =
            |(id, name, share): (String, String, f64)| Some(PatrolZone { zone: ZoneId::parse(&id).ok()?, name, share });
        let township = |(code, share): (String, f64)| Some((TownshipCode::parse(&code).ok()?, share));
        Some(Patrol {
            id: self.id,
            device: DeviceId::parse(&self.device).ok()?,
            kind: DeviceKind::parse(&summary.kind)?,
            flight_id: summary.flight_id,
            start: Timestamp::from_millis(self.start_ms),
            end: Timestamp::from_millis(self.end_ms),
            distance_m: summary.distance_m,
            area_m2: summary.area_m2,
            zones: summary.zones.into_iter().filter_map(zone).collect(),
            townships: summary.townships.into_iter().filter_map(township).collect(),
            line: detail.line.into_iter().filter_map(|(lat, lon)| Position::parse(lat, lon).ok()).collect(),
            cell_m: summary.cell_m,
            points: detail.points,
        })
    }
}
