//! GT06: small trackers dial us, say who they are, and send where they are; we put it into the journal and answer.
//!
//! In:  TCP connections.   Out: [`model::Frame`]s with the format `gt06`, on disk before a packet is answered.   Next:
//! [`crate::decode`].
//!
//! A tracker names itself by its IMEI, and the protocol has nothing that proves it: this listener belongs into a private network of
//! the mobile operator. It speaks for one tracker a connection, and whoever has not said which is not heard.
//!
//! Never: an answer before the disk; anything of a tracker that is not registered in the journal.

#[cfg(test)]
mod tests;

use super::door::{Door, DoorParts, Why};
use super::tcp::{self, Line, Over};
use crate::decode::gt06::{Framed, PACKET_BYTES_MAX, Packet, channel, crc, framed, kind};
use bytes::{Buf, Bytes};
use journal::AppendError;
use model::{Channel, DeviceId, Frame, ReceivedAt, Timestamp, Transport};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::net::tcp::OwnedWriteHalf;
use tokio_util::sync::CancellationToken;

/// Trackers send a status every few minutes.
const IDLE: Duration = Duration::from_secs(1_800);
/// Bytes that are no packet before a connection is closed.
const NOISE_MAX: usize = 2 * PACKET_BYTES_MAX;

/// Where trackers connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gt06Config {
    /// TCP.
    pub listen: SocketAddr,
    /// What their clocks are ahead of UTC, minutes.
    pub utc_offset_min: i16,
    /// The datum of their positions, as decode writes it.
    pub datum: Arc<str>,
}

/// Why listening cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Gt06Error {
    /// Choose another port, or end what holds it.
    #[error("`gt06.listen` is {address}, which cannot be bound ({source}); choose another port or end what holds it")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Stop the process: the journal no longer takes anything.
    #[error("what trackers said could not be recorded")]
    Journal(#[from] AppendError),
}

/// A bound listener.
pub struct Gt06 {
    listener: TcpListener,
    local: SocketAddr,
    door: Door,
    channel: Channel,
}

impl Gt06 {
    /// Binds.
    pub async fn bind(config: &Gt06Config, parts: DoorParts) -> Result<Self, Gt06Error> {
        let failed = |source| Gt06Error::Bind { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        let channel = channel(config.utc_offset_min, &config.datum);
        Ok(Self { listener, local, door: Door::new("gt06", parts), channel })
    }

    /// Where it really listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves until `stop`; an error means that the process cannot go on.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Gt06Error> {
        let serve = |line: Line, writing: OwnedWriteHalf| {
            let tracker = Tracker { door: self.door.clone(), channel: self.channel.clone(), device: None };
            tracker.serve(line, writing)
        };
        let served = stop.run_until_cancelled(async {
            tokio::select! {
                error = self.door.failure() => Err(Gt06Error::Journal(error)),
                never = tcp::accept(&self.listener, &self.door, IDLE, serve) => match never {},
            }
        });
        served.await.unwrap_or(Ok(()))
    }
}

/// One connection.
struct Tracker {
    door: Door,
    channel: Channel,
    /// Who it said that it is.
    device: Option<DeviceId>,
}

impl Tracker {
    async fn serve(mut self, mut line: Line, mut writing: OwnedWriteHalf) -> Result<(), Over> {
        let mut noise = 0;
        loop {
            match framed(&line.bytes) {
                Framed::Whole(len) => {
                    noise = 0;
                    let packet = line.bytes.split_to(len).freeze();
                    self.hear(&packet, &mut line, &mut writing).await?;
                }
                Framed::Noise(len) => {
                    noise += len;
                    line.bytes.advance(len);
                    if noise > NOISE_MAX || self.device.is_none() {
                        self.door.refuse(Why::Malformed, line.peer, "");
                        return Err(Over::Closed);
                    }
                }
                Framed::More => line.more().await?,
            }
        }
    }

    async fn hear(&mut self, packet: &Bytes, line: &mut Line, writing: &mut OwnedWriteHalf) -> Result<(), Over> {
        let read = Packet::read(packet).map_err(|_| Over::Closed)?;
        if read.kind == kind::LOGIN {
            self.log_in(&read, line)?;
        }
        let Some(device) = self.device.clone() else {
            self.door.refuse(Why::NotRegistered, line.peer, "");
            return Err(Over::Closed);
        };
        // It may have been shut out since it said who it is.
        if self.door.view().device(&device).is_none_or(|known| known.disabled) {
            self.door.refuse(Why::Disabled, line.peer, device.as_str());
            return Err(Over::Closed);
        }
        let now = self.door.now();
        if read.kind != kind::TIME {
            let frame = Frame {
                speaker: device.clone(),
                device,
                channel: self.channel.clone(),
                transport: Transport::Tcp,
                payload: packet.clone(),
                received_at: ReceivedAt(now),
            };
            // Not on disk, not answered: the tracker comes back and says it again.
            self.door.begin(vec![frame]).await.map_err(|_| Over::Closed)?;
        }
        match answer(&read, now) {
            Some(answer) => tcp::write(writing, &answer).await,
            None => Ok(()),
        }
    }

    fn log_in(&mut self, login: &Packet<'_>, line: &mut Line) -> Result<(), Over> {
        let imei = login.imei().unwrap_or_default();
        let Some(device) = self.door.known_as("imei", &imei, line.peer.ip()) else {
            self.door.refuse(Why::UnknownDevice, line.peer, &imei);
            return Err(Over::Closed);
        };
        line.is_known();
        self.device = Some(device.id);
        Ok(())
    }
}

/// Login, status and alarm are answered by their type and number, the question for the time by the time in UTC.
fn answer(packet: &Packet<'_>, now: Timestamp) -> Option<Bytes> {
    let time = now.to_rfc3339();
    let digits: Vec<u8> = match packet.kind {
        // The digits of `2026-11-22T02:15:00.000Z` from the year's last two on.
        kind::TIME => [2, 5, 8, 11, 14, 17].iter().filter_map(|at| time.get(*at..at + 2)?.parse().ok()).collect(),
        kind::LOGIN => Vec::new(),
        other if kind::STATUS.contains(&other) || kind::ALARM.contains(&other) => Vec::new(),
        _ => return None,
    };
    let length = u8::try_from(5 + digits.len()).ok()?;
    let inner = [&[length, packet.kind][..], &digits, &packet.number.to_be_bytes()].concat();
    let check = crc(&inner).to_be_bytes();
    Some([&[0x78, 0x78][..], &inner, &check, &[0x0D, 0x0A]].concat().into())
}
