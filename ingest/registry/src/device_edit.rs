//! Changing devices, one or many at once; taking in a list of them.
//!
//! In: ids and a [`DeviceEdit`], or the rows of a list ([`DeviceRow`]).   Out: what became of them; the secrets of new ones, once.
//! Never: half of it; a device that loses what the edit does not name.

use crate::audit::Change;
use crate::device_file::DeviceRow;
use crate::devices::{self, insert, not_found};
use crate::load::Part;
use crate::secrets::Secret;
use crate::{NewDevice, Registry, RegistryError};
use model::{Device, DeviceId, DeviceKind, External, Pose, Position, TownshipCode};
use rusqlite::{Connection, params};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Devices that are changed at once.
pub const MAX_EDITED: usize = 10_000;

/// What to change of a device. `None` leaves a field as it is, `Some(None)` takes it away.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeviceEdit {
    /// What it is.
    pub kind: Option<DeviceKind>,
    /// Make and model.
    pub model: Option<Option<String>>,
    /// The mast, dock or link.
    pub site: Option<Option<String>>,
    /// Where it stands or starts from.
    pub place: Option<Option<Position>>,
    /// How it looks.
    pub pose: Option<Option<Pose>>,
    /// Whose township.
    pub township: Option<Option<TownshipCode>>,
    /// How often it promises to speak.
    pub cadence: Option<Duration>,
    /// The gateway that speaks for it.
    pub via: Option<Option<DeviceId>>,
    /// Its names in the systems that are named here; those in other systems stay.
    pub external: Vec<External>,
}

impl DeviceEdit {
    /// Whether it would change nothing, whatever the device.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What an import did.
#[derive(Debug, Default)]
pub struct DeviceImport {
    /// Devices that were not known, with their secrets, in the order of the list.
    pub new: Vec<(DeviceId, Secret)>,
    /// Devices of which something was changed.
    pub changed: u64,
    /// Devices of which the same was known.
    pub same: u64,
}

impl Registry {
    /// Changes devices, all or none; how many became others than they were.
    pub fn edit_devices(&self, ids: &[DeviceId], edit: &DeviceEdit, by: &str) -> Result<u64, RegistryError> {
        if edit.is_empty() {
            return Err(RegistryError::invalid("change", "", "name at least one field to change"));
        }
        if ids.len() > MAX_EDITED {
            return Err(RegistryError::Limit { what: "devices in one change", limit: MAX_EDITED as u64 });
        }
        self.write(by, |change| {
            change.touch(Part::Devices)?;
            ids.iter().try_fold(0, |changed, id| Ok(changed + u64::from(apply(change, id, edit)?)))
        })
    }

    /// Takes in a list, all of it or nothing: new devices are registered, known ones changed where the list says otherwise. What is
    /// not in it stays as it is. `dry_run` only says what it would do; then the secrets are of no use.
    pub fn import_devices(&self, rows: &[DeviceRow], dry_run: bool, by: &str) -> Result<DeviceImport, RegistryError> {
        let import = |change: &mut Change<'_>| {
            change.touch(Part::Devices)?;
            let mut done = DeviceImport::default();
            // A gateway may stand below those that it speaks for.
            let (behind, first): (Vec<_>, Vec<_>) = rows.iter().partition(|row| matches!(row.edit.via, Some(Some(_))));
            for row in first.into_iter().chain(behind) {
                take(change, &self.inner.key, row, &mut done)?;
            }
            Ok(done)
        };
        if dry_run { self.rehearse(by, import) } else { self.write(by, import) }
    }
}

fn take(
    change: &mut Change<'_>,
    key: &[u8; 32],
    row: &DeviceRow,
    done: &mut DeviceImport,
) -> Result<(), RegistryError> {
    if devices::find(change.transaction, &row.id)?.is_some() {
        let changed = apply(change, &row.id, &row.edit)?;
        *(if changed { &mut done.changed } else { &mut done.same }) += 1;
        return Ok(());
    }
    let Some(kind) = row.edit.kind else {
        return Err(RegistryError::invalid(
            "kind",
            row.id.as_str(),
            "state the kind of a device that is not registered yet",
        ));
    };
    let edited = edited(NewDevice::new(row.id.clone(), kind), &row.edit);
    done.new.push((row.id.clone(), insert(change, key, &edited)?));
    Ok(())
}

/// Whether the device is another one now.
fn apply(change: &Change<'_>, id: &DeviceId, edit: &DeviceEdit) -> Result<bool, RegistryError> {
    let before = devices::find(change.transaction, id)?.ok_or_else(|| not_found(id))?;
    let after = edited(described(&before), edit);
    let external = devices::checked(&after)?;
    if let Some(via) = &after.via
        && devices::find(change.transaction, via)?.is_none()
    {
        return Err(RegistryError::NotFound { what: "gateway", name: via.to_string() });
    }
    let (was, is) = differences(&described(&before), &after);
    if is.is_empty() {
        return Ok(false);
    }
    update(change.transaction, &after)?;
    change.transaction.execute("DELETE FROM external WHERE device = ?1", [id.as_str()])?;
    for name in &external {
        devices::insert_external(change.transaction, id, name)?;
    }
    change.audit(format!("device.edit {id}"), Some(Value::Object(was)), Some(Value::Object(is)))?;
    Ok(true)
}

fn described(device: &Device) -> NewDevice {
    NewDevice {
        model: device.model.clone(),
        site: device.site.clone(),
        place: device.place,
        pose: device.pose,
        township: device.township.clone(),
        cadence: Some(device.cadence),
        via: device.via.clone(),
        external: device.external.clone(),
        ..NewDevice::new(device.id.clone(), device.kind)
    }
}

fn edited(before: NewDevice, edit: &DeviceEdit) -> NewDevice {
    let replaced = |name: &External| edit.external.iter().any(|new| new.system == name.system);
    let kept = before.external.iter().filter(|name| !replaced(name));
    NewDevice {
        external: kept.chain(&edit.external).cloned().collect(),
        kind: edit.kind.unwrap_or(before.kind),
        model: edit.model.clone().unwrap_or(before.model),
        site: edit.site.clone().unwrap_or(before.site),
        place: edit.place.unwrap_or(before.place),
        pose: edit.pose.unwrap_or(before.pose),
        township: edit.township.clone().unwrap_or(before.township),
        cadence: edit.cadence.or(before.cadence),
        via: edit.via.clone().unwrap_or(before.via),
        id: before.id,
    }
}

/// The fields that differ, as they were and as they are.
fn differences(before: &NewDevice, after: &NewDevice) -> (Map<String, Value>, Map<String, Value>) {
    let (mut was, mut is) = (Map::new(), Map::new());
    for (key, old) in fields(before) {
        let new = fields(after).into_iter().find(|(name, _)| *name == key).map_or(Value::Null, |(_, new)| new);
        if old != new {
            was.insert(key.to_owned(), old);
            is.insert(key.to_owned(), new);
        }
    }
    (was, is)
}

fn fields(device: &NewDevice) -> [(&'static str, Value); 9] {
    let mut external: Vec<_> = device.external.iter().map(|name| format!("{}={}", name.system, name.id)).collect();
    external.sort();
    [
        ("kind", device.kind.as_str().into()),
        ("model", json!(device.model)),
        ("site", json!(device.site)),
        ("place", json!(device.place.map(|place| [place.lat_deg(), place.lon_deg()]))),
        ("pose", json!(device.pose.map(|pose| [pose.height_m, pose.yaw_deg, pose.pitch_deg, pose.hfov_deg]))),
        ("township", json!(device.township.as_ref().map(TownshipCode::as_str))),
        ("cadence_s", json!(device.cadence.map(|cadence| cadence.as_secs_f64()))),
        ("via", json!(device.via.as_ref().map(DeviceId::as_str))),
        ("external", json!(external)),
    ]
}

fn update(connection: &Connection, device: &NewDevice) -> Result<(), RegistryError> {
    let pose = device.pose;
    connection.execute(
        "UPDATE device SET kind = ?2, lat_deg = ?3, lon_deg = ?4, height_m = ?5, yaw_deg = ?6, pitch_deg = ?7, hfov_deg = ?8,
         township = ?9, cadence_ms = ?10, via = ?11, model = ?12, site = ?13 WHERE id = ?1",
        params![
            device.id.as_str(),
            device.kind.as_str(),
            device.place.map(Position::lat_deg),
            device.place.map(Position::lon_deg),
            pose.map(|pose| pose.height_m),
            pose.map(|pose| pose.yaw_deg),
            pose.map(|pose| pose.pitch_deg),
            pose.map(|pose| pose.hfov_deg),
            device.township.as_ref().map(TownshipCode::as_str),
            device.cadence.map(devices::cadence_ms),
            device.via.as_ref().map(DeviceId::as_str),
            device.model,
            device.site,
        ],
    )?;
    Ok(())
}
