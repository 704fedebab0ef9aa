//! The table of foreign formats: which decoder reads a [`model::Channel::Foreign`].
//!
//! In: a format's name and the frame.   Out: a `Statement`, or a [`Reject`].
//!
//! A new payload format is a file with a decoder and a line in [`TABLE`]; `docs/protocols/new-format.md` shows one. Who may
//! say it, and on which topic or socket, is decided where it comes in (`gate::topics`, `protocol`), never here. Names are in
//! the journal: never change one, only add.

use super::fields::short;
use super::{Statement, chirpstack, dji, frigate, gb28181, gt06, hj212, isapi, mavlink, onvif, vision};
use model::{Frame, Reject};

/// Reads one frame. Pure: the same frame always gives the same statement.
type Decoder = fn(&Frame) -> Result<Statement, Reject>;

/// A message about somebody whom nobody registered; the frame is its sender's, and the detail is that name.
pub const UNREGISTERED: &str = "unregistered";
/// A message of a known protocol that has no use here; the detail says which.
pub const ASIDE: &str = "aside";
/// Packets of a MAVLink vehicle; the detail is what its camera tracks.
pub const MAVLINK: &str = "mavlink";
/// Telemetry of DJI, which has a channel of its own ([`model::Channel::DjiOsd`]).
pub const DJI_OSD: &str = "dji/osd";
/// What changed on a DJI device.
pub const DJI_STATE: &str = "dji/state";
/// What happened on a DJI device.
pub const DJI_EVENTS: &str = "dji/events";
/// What a DJI device asks for.
pub const DJI_REQUESTS: &str = "dji/requests";
/// A DJI device's answer to a command or a setting.
pub const DJI_REPLY: &str = "dji/reply";
/// Which aircraft a DJI gateway flies.
pub const DJI_STATUS: &str = "dji/status";
/// DJI's fast channel; the frame is the aircraft's, or with [`DJI_DRC_OF_NOBODY`] as detail the gateway's.
pub const DJI_DRC: &str = "dji/drc";
/// Nobody knows which aircraft it is.
pub const DJI_DRC_OF_NOBODY: &str = "gateway";
/// What Frigate tracks; the detail is the size of the picture, `1280x720`.
pub const FRIGATE_EVENTS: &str = "frigate/events";
/// Whether a Frigate instance lives.
pub const FRIGATE_AVAILABLE: &str = "frigate/available";
/// What a Frigate instance counts.
pub const FRIGATE_STATS: &str = "frigate/stats";
/// Whether a camera's stream comes in; the detail is its role.
pub const FRIGATE_STATUS: &str = "frigate/status";
/// A picture; the detail is the label.
pub const FRIGATE_SNAPSHOT: &str = "frigate/snapshot";
/// An uplink over LoRaWAN.
pub const CHIRPSTACK_UP: &str = "chirpstack/up";
/// A device joined a LoRaWAN network.
pub const CHIRPSTACK_JOIN: &str = "chirpstack/join";
/// A LoRaWAN device's battery.
pub const CHIRPSTACK_STATUS: &str = "chirpstack/status";
/// The body of a camera's MESSAGE or NOTIFY by GB/T 28181, or the head of its REGISTER; the detail is as `gb28181::channel` makes it.
pub const GB28181: &str = "gb28181";
/// A packet of HJ 212.
pub const HJ212: &str = "hj212";
/// A packet of a GT06 tracker; the detail is as `gt06::channel` makes it.
pub const GT06: &str = "gt06";
/// An event of a Hikvision camera; the detail is as `isapi::channel` makes it.
pub const ISAPI: &str = "isapi";
/// A notification of an ONVIF camera, or an answer without any; the detail is as `onvif::channel` makes it.
pub const ONVIF: &str = "onvif";
/// What the platform's own model saw in a picture; the detail is the picture's place in the journal.
pub const VISION: &str = "vision";

/// Every format, by name.
const TABLE: &[(&str, Decoder)] = &[
    (UNREGISTERED, unregistered),
    (ASIDE, aside),
    (MAVLINK, mavlink::decode),
    (DJI_STATE, dji::messages::sign_of_life),
    (DJI_EVENTS, dji::messages::named),
    (DJI_REQUESTS, dji::messages::named),
    (DJI_REPLY, dji::messages::sign_of_life),
    (DJI_STATUS, dji::messages::named),
    (DJI_DRC, dji::messages::drc),
    (FRIGATE_EVENTS, frigate::event),
    (FRIGATE_AVAILABLE, frigate::available),
    (FRIGATE_STATS, frigate::stats),
    (FRIGATE_STATUS, frigate::status),
    (FRIGATE_SNAPSHOT, frigate::snapshot),
    (CHIRPSTACK_UP, chirpstack::uplink),
    (CHIRPSTACK_JOIN, chirpstack::join),
    (CHIRPSTACK_STATUS, chirpstack::status),
    (GB28181, gb28181::decode),
    (HJ212, hj212::decode),
    (GT06, gt06::decode),
    (ISAPI, isapi::decode),
    (ONVIF, onvif::decode),
    (VISION, vision::decode),
];

/// What a frame of this format says.
pub(super) fn decode(format: &str, frame: &Frame) -> Result<Statement, Reject> {
    match TABLE.iter().find(|(name, _)| *name == format) {
        Some((_, decoder)) => decoder(frame),
        None => Err(Reject::UnknownMessage(short(format))),
    }
}

/// The names of all formats.
#[cfg(test)]
pub(super) fn names() -> Vec<&'static str> {
    TABLE.iter().map(|(name, _)| *name).collect()
}

/// What the channel says beside the format.
pub(super) fn detail(frame: &Frame) -> &str {
    match &frame.channel {
        model::Channel::Foreign { detail, .. } => detail,
        _ => "",
    }
}

fn aside(frame: &Frame) -> Result<Statement, Reject> {
    Err(Reject::Unused(short(detail(frame))))
}

fn unregistered(frame: &Frame) -> Result<Statement, Reject> {
    Err(Reject::Unregistered(short(detail(frame))))
}

#[cfg(test)]
mod tests {
    use super::TABLE;

    #[test]
    fn a_format_stands_in_the_table_once() {
        let mut names: Vec<_> = TABLE.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }
}
