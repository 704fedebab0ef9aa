//! What is known of one device's life.
//!
//! In: that it spoke, and its deadline.   Out: how it stands.   Never: what people are told; that is [`super::Fleet`]'s.

use super::flaws::Flaws;
use crate::lag::Lag;
use model::{Device, OutageCause, Timestamp};
use std::time::Duration;

/// A device whose last silence ended less than this ago is believed to be back only once it was steady.
const FLAPS_WITHIN: Duration = Duration::from_secs(3_600);
/// It is steady when it missed no deadline for three cadences, and for this long.
const STEADY: Duration = Duration::from_secs(300);
/// A device that is overdue waits for others at most this long before it is told of alone.
pub(super) const HELD_MAX: Duration = Duration::from_secs(60);

/// When a device was heard, and how it stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Heard {
    /// When it last spoke.
    pub(crate) last: Timestamp,
    /// From when its deadline runs: later than `last` after the platform itself was down, or after somebody worked on it.
    pub(crate) counted_from: Timestamp,
    /// How it stands.
    pub(crate) standing: Standing,
    /// When its last silence that was told ended.
    pub(crate) returned_at: Option<Timestamp>,
    /// The latest event that it told of: behind `last` while it empties its store after a dead link.
    pub(crate) told_of: Timestamp,
    /// How far its messages lag behind.
    pub(crate) lag: Lag,
    /// Whether its silence would be news: of five thousand collars it is not, and they need not be looked at.
    pub(crate) is_watched: bool,
    /// In which ways it is not well although it speaks.
    pub(crate) flaws: Flaws,
}

/// How a device stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Standing {
    /// It speaks, or is not overdue yet.
    #[default]
    Heard,
    /// Overdue, and not told of yet.
    Held {
        /// When it should have spoken at the latest.
        deadline: Timestamp,
        /// When it is told of at the latest.
        until: Timestamp,
    },
    /// Told of alone.
    Alone(Alone),
    /// One of those of an outage.
    Member(OutageCause),
}

/// A silence that was told of by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alone {
    /// When the device last spoke before it.
    pub(crate) last_seen: Timestamp,
    /// When it was told.
    pub(crate) told_at: Timestamp,
    /// Since when it speaks again, while that is not believed yet.
    pub(crate) steady_from: Option<Timestamp>,
}

impl Heard {
    /// When it must have spoken again.
    pub(super) fn deadline(&self, device: &Device) -> Timestamp {
        self.counted_from.plus(device.patience())
    }

    /// When it is worth looking at it again if it says nothing; `None` while only its word can change anything.
    pub(super) fn due_at(&self, device: &Device) -> Option<Timestamp> {
        match &self.standing {
            _ if !self.is_watched => None,
            Standing::Heard => Some(self.deadline(device)),
            Standing::Member(_) => None,
            Standing::Held { until, .. } => Some(*until),
            Standing::Alone(Alone { steady_from, .. }) => {
                let steady = (*steady_from)?.plus(steady_after(device));
                Some(steady.min(self.deadline(device)))
            }
        }
    }

    /// Whether it came back from a silence so lately that it may be flapping.
    pub(super) fn returned_lately(&self, now: Timestamp) -> bool {
        self.returned_at.is_some_and(|at| now.since(at) < FLAPS_WITHIN)
    }

    /// Whether it missed so many beats.
    pub(super) fn missed(&self, device: &Device, beats: u32, now: Timestamp) -> bool {
        // Half a beat more is the way's own delay, as in `Device::late_after`.
        let half = device.cadence / 2;
        now > self.counted_from.plus(device.cadence.saturating_mul(beats).saturating_add(half))
    }
}

/// How long a device that flaps must be steady before it is told of as back.
pub(super) fn steady_after(device: &Device) -> Duration {
    device.cadence.saturating_mul(3).max(STEADY)
}

/// How long a device that is overdue waits for others: those that die together miss their deadlines within one cadence.
pub(super) fn held_for(device: &Device) -> Duration {
    device.cadence.min(HELD_MAX)
}
