//! rumqttd's router, held at arm's length: links for sessions, a loopback that proves it lives, a voice for the platform.
//!
//! In:  subscriptions, and what the platform says.   Out: what devices subscribed to.
//!
//! Never: an event for a link that is gone (the router would stop), a link under a name that is live, a payload that
//! shares memory with a socket's buffer. Why each of these matters is in `docs/adr/0002`.

use super::audience::Announcement;
use super::limits;
use bytes::Bytes;
use rumqttd::local::{LinkBuilder, LinkError, LinkRx, LinkTx};
use rumqttd::protocol::{Disconnect, DisconnectReasonCode, Packet, PingReq, Publish};
use rumqttd::{Notification, Router, RouterConfig, SegmentConfig};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The router is not there any more; the process has to start anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("mqtt router stopped; restart the process, devices will send again what was not acknowledged")]
pub struct RouterGone;

/// Why the platform could not say something to devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSaid {
    /// Say at least one byte, or say it retained: the router takes any empty message as "forget what is retained".
    #[error("an empty message that is not retained would erase the one that is; say at least one byte")]
    Empty,
    /// Restart the process.
    #[error(transparent)]
    Router(#[from] RouterGone),
}

impl From<LinkError> for RouterGone {
    fn from(_: LinkError) -> Self {
        Self
    }
}

type Open = dyn Fn(&str, bool) -> Result<(LinkTx, LinkRx, Notification), RouterGone> + Send + Sync;

/// The router.
pub struct Bus {
    // The router's sender has a private type; a closure can hold it.
    open: Arc<Open>,
    loopback: Mutex<Loopback>,
    voice: Mutex<LinkTx>,
    // Of its own: an order to a device does not wait behind a storm of alerts.
    announcer: Mutex<LinkTx>,
}

struct Loopback {
    to: LinkTx,
    from: LinkRx,
    /// Requests that were sent and not answered: more than one when a caller was dropped while it waited.
    unanswered: u64,
}

/// One session's link to the router.
pub struct Link {
    /// Towards the router.
    pub to: LinkTx,
    /// From the router.
    pub from: LinkRx,
    /// Whether the router remembered the session.
    pub session_present: bool,
}

impl Bus {
    /// Starts the router in its own thread, with room for `sessions_max` links besides the platform's own; topics of alerts begin
    /// with `alerts`.
    pub async fn start(sessions_max: usize, alerts: &str) -> Result<Self, RouterGone> {
        let of_alerts =
            SegmentConfig { max_segment_size: limits::ALERT_SEGMENT_BYTES, max_segment_count: limits::ALERT_SEGMENTS };
        let config = RouterConfig {
            // A link that is being built while the former holder's slot is still taken must find room too.
            max_connections: sessions_max.saturating_mul(2).saturating_add(16),
            max_outgoing_packet_count: limits::ROUTER_OUTGOING_PACKETS,
            max_segment_size: limits::ROUTER_SEGMENT_BYTES,
            max_segment_count: limits::ROUTER_SEGMENTS,
            // The router compares filters with this one as if they were topics.
            custom_segment: Some(HashMap::from([(format!("{alerts}/#"), of_alerts)])),
            initialized_filters: None,
            ..RouterConfig::default()
        };
        let router = Router::new(0, config).spawn();
        let open: Arc<Open> = Arc::new(move |name, clean| {
            // No topic aliases: the router ties one alias to a filter, not to a topic, and so misnames messages.
            LinkBuilder::new(name, router.clone())
                .clean_session(clean)
                .topic_alias_max(0)
                .build()
                .map_err(RouterGone::from)
        });
        // `*` cannot stand in a device's id, so no session takes these names.
        let loopback = build(&open, "*loopback".to_owned(), true).await?;
        let voice = build(&open, "*platform".to_owned(), true).await?;
        let announcer = build(&open, "*alerts".to_owned(), true).await?;
        let loopback = Loopback { to: loopback.to, from: loopback.from, unanswered: 0 };
        Ok(Self {
            open,
            loopback: Mutex::new(loopback),
            voice: Mutex::new(voice.to),
            announcer: Mutex::new(announcer.to),
        })
    }

    /// Opens a link. `clean` forgets what the router remembers under `name`. The caller makes sure that no other link of
    /// this name is open.
    pub async fn open(&self, name: &str, clean: bool) -> Result<Link, RouterGone> {
        build(&self.open, name.to_owned(), clean).await
    }

    /// Makes the router forget a session that is not connected.
    pub async fn forget(&self, name: &str) -> Result<(), RouterGone> {
        let link = self.open(name, true).await?;
        drop(link.from);
        close(link.to).await
    }

    /// Returns when the router has dealt with everything that was sent to it before. Also its sign of life.
    ///
    /// The answer to the last request can only come from the event that this call queued: the events of all earlier
    /// requests are done once those are answered. All earlier events of the router's single queue are then done too.
    pub async fn barrier(&self) -> Result<(), RouterGone> {
        let mut loopback = self.loopback.lock().await;
        while loopback.unanswered > 0 {
            loopback.answer().await?;
        }
        loopback.unanswered += 1;
        loopback.to.send(Packet::PingReq(PingReq)).await?;
        loopback.answer().await
    }

    /// Says alerts to whoever listens; returns when the router has them, in this order.
    pub async fn announce(&self, announcements: Vec<Announcement>) -> Result<(), RouterGone> {
        let mut announcer = self.announcer.lock().await;
        let mut left = announcements.into_iter().peekable();
        while left.peek().is_some() {
            for announcement in left.by_ref().take(limits::ANNOUNCED_AT_ONCE) {
                let (publish, properties) = announcement.into_publish();
                announcer.send(Packet::Publish(publish, Some(properties))).await?;
            }
            self.barrier().await?;
        }
        Ok(())
    }

    /// Says something to devices that subscribed to `topic`. Not stored beyond the router's memory.
    pub async fn say(&self, topic: &str, payload: &[u8], retain: bool) -> Result<(), NotSaid> {
        if payload.is_empty() && !retain {
            return Err(NotSaid::Empty);
        }
        let publish = Publish::new(Bytes::copy_from_slice(topic.as_bytes()), Bytes::copy_from_slice(payload), retain);
        self.voice.lock().await.send(Packet::Publish(publish, None)).await.map_err(RouterGone::from)?;
        Ok(())
    }
}

impl Loopback {
    async fn answer(&mut self) -> Result<(), RouterGone> {
        loop {
            if let Some(notification) = self.from.next().await?
                && matches!(Option::<Packet>::from(notification), Some(Packet::PingResp(_)))
            {
                self.unanswered = self.unanswered.saturating_sub(1);
                return Ok(());
            }
        }
    }
}

/// Ends a link whose receiving half is dropped. Order matters: a receiving half that wakes the router afterwards stops it.
pub async fn close(mut to: LinkTx) -> Result<(), RouterGone> {
    let normal = Disconnect { reason_code: DisconnectReasonCode::NormalDisconnection };
    to.send(Packet::Disconnect(normal, None)).await?;
    Ok(())
}

/// Building waits for the router's answer with the thread, so it gets a thread of its own.
async fn build(open: &Arc<Open>, name: String, clean: bool) -> Result<Link, RouterGone> {
    let open = Arc::clone(open);
    let built = tokio::task::spawn_blocking(move || open(&name, clean)).await.map_err(|_| RouterGone)?;
    let (to, from, hello) = built?;
    let session_present = matches!(Option::<Packet>::from(hello), Some(Packet::ConnAck(ack, _)) if ack.session_present);
    Ok(Link { to, from, session_present })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rumqttd::protocol::{Filter, QoS, RetainForwardRule, Subscribe};

    #[tokio::test(flavor = "multi_thread")]
    async fn what_the_platform_says_reaches_a_link_that_subscribed() {
        let bus = Bus::start(4, "steppe/v1/t/alerts").await.unwrap();
        let mut link = bus.open("camera-1:0", true).await.unwrap();
        let filter = Filter {
            path: "steppe/v1/t/camera-1/down/#".into(),
            qos: QoS::AtLeastOnce,
            nolocal: false,
            preserve_retain: false,
            retain_forward_rule: RetainForwardRule::OnEverySubscribe,
        };
        link.to.send(Packet::Subscribe(Subscribe { pkid: 1, filters: vec![filter] }, None)).await.unwrap();
        bus.barrier().await.unwrap();
        bus.say("steppe/v1/t/camera-1/down/reboot", b"now", false).await.unwrap();
        loop {
            let notification = link.from.next().await.unwrap();
            if let Some(Packet::Publish(publish, _)) = notification.and_then(Option::<Packet>::from) {
                assert_eq!(&publish.payload[..], b"now");
                return;
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_router_outlives_links_that_come_and_go_under_one_name() {
        let bus = Bus::start(4, "steppe/v1/t/alerts").await.unwrap();
        for _ in 0..200 {
            let link = bus.open("camera-1:0", true).await.unwrap();
            drop(link.from);
            close(link.to).await.unwrap();
        }
        bus.barrier().await.unwrap();
    }
}
