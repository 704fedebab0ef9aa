//! Who is told, and what nobody took: deliveries from the outbox, and a look each second at what is overdue.
//!
//! In:  the outbox and the configuration of telling.   Out: two stages that run until `stop`.

use crate::config::Config;
use crate::stages::Stages;
use crate::stores::Stores;
use alerts::deliver::{self, DeliverParts};
use alerts::{Metrics, OverdueParts};
use tokio_util::sync::CancellationToken;

/// Starts the stages.
pub fn start(stages: &mut Stages, config: &Config, stores: &Stores, metrics: &Metrics, stop: &CancellationToken) {
    let delivery = DeliverParts {
        store: stores.alerts.clone(),
        registry: stores.registry.clone(),
        allowed: config.telling.networks.clone(),
        timeout: config.telling.timeout,
        sms: config.telling.sms.clone(),
        upstream: config.upstream.adapters.clone(),
        clock: stores.clock.clone(),
        metrics: metrics.clone(),
    };
    stages.spawn_behind("delivery", deliver::run(delivery, stop.clone()));
    let overdue = OverdueParts {
        store: stores.alerts.clone(),
        view: stores.registry.view(),
        report_within: config.telling.report_within,
        clock: stores.clock.clone(),
        metrics: metrics.clone(),
    };
    stages.spawn_behind("overdue", alerts::watch_overdue(overdue, stop.clone()));
}
