//! What the listeners' tests have in common: a registry, a journal, and their end.

use super::DoorParts;
use journal::Journal;
use journal::sqlite::{SqliteJournal, SqliteOptions};
use model::{Clock, DeviceId, DeviceKind, Entry, External, Offset, Timestamp};
use registry::{NewDevice, Registry};
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// 2026-11-22T10:15:00+08:00.
const NOW_MS: i64 = 1_795_313_700_000;

pub(super) struct Site {
    pub stop: CancellationToken,
    parts: DoorParts,
    journal: Arc<SqliteJournal>,
    _folder: tempfile::TempDir,
}

impl Site {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_millis(NOW_MS));
        let registry = Registry::open(&folder.path().join("registry.db"), clock.clone()).unwrap();
        let journal = SqliteJournal::open(&folder.path().join("journal.db"), SqliteOptions::default()).unwrap();
        let metrics = crate::metrics::Metrics::register(&prometheus::Registry::new()).unwrap();
        let parts = DoorParts { journal: journal.clone(), registry, clock, metrics };
        Self { stop: CancellationToken::new(), parts, journal, _folder: folder }
    }

    pub fn parts(&self) -> DoorParts {
        self.parts.clone()
    }

    pub fn add(&self, id: &str, kind: DeviceKind, system: &str, name: &str) {
        let external = vec![External { system: system.into(), id: name.into() }];
        let device = NewDevice { external, ..NewDevice::new(DeviceId::parse(id).unwrap(), kind) };
        self.parts.registry.add_device(device, "li").unwrap();
    }

    /// A device without a name elsewhere.
    pub fn add_plain(&self, id: &str, kind: DeviceKind) {
        self.parts.registry.add_device(NewDevice::new(DeviceId::parse(id).unwrap(), kind), "li").unwrap();
    }

    /// Everything in the journal, once that is what is wanted.
    pub async fn wait_for_entries(&self, wanted: impl Fn(&[Entry]) -> bool) -> Vec<Entry> {
        let mut head = self.journal.head();
        loop {
            let entries = self.entries().await;
            if wanted(&entries) {
                return entries;
            }
            head.changed().await.unwrap();
        }
    }

    pub async fn entries(&self) -> Vec<Entry> {
        self.journal.read(Offset(0), 1_000).await.unwrap()
    }

    pub fn refusals(&self, why: &str) -> u64 {
        self.parts.metrics.refusals.with_label_values(&[why]).get()
    }

    pub async fn end<E>(self, running: JoinHandle<Result<(), E>>) -> Result<(), E> {
        self.stop.cancel();
        let ended = running.await.unwrap();
        self.journal.close();
        ended
    }
}

/// Real traffic of another protocol where it is at hand; else nothing.
pub(super) fn pcap() -> Vec<u8> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/payloads/pcap/zeek_modbusSmall.pcap");
    std::fs::read(file).unwrap_or_else(|_| {
        eprintln!("skipped a part: no recorded traffic beside the repository");
        Vec::new()
    })
}
