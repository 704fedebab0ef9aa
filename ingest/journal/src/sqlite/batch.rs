//! A group commit as one blob, and the hash chain that runs through it.
//!
//! In:  frames in order, or a blob with the links at both its ends.   Out: a [`SealedBatch`], or its entries.
//!
//! The link after an entry is `BLAKE3(link before || entry bytes)`. The blob carries the first four bytes of each link, so a
//! change is found at the entry where it was made; the row carries the whole last link, so it is found at all.
//! Opening a batch always checks: nothing that does not match what was sealed is ever handed on. A blob may have been packed
//! since (`pack.rs`); the chain runs through what it unpacks to.

use super::codec::{self, CodecError, Rest};
use super::pack;
use model::{Entry, Frame, Offset};
use std::borrow::Cow;

/// A place in the hash chain: it depends on every entry up to there.
pub type Link = [u8; 32];

/// How much of an entry's link stands before it. One wrong entry in four thousand million passes it, to be caught by the
/// row's whole link.
const MARK_BYTES: usize = 4;

/// What the blob holds beside the entry's own bytes: its length and its mark.
pub(super) const ENTRY_OVERHEAD_BYTES: usize = 4 + MARK_BYTES;

/// The link before the first entry of a journal that begins from these words; see `layout::Origin`.
pub(super) fn genesis(begun: &str) -> Link {
    *blake3::hash(format!("steppewatch journal, {begun}").as_bytes()).as_bytes()
}

/// An opened blob is not what was sealed, from this entry on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BrokenAt(pub(super) Offset);

/// A batch ready to be written.
#[derive(Debug)]
pub(super) struct SealedBatch {
    pub(super) first: Offset,
    pub(super) before: Link,
    pub(super) after: Link,
    pub(super) blob: Vec<u8>,
    pub(super) entries: Vec<Entry>,
}

impl SealedBatch {
    /// An empty one that goes on where the chain stands.
    pub(super) fn starting(first: Offset, before: Link) -> Self {
        Self { first, before, after: before, blob: Vec::new(), entries: Vec::new() }
    }

    /// Adds a frame and says which offset it got.
    pub(super) fn push(&mut self, frame: Frame) -> Offset {
        let offset = self.entries.last().map_or(self.first, |last| last.offset.next());
        let mut bytes = Vec::with_capacity(codec::encoded_len(&frame));
        codec::encode(offset, &frame, &mut bytes);
        self.after = next_link(&self.after, &bytes);
        self.blob.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.blob.extend(self.after.iter().take(MARK_BYTES));
        self.blob.extend_from_slice(&bytes);
        self.entries.push(Entry { offset, frame });
        offset
    }
}

/// A batch as it stands in the file.
#[derive(Debug, Clone)]
pub(super) struct StoredBatch {
    pub(super) first: Offset,
    pub(super) count: u64,
    pub(super) before: Link,
    pub(super) after: Link,
    pub(super) blob: Vec<u8>,
}

/// What was in a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) entries: Vec<Entry>,
    /// How much memory the entries take, about.
    pub(super) bytes: usize,
}

impl StoredBatch {
    /// Its entries, if they are exactly what was sealed between the two links.
    pub(super) fn open(&self) -> Result<Opened, BrokenAt> {
        let (raw, whole) = self.unpacked();
        let mut entries = Vec::new();
        let mut link = self.before;
        let mut rest = Rest(&raw);
        let mut expected = self.first;
        while !rest.0.is_empty() {
            let entry = open_entry(&mut rest, &mut link).map_err(|_| BrokenAt(expected))?;
            if entry.offset != expected {
                return Err(BrokenAt(expected));
            }
            expected = expected.next();
            entries.push(entry);
        }
        let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        if count != self.count || !whole {
            return Err(BrokenAt(expected));
        }
        if link == self.after { Ok(Opened { entries, bytes: raw.len() }) } else { Err(BrokenAt(self.first)) }
    }

    /// The link after its entry at `offset`, for a walk that stopped there before the batch was packed.
    pub(super) fn link_at(&self, offset: Offset) -> Option<Link> {
        let (raw, _) = self.unpacked();
        let mut link = self.before;
        let mut rest = Rest(&raw);
        for _ in self.first.0..=offset.0 {
            open_entry(&mut rest, &mut link).ok()?;
        }
        Some(link)
    }

    fn unpacked(&self) -> (Cow<'_, [u8]>, bool) {
        if pack::is_packed(&self.blob) {
            let (raw, whole) = pack::unpack(&self.blob);
            (Cow::Owned(raw), whole)
        } else {
            (Cow::Borrowed(&self.blob), true)
        }
    }
}

fn open_entry(rest: &mut Rest<'_>, link: &mut Link) -> Result<Entry, Unsealed> {
    let len = rest.len()?;
    let mark: [u8; MARK_BYTES] = rest.array()?;
    let bytes = rest.take(len)?;
    *link = next_link(link, bytes);
    if !link.starts_with(&mark) {
        return Err(Unsealed);
    }
    Ok(codec::decode(bytes)?)
}

/// The entry is not the one that was sealed; the caller knows which it is, and that is all that can be said.
struct Unsealed;

impl From<CodecError> for Unsealed {
    fn from(_: CodecError) -> Self {
        Self
    }
}

pub(super) fn next_link(before: &Link, entry_bytes: &[u8]) -> Link {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before);
    hasher.update(entry_bytes);
    *hasher.finalize().as_bytes()
}
