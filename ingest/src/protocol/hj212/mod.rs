//! HJ 212-2017: environmental stations dial us and send packets; we put them into the journal and answer those that want it.
//!
//! In:  TCP connections.   Out: [`model::Frame`]s with the format `hj212`, on disk before a packet is answered.   Next:
//! [`crate::decode`].
//!
//! A packet names its station (`MN`), and the standard has nothing that proves it: this listener belongs into a private network.
//! A data logger may send the packets of several stations over one connection.
//!
//! Never: an answer before the disk; a packet whose check is wrong, or whose station is not registered, in the journal.

#[cfg(test)]
mod tests;

use super::door::{Door, DoorParts, Why};
use super::tcp::{self, Line, Over};
use crate::decode::formats::HJ212;
use crate::decode::hj212::{Framed, PACKET_BYTES_MAX, Packet, crc, framed};
use bytes::{Buf, Bytes};
use journal::AppendError;
use model::{Channel, Frame, ReceivedAt, Transport};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::net::tcp::OwnedWriteHalf;
use tokio_util::sync::CancellationToken;

/// Stations send every ten minutes at the latest; NAT forgets earlier.
const IDLE: Duration = Duration::from_secs(3_600);
/// Packets that are none, or of nobody, before a connection is closed.
const FAULTS_MAX: u32 = 64;

/// Where stations connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hj212Config {
    /// TCP.
    pub listen: SocketAddr,
}

/// Why listening cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Hj212Error {
    /// Choose another port, or end what holds it.
    #[error("`hj212.listen` is {address}, which cannot be bound ({source}); choose another port or end what holds it")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Stop the process: the journal no longer takes anything.
    #[error("what stations said could not be recorded")]
    Journal(#[from] AppendError),
}

/// A bound listener.
pub struct Hj212 {
    listener: TcpListener,
    local: SocketAddr,
    door: Door,
}

impl Hj212 {
    /// Binds.
    pub async fn bind(config: &Hj212Config, parts: DoorParts) -> Result<Self, Hj212Error> {
        let failed = |source| Hj212Error::Bind { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, local, door: Door::new("hj212", parts) })
    }

    /// Where it really listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves until `stop`; an error means that the process cannot go on.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Hj212Error> {
        let serve = |line: Line, writing: OwnedWriteHalf| serve(self.door.clone(), line, writing);
        let served = stop.run_until_cancelled(async {
            tokio::select! {
                error = self.door.failure() => Err(Hj212Error::Journal(error)),
                never = tcp::accept(&self.listener, &self.door, IDLE, serve) => match never {},
            }
        });
        served.await.unwrap_or(Ok(()))
    }
}

/// One connection: packets one after the other.
async fn serve(door: Door, mut line: Line, mut writing: OwnedWriteHalf) -> Result<(), Over> {
    let mut faults = 0;
    loop {
        match framed(&line.bytes) {
            Framed::Whole(len) => {
                let packet = line.bytes.split_to(len).freeze();
                if hear(&door, &packet, &mut line, &mut writing).await? {
                    faults = 0;
                    continue;
                }
            }
            Framed::Noise(len) => {
                let is_line_end = line.bytes.iter().take(len).all(u8::is_ascii_whitespace);
                line.bytes.advance(len);
                if is_line_end {
                    continue;
                }
                door.refuse(Why::Malformed, line.peer, "");
            }
            Framed::More if line.bytes.len() > PACKET_BYTES_MAX => return Err(Over::Closed),
            Framed::More => {
                line.more().await?;
                continue;
            }
        }
        faults += 1;
        if faults >= FAULTS_MAX {
            return Err(Over::Closed);
        }
    }
}

/// `false` for a packet of nobody that we know.
async fn hear(door: &Door, packet: &Bytes, line: &mut Line, writing: &mut OwnedWriteHalf) -> Result<bool, Over> {
    let Ok(read) = Packet::read(packet) else {
        door.refuse(Why::Malformed, line.peer, "");
        return Ok(false);
    };
    let station = read.field("MN").unwrap_or_default();
    let Some(device) = door.known_as("hj212", station, line.peer.ip()) else {
        door.refuse(Why::UnknownDevice, line.peer, station);
        return Ok(false);
    };
    if device.disabled {
        door.refuse(Why::Disabled, line.peer, device.id.as_str());
        return Ok(false);
    }
    line.is_known();
    let frame = Frame {
        speaker: device.id.clone(),
        device: device.id,
        channel: Channel::Foreign { format: HJ212.into(), detail: "".into() },
        transport: Transport::Tcp,
        payload: packet.clone(),
        received_at: ReceivedAt(door.now()),
    };
    // Not on disk, not answered: the station sends it again over a new connection.
    door.begin(vec![frame]).await.map_err(|_| Over::Closed)?;
    if read.wants_answer()
        && let Some(answer) = answer(&read, station)
    {
        tcp::write(writing, &answer).await?;
    }
    Ok(true)
}

/// "Have your data" (9014) for data, "heard" (9013) for a notice; with the packet's own number.
fn answer(packet: &Packet<'_>, station: &str) -> Option<Bytes> {
    let number = packet.field("QN").filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))?;
    let password = packet.field("PW").filter(|word| word.len() <= 16).unwrap_or_default();
    let command = if packet.is_data() { "9014" } else { "9013" };
    let data = format!("QN={number};ST=91;CN={command};PW={password};MN={station};Flag=4;CP=&&&&");
    Some(format!("##{:04}{data}{:04X}\r\n", data.len(), crc(data.as_bytes())).into())
}
