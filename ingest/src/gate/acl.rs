//! Topic -> [`Channel`], or a refusal: who may say what, and who may hear what.
//!
//! In:  a topic or filter and the authenticated device.   Out: whom the message is about and how it is to be read.
//!
//! Invariant: pure. The registry is seen only through [`Kin`], so that every rule is a line in a table test.

use model::{Channel, DeviceId, ReadingKind, TenantId};
use std::sync::Arc;

/// First levels of every native topic.
const NATIVE_ROOT: &str = "steppe/v1";

/// Last levels of `thing/product/{sn}/…` that the cloud says to the device; a device has no business saying them.
const DJI_DOWNWARD: [&str; 7] =
    ["services", "property/set", "drc/down", "events_reply", "requests_reply", "status_reply", "state_reply"];

/// Whom a device may speak for, as the registry knows it.
pub trait Kin {
    /// The device known to DJI as `serial`, if it is `speaker` or stands behind it.
    fn dji(&self, speaker: &DeviceId, serial: &str) -> Option<DeviceId>;
}

impl Kin for registry::View {
    fn dji(&self, speaker: &DeviceId, serial: &str) -> Option<DeviceId> {
        let device = self.by_external("dji", serial)?;
        let its_own = device.id == *speaker;
        let speaks_for_it = device.via.as_ref() == Some(speaker) && !device.disabled;
        (its_own || speaks_for_it).then(|| device.id.clone())
    }
}

/// What an allowed publish is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Whom it is about.
    pub device: DeviceId,
    /// How it is to be decoded.
    pub channel: Channel,
}

impl Allowed {
    /// Whether it is a native topic, and so the device's own whatever the registry says later.
    pub fn is_own(&self) -> bool {
        matches!(self.channel, Channel::Native { .. })
    }

    /// Whether the larger limit for pictures applies.
    pub fn is_snapshot(&self) -> bool {
        matches!(self.channel, Channel::Native { kind: ReadingKind::Snapshot, .. })
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
}

/// Decides publishes and subscriptions of one device.
#[derive(Debug, Clone)]
pub struct Acl {
    tenant: TenantId,
    device: DeviceId,
}

impl Acl {
    /// The rules for `device` of `tenant`.
    pub fn new(tenant: TenantId, device: DeviceId) -> Self {
        Self { tenant, device }
    }

    /// Whom the rules are for.
    pub fn device(&self) -> &DeviceId {
        &self.device
    }

    /// May the device publish to `topic`, and what does it say then?
    pub fn publish(&self, kin: &dyn Kin, topic: &str) -> Result<Allowed, Denied> {
        if topic.is_empty() || topic.starts_with('$') || topic.contains(['+', '#', '\0']) {
            return Err(Denied::BadName);
        }
        if let Some(rest) = self.own_native(topic) {
            if rest == "down" || rest.starts_with("down/") {
                return Err(Denied::Foreign);
            }
            return Ok(Allowed { device: self.device.clone(), channel: native_channel(topic, rest) });
        }
        let (serial, rest) = dji_parts(topic).ok_or(Denied::Foreign)?;
        if DJI_DOWNWARD.contains(&rest) {
            return Err(Denied::Foreign);
        }
        let device = kin.dji(&self.device, serial).ok_or(Denied::Foreign)?;
        let channel = match rest {
            "osd" if topic.starts_with("thing/") => Channel::DjiOsd,
            _ => Channel::Other { topic: Arc::from(topic) },
        };
        Ok(Allowed { device, channel })
    }

    /// May the device subscribe to `filter`?
    pub fn subscribe(&self, kin: &dyn Kin, filter: &str) -> Result<(), Denied> {
        if filter.starts_with("$share") {
            return Err(Denied::Shared);
        }
        if filter.is_empty() || filter.starts_with('$') || filter.contains('\0') || !well_formed(filter) {
            return Err(Denied::BadName);
        }
        if let Some(rest) = self.own_native(filter) {
            return if rest == "down" || rest.starts_with("down/") { Ok(()) } else { Err(Denied::Foreign) };
        }
        let (serial, rest) = dji_parts(filter).ok_or(Denied::Foreign)?;
        let is_reply = !rest.contains(['+', '#', '/']) && rest.ends_with("_reply");
        if !(is_reply || DJI_DOWNWARD.contains(&rest)) {
            return Err(Denied::Foreign);
        }
        kin.dji(&self.device, serial).map(|_| ()).ok_or(Denied::Foreign)
    }

    /// What follows `steppe/v1/{tenant}/{own id}/`.
    fn own_native<'t>(&self, topic: &'t str) -> Option<&'t str> {
        topic
            .strip_prefix(NATIVE_ROOT)?
            .strip_prefix('/')?
            .strip_prefix(self.tenant.as_str())?
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

/// Serial number and rest of `thing/product/{sn}/…` or `sys/product/{sn}/…`.
fn dji_parts(topic: &str) -> Option<(&str, &str)> {
    let rest = topic.strip_prefix("thing/product/").or_else(|| topic.strip_prefix("sys/product/"))?;
    let (serial, rest) = rest.split_once('/')?;
    (!serial.is_empty() && !rest.is_empty()).then_some((serial, rest))
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
