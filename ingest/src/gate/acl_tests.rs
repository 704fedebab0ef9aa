//! The rules of `acl`, a line each.

use super::*;

/// Device `dock` has serial DOCK1, speaks for `drone` (serial DRONE1); `other` (serial OTHER1) is on its own.
struct Steppe;

impl Kin for Steppe {
    fn dji(&self, speaker: &DeviceId, serial: &str) -> Option<DeviceId> {
        let (id, via) = match serial {
            "DOCK1" | "dock" => ("dock", None),
            "DRONE1" => ("drone", Some("dock")),
            "OTHER1" => ("other", None),
            _ => return None,
        };
        (speaker.as_str() == id || via == Some(speaker.as_str())).then(|| DeviceId::parse(id).unwrap())
    }
}

fn acl() -> Acl {
    Acl::new(TenantId::parse("hexigten").unwrap(), DeviceId::parse("dock").unwrap())
}

fn native(kind: ReadingKind, detail: &str) -> Channel {
    Channel::Native { kind, detail: Arc::from(detail) }
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
    for topic in [
        "thing/product/DOCK1/state",
        "thing/product/DOCK1/events",
        "thing/product/DRONE1/requests",
        "thing/product/DOCK1/services_reply",
        "sys/product/DOCK1/status",
        "sys/product/DOCK1/osd",
    ] {
        let device = if topic.contains("DRONE1") { "drone" } else { "dock" };
        publish(topic, Ok((device, other(topic))));
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
