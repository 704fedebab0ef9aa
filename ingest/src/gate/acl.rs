//! Topic -> [`Channel`], or a refusal: who may say what, and who may hear what.
//!
//! In:  a topic or filter and the authenticated device.   Out: whom the message is about and how it is to be read.
//!
//! Invariant: pure. The registry is seen only through [`Kin`], so that every rule is a line in a table test.

use super::audience::{Hearing, alerts_root};
use super::topics::{self, About, DJI_DOWNWARD, dji_parts};
use super::topology::Topology;
use crate::decode::formats;
use model::{Channel, DeviceId, DeviceKind, ReadingKind, TenantId};
use std::sync::Arc;

/// First levels of every native topic.
const NATIVE_ROOT: &str = "steppe/v1";

/// Whom a device may speak for, as the registry knows it.
pub trait Kin {
    /// The device known to `system` as `id`, if it is `speaker` or stands behind it.
    fn external(&self, speaker: &DeviceId, system: &str, id: &str) -> Option<DeviceId>;
    /// Whether it speaks for others.
    fn is_gateway(&self, speaker: &DeviceId) -> bool;
    /// The one aircraft that a gateway flies.
    fn aircraft(&self, gateway: &DeviceId) -> Option<DeviceId>;
}

impl Kin for registry::View {
    fn external(&self, speaker: &DeviceId, system: &str, id: &str) -> Option<DeviceId> {
        let device = self.by_external(system, id)?;
        let its_own = device.id == *speaker;
        let speaks_for_it = device.via.as_ref() == Some(speaker) && !device.disabled;
        (its_own || speaks_for_it).then(|| device.id.clone())
    }

    fn is_gateway(&self, speaker: &DeviceId) -> bool {
        self.device(speaker).is_some_and(|device| device.kind == DeviceKind::Gateway)
    }

    fn aircraft(&self, gateway: &DeviceId) -> Option<DeviceId> {
        let is_its_own = |device: &&model::Device| {
            device.kind == DeviceKind::Drone && device.via.as_ref() == Some(gateway) && !device.disabled
        };
        let mut all = self.devices.values().filter(is_its_own);
        let one = all.next().map(|device| device.id.clone());
        one.filter(|_| all.next().is_none())
    }
}

/// The registry, and what gateways say of the aircraft that they fly.
pub(super) struct Relations<'r> {
    /// The registry.
    pub view: &'r registry::View,
    /// The aircraft.
    pub topology: &'r Topology,
}

impl Kin for Relations<'_> {
    fn external(&self, speaker: &DeviceId, system: &str, id: &str) -> Option<DeviceId> {
        let known = self.view.external(speaker, system, id);
        known.or_else(|| {
            let device = self.view.by_external(system, id).filter(|_| system == "dji")?;
            self.topology.flies(speaker, device).then(|| device.id.clone())
        })
    }

    fn is_gateway(&self, speaker: &DeviceId) -> bool {
        self.view.is_gateway(speaker)
    }

    fn aircraft(&self, gateway: &DeviceId) -> Option<DeviceId> {
        self.topology.aircraft(gateway).or_else(|| self.view.aircraft(gateway))
    }
}

/// What topics begin with here.
#[derive(Debug, Clone)]
pub struct Roots {
    /// The third level of native topics.
    pub tenant: TenantId,
    /// The first level of Frigate's.
    pub frigate: Arc<str>,
}

impl From<TenantId> for Roots {
    fn from(tenant: TenantId) -> Self {
        Self { tenant, frigate: Arc::from("frigate") }
    }
}

/// What an allowed publish is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Whom it is about.
    pub device: DeviceId,
    /// How it is to be decoded.
    pub channel: Channel,
    /// Whether the device is named in the payload and stands here only until that is read.
    pub names_camera: bool,
    /// Where an answer to it goes.
    pub answer: Option<Arc<str>>,
}

impl Allowed {
    fn plain(device: DeviceId, channel: Channel) -> Self {
        Self { device, channel, names_camera: false, answer: None }
    }

    /// Whether it is a native topic, and so the device's own whatever the registry says later.
    pub fn is_own(&self) -> bool {
        matches!(self.channel, Channel::Native { .. })
    }

    /// Whether the larger limit for pictures applies.
    pub fn is_snapshot(&self) -> bool {
        match &self.channel {
            Channel::Native { kind, .. } => *kind == ReadingKind::Snapshot,
            Channel::Foreign { format, .. } => &**format == formats::FRIGATE_SNAPSHOT,
            _ => false,
        }
    }
}

/// Why a topic or filter is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Not a topic that anybody may publish to: empty, a wildcard, a NUL, a leading `$`.
    BadName,
    /// A topic of somebody else, or outside every prefix that devices have.
    Foreign,
    /// A shared subscription; the router's are not safe to use.
    Shared,
    /// Who listens says nothing.
    Listener,
}

/// Decides publishes and subscriptions of one device, or of somebody who listens to alerts.
#[derive(Debug, Clone)]
pub struct Acl {
    roots: Roots,
    device: DeviceId,
    hearing: Option<Arc<Hearing>>,
}

impl Acl {
    /// The rules for `device` where topics begin with `roots`.
    pub fn new(roots: impl Into<Roots>, device: DeviceId) -> Self {
        Self { roots: roots.into(), device, hearing: None }
    }

    /// The rules for a subscriber that listens; its id stands where else a device's does, and no device has it.
    pub fn of_listener(roots: impl Into<Roots>, subscriber: DeviceId, hearing: Hearing) -> Self {
        Self { hearing: Some(Arc::new(hearing)), ..Self::new(roots, subscriber) }
    }

    /// Whom the rules are for.
    pub fn device(&self) -> &DeviceId {
        &self.device
    }

    /// What it may hear of alerts, if it is one that listens.
    pub fn hearing(&self) -> Option<&Arc<Hearing>> {
        self.hearing.as_ref()
    }

    /// May the device publish to `topic`, and what does it say then?
    pub fn publish(&self, kin: &dyn Kin, topic: &str) -> Result<Allowed, Denied> {
        if self.hearing.is_some() {
            return Err(Denied::Listener);
        }
        if topic.is_empty() || topic.starts_with('$') || topic.contains(['+', '#', '\0']) {
            return Err(Denied::BadName);
        }
        if let Some(rest) = self.own_native(topic) {
            if rest == "down" || rest.starts_with("down/") {
                return Err(Denied::Foreign);
            }
            return Ok(Allowed::plain(self.device.clone(), native_channel(topic, rest)));
        }
        self.foreign(kin, topic)
    }

    fn foreign(&self, kin: &dyn Kin, topic: &str) -> Result<Allowed, Denied> {
        let said = topics::parse(topic, &self.roots.frigate).ok_or(Denied::Foreign)?;
        if dji_parts(topic).is_some_and(|(_, rest)| DJI_DOWNWARD.contains(&rest)) {
            return Err(Denied::Foreign);
        }
        let channel = said
            .format
            .map_or_else(|| Channel::Other { topic: Arc::from(topic) }, |format| topics::channel(format, said.detail));
        let known = |system, id| kin.external(&self.device, system, id);
        let may_name = || if kin.is_gateway(&self.device) { Ok(()) } else { Err(Denied::Foreign) };
        let (device, channel) = match said.about {
            About::Known { system, id } => (known(system, id).ok_or(Denied::Foreign)?, channel),
            About::Aircraft { gateway } => {
                let gateway = known("dji", gateway).ok_or(Denied::Foreign)?;
                match kin.aircraft(&gateway) {
                    Some(aircraft) => (aircraft, channel),
                    None => (gateway, topics::channel(formats::DJI_DRC, formats::DJI_DRC_OF_NOBODY)),
                }
            }
            About::Named { system, id } => {
                may_name()?;
                match known(system, id) {
                    Some(device) => (device, channel),
                    None => (self.device.clone(), topics::channel(formats::UNREGISTERED, id)),
                }
            }
            About::Gateway | About::FrigateCamera => {
                may_name()?;
                (self.device.clone(), channel)
            }
        };
        let names_camera = said.about == About::FrigateCamera;
        Ok(Allowed { device, channel, names_camera, answer: said.answer.map(Arc::from) })
    }

    /// May the device subscribe to `filter`?
    pub fn subscribe(&self, kin: &dyn Kin, filter: &str) -> Result<(), Denied> {
        if filter.starts_with("$share") {
            return Err(Denied::Shared);
        }
        if filter.is_empty() || filter.starts_with('$') || filter.contains('\0') || !well_formed(filter) {
            return Err(Denied::BadName);
        }
        if let Some(hearing) = &self.hearing {
            let rest =
                filter.strip_prefix(alerts_root(&self.roots.tenant).as_str()).and_then(|rest| rest.strip_prefix('/'));
            return if rest.is_some_and(|rest| hearing.may_hear(rest)) { Ok(()) } else { Err(Denied::Foreign) };
        }
        if let Some(rest) = self.own_native(filter) {
            return if rest == "down" || rest.starts_with("down/") { Ok(()) } else { Err(Denied::Foreign) };
        }
        let (serial, rest) = dji_parts(filter).ok_or(Denied::Foreign)?;
        let is_reply = !rest.contains(['+', '#', '/']) && rest.ends_with("_reply");
        if !(is_reply || DJI_DOWNWARD.contains(&rest)) {
            return Err(Denied::Foreign);
        }
        kin.external(&self.device, "dji", serial).map(|_| ()).ok_or(Denied::Foreign)
    }

    /// What follows `steppe/v1/{tenant}/{own id}/`.
    fn own_native<'t>(&self, topic: &'t str) -> Option<&'t str> {
        topic
            .strip_prefix(NATIVE_ROOT)?
            .strip_prefix('/')?
            .strip_prefix(self.roots.tenant.as_str())?
            .strip_prefix('/')?
            .strip_prefix(self.device.as_str())?
            .strip_prefix('/')
    }
}

/// A kind that we know, or [`Channel::Other`]: kept, acknowledged, rejected by decode.
fn native_channel(topic: &str, rest: &str) -> Channel {
    let (name, detail) = rest.split_once('/').unwrap_or((rest, ""));
    match ReadingKind::of_native_topic(name) {
        Some(ReadingKind::Snapshot) if !detail.is_empty() && !detail.contains('/') => {
            Channel::Native { kind: ReadingKind::Snapshot, detail: Arc::from(detail) }
        }
        Some(kind) if kind != ReadingKind::Snapshot && rest == name => Channel::Native { kind, detail: Arc::from("") },
        _ => Channel::Other { topic: Arc::from(topic) },
    }
}

/// `#` alone at the end, `+` alone in its level. (`+_reply`, as DJI's manual abbreviates, is no MQTT filter.)
fn well_formed(filter: &str) -> bool {
    let levels = filter.split('/').count();
    filter.split('/').enumerate().all(|(place, level)| match level {
        "#" => place + 1 == levels,
        "+" => true,
        _ => !level.contains(['+', '#']),
    })
}

#[cfg(test)]
#[path = "acl_tests.rs"]
mod tests;
