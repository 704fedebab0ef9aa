//! A line in the log for what was not understood: whoever watches the log hears of a broken device without asking for the
//! dead letters.
//!
//! In:  rejected entries.   Out: log lines with device, channel and reason.
//!
//! Never: what the message held (the dead letter's sentence quotes it; the log is read by more people), or a flood of
//! lines from one device.

use crate::seldom::Seldom;
use model::{DeadLetter, DeviceId};
use std::time::Instant;

/// Writes the lines: one for each device and reason in a while.
#[derive(Default)]
pub(super) struct RejectLog {
    said: Seldom<(DeviceId, &'static str)>,
}

impl RejectLog {
    /// Notes a dead letter.
    pub(super) fn note(&mut self, letter: &DeadLetter) {
        let reason = letter.reason.label();
        if let Some(unsaid) = self.said.may_speak((letter.device.clone(), reason), Instant::now()) {
            let (device, offset) = (&letter.device, letter.offset.0);
            let channel: String = letter.channel.chars().take(160).collect();
            tracing::warn!(%device, channel, reason, offset, unsaid, "not understood; kept as a dead letter");
        }
    }
}
