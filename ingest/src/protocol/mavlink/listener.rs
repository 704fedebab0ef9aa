//! Datagrams -> packets -> frames: who is it, may it speak, is it worth a frame.
//!
//! In: datagrams with their source.   Out: frames for the writer.   Never: a vehicle's word for whom it is beyond its key or its network.

use super::metrics::{Fate, MavlinkMetrics};
use super::signing::Streams;
use super::vehicle::Vehicle;
use super::{MavlinkConfig, System};
use crate::decode::formats;
use crate::decode::mavlink::packet::Packet;
use crate::seldom::Seldom;
use model::{Channel, Clock, DeviceId, Frame, ReceivedAt, Species, Transport};
use registry::View;
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};

/// The largest datagram there is.
const DATAGRAM_BYTES_MAX: usize = 65_536;
/// Vehicles and sources at a time; more are not followed.
const VEHICLES_MAX: usize = 1_024;
/// While a source speaks for a system, no other does; after this silence another may.
const HELD: Duration = Duration::from_secs(30);

/// What listens.
pub(super) struct Listener {
    config: MavlinkConfig,
    view: watch::Receiver<Arc<View>>,
    clock: Clock,
    metrics: MavlinkMetrics,
    streams: Streams,
    /// By source and system: two links of one vehicle are two states.
    vehicles: HashMap<(SocketAddr, u8), Vehicle>,
    /// Which source speaks unsigned for a system, and when it last did.
    holders: HashMap<u8, (SocketAddr, Instant)>,
    said: Seldom<(IpAddr, Fate)>,
    unknown: System,
}

impl Listener {
    pub(super) fn new(
        config: MavlinkConfig,
        view: watch::Receiver<Arc<View>>,
        clock: Clock,
        metrics: MavlinkMetrics,
    ) -> Self {
        Self {
            config,
            view,
            clock,
            metrics,
            streams: Streams::default(),
            vehicles: HashMap::new(),
            holders: HashMap::new(),
            said: Seldom::default(),
            unknown: System::default(),
        }
    }

    /// Never ends by itself; an error means that nothing can be received.
    pub(super) async fn listen(
        mut self,
        socket: &UdpSocket,
        frames: &mpsc::Sender<Frame>,
    ) -> Result<Infallible, io::Error> {
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        loop {
            let (len, source) = match socket.recv_from(&mut buffer).await {
                Ok(received) => received,
                // An answer that somebody refused, by ICMP; we send none, so it says nothing about the socket.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                Err(error) => return Err(error),
            };
            self.datagram(buffer.get(..len).unwrap_or_default(), source, Instant::now(), frames);
        }
    }

    /// Takes what came together.
    pub(super) fn datagram(
        &mut self,
        mut bytes: &[u8],
        source: SocketAddr,
        now: Instant,
        frames: &mpsc::Sender<Frame>,
    ) {
        while !bytes.is_empty() {
            let Ok((packet, rest)) = Packet::first(bytes) else {
                // Where the next one would begin is anybody's guess.
                self.refuse(Fate::Malformed, source, now);
                return;
            };
            bytes = rest;
            match self.packet(&packet, source, now) {
                Ok(frame) => match frames.try_send(frame) {
                    Ok(()) => {}
                    Err(_full_or_closed) => self.refuse(Fate::Lost, source, now),
                },
                Err(fate @ (Fate::Thinned | Fate::Unused)) => self.metrics.count(fate),
                Err(fate) => self.refuse(fate, source, now),
            }
        }
    }

    fn packet(&mut self, packet: &Packet<'_>, source: SocketAddr, now: Instant) -> Result<Frame, Fate> {
        // Before anything is looked up: half of all packets are none of our business.
        if packet.message.is_none() {
            return Err(Fate::Unused);
        }
        let device = self.registered(packet.system).ok_or(Fate::Unregistered)?;
        self.admit(packet, source, now)?;
        let interval = self.config.track_interval;
        let payload = self.vehicle(source, packet.system, now)?.take(packet, interval, now).ok_or(Fate::Thinned)?;
        let tracks = self.system(packet.system).tracks.map_or("", Species::as_str);
        Ok(Frame {
            speaker: device.clone(),
            device,
            channel: Channel::Foreign { format: Arc::from(formats::MAVLINK), detail: Arc::from(tracks) },
            transport: Transport::Udp,
            payload,
            received_at: ReceivedAt(self.clock.now()),
        })
    }

    fn system(&self, id: u8) -> &System {
        self.config.systems.get(&id).unwrap_or(&self.unknown)
    }

    fn registered(&self, system: u8) -> Option<DeviceId> {
        let view = self.view.borrow();
        let device = view.by_external("mavlink", &system.to_string())?;
        (!device.disabled).then(|| device.id.clone())
    }

    /// Whether the packet's source may speak for its system.
    fn admit(&mut self, packet: &Packet<'_>, source: SocketAddr, now: Instant) -> Result<(), Fate> {
        let system = self.config.systems.get(&packet.system).unwrap_or(&self.unknown);
        if let Some(key) = &system.key {
            return self.streams.judge(packet, key, self.clock.now());
        }
        let networks = system.networks.as_ref().unwrap_or(&self.config.networks);
        if !networks.hold(source.ip()) {
            return Err(Fate::Stranger);
        }
        match self.holders.get_mut(&packet.system) {
            Some((holder, heard)) if *holder == source => *heard = now,
            Some((_, heard)) if now.duration_since(*heard) < HELD => return Err(Fate::Taken),
            // At most one for each of 255 systems.
            _ => drop(self.holders.insert(packet.system, (source, now))),
        }
        Ok(())
    }

    fn vehicle(&mut self, source: SocketAddr, system: u8, now: Instant) -> Result<&mut Vehicle, Fate> {
        let key = (source, system);
        if self.vehicles.len() >= VEHICLES_MAX && !self.vehicles.contains_key(&key) {
            self.vehicles.retain(|_, vehicle| now.duration_since(vehicle.heard) < HELD);
            if self.vehicles.len() >= VEHICLES_MAX {
                return Err(Fate::Lost);
            }
        }
        Ok(self.vehicles.entry(key).or_insert_with(|| Vehicle::new(now)))
    }

    fn refuse(&mut self, fate: Fate, source: SocketAddr, now: Instant) {
        self.metrics.count(fate);
        if let Some(unsaid) = self.said.may_speak((source.ip(), fate), now) {
            tracing::warn!(%source, reason = fate.as_str(), unsaid, "mavlink packet refused");
        }
    }
}
