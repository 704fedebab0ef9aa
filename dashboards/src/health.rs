//! How a device is doing, as people see it: four different looks for stale, silent, broken and never seen.
//!
//! In: the registry's device, what was last heard, what the alert log said of its silence, and "now".   Out: [`Condition`].
//!
//! Never: decides that a silence is told to anybody; detection does, and its word (the alert log) is taken over the arithmetic.

use crate::live::Heard;
use model::{Device, Health, HeartbeatStatus, Timestamp};

/// A silence that the alert log told and has not taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Silence {
    /// When the device last spoke before it.
    pub last_seen: Timestamp,
    /// When it was told.
    pub told_at: Timestamp,
}

/// A device's health and the times that explain it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Condition {
    /// In one word.
    pub health: Health,
    /// When it last spoke.
    pub last_seen: Option<Timestamp>,
    /// When it must have spoken again.
    pub deadline: Option<Timestamp>,
}

/// Judges one device at `now`.
pub(crate) fn condition(device: &Device, heard: &Heard, silence: Option<Silence>, now: Timestamp) -> Condition {
    let last_seen = heard.last_seen.max(silence.map(|silence| silence.last_seen));
    let deadline = last_seen.map(|seen| seen.plus(device.patience()));
    // Heard after the silence was told: it is back, though the alert that says so is still on its way.
    let told_silent = silence.is_some_and(|silence| heard.last_seen.is_none_or(|seen| seen <= silence.told_at));
    let health = match (last_seen, deadline) {
        _ if device.disabled => Health::Disabled,
        (Some(_), _) if told_silent => Health::Silent,
        (Some(_), Some(deadline)) if now > deadline => Health::Silent,
        (Some(_), _) if heard.status == Some(HeartbeatStatus::Fault) => Health::Faulty,
        (Some(seen), _) if now.since(seen) > device.late_after() => Health::Late,
        (Some(_), _) => Health::Online,
        (None, _) => Health::NeverSeen,
    };
    Condition { health, last_seen, deadline }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{DeviceId, DeviceKind};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn camera() -> Device {
        Device::new(DeviceId::parse("camera-1").unwrap(), DeviceKind::Camera)
    }

    fn heard(seconds: i64) -> Heard {
        Heard { last_seen: Some(at(seconds)), ..Heard::default() }
    }

    #[track_caller]
    fn check(heard: &Heard, silence: Option<Silence>, now_s: i64, want: Health) {
        assert_eq!(condition(&camera(), heard, silence, at(now_s)).health, want);
    }

    #[test]
    fn a_device_grows_late_and_then_silent_as_time_passes() {
        check(&Heard::default(), None, 1_000, Health::NeverSeen);
        check(&heard(0), None, 90, Health::Online);
        check(&heard(0), None, 91, Health::Late);
        check(&heard(0), None, 185, Health::Late);
        check(&heard(0), None, 186, Health::Silent);
    }

    #[test]
    fn the_alert_logs_word_on_a_silence_holds_until_the_device_speaks() {
        let silence = Some(Silence { last_seen: at(10), told_at: at(20) });
        check(&heard(10), silence, 30, Health::Silent);
        check(&Heard::default(), silence, 30, Health::Silent);
        check(&heard(21), silence, 30, Health::Online);
    }

    #[test]
    fn a_fault_shows_while_it_speaks_and_a_disabled_device_is_just_that() {
        let broken = Heard { status: Some(HeartbeatStatus::Fault), ..heard(0) };
        check(&broken, None, 30, Health::Faulty);
        check(&broken, None, 1_000, Health::Silent);
        let disabled = Device { disabled: true, ..camera() };
        assert_eq!(condition(&disabled, &broken, None, at(30)).health, Health::Disabled);
    }

    #[test]
    fn the_deadline_is_three_cadences_and_the_way_after_the_last_word() {
        assert_eq!(condition(&camera(), &heard(5), None, at(6)).deadline, Some(at(190)));
    }
}
