//! Listening for devices that dial us: accept, limits, idle time, the end.
//!
//! In:  a bound listener.   Out: a task for each connection, with its [`Line`].
//!
//! Never: waits for one connection before it takes the next; more memory for a connection than its protocol's longest message
//! (each protocol bounds what it lets stand in [`Line::bytes`]); a stranger that keeps a place without saying who it is.

use super::door::{Door, Why};
use crate::gate::Rate;
use crate::gate::addresses::{Addresses, Guest};
use bytes::{Bytes, BytesMut};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// Devices of one protocol at a time: a banner's, and the same again while they reconnect.
const CONNECTIONS_MAX: usize = 8_192;
/// Connections of one address that have not said who they are; a mobile operator's fleet comes back through one address.
const STRANGERS_OF_AN_ADDRESS: usize = 512;
/// How fast all devices behind one address may speak; far above any fleet of cameras.
const ADDRESS_RATE: Rate = Rate { messages_per_s: 50_000.0, bytes_per_s: 33_554_432.0 };
/// From accept until it is known who it is.
const STRANGER_PATIENCE: Duration = Duration::from_secs(30);
/// How long one write may hang before the device counts as gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// After an accept that failed for want of file descriptors: trying at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Read at a time.
const READ_BYTES: usize = 8 << 10;

/// Why a connection has nothing more to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Its end, or the network, closed it.
    Closed,
    /// It was silent for too long.
    Silent,
}

/// A device's connection.
pub(super) struct Line {
    pub peer: SocketAddr,
    /// Our end of it.
    pub local: SocketAddr,
    /// What has come and was not taken yet.
    pub bytes: BytesMut,
    reading: OwnedReadHalf,
    guest: Guest,
    idle: Duration,
    is_known: bool,
    accepted: Instant,
}

impl Line {
    /// It has said who it is.
    pub(super) fn is_known(&mut self) {
        self.is_known = true;
        self.guest.is_known();
    }

    /// Waits for more bytes behind [`Line::bytes`].
    pub(super) async fn more(&mut self) -> Result<(), Over> {
        let patience = if self.is_known {
            self.idle
        } else {
            STRANGER_PATIENCE.saturating_sub(self.accepted.elapsed()).min(self.idle)
        };
        self.bytes.reserve(READ_BYTES);
        match timeout(patience, self.reading.read_buf(&mut self.bytes)).await {
            Ok(Ok(read)) if read > 0 => {
                // Who is too fast is not listened to for a while.
                let wait = self.guest.pace.charge(1, read, Instant::now());
                if !wait.is_zero() {
                    sleep(wait).await;
                }
                Ok(())
            }
            Ok(_) => Err(Over::Closed),
            Err(_elapsed) => Err(Over::Silent),
        }
    }
}

/// Writes a whole message, or finds that the device is gone.
pub(super) async fn write(writing: &mut OwnedWriteHalf, bytes: &Bytes) -> Result<(), Over> {
    match timeout(WRITE_TIMEOUT, writing.write_all(bytes)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Over::Closed),
    }
}

/// Accepts for ever; `idle` is the longest that a device may be silent. Dropping it ends every connection: what was said and not
/// answered is said again.
pub(super) async fn accept<S, F>(
    listener: &TcpListener,
    door: &Door,
    idle: Duration,
    serve: S,
) -> std::convert::Infallible
where
    S: Fn(Line, OwnedWriteHalf) -> F,
    F: Future<Output = Result<(), Over>> + Send + 'static,
{
    let addresses = Arc::new(Addresses::new(CONNECTIONS_MAX, STRANGERS_OF_AN_ADDRESS, ADDRESS_RATE));
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => {
                    let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                        door.refuse(Why::TooManyConnections, peer, "");
                        continue;
                    };
                    let Some(guest) = addresses.enter(peer.ip()) else {
                        door.refuse(Why::TooManyFromAddress, peer, "");
                        continue;
                    };
                    let Some((line, writing)) = line(socket, peer, guest, idle) else { continue };
                    let (serving, door) = (serve(line, writing), door.clone());
                    connections.spawn(async move {
                        let _place = place;
                        if serving.await == Err(Over::Silent) {
                            door.refuse(Why::ConnectTimeout, peer, "");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "accept failed; trying again");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = connections.join_next() => if let Err(error) = ended {
                tracing::error!(%error, "a connection's task failed");
            },
        }
    }
}

/// `None` for a connection that was gone before we looked.
fn line(socket: TcpStream, peer: SocketAddr, guest: Guest, idle: Duration) -> Option<(Line, OwnedWriteHalf)> {
    let local = socket.local_addr().ok()?;
    // Answers are short; a socket that cannot do it still works.
    socket.set_nodelay(true).ok();
    let (reading, writing) = socket.into_split();
    let accepted = Instant::now();
    let bytes = BytesMut::new();
    Some((Line { peer, local, bytes, reading, guest, idle, is_known: false, accepted }, writing))
}
