//! The tail's file: the log of batches, the chunks they become, and how both come back into memory.
//!
//! In: packed rows. Out: the same. A batch is a blob of rows as they came: name of the device (a length byte before it), group, packed
//! row. A chunk is a blob of one part's packed rows. `taken` says up to which batch the rows of a part are in blocks already.

use super::memory::{Chunk, Memory, Part};
use crate::day::Day;
use crate::packed::chunk as first_bytes;
use crate::row::{Group, Row};
use crate::sqlite::Kind;
use model::DeviceId;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::BTreeMap;

pub(super) const KIND: Kind = Kind {
    journal_mode: "WAL",
    page_bytes: 8_192,
    // `batch` never gives a number twice, since `taken` refers to them: the next one is beyond both.
    schema: "
    CREATE TABLE IF NOT EXISTS batch (sequence INTEGER PRIMARY KEY, since_ms INTEGER NOT NULL, body BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS chunk (
        id INTEGER PRIMARY KEY, device TEXT NOT NULL, kind INTEGER NOT NULL, day INTEGER NOT NULL, start_ms INTEGER NOT NULL,
        last_ms INTEGER NOT NULL, row_count INTEGER NOT NULL, since_ms INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS chunk_body (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS taken (
        device TEXT NOT NULL, kind INTEGER NOT NULL, day INTEGER NOT NULL, batch INTEGER NOT NULL, PRIMARY KEY (device, kind, day)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS last_position (
        device TEXT PRIMARY KEY, ts_ms INTEGER NOT NULL, entry INTEGER NOT NULL, cells BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY CHECK (one = 1), entry INTEGER NOT NULL);
    INSERT OR IGNORE INTO cursor VALUES (1, 0);",
};

/// Rows of one batch that the old form is brought into.
const OLD_ROWS_AT_ONCE: usize = 10_000;

/// Puts a row at the end of a batch's body; the packed row is what was added from the returned place on.
pub(super) fn push(body: &mut Vec<u8>, device: &DeviceId, group: Group, row: &Row) -> usize {
    let name = device.as_str().as_bytes();
    // A name has at most 64 bytes.
    body.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    body.extend_from_slice(name);
    body.push(u8::try_from(group.code()).unwrap_or(u8::MAX));
    let packed_from = body.len();
    row.pack(body);
    packed_from
}

/// Takes the first row of a batch's body: device, group, row and its packed form.
fn take<'a>(body: &mut &'a [u8]) -> Option<(DeviceId, Group, Row, &'a [u8])> {
    let [length] = first_bytes(body)?;
    let (name, rest) = body.split_at_checked(usize::from(length))?;
    *body = rest;
    let [group] = first_bytes(body)?;
    let before = *body;
    let row = Row::unpack(body)?;
    let packed = before.get(..before.len() - body.len())?;
    let device = DeviceId::parse(std::str::from_utf8(name).ok()?).ok()?;
    Some((device, Group::from_code(i64::from(group))?, row, packed))
}

/// Rows of a chunk, in the order they were written; `None` if the bytes are not what was packed.
pub(super) fn unpack(mut body: &[u8], rows: &mut Vec<Row>) -> Option<()> {
    while !body.is_empty() {
        rows.push(Row::unpack(&mut body)?);
    }
    Some(())
}

/// Everything that the file holds; `None` if something in it is not what was written.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<Option<Memory>> {
    let mut memory = Memory::default();
    let Some(()) = load_last_positions(connection, &mut memory)? else { return Ok(None) };
    let Some(()) = load_chunks(connection, &mut memory)? else { return Ok(None) };
    let Some(taken) = load_taken(connection)? else { return Ok(None) };
    // The log may be empty: its next number is still a new one.
    memory.batch = taken.values().copied().max().unwrap_or(0);
    let mut select = connection.prepare("SELECT sequence, since_ms, body FROM batch ORDER BY sequence")?;
    let mut batches = select.query([])?;
    while let Some(batch) = batches.next()? {
        let (sequence, since_ms): (i64, i64) = (batch.get(0)?, batch.get(1)?);
        let mut body = batch.get_ref(2)?.as_blob()?;
        memory.batch = memory.batch.max(sequence);
        while !body.is_empty() {
            let Some((device, group, row, packed)) = take(&mut body) else { return Ok(None) };
            let day = Day::of(model::Timestamp::from_millis(row.ts_ms));
            let part = Part { day, device, group };
            if taken.get(&part).is_some_and(|up_to| sequence <= *up_to) {
                memory.know_device(&part.device);
                memory.keep_last(&part.device, group, &row);
            } else {
                memory.add_row(&part.device, group, &row, packed, since_ms);
            }
        }
    }
    Ok(Some(memory))
}

fn load_last_positions(connection: &Connection, memory: &mut Memory) -> rusqlite::Result<Option<()>> {
    let mut select = connection.prepare("SELECT device, ts_ms, entry, cells FROM last_position")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let device = DeviceId::parse(row.get_ref(0)?.as_str()?).ok();
        let last = Row::from_bytes(row.get(1)?, row.get(2)?, row.get_ref(3)?.as_blob()?);
        let (Some(device), Some(last)) = (device, last) else { return Ok(None) };
        memory.know_last(device, last);
    }
    Ok(Some(()))
}

fn part_of(row: &rusqlite::Row<'_>, from: usize) -> rusqlite::Result<Option<Part>> {
    let device = DeviceId::parse(row.get_ref(from)?.as_str()?).ok();
    let (group, day) = (Group::from_code(row.get(from + 1)?), Day::from_number(row.get(from + 2)?));
    Ok(device.zip(group).map(|(device, group)| Part { day, device, group }))
}

fn load_chunks(connection: &Connection, memory: &mut Memory) -> rusqlite::Result<Option<()>> {
    let mut select = connection
        .prepare("SELECT id, device, kind, day, start_ms, last_ms, row_count, since_ms FROM chunk ORDER BY id")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let Some(part) = part_of(row, 1)? else { return Ok(None) };
        let row_count = usize::try_from(row.get::<_, i64>(6)?).unwrap_or(0);
        let chunk = Chunk { id: row.get(0)?, start_ms: row.get(4)?, last_ms: row.get(5)?, row_count };
        memory.add_chunk(&part, chunk, row.get(7)?);
    }
    Ok(Some(()))
}

fn load_taken(connection: &Connection) -> rusqlite::Result<Option<BTreeMap<Part, i64>>> {
    let mut select = connection.prepare("SELECT device, kind, day, batch FROM taken")?;
    let each = select.query_map([], |row| Ok(part_of(row, 0)?.zip(Some(row.get(3)?))))?;
    each.collect()
}

/// Whether it still holds the rows of format 1.
pub(super) fn is_old(connection: &Connection) -> rusqlite::Result<bool> {
    let old = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'unsealed'";
    Ok(connection.query_row(old, [], |_| Ok(())).optional()?.is_some())
}

/// Brings the rows of a file of format 1, which held each by itself, into the log.
pub(super) fn bring_up(transaction: &Transaction<'_>) -> rusqlite::Result<Option<()>> {
    if !is_old(transaction)? {
        return Ok(Some(()));
    }
    {
        let mut select = transaction.prepare("SELECT device, kind, ts_ms, entry, cells FROM unsealed")?;
        let mut rows = select.query([])?;
        let (mut body, mut count, mut sequence) = (Vec::new(), 0, 1);
        while let Some(row) = rows.next()? {
            let device = DeviceId::parse(row.get_ref(0)?.as_str()?).ok();
            let old = Row::from_bytes(row.get(2)?, row.get(3)?, row.get_ref(4)?.as_blob()?);
            let (Some(device), Some(group), Some(old)) = (device, Group::from_code(row.get(1)?), old) else {
                return Ok(None);
            };
            push(&mut body, &device, group, &old);
            count += 1;
            if count == OLD_ROWS_AT_ONCE {
                insert_batch(transaction, sequence, 0, &body)?;
                (body, count, sequence) = (Vec::new(), 0, sequence + 1);
            }
        }
        if count > 0 {
            insert_batch(transaction, sequence, 0, &body)?;
        }
    }
    transaction.execute_batch("DROP TABLE unsealed; DROP TABLE part;")?;
    Ok(Some(()))
}

/// Puts a batch at the end of the log.
pub(super) fn insert_batch(
    transaction: &Transaction<'_>,
    sequence: i64,
    since_ms: i64,
    body: &[u8],
) -> rusqlite::Result<()> {
    transaction.prepare_cached("INSERT INTO batch VALUES (?1, ?2, ?3)")?.execute(params![sequence, since_ms, body])?;
    Ok(())
}

/// Its number.
pub(super) fn insert_chunk(
    transaction: &Transaction<'_>,
    part: &Part,
    (chunk, since_ms): (Chunk, i64),
    body: &[u8],
) -> rusqlite::Result<i64> {
    let row_count = i64::try_from(chunk.row_count).unwrap_or(i64::MAX);
    let (device, kind, day) = (part.device.as_str(), part.group.code(), part.day.number());
    let id = transaction
        .prepare_cached(
            "INSERT INTO chunk (device, kind, day, start_ms, last_ms, row_count, since_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .insert(params![device, kind, day, chunk.start_ms, chunk.last_ms, row_count, since_ms])?;
    transaction.prepare_cached("INSERT INTO chunk_body VALUES (?1, ?2)")?.execute(params![id, body])?;
    Ok(id)
}

pub(super) fn delete_chunk(transaction: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    transaction.prepare_cached("DELETE FROM chunk WHERE id = ?1")?.execute([id])?;
    transaction.prepare_cached("DELETE FROM chunk_body WHERE id = ?1")?.execute([id])?;
    Ok(())
}

pub(super) fn mark_taken(transaction: &Transaction<'_>, part: &Part, batch: i64) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO taken VALUES (?1, ?2, ?3, ?4)")?;
    insert.execute(params![part.device.as_str(), part.group.code(), part.day.number(), batch]).map(|_| ())
}

pub(super) fn save_last(transaction: &Transaction<'_>, last: &[(DeviceId, Row)]) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO last_position VALUES (?1, ?2, ?3, ?4)")?;
    last.iter().try_for_each(|(device, row)| {
        insert.execute(params![device.as_str(), row.ts_ms, row.offset, row.to_bytes()]).map(|_| ())
    })
}
