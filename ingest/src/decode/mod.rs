//! Turns a recorded frame into a reading: units, ranges and datum checked once, here, and nowhere after.
//!
//! In:  [`model::Entry`], the journal's bytes.   Out: [`model::Reading`], or a [`model::Reject`] that says why not.
//! Next: `history`, `alerts::detect` and `dashboards::live`, by way of [`stage`].
//!
//! Invariant: [`decode`] is pure and total. No tokio, no clock, no I/O, no panic; "now" is the entry's `received_at`. The
//! same entry always gives the same answer, so a decoder's fault is repaired by a replay. The wire's own types (serde)
//! are private to this module: raw numbers end here.

mod chirpstack;
mod datum;
mod dji;
mod fields;
pub mod formats;
pub(crate) mod frigate;
mod json;
pub(crate) mod mavlink;
mod modbus;
mod native;
mod reject_log;
mod repeats;
pub mod stage;
pub mod stations;
mod time;

// Gateways' own languages; in the order in which they came.
mod beijing;
pub(crate) mod gb28181;
pub(crate) mod gt06;
pub(crate) mod hj212;
pub(crate) mod isapi;
pub(crate) mod manscdp;
pub(crate) mod onvif;
pub(crate) mod seen;
mod vision;
pub(crate) mod xml;

#[cfg(test)]
mod tests;

pub use time::FUTURE_TOLERANCE;

use model::{Body, Channel, DeviceTime, Entry, Heartbeat, Reading, Reject};
use std::time::Duration;

/// What a payload says, before it is put together with who said it and when it came.
#[derive(Debug, PartialEq)]
struct Statement {
    device_time: Option<DeviceTime>,
    seq: Option<u64>,
    body: Body,
}

impl Statement {
    /// Of a protocol that tells no time.
    fn untimed(body: Body) -> Self {
        Self { device_time: None, seq: None, body }
    }
}

/// So many entries before the first that it takes make a [`Decoder`] judge as if it had taken all.
pub const MEMORY_ENTRIES: u64 = repeats::WINDOW_ENTRIES;

/// What an entry says, after those before it.
#[derive(Debug)]
pub enum Said {
    /// Something new.
    News(Reading),
    /// What its device had said before, not knowing that we had heard it.
    Again,
    /// Nothing that we understand.
    Nonsense(Reject),
    /// Something that we understand and have no use for.
    Unused,
}

/// Decodes entries in their order, and knows which were said before. Depends on the entries alone.
#[derive(Debug, Default)]
pub struct Decoder(repeats::Repeats);

impl Decoder {
    /// Learns what was said, up to [`MEMORY_ENTRIES`] entries before the first that is taken.
    pub fn remember(&mut self, entry: &Entry) {
        self.0.observe(entry);
    }

    /// What the next entry says.
    pub fn take(&mut self, entry: &Entry) -> Said {
        let outcome = decode(entry);
        if self.0.observe(entry) && outcome.as_ref().is_ok_and(repeats::Repeats::is_told_apart) {
            return Said::Again;
        }
        match outcome {
            Ok(reading) => Said::News(reading),
            Err(Reject::Unused(_)) => Said::Unused,
            Err(reject) => Said::Nonsense(reject),
        }
    }
}

/// What an entry that cannot be used still says: its device lives, and its clock is ahead. Without it such a device would be told of as
/// silent, and nobody would look at its clock.
pub fn sign_of_life(entry: &Entry, reject: &Reject) -> Option<Reading> {
    let Reject::FutureTime { ahead_s } = reject else { return None };
    let received_at = entry.frame.received_at;
    Some(Reading {
        device: entry.frame.device.clone(),
        offset: entry.offset,
        received_at,
        device_time: Some(DeviceTime(received_at.0.plus(Duration::from_secs(*ahead_s)))),
        seq: None,
        body: Body::Heartbeat(Heartbeat::default()),
    })
}

/// What one entry says, or why it cannot be understood.
///
/// A position of exactly 0,0 means "no fix": a track keeps its other values without it, a sighting is rejected because it
/// would be nowhere. A device time more than [`FUTURE_TOLERANCE`] ahead of the receipt is rejected; a time of long ago is
/// not, since devices store and forward.
pub fn decode(entry: &Entry) -> Result<Reading, Reject> {
    let frame = &entry.frame;
    let statement = match &frame.channel {
        Channel::Native { kind, detail } => native::decode(*kind, detail, &frame.payload)?,
        Channel::DjiOsd => dji::decode(&frame.payload)?,
        Channel::Modbus { model } => modbus::decode(model, &frame.payload)?,
        Channel::Clock => Statement::untimed(Body::Clock),
        Channel::Other { topic } => return Err(Reject::UnknownMessage(fields::short(topic))),
        Channel::Foreign { format, .. } => formats::decode(format, frame)?,
    };
    time::refuse_future(statement.device_time, frame.received_at)?;
    Ok(Reading {
        device: frame.device.clone(),
        offset: entry.offset,
        received_at: frame.received_at,
        device_time: statement.device_time,
        seq: statement.seq,
        body: statement.body,
    })
}
