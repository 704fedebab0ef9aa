//! Compression of batches that were committed a while ago: many small ones become one packed row.
//!
//! In:  batches after a mark, as they were committed.   Out: [`Packed`] for the writer to put in their place.
//!
//! It runs on a thread of its own and never touches what is acknowledged next: the writer only swaps rows, in a commit that
//! it makes anyway. It changes no entry and no link, because the chain runs through the entries as they were said, so whoever
//! reads sees no difference. It never packs what does not fit the chain: damage stays where it is, to be found and named.

use super::batch::{Link, StoredBatch};
use super::line::Chore;
use super::store::{self, BATCH_COLUMNS};
use super::{OpenError, Shared, layout};
use crate::JournalError;
use crate::sql::Unsigned;
use model::{Offset, Timestamp};
use rusqlite::Connection;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use tokio::sync::oneshot;

/// How a compressed blob begins. Any other begins with the length of an entry, and none is of four thousand million bytes.
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// Measured in `docs/adr/0010`: higher levels cost three times the time for a tenth.
const LEVEL: i32 = 3;

/// A batch larger than this stays as it is, and a blob that claims to become larger is not believed. A commit takes 4 MiB and
/// what its last frame adds.
const UNPACKED_MAX_BYTES: usize = 64 * 1024 * 1024;

/// A batch ready to take the place of the ones that it was made of.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) first: Offset,
    pub(super) last: Offset,
    /// How many rows it replaces.
    pub(super) batches: u64,
    pub(super) received_first: Timestamp,
    pub(super) received_last: Timestamp,
    pub(super) before: Link,
    pub(super) after: Link,
    /// `None`: these are as small as they get (pictures), and stay.
    pub(super) blob: Option<Vec<u8>>,
}

pub(super) fn is_packed(blob: &[u8]) -> bool {
    blob.starts_with(&MAGIC)
}

/// Compresses, if that saves at least a tenth.
pub(super) fn pack(raw: &[u8]) -> Option<Vec<u8>> {
    let packed = zstd::bulk::compress(raw, LEVEL).ok()?;
    (raw.len() <= UNPACKED_MAX_BYTES && packed.len() < raw.len() / 10 * 9).then_some(packed)
}

/// What a packed blob holds, and whether that is all of it: what comes before damage is still given, so that the first
/// entry which does not fit can be named.
pub(super) fn unpack(packed: &[u8]) -> (Vec<u8>, bool) {
    let mut raw = Vec::new();
    let Ok(reader) = zstd::stream::read::Decoder::with_buffer(packed) else { return (raw, false) };
    let bound = u64::try_from(UNPACKED_MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let whole = reader.take(bound).read_to_end(&mut raw).is_ok() && raw.len() <= UNPACKED_MAX_BYTES;
    (raw, whole)
}

/// The packing thread's own state.
pub(super) struct Packer {
    connection: Connection,
    shared: Arc<Shared>,
    /// Everything up to here was packed, or is not going to be.
    mark: Offset,
    /// Batches are put together until they have this many bytes.
    group_bytes: usize,
}

impl Packer {
    pub(super) fn open(path: &Path, shared: Arc<Shared>, mark: Offset, group_bytes: usize) -> Result<Self, OpenError> {
        Ok(Self { connection: layout::open_for_reading(path)?, shared, mark, group_bytes })
    }

    /// Packs whenever the writer says that there is enough, until the writer is gone.
    pub(super) fn run(mut self, wake: &Receiver<()>) {
        while wake.recv().is_ok() {
            loop {
                match self.pack_next() {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(JournalError::ChainBroken { offset }) => {
                        tracing::error!(offset, "journal does not match its hash chain; nothing after it is packed");
                        return;
                    }
                    Err(error) => {
                        // What is not packed now is packed after the next waking; until then it only takes more room.
                        tracing::debug!(%error, "packing pauses");
                        break;
                    }
                }
            }
        }
    }

    /// Packs one group; `false` if there is not enough for one.
    fn pack_next(&mut self) -> Result<bool, JournalError> {
        let Some(group) = self.next_group()? else { return Ok(false) };
        let last = group.last;
        if group.blob.is_some() {
            let (reply, done) = oneshot::channel();
            self.shared.line.push_chore(Chore::Pack { packed: Box::new(group), reply })?;
            done.blocking_recv().map_err(|_| self.shared.unanswered())?;
        }
        // Past pictures the mark moves in memory only: a commit for it would be a sync for nothing.
        self.mark = last;
        self.shared.packed.send_replace(last);
        Ok(true)
    }

    fn next_group(&self) -> Result<Option<Packed>, JournalError> {
        let mut select = self
            .connection
            .prepare_cached(&format!(
                "SELECT {BATCH_COLUMNS}, received_first, received_last FROM batch WHERE first > ?1 ORDER BY first"
            ))
            .map_err(engine)?;
        let mut rows = select.query([Unsigned::from(self.mark)]).map_err(engine)?;
        let mut group = Group::default();
        while let Some(row) = rows.next().map_err(engine)? {
            let batch = store::stored_batch(row).map_err(engine)?;
            let received = |column| row.get(column).map(Timestamp::from_millis).map_err(engine);
            let large = batch.blob.len() >= self.group_bytes || is_packed(&batch.blob);
            // A large one is a group of its own: a picture does not compress, and would hide what compresses beside it.
            if large && group.packed.is_some() {
                return Ok(group.close());
            }
            group.take(&batch, received(5)?, received(6)?)?;
            if large || group.raw.len() >= self.group_bytes {
                return Ok(group.close());
            }
        }
        Ok(None)
    }
}

/// Batches on their way to become one.
#[derive(Default)]
struct Group {
    raw: Vec<u8>,
    packed: Option<Packed>,
}

impl Group {
    fn take(&mut self, batch: &StoredBatch, first: Timestamp, last: Timestamp) -> Result<(), JournalError> {
        let entries = batch.open().map_err(|at| JournalError::ChainBroken { offset: at.0.0 })?.entries;
        let end = entries.last().map_or(batch.first, |entry| entry.offset);
        let packed = self.packed.get_or_insert(Packed {
            first: batch.first,
            last: end,
            batches: 0,
            received_first: first,
            received_last: last,
            before: batch.before,
            after: batch.after,
            blob: None,
        });
        packed.last = end;
        packed.batches = packed.batches.saturating_add(1);
        packed.received_first = packed.received_first.min(first);
        packed.received_last = packed.received_last.max(last);
        packed.after = batch.after;
        if !is_packed(&batch.blob) {
            self.raw.extend_from_slice(&batch.blob);
        }
        Ok(())
    }

    fn close(self) -> Option<Packed> {
        // One that is packed already, from before the mark was lost, has left nothing in `raw` and so stays.
        let blob = pack(&self.raw);
        self.packed.map(|packed| Packed { blob, ..packed })
    }
}

fn engine(error: rusqlite::Error) -> JournalError {
    JournalError::Engine(error.to_string())
}
