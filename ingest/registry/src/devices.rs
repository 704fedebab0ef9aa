//! Devices: adding them, renewing their secrets; `admission` says which of them are let in.
//!
//! In: [`NewDevice`] from an operator.   Out: a [`Secret`], once; [`model::Device`] in the view.
//! Never: an external identity that two devices share; a device behind a gateway that does not exist.

use crate::audit::Change;
use crate::listeners::check_device_id;
use crate::load::Part;
use crate::maintenance::check_site;
use crate::secrets::{Credential, Credentials, Secret, credential_hash};
use crate::{Registry, RegistryError};
use model::{Device, DeviceId, DeviceKind, External, Pose, Position, Timestamp, TownshipCode};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// A region's fleet; keeps the view within some tens of megabytes.
pub const MAX_DEVICES: u64 = 100_000;
/// One for each system there is, and some to spare for dual-band airframes.
const MAX_EXTERNALS: usize = 16;
/// As long as a plate is wide.
const MAX_MODEL_CHARS: usize = 64;
/// Faster than this nothing speaks; slower, a silence could not be told from a loss.
const CADENCE: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(7 * 86_400);

/// A device to register.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDevice {
    /// Its id, which is also its username.
    pub id: DeviceId,
    /// What it is.
    pub kind: DeviceKind,
    /// Make and model, as on its plate.
    pub model: Option<String>,
    /// The mast, the dock or the link that it shares its fate with.
    pub site: Option<String>,
    /// Where it stands or starts from.
    pub place: Option<Position>,
    /// How it looks (cameras).
    pub pose: Option<Pose>,
    /// Whose township it is in.
    pub township: Option<TownshipCode>,
    /// How often it promises to speak; `None`: as its kind does.
    pub cadence: Option<Duration>,
    /// The gateway that speaks for it; registered before.
    pub via: Option<DeviceId>,
    /// Its names in other systems.
    pub external: Vec<External>,
}

impl NewDevice {
    /// A device of which nothing else is known yet.
    pub fn new(id: DeviceId, kind: DeviceKind) -> Self {
        Self {
            id,
            kind,
            model: None,
            site: None,
            place: None,
            pose: None,
            township: None,
            cadence: None,
            via: None,
            external: Vec::new(),
        }
    }
}

impl Registry {
    /// Registers a device; its secret is not shown again.
    pub fn add_device(&self, device: NewDevice, by: &str) -> Result<Secret, RegistryError> {
        self.write(by, |change| {
            change.touch(Part::Devices)?;
            insert(change, &self.inner.key, &device)
        })
    }

    /// Registers many at once, all or none; a gateway stands before those it speaks for. Secrets in the same order.
    pub fn add_devices(&self, devices: &[NewDevice], by: &str) -> Result<Vec<Secret>, RegistryError> {
        self.write(by, |change| {
            change.touch(Part::Devices)?;
            devices.iter().map(|device| insert(change, &self.inner.key, device)).collect()
        })
    }

    /// Makes a new secret; the old one is refused from now on, in other processes from their next refresh.
    pub fn renew_credential(&self, device: &DeviceId, by: &str) -> Result<Secret, RegistryError> {
        let secret = Secret::random()?;
        let hash = credential_hash(&self.inner.key, device, secret.as_str());
        self.write(by, |change| {
            change.touch(Part::Devices)?;
            let rows = change.transaction.execute(
                "UPDATE device SET credential = ?2 WHERE id = ?1",
                params![device.as_str(), hash.as_slice()],
            )?;
            if rows == 0 {
                return Err(not_found(device));
            }
            change.audit(format!("device.renew_credential {device}"), None, None)
        })?;
        Ok(secret)
    }
}

pub(crate) fn not_found(device: &DeviceId) -> RegistryError {
    RegistryError::NotFound { what: "device", name: device.to_string() }
}

fn exists(connection: &Connection, device: &DeviceId) -> Result<bool, RegistryError> {
    Ok(connection
        .query_row("SELECT EXISTS (SELECT 1 FROM device WHERE id = ?1)", [device.as_str()], |row| row.get(0))?)
}

pub(crate) fn cadence_ms(cadence: Duration) -> i64 {
    i64::try_from(cadence.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn insert(change: &Change<'_>, key: &[u8; 32], device: &NewDevice) -> Result<Secret, RegistryError> {
    check_device_id(device.id.as_str())?;
    let external = checked(device)?;
    let transaction = change.transaction;
    if exists(transaction, &device.id)? {
        return Err(RegistryError::Exists { what: "device", name: device.id.to_string() });
    }
    if let Some(via) = &device.via
        && !exists(transaction, via)?
    {
        return Err(RegistryError::NotFound { what: "gateway", name: via.to_string() });
    }
    let count: i64 = transaction.query_row("SELECT count(*) FROM device", [], |row| row.get(0))?;
    if u64::try_from(count).unwrap_or(u64::MAX) >= MAX_DEVICES {
        return Err(RegistryError::Limit { what: "devices", limit: MAX_DEVICES });
    }
    let secret = Secret::random()?;
    let cadence = device.cadence.unwrap_or_else(|| device.kind.default_cadence());
    let pose = device.pose;
    transaction.execute(
        "INSERT INTO device (id, kind, lat_deg, lon_deg, height_m, yaw_deg, pitch_deg, hfov_deg, township, cadence_ms, via,
         disabled, registered_at_ms, credential, model, site)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?12, ?13, ?14, ?15)",
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
            cadence_ms(cadence),
            device.via.as_ref().map(DeviceId::as_str),
            change.now.as_millis(),
            credential_hash(key, &device.id, secret.as_str()).as_slice(),
            device.model,
            device.site,
        ],
    )?;
    for name in &external {
        insert_external(transaction, &device.id, name)?;
    }
    change.audit(format!("device.add {}", device.id), None, Some(shown(device, cadence, &external)))?;
    Ok(secret)
}

pub(crate) fn insert_external(
    connection: &Connection,
    device: &DeviceId,
    name: &External,
) -> Result<(), RegistryError> {
    let owner: Option<String> = connection
        .query_row("SELECT device FROM external WHERE system = ?1 AND id = ?2", [&name.system, &name.id], |row| {
            row.get(0)
        })
        .optional()?;
    if let Some(owner) = owner {
        return Err(RegistryError::ExternalTaken { system: name.system.clone(), id: name.id.clone(), device: owner });
    }
    connection.execute(
        "INSERT INTO external (system, id, device) VALUES (?1, ?2, ?3)",
        [&name.system, &name.id, device.as_str()],
    )?;
    Ok(())
}

/// What the audit says of a new device.
fn shown(device: &NewDevice, cadence: Duration, external: &[External]) -> serde_json::Value {
    json!({
        "kind": device.kind.as_str(),
        "model": device.model,
        "site": device.site,
        "place": device.place.map(|place| [place.lat_deg(), place.lon_deg()]),
        "pose": device.pose.map(|pose| [pose.height_m, pose.yaw_deg, pose.pitch_deg, pose.hfov_deg]),
        "township": device.township.as_ref().map(TownshipCode::as_str),
        "cadence_s": cadence.as_secs_f64(),
        "via": device.via.as_ref().map(DeviceId::as_str),
        "external": external.iter().map(|name| format!("{}={}", name.system, name.id)).collect::<Vec<_>>(),
    })
}

/// The device's external names in their normal form, when everything it states is possible.
pub(crate) fn checked(device: &NewDevice) -> Result<Vec<External>, RegistryError> {
    let invalid = |key, value: &str, remedy: &str| RegistryError::invalid(key, value, remedy);
    if let Some(cadence) = device.cadence
        && !CADENCE.contains(&cadence)
    {
        return Err(invalid("cadence", &format!("{cadence:?}"), "use 1 s to 7 days"));
    }
    if device.via.as_ref() == Some(&device.id) {
        return Err(invalid("via", device.id.as_str(), "a device cannot be its own gateway; leave it out"));
    }
    if let Some(pose) = device.pose {
        check_pose(pose)?;
    }
    if let Some(site) = &device.site {
        check_site(site)?;
    }
    if let Some(model) = &device.model
        && (model.trim().is_empty() || model.chars().count() > MAX_MODEL_CHARS)
    {
        return Err(invalid("model", model, "write make and model in 1 to 64 characters"));
    }
    if device.external.len() > MAX_EXTERNALS {
        let count = device.external.len().to_string();
        return Err(invalid("external", &count, &format!("state at most {MAX_EXTERNALS} identities")));
    }
    let mut external: Vec<External> = Vec::new();
    for name in &device.external {
        let name = checked_external(name)?;
        if external.contains(&name) {
            return Err(invalid("external", &format!("{}={}", name.system, name.id), "state each identity once"));
        }
        external.push(name);
    }
    Ok(external)
}

fn check_pose(pose: Pose) -> Result<(), RegistryError> {
    let fields = [
        ("pose.height_m", pose.height_m, 0.0, 9_000.0, "use 0 to 9000 metres above the ground"),
        ("pose.yaw_deg", pose.yaw_deg, -360.0, 360.0, "use -360 to 360 degrees clockwise from true north"),
        ("pose.pitch_deg", pose.pitch_deg, -90.0, 90.0, "use -90 (down) to 90 (up) degrees"),
        ("pose.hfov_deg", pose.hfov_deg, 0.1, 360.0, "use 0.1 to 360 degrees"),
    ];
    for (key, value, least, most, remedy) in fields {
        // Not-a-number is in no range.
        if !(least..=most).contains(&value) {
            return Err(RegistryError::invalid(key, &value.to_string(), remedy));
        }
    }
    Ok(())
}

/// An EUI is written in either case; all other names are taken as they are.
pub(crate) fn normal_external_id<'a>(system: &str, id: &'a str) -> Cow<'a, str> {
    if system == "deveui" && id.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(id.to_ascii_lowercase());
    }
    Cow::Borrowed(id)
}

fn checked_external(name: &External) -> Result<External, RegistryError> {
    let id = normal_external_id(&name.system, &name.id);
    let digits = id.bytes().all(|byte| byte.is_ascii_digit());
    let printable = (1..=128).contains(&id.len()) && !id.chars().any(|c| c.is_control() || c.is_whitespace());
    let (fits, remedy) = match name.system.as_str() {
        "dji" => (printable, "use the serial number, 1 to 128 characters without spaces"),
        "frigate" => (printable, "use the camera's name, 1 to 128 characters without spaces"),
        "mavlink" => (digits && id.parse::<u8>().is_ok_and(|n| n > 0), "use the system id, 1 to 255"),
        "gb28181" => (digits && id.len() == 20, "use 20 digits"),
        "deveui" => (id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "use 16 hexadecimal digits"),
        "hj212" => (printable && id.len() <= 64, "use the MN, 1 to 64 characters without spaces"),
        "isapi" => {
            (printable && id.len() <= 64, "use a user's name, or recorder/channel, 1 to 64 characters without spaces")
        }
        "imei" => (digits && id.len() == 15, "use 15 digits"),
        other => {
            return Err(RegistryError::invalid(
                "external",
                other,
                "use dji, mavlink, gb28181, deveui, frigate, hj212, isapi or imei",
            ));
        }
    };
    if !fits {
        return Err(RegistryError::invalid("external", &format!("{}={}", name.system, name.id), remedy));
    }
    // `007` and `7` are one MAVLink system.
    let id = if name.system == "mavlink" { id.trim_start_matches('0').to_owned() } else { id.into_owned() };
    Ok(External { system: name.system.clone(), id })
}

const FIELDS: &str =
    "id, kind, lat_deg, lon_deg, height_m, yaw_deg, pitch_deg, hfov_deg, township, cadence_ms, via, disabled,
    registered_at_ms, quarantined, model, site";

/// One device, if it is registered.
pub(crate) fn find(connection: &Connection, id: &DeviceId) -> Result<Option<Device>, RegistryError> {
    let mut query =
        connection.prepare_cached("SELECT system, id FROM external WHERE device = ?1 ORDER BY system, id")?;
    let names = query.query_map([id.as_str()], |row| Ok(External { system: row.get(0)?, id: row.get(1)? }))?;
    let names = names.collect::<Result<Vec<_>, _>>()?;
    let mut query = connection.prepare_cached(&format!("SELECT {FIELDS} FROM device WHERE id = ?1"))?;
    let found = query.query_row([id.as_str()], |row| Ok(device(row, id.as_str(), names))).optional()?;
    let corrupt = || RegistryError::corrupt("device", id.as_str());
    found.map(|device| device?.ok_or_else(corrupt)).transpose()
}

/// Every device and what its secret hashes to.
pub(crate) fn load(connection: &Connection) -> Result<(BTreeMap<DeviceId, Device>, Credentials), RegistryError> {
    let mut names: HashMap<String, Vec<External>> = HashMap::new();
    let mut query = connection.prepare("SELECT device, system, id FROM external ORDER BY device, system, id")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        names.entry(row.get(0)?).or_default().push(External { system: row.get(1)?, id: row.get(2)? });
    }
    let mut devices = BTreeMap::new();
    let mut credentials = HashMap::new();
    let mut query = connection.prepare(&format!("SELECT {FIELDS}, credential FROM device"))?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let external = names.remove(&id).unwrap_or_default();
        let device = device(row, &id, external)?.ok_or_else(|| RegistryError::corrupt("device", id.as_str()))?;
        let hash: Vec<u8> = row.get("credential")?;
        let hash = <[u8; 32]>::try_from(hash).map_err(|_| RegistryError::corrupt("device", id.as_str()))?;
        credentials
            .insert(device.id.clone(), Credential { hash, disabled: device.disabled, quarantined: device.quarantined });
        devices.insert(device.id.clone(), device);
    }
    Ok((devices, Credentials(credentials)))
}

/// `None` for a row that no version of this program wrote.
fn device(row: &Row<'_>, id: &str, external: Vec<External>) -> Result<Option<Device>, RegistryError> {
    let place = match (row.get::<_, Option<f64>>(2)?, row.get::<_, Option<f64>>(3)?) {
        (Some(lat_deg), Some(lon_deg)) => Position::parse(lat_deg, lon_deg).ok(),
        _ => None,
    };
    let pose = match (row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?) {
        (Some(height_m), Some(yaw_deg), Some(pitch_deg), Some(hfov_deg)) => {
            Some(Pose { height_m, yaw_deg, pitch_deg, hfov_deg })
        }
        _ => None,
    };
    let (kind, township, via): (String, Option<String>, Option<String>) = (row.get(1)?, row.get(8)?, row.get(10)?);
    let (Ok(id), Some(kind), Ok(cadence_ms)) =
        (DeviceId::parse(id), DeviceKind::parse(&kind), u64::try_from(row.get::<_, i64>(9)?))
    else {
        return Ok(None);
    };
    let (Ok(township), Ok(via)) =
        (township.map(|code| TownshipCode::parse(&code)).transpose(), via.map(|via| DeviceId::parse(&via)).transpose())
    else {
        return Ok(None);
    };
    Ok(Some(Device {
        id,
        kind,
        model: row.get(14)?,
        site: row.get(15)?,
        place,
        pose,
        township,
        cadence: Duration::from_millis(cadence_ms),
        via,
        external,
        disabled: row.get(11)?,
        quarantined: row.get(13)?,
        registered_at: Timestamp::from_millis(row.get(12)?),
    }))
}
