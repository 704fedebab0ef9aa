//! Incidents, deliveries, silences and notices as they stand: the alert log, folded.
//!
//! In:  [`journal::alert_log`] records, in order; everything at the start, then the tail ([`follow`]).
//! Out: lists with a stable order (newest first), single cases, and a wake-up for each record ([`View::seq`]).
//!
//! Invariant: only [`follow`] writes, so what stands here is always the fold of a prefix of the log. Nothing else is kept:
//! throw it away and it comes back the same. It is bounded: the oldest resolved cases and finished deliveries go first.

use crate::health::Silence;
use crate::index::Index;
use crate::receivers::Receivers;
use journal::JournalError;
use journal::alert_log::{AlertLog, Record, RecordBody};
use journal::wire::{AlertJson, DeliveryJson, IncidentJson, NoticeJson, ReportJson};
use model::{AlertKind, DeviceId, Flaw, IncidentStatus, Matter, ReceiptState, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

/// Records read at once: a few megabytes at most.
pub(crate) const RECORDS_PER_READ: usize = 1_000;

/// Resolved cases kept: several seasons of a banner, about 200 MB at the very most. Older ones stay in the log.
const RESOLVED_KEPT: usize = 50_000;

/// Cases kept that nobody resolved. Only a fault makes so many; the newest are then the ones to look at.
const UNRESOLVED_KEPT: usize = 50_000;

/// Deliveries kept that are delivered or dead; pending ones are kept besides.
const FINISHED_DELIVERIES_KEPT: usize = 50_000;

/// Deliveries kept that wait: a receiver that is down for days.
const PENDING_DELIVERIES_KEPT: usize = 50_000;

/// Notices kept that go on. Only a fault makes so many.
const NOTICES_GOING_ON_KEPT: usize = 50_000;

/// Notices kept that are over.
const NOTICES_OVER_KEPT: usize = 10_000;

/// Records that a socket may lag behind before it is told to start over.
const RECORDS_TOLD: usize = 1_024;

/// Another process may write the log without ringing our bell, so we also look once in a while.
const LOOK_ANYWAY: Duration = Duration::from_secs(1);

/// A case and where it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Incident {
    /// The case with its reports filled in.
    pub json: IncidentJson,
    /// Record of the last change.
    pub updated_seq: u64,
    /// First sighting.
    pub first_seen: Timestamp,
    /// Last sighting.
    pub last_seen: Timestamp,
}

#[derive(Debug)]
struct State {
    incidents: Index<Incident>,
    deliveries: Index<DeliveryJson>,
    receivers: Receivers,
    /// Case -> duty -> how far its report came.
    reports: HashMap<String, BTreeMap<String, ReceiptState>>,
    silences: HashMap<DeviceId, Silence>,
    notices: Index<NoticeJson>,
    /// Notices that go on, by the devices that they name.
    by_device: HashMap<String, Vec<Arc<NoticeJson>>>,
}

/// The fold, shared by all handlers and sockets.
#[derive(Debug)]
pub(crate) struct View {
    state: RwLock<State>,
    seq: watch::Sender<u64>,
    caught_up: watch::Sender<bool>,
    told: broadcast::Sender<Arc<Record>>,
}

impl View {
    /// Empty, as before the first record.
    pub fn new() -> Self {
        let state = State {
            incidents: Index::new(UNRESOLVED_KEPT, RESOLVED_KEPT),
            deliveries: Index::new(PENDING_DELIVERIES_KEPT, FINISHED_DELIVERIES_KEPT),
            receivers: Receivers::default(),
            reports: HashMap::new(),
            silences: HashMap::new(),
            notices: Index::new(NOTICES_GOING_ON_KEPT, NOTICES_OVER_KEPT),
            by_device: HashMap::new(),
        };
        Self {
            state: RwLock::new(state),
            seq: watch::Sender::new(0),
            caught_up: watch::Sender::new(false),
            told: broadcast::Sender::new(RECORDS_TOLD),
        }
    }

    /// Everything that is in the log now, for a command that does not follow it. Blocks on the disk.
    pub fn of(log: &AlertLog) -> Result<Self, JournalError> {
        let view = Self::new();
        loop {
            let records = log.read(*view.seq.borrow(), RECORDS_PER_READ)?;
            let is_end = records.len() < RECORDS_PER_READ;
            view.fold(records);
            if is_end {
                return Ok(view);
            }
        }
    }

    /// The last record that is folded in, and a way to be woken by the next.
    pub fn seq(&self) -> watch::Receiver<u64> {
        self.seq.subscribe()
    }

    /// Whether everything that was in the log at the start is folded in, and a way to be woken when it is.
    pub fn caught_up(&self) -> watch::Receiver<bool> {
        self.caught_up.subscribe()
    }

    /// Every record from now on, after it was folded in. Who lags too far behind loses some and is told so.
    pub fn records(&self) -> broadcast::Receiver<Arc<Record>> {
        self.told.subscribe()
    }

    /// Up to `limit` cases that `keep` lets through, newest first, older than the key `before`; with the key to go on from.
    pub fn incidents(
        &self,
        before: Option<u64>,
        limit: usize,
        keep: impl Fn(&Incident) -> bool,
    ) -> (Vec<Arc<Incident>>, Option<u64>) {
        self.read(|state| state.incidents.page(before, limit, keep))
    }

    /// One case.
    pub fn incident(&self, id: &str) -> Option<Arc<Incident>> {
        self.read(|state| state.incidents.get(id))
    }

    /// Up to `limit` deliveries that `keep` lets through, newest first.
    pub fn deliveries(
        &self,
        before: Option<u64>,
        limit: usize,
        keep: impl Fn(&DeliveryJson) -> bool,
    ) -> (Vec<Arc<DeliveryJson>>, Option<u64>) {
        self.read(|state| state.deliveries.page(before, limit, keep))
    }

    /// One delivery.
    pub fn delivery(&self, id: &str) -> Option<Arc<DeliveryJson>> {
        self.read(|state| state.deliveries.get(id))
    }

    /// How a subscriber takes what it is told.
    pub fn receiver(&self, subscriber: &str) -> crate::receivers::ReceiverJson {
        self.read(|state| state.receivers.line(subscriber))
    }

    /// How many deliveries of each way are in each state.
    pub fn deliveries_by_state(&self) -> Vec<(String, String, i64)> {
        self.read(|state| {
            let owned = |(channel, state, count): (&str, &str, i64)| (channel.to_owned(), state.to_owned(), count);
            state.receivers.counts().into_iter().map(owned).collect()
        })
    }

    /// The silence of a device that was told and not taken back.
    pub fn silence(&self, device: &DeviceId) -> Option<Silence> {
        self.read(|state| state.silences.get(device).copied())
    }

    /// Up to `limit` notices that `keep` lets through, newest first.
    pub fn notices(
        &self,
        before: Option<u64>,
        limit: usize,
        keep: impl Fn(&NoticeJson) -> bool,
    ) -> (Vec<Arc<NoticeJson>>, Option<u64>) {
        self.read(|state| state.notices.page(before, limit, keep))
    }

    /// The notices that go on and name a device; an outage names its first members only, of the rest it says how many.
    fn notices_of(&self, device: &DeviceId) -> Vec<Arc<NoticeJson>> {
        self.read(|state| state.by_device.get(device.as_str()).cloned().unwrap_or_default())
    }

    /// The flaws of a device that go on.
    pub fn flaws(&self, device: &DeviceId) -> Vec<Arc<NoticeJson>> {
        self.notices_of(device).into_iter().filter(|notice| notice.matter == "flaw").collect()
    }

    /// Whether a device has a flaw that goes on.
    pub fn is_flawed(&self, device: &DeviceId) -> bool {
        !self.flaws(device).is_empty()
    }

    /// How many devices have each flaw that goes on.
    pub fn flaws_by_code(&self) -> BTreeMap<&'static str, i64> {
        let mut counts: BTreeMap<_, _> = Flaw::ALL.into_iter().map(|flaw| (flaw.as_str(), 0)).collect();
        self.read(|state| {
            for notice in state.by_device.values().flatten().filter(|notice| notice.matter == "flaw") {
                if let Some(count) = counts.get_mut(notice.code.as_str()) {
                    *count += 1;
                }
            }
        });
        counts
    }

    /// How many notices of each matter go on.
    pub fn notices_by_matter(&self) -> BTreeMap<&'static str, i64> {
        let mut counts: BTreeMap<_, _> = Matter::KINDS.into_iter().map(|matter| (matter, 0)).collect();
        self.read(|state| {
            for notice in state.notices.iter().filter(|notice| notice.until.is_none()) {
                if let Some(count) = counts.get_mut(notice.matter.as_str()) {
                    *count += 1;
                }
            }
        });
        counts
    }

    /// The outage that a device is named in, if one goes on. An outage names its first members only; of the rest it says how many.
    pub fn outage(&self, device: &DeviceId) -> Option<Arc<NoticeJson>> {
        self.notices_of(device).into_iter().find(|notice| notice.matter == "outage")
    }

    /// How many cases have each status.
    pub fn incidents_by_status(&self) -> BTreeMap<&'static str, i64> {
        let mut counts: BTreeMap<_, _> = IncidentStatus::ALL.into_iter().map(|status| (status.as_str(), 0)).collect();
        self.read(|state| {
            for incident in state.incidents.iter() {
                if let Some(count) = counts.get_mut(incident.json.status.as_str()) {
                    *count += 1;
                }
            }
        });
        counts
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        // Each record is folded in whole; a reader never sees half of one, even after a panic elsewhere.
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn fold(&self, records: Vec<Record>) {
        let last = records.last().map(|record| record.seq);
        {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            for record in &records {
                match &record.body {
                    RecordBody::Alert(alert) => state.fold_alert(record.seq, alert),
                    RecordBody::Delivery(delivery) => state.fold_delivery(record.seq, delivery),
                }
            }
        }
        if let Some(last) = last {
            self.seq.send_replace(last);
        }
        for record in records {
            // Nobody listening is the common case and no loss: whoever comes later reads the state.
            self.told.send(Arc::new(record)).ok();
        }
    }
}

impl State {
    fn fold_alert(&mut self, seq: u64, alert: &AlertJson) {
        if let Some(json) = &alert.incident {
            self.fold_incident(seq, json.clone());
        }
        if let Some(notice) = &alert.notice {
            self.fold_notice(seq, notice);
        }
        let Some(device) = &alert.device else { return };
        let Ok(id) = DeviceId::parse(&device.device) else { return };
        match AlertKind::parse(&alert.type_) {
            Some(AlertKind::DeviceSilent) => {
                self.silences.insert(id, Silence { last_seen: time(&device.last_seen), told_at: time(&alert.at) });
            }
            Some(AlertKind::DeviceBack) => {
                self.silences.remove(&id);
            }
            _ => {}
        }
    }

    fn fold_notice(&mut self, seq: u64, notice: &NoticeJson) {
        self.unname(&notice.id);
        let is_over = notice.until.is_some();
        let gone = self.notices.put(&notice.id, seq, notice.clone(), is_over);
        if let Some(gone) = gone {
            self.forget_devices(&gone);
        }
        let Some(kept) = self.notices.get(&notice.id).filter(|_| !is_over) else { return };
        for device in &notice.devices {
            self.by_device.entry(device.clone()).or_default().push(Arc::clone(&kept));
        }
    }

    /// A notice as it was told before names nobody any more.
    fn unname(&mut self, id: &str) {
        if let Some(before) = self.notices.get(id) {
            self.forget_devices(&before);
        }
    }

    fn forget_devices(&mut self, notice: &NoticeJson) {
        for device in &notice.devices {
            if let Some(notices) = self.by_device.get_mut(device) {
                notices.retain(|known| known.id != notice.id);
                if notices.is_empty() {
                    self.by_device.remove(device);
                }
            }
        }
    }

    fn fold_incident(&mut self, seq: u64, mut json: IncidentJson) {
        if let Some(reports) = self.reports.get(&json.id) {
            json.reports = with_receipts(json.reports, reports);
        }
        let (first_seen, last_seen) = (time(&json.first_seen), time(&json.last_seen));
        let finished = json.status == IncidentStatus::Resolved.as_str();
        let id = json.id.clone();
        let gone = self.incidents.put(&id, seq, Incident { json, updated_seq: seq, first_seen, last_seen }, finished);
        if let Some(gone) = gone {
            self.reports.remove(&gone.json.id);
        }
    }

    fn fold_delivery(&mut self, seq: u64, delivery: &DeliveryJson) {
        let finished = delivery.state != ReceiptState::Pending.as_str();
        let before = self.deliveries.get(&delivery.id);
        let gone = self.deliveries.put(&delivery.id, seq, delivery.clone(), finished);
        self.receivers.changed(before.as_deref(), Some(delivery));
        self.receivers.changed(gone.as_deref(), None);
        let (Some(duty), Some(incident)) = (&delivery.duty, &delivery.incident) else { return };
        let Some(state) = receipt_state(&delivery.state) else { return };
        let Some(known) = self.incidents.get(incident) else { return };
        let reports = self.reports.entry(incident.clone()).or_default();
        // One receiver that took it is enough for the duty; later messages about the case do not undo that.
        if reports.get(duty) != Some(&ReceiptState::Delivered) {
            reports.insert(duty.clone(), state);
        }
        let reports = with_receipts(known.json.reports.clone(), reports);
        if known.json.reports != reports {
            let json = IncidentJson { reports, ..known.json.clone() };
            let finished = json.status == IncidentStatus::Resolved.as_str();
            self.incidents.put(incident, seq, Incident { json, ..(*known).clone() }, finished);
        }
    }
}

/// The halves of a case's report, each as far as its deliveries came.
fn with_receipts(mut halves: Vec<ReportJson>, receipts: &BTreeMap<String, ReceiptState>) -> Vec<ReportJson> {
    for (duty, state) in receipts {
        let state = state.as_str().to_owned();
        match halves.iter_mut().find(|half| half.duty == *duty) {
            Some(half) => half.state = state,
            // A case of before both halves were named.
            None => halves.push(ReportJson { duty: duty.clone(), body: String::new(), township: None, state }),
        }
    }
    halves
}

fn receipt_state(word: &str) -> Option<ReceiptState> {
    [ReceiptState::Pending, ReceiptState::Delivered, ReceiptState::Dead]
        .into_iter()
        .find(|state| state.as_str() == word)
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap_or_default()
}

/// Folds the log into the view until `stop`. A log that cannot be read is tried again: the view then shows what it has,
/// and `caught_up` tells readiness whether that is everything.
pub(crate) async fn follow(view: Arc<View>, log: AlertLog, stop: CancellationToken) {
    let mut head = log.head();
    let mut failing = false;
    loop {
        let after = *view.seq.borrow();
        let reader = log.clone();
        let read = tokio::task::spawn_blocking(move || reader.read(after, RECORDS_PER_READ)).await;
        match read {
            Ok(Ok(records)) => {
                failing = false;
                let at_end = records.len() < RECORDS_PER_READ;
                view.fold(records);
                if !at_end {
                    continue;
                }
                view.caught_up.send_if_modified(|caught_up| !std::mem::replace(caught_up, true));
            }
            Ok(Err(error)) => {
                if !failing {
                    tracing::error!(%error, after, "alert log cannot be read; the console shows what it has and tries again");
                }
                failing = true;
            }
            Err(error) => tracing::error!(%error, after, "reading the alert log was cut short; trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            // The writer's handle may be gone (then only the look-anyway wakes us), so a closed channel must not spin.
            () = async { if head.changed().await.is_err() { std::future::pending::<()>().await } } => {}
            () = tokio::time::sleep(LOOK_ANYWAY) => {}
        }
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
