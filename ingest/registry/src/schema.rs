//! The tables, and how an older database becomes a current one.
//!
//! In: an open connection.   Out: the same, with every table of this version.   Never: a change of a migration that has
//! shipped; a new one is appended, and `PRAGMA user_version` counts them.

use crate::RegistryError;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// One entry per version; the first makes an empty file into version 1.
const MIGRATIONS: [&str; 7] = [V1, V2, V3, V4, V5, V6, V7];

const V1: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
-- How often each part of the view has changed: a process rereads only the parts that others touched.
CREATE TABLE part (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;
CREATE TABLE device (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, lat_deg REAL, lon_deg REAL,
    height_m REAL, yaw_deg REAL, pitch_deg REAL, hfov_deg REAL,
    township TEXT, cadence_ms INTEGER NOT NULL, via TEXT REFERENCES device (id),
    disabled INTEGER NOT NULL, registered_at_ms INTEGER NOT NULL, credential BLOB NOT NULL
) STRICT;
CREATE TABLE external (
    system TEXT NOT NULL, id TEXT NOT NULL, device TEXT NOT NULL REFERENCES device (id), PRIMARY KEY (system, id)
) STRICT;
CREATE INDEX external_of_device ON external (device);
-- Versions are never changed or removed; the geometry stands last so that a list of versions does not read it.
CREATE TABLE zone (
    id TEXT NOT NULL, version INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, land_class TEXT NOT NULL,
    township TEXT, in_force_from_ms INTEGER NOT NULL, known_from_ms INTEGER NOT NULL,
    vertices INTEGER NOT NULL, geometry BLOB NOT NULL, PRIMARY KEY (id, version)
) STRICT;
CREATE TABLE rule_set (version INTEGER PRIMARY KEY, text TEXT NOT NULL, known_from_ms INTEGER NOT NULL) STRICT;
CREATE TABLE subscriber (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, channel TEXT NOT NULL, url TEXT NOT NULL, secret TEXT NOT NULL,
    events TEXT NOT NULL, townships TEXT NOT NULL, zones TEXT NOT NULL, severity TEXT NOT NULL, duty TEXT,
    since_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE user (
    username TEXT PRIMARY KEY, password TEXT NOT NULL, roles TEXT NOT NULL, townships TEXT NOT NULL,
    since_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
    before TEXT, after TEXT, hash BLOB NOT NULL
) STRICT;
-- Against accidents; against malice there is the chain of keyed hashes.
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER zone_is_not_changed BEFORE UPDATE ON zone BEGIN SELECT RAISE(ABORT, 'zone versions are kept'); END;
CREATE TRIGGER zone_is_not_removed BEFORE DELETE ON zone BEGIN SELECT RAISE(ABORT, 'zone versions are kept'); END;
";

/// Devices that register themselves, and the keys with which they do.
const V2: &str = "
ALTER TABLE device ADD COLUMN quarantined INTEGER NOT NULL DEFAULT 0;
CREATE TABLE claim_key (
    name TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, kind TEXT, expires_at_ms INTEGER NOT NULL,
    uses INTEGER NOT NULL, used INTEGER NOT NULL, revoked INTEGER NOT NULL, made_at_ms INTEGER NOT NULL
) STRICT;
";

/// Zones that end, are repealed, and say by what document and decision they are; changes that wait for a second person. The
/// table of zones is written anew so that the geometry stays last in its rows.
const V3: &str = "
CREATE TABLE zone_new (
    id TEXT NOT NULL, version INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, land_class TEXT NOT NULL,
    township TEXT, enforcement_body TEXT, legal_basis TEXT NOT NULL, area_mu REAL, capacity INTEGER,
    in_force_from_ms INTEGER NOT NULL, in_force_to_ms INTEGER, known_from_ms INTEGER NOT NULL,
    reason TEXT NOT NULL, published_by TEXT NOT NULL, repealed INTEGER NOT NULL,
    vertices INTEGER NOT NULL, geometry BLOB NOT NULL, PRIMARY KEY (id, version)
) STRICT;
INSERT INTO zone_new SELECT id, version, name, kind, land_class, township, NULL, '', NULL, NULL,
    in_force_from_ms, NULL, known_from_ms, '', '', 0, vertices, geometry FROM zone;
DROP TABLE zone;
ALTER TABLE zone_new RENAME TO zone;
CREATE TRIGGER zone_is_not_changed BEFORE UPDATE ON zone BEGIN SELECT RAISE(ABORT, 'zone versions are kept'); END;
CREATE TRIGGER zone_is_not_removed BEFORE DELETE ON zone BEGIN SELECT RAISE(ABORT, 'zone versions are kept'); END;
-- A number is never given twice. The body stands last: it may be a file of megabytes.
CREATE TABLE proposal (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, terms TEXT NOT NULL, report TEXT NOT NULL,
    reason TEXT NOT NULL, proposed_by TEXT NOT NULL, proposed_at_ms INTEGER NOT NULL, state TEXT NOT NULL,
    decided_by TEXT, decided_at_ms INTEGER, remark TEXT, body TEXT NOT NULL
) STRICT;
CREATE INDEX proposal_by_state ON proposal (state, kind);
";

/// Households and the animals by which they are known; how to reach somebody stands apart, so that no list reads it. Masks over
/// what cameras see, whose versions are kept.
const V4: &str = "
CREATE TABLE household (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, township TEXT, stock TEXT NOT NULL, since_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE household_phone (household TEXT PRIMARY KEY REFERENCES household (id), phone TEXT NOT NULL) STRICT;
CREATE TABLE animal (
    kind TEXT NOT NULL, id TEXT NOT NULL, household TEXT NOT NULL REFERENCES household (id), PRIMARY KEY (kind, id)
) STRICT;
CREATE INDEX animal_of_household ON animal (household);
CREATE TABLE mask (
    id INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, area TEXT NOT NULL, incident TEXT NOT NULL, times INTEGER NOT NULL
) STRICT;
CREATE TABLE mask_version (
    mask INTEGER NOT NULL REFERENCES mask (id), version INTEGER NOT NULL, state TEXT NOT NULL, from_ms INTEGER, to_ms INTEGER,
    at_ms INTEGER NOT NULL, by_whom TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (mask, version)
) STRICT;
CREATE TRIGGER mask_is_not_changed BEFORE UPDATE ON mask BEGIN SELECT RAISE(ABORT, 'masks are kept'); END;
CREATE TRIGGER mask_is_not_removed BEFORE DELETE ON mask BEGIN SELECT RAISE(ABORT, 'masks are kept'); END;
CREATE TRIGGER mask_version_is_not_changed BEFORE UPDATE ON mask_version BEGIN SELECT RAISE(ABORT, 'masks are kept'); END;
CREATE TRIGGER mask_version_is_not_removed BEFORE DELETE ON mask_version BEGIN SELECT RAISE(ABORT, 'masks are kept'); END;
";

/// What a device is and shares its fate with; times in which somebody works on devices; planned patrols.
const V5: &str = "
ALTER TABLE device ADD COLUMN model TEXT;
ALTER TABLE device ADD COLUMN site TEXT;
-- A number is never given twice.
CREATE TABLE maintenance (
    id INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL, name TEXT NOT NULL, from_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL, reason TEXT NOT NULL, by_whom TEXT NOT NULL
) STRICT;
CREATE INDEX maintenance_until ON maintenance (until_ms);
ALTER TABLE subscriber ADD COLUMN phone TEXT;
ALTER TABLE subscriber ADD COLUMN language TEXT NOT NULL DEFAULT 'zh';
-- Where patrols are to go, as longitude and latitude of 1e-7 degrees; and whose duty to be out a device's patrols count for.
CREATE TABLE patrol_route (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, township TEXT, device TEXT, reach_m REAL NOT NULL, duty TEXT, line TEXT NOT NULL
) STRICT;
CREATE TABLE patrol_role (device TEXT NOT NULL REFERENCES device (id), duty TEXT NOT NULL, PRIMARY KEY (device, duty)) STRICT;
";

/// Who is told of what when, and duty tables; links in messages that were used; a secret's successor.
const V6: &str = "
ALTER TABLE subscriber ADD COLUMN zone_kinds TEXT NOT NULL DEFAULT '[]';
ALTER TABLE subscriber ADD COLUMN land_classes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE subscriber ADD COLUMN authorities TEXT NOT NULL DEFAULT '[]';
ALTER TABLE subscriber ADD COLUMN after_s INTEGER;
ALTER TABLE subscriber ADD COLUMN quiet TEXT;
ALTER TABLE subscriber ADD COLUMN off TEXT;
ALTER TABLE subscriber ADD COLUMN old_secret TEXT;
ALTER TABLE subscriber ADD COLUMN old_secret_until_ms INTEGER;
CREATE TABLE roster_shift (
    roster TEXT NOT NULL, subscriber TEXT NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE, from_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL, PRIMARY KEY (roster, from_ms, subscriber)
) STRICT;
CREATE TABLE used_link (delivery TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE listener (subscriber TEXT PRIMARY KEY, credential BLOB NOT NULL) STRICT;
";

/// People who may no longer look, second factors, tokens of programs, words for the next shift; and from where a
/// change came.
const V7: &str = "
ALTER TABLE user ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;
-- The secret in force, one that waits for its first code, and the last step of 30 s whose code was used.
ALTER TABLE user ADD COLUMN factor BLOB;
ALTER TABLE user ADD COLUMN factor_new BLOB;
ALTER TABLE user ADD COLUMN factor_step INTEGER NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN address TEXT;
-- A number is never given twice.
CREATE TABLE token (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, username TEXT NOT NULL REFERENCES user (username),
    hash BLOB NOT NULL UNIQUE, roles TEXT NOT NULL, expires_at_ms INTEGER NOT NULL, made_at_ms INTEGER NOT NULL,
    revoked INTEGER NOT NULL
) STRICT;
CREATE TABLE shift_note (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, by_whom TEXT NOT NULL, text TEXT NOT NULL
) STRICT;
CREATE INDEX shift_note_at ON shift_note (at_ms);
";

/// Brings the database to this program's version, or refuses one that is newer. Two processes may do it at once: the
/// version is read inside the write lock.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), RegistryError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    if found < 0 || found > known {
        return Err(RegistryError::NewerSchema { path: path.to_owned(), found, known });
    }
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewClaimKey, Registry};
    use model::{Authority, Clock, DeviceId, DeviceKind, Timestamp};
    use std::time::Duration;

    #[test]
    fn a_registry_of_the_first_version_keeps_its_devices_and_zones_and_learns_of_claim_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registry.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(V1).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        old.execute_batch(
            "INSERT INTO device (id, kind, cadence_ms, disabled, registered_at_ms, credential) VALUES
             ('camera-1', 'camera', 60000, 0, 5, zeroblob(32)), ('camera-2', 'camera', 60000, 1, 6, zeroblob(32));
             INSERT INTO zone (id, version, name, kind, land_class, in_force_from_ms, known_from_ms, vertices, geometry)
             VALUES ('zone-1', 1, '一号', 'forest', 'forest', 10, 7, 3, X'00000000'),
             ('zone-1', 2, '一号', 'forest', 'forest', 20, 8, 3, X'00000000')",
        )
        .unwrap();
        drop(old);
        for _start in 0..2 {
            let registry = Registry::open(&path, Clock::system()).unwrap();
            let view = registry.view().borrow().clone();
            let states: Vec<_> =
                view.devices.values().map(|device| (device.id.as_str(), device.disabled, device.quarantined)).collect();
            assert_eq!(states, [("camera-1", false, false), ("camera-2", true, false)]);
            let zone = view.zones.first().unwrap();
            assert_eq!((zone.version, zone.authority(), zone.in_force_to), (2, Authority::ForestryBureau, None));
            let then = registry.zones_as_of(Timestamp::from_millis(30), Timestamp::from_millis(7)).unwrap();
            assert_eq!(then.first().map(|zone| zone.version), Some(1));
        }
        let registry = Registry::open(&path, Clock::system()).unwrap();
        let new = NewClaimKey { name: "k".into(), kind: None, life: Duration::from_secs(3_600), uses: 1 };
        let (key, _) = registry.add_claim_key(&new, "li").unwrap();
        registry.claim(key.as_str(), &DeviceId::parse("sn-1").unwrap(), DeviceKind::Station).unwrap();
        let version: i64 =
            Connection::open(&path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, 7);
    }
}
