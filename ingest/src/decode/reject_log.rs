//! A line in the log for what was not understood: whoever watches the log hears of a broken device without asking for the
//! dead letters.
//!
//! In:  rejected entries.   Out: log lines with device, channel and reason.
//!
//! Never: what the message held (the dead letter's sentence quotes it; the log is read by more people), or a flood of
//! lines from one device.

use model::{DeadLetter, DeviceId};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// One line per device and reason in this time; the counter and the dead letters have them all.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Devices and reasons remembered for [`LOG_INTERVAL`]; when full, the memory starts anew (and a few more lines are written).
const REMEMBERED_MAX: usize = 4_096;

/// Writes the lines.
#[derive(Default)]
pub(super) struct RejectLog {
    said: HashMap<(DeviceId, &'static str), Said>,
}

struct Said {
    at: Instant,
    unsaid: u64,
}

impl RejectLog {
    /// Notes a dead letter.
    pub(super) fn note(&mut self, letter: &DeadLetter) {
        let reason = letter.reason.label();
        if let Some(unsaid) = self.may_speak(&letter.device, reason, Instant::now()) {
            let (device, offset) = (&letter.device, letter.offset.0);
            let channel: String = letter.channel.chars().take(160).collect();
            tracing::warn!(%device, channel, reason, offset, unsaid, "not understood; kept as a dead letter");
        }
    }

    /// How many alike went unsaid, if it is time for a line.
    fn may_speak(&mut self, device: &DeviceId, reason: &'static str, now: Instant) -> Option<u64> {
        if self.said.len() >= REMEMBERED_MAX {
            self.said.clear();
        }
        match self.said.get_mut(&(device.clone(), reason)) {
            Some(last) if now.duration_since(last.at) < LOG_INTERVAL => {
                last.unsaid += 1;
                None
            }
            Some(last) => {
                last.at = now;
                Some(std::mem::take(&mut last.unsaid))
            }
            None => {
                self.said.insert((device.clone(), reason), Said { at: now, unsaid: 0 });
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_keeps_failing_alike_is_told_once_in_a_while_with_what_went_unsaid() {
        let (mut log, start) = (RejectLog::default(), Instant::now());
        let (one, other) = (DeviceId::parse("cam-1").unwrap(), DeviceId::parse("cam-2").unwrap());
        assert_eq!(log.may_speak(&one, "malformed", start), Some(0));
        assert_eq!(log.may_speak(&one, "malformed", start), None);
        assert_eq!(log.may_speak(&one, "malformed", start), None);
        assert_eq!(log.may_speak(&one, "empty", start), Some(0));
        assert_eq!(log.may_speak(&other, "malformed", start), Some(0));
        assert_eq!(log.may_speak(&one, "malformed", start + LOG_INTERVAL), Some(2));
        assert_eq!(log.may_speak(&one, "malformed", start + 2 * LOG_INTERVAL), Some(0));
    }
}
