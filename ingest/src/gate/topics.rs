//! Topics of foreign protocols: which format a message has, and whom it is about.
//!
//! In:  a topic.   Out: [`Foreign`], or `None` for a topic of no protocol that we know.   Never: who may say it; that is `acl`'s.
//!
//! Invariant: pure.

use crate::decode::formats;
use std::sync::Arc;

/// What the cloud says to a DJI device on `thing/product/{sn}/…`; a device has no business saying it.
pub(super) const DJI_DOWNWARD: [&str; 7] =
    ["services", "property/set", "drc/down", "events_reply", "requests_reply", "status_reply", "state_reply"];

/// What a topic says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreign<'t> {
    /// Whom the message is about.
    pub about: About<'t>,
    /// Name of its decoder; `None` for one that nobody wrote.
    pub format: Option<&'static str>,
    /// What the decoder is told beside the payload.
    pub detail: &'t str,
    /// Where an answer to it goes.
    pub answer: Option<String>,
}

/// Whom a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About<'t> {
    /// The gateway that says it.
    Gateway,
    /// Who is known as `id` to `system`; one that nobody knows is refused.
    Known { system: &'static str, id: &'t str },
    /// The same, said by a gateway that may not know what is registered: then it is kept as the gateway's own, with the reason.
    Named { system: &'static str, id: &'t str },
    /// The camera whose name stands in the payload.
    FrigateCamera,
    /// The aircraft that the gateway with this serial number flies.
    Aircraft { gateway: &'t str },
}

/// Reads a topic. `frigate` is the first level that Frigate's topics have here.
pub(super) fn parse<'t>(topic: &'t str, frigate: &str) -> Option<Foreign<'t>> {
    dji(topic).or_else(|| chirpstack(topic)).or_else(|| self::frigate(topic.strip_prefix(frigate)?.strip_prefix('/')?))
}

/// Serial number and rest of `thing/product/{sn}/…` or `sys/product/{sn}/…`.
pub(super) fn dji_parts(topic: &str) -> Option<(&str, &str)> {
    let rest = topic.strip_prefix("thing/product/").or_else(|| topic.strip_prefix("sys/product/"))?;
    let (serial, rest) = rest.split_once('/')?;
    (!serial.is_empty() && !rest.is_empty()).then_some((serial, rest))
}

fn dji(topic: &str) -> Option<Foreign<'_>> {
    let (serial, rest) = dji_parts(topic)?;
    let is_thing = topic.starts_with("thing/");
    let (format, answered) = match rest {
        "osd" if is_thing => (Some(formats::DJI_OSD), false),
        "state" if is_thing => (Some(formats::DJI_STATE), false),
        "events" if is_thing => (Some(formats::DJI_EVENTS), true),
        "requests" if is_thing => (Some(formats::DJI_REQUESTS), true),
        "services_reply" | "property/set_reply" if is_thing => (Some(formats::DJI_REPLY), false),
        "drc/up" if is_thing => (Some(formats::DJI_DRC), false),
        "status" if !is_thing => (Some(formats::DJI_STATUS), true),
        _ => (None, false),
    };
    let about = match format {
        Some(formats::DJI_DRC) => About::Aircraft { gateway: serial },
        _ => About::Known { system: "dji", id: serial },
    };
    Some(Foreign { about, format, detail: "", answer: answered.then(|| format!("{topic}_reply")) })
}

/// `application/{id}/device/{deveui}/event/{event}` of ChirpStack version 4.
fn chirpstack(topic: &str) -> Option<Foreign<'_>> {
    let (application, rest) = topic.strip_prefix("application/")?.split_once("/device/")?;
    let (deveui, event) = rest.split_once("/event/")?;
    if application.is_empty() || application.contains('/') || deveui.is_empty() || deveui.contains('/') {
        return None;
    }
    let format = match event {
        "up" => formats::CHIRPSTACK_UP,
        "join" => formats::CHIRPSTACK_JOIN,
        "status" => formats::CHIRPSTACK_STATUS,
        _ => return Some(aside(event)),
    };
    let about = About::Named { system: "deveui", id: deveui };
    Some(Foreign { about, format: Some(format), detail: "", answer: None })
}

/// What follows Frigate's first level.
fn frigate(rest: &str) -> Option<Foreign<'_>> {
    let about_camera = |camera, format, detail| {
        let about = About::Named { system: "frigate", id: camera };
        Some(Foreign { about, format: Some(format), detail, answer: None })
    };
    let own = |about, format| Some(Foreign { about, format: Some(format), detail: "", answer: None });
    let mut levels = rest.splitn(4, '/');
    match (levels.next()?, levels.next(), levels.next(), levels.next()) {
        ("events", None, ..) => own(About::FrigateCamera, formats::FRIGATE_EVENTS),
        ("available", None, ..) => own(About::Gateway, formats::FRIGATE_AVAILABLE),
        ("stats", None, ..) => own(About::Gateway, formats::FRIGATE_STATS),
        (camera, Some("status"), Some(role), None) if !camera.is_empty() => {
            about_camera(camera, formats::FRIGATE_STATUS, role)
        }
        (camera, Some(label), Some("snapshot"), None) if !camera.is_empty() && !label.is_empty() => {
            about_camera(camera, formats::FRIGATE_SNAPSHOT, label)
        }
        _ => Some(aside(rest)),
    }
}

/// Something that the protocol says and the platform has no use for.
fn aside(what: &str) -> Foreign<'_> {
    Foreign { about: About::Gateway, format: Some(formats::ASIDE), detail: what, answer: None }
}

/// The channel of a format.
pub(super) fn channel(format: &'static str, detail: &str) -> model::Channel {
    match format {
        formats::DJI_OSD => model::Channel::DjiOsd,
        _ => model::Channel::Foreign { format: Arc::from(format), detail: Arc::from(detail) },
    }
}
