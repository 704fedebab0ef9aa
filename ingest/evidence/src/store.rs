//! A folder of pictures, each named by the BLAKE3 hash of its content, and an index of what is known of them.
//!
//! In: a picture and what it is for.   Out: the same bytes, checked against their name; lists by camera.
//!
//! A file is on disk before its row is, so a row always has its file; a file without a row is a write that was cut off, and goes at
//! the next start. Bounded: when there is no room, the oldest pictures of cases that are over go first; where all cases are going on the
//! new picture is not kept, and the caller is told. Every call blocks on the disk.

use crate::recent::Looking;
use model::{DeviceId, IncidentId, Offset, Position, SnapshotId, Timestamp};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a write waits for another process that reads the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What is listed at most.
const LIST_MAX: usize = 1_000;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS picture (
        incident TEXT NOT NULL,
        device   TEXT NOT NULL,
        snapshot TEXT NOT NULL,
        why      TEXT NOT NULL,
        hash     TEXT NOT NULL,
        taken_at INTEGER NOT NULL,
        entry    INTEGER NOT NULL,
        bytes    INTEGER NOT NULL,
        lat REAL, lon REAL, height_m REAL, yaw_deg REAL, pitch_deg REAL, pan_deg REAL, zoom REAL,
        firmware TEXT,
        PRIMARY KEY (incident, device, snapshot)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS picture_hash ON picture (hash);
    CREATE INDEX IF NOT EXISTS picture_device ON picture (device, taken_at);
    PRAGMA user_version = 2;
";

/// Why evidence could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The disk: make room, or mend its rights.
    #[error("evidence folder {path} cannot be used", path = path.display())]
    Folder {
        /// Which file or folder.
        path: PathBuf,
        /// The system's complaint.
        source: io::Error,
    },
    /// The index.
    #[error("evidence index: {0}")]
    Index(#[from] rusqlite::Error),
    /// Somebody changed the file; what it holds is no evidence any more.
    #[error("evidence {hash} does not have the content of its name; the file was cut or edited")]
    Altered {
        /// Its name.
        hash: String,
    },
}

/// What a picture is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A case names it.
    Named,
    /// It came before the first that a case names.
    Before,
}

impl Why {
    /// As in the index and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Before => "before",
        }
    }
}

/// What is known of a picture that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// For which case.
    pub incident: IncidentId,
    /// Whose.
    pub device: DeviceId,
    /// As its camera names it.
    pub snapshot: SnapshotId,
    /// What for.
    pub why: Why,
    /// Of when.
    pub taken_at: Timestamp,
    /// Where it was in the journal.
    pub offset: Offset,
    /// Where its camera looked.
    pub looking: Looking,
    /// BLAKE3 of its content in hexadecimal; filled in by the store.
    pub hash: String,
    /// Its size; filled in by the store.
    pub bytes: u64,
}

/// What became of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is on disk now.
    New,
    /// It was there.
    Known,
    /// There is no room: everything that is kept belongs to cases that are going on.
    NoRoom,
}

/// The store; clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    index: Arc<Mutex<Connection>>,
    max_bytes: u64,
}

impl Store {
    /// Opens the folder, or makes it.
    pub fn open(folder: &Path, max_bytes: u64) -> Result<Self, EvidenceError> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        let index = Connection::open(folder.join("index.db"))?;
        index.busy_timeout(BUSY_TIMEOUT)?;
        index.pragma_update(None, "journal_mode", "WAL")?;
        index.pragma_update(None, "synchronous", "FULL")?;
        let version: i64 = index.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version == 1 {
            index.execute_batch("ALTER TABLE picture ADD COLUMN firmware TEXT")?;
        }
        index.execute_batch(SCHEMA)?;
        let store = Self { folder: folder.to_owned(), index: Arc::new(Mutex::new(index)), max_bytes };
        store.sweep()?;
        Ok(store)
    }

    /// Opens what is there for looking only. It sweeps nothing away: what looks like a write that was cut off may be one that the
    /// service beside us is about to finish.
    pub fn open_read_only(folder: &Path) -> Result<Self, EvidenceError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let index = Connection::open_with_flags(folder.join("index.db"), flags)?;
        index.busy_timeout(BUSY_TIMEOUT)?;
        Ok(Self { folder: folder.to_owned(), index: Arc::new(Mutex::new(index)), max_bytes: 0 })
    }

    /// Whether this picture is kept for this case.
    pub fn has(&self, incident: &IncidentId, device: &DeviceId, snapshot: &SnapshotId) -> Result<bool, EvidenceError> {
        let sql = "SELECT 1 FROM picture WHERE incident = ?1 AND device = ?2 AND snapshot = ?3";
        let key = params![incident.as_str(), device.as_str(), snapshot.as_str()];
        Ok(self.lock().query_row(sql, key, |_| Ok(())).optional()?.is_some())
    }

    /// Keeps a picture; on disk when it returns. `going_on` are the cases whose pictures may not go.
    pub fn keep(&self, item: &Item, jpeg: &[u8], going_on: &BTreeSet<IncidentId>) -> Result<Kept, EvidenceError> {
        if self.has(&item.incident, &item.device, &item.snapshot)? {
            return Ok(Kept::Known);
        }
        let hash = blake3::hash(jpeg).to_hex().to_string();
        let index = self.lock();
        let bytes = jpeg.len() as u64;
        let is_there = index.query_row("SELECT 1 FROM picture WHERE hash = ?1", [&hash], |_| Ok(())).optional()?;
        if is_there.is_none() {
            if !self.make_room(&index, bytes, going_on)? {
                return Ok(Kept::NoRoom);
            }
            self.write(&hash, jpeg)?;
        }
        let looking = &item.looking;
        index.execute(
            "INSERT INTO picture VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            params![
                item.incident.as_str(),
                item.device.as_str(),
                item.snapshot.as_str(),
                item.why.as_str(),
                hash,
                item.taken_at.as_millis(),
                signed(item.offset.0),
                signed(bytes),
                looking.position.map(|position| position.lat_deg()),
                looking.position.map(|position| position.lon_deg()),
                looking.height_m,
                looking.yaw_deg,
                looking.pitch_deg,
                looking.pan_deg,
                looking.zoom,
                looking.firmware.as_deref(),
            ],
        )?;
        Ok(Kept::New)
    }

    /// What is kept of a camera, the newest first.
    pub fn of_device(&self, device: &DeviceId, limit: usize) -> Result<Vec<Item>, EvidenceError> {
        let index = self.lock();
        let mut statement = index
            .prepare_cached("SELECT * FROM picture WHERE device = ?1 ORDER BY taken_at DESC, entry DESC LIMIT ?2")?;
        let rows = statement.query_map(params![device.as_str(), limit.min(LIST_MAX) as i64], read)?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// What is kept for a case, the oldest first.
    pub fn of_incident(&self, incident: &IncidentId) -> Result<Vec<Item>, EvidenceError> {
        let index = self.lock();
        let mut statement =
            index.prepare_cached("SELECT * FROM picture WHERE incident = ?1 ORDER BY taken_at, entry LIMIT ?2")?;
        let rows = statement.query_map(params![incident.as_str(), LIST_MAX as i64], read)?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// What is known of a content, once for each case.
    pub fn of_hash(&self, hash: &str) -> Result<Vec<Item>, EvidenceError> {
        let index = self.lock();
        let mut statement = index.prepare_cached("SELECT * FROM picture WHERE hash = ?1 LIMIT ?2")?;
        let rows = statement.query_map(params![hash, LIST_MAX as i64], read)?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// The content of this name, checked; `None` where nothing of that name is kept.
    pub fn content(&self, hash: &str) -> Result<Option<Vec<u8>>, EvidenceError> {
        // Only what the index knows is looked for on disk: a name from outside never becomes a path.
        if self.of_hash(hash)?.is_empty() {
            return Ok(None);
        }
        let path = self.path(hash);
        let content = fs::read(&path).map_err(at(&path))?;
        if blake3::hash(&content).to_hex().as_str() != hash {
            return Err(EvidenceError::Altered { hash: hash.to_owned() });
        }
        Ok(Some(content))
    }

    /// Bytes that are kept.
    pub fn bytes(&self) -> Result<u64, EvidenceError> {
        total(&self.lock())
    }

    fn make_room(
        &self,
        index: &Connection,
        wanted: u64,
        going_on: &BTreeSet<IncidentId>,
    ) -> Result<bool, EvidenceError> {
        while total(index)?.saturating_add(wanted) > self.max_bytes {
            let oldest: Vec<(String, String)> = index
                .prepare_cached(
                    "SELECT hash, group_concat(incident) FROM picture GROUP BY hash ORDER BY max(taken_at)",
                )?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            let is_held =
                |incidents: &str| incidents.split(',').any(|id| going_on.iter().any(|held| held.as_str() == id));
            let Some((hash, _)) = oldest.into_iter().find(|(_, incidents)| !is_held(incidents)) else {
                return Ok(false);
            };
            index.execute("DELETE FROM picture WHERE hash = ?1", [&hash])?;
            let path = self.path(&hash);
            fs::remove_file(&path).map_err(at(&path))?;
        }
        Ok(true)
    }

    /// Whole or not at all, also when the power goes.
    fn write(&self, hash: &str, jpeg: &[u8]) -> Result<(), EvidenceError> {
        let path = self.path(hash);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).map_err(at(folder))?;
        let new = path.with_extension("new");
        let written = File::create(&new).and_then(|mut file| file.write_all(jpeg).and_then(|()| file.sync_all()));
        written.and_then(|()| fs::rename(&new, &path)).map_err(at(&path))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
    }

    fn path(&self, hash: &str) -> PathBuf {
        picture(&self.folder, hash)
    }

    /// Lets go of files that no row names.
    fn sweep(&self) -> Result<(), EvidenceError> {
        let index = self.lock();
        let mut known = index.prepare("SELECT 1 FROM picture WHERE hash = ?1")?;
        for folder in fs::read_dir(&self.folder).map_err(at(&self.folder))? {
            let folder = folder.map_err(at(&self.folder))?.path();
            if !folder.is_dir() {
                continue;
            }
            for file in fs::read_dir(&folder).map_err(at(&folder))? {
                let file = file.map_err(at(&folder))?.path();
                let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let hash = name.strip_suffix(".jpg");
                if !hash.is_some_and(|hash| known.exists([hash]).unwrap_or(true)) {
                    fs::remove_file(&file).map_err(at(&file))?;
                }
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the picture of a name lies.
pub(crate) fn picture(folder: &Path, hash: &str) -> PathBuf {
    folder.join(hash.get(..2).unwrap_or("--")).join(format!("{hash}.jpg"))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> EvidenceError + use<> {
    let path = path.to_owned();
    move |source| EvidenceError::Folder { path, source }
}

/// Each content counts once, for how many cases it may be kept.
fn total(index: &Connection) -> Result<u64, EvidenceError> {
    let sql = "SELECT coalesce(sum(bytes), 0) FROM (SELECT max(bytes) AS bytes FROM picture GROUP BY hash)";
    let bytes: i64 = index.query_row(sql, [], |row| row.get(0))?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// `None` for a row that we did not write.
fn read(row: &Row<'_>) -> Result<Option<Item>, rusqlite::Error> {
    let text = |column: &str| row.get::<_, String>(column);
    let why = match text("why")?.as_str() {
        "before" => Why::Before,
        _ => Why::Named,
    };
    let place = (row.get::<_, Option<f64>>("lat")?, row.get::<_, Option<f64>>("lon")?);
    let looking = Looking {
        position: match place {
            (Some(lat), Some(lon)) => Position::parse(lat, lon).ok(),
            _ => None,
        },
        height_m: row.get("height_m")?,
        yaw_deg: row.get("yaw_deg")?,
        pitch_deg: row.get("pitch_deg")?,
        pan_deg: row.get("pan_deg")?,
        zoom: row.get("zoom")?,
        firmware: row.get::<_, Option<String>>("firmware")?.map(Arc::from),
    };
    let names = (
        IncidentId::parse(&text("incident")?),
        DeviceId::parse(&text("device")?),
        SnapshotId::parse(&text("snapshot")?),
    );
    let (Ok(incident), Ok(device), Ok(snapshot)) = names else { return Ok(None) };
    Ok(Some(Item {
        incident,
        device,
        snapshot,
        why,
        taken_at: Timestamp::from_millis(row.get("taken_at")?),
        offset: Offset(u64::try_from(row.get::<_, i64>("entry")?).unwrap_or(0)),
        looking,
        hash: text("hash")?,
        bytes: u64::try_from(row.get::<_, i64>("bytes")?).unwrap_or(0),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(incident: &str, snapshot: &str, at_ms: i64) -> Item {
        Item {
            incident: IncidentId::parse(incident).unwrap(),
            device: DeviceId::parse("cam-1").unwrap(),
            snapshot: SnapshotId::parse(snapshot).unwrap(),
            why: Why::Before,
            taken_at: Timestamp::from_millis(at_ms),
            offset: Offset(7),
            looking: Looking {
                position: Position::parse(43.3, 117.5).ok(),
                pitch_deg: Some(-20.0),
                firmware: Some("V5.7.3".into()),
                ..Looking::default()
            },
            hash: String::new(),
            bytes: 0,
        }
    }

    fn none() -> BTreeSet<IncidentId> {
        BTreeSet::new()
    }

    fn kept(store: &Store) -> Vec<String> {
        let items = store.of_device(&DeviceId::parse("cam-1").unwrap(), 100).unwrap();
        items.into_iter().map(|item| item.snapshot.as_str().to_owned()).collect()
    }

    #[test]
    fn what_is_kept_is_there_after_a_restart_with_all_that_is_known_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1_000).unwrap();
        assert_eq!(store.keep(&item("i-1", "s-1", 5), b"picture", &none()).unwrap(), Kept::New);
        assert_eq!(store.keep(&item("i-1", "s-1", 5), b"picture", &none()).unwrap(), Kept::Known);
        drop(store);
        let store = Store::open(folder.path(), 1_000).unwrap();
        let hash = blake3::hash(b"picture").to_hex().to_string();
        let want = Item { hash: hash.clone(), bytes: 7, ..item("i-1", "s-1", 5) };
        assert_eq!(store.of_device(&DeviceId::parse("cam-1").unwrap(), 10).unwrap(), [want]);
        assert_eq!(store.content(&hash).unwrap().as_deref(), Some(&b"picture"[..]));
        assert_eq!(store.content("../../etc/passwd").unwrap(), None);
    }

    #[test]
    fn an_index_of_the_first_version_learns_of_firmware_and_keeps_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1_000).unwrap();
        store.keep(&item("i-1", "s-1", 5), b"picture", &none()).unwrap();
        drop(store);
        let index = Connection::open(folder.path().join("index.db")).unwrap();
        index.execute_batch("ALTER TABLE picture DROP COLUMN firmware; PRAGMA user_version = 1;").unwrap();
        drop(index);
        for _start in 0..2 {
            let store = Store::open(folder.path(), 1_000).unwrap();
            let items = store.of_incident(&IncidentId::parse("i-1").unwrap()).unwrap();
            assert_eq!((items.len(), &items[0].looking.firmware), (1, &None));
        }
        let store = Store::open(folder.path(), 1_000).unwrap();
        store.keep(&item("i-1", "s-2", 6), b"another", &none()).unwrap();
        let items = store.of_incident(&IncidentId::parse("i-1").unwrap()).unwrap();
        assert_eq!(items[1].looking.firmware.as_deref(), Some("V5.7.3"));
    }

    #[test]
    fn without_room_the_oldest_picture_of_a_case_that_is_over_goes_and_never_one_of_a_case_that_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 30).unwrap();
        let going_on = BTreeSet::from([IncidentId::parse("i-1").unwrap()]);
        for (incident, snapshot, at_ms, content) in [
            ("i-1", "s-1", 1, b"ten bytes1"),
            ("i-2", "s-2", 2, b"ten bytes2"),
            ("i-2", "s-3", 3, b"ten bytes3"),
            ("i-1", "s-4", 4, b"ten bytes4"),
        ] {
            assert_eq!(store.keep(&item(incident, snapshot, at_ms), content, &going_on).unwrap(), Kept::New);
        }
        assert_eq!(kept(&store), ["s-4", "s-3", "s-1"]);
        assert_eq!(store.keep(&item("i-1", "s-5", 5), b"ten bytes5", &going_on).unwrap(), Kept::New);
        assert_eq!(store.keep(&item("i-1", "s-6", 6), b"ten bytes6", &going_on).unwrap(), Kept::NoRoom);
        assert_eq!((kept(&store), store.bytes().unwrap()), (vec!["s-5".into(), "s-4".into(), "s-1".into()], 30));
    }

    #[test]
    fn a_content_is_on_disk_once_and_one_that_was_edited_is_no_evidence() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1_000).unwrap();
        for incident in ["i-1", "i-2"] {
            store.keep(&item(incident, "s-1", 5), b"picture", &none()).unwrap();
        }
        let hash = blake3::hash(b"picture").to_hex().to_string();
        assert_eq!((store.bytes().unwrap(), store.of_hash(&hash).unwrap().len()), (7, 2));
        fs::write(store.path(&hash), b"pictura").unwrap();
        assert!(matches!(store.content(&hash), Err(EvidenceError::Altered { .. })));
    }

    #[test]
    fn who_only_looks_sees_what_is_kept_and_takes_no_write_of_another_away() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Store::open_read_only(folder.path()).is_err(), "it makes no folder of pictures");
        let store = Store::open(folder.path(), 1_000).unwrap();
        store.keep(&item("i-1", "s-1", 5), b"picture", &none()).unwrap();
        let unfinished = store.path(&blake3::hash(b"other").to_hex());
        fs::create_dir_all(unfinished.parent().unwrap()).unwrap();
        fs::write(&unfinished, b"other").unwrap();
        let looking = Store::open_read_only(folder.path()).unwrap();
        let kept = looking.of_incident(&IncidentId::parse("i-1").unwrap()).unwrap();
        assert_eq!(looking.content(&kept[0].hash).unwrap().unwrap(), b"picture");
        assert!(unfinished.exists() && looking.keep(&item("i-1", "s-2", 6), b"more", &none()).is_err());
    }

    #[test]
    fn a_write_that_was_cut_off_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1_000).unwrap();
        store.keep(&item("i-1", "s-1", 5), b"picture", &none()).unwrap();
        let hash = blake3::hash(b"picture").to_hex().to_string();
        let torn = store.path(&hash).with_extension("new");
        let nameless = store.path(&blake3::hash(b"other").to_hex());
        fs::create_dir_all(nameless.parent().unwrap()).unwrap();
        for file in [&torn, &nameless] {
            fs::write(file, b"pic").unwrap();
        }
        let store = Store::open(folder.path(), 1_000).unwrap();
        assert!(!torn.exists() && !nameless.exists() && store.content(&hash).unwrap().is_some());
    }
}
