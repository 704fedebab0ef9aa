use crate::{AlertKind, Severity, Timestamp, TownshipCode, ZoneId};
use std::fmt;

/// By what way somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// Standard Webhooks over HTTP.
    Webhook,
}

impl ChannelKind {
    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
        }
    }
}

/// Somebody who wants to be told. Empty lists mean "all".
#[derive(Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// Its id.
    pub id: String,
    /// As people call it.
    pub name: String,
    /// By what way.
    pub channel: ChannelKind,
    /// Where to.
    pub url: String,
    /// The signing key, `whsec_` and base64. Shown once, never logged.
    pub secret: String,
    /// Which kinds of alert.
    pub events: Vec<AlertKind>,
    /// Which townships.
    pub townships: Vec<TownshipCode>,
    /// Which zones.
    pub zones: Vec<ZoneId>,
    /// From which urgency on.
    pub severity: Severity,
    /// `local_government` or `forestry_authority`: which half of the dual report this is.
    pub duty: Option<String>,
    /// When it subscribed.
    pub since: Timestamp,
}

/// Without the secret, and without what may follow the host in the URL, which can be one too.
impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}
