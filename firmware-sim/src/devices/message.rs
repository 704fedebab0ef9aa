//! What every device's message has in common: topic, time, counter, cadence.
//!
//! In:  who speaks and when.   Out: [`Message`]s with the contract's common fields filled in.

use crate::clock;
use crate::world::SimTime;
use bytes::Bytes;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Something a device says, encoded, not yet on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub device: Arc<str>,
    /// The full MQTT topic.
    pub topic: String,
    /// The payload.
    pub payload: Bytes,
    /// When, in real milliseconds since the play began.
    pub at_ms: u64,
}

/// How scenario time lies on real time.
///
/// `speed` makes everything that moves move faster and every device speak more often; it changes nothing else. So `ts` is
/// always the real time of the event: at speed 10 an hour of grazing is told in six minutes, and its messages are stamped
/// within those six minutes. A platform sees a fast herd and talkative devices, never a clock that runs wild.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// Unix milliseconds at which the play begins.
    pub start_unix_ms: i64,
    /// Scenario seconds per real second.
    pub speed: f64,
}

impl Timing {
    /// Real milliseconds since the play began.
    pub fn real_ms(&self, at: SimTime) -> u64 {
        (at.0 as f64 / self.speed).round() as u64
    }

    /// The scenario time that many real milliseconds after the beginning.
    pub fn sim_time(&self, real_ms: u64) -> SimTime {
        SimTime((real_ms as f64 * self.speed) as u64)
    }

    /// Unix milliseconds of an instant of the scenario.
    pub fn unix_ms(&self, at: SimTime) -> i64 {
        self.start_unix_ms.saturating_add_unsigned(self.real_ms(at))
    }
}

/// Both ways in which the contract lets a device write its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeForm {
    /// RFC 3339 text.
    Text,
    /// Unix milliseconds.
    Millis,
}

/// A device's voice: its name, its counter and how wrong its clock is.
#[derive(Debug, Clone)]
pub struct Voice {
    device: Arc<str>,
    tenant: Arc<str>,
    form: TimeForm,
    skew_ms: i64,
    seq: u64,
}

impl Voice {
    /// A device that has not spoken yet.
    pub fn new(tenant: &str, device: &str, form: TimeForm, skew_ms: i64) -> Self {
        Self { device: Arc::from(device), tenant: Arc::from(tenant), form, skew_ms, seq: 0 }
    }

    /// Its id.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// What its own clock shows at a true instant.
    pub fn own_unix_ms(&self, true_unix_ms: i64) -> i64 {
        true_unix_ms.saturating_add(self.skew_ms)
    }

    /// A native JSON message: the common fields, then `fields`.
    pub fn json(&mut self, kind: &str, at: SimTime, timing: &Timing, fields: Map<String, Value>) -> Message {
        self.seq += 1;
        let unix_ms = self.own_unix_ms(timing.unix_ms(at));
        let mut object = Map::new();
        let ts = if self.form == TimeForm::Text { clock::rfc3339(unix_ms).into() } else { unix_ms.into() };
        object.insert("ts".to_owned(), ts);
        object.insert("seq".to_owned(), self.seq.into());
        object.extend(fields);
        self.native(kind, at, timing, Value::Object(object).to_string().into())
    }

    /// A native message of bytes, under `kind` (with a snapshot's id behind it).
    pub fn native(&self, kind: &str, at: SimTime, timing: &Timing, payload: Bytes) -> Message {
        self.on(format!("steppe/v1/{}/{}/{kind}", self.tenant, self.device), at, timing, payload)
    }

    /// A message on any topic.
    pub fn on(&self, topic: String, at: SimTime, timing: &Timing, payload: Bytes) -> Message {
        Message { device: self.device.clone(), topic, payload, at_ms: timing.real_ms(at) }
    }
}

/// A cadence: due at its first time and then every period.
#[derive(Debug, Clone, Copy)]
pub struct Every {
    period_ms: u64,
    next: SimTime,
}

impl Every {
    /// Due first at `first_ms`, then every `period_s`.
    pub fn new(period_s: u64, first_ms: u64) -> Self {
        Self { period_ms: period_s.saturating_mul(1_000).max(1), next: SimTime(first_ms) }
    }

    /// Whether it is due; if so, it is due again a period later.
    pub fn due(&mut self, now: SimTime) -> bool {
        if now < self.next {
            return false;
        }
        self.next.0 += self.period_ms;
        true
    }
}

/// A JSON object in the order in which its keys are named.
pub(super) fn fields<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Devices do not print sixteen digits.
pub(super) fn rounded(value: f64, decimals: i32) -> Value {
    let scale = 10_f64.powi(decimals);
    ((value * scale).round() / scale).into()
}
