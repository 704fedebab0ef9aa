//! Keeps the pictures of cases before the journal lets go of them.
//!
//! In: the cases that go on, and the journal.   Out: the pictures that they name, and of each camera the one before the first of them,
//! in the evidence store. Looks every two seconds and keeps what is not kept yet, so that a picture that comes after the sighting that
//! names it is kept too, and a restart changes nothing.

use anyhow::Result;
use evidence::{EvidenceError, Item, Kept, Looking, Recent, Store, Taken, Why};
use journal::Journal;
use model::{Case, DeviceId, IncidentId, Offset};
use prometheus::{IntCounterVec, IntGauge, Opts, Registry};
use registry::View;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// An alarm's pictures are kept this soon.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What it works with.
pub struct EvidenceParts {
    /// Where cases are.
    pub alerts: alerts::Store,
    /// Which pictures came lately.
    pub recent: Recent,
    /// Where pictures are kept.
    pub store: Store,
    /// Where pictures are.
    pub journal: Arc<dyn Journal>,
    /// How cameras stand.
    pub view: watch::Receiver<Arc<View>>,
    /// Counters.
    pub metrics: EvidenceMetrics,
}

/// What became of pictures.
pub struct EvidenceMetrics {
    pictures: IntCounterVec,
    bytes: IntGauge,
}

impl EvidenceMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            pictures: IntCounterVec::new(
                Opts::new("steppewatch_evidence_pictures_total", "Pictures of cases, by what became of keeping them."),
                &["result"],
            )?,
            bytes: IntGauge::new("steppewatch_evidence_bytes", "Bytes of pictures that are kept as evidence.")?,
        };
        registry.register(Box::new(metrics.pictures.clone()))?;
        registry.register(Box::new(metrics.bytes.clone()))?;
        Ok(metrics)
    }
}

/// A picture that is to be kept.
struct Wanted {
    device: DeviceId,
    taken: Taken,
    why: Why,
}

/// Runs until `stop`. What cannot be kept is told and tried again: the platform does not end for it.
pub async fn run(parts: EvidenceParts, stop: CancellationToken) -> Result<()> {
    let mut rounds = tokio::time::interval(LOOK_EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut complained = false;
    while stop.run_until_cancelled(rounds.tick()).await.is_some() {
        let outcome = round(&parts).await;
        if let Err(error) = &outcome
            && !complained
        {
            tracing::error!(
                error = format!("{error:#}"),
                "pictures of cases are not kept as evidence; they are lost when the journal lets go of them"
            );
        }
        complained = outcome.is_err();
    }
    Ok(())
}

async fn round(parts: &EvidenceParts) -> Result<()> {
    let store = parts.alerts.clone();
    let cases = tokio::task::spawn_blocking(move || store.going_on()).await??;
    let going_on: Arc<BTreeSet<IncidentId>> = Arc::new(cases.iter().map(|case| case.id.clone()).collect());
    for case in &cases {
        for wanted in wanted(parts, case).await? {
            keep(parts, case, wanted, &going_on).await?;
        }
    }
    let store = parts.store.clone();
    let bytes = tokio::task::spawn_blocking(move || store.bytes()).await??;
    parts.metrics.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    Ok(())
}

/// What the case names and is not kept yet; and of each camera of which nothing is kept for it, the picture before.
async fn wanted(parts: &EvidenceParts, case: &Case) -> Result<Vec<Wanted>> {
    let (store, recent) = (parts.store.clone(), parts.recent.clone());
    let (id, pictures) = (case.id.clone(), case.exhibits.pictures.clone());
    let found = tokio::task::spawn_blocking(move || {
        let (mut wanted, mut first) = (Vec::new(), BTreeSet::new());
        for picture in pictures {
            let is_first = first.insert(picture.device.clone());
            if store.has(&id, &picture.device, &picture.snapshot)? {
                continue;
            }
            // Not come yet, or so long ago that nobody knows where it is.
            let Some((taken, before)) = recent.find(&picture.device, &picture.snapshot) else { continue };
            if let Some(taken) = before.filter(|_| is_first) {
                wanted.push(Wanted { device: picture.device.clone(), taken, why: Why::Before });
            }
            wanted.push(Wanted { device: picture.device, taken, why: Why::Named });
        }
        Ok::<_, EvidenceError>(wanted)
    });
    Ok(found.await??)
}

async fn keep(parts: &EvidenceParts, case: &Case, wanted: Wanted, going_on: &Arc<BTreeSet<IncidentId>>) -> Result<()> {
    let Wanted { device, taken, why } = wanted;
    let entries = parts.journal.read(Offset(taken.offset.0.saturating_sub(1)), 1).await?;
    let Some(entry) = entries.into_iter().find(|entry| entry.offset == taken.offset) else {
        parts.metrics.pictures.with_label_values(&["gone"]).inc();
        return Ok(());
    };
    let item = Item {
        incident: case.id.clone(),
        looking: surveyed(&parts.view.borrow(), &device, taken.looking),
        device,
        snapshot: taken.snapshot,
        why,
        taken_at: taken.at,
        offset: taken.offset,
        hash: String::new(),
        bytes: 0,
    };
    let (store, going_on) = (parts.store.clone(), Arc::clone(going_on));
    let kept = tokio::task::spawn_blocking(move || store.keep(&item, &entry.frame.payload, &going_on)).await??;
    let result = match kept {
        Kept::New => "kept",
        Kept::Known => return Ok(()),
        Kept::NoRoom => {
            parts.metrics.pictures.with_label_values(&["no_room"]).inc();
            anyhow::bail!("the evidence store is full of cases that go on; raise [evidence] max_bytes");
        }
    };
    parts.metrics.pictures.with_label_values(&[result]).inc();
    Ok(())
}

/// What the camera did not say itself, as it was surveyed.
fn surveyed(view: &View, device: &DeviceId, said: Looking) -> Looking {
    let Some(device) = view.device(device) else { return said };
    Looking {
        position: said.position.or(device.place),
        height_m: said.height_m.or(device.pose.map(|pose| pose.height_m)),
        yaw_deg: said.yaw_deg.or(device.pose.map(|pose| pose.yaw_deg)),
        pitch_deg: said.pitch_deg.or(device.pose.map(|pose| pose.pitch_deg)),
        ..said
    }
}
