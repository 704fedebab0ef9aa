//! Who listens to alerts: what it hears and does not, and what becomes of it when its right ends.

use super::house::House;
use super::wire::{Connect, Raw};
use ingest::gate::Announcement;
use model::{AlertKind, ChannelKind, Severity, Subscriber, TownshipCode};
use registry::NewSubscriber;
use std::num::NonZeroUsize;

const ROOT: &str = "steppe/v1/hexigten/alerts";

/// Somebody who listens to one township.
fn listener() -> NewSubscriber {
    let townships = vec![TownshipCode::parse("150425100").unwrap()];
    NewSubscriber { channel: ChannelKind::Mqtt, townships, ..NewSubscriber::webhook("village screen", "") }
}

fn login(level: u8, listener: &Subscriber) -> Connect {
    Connect {
        level,
        client: "screen".to_owned(),
        clean: true,
        keep_alive_s: 60,
        username: listener.id.clone(),
        password: listener.secret.clone(),
        will: None,
        properties: Vec::new(),
        will_properties: Vec::new(),
    }
}

fn alert(township: &str, event: &str, severity: Severity) -> Announcement {
    let topic = format!("{ROOT}/{township}/{event}");
    Announcement { body: topic.clone().into_bytes(), topic, severity }
}

/// The next message: the topic that stands in its body.
async fn hears(raw: &mut Raw, township: &str, event: &str) {
    let (first, body) = raw.read().await.expect("an alert");
    let topic = format!("{ROOT}/{township}/{event}");
    assert_eq!(first & 0xf0, 0x30, "{body:?}");
    assert!(body.ends_with(topic.as_bytes()), "{topic}: {}", String::from_utf8_lossy(&body));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_hears_its_own_township_in_both_versions_and_no_other() {
    let house = House::start().await;
    for level in [4, 5] {
        let listener = house.registry.add_subscriber(listener(), "test").unwrap();
        let mut raw = login(level, &listener).accepted(house.address).await;
        let denied = if level == 5 { 0x87 } else { 0x80 };
        for filter in [format!("{ROOT}/#"), format!("{ROOT}/150425200/#"), "steppe/v1/hexigten/camera-1/down/#".into()]
        {
            assert_eq!(raw.subscribe(1, &filter, 1).await, denied, "{filter}");
        }
        assert_eq!(raw.subscribe(2, &format!("{ROOT}/150425100/#"), 1).await, 1);
        let (far, near) = ("150425200", "150425100");
        let [one, other] = [far, near].map(|township| alert(township, "incident.opened", Severity::Urgent));
        house.announcer.announce(vec![one, other]).await.unwrap();
        hears(&mut raw, near, "incident.opened").await;
        raw.send(&[0x40, 2, 0, 1]).await;
        raw.ping().await;
    }
    assert_eq!(house.refusals("foreign_filter"), 6);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_listener_does_not_want_is_left_out_and_holds_nothing_up() {
    let house = House::start().await;
    let wants = NewSubscriber {
        events: vec![AlertKind::IncidentOpened],
        severity: Severity::Urgent,
        townships: vec![],
        ..listener()
    };
    let listener = house.registry.add_subscriber(wants, "test").unwrap();
    for qos in [0, 1] {
        let mut raw = login(5, &listener).accepted(house.address).await;
        assert_eq!(raw.subscribe(1, &format!("{ROOT}/#"), qos).await, qos);
        // More than the router leaves unacknowledged: what is left out is acknowledged for the listener.
        let unwanted = (0..300).map(|number| match number % 2 {
            0 => alert("-", "device.silent", Severity::Urgent),
            _ => alert("150425100", "incident.opened", Severity::Warning),
        });
        let wanted = alert("150425100", "incident.withdrawn", Severity::Urgent);
        house.announcer.announce(unwanted.chain([wanted]).collect()).await.unwrap();
        hears(&mut raw, "150425100", "incident.withdrawn").await;
        raw.send(&[0xe0, 0]).await;
    }
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_says_nothing_to_anybody() {
    let house = House::start().await;
    let listener = house.registry.add_subscriber(listener(), "test").unwrap();
    let topic = format!("{ROOT}/150425100/incident.opened");
    for topic in [topic.as_str(), "steppe/v1/hexigten/camera-1/track"] {
        let mut old = login(4, &listener).accepted(house.address).await;
        old.publish(1, 1, topic, b"{}").await;
        assert_eq!(old.read().await, None, "{topic}");
        let mut new = login(5, &listener).accepted(house.address).await;
        new.publish(1, 1, topic, b"{}").await;
        new.expect(0x40, &[0, 1, 0x87, 0]).await;
        new.ping().await;
    }
    let (_, connack) = Connect { will: Some((topic, b"{}".to_vec())), ..login(5, &listener) }.to(house.address).await;
    assert_eq!(connack, (0x20, vec![0, 0x87, 0]));
    assert_eq!((house.refusals("listener_speaks"), house.refusals("bad_will")), (4, 1));
    assert_eq!(house.payloads().await.len(), 0);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_needs_its_own_password_and_is_sent_away_when_it_is_removed() {
    let house = House::start().await;
    let [listener, other] = [(); 2].map(|()| house.registry.add_subscriber(listener(), "test").unwrap());
    for password in ["", other.secret.as_str(), house.secret("camera-1")] {
        let wrong = Connect { password: password.to_owned(), ..login(5, &listener) };
        assert_eq!(wrong.to(house.address).await.1, (0x20, vec![0, 0x86, 0]));
    }
    let mut device = Connect::new(&house, 5, "camera-1");
    device.password.clone_from(&listener.secret);
    assert_eq!(device.to(house.address).await.1, (0x20, vec![0, 0x86, 0]));

    let mut kept = login(4, &listener);
    kept.clean = false;
    let mut raw = kept.accepted(house.address).await;
    raw.subscribe(1, &format!("{ROOT}/150425100/#"), 1).await;
    assert_eq!(house.metrics.listeners.get(), 1);
    house.registry.remove_subscriber(&listener.id, "test").unwrap();
    assert_eq!(raw.read().await, None);
    assert_eq!(kept.to(house.address).await.1, (0x20, vec![0, 4]));
    login(5, &other).accepted(house.address).await.ping().await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_session_hears_what_was_said_while_the_listener_was_away() {
    let house = House::start().await;
    let listener = house.registry.add_subscriber(listener(), "test").unwrap();
    let kept = Connect { clean: false, ..login(4, &listener) };
    let mut raw = kept.accepted(house.address).await;
    raw.subscribe(1, &format!("{ROOT}/150425100/#"), 1).await;
    raw.send(&[0xe0, 0]).await;
    assert_eq!(raw.read().await, None);
    while house.metrics.listeners.get() > 0 {
        tokio::task::yield_now().await;
    }
    // As many as a closure finds at midnight, each as large as a case with its pictures.
    let large = |number: u16| Announcement {
        body: [vec![b' '; 5_000], number.to_be_bytes().to_vec()].concat(),
        ..alert("150425100", "incident.opened", Severity::Urgent)
    };
    house.announcer.announce((0..300).map(large).collect()).await.unwrap();
    let mut raw = kept.accepted(house.address).await;
    for number in 0..300_u16 {
        let (first, body) = raw.read().await.unwrap();
        assert_eq!((first & 0xf6, &body[body.len() - 2..]), (0x32, &number.to_be_bytes()[..]));
        let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
        raw.send(&[0x40, 2, body[2 + topic], body[3 + topic]]).await;
    }
    raw.ping().await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_have_a_bound_of_their_own() {
    let house = House::start_as(|config| config.max_listeners = NonZeroUsize::MIN).await;
    let [one, other] = [(); 2].map(|()| house.registry.add_subscriber(listener(), "test").unwrap());
    let mut first = login(5, &one).accepted(house.address).await;
    assert_eq!(login(5, &other).to(house.address).await.1, (0x20, vec![0, 0x89, 0]));
    assert_eq!(house.refusals("too_many_listeners"), 1);
    Raw::connect(&house, 5, "camera-1").await.ping().await;
    first.ping().await;
    // Whoever is there may come again on another connection.
    let mut again = login(5, &one).accepted(house.address).await;
    first.expect_closed(0x8e).await;
    again.ping().await;
    assert_eq!(house.metrics.listeners.get(), 1);
    house.stop().await.unwrap();
}
