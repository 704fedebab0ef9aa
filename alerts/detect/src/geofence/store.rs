//! The memory of an index: words in chunks that versions of an index share.
//!
//! In: blocks of sixteen nodes, and leaves.   Out: their addresses.   Never: a block or leaf across two chunks; a change
//! of a chunk that is published.

use std::sync::Arc;

const CHUNK_BITS: u32 = 20;
/// 4 MiB: an update copies at most one unfilled chunk.
const CHUNK_WORDS: usize = 1 << CHUNK_BITS;
/// A node has 30 bits for an address.
pub(super) const CHUNKS_MAX: usize = 1 << (30 - CHUNK_BITS);
/// A processor reads 64 bytes at once: sixteen words.
pub(super) const LINE_WORDS: usize = 16;
/// Readers that take eight vertices at a time may look beyond the last leaf.
pub(super) const TAIL_WORDS: usize = 64;

/// What lies in a cell: two bits say which, thirty are an address or a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Node(pub(super) u32);

/// The same, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No edges: the set of the whole cell.
    Set(u32),
    /// Four by four smaller cells.
    Block(u32),
    /// A few edges.
    Leaf(u32),
    /// Edges of more zones than a leaf's table can tell apart.
    Crowd(u32),
}

/// Sets and addresses are smaller than this.
pub(super) const PAYLOAD_MAX: u32 = 1 << 30;

impl Node {
    pub(super) const OUTSIDE: Self = Self(0);
    pub(super) fn new(kind: Kind) -> Self {
        Self(match kind {
            Kind::Set(id) => id << 2,
            Kind::Block(at) => at << 2 | 1,
            Kind::Leaf(at) => at << 2 | 2,
            Kind::Crowd(at) => at << 2 | 3,
        })
    }

    #[inline(always)]
    pub(super) fn kind(self) -> Kind {
        match self.0 & 3 {
            0 => Kind::Set(self.0 >> 2),
            1 => Kind::Block(self.0 >> 2),
            2 => Kind::Leaf(self.0 >> 2),
            _ => Kind::Crowd(self.0 >> 2),
        }
    }

    #[inline(always)]
    pub(super) fn is_set(self) -> bool {
        self.0 & 3 == 0
    }

    #[inline(always)]
    pub(super) fn is_block(self) -> bool {
        self.0 & 3 == 1
    }

    /// A leaf or a crowd.
    #[inline(always)]
    pub(super) fn is_leaf(self) -> bool {
        self.0 & 2 == 2
    }

    #[inline(always)]
    pub(super) fn payload(self) -> u32 {
        self.0 >> 2
    }
}

/// Words, of which the first that counts begins a line of the cache.
#[derive(Debug, Clone)]
struct Chunk {
    words: Arc<[u32]>,
    pad: usize,
    /// In use; the tail lies behind them.
    len: usize,
}

impl Chunk {
    fn with_room(words: usize) -> Self {
        let words: Arc<[u32]> = std::iter::repeat_n(0, LINE_WORDS + words + TAIL_WORDS).collect();
        let pad = (words.as_ptr() as usize).wrapping_neg() % 64 / size_of::<u32>();
        Self { words, pad, len: 0 }
    }

    /// A copy that nobody else reads, with room for more.
    fn copied(&self, room: usize) -> Self {
        let mut copy = Self::with_room(room);
        copy.push(self.words.get(self.pad..self.pad + self.len).unwrap_or_default());
        copy
    }

    fn push(&mut self, more: &[u32]) {
        let start = self.pad + self.len;
        if let Some(room) = Arc::get_mut(&mut self.words).and_then(|words| words.get_mut(start..start + more.len())) {
            room.copy_from_slice(more);
            self.len += more.len();
        }
    }
}

/// Published words.
#[derive(Debug, Clone, Default)]
pub(super) struct Store {
    chunks: Vec<Chunk>,
}

impl Store {
    /// The words from an address to the end of its chunk.
    #[inline(always)]
    pub(super) fn from(&self, at: u32) -> &[u32] {
        let chunk = self.chunks.get((at >> CHUNK_BITS) as usize);
        chunk.and_then(|chunk| chunk.words.get(chunk.pad + (at as usize & (CHUNK_WORDS - 1))..)).unwrap_or_default()
    }

    /// One of the sixteen nodes of a block.
    #[inline(always)]
    pub(super) fn child(&self, block: u32, place: u32) -> Node {
        Node(self.from(block + place).first().copied().unwrap_or(0))
    }

    pub(super) fn bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.words.len() * size_of::<u32>()).sum()
    }

    /// Words in use, with what older versions have left behind.
    pub(super) fn words(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len).sum()
    }
}

/// Writes blocks and leaves behind those of an older store, or of none.
#[derive(Debug)]
pub(super) struct Writer {
    chunks: Vec<Chunk>,
    /// So many of them are published already.
    shared: usize,
    chunks_max: usize,
    is_full: bool,
}

impl Writer {
    /// A writer with room for so many chunks.
    pub(super) fn new(chunks_max: usize) -> Self {
        Self { chunks: vec![], shared: 0, chunks_max, is_full: false }
    }

    /// Goes on behind what is published: a last chunk with much room is copied.
    pub(super) fn resume(store: &Store) -> Self {
        let mut chunks = store.chunks.clone();
        let mut shared = chunks.len();
        if let Some(last) = chunks.last_mut().filter(|last| last.len < CHUNK_WORDS / 2) {
            *last = last.copied(CHUNK_WORDS);
            shared -= 1;
        }
        Self { chunks, shared, chunks_max: CHUNKS_MAX, is_full: false }
    }

    /// Whether something found no room.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    pub(super) fn finish(mut self) -> Store {
        if self.chunks.len() > self.shared
            && let Some(last) = self.chunks.last_mut()
        {
            *last = last.copied(last.len);
        }
        Store { chunks: self.chunks }
    }

    /// Room for words, filled with them, at a multiple of `align`.
    pub(super) fn put(&mut self, words: &[u32], align: usize) -> u32 {
        let fits = |chunk: &Chunk| chunk.len.next_multiple_of(align) + words.len() <= CHUNK_WORDS;
        if self.chunks.len() == self.shared || !self.chunks.last().is_some_and(fits) {
            if self.chunks.len() >= self.chunks_max || words.len() > CHUNK_WORDS {
                self.is_full = true;
                return 0;
            }
            self.chunks.push(Chunk::with_room(CHUNK_WORDS));
        }
        let number = self.chunks.len() - 1;
        let Some(chunk) = self.chunks.last_mut() else { return 0 };
        chunk.len = chunk.len.next_multiple_of(align);
        let start = chunk.len;
        chunk.push(words);
        u32::try_from(number << CHUNK_BITS | start).unwrap_or(0)
    }

    /// Changes a node of a block that this writer has put.
    pub(super) fn set(&mut self, at: u32, node: Node) {
        let number = (at >> CHUNK_BITS) as usize;
        let Some(chunk) = self.chunks.get_mut(number).filter(|_| number >= self.shared) else { return };
        let place = chunk.pad + (at as usize & (CHUNK_WORDS - 1));
        if let Some(word) = Arc::get_mut(&mut chunk.words).and_then(|words| words.get_mut(place)) {
            *word = node.0;
        }
    }
}
