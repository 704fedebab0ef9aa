//! The console's certificate: read at the start, and again whenever its files change; and how long it and the gate's are good.
//!
//! In: `[http.tls]`.   Out: what the console's server asks for at each connection, nothing where there is no certificate; gauges.

use crate::config::Config;
use crate::stages::Stages;
use anyhow::{Context, Result};
use dashboards::Certificate;
use ingest::gate::Tls;
use prometheus::{IntGaugeVec, Opts, Registry};
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

/// When the certificates in use end, for `/metrics`.
pub struct Expiry {
    ends: IntGaugeVec,
    listeners: Vec<(&'static str, Arc<Tls>)>,
}

impl Expiry {
    /// Registers the gauge, of those listeners that have a certificate.
    pub fn register(
        registry: &Registry,
        http: Option<&Arc<Tls>>,
        mqtt: Option<Arc<Tls>>,
    ) -> Result<Self, prometheus::Error> {
        let ends = IntGaugeVec::new(
            Opts::new(
                "steppewatch_certificate_expiry_timestamp_seconds",
                "When a listener's certificate, or one between it and the authority, ends: seconds since 1970 UTC.",
            ),
            &["listener"],
        )?;
        registry.register(Box::new(ends.clone()))?;
        let listeners = [("http", http.cloned()), ("mqtt", mqtt)];
        let listeners = listeners.into_iter().filter_map(|(name, tls)| Some((name, tls?))).collect();
        let expiry = Self { ends, listeners };
        expiry.show();
        Ok(expiry)
    }

    /// Takes the certificates of now.
    pub fn show(&self) {
        for (listener, tls) in &self.listeners {
            if let Some(ends_at_s) = tls.expires_at_s() {
                self.ends.with_label_values(&[*listener]).set(ends_at_s);
            }
        }
    }
}
