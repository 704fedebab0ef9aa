//! GB/T 28181: cameras and recorders register here by SIP, and what they report goes into the journal. No media.
//!
//! In:  SIP over UDP and TCP on one port.   Out: [`model::Frame`]s with the format `gb28181`, on disk before a device hears
//! "200 OK".   Next: [`crate::decode`].
//!
//! ```text
//! message        bytes -> a message of SIP          ../digest      is it who it says
//! answers        the same answer to a copy          registrations  who is where, until when
//! serve          requests of devices                subjects       whom a message is about
//! ask            requests of ours                   words          what we say in them
//! ```
//!
//! Never: a device's word before it has proved who it is, one device's fault disturbing others, an open door for what no
//! administrator configured ([`SipConfig`] is absent by default).

mod answers;
mod ask;
mod message;
mod metrics;
mod registrations;
mod serve;
mod subjects;
mod words;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;

pub use metrics::SipMetrics;

use super::digest::Nonces;
use super::door::{Door, DoorParts, Why};
use super::tcp::{self, Line, Over};
use crate::gate::Rate;
use crate::gate::pace::Pace;
use answers::Answers;
use bytes::Bytes;
use journal::AppendError;
use message::{Malformed, Message};
use model::DeviceId;
use rand::Rng;
use registrations::{Registrations, Way};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Datagrams that are being answered: two seconds of the largest fleet. Beyond it they are dropped, and come again.
const UNDERWAY_MAX: usize = 2_048;
/// How fast one address may send datagrams: a recorder with a large catalogue, a site of hundreds of cameras.
const ADDRESS_RATE: Rate = Rate { messages_per_s: 2_000.0, bytes_per_s: 8_388_608.0 };
/// Addresses whose pace is remembered.
const PACES_MAX: usize = 16_384;
/// What may wait to be written to one connection.
const LINE_QUEUE: usize = 64;
/// A registered device is silent for no longer than three of the longest cadences that keep a connection; NAT forgets earlier.
const LINE_IDLE: Duration = Duration::from_secs(900);
/// How often deadlines are looked at.
const SWEEP: Duration = Duration::from_secs(1);
/// A datagram is not larger.
const DATAGRAM_BYTES_MAX: usize = 65_536;

/// How cameras reach the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipConfig {
    /// UDP and TCP.
    pub listen: SocketAddr,
    /// The platform's own 20 digits.
    pub id: String,
    /// Its SIP domain: mostly the first ten of them.
    pub realm: String,
    /// So many keepalives may be missed.
    pub keepalive_misses: u32,
    /// The datum of positions that no list below names, as decode writes it.
    pub datum: Arc<str>,
    /// Devices that write positions in GCJ-02.
    pub gcj02: BTreeSet<DeviceId>,
    /// Where registrations are kept over a restart.
    pub kept_in: PathBuf,
}

impl SipConfig {
    fn datum_of(&self, device: &DeviceId) -> Arc<str> {
        if self.gcj02.contains(device) { Arc::from("gcj02") } else { Arc::clone(&self.datum) }
    }
}

/// Why listening cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum SipError {
    /// Choose another port, or end what holds it.
    #[error("`sip.listen` is {address}, which cannot be bound ({source}); choose another port or end what holds it")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Stop the process: the journal no longer takes anything.
    #[error("what cameras said could not be recorded")]
    Journal(#[from] AppendError),
}

/// What all tasks share.
struct Server {
    config: SipConfig,
    door: Door,
    metrics: SipMetrics,
    udp: UdpSocket,
    local: SocketAddr,
    nonces: Mutex<Nonces>,
    answers: Mutex<Answers>,
    registrations: Mutex<Registrations>,
    /// Requests of ours by branch.
    pending: Mutex<HashMap<String, oneshot::Sender<u16>>>,
    lines: Mutex<HashMap<u64, Outward>>,
    numbers: AtomicU64,
    asking: Arc<Semaphore>,
    wake: Notify,
    stop: CancellationToken,
}

/// The way back over a connection.
struct Outward {
    to: mpsc::Sender<Bytes>,
    local: SocketAddr,
}

/// A bound listener.
pub struct Sip {
    server: Arc<Server>,
    tcp: TcpListener,
}

impl Sip {
    /// Binds UDP and TCP to the same port.
    pub async fn bind(config: SipConfig, parts: DoorParts, metrics: SipMetrics) -> Result<Self, SipError> {
        let failed = |source| SipError::Bind { address: config.listen, source };
        let (tcp, udp) = bind_both(config.listen).await.map_err(failed)?;
        let local = udp.local_addr().map_err(failed)?;
        let door = Door::new("sip", parts);
        let registrations = Registrations::load(&config.kept_in, door.now());
        let mut rng = rand::rng();
        let server = Server {
            registrations: Mutex::new(registrations),
            nonces: Mutex::new(Nonces::new(rng.random())),
            // No two starts number alike: a device would take a new question for an old one.
            numbers: AtomicU64::new(rng.random_range(1..1_000_000)),
            config,
            door,
            metrics,
            udp,
            local,
            answers: Mutex::default(),
            pending: Mutex::default(),
            lines: Mutex::default(),
            asking: Arc::new(Semaphore::new(ask::ASKING_MAX)),
            wake: Notify::new(),
            stop: CancellationToken::new(),
        };
        Ok(Self { server: Arc::new(server), tcp })
    }

    /// Where it really listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local
    }

    /// Serves until `stop`; an error means that the process cannot go on.
    pub async fn run(self, stop: CancellationToken) -> Result<(), SipError> {
        let server = self.server;
        let lines = AtomicU64::new(1);
        let serve = |line: Line, writing: OwnedWriteHalf| {
            let number = lines.fetch_add(1, Ordering::Relaxed);
            Arc::clone(&server).serve_line(number, line, writing)
        };
        let served = stop.run_until_cancelled(async {
            tokio::select! {
                error = server.door.failure() => Err(SipError::Journal(error)),
                never = tcp::accept(&self.tcp, &server.door, LINE_IDLE, serve) => match never {},
                () = Arc::clone(&server).serve_datagrams() => Ok(()),
                () = server.keep_time() => Ok(()),
            }
        });
        let outcome = served.await.unwrap_or(Ok(()));
        server.stop.cancel();
        server.save().await;
        outcome
    }
}

/// The same port for both; a free one if it is 0.
async fn bind_both(address: SocketAddr) -> io::Result<(TcpListener, UdpSocket)> {
    const TRIES: usize = 16;
    let mut tries = 0;
    loop {
        let tcp = TcpListener::bind(address).await?;
        match UdpSocket::bind(tcp.local_addr()?).await {
            Ok(udp) => return Ok((tcp, udp)),
            // A port that was free for the one need not be for the other.
            Err(_) if address.port() == 0 && tries < TRIES => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

impl Server {
    // Nothing is done under these locks that could leave half a change behind.
    fn lock<'a, T>(&self, what: &'a Mutex<T>) -> MutexGuard<'a, T> {
        what.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// A word that nobody can foresee: an answer to a request that was never seen must not fit.
    fn unique(&self) -> String {
        format!("{:016x}{:x}", rand::rng().random::<u64>(), self.next_number())
    }

    /// Does something beside, if there is a place for it.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let Ok(place) = Arc::clone(&self.asking).try_acquire_owned() else {
            tracing::warn!(limit = ask::ASKING_MAX, "too many requests to devices underway; one was left out");
            return;
        };
        let stop = self.stop.clone();
        tokio::spawn(async move {
            let _place = place;
            stop.run_until_cancelled(work).await
        });
    }

    async fn send(&self, peer: SocketAddr, way: Way, bytes: Bytes) {
        match way {
            // A datagram that cannot be sent is one that is lost: the device repeats itself.
            Way::Udp => drop(self.udp.send_to(&bytes, peer).await),
            Way::Tcp(line) => {
                let to = self.lock(&self.lines).get(&line).map(|line| line.to.clone());
                if let Some(to) = to {
                    // A connection whose queue stays full is ended by its writer's timeout.
                    to.send(bytes).await.ok();
                }
            }
        }
    }

    async fn serve_datagrams(self: Arc<Self>) {
        let places = Arc::new(Semaphore::new(UNDERWAY_MAX));
        let mut paces: HashMap<IpAddr, Pace> = HashMap::new();
        let mut buffer = vec![0_u8; DATAGRAM_BYTES_MAX];
        loop {
            let Ok((len, peer)) = self.udp.recv_from(&mut buffer).await else {
                // On Linux an earlier datagram that found nobody; there is nothing to do about it.
                tokio::task::yield_now().await;
                continue;
            };
            if paces.len() >= PACES_MAX && !paces.contains_key(&peer.ip()) {
                paces.clear();
            }
            let pace = paces.entry(peer.ip()).or_insert_with(|| Pace::new(ADDRESS_RATE));
            if !pace.charge(1, len, Instant::now()).is_zero() {
                self.door.refuse(Why::TooFast, peer, "");
                continue;
            }
            let datagram = buffer.get(..len).unwrap_or_default();
            if datagram.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
                continue; // keeps a way through NAT open
            }
            match (Message::of_datagram(datagram), Arc::clone(&places).try_acquire_owned()) {
                (Ok(message), Ok(place)) => {
                    let (server, stop) = (Arc::clone(&self), self.stop.clone());
                    tokio::spawn(async move {
                        let _place = place;
                        stop.run_until_cancelled(server.hear(message, peer, Way::Udp)).await
                    });
                }
                (Ok(_), Err(_)) => self.door.refuse(Why::TooFast, peer, ""),
                (Err(_), _) => self.door.refuse(Why::Malformed, peer, ""),
            }
        }
    }

    /// One connection: messages one after the other, each answered before the next is heard.
    async fn serve_line(self: Arc<Self>, number: u64, mut line: Line, mut writing: OwnedWriteHalf) -> Result<(), Over> {
        let (to, mut outgoing) = mpsc::channel::<Bytes>(LINE_QUEUE);
        self.lock(&self.lines).insert(number, Outward { to, local: line.local });
        let _closed = Closed { server: Arc::clone(&self), number };
        let writes = async {
            while let Some(bytes) = outgoing.recv().await {
                tcp::write(&mut writing, &bytes).await?;
            }
            Err(Over::Closed)
        };
        let reads = async {
            let mut is_known = false;
            loop {
                match Message::of_stream(&mut line.bytes) {
                    Ok(Some(message)) => {
                        self.hear(message, line.peer, Way::Tcp(number)).await;
                        if !is_known && self.lock(&self.registrations).has_line(number) {
                            is_known = true;
                            line.is_known();
                        }
                    }
                    Ok(None) => line.more().await?,
                    // Where the next message begins is not known any more.
                    Err(malformed) => return Err(self.broken(malformed, line.peer)),
                }
            }
        };
        tokio::select! {
            ended = reads => ended,
            ended = writes => ended,
        }
    }

    fn broken(&self, malformed: Malformed, peer: SocketAddr) -> Over {
        tracing::debug!(%peer, %malformed, "connection is closed");
        self.door.refuse(Why::Malformed, peer, "");
        Over::Closed
    }

    async fn keep_time(self: &Arc<Self>) {
        loop {
            self.sweep();
            self.save().await;
            // A device that has just registered is introduced at once.
            tokio::time::timeout(SWEEP, self.wake.notified()).await.ok();
        }
    }

    async fn save(&self) {
        let Some(bytes) = self.lock(&self.registrations).save() else { return };
        let path = self.config.kept_in.clone();
        let beside = path.with_extension("new");
        let written = async {
            tokio::task::spawn_blocking(move || {
                std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, &path))
            })
            .await
        };
        if let Ok(Err(error)) = written.await {
            tracing::warn!(%error, "registrations cannot be kept; devices register again after a restart");
        }
    }
}

/// Takes a connection out of the books whatever ends it.
struct Closed {
    server: Arc<Server>,
    number: u64,
}

impl Drop for Closed {
    fn drop(&mut self) {
        self.server.lock(&self.server.lines).remove(&self.number);
        for id in self.server.lock(&self.server.registrations).line_closed(self.number) {
            tracing::info!(id, "device's connection is gone, and its registration with it");
        }
    }
}
