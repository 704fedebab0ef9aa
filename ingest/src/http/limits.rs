//! Every bound of HTTP in, with its reason. Nothing here is read from a device.

use std::time::Duration;

/// Largest payload of an ordinary message: the contract's 1 MiB.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// Largest snapshot: the contract's 4 MiB.
pub const SNAPSHOT_BYTES_MAX: usize = 4 << 20;

/// Room for the boundaries and headers of multipart/form-data around a snapshot.
pub const ENVELOPE_BYTES_MAX: usize = 64 << 10;

/// Largest batch: what a device stored in a night without network fits into a few.
pub const BATCH_BYTES_MAX: usize = 4 << 20;

/// Lines in a batch: one group commit, and an answer of some 40 KB.
pub const BATCH_LINES_MAX: usize = 1_000;

/// Memory, in KiB, that bodies above [`LARGE_BODY_BYTES`] may take up together: sixteen snapshots.
pub const LARGE_BODIES_KIB: u32 = 64 << 10;

/// Bodies up to this size are not counted against [`LARGE_BODIES_KIB`]: the server's connections are bounded, and this much of
/// each is 16 MiB.
pub const LARGE_BODY_BYTES: usize = 16 << 10;

/// Requests of one device at a time: a snapshot and what happens beside it. One device must not hold everybody's memory.
pub const REQUESTS_PER_DEVICE: usize = 8;

/// How long a body may take: 4 MiB over a poor mobile link at 10 kB/s take seven minutes.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(600);

/// How long a message may wait for a full journal, or for memory, before its device is told to come back: a client's usual
/// patience is longer.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What a device is told to wait when the platform has no room.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A claim: a key, a serial number and a kind, and what else a device may say.
pub const CLAIM_BYTES_MAX: usize = 4 << 10;

/// No claim key is longer; a longer text is not worth hashing.
pub const CLAIM_KEY_BYTES_MAX: usize = 512;

/// What a camera posts at once: its event and the pictures of it.
pub const EVENT_BODY_BYTES_MAX: usize = 12 << 20;

/// Parts of that.
pub const EVENT_PARTS_MAX: usize = 32;

/// How long the body of somebody who has to log in first is read away.
pub const DISCARD_TIMEOUT: Duration = Duration::from_secs(30);
