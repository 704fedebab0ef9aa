//! The model of `[vision]`, read and tried before anything runs.
//!
//! In: the configuration.   Out: what the vision stage works with, and from where it reads the journal; nothing where it is off.

use crate::config::Config;
use crate::stores::Stores;
use anyhow::{Context, Result};
use ingest::metrics::Metrics;
use ingest::record::Recorder;
use ingest::vision::{Measure, See, VisionMetrics, VisionParts, start_offset};
use model::Offset;
use std::path::Path;
use std::sync::Arc;
use vision::{Detector, Layout};

/// What the stage works with.
pub async fn prepare(config: &Config, stores: &Stores, metrics: &Metrics) -> Result<Option<(VisionParts, Offset)>> {
    let Some(vision) = config.vision.clone() else {
        tracing::info!("there is no [vision]: pictures are kept and not looked at");
        return Ok(None);
    };
    let (see, model) = match &vision.model {
        Some(file) => look(file, vision.layout).await?,
        None => {
            tracing::info!("`vision.model` is not set: pictures are measured and not looked at");
            (None, String::new())
        }
    };
    let journal = stores.journal();
    let from = start_offset(&*journal).await?;
    let parts = VisionParts {
        config: vision.config,
        see,
        measure: vision.lens.then(|| -> Measure { Arc::new(::vision::clarity) }),
        model,
        recorder: Recorder::new(Arc::clone(&journal), metrics.clone()),
        journal,
        view: stores.registry.view(),
        clock: stores.clock.clone(),
        metrics: VisionMetrics::register(&stores.metrics)?,
    };
    Ok(Some((parts, from)))
}

/// The model, and which it is.
async fn look(file: &Path, layout: Layout) -> Result<(Option<See>, String)> {
    let path = file.to_owned();
    let loaded = tokio::task::spawn_blocking(move || Detector::load(&path, layout)).await?;
    let detector = loaded.with_context(|| {
        format!("`vision.model` is {}, which cannot be used; name another file or leave out [vision]", file.display())
    })?;
    let model = detector.fingerprint().to_owned();
    tracing::info!(model, file = %file.display(), "pictures are looked at");
    let see: See = Arc::new(move |jpeg, look| detector.find(jpeg, look));
    Ok((Some(see), model))
}
