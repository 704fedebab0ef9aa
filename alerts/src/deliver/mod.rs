//! Alert -> Receipt: tells subscribers from the durable outbox, again and again until each has accepted or all hope is gone.
//!
//! In: pending deliveries of the store. Out: a [`model::Receipt`] for every attempt. Sending and writing the receipt are two
//! steps: after a crash between them the same message goes out again under the same id, and the receiver can tell.

mod address;
mod backoff;
mod breaker;
mod desk;
mod digest;
mod pace;
mod platform;
mod robot;
mod sender;
mod sms;
mod webhook;

pub use platform::{Accept, Adapter, Adapters, Auth, BadHmac, BadTls, Hmac, HmacSettings, SIGNS, Tls};
pub use sms::{Aliyun, BadSms, Params, Sms, Spool, Tencent, Way};
pub use webhook::sign;

use crate::metrics::Metrics;
use crate::store::{Store, StoreError};
use desk::Desk;
use model::{Clock, Networks};
use registry::Registry;
use std::fmt::Write;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Why delivery stopped.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The outbox.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The HTTP client could not be made.
    #[error("webhook client: {0}")]
    Client(#[from] reqwest::Error),
    /// A step of ours panicked.
    #[error("delivery stopped: {0}")]
    Panicked(String),
}

/// What delivery works with.
pub struct DeliverParts {
    /// The outbox.
    pub store: Store,
    /// For secrets and addresses; a receiver that says it is gone is switched off there.
    pub registry: Registry,
    /// Private networks that receivers may be in; none by default.
    pub allowed: Networks,
    /// A receiver that answers more slowly is tried again.
    pub timeout: Duration,
    /// By what way phones are reached; none: text messages wait.
    pub sms: Option<Sms>,
    /// Where upstream systems are; none: what is for them waits.
    pub upstream: Adapters,
    /// When an attempt is due.
    pub clock: Clock,
    /// Counters.
    pub metrics: Metrics,
}

/// Runs until `stop`; attempts under way are finished first, within their own timeout.
pub async fn run(parts: DeliverParts, stop: CancellationToken) -> Result<(), DeliverError> {
    let mut news = parts.store.log().head();
    let mut desk = Desk::new(parts)?;
    while !stop.is_cancelled() {
        let wait = desk.start_what_is_due().await?;
        tokio::select! {
            () = stop.cancelled() => {}
            // Ringing also happens for our own receipts: what comes next in their lanes is due then.
            Ok(()) = news.changed() => {}
            done = desk.finished() => desk.keep(done?).await?,
            () = tokio::time::sleep(wait) => {}
        }
    }
    while desk.is_busy() {
        let done = desk.finished().await?;
        desk.keep(done).await?;
    }
    Ok(())
}

/// As signatures are written.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a text cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::sender::Http;
    use model::{ChannelKind, Networks, Subscriber};

    /// A client that may speak to this machine.
    pub(crate) fn http() -> Http {
        // Fails when another test did it before.
        rustls::crypto::ring::default_provider().install_default().ok();
        Http::new(Networks::parse(["127.0.0.0/8"]).unwrap(), std::time::Duration::from_secs(15)).unwrap()
    }

    /// Somebody who hears everything by this way.
    pub(crate) fn subscriber(id: &str, channel: ChannelKind) -> Subscriber {
        let phone = (channel == ChannelKind::Sms).then(|| "+8613900000000".to_owned());
        Subscriber { url: "http://127.0.0.1:9/".into(), phone, ..Subscriber::to_all(id, channel) }
    }
}
