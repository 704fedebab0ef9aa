//! Grass stations as one Modbus TCP server: every station is a unit id on the same port, as behind a serial gateway.
//!
//! In:  requests of function 03 and 04.   Out: two registers of the map `renke-soil` that drift by the seed, or an exception.
//!
//! Never: uses the Modbus crate of the platform; both ends agree because both follow the standard.

mod frame;
mod registers;

pub use frame::Exception;
pub use registers::Probe;

use frame::Head;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Connections served at once; a poller holds one per station.
const MAX_CONNECTIONS: usize = 64;

/// How a unit misbehaves on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StationFault {
    /// Not at all.
    #[default]
    None,
    /// It never answers, like a probe with a broken cable.
    Mute,
    /// It answers after a while.
    Slow(Duration),
    /// It answers every request with this exception.
    Exception(u8),
}

#[derive(Debug, Clone, Copy)]
struct Unit {
    probe: Probe,
    fault: StationFault,
}

/// The server; [`ModbusStations::run`] serves it. Clones share their units, so that faults can be set while it runs.
#[derive(Clone)]
pub struct ModbusStations {
    listener: Arc<TcpListener>,
    addr: SocketAddr,
    units: Arc<Mutex<BTreeMap<u8, Unit>>>,
    started: Instant,
}

impl ModbusStations {
    /// Stations with the unit ids 1 to `stations`.
    pub async fn bind(addr: SocketAddr, stations: u8, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let unit = |id| (id, Unit { probe: Probe::new(seed, id), fault: StationFault::None });
        let units = Arc::new(Mutex::new((1..=stations).map(unit).collect()));
        Ok(Self { listener: Arc::new(listener), addr, units, started: Instant::now() })
    }

    /// The address really bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Makes a unit misbehave from its next request on; a unit that does not exist stays so.
    pub fn set_fault(&self, unit: u8, fault: StationFault) {
        if let Some(known) = self.lock().get_mut(&unit) {
            known.fault = fault;
        }
    }

    /// Puts another probe into a unit's soil.
    pub fn set_probe(&self, unit: u8, probe: Probe) {
        if let Some(known) = self.lock().get_mut(&unit) {
            known.probe = probe;
        }
    }

    /// Serves until told to stop.
    pub async fn run(&self, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let place = tokio::select! {
                place = places.clone().acquire_owned() => place,
                () = stop.cancelled() => return,
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => return,
            };
            let (stations, stop) = (self.clone(), stop.clone());
            match accepted {
                Ok((stream, peer)) => {
                    tokio::spawn(async move {
                        tokio::select! {
                            ended = stations.serve(stream) => {
                                if let Err(error) = ended {
                                    tracing::debug!(%peer, %error, "modbus connection ended");
                                }
                            }
                            () = stop.cancelled() => {}
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    // Out of descriptors, usually: give the others a moment to end.
                    tracing::warn!(%error, "modbus server cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        loop {
            let mut bytes = [0; Head::BYTES];
            if let Err(error) = stream.read_exact(&mut bytes).await {
                return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(()) } else { Err(error) };
            }
            let Some(head) = Head::parse(bytes) else {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "not a modbus request"));
            };
            let mut body = vec![0; usize::from(head.body_bytes)];
            stream.read_exact(&mut body).await?;
            let Some((unit, pdu)) = body.split_first() else { continue };
            if let Some(answer) = self.answer(head, *unit, pdu).await {
                stream.write_all(&answer).await?;
            }
        }
    }

    /// `None` when the unit says nothing.
    async fn answer(&self, head: Head, unit: u8, pdu: &[u8]) -> Option<Vec<u8>> {
        let function = pdu.first().copied().unwrap_or_default();
        let known = self.lock().get(&unit).copied();
        let Some(Unit { probe, fault }) = known else {
            return Some(frame::answer(head, unit, function, Err(Exception::Target)));
        };
        match fault {
            StationFault::None => {}
            StationFault::Mute => return None,
            StationFault::Slow(delay) => tokio::time::sleep(delay).await,
            StationFault::Exception(code) => {
                return Some(frame::answer(head, unit, function, Err(Exception::Code(code))));
            }
        }
        let registers = probe.registers(self.started.elapsed());
        let outcome = frame::asked(pdu).and_then(|(start, count)| {
            let first = usize::from(start);
            registers.get(first..first + usize::from(count)).ok_or(Exception::Address)
        });
        Some(frame::answer(head, unit, function, outcome))
    }

    /// Nothing is left by halves when a holder panics: one field is replaced.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u8, Unit>> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
