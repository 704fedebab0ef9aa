//! Planned patrol routes, and which device carries whose duty to be out.
//!
//! In: routes one by one or as GeoJSON, devices with their duties.   Out: both in the view.   Never: a part of a file; whether the
//! configuration knows a duty is its own business, since it may change before the registry does.

use crate::audit::Change;
use crate::load::Part;
use crate::{Registry, RegistryError};
use model::{DeviceId, GeoPoint, PatrolRoute, Position, TownshipCode};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// More is a survey of roads.
pub const MAX_ROUTES: u64 = 2_000;
/// Duties of one device.
const MAX_DUTIES: usize = 16;
const MAX_VERTICES: usize = 5_000;
const MAX_NAME_CHARS: usize = 100;
const MAX_ID_BYTES: usize = 64;
/// Half of a corridor, metres.
const REACH_M: std::ops::RangeInclusive<f64> = 5.0..=5_000.0;
/// A corridor where nobody said how wide, metres.
const WIDTH_M: f64 = 200.0;
/// From vertex to vertex, degrees: farther is a slip of the pen.
const LEG_MAX_DEG: f64 = 1.0;

/// Routes by id, and the duties that devices carry.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patrols {
    pub(crate) routes: Vec<PatrolRoute>,
    pub(crate) roles: BTreeMap<DeviceId, BTreeSet<String>>,
}

impl Registry {
    /// Plans routes, or changes those of the same id: all of them or none.
    pub fn plan_routes(&self, routes: &[PatrolRoute], by: &str) -> Result<(), RegistryError> {
        self.write(by, |change| {
            for route in routes {
                check(change, route)?;
                let before = find(change.transaction, &route.id)?;
                change.transaction.execute(
                    "INSERT OR REPLACE INTO patrol_route (id, name, township, device, reach_m, duty, line)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![
                        route.id,
                        route.name,
                        route.township.as_ref().map(TownshipCode::as_str),
                        route.device.as_ref().map(DeviceId::as_str),
                        route.reach_m,
                        route.duty,
                        line_text(&route.line),
                    ],
                )?;
                change.audit(format!("route.plan {}", route.id), before.as_ref().map(shown), Some(shown(route)))?;
            }
            let count: i64 = change.transaction.query_row("SELECT count(*) FROM patrol_route", [], |row| row.get(0))?;
            if u64::try_from(count).unwrap_or(u64::MAX) > MAX_ROUTES {
                return Err(RegistryError::Limit { what: "patrol routes", limit: MAX_ROUTES });
            }
            change.touch(Part::Patrols)
        })
    }

    /// Takes a route away.
    pub fn remove_route(&self, id: &str, by: &str) -> Result<(), RegistryError> {
        self.write(by, |change| {
            let before = find(change.transaction, id)?;
            let before = before.ok_or_else(|| RegistryError::NotFound { what: "patrol route", name: id.to_owned() })?;
            change.transaction.execute("DELETE FROM patrol_route WHERE id = ?1", [id])?;
            change.touch(Part::Patrols)?;
            change.audit(format!("route.remove {id}"), Some(shown(&before)), None)
        })
    }

    /// Says which duties a device's patrols count for; none takes them away.
    pub fn set_patrol_roles(&self, device: &DeviceId, duties: &[String], by: &str) -> Result<(), RegistryError> {
        self.write(by, |change| {
            let transaction = change.transaction;
            let sql = "SELECT count(*) > 0 FROM device WHERE id = ?1";
            let is_known: bool = transaction.query_row(sql, [device.as_str()], |row| row.get(0))?;
            if !is_known {
                return Err(crate::devices::not_found(device));
            }
            if duties.len() > MAX_DUTIES {
                return Err(RegistryError::invalid("duty", &duties.join(", "), "give a device at most 16 duties"));
            }
            let before: Vec<String> = {
                let mut query = transaction.prepare("SELECT duty FROM patrol_role WHERE device = ?1 ORDER BY duty")?;
                query.query_map([device.as_str()], |row| row.get(0))?.collect::<Result<_, _>>()?
            };
            transaction.execute("DELETE FROM patrol_role WHERE device = ?1", [device.as_str()])?;
            for duty in duties {
                check_duty(duty)?;
                let sql = "INSERT OR IGNORE INTO patrol_role (device, duty) VALUES (?1, ?2)";
                transaction.execute(sql, params![device.as_str(), duty])?;
            }
            change.touch(Part::Patrols)?;
            change.audit(format!("device.duties {device}"), Some(json!(before)), Some(json!(duties)))
        })
    }
}

fn check(change: &Change<'_>, route: &PatrolRoute) -> Result<(), RegistryError> {
    let invalid = RegistryError::invalid;
    let is_word = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    if route.id.is_empty() || route.id.len() > MAX_ID_BYTES || !route.id.bytes().all(is_word) {
        return Err(invalid("id", &route.id, "use 1 to 64 of A-Z a-z 0-9 . _ -"));
    }
    let chars = route.name.chars().count();
    if !(1..=MAX_NAME_CHARS).contains(&chars) || route.name.chars().any(char::is_control) {
        return Err(invalid("name", &route.name, "name the route in 1 to 100 characters"));
    }
    if !REACH_M.contains(&route.reach_m) {
        let width = format!("{}", route.reach_m * 2.0);
        return Err(invalid("width_m", &width, "write the corridor's width in metres, 10 to 10000"));
    }
    if !(2..=MAX_VERTICES).contains(&route.line.len()) {
        let count = route.line.len().to_string();
        return Err(invalid("geometry", &count, "draw the route as a LineString of 2 to 5000 vertices"));
    }
    let is_far = |leg: &[GeoPoint]| match leg {
        [from, to] => {
            let (a, b) = (from.degrees(), to.degrees());
            (a.0 - b.0).abs() > LEG_MAX_DEG || (a.1 - b.1).abs() > LEG_MAX_DEG
        }
        _ => false,
    };
    if route.line.windows(2).any(is_far) {
        return Err(invalid("geometry", &route.id, "two vertices are more than a degree apart; correct the line"));
    }
    if let Some(duty) = &route.duty {
        check_duty(duty)?;
    }
    if let Some(device) = &route.device {
        let sql = "SELECT count(*) > 0 FROM device WHERE id = ?1";
        let is_known: bool = change.transaction.query_row(sql, [device.as_str()], |row| row.get(0))?;
        if !is_known {
            return Err(crate::devices::not_found(device));
        }
    }
    Ok(())
}

fn check_duty(duty: &str) -> Result<(), RegistryError> {
    let is_word = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
    if (1..=MAX_ID_BYTES).contains(&duty.len()) && duty.bytes().all(is_word) {
        return Ok(());
    }
    Err(RegistryError::invalid("duty", duty, "name a [[patrol_duty]] of the configuration, for example village_chief"))
}

fn shown(route: &PatrolRoute) -> Value {
    json!({
        "name": route.name, "township": route.township.as_ref().map(TownshipCode::as_str),
        "device": route.device.as_ref().map(DeviceId::as_str), "width_m": route.reach_m * 2.0, "duty": route.duty,
        "vertices": route.line.len(),
    })
}

fn line_text(line: &[GeoPoint]) -> String {
    let numbers: Vec<[i32; 2]> = line.iter().map(|point| [point.lon_e7, point.lat_e7]).collect();
    json!(numbers).to_string()
}

const SELECT: &str = "SELECT id, name, township, device, reach_m, duty, line FROM patrol_route";

fn find(connection: &Connection, id: &str) -> Result<Option<PatrolRoute>, RegistryError> {
    let found = connection.query_row(&format!("{SELECT} WHERE id = ?1"), [id], |row| Ok(read(row))).optional()?;
    found.transpose()
}

fn read(row: &rusqlite::Row<'_>) -> Result<PatrolRoute, RegistryError> {
    let id: String = row.get(0)?;
    let corrupt = || RegistryError::corrupt("patrol route", id.clone());
    let (township, device): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
    let line: Vec<[i32; 2]> = serde_json::from_str(&row.get::<_, String>(6)?).map_err(|_| corrupt())?;
    Ok(PatrolRoute {
        name: row.get(1)?,
        township: township.map(|code| TownshipCode::parse(&code)).transpose().map_err(|_| corrupt())?,
        device: device.map(|id| DeviceId::parse(&id)).transpose().map_err(|_| corrupt())?,
        reach_m: row.get(4)?,
        duty: row.get(5)?,
        line: line.into_iter().map(|[lon_e7, lat_e7]| GeoPoint { lon_e7, lat_e7 }).collect(),
        id,
    })
}

pub(crate) fn load(connection: &Connection) -> Result<Patrols, RegistryError> {
    let mut query = connection.prepare(&format!("{SELECT} ORDER BY id"))?;
    let routes = query.query_map([], |row| Ok(read(row)))?.map(|row| row?).collect::<Result<_, RegistryError>>()?;
    let mut query = connection.prepare("SELECT device, duty FROM patrol_role")?;
    let mut rows = query.query([])?;
    let mut roles: BTreeMap<DeviceId, BTreeSet<String>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let device: String = row.get(0)?;
        let id = DeviceId::parse(&device).map_err(|_| RegistryError::corrupt("patrol role", device))?;
        roles.entry(id).or_default().insert(row.get(1)?);
    }
    Ok(Patrols { routes, roles })
}

/// Routes of GeoJSON: a FeatureCollection, or one Feature, of LineStrings with `id`, `name` and, where they are known, `township`,
/// `device`, `width_m` (200) and `duty`.
pub fn routes_of(geojson: &Value) -> Result<Vec<PatrolRoute>, RegistryError> {
    let features = match geojson.get("type").and_then(Value::as_str) {
        Some("FeatureCollection") => geojson.get("features").and_then(Value::as_array).cloned().unwrap_or_default(),
        Some("Feature") => vec![geojson.clone()],
        _ => return Err(wrong("type", geojson.get("type"), "write a GeoJSON FeatureCollection of LineStrings")),
    };
    if features.is_empty() {
        return Err(wrong("features", None, "there is no feature in it; draw a route"));
    }
    features.iter().map(route_of).collect()
}

/// One route of a GeoJSON Feature.
pub fn route_of(feature: &Value) -> Result<PatrolRoute, RegistryError> {
    let none = Value::Null;
    let properties = feature.get("properties").unwrap_or(&none);
    let text = |name: &'static str| match properties.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        other => Err(wrong(name, other, "write it as text")),
    };
    let id = match (text("id")?, feature.get("id")) {
        (Some(id), _) => id,
        (None, Some(Value::String(id))) => id.clone(),
        _ => return Err(wrong("id", None, "give each route an id")),
    };
    let township = text("township")?;
    let device = text("device")?;
    let width_m = match properties.get("width_m") {
        None | Some(Value::Null) => WIDTH_M,
        Some(width) => width.as_f64().ok_or_else(|| wrong("width_m", Some(width), "write a number of metres"))?,
    };
    let parsed = |code: String| {
        TownshipCode::parse(&code).map_err(|error| RegistryError::invalid("township", &code, error.to_string()))
    };
    let named =
        |id: String| DeviceId::parse(&id).map_err(|error| RegistryError::invalid("device", &id, error.to_string()));
    Ok(PatrolRoute {
        name: text("name")?.unwrap_or_else(|| id.clone()),
        township: township.map(parsed).transpose()?,
        device: device.map(named).transpose()?,
        reach_m: width_m / 2.0,
        duty: text("duty")?,
        line: line_of(feature.get("geometry").unwrap_or(&none))?,
        id,
    })
}

fn line_of(geometry: &Value) -> Result<Vec<GeoPoint>, RegistryError> {
    let wanted = "draw the route as a LineString of WGS84 degrees, longitude first";
    let coordinates = match geometry.get("type").and_then(Value::as_str) {
        Some("LineString") => geometry.get("coordinates").and_then(Value::as_array),
        _ => None,
    };
    let coordinates = coordinates.ok_or_else(|| wrong("geometry", geometry.get("type"), wanted))?;
    if coordinates.len() > MAX_VERTICES {
        return Err(wrong("geometry", None, "draw the route with at most 5000 vertices"));
    }
    let vertex = |pair: &Value| {
        let (lon, lat) = (pair.get(0)?.as_f64()?, pair.get(1)?.as_f64()?);
        Position::parse(lat, lon).ok().map(GeoPoint::from)
    };
    coordinates.iter().map(|pair| vertex(pair).ok_or_else(|| wrong("geometry", Some(pair), wanted))).collect()
}

fn wrong(key: &'static str, value: Option<&Value>, remedy: &str) -> RegistryError {
    let value = value.map(ToString::to_string).unwrap_or_default();
    RegistryError::invalid(key, value.chars().take(80).collect::<String>().as_str(), remedy)
}

/// A route as GeoJSON, as [`route_of`] reads it.
pub fn route_feature(route: &PatrolRoute) -> Value {
    let line: Vec<[f64; 2]> = route.line.iter().map(|point| point.degrees().into()).collect();
    json!({
        "type": "Feature",
        "id": route.id,
        "properties": {
            "id": route.id, "name": route.name, "township": route.township.as_ref().map(TownshipCode::as_str),
            "device": route.device.as_ref().map(DeviceId::as_str), "width_m": route.reach_m * 2.0, "duty": route.duty,
        },
        "geometry": { "type": "LineString", "coordinates": line },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NewDevice;
    use model::{Clock, DeviceKind};

    fn registry(folder: &tempfile::TempDir) -> Registry {
        Registry::open(&folder.path().join("registry.db"), Clock::system()).unwrap()
    }

    fn feature(id: &str) -> Value {
        json!({
            "type": "Feature",
            "properties": { "id": id, "name": "北线", "township": "150425101", "width_m": 300, "duty": "inspection_team" },
            "geometry": { "type": "LineString", "coordinates": [[117.5, 43.3], [117.51, 43.3], [117.51, 43.31]] },
        })
    }

    #[test]
    fn routes_of_a_file_are_planned_all_or_none_changed_by_their_id_and_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let registry = registry(&folder);
        let file = json!({ "type": "FeatureCollection", "features": [feature("r-1"), feature("r-2")] });
        registry.plan_routes(&routes_of(&file).unwrap(), "test").unwrap();
        let view = registry.view().borrow().clone();
        assert_eq!(view.patrol_routes.iter().map(|route| route.id.as_str()).collect::<Vec<_>>(), ["r-1", "r-2"]);
        assert_eq!(route_of(&route_feature(&view.patrol_routes[0])).unwrap(), view.patrol_routes[0]);
        let mut half = routes_of(&file).unwrap();
        half[0].name = "别名".into();
        half[1].reach_m = 1.0;
        let complaint = registry.plan_routes(&half, "test").unwrap_err().to_string();
        assert!(complaint.contains("width_m") && complaint.contains("10 to 10000"), "{complaint}");
        assert_eq!(registry.view().borrow().patrol_routes[0].name, "北线", "none of it");
        registry.remove_route("r-1", "test").unwrap();
        assert!(matches!(registry.remove_route("r-1", "test"), Err(RegistryError::NotFound { .. })));
        assert_eq!(registry.view().borrow().patrol_routes.len(), 1);
        assert_eq!(registry.audit(1).unwrap()[0].what, "route.remove r-1");
    }

    #[test]
    fn what_is_no_route_is_refused_with_what_is_wrong() {
        for (change, key) in [
            (json!({ "geometry": { "type": "Point", "coordinates": [117.5, 43.3] } }), "geometry"),
            (
                json!({ "geometry": { "type": "LineString", "coordinates": [[43.3, 117.5], [43.3, 117.6]] } }),
                "geometry",
            ),
            (json!({ "properties": { "name": "n" } }), "id"),
            (json!({ "properties": { "id": "r", "width_m": "wide" } }), "width_m"),
        ] {
            let mut feature = feature("r");
            for (name, value) in change.as_object().unwrap() {
                feature[name] = value.clone();
            }
            let complaint = routes_of(&feature).unwrap_err().to_string();
            assert!(complaint.contains(key), "{complaint}");
        }
        assert!(routes_of(&json!({ "type": "FeatureCollection", "features": [] })).is_err());
    }

    #[test]
    fn a_device_carries_duties_until_they_are_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let registry = registry(&folder);
        let id = DeviceId::parse("ranger-1").unwrap();
        let duties = ["village_chief".to_owned()];
        assert!(registry.set_patrol_roles(&id, &duties, "test").is_err(), "there is no such device");
        registry.add_device(NewDevice::new(id.clone(), DeviceKind::Ranger), "test").unwrap();
        registry.set_patrol_roles(&id, &duties, "test").unwrap();
        assert!(registry.view().borrow().patrol_roles[&id].contains("village_chief"));
        assert!(registry.set_patrol_roles(&id, &["Village Chief".to_owned()], "test").is_err());
        registry.set_patrol_roles(&id, &[], "test").unwrap();
        assert!(registry.view().borrow().patrol_roles.is_empty());
    }
}
