//! Who changed what, in a chain that shows an edit.
//!
//! In: each change, inside its own transaction.   Out: [`AuditEntry`], newest first.
//! Never: a secret. `before` and `after` are JSON made by hand from the fields that may be shown.
//!
//! Each entry's hash covers the one before it and is keyed with the registry's key, so that whoever can write the file but
//! not read the key cannot forge a chain. Cutting off the newest entries leaves a chain that holds: a backup shows it.

use crate::load::Part;
use crate::{Registry, RegistryError};
use model::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place in the chain, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What was done, for example `device.add camera-1`.
    pub what: String,
    /// What was there before, as JSON.
    pub before: Option<String>,
    /// What is there now, as JSON.
    pub after: Option<String>,
    /// From which address, where it came over the network.
    pub address: Option<String>,
}

/// Which changes are asked for; what is not given does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only entries older than this one.
    pub before: Option<u64>,
    /// By whom, exactly.
    pub who: Option<String>,
    /// A part of what was done.
    pub what: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// A change in progress: its transaction, its author and its instant.
pub(crate) struct Change<'a> {
    pub(crate) transaction: &'a Transaction<'a>,
    pub(crate) now: Timestamp,
    key: &'a [u8; 32],
    by: &'a str,
    address: Option<&'a str>,
}

impl<'a> Change<'a> {
    pub(crate) fn new(
        transaction: &'a Transaction<'a>,
        key: &'a [u8; 32],
        now: Timestamp,
        (by, address): (&'a str, Option<&'a str>),
    ) -> Self {
        Self { transaction, now, key, by, address }
    }

    /// Who makes it.
    pub(crate) fn by(&self) -> &str {
        self.by
    }

    /// Says which part of the view this change touches; every change of a viewed table calls it.
    pub(crate) fn touch(&self, part: Part) -> Result<(), RegistryError> {
        self.transaction.execute(
            "INSERT INTO part (name, version) VALUES (?1, 1) ON CONFLICT (name) DO UPDATE SET version = version + 1",
            [part.as_str()],
        )?;
        Ok(())
    }

    /// Writes the entry of this change.
    pub(crate) fn audit(
        &self,
        what: String,
        before: Option<serde_json::Value>,
        after: Option<serde_json::Value>,
    ) -> Result<(), RegistryError> {
        let last: Option<(i64, Vec<u8>)> = self
            .transaction
            .query_row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let (seq, previous) = last.map_or((1, Vec::new()), |(seq, hash)| (seq + 1, hash));
        let entry = AuditEntry {
            seq: u64::try_from(seq).unwrap_or_default(),
            at: self.now,
            who: self.by.to_owned(),
            what,
            before: before.map(|json| json.to_string()),
            after: after.map(|json| json.to_string()),
            address: self.address.map(str::to_owned),
        };
        let hash = link(self.key, &previous, &entry);
        self.transaction.execute(
            "INSERT INTO audit (seq, at_ms, who, what, before, after, hash, address) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![seq, entry.at.as_millis(), entry.who, entry.what, entry.before, entry.after, hash, entry.address],
        )?;
        Ok(())
    }
}

/// The entry's hash. Lengths stand before the texts, so no two entries give the same bytes.
fn link(key: &[u8; 32], previous: &[u8], entry: &AuditEntry) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(b"audit");
    let mut field = |bytes: Option<&[u8]>| {
        hasher.update(&[u8::from(bytes.is_some())]);
        let bytes = bytes.unwrap_or_default();
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    field(Some(previous));
    field(Some(&entry.seq.to_le_bytes()));
    field(Some(&entry.at.as_millis().to_le_bytes()));
    field(Some(entry.who.as_bytes()));
    field(Some(entry.what.as_bytes()));
    field(entry.before.as_ref().map(String::as_bytes));
    field(entry.after.as_ref().map(String::as_bytes));
    // Entries from before addresses were kept have the hash that they had.
    if let Some(address) = &entry.address {
        field(Some(address.as_bytes()));
    }
    hasher.finalize().as_bytes().to_vec()
}

fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        seq: u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
        at: Timestamp::from_millis(row.get(1)?),
        who: row.get(2)?,
        what: row.get(3)?,
        before: row.get(4)?,
        after: row.get(5)?,
        address: row.get(6)?,
    })
}

impl Registry {
    /// The newest `limit` changes, newest first.
    pub fn audit(&self, limit: usize) -> Result<Vec<AuditEntry>, RegistryError> {
        self.find_in_audit(&AuditQuery::default(), limit)
    }

    /// The newest `limit` changes of those asked for, newest first.
    pub fn find_in_audit(&self, asked: &AuditQuery, limit: usize) -> Result<Vec<AuditEntry>, RegistryError> {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.read(|connection| {
            let mut query = connection.prepare(
                "SELECT seq, at_ms, who, what, before, after, address FROM audit
                 WHERE (?1 IS NULL OR seq < ?1) AND (?2 IS NULL OR who = ?2) AND (?3 IS NULL OR instr(what, ?3) > 0)
                 AND (?4 IS NULL OR at_ms >= ?4) AND (?5 IS NULL OR at_ms < ?5) ORDER BY seq DESC LIMIT ?6",
            )?;
            let rows = query.query_map(
                params![
                    asked.before.map(number),
                    asked.who,
                    asked.what,
                    asked.since.map(Timestamp::as_millis),
                    asked.until.map(Timestamp::as_millis),
                    i64::try_from(limit).unwrap_or(i64::MAX)
                ],
                entry,
            )?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Writes down what somebody did whose effect is kept elsewhere: a login, an operator's command.
    pub fn witness(&self, what: String, after: Option<serde_json::Value>, by: &str) -> Result<(), RegistryError> {
        self.write(by, |change| change.audit(what, None, after))
    }

    /// Walks the whole chain; the number of entries, or [`RegistryError::AuditBroken`] at the first that does not fit.
    pub fn verify_audit(&self) -> Result<u64, RegistryError> {
        self.read(|connection| {
            let mut query = connection
                .prepare("SELECT seq, at_ms, who, what, before, after, address, hash FROM audit ORDER BY seq")?;
            let mut rows = query.query([])?;
            let (mut count, mut previous) = (0, Vec::new());
            while let Some(row) = rows.next()? {
                let entry = entry(row)?;
                let hash: Vec<u8> = row.get(7)?;
                count += 1;
                if entry.seq != count || hash != link(&self.inner.key, &previous, &entry) {
                    return Err(RegistryError::AuditBroken { seq: count });
                }
                previous = hash;
            }
            Ok(count)
        })
    }
}
