//! Alerts for those who listen by MQTT: what `alerts` says, said by the gate, which knows nothing of alerts.
//!
//! In: messages of [`alerts::broadcast`].   Out: the gate's router has them.   Never: waits for a listener.

use crate::stages::Stages;
use crate::stores::Stores;
use alerts::broadcast::{self, BroadcastMetrics, BroadcastParts, Message, Publish, Unsaid};
use ingest::gate::{Announcement, Announcer};
use model::TenantId;
use tokio_util::sync::CancellationToken;

/// Starts the stage.
pub fn start(
    stages: &mut Stages,
    announcer: Announcer,
    tenant: &TenantId,
    stores: &Stores,
    stop: &CancellationToken,
) -> Result<(), prometheus::Error> {
    let parts = BroadcastParts {
        store: stores.alerts.clone(),
        view: stores.registry.view(),
        tenant: tenant.clone(),
        publish: publish(announcer),
        metrics: BroadcastMetrics::register(&stores.metrics)?,
    };
    stages.spawn_behind("broadcast", broadcast::run(parts, stop.clone()));
    Ok(())
}

fn publish(announcer: Announcer) -> Publish {
    Box::new(move |messages| {
        let announcer = announcer.clone();
        let announcements = messages.into_iter().map(announcement).collect();
        Box::pin(async move { announcer.announce(announcements).await.map_err(|gone| Unsaid(gone.to_string())) })
    })
}

fn announcement(Message { topic, body, severity }: Message) -> Announcement {
    Announcement { topic, body, severity }
}
