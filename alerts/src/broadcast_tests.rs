//! The stage with a real log and registry, and somebody who hears what it says.

use super::*;
use crate::raise::tests::{case, finding};
use crate::store::Known;
use journal::alert_log::AlertLog;
use model::{Action, Case, Clock, Command, Households, IncidentId, Timestamp, TownshipCode, What};
use registry::{NewSubscriber, Registry as Subscribers};
use std::path::Path;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

fn open(folder: &Path) -> Store {
    let path = folder.join("alerts.db");
    Store::open(&path, AlertLog::open(&path).unwrap(), TenantId::parse("hexigten").unwrap()).unwrap()
}

fn listener() -> NewSubscriber {
    NewSubscriber { channel: ChannelKind::Mqtt, ..NewSubscriber::webhook("village screen", "") }
}

/// The case `inc-{number}` in a township, or in none.
fn opened(number: u32, township: Option<&str>) -> model::Finding {
    let id = IncidentId::parse(&format!("inc-{number}")).unwrap();
    let township = township.map(|code| TownshipCode::parse(code).unwrap());
    finding(What::Opened(Case { id, township, ..case() }))
}

/// The stage, and what surrounds it.
struct House {
    store: Store,
    registry: Subscribers,
    heard: mpsc::Receiver<Message>,
    metrics: BroadcastMetrics,
    stop: CancellationToken,
    running: JoinHandle<Result<(), BroadcastError>>,
}

impl House {
    fn start(folder: &Path) -> Self {
        let store = open(folder);
        let registry = Subscribers::open(&folder.join("registry.db"), Clock::system()).unwrap();
        let (says, heard) = mpsc::channel(1_000);
        let metrics = BroadcastMetrics::register(&Registry::new()).unwrap();
        let parts = BroadcastParts {
            store: store.clone(),
            view: registry.view(),
            tenant: TenantId::parse("hexigten").unwrap(),
            publish: Box::new(move |messages| {
                let said = messages.into_iter().try_for_each(|message| says.try_send(message));
                Box::pin(std::future::ready(said.map_err(|error| Unsaid(error.to_string()))))
            }),
            metrics: metrics.clone(),
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn(run(parts, stop.clone()));
        Self { store, registry, heard, metrics, stop, running }
    }

    fn raise(&self, findings: &[model::Finding]) {
        let households = Households::default();
        let view = self.registry.view().borrow().clone();
        let known = Known { subscribers: &view.subscribers, rosters: &[], zones: &[], households: &households };
        self.store.raise(findings, known, Timestamp::from_millis(5_000)).unwrap();
    }

    async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_is_told_is_said_once_under_its_township_and_event_and_nothing_is_put_into_the_outbox() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).keep_cursor(CURSOR, 0).unwrap();
    let mut house = House::start(folder.path());
    house.registry.add_subscriber(listener(), "test").unwrap();
    house.raise(&[opened(1, Some("150425100")), opened(2, None)]);
    let first = house.heard.recv().await.unwrap();
    let second = house.heard.recv().await.unwrap();
    assert_eq!(first.topic, "steppe/v1/hexigten/alerts/150425100/incident.opened");
    assert_eq!(second.topic, "steppe/v1/hexigten/alerts/-/incident.opened");
    let event: serde_json::Value = serde_json::from_slice(&first.body).unwrap();
    assert_eq!((&event["type"], &event["data"]["id"]), (&"steppewatch.incident.opened".into(), &"inc-1".into()));
    assert_eq!((first.severity, &event["severity"]), (Severity::Urgent, &"urgent".into()));
    let looked = house.store.look(Timestamp::from_millis(i64::MAX), |_| 10, &std::collections::HashSet::new()).unwrap();
    assert_eq!(looked, crate::store::Looked::default());

    // Seen again, and a comment: for the record only.
    let id = IncidentId::parse("inc-1").unwrap();
    house.raise(&[finding(What::SeenAgain(Case { id: id.clone(), ..case() }))]);
    let households = Households::default();
    let known = Known { subscribers: &[], rosters: &[], zones: &[], households: &households };
    let command =
        |action| Command { incident: Some(id.clone()), by: "li".into(), at: Timestamp::from_millis(6_000), action };
    let now = Timestamp::from_millis(6_000);
    house.store.command(1, &command(Action::Comment { text: "…".into() }), known, now).unwrap();
    house.store.command(2, &command(Action::Acknowledge), known, now).unwrap();
    let third = house.heard.recv().await.unwrap();
    assert!(third.topic.ends_with("/incident.updated"), "{}", third.topic);
    assert!(String::from_utf8(third.body).unwrap().contains("\"status\":\"acknowledged\""));
    house.stop().await;
}

#[tokio::test]
async fn who_begins_to_listen_hears_nothing_of_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::start(folder.path());
    // Before the stage has begun for the first time, and then while nobody listens.
    house.raise(&[opened(1, None)]);
    while house.store.cursor(CURSOR).unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    house.raise(&[opened(2, None)]);
    while house.metrics.cursor.get() < 2 {
        tokio::task::yield_now().await;
    }
    house.registry.add_subscriber(listener(), "test").unwrap();
    house.raise(&[opened(3, None)]);
    let heard = house.heard.recv().await.unwrap();
    assert!(String::from_utf8(heard.body).unwrap().contains("inc-3"));
    assert_eq!(house.metrics.said.get(), 1);
    house.stop().await;
}

#[tokio::test]
async fn what_may_not_have_been_said_before_a_crash_is_said_again_under_the_same_id() {
    let folder = tempfile::tempdir().unwrap();
    let mut ids = Vec::new();
    for _start in 0..2 {
        open(folder.path()).keep_cursor(CURSOR, 0).unwrap();
        let mut house = House::start(folder.path());
        if ids.is_empty() {
            house.registry.add_subscriber(listener(), "test").unwrap();
        }
        house.raise(&[opened(1, None)]);
        let heard: serde_json::Value = serde_json::from_slice(&house.heard.recv().await.unwrap().body).unwrap();
        ids.push(heard["id"].as_str().unwrap().to_owned());
        house.stop().await;
        assert_eq!(open(folder.path()).cursor(CURSOR).unwrap(), Some(1));
    }
    assert_eq!(ids.first(), ids.last());
}

#[tokio::test]
async fn when_nothing_can_be_said_any_more_the_stage_ends_with_the_reason_and_the_cursor_stays() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).keep_cursor(CURSOR, 0).unwrap();
    let House { store, registry, heard, running, .. } = House::start(folder.path());
    drop(heard);
    registry.add_subscriber(listener(), "test").unwrap();
    let households = Households::default();
    let view = registry.view().borrow().clone();
    let known = Known { subscribers: &view.subscribers, rosters: &[], zones: &[], households: &households };
    store.raise(&[opened(1, None)], known, Timestamp::from_millis(5_000)).unwrap();
    assert!(matches!(running.await.unwrap().unwrap_err(), BroadcastError::Unsaid(_)));
    assert_eq!(store.cursor(CURSOR).unwrap(), Some(0));
}
