//! What a device of the hour says, second by second, and what becomes of it on the way.
//!
//! In:  a device and its script.   Out: messages in the encodings of the contract and of DJI, lost, late, twice and out of order.

use super::{Arrived, FROM_MS, Registered, SECONDS};
use crate::devices::Message;
use crate::faults::{FaultLine, Faults};
use crate::rng::Rng;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A stretch of time, seconds of the hour; the end is not part of it.
pub(super) type Span = (u64, u64);

/// After a break everything that was kept is sent within this long.
const CATCH_UP_MS: u64 = 30_000;

/// What a device does that others do not.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    /// It says nothing, and what it would have said is lost.
    pub quiet: Vec<Span>,
    /// It cannot be heard, and keeps what it says for later.
    pub cut_off: Vec<Span>,
    /// It never spoke.
    pub is_mute: bool,
    /// Its picture stands still.
    pub frozen: Vec<Span>,
    /// It says that it is broken.
    pub fault: Vec<Span>,
    /// Its storage is nearly full.
    pub full: Vec<Span>,
    /// Its head is stuck twenty degrees off.
    pub stuck: Vec<Span>,
    /// By how much its clock is wrong, and while it is.
    pub clock: Option<(i64, Span)>,
    /// Its charge at the beginning and what it loses in an hour, percent.
    pub battery: Option<(f64, f64)>,
}

fn holds(spans: &[Span], second: u64) -> bool {
    spans.iter().any(|(from, to)| (*from..*to).contains(&second))
}

/// Everything that arrives, in order of arrival.
pub(super) fn play(
    seed: u64,
    devices: &[Registered],
    scripts: &BTreeMap<Arc<str>, Script>,
    down: Span,
) -> Vec<Arrived> {
    let faults = Faults::steppe();
    let mut line = FaultLine::new(faults, seed);
    let plain = Script::default();
    let mut voices: Vec<Voice<'_>> = devices
        .iter()
        .map(|device| {
            Voice::new(seed, device, scripts.get(&device.id).unwrap_or(&plain), faults.skew_ms(seed, &device.id))
        })
        .collect();
    let mut said = Vec::new();
    let mut late = Rng::new(seed, "hour/late");
    for second in 0..SECONDS {
        voices.iter_mut().for_each(|voice| voice.speak(second, &mut line));
        for message in line.due(second * 1_000 + 999) {
            let mut at_ms = (second * 1_000).max(message.at_ms);
            if holds(&[down], at_ms / 1_000) {
                at_ms = down.1 * 1_000 + late.whole(0, CATCH_UP_MS);
            }
            said.push(Arrived { at_ms, device: message.device, kind: message.topic, payload: message.payload });
        }
    }
    said.sort_by_key(|one| one.at_ms);
    said
}

struct Voice<'a> {
    device: &'a Registered,
    script: &'a Script,
    skew_ms: i64,
    phase: u64,
    seq: u64,
    rng: Rng,
    kept: Vec<(String, Bytes)>,
}

impl<'a> Voice<'a> {
    fn new(seed: u64, device: &'a Registered, script: &'a Script, skew_ms: i64) -> Self {
        let mut rng = Rng::new(seed, &format!("hour/{}", device.id));
        let phase = rng.whole(0, device.cadence_s - 1);
        Self { device, script, skew_ms, phase, seq: 0, rng, kept: Vec::new() }
    }

    fn speak(&mut self, second: u64, line: &mut FaultLine) {
        let is_cut_off = holds(&self.script.cut_off, second);
        if !is_cut_off && !self.kept.is_empty() {
            for (place, (kind, payload)) in std::mem::take(&mut self.kept).into_iter().enumerate() {
                self.send(second * 1_000 + place as u64 * 100, kind, payload, line);
            }
        }
        let is_due = (second + self.phase).is_multiple_of(self.device.cadence_s);
        if !is_due || self.script.is_mute || holds(&self.script.quiet, second) {
            return;
        }
        self.seq += 1;
        let at_ms = second * 1_000 + self.rng.whole(0, 999);
        let (kind, body) = self.says(second, at_ms);
        let payload = Bytes::from(body.to_string());
        if is_cut_off {
            self.kept.push((kind.to_owned(), payload));
        } else {
            self.send(at_ms, kind.to_owned(), payload, line);
        }
    }

    fn send(&self, at_ms: u64, kind: String, payload: Bytes, line: &mut FaultLine) {
        line.pass(Message { device: self.device.id.clone(), topic: kind, payload, at_ms });
    }

    fn says(&mut self, second: u64, at_ms: u64) -> (&'static str, Value) {
        let wrong_ms =
            self.script.clock.filter(|(_, span)| holds(&[*span], second)).map_or(0, |(wrong_ms, _)| wrong_ms);
        let ts = FROM_MS.saturating_add_unsigned(at_ms) + self.skew_ms + wrong_ms;
        let (start, per_hour) = self.script.battery.unwrap_or((88.0, 0.5));
        let charge = (start - per_hour * second as f64 / SECONDS as f64).clamp(0.0, 100.0);
        let status = if holds(&self.script.fault, second) { "fault" } else { "ok" };
        let free = if holds(&self.script.full, second) { 120.0 } else { 8_000.0 };
        let (lat, lon) = (43.2 + self.phase as f64 * 1e-4, 117.4 + self.phase as f64 * 1e-4);
        let seq = self.seq;
        match self.device.kind {
            "camera" => {
                let picture = if holds(&self.script.frozen, second) { "frozen".to_owned() } else { format!("{ts:x}") };
                let pan = if holds(&self.script.stuck, second) { 20.0 } else { 0.0 } + self.rng.normal(0.0, 0.1);
                let pose = json!({ "pan_deg": pan, "tilt_deg": -5.0, "zoom": 1.0, "target_pan_deg": 0.0, "target_tilt_deg": -5.0 });
                let body = json!({
                    "ts": ts, "seq": seq, "status": status, "uptime_s": second, "storage_free_mb": free, "pose": pose,
                    "frame_hash": picture, "firmware": "4.2.1", "battery_percent": charge.round(),
                });
                ("heartbeat", body)
            }
            "drone" => {
                let data = json!({
                    "latitude": lat, "longitude": lon, "height": 1_400.0, "elevation": 0.0, "attitude_head": 12.0,
                    "horizontal_speed": 0.0, "mode_code": 0, "battery": { "capacity_percent": charge.round() },
                });
                let (tid, bid) = (self.rng.uuid(), self.rng.uuid());
                ("osd", json!({ "tid": tid, "bid": bid, "timestamp": ts, "gateway": "dock", "data": data }))
            }
            "collar" => {
                ("track", json!({ "ts": ts, "seq": seq, "lat": lat, "lon": lon, "battery_percent": charge.round() }))
            }
            _ => {
                let body = json!({
                    "ts": ts, "seq": seq, "status": status, "storage_free_mb": free, "battery_percent": charge.round(),
                });
                ("heartbeat", body)
            }
        }
    }
}
