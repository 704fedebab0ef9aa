//! An hour of a banner's whole fleet, with everything that can go wrong with devices, and the truth beside it.
//!
//! In:  a seed.   Out: [`Hour`]: who is registered, what arrived and when, what was done to the registry and to the platform, and
//! [`Truth`]: what was the matter, and by when people have to have been told.   Next: whoever runs the platform's own decoder and engine
//! over it.
//!
//! The truth is what this program did to the devices. It knows nothing of how a platform finds out; how long that may take is promised
//! to people (three cadences, a minute, the way), and so are the bounds in it.

mod plan;
mod speak;

use bytes::Bytes;
use std::sync::Arc;

/// How long it is, seconds.
pub const SECONDS: u64 = 3_600;
/// When it begins: a May morning, Unix milliseconds.
pub const FROM_MS: i64 = 1_778_191_200_000;

/// All of it. Times are seconds since the beginning.
#[derive(Debug, Clone)]
pub struct Hour {
    /// The registry at the beginning.
    pub devices: Vec<Registered>,
    /// What arrived, in order of arrival.
    pub said: Vec<Arrived>,
    /// What is done to the registry, in order of time.
    pub changes: Vec<(u64, Change)>,
    /// When the platform is ended and started again at once.
    pub restarts: Vec<u64>,
    /// From when to when the platform is down.
    pub down: (u64, u64),
    /// What was the matter.
    pub truth: Vec<Truth>,
}

/// A device as it is registered.
#[derive(Debug, Clone)]
pub struct Registered {
    /// Its id.
    pub id: Arc<str>,
    /// `camera`, `drone`, `station`, `collar` or `gateway`.
    pub kind: &'static str,
    /// The mast it stands on.
    pub site: Option<String>,
    /// Code of its township.
    pub township: String,
    /// The gateway that speaks for it.
    pub via: Option<Arc<str>>,
    /// How often it promises to speak.
    pub cadence_s: u64,
}

/// A message that arrived.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// When, milliseconds since the beginning.
    pub at_ms: u64,
    /// Whose it is.
    pub device: Arc<str>,
    /// `heartbeat` or `track` in the native format, or `osd` of the DJI Cloud API.
    pub kind: String,
    /// As on the wire.
    pub payload: Bytes,
}

/// What an administrator does.
#[derive(Debug, Clone)]
pub enum Change {
    /// Announces that a site is worked on, until a second of the hour.
    Work {
        /// Which.
        site: String,
        /// Until when.
        until: u64,
    },
    /// Shuts a device out.
    Disable(Arc<str>),
}

/// Something that was the matter.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// With whom, and what.
    pub about: About,
    /// From when.
    pub from: u64,
    /// Until when, if it ended within the hour.
    pub to: Option<u64>,
    /// When people have to have been told of it.
    pub told_by: u64,
    /// When they have to have been told that it is over, if it was.
    pub over_by: Option<u64>,
    /// How often it may be told: once, but of what comes and goes.
    pub times: u32,
}

/// What a truth is about.
#[derive(Debug, Clone, PartialEq)]
pub enum About {
    /// A device said nothing.
    Silence(Arc<str>),
    /// Devices said nothing, for one reason.
    Outage {
        /// `township`, `site` or `gateway`.
        kind: &'static str,
        /// Which.
        name: String,
        /// Who: those whose silence is news.
        members: Vec<Arc<str>>,
    },
    /// A device spoke and was not well.
    Flaw {
        /// Which.
        device: Arc<str>,
        /// In which way, as the API names it.
        flaw: &'static str,
    },
}

impl Hour {
    /// The hour of that seed: the same seed, the same hour.
    pub fn make(seed: u64) -> Self {
        plan::make(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_is_the_same_hour_and_it_is_large() {
        let (one, two) = (Hour::make(1), Hour::make(1));
        assert_eq!(one.devices.len(), 5_000);
        assert!(one.said.len() > 40_000, "{}", one.said.len());
        let payloads =
            |hour: &Hour| hour.said.iter().map(|said| (said.at_ms, said.payload.clone())).collect::<Vec<_>>();
        assert_eq!(payloads(&one), payloads(&two));
        assert!(one.said.is_sorted_by_key(|said| said.at_ms));
        assert_ne!(payloads(&one), payloads(&Hour::make(2)));
    }
}
