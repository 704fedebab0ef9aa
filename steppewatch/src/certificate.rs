//! The console's certificate: read at the start, and again whenever its files change.
//!
//! In: `[http.tls]`.   Out: what the console's server asks for at each connection; nothing where there is no certificate.

use crate::config::Config;
use crate::stages::Stages;
use anyhow::{Context, Result};
use dashboards::Certificate;
use ingest::gate::Tls;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Before anything runs: a file that holds no certificate stops the start and not the service.
pub fn load(config: &Config) -> Result<Option<Arc<Tls>>> {
    let tls = config.http_tls.clone().map(Tls::load).transpose();
    Ok(tls.context("[http.tls] cannot be used")?.map(Arc::new))
}

/// The certificate of now, looked after until `stop`.
pub fn watched(tls: Option<Arc<Tls>>, stages: &mut Stages, stop: &CancellationToken) -> Option<Certificate> {
    let tls = tls?;
    let (stop, watched) = (stop.clone(), Arc::clone(&tls));
    stages.spawn("certificate", async move {
        stop.run_until_cancelled(watched.watch()).await;
        anyhow::Ok(())
    });
    Some(Arc::new(move || tls.acceptor()))
}
