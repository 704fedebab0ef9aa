//! The outbox makes the documents: once, for whom they are, and each with what went before.

use crate::raise::tests::{case, finding};
use crate::store::{Known, Store};
use crate::upstream::{Form, Payload, Payloads};
use journal::alert_log::AlertLog;
use model::{
    Action, Case, ChannelKind, Command, FireSign, Households, Matter, Notice, Receipt, ReceiptState, Subscriber,
    TenantId, Timestamp, What,
};
use std::collections::HashSet;

fn subscriber(channel: ChannelKind) -> Subscriber {
    Subscriber { name: "上级平台".into(), ..Subscriber::to_all(channel.as_str(), channel) }
}

fn known<'a>(subscribers: &'a [Subscriber], households: &'a Households) -> Known<'a> {
    Known { subscribers, rosters: &[], zones: &[], households }
}

fn open(folder: &tempfile::TempDir) -> Store {
    let path = folder.path().join("alerts.db");
    let cap = Payload { form: Form::Cap, sender: "steppewatch.hexigten".into(), ..Payload::default() };
    let store = Store::open(&path, AlertLog::open(&path).unwrap(), TenantId::parse("hexigten").unwrap()).unwrap();
    store.with_payloads(Payloads { platform: cap.clone(), fire: cap })
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_776_824_100_000 + second * 1_000)
}

/// What is due now, by the channel's word; it counts as delivered, so that the next of its lane comes.
fn told(store: &Store) -> Vec<(String, String)> {
    let mut all = Vec::new();
    loop {
        let due = store.look(at(1_000), |_| 100, &HashSet::new()).unwrap().due;
        if due.is_empty() {
            return all;
        }
        for one in due {
            let state = ReceiptState::Delivered;
            let (at, answer) = (at(1_000), "0".into());
            let receipt = Receipt { delivery: one.id, state, attempts: 1, at, took_ms: 1, answer };
            store.receipts(&[(receipt, at)]).unwrap();
            all.push((one.subscriber, one.body));
        }
    }
}

fn field(document: &str, name: &str) -> String {
    let rest = document.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
    rest.split('<').next().unwrap_or_default().to_owned()
}

fn raise(store: &Store, what: What, subscribers: &[Subscriber], now: Timestamp) {
    let households = Households::default();
    store.raise(&[finding(what)], known(subscribers, &households), now).unwrap();
}

#[test]
fn each_message_of_a_case_names_all_that_the_receiver_was_told_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let upstream = [subscriber(ChannelKind::Platform)];
    raise(&store, What::Opened(case()), &upstream, at(1));
    let other = model::IncidentId::parse("inc-10").unwrap();
    raise(&store, What::Opened(Case { id: other, ..case() }), &upstream, at(2));
    let command = Command { incident: Some(case().id), by: "li".into(), at: at(3), action: Action::Acknowledge };
    let households = Households::default();
    store.command(1, &command, known(&upstream, &households), at(3)).unwrap();
    raise(&store, What::Withdrawn(Case { ended_at: Some(at(4)), ..case() }), &upstream, at(4));

    let documents: Vec<String> =
        told(&store).into_iter().map(|(_, body)| body).filter(|body| field(body, "incidents") == "inc-1").collect();
    let of = |name: &str| documents.iter().map(|document| field(document, name)).collect::<Vec<_>>();
    assert_eq!(of("msgType"), ["Alert", "Update", "Cancel"]);
    assert_eq!(of("sent"), ["2026-04-22T10:15:01+08:00", "2026-04-22T10:15:03+08:00", "2026-04-22T10:15:04+08:00"]);
    let names: Vec<String> = documents
        .iter()
        .map(|one| format!("steppewatch.hexigten,{},{}", field(one, "identifier"), field(one, "sent")))
        .collect();
    assert_eq!(of("references"), [String::new(), names[0].clone(), format!("{} {}", names[0], names[1])]);
}

#[test]
fn what_never_reached_the_receiver_is_not_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let upstream = [subscriber(ChannelKind::Platform)];
    raise(&store, What::Opened(case()), &upstream, at(1));
    let due = store.look(at(1), |_| 1, &HashSet::new()).unwrap().due.remove(0);
    let receipt = Receipt {
        delivery: due.id,
        state: ReceiptState::Dead,
        attempts: 9,
        at: at(2),
        took_ms: 1,
        answer: "no".into(),
    };
    store.receipts(&[(receipt, at(2))]).unwrap();
    raise(&store, What::Ended(Case { ended_at: Some(at(3)), ..case() }), &upstream, at(3));
    let [(_, body)] = &told(&store)[..] else { panic!("one") };
    assert_eq!((field(body, "msgType").as_str(), field(body, "references").as_str()), ("Alert", ""));
}

#[test]
fn the_fire_warning_system_hears_of_fires_unless_it_asked_for_more() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let curious = Subscriber {
        id: "curious".into(),
        events: vec![model::AlertKind::IncidentOpened],
        ..subscriber(ChannelKind::FireWarning)
    };
    let upstream = [subscriber(ChannelKind::FireWarning), curious];
    let fire = Notice {
        matter: Matter::Fire { sign: FireSign::Smoke, confidence: 0.8 },
        devices: vec![],
        devices_count: 0,
        zone: None,
        township: None,
        position: None,
        since: at(0),
        until: None,
        late: false,
    };
    raise(&store, What::Opened(case()), &upstream, at(1));
    raise(&store, What::Begun(fire.clone()), &upstream, at(2));
    raise(&store, What::Over(Notice { until: Some(at(3)), ..fire }), &upstream, at(3));
    let heard: Vec<(String, String)> =
        told(&store).into_iter().map(|(who, body)| (who, field(&body, "msgType"))).collect();
    let of = |who: &str| heard.iter().filter(|(one, _)| one == who).map(|(_, kind)| kind.as_str()).collect::<Vec<_>>();
    assert_eq!(of("fire_warning"), ["Alert", "Update"]);
    assert_eq!(of("curious"), ["Alert"]);
}

#[test]
fn without_a_configuration_the_shipped_json_is_kept_for_when_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).with_payloads(Payloads::default());
    raise(&store, What::Opened(case()), &[subscriber(ChannelKind::Platform)], at(1));
    let [(_, body)] = &told(&store)[..] else { panic!("one") };
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["事件编号"], &body["发送时间"]), (&"inc-1".into(), &"2026-04-22 10:15:01".into()));
    assert!(body["消息编号"].as_str().unwrap().starts_with("msg_"));
}
