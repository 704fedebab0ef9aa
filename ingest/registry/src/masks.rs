//! Masks over what cameras see: proposed by a false alarm, applied by a person for a time, and kept for good.
//!
//! In: areas in which something was taken for an animal, and who applies, declines or withdraws which.   Out: [`MaskEntry`]s with
//! all their versions; in the view those that were ever applied.   Never: a change of a version that is written; a mask without
//! an end; one that applies itself.

use crate::audit::Change;
use crate::load::Part;
use crate::{Registry, RegistryError};
use model::{BoundingBox, DeviceId, IncidentId, Mask, MaskArea, Timestamp};
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// More false alarms than a season has.
pub const MAX_MASKS: u64 = 10_000;
/// For how long a mask holds if nobody says otherwise: by then the grass is of another height.
pub const MASK_DAYS: u16 = 90;
/// At most a year; then somebody looks again.
const DAYS: std::ops::RangeInclusive<u16> = 1..=366;
/// Masks that one false alarm proposes.
const PROPOSED_AT_ONCE: usize = 16;
const MAX_REASON_CHARS: usize = 500;

/// What became of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskState {
    /// A false alarm proposed it; it hides nothing.
    Proposed,
    /// A person applied it, until its time is up.
    Applied,
    /// A person did not want it.
    Declined,
    /// A person ended it before its time.
    Withdrawn,
}

impl MaskState {
    const ALL: [Self; 4] = [Self::Proposed, Self::Applied, Self::Declined, Self::Withdrawn];

    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Applied => "applied",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// `None` for a word that is no state.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A mask with all that was decided about it.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskEntry {
    /// Its number.
    pub id: u64,
    /// Whose view.
    pub device: DeviceId,
    /// Which part of it.
    pub area: MaskArea,
    /// The false alarm that proposed it.
    pub incident: IncidentId,
    /// How often something was seen there in it.
    pub times: u32,
    /// Oldest first; the first is the proposal.
    pub versions: Vec<MaskVersion>,
}

/// One decision about a mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskVersion {
    /// From 1.
    pub version: u32,
    /// What it is from then on.
    pub state: MaskState,
    /// In which time it hides what is there, if it ever does.
    pub holds: Option<(Timestamp, Timestamp)>,
    /// When that was decided.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl MaskEntry {
    /// What it is now.
    pub fn state(&self) -> MaskState {
        self.versions.last().map_or(MaskState::Proposed, |version| version.state)
    }

    /// The time in which it hides what is there, as was decided last; `None` if it never did.
    pub fn mask(&self) -> Option<Mask> {
        let (from, to) = self.versions.last()?.holds?;
        Some(Mask { id: self.id, device: self.device.clone(), area: self.area, from, to })
    }
}

impl Registry {
    /// Proposes masks for what a false alarm was made of; the numbers of those that are new. An area that is proposed or
    /// masked already is not proposed again, so asking twice is asking once.
    pub fn propose_masks(
        &self,
        incident: &IncidentId,
        areas: &[(DeviceId, MaskArea, u32)],
        by: &str,
    ) -> Result<Vec<u64>, RegistryError> {
        self.write(by, |change| {
            let known = entries(change.transaction)?;
            let stands = |entry: &&MaskEntry| match entry.state() {
                MaskState::Proposed => true,
                MaskState::Applied => entry.mask().is_some_and(|mask| mask.holds_at(change.now)),
                // What was declined or withdrawn may be proposed again, but by another false alarm.
                MaskState::Declined | MaskState::Withdrawn => entry.incident == *incident,
            };
            let mut proposed: Vec<(u64, DeviceId, MaskArea)> = Vec::new();
            for (device, area, times) in areas {
                let like = |other: &DeviceId, masked: &MaskArea| other == device && masked.is_same(area);
                if proposed.len() >= PROPOSED_AT_ONCE
                    || known.iter().filter(stands).any(|entry| like(&entry.device, &entry.area))
                    || proposed.iter().any(|(_, other, masked)| like(other, masked))
                {
                    continue;
                }
                if known.len().saturating_add(proposed.len()) >= usize::try_from(MAX_MASKS).unwrap_or(usize::MAX) {
                    return Err(RegistryError::Limit { what: "masks", limit: MAX_MASKS });
                }
                let id = propose(change, incident, (device, area, *times))?;
                proposed.push((id, device.clone(), *area));
            }
            if !proposed.is_empty() {
                let masks: Vec<_> =
                    proposed.iter().map(|(id, device, _)| json!({ "mask": id, "device": device.as_str() })).collect();
                change.audit(format!("mask.propose {incident}"), None, Some(json!(masks)))?;
            }
            Ok(proposed.into_iter().map(|(id, ..)| id).collect())
        })
    }

    /// Applies a proposed mask from now on, for so many days.
    pub fn apply_mask(&self, id: u64, days: u16, reason: &str, by: &str) -> Result<MaskEntry, RegistryError> {
        if !DAYS.contains(&days) {
            let remedy =
                format!("use {} to {}; a mask that is still needed then is applied anew", DAYS.start(), DAYS.end());
            return Err(RegistryError::invalid("days", &days.to_string(), remedy));
        }
        let life = Duration::from_secs(u64::from(days) * 86_400);
        self.decide(id, MaskState::Applied, reason, by, |entry, now| match entry.state() {
            MaskState::Proposed => Ok(Some((now, now.plus(life)))),
            other => Err(wrong(other)),
        })
    }

    /// Declines a proposed mask.
    pub fn decline_mask(&self, id: u64, reason: &str, by: &str) -> Result<MaskEntry, RegistryError> {
        self.decide(id, MaskState::Declined, reason, by, |entry, _now| match entry.state() {
            MaskState::Proposed => Ok(None),
            other => Err(wrong(other)),
        })
    }

    /// Ends a mask before its time. That it held until now stays known.
    pub fn withdraw_mask(&self, id: u64, reason: &str, by: &str) -> Result<MaskEntry, RegistryError> {
        self.decide(id, MaskState::Withdrawn, reason, by, |entry, now| match (entry.state(), entry.mask()) {
            (MaskState::Applied, Some(mask)) => Ok(Some((mask.from, mask.to.min(now)))),
            (other, _) => Err(wrong(other)),
        })
    }

    /// All masks, newest first.
    pub fn masks(&self) -> Result<Vec<MaskEntry>, RegistryError> {
        self.read(|connection| {
            let mut entries = entries(connection)?;
            entries.reverse();
            Ok(entries)
        })
    }

    fn decide(
        &self,
        id: u64,
        state: MaskState,
        reason: &str,
        by: &str,
        holds: impl FnOnce(&MaskEntry, Timestamp) -> Result<Option<(Timestamp, Timestamp)>, &'static str>,
    ) -> Result<MaskEntry, RegistryError> {
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > MAX_REASON_CHARS || reason.chars().any(char::is_control) {
            let remedy = format!("say why in 1 to {MAX_REASON_CHARS} characters");
            return Err(RegistryError::invalid("reason", reason, remedy));
        }
        self.write(by, |change| {
            let found = entries(change.transaction)?.into_iter().find(|entry| entry.id == id);
            let mut entry = found.ok_or(RegistryError::NotFound { what: "mask", name: id.to_string() })?;
            let holds = holds(&entry, change.now).map_err(|why| RegistryError::Mask { id, why })?;
            let version = MaskVersion {
                version: entry.versions.last().map_or(1, |version| version.version + 1),
                state,
                holds,
                at: change.now,
                by: change.by().to_owned(),
                reason: reason.to_owned(),
            };
            insert_version(change, id, &version)?;
            change.touch(Part::Masks)?;
            let after = json!({
                "device": entry.device.as_str(), "reason": reason,
                "to": version.holds.map(|(_, to)| to.to_rfc3339()),
            });
            change.audit(format!("mask.{} {id}", state.as_str()), None, Some(after))?;
            entry.versions.push(version);
            Ok(entry)
        })
    }
}

fn wrong(state: MaskState) -> &'static str {
    match state {
        MaskState::Proposed => "is only proposed; apply or decline it",
        MaskState::Applied => "is applied already; withdraw it to end it",
        MaskState::Declined => "was declined; the next false alarm there proposes another",
        MaskState::Withdrawn => "was withdrawn; the next false alarm there proposes another",
    }
}

/// An area as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum AreaRow {
    Picture { x: f64, y: f64, w: f64, h: f64 },
    Head { pan_deg: (f64, f64), tilt_deg: (f64, f64), zoom: f64 },
}

impl From<MaskArea> for AreaRow {
    fn from(area: MaskArea) -> Self {
        match area {
            MaskArea::Picture { bounding_box: BoundingBox { x, y, w, h } } => Self::Picture { x, y, w, h },
            MaskArea::Head { pan_deg, tilt_deg, zoom } => Self::Head { pan_deg, tilt_deg, zoom },
        }
    }
}

impl From<AreaRow> for MaskArea {
    fn from(row: AreaRow) -> Self {
        match row {
            AreaRow::Picture { x, y, w, h } => Self::Picture { bounding_box: BoundingBox { x, y, w, h } },
            AreaRow::Head { pan_deg, tilt_deg, zoom } => Self::Head { pan_deg, tilt_deg, zoom },
        }
    }
}

fn propose(
    change: &Change<'_>,
    incident: &IncidentId,
    (device, area, times): (&DeviceId, &MaskArea, u32),
) -> Result<u64, RegistryError> {
    let row =
        serde_json::to_string(&AreaRow::from(*area)).map_err(|_| RegistryError::corrupt("mask", device.as_str()))?;
    change.transaction.execute(
        "INSERT INTO mask (device, area, incident, times) VALUES (?1, ?2, ?3, ?4)",
        params![device.as_str(), row, incident.as_str(), times],
    )?;
    let id = u64::try_from(change.transaction.last_insert_rowid()).unwrap_or_default();
    let version = MaskVersion {
        version: 1,
        state: MaskState::Proposed,
        holds: None,
        at: change.now,
        by: change.by().to_owned(),
        reason: String::new(),
    };
    insert_version(change, id, &version)?;
    Ok(id)
}

fn insert_version(change: &Change<'_>, mask: u64, version: &MaskVersion) -> Result<(), RegistryError> {
    let (from, to) = version.holds.unzip();
    change.transaction.execute(
        "INSERT INTO mask_version (mask, version, state, from_ms, to_ms, at_ms, by_whom, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            i64::try_from(mask).unwrap_or(i64::MAX),
            version.version,
            version.state.as_str(),
            from.map(Timestamp::as_millis),
            to.map(Timestamp::as_millis),
            version.at.as_millis(),
            version.by,
            version.reason,
        ],
    )?;
    Ok(())
}

/// Those that were ever applied, for the view.
pub(crate) fn load(connection: &Connection) -> Result<Vec<Mask>, RegistryError> {
    Ok(entries(connection)?.iter().filter_map(MaskEntry::mask).collect())
}

/// All, oldest first.
fn entries(connection: &Connection) -> Result<Vec<MaskEntry>, RegistryError> {
    let mut query = connection.prepare(
        "SELECT m.id, m.device, m.area, m.incident, m.times, v.version, v.state, v.from_ms, v.to_ms, v.at_ms, v.by_whom, v.reason
         FROM mask m JOIN mask_version v ON v.mask = m.id ORDER BY m.id, v.version",
    )?;
    let mut rows = query.query([])?;
    let mut entries: Vec<MaskEntry> = Vec::new();
    while let Some(row) = rows.next()? {
        let id = u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default();
        if entries.last().is_none_or(|entry| entry.id != id) {
            entries.push(entry(id, row)?);
        }
        if let Some(entry) = entries.last_mut() {
            entry.versions.push(version(id, row)?);
        }
    }
    Ok(entries)
}

fn entry(id: u64, row: &Row<'_>) -> Result<MaskEntry, RegistryError> {
    let corrupt = || RegistryError::corrupt("mask", id.to_string());
    let (device, area, incident): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
    let area: AreaRow = serde_json::from_str(&area).map_err(|_| corrupt())?;
    Ok(MaskEntry {
        id,
        device: DeviceId::parse(&device).map_err(|_| corrupt())?,
        area: area.into(),
        incident: IncidentId::parse(&incident).map_err(|_| corrupt())?,
        times: row.get(4)?,
        versions: Vec::new(),
    })
}

fn version(id: u64, row: &Row<'_>) -> Result<MaskVersion, RegistryError> {
    let time = |index| -> Result<Option<Timestamp>, RegistryError> {
        Ok(row.get::<_, Option<i64>>(index)?.map(Timestamp::from_millis))
    };
    let state: String = row.get(6)?;
    Ok(MaskVersion {
        version: row.get(5)?,
        state: MaskState::parse(&state).ok_or_else(|| RegistryError::corrupt("mask", id.to_string()))?,
        holds: time(7)?.zip(time(8)?),
        at: Timestamp::from_millis(row.get(9)?),
        by: row.get(10)?,
        reason: row.get(11)?,
    })
}
