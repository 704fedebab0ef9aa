//! Listens for MAVLink over UDP and puts what vehicles say into the journal.
//!
//! In:  datagrams.   Out: [`model::Frame`]s with the format `mavlink`, on disk.   Next: [`crate::decode`].
//!
//! ```text
//! listener   datagram -> packets -> who is it, and may it speak     signing   whether the signature is its key's
//! vehicle    packets -> what is worth a frame                       writer    frames -> journal
//! ```
//!
//! MAVLink proves nothing by itself and its system ids are guessed in a second. So a packet counts only if it is signed with its
//! system's key, or comes from a network that the configuration names; and while a source speaks for a system, no other unsigned
//! source does. Autopilots send fifty positions a second: a frame is made of the news that is worth one, with the packets that explain it,
//! byte for byte. Never answers a vehicle, and never decodes more than it takes to choose.

mod listener;
mod metrics;
mod signing;
mod vehicle;
mod writer;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;

pub use metrics::MavlinkMetrics;
pub use signing::{BadKey, SigningKey};

use journal::{AppendError, Journal};
use listener::Listener;
use model::{Clock, Networks, Species};
use registry::View;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Frames that wait for the disk: two seconds of the most vehicles there can be. When it is full the next are lost, and counted.
const FRAMES_WAITING: usize = 1_024;

/// What is said of one system id beyond its registration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct System {
    /// From where it may speak unsigned; `None`: from where any system may.
    pub networks: Option<Networks>,
    /// The key that it signs with; with one, nothing unsigned is taken from it.
    pub key: Option<SigningKey>,
    /// What its camera tracks.
    pub tracks: Option<Species>,
}

/// What the listener needs to know.
#[derive(Debug, Clone)]
pub struct MavlinkConfig {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// From where systems may speak unsigned.
    pub networks: Networks,
    /// What is said of single systems, by id.
    pub systems: BTreeMap<u8, System>,
    /// At most one position of a vehicle in this time.
    pub track_interval: Duration,
}

/// Why there is no listener, or none any more.
#[derive(Debug, thiserror::Error)]
pub enum MavlinkError {
    /// Choose another address or end what holds it.
    #[error("mavlink listener could not bind {address}: {source}; choose another [mavlink] listen address")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// The system's complaint.
        source: io::Error,
    },
    /// Stop the process: nothing comes in any more.
    #[error("mavlink listener cannot receive any more")]
    Receive(#[source] io::Error),
    /// Stop the process: the journal no longer takes anything.
    #[error("what a mavlink vehicle said could not be recorded")]
    Journal(#[from] AppendError),
}

/// The socket, bound and ready to [`Mavlink::run`].
pub struct Mavlink {
    socket: UdpSocket,
    address: SocketAddr,
    config: MavlinkConfig,
}

impl Mavlink {
    /// Binds the socket.
    pub async fn bind(config: MavlinkConfig) -> Result<Self, MavlinkError> {
        let unbound = |source| MavlinkError::Bind { address: config.listen, source };
        let socket = UdpSocket::bind(config.listen).await.map_err(unbound)?;
        let address = socket.local_addr().map_err(unbound)?;
        Ok(Self { socket, address, config })
    }

    /// Where it really listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens until `stop`; what was taken in by then gets to the disk.
    pub async fn run(
        self,
        journal: Arc<dyn Journal>,
        view: watch::Receiver<Arc<View>>,
        clock: Clock,
        metrics: MavlinkMetrics,
        stop: CancellationToken,
    ) -> Result<(), MavlinkError> {
        let (frames_tx, frames) = mpsc::channel(FRAMES_WAITING);
        let listener = Listener::new(self.config, view, clock, metrics.clone());
        let listening = async move {
            // The queue is closed when this ends, and then the writer ends when it is empty.
            match stop.run_until_cancelled(listener.listen(&self.socket, &frames_tx)).await {
                Some(Err(error)) => Err(MavlinkError::Receive(error)),
                Some(Ok(never)) => match never {},
                None => Ok(()),
            }
        };
        let writing = async { writer::write(frames, journal, &metrics).await.map_err(MavlinkError::Journal) };
        tokio::try_join!(listening, writing).map(|_| ())
    }
}
