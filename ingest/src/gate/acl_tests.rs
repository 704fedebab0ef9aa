//! The rules of `acl`, a line each.

use super::super::audience::tests::subscriber;
use super::*;
use model::{ChannelKind, Subscriber, TownshipCode};

/// Gateway `dock` has serial DOCK1, speaks for `drone` (serial DRONE1), Frigate's camera `mast-07` and the collar of one EUI;
/// `other` (serial OTHER1) is on its own.
struct Steppe;

impl Kin for Steppe {
    fn external(&self, speaker: &DeviceId, system: &str, id: &str) -> Option<DeviceId> {
        let (id, via) = match (system, id) {
            ("dji", "DOCK1" | "dock") => ("dock", None),
            ("dji", "DRONE1") => ("drone", Some("dock")),
            ("dji", "OTHER1") => ("other", None),
            ("frigate", "mast-07") => ("cam-7", Some("dock")),
            ("deveui", "a84041000181c061") => ("collar-1", Some("dock")),
            _ => return None,
        };
        (speaker.as_str() == id || via == Some(speaker.as_str())).then(|| DeviceId::parse(id).unwrap())
    }

    fn is_gateway(&self, speaker: &DeviceId) -> bool {
        speaker.as_str() == "dock"
    }

    fn aircraft(&self, gateway: &DeviceId) -> Option<DeviceId> {
        (gateway.as_str() == "dock").then(|| DeviceId::parse("drone").unwrap())
    }
}

fn acl() -> Acl {
    Acl::new(TenantId::parse("hexigten").unwrap(), DeviceId::parse("dock").unwrap())
}

fn native(kind: ReadingKind, detail: &str) -> Channel {
    Channel::Native { kind, detail: Arc::from(detail) }
}

fn foreign(format: &str, detail: &str) -> Channel {
    Channel::Foreign { format: Arc::from(format), detail: Arc::from(detail) }
}

fn other(topic: &str) -> Channel {
    Channel::Other { topic: Arc::from(topic) }
}

#[track_caller]
fn publish(topic: &str, want: Result<(&str, Channel), Denied>) {
    let got = acl().publish(&Steppe, topic).map(|allowed| (allowed.device.to_string(), allowed.channel));
    assert_eq!(got, want.map(|(device, channel)| (device.to_owned(), channel)), "{topic}");
}

#[track_caller]
fn subscribe(filter: &str, want: Result<(), Denied>) {
    assert_eq!(acl().subscribe(&Steppe, filter), want, "{filter}");
}

#[test]
fn a_device_publishes_each_kind_under_its_own_id() {
    for kind in ["heartbeat", "track", "reading", "sighting", "report"] {
        let known = ReadingKind::of_native_topic(kind).unwrap();
        publish(&format!("steppe/v1/hexigten/dock/{kind}"), Ok(("dock", native(known, ""))));
    }
    publish("steppe/v1/hexigten/dock/snapshot/s-1", Ok(("dock", native(ReadingKind::Snapshot, "s-1"))));
}

#[test]
fn an_unknown_kind_under_its_own_id_is_kept_for_the_dead_letters() {
    for topic in [
        "steppe/v1/hexigten/dock/mood",
        "steppe/v1/hexigten/dock/",
        "steppe/v1/hexigten/dock/track/more",
        "steppe/v1/hexigten/dock/snapshot",
        "steppe/v1/hexigten/dock/snapshot/",
        "steppe/v1/hexigten/dock/snapshot/a/b",
        "steppe/v1/hexigten/dock/osd",
    ] {
        publish(topic, Ok(("dock", other(topic))));
    }
}

#[test]
fn somebody_elses_topic_is_foreign() {
    for topic in [
        "steppe/v1/hexigten/drone/track",
        "steppe/v1/hexigten/dock2/track",
        "steppe/v1/hexigten/doc/track",
        "steppe/v1/hexigten/dock",
        "steppe/v1/elsewhere/dock/track",
        "steppe/v2/hexigten/dock/track",
        "steppe/v1/hexigten/dock/down/reboot",
        "steppe/v1/hexigten/dock/down",
        "/steppe/v1/hexigten/dock/track",
        "草原",
        "thing/product/OTHER1/osd",
        "thing/product/NOBODY/osd",
        "thing/product//osd",
        "thing/product/DOCK1",
        "thing/product/DOCK1/services",
        "thing/product/DOCK1/property/set",
        "sys/product/DOCK1/status_reply",
    ] {
        publish(topic, Err(Denied::Foreign));
    }
}

#[test]
fn who_listens_says_nothing_and_hears_alerts_only() {
    let township = Subscriber {
        id: "sub-1".into(),
        channel: ChannelKind::Mqtt,
        townships: vec![TownshipCode::parse("150425100").unwrap()],
        ..subscriber()
    };
    let everybody = Subscriber { id: "sub-2".into(), townships: vec![], ..township.clone() };
    let webhook = Subscriber { id: "sub-3".into(), channel: ChannelKind::Webhook, ..township.clone() };
    let subscribers = [township, everybody, webhook];
    let acl = |id: &str| {
        let hearing = Hearing::of(&subscribers, id)?;
        Some(Acl::of_listener(TenantId::parse("hexigten").unwrap(), DeviceId::parse(id).unwrap(), hearing))
    };
    assert!(acl("sub-3").is_none() && acl("dock").is_none());
    let (township, everybody) = (acl("sub-1").unwrap(), acl("sub-2").unwrap());
    for topic in ["steppe/v1/hexigten/alerts/150425100/incident.opened", "steppe/v1/hexigten/sub-1/track", "$SYS", ""] {
        assert_eq!(township.publish(&Steppe, topic), Err(Denied::Listener), "{topic}");
    }
    let root = "steppe/v1/hexigten/alerts";
    for (filter, own, all) in [
        (format!("{root}/150425100/#"), Ok(()), Ok(())),
        (format!("{root}/150425100/incident.opened"), Ok(()), Ok(())),
        (format!("{root}/150425200/#"), Err(Denied::Foreign), Ok(())),
        (format!("{root}/+/incident.opened"), Err(Denied::Foreign), Ok(())),
        (format!("{root}/#"), Err(Denied::Foreign), Ok(())),
        (root.to_owned(), Err(Denied::Foreign), Err(Denied::Foreign)),
        ("steppe/v1/hexigten/+/150425100/#".into(), Err(Denied::Foreign), Err(Denied::Foreign)),
        ("steppe/v1/elsewhere/alerts/#".into(), Err(Denied::Foreign), Err(Denied::Foreign)),
        ("steppe/v1/hexigten/sub-1/down/#".into(), Err(Denied::Foreign), Err(Denied::Foreign)),
        ("steppe/v1/hexigten/dock/down/#".into(), Err(Denied::Foreign), Err(Denied::Foreign)),
        ("#".into(), Err(Denied::Foreign), Err(Denied::Foreign)),
        (format!("{root}/150425100/#/x"), Err(Denied::BadName), Err(Denied::BadName)),
        (format!("$share/g/{root}/150425100/#"), Err(Denied::Shared), Err(Denied::Shared)),
    ] {
        assert_eq!(
            (township.subscribe(&Steppe, &filter), everybody.subscribe(&Steppe, &filter)),
            (own, all),
            "{filter}"
        );
    }
    subscribe("steppe/v1/hexigten/alerts/150425100/#", Err(Denied::Foreign));
}

#[test]
fn a_topic_that_is_no_topic_is_a_bad_name() {
    for topic in ["", "$SYS/broker", "$share/g/a", "steppe/v1/hexigten/dock/#", "steppe/v1/hexigten/+/track", "a\0b"] {
        publish(topic, Err(Denied::BadName));
    }
}

#[test]
fn a_gateway_speaks_for_itself_and_for_the_device_behind_it() {
    publish("thing/product/DOCK1/osd", Ok(("dock", Channel::DjiOsd)));
    publish("thing/product/dock/osd", Ok(("dock", Channel::DjiOsd)));
    publish("thing/product/DRONE1/osd", Ok(("drone", Channel::DjiOsd)));
    for (topic, device, format) in [
        ("thing/product/DOCK1/state", "dock", "dji/state"),
        ("thing/product/DRONE1/state", "drone", "dji/state"),
        ("thing/product/DOCK1/events", "dock", "dji/events"),
        ("thing/product/DRONE1/requests", "drone", "dji/requests"),
        ("thing/product/DOCK1/services_reply", "dock", "dji/reply"),
        ("thing/product/DOCK1/property/set_reply", "dock", "dji/reply"),
        ("sys/product/DOCK1/status", "dock", "dji/status"),
        ("thing/product/DOCK1/drc/up", "drone", "dji/drc"),
    ] {
        publish(topic, Ok((device, foreign(format, ""))));
    }
    for topic in ["sys/product/DOCK1/osd", "thing/product/DOCK1/status", "thing/product/DOCK1/mood"] {
        publish(topic, Ok(("dock", other(topic))));
    }
}

#[test]
fn what_wants_an_answer_says_where() {
    let answer = |topic: &str| acl().publish(&Steppe, topic).unwrap().answer.map(|topic| topic.to_string());
    assert_eq!(answer("thing/product/DOCK1/events").as_deref(), Some("thing/product/DOCK1/events_reply"));
    assert_eq!(answer("thing/product/DOCK1/requests").as_deref(), Some("thing/product/DOCK1/requests_reply"));
    assert_eq!(answer("sys/product/DOCK1/status").as_deref(), Some("sys/product/DOCK1/status_reply"));
    assert_eq!(answer("thing/product/DOCK1/osd"), None);
}

#[test]
fn a_frigate_instance_speaks_for_itself_and_its_cameras() {
    publish("frigate/available", Ok(("dock", foreign("frigate/available", ""))));
    publish("frigate/stats", Ok(("dock", foreign("frigate/stats", ""))));
    publish("frigate/events", Ok(("dock", foreign("frigate/events", ""))));
    assert!(acl().publish(&Steppe, "frigate/events").unwrap().names_camera);
    publish("frigate/mast-07/status/detect", Ok(("cam-7", foreign("frigate/status", "detect"))));
    publish("frigate/mast-07/sheep/snapshot", Ok(("cam-7", foreign("frigate/snapshot", "sheep"))));
    assert!(acl().publish(&Steppe, "frigate/mast-07/sheep/snapshot").unwrap().is_snapshot());
    publish("frigate/mast-09/status/detect", Ok(("dock", foreign("unregistered", "mast-09"))));
    for rest in ["mast-07/motion", "mast-07/sheep", "reviews", "mast-07/detect/state", "a/b/c/d/e", ""] {
        publish(&format!("frigate/{rest}"), Ok(("dock", foreign("aside", rest))));
    }
    publish("frigate", Err(Denied::Foreign));
    publish("frigates/events", Err(Denied::Foreign));
    let roots = Roots { frigate: Arc::from("nvr-2"), ..TenantId::parse("hexigten").unwrap().into() };
    let elsewhere = Acl::new(roots, DeviceId::parse("dock").unwrap());
    assert!(elsewhere.publish(&Steppe, "nvr-2/available").is_ok());
    assert_eq!(elsewhere.publish(&Steppe, "frigate/available"), Err(Denied::Foreign));
}

#[test]
fn a_lorawan_network_server_speaks_for_its_collars() {
    let event = |what: &str| format!("application/7d0c/device/a84041000181c061/event/{what}");
    for what in ["up", "join", "status"] {
        publish(&event(what), Ok(("collar-1", foreign(&format!("chirpstack/{what}"), ""))));
    }
    publish(&event("ack"), Ok(("dock", foreign("aside", "ack"))));
    publish(
        "application/7d0c/device/ffffffffffffffff/event/up",
        Ok(("dock", foreign("unregistered", "ffffffffffffffff"))),
    );
    for topic in [
        "application//device/a84041000181c061/event/up",
        "application/7d0c/device//event/up",
        "application/7d0c/device/a/b/event/up",
        "application/7d0c/device/a84041000181c061/command/down",
    ] {
        publish(topic, Err(Denied::Foreign));
    }
}

#[test]
fn only_a_gateway_says_what_others_are_named_in() {
    let camera = Acl::new(TenantId::parse("hexigten").unwrap(), DeviceId::parse("other").unwrap());
    for topic in [
        "frigate/available",
        "frigate/events",
        "frigate/mast-07/status/detect",
        "application/7d0c/device/a84041000181c061/event/up",
        "application/7d0c/device/a84041000181c061/event/ack",
    ] {
        assert_eq!(camera.publish(&Steppe, topic), Err(Denied::Foreign), "{topic}");
    }
}

#[test]
fn a_device_hears_only_its_own_downward_topics() {
    for filter in [
        "steppe/v1/hexigten/dock/down/#",
        "steppe/v1/hexigten/dock/down/reboot",
        "steppe/v1/hexigten/dock/down/+/now",
        "thing/product/DOCK1/services",
        "thing/product/DOCK1/property/set",
        "thing/product/DOCK1/events_reply",
        "thing/product/DRONE1/requests_reply",
        "thing/product/DOCK1/drc/down",
        "sys/product/DOCK1/status_reply",
    ] {
        subscribe(filter, Ok(()));
    }
    for filter in [
        "#",
        "+/v1/hexigten/dock/down/#",
        "steppe/v1/hexigten/+/down/#",
        "steppe/v1/hexigten/dock/#",
        "steppe/v1/hexigten/dock/track",
        "steppe/v1/hexigten/drone/down/#",
        "thing/product/+/services",
        "thing/product/DOCK1/#",
        "thing/product/DOCK1/osd",
        "thing/product/OTHER1/services",
    ] {
        subscribe(filter, Err(Denied::Foreign));
    }
}

#[test]
fn shared_malformed_and_system_filters_are_refused_by_their_own_names() {
    subscribe("$share/g/steppe/v1/hexigten/dock/down/#", Err(Denied::Shared));
    for filter in ["", "$SYS/#", "steppe/v1/hexigten/dock/down/#/x", "steppe/v1/hexigten/dock/down/a+", "a#"] {
        subscribe(filter, Err(Denied::BadName));
    }
}
