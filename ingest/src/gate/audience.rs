//! Who listens to alerts: what each may hear, and how many there may be.
//!
//! In:  a subscriber of the channel `mqtt`, its filters, alerts on their way to it.   Out: yes or no.
//! Next: `acl` asks for filters, `mailbox` for alerts, `serve` for a place.
//!
//! Never: a word from a listener to anybody, an alert of a township that is not the listener's, filters without end: the router
//! keeps a log for each distinct one as long as the process lives.

use super::Shared;
use super::bus::RouterGone;
use super::limits;
use super::refusal::Refusal;
use crate::metrics::Metrics;
use bytes::Bytes;
use model::{AlertKind, ChannelKind, Severity, Subscriber, TenantId, TownshipCode};
use prometheus::IntGauge;
use rumqttd::protocol::{Publish, PublishProperties};
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The user property of MQTT 5 that says how urgent an alert is.
const SEVERITY: &str = "severity";

/// What all topics of alerts begin with.
pub(super) fn alerts_root(tenant: &TenantId) -> String {
    format!("steppe/v1/{tenant}/alerts")
}

/// What one listener may hear, and what of it it wants to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hearing {
    townships: Vec<TownshipCode>,
    wants: Wants,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Wants {
    events: Vec<AlertKind>,
    severity: Severity,
}

impl Hearing {
    /// Of the subscriber with this id, if it is one that listens.
    pub fn of(subscribers: &[Subscriber], id: &str) -> Option<Self> {
        let is_it = |one: &&Subscriber| one.id == id && one.channel == ChannelKind::Mqtt && one.off.is_none();
        let one = subscribers.iter().find(is_it)?;
        // Whoever hears that a case was opened must hear that it was taken back.
        let events = if one.events.is_empty() {
            Vec::new()
        } else {
            AlertKind::ALL.into_iter().filter(|kind| one.hears(*kind)).collect()
        };
        Some(Self { townships: one.townships.clone(), wants: Wants { events, severity: one.severity } })
    }

    /// Whether it may subscribe to what follows `…/alerts/`: all of it if it named no township, else what begins with one of its
    /// own, written out.
    pub(super) fn may_hear(&self, rest: &str) -> bool {
        let first = rest.split('/').next().unwrap_or_default();
        self.townships.is_empty() || self.townships.iter().any(|township| township.as_str() == first)
    }

    /// Whether it wants an alert that it may hear. One that does not say what it is, is passed on.
    pub(super) fn wants(&self, publish: &Publish, properties: Option<&PublishProperties>) -> bool {
        let topic = std::str::from_utf8(&publish.topic).unwrap_or_default();
        let event = topic.rsplit('/').next().unwrap_or_default();
        let is_named = |kind: &AlertKind| kind.topic_level() == event;
        let severity = properties
            .and_then(|properties| properties.user_properties.iter().find(|(name, _)| name == SEVERITY))
            .and_then(|(_, word)| Severity::parse(word));
        (self.wants.events.is_empty() || self.wants.events.iter().any(is_named))
            && severity.is_none_or(|severity| severity >= self.wants.severity)
    }
}

/// An alert on its way to whoever listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Where.
    pub topic: String,
    /// What: a CloudEvent.
    pub body: Vec<u8>,
    /// How urgent.
    pub severity: Severity,
}

impl Announcement {
    /// As the router takes it. MQTT 3.1.1 hears the same without the properties.
    pub(super) fn into_publish(self) -> (Publish, PublishProperties) {
        let properties = PublishProperties {
            payload_format_indicator: Some(1),
            message_expiry_interval: None,
            topic_alias: None,
            response_topic: None,
            correlation_data: None,
            user_properties: vec![(SEVERITY.to_owned(), self.severity.as_str().to_owned())],
            subscription_identifiers: Vec::new(),
            content_type: Some("application/cloudevents+json".to_owned()),
        };
        (Publish::new(Bytes::from(self.topic), Bytes::from(self.body), false), properties)
    }
}

/// Says alerts to whoever listens to them.
#[derive(Clone)]
pub struct Announcer(pub(super) Arc<Shared>);

impl Announcer {
    /// Says them in this order; the router has them when it returns. Kept in memory only, within the router's bounds, for those who are
    /// connected and for sessions that are kept.
    pub async fn announce(&self, announcements: Vec<Announcement>) -> Result<(), RouterGone> {
        self.0.bus.announce(announcements).await
    }
}

/// All listeners together.
pub(super) struct Audience {
    places: Arc<Semaphore>,
    connected: IntGauge,
    filters_ever: Mutex<HashSet<String>>,
}

/// A connected listener's place.
pub(super) struct Listening {
    connected: IntGauge,
    _place: OwnedSemaphorePermit,
}

impl Audience {
    /// Room for so many connections.
    pub fn new(connections: NonZeroUsize, metrics: &Metrics) -> Self {
        Self {
            places: Arc::new(Semaphore::new(connections.get())),
            connected: metrics.listeners.clone(),
            filters_ever: Mutex::default(),
        }
    }

    /// A place for another connection, if there is one.
    pub fn enter(&self) -> Result<Listening, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_full| Refusal::TooManyListeners)?;
        self.connected.inc();
        Ok(Listening { connected: self.connected.clone(), _place: place })
    }

    /// Whether a filter may be used that the router may not have seen from any listener.
    pub fn may_use_filter(&self, filter: &str) -> bool {
        let mut ever = self.filters_ever.lock().unwrap_or_else(PoisonError::into_inner);
        if ever.contains(filter) {
            return true;
        }
        let room = ever.len() < limits::LISTENERS_FILTERS;
        if room {
            ever.insert(filter.to_owned());
        }
        room
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.connected.dec();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Somebody who listens to everything.
    pub(in super::super) fn subscriber() -> Subscriber {
        Subscriber { name: "village screen".into(), ..Subscriber::to_all("sub-1", ChannelKind::Mqtt) }
    }

    fn listener(townships: &[&str], events: &[AlertKind], severity: Severity) -> Hearing {
        let townships = townships.iter().map(|code| TownshipCode::parse(code).unwrap()).collect();
        let one = Subscriber { townships, events: events.to_vec(), severity, ..subscriber() };
        Hearing::of(&[one], "sub-1").unwrap()
    }

    #[test]
    fn a_township_hears_what_begins_with_its_own_code_and_who_named_none_hears_all() {
        let own = listener(&["150425100", "150425200"], &[], Severity::Notice);
        for rest in ["150425100/#", "150425200/incident.opened", "150425100/+", "150425100"] {
            assert!(own.may_hear(rest), "{rest}");
        }
        for rest in ["#", "+/incident.opened", "150425300/#", "15042510/#", "1504251000/#", "-/device.silent", ""] {
            assert!(!own.may_hear(rest), "{rest}");
            assert!(listener(&[], &[], Severity::Notice).may_hear(rest), "{rest}");
        }
    }

    #[test]
    fn events_and_severity_are_kept_to_and_a_withdrawal_follows_its_opening() {
        let urgent = listener(&[], &[AlertKind::IncidentOpened], Severity::Urgent);
        let all = listener(&[], &[], Severity::Notice);
        for (event, severity, wanted) in [
            ("incident.opened", Severity::Urgent, true),
            ("incident.opened", Severity::Warning, false),
            ("incident.withdrawn", Severity::Urgent, true),
            ("incident.closed", Severity::Urgent, false),
        ] {
            let topic = format!("steppe/v1/hexigten/alerts/-/{event}");
            let (publish, properties) = Announcement { topic, body: b"{}".to_vec(), severity }.into_publish();
            assert_eq!(urgent.wants(&publish, Some(&properties)), wanted, "{event} {severity:?}");
            assert!(all.wants(&publish, Some(&properties)));
        }
    }

    #[test]
    fn listeners_share_a_bound_of_connections_and_of_filters() {
        let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
        let audience = Audience::new(NonZeroUsize::MIN, &metrics);
        let first = audience.enter().ok().unwrap();
        assert_eq!((audience.enter().err(), metrics.listeners.get()), (Some(Refusal::TooManyListeners), 1));
        drop(first);
        assert!(audience.enter().is_ok());
        assert_eq!(metrics.listeners.get(), 0);
        for number in 0..limits::LISTENERS_FILTERS {
            assert!(audience.may_use_filter(&number.to_string()));
        }
        assert!(audience.may_use_filter("0") && !audience.may_use_filter("one more"));
    }
}
