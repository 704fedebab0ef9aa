//! The listeners: connections come in here, are counted, and have a place or are turned away.
//!
//! In:  addresses.   Out: a task for each connection, in `serve`.
//!
//! Never: waits for one connection before it takes the next.

use super::refusal::Refusal;
use super::serve;
use super::tls::Tls;
use super::transport::Way;
use super::{GateAddresses, GateConfig, GateError, Shared};
use crate::metrics::Metrics;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

/// Pause after an accept that failed for want of file descriptors or memory: trying at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds every listener that is configured.
pub(super) async fn bind(
    config: &GateConfig,
    tls: Option<&Arc<Tls>>,
) -> Result<(Vec<(TcpListener, Way)>, GateAddresses), GateError> {
    let (plain, at) = bind_one("listen", config.listen).await?;
    let mut addresses = GateAddresses { plain: at, tls: None, websocket: None };
    let mut listeners = vec![(plain, Way::Plain)];
    if let (Some((address, _)), Some(tls)) = (&config.tls, tls) {
        let (listener, at) = bind_one("tls_listen", *address).await?;
        addresses.tls = Some(at);
        listeners.push((listener, Way::Tls(Arc::clone(tls))));
    }
    if let Some(address) = config.websocket {
        let (listener, at) = bind_one("ws_listen", address).await?;
        addresses.websocket = Some(at);
        listeners.push((listener, Way::WebSocket));
    }
    Ok((listeners, addresses))
}

async fn bind_one(key: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), GateError> {
    let failed = |source| GateError::Bind { key, address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let at = listener.local_addr().map_err(failed)?;
    Ok((listener, at))
}

/// Accepts for ever.
pub(super) async fn accept(
    listeners: &[(TcpListener, Way)],
    shared: &Arc<Shared>,
    connections: &Arc<Semaphore>,
    sessions: &mut JoinSet<()>,
) -> std::convert::Infallible {
    loop {
        tokio::select! {
            (accepted, way) = next_connection(listeners) => match accepted {
                Ok((socket, peer)) => match places(shared, connections) {
                    Some(places) => {
                        sessions.spawn(counted(Arc::clone(shared), socket, peer, way.clone(), places));
                    }
                    None => shared.refusals.note(Refusal::TooManyConnections, peer, "", ""),
                },
                Err(error) => {
                    tracing::warn!(%error, "accept failed; trying again");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = sessions.join_next() => if let Err(error) = ended {
                tracing::error!(%error, "a session's task failed");
            },
        }
    }
}

/// The next connection of whichever listener has one.
async fn next_connection(listeners: &[(TcpListener, Way)]) -> (io::Result<(TcpStream, SocketAddr)>, &Way) {
    std::future::poll_fn(|cx| {
        for (listener, way) in listeners {
            if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                return Poll::Ready((accepted, way));
            }
        }
        Poll::Pending
    })
    .await
}

/// A place among all connections, and one among the strangers.
fn places(shared: &Shared, connections: &Arc<Semaphore>) -> Option<[OwnedSemaphorePermit; 2]> {
    let place = Arc::clone(connections).try_acquire_owned().ok()?;
    Some([place, Arc::clone(&shared.strangers).try_acquire_owned().ok()?])
}

async fn counted(
    shared: Arc<Shared>,
    socket: TcpStream,
    peer: SocketAddr,
    way: Way,
    [_place, stranger]: [OwnedSemaphorePermit; 2],
) {
    shared.metrics.connections.inc();
    // Counted down whatever happens in between.
    let _down = CountDown(shared.metrics.clone());
    serve::connection(shared, socket, peer, way, stranger).await;
}

struct CountDown(Metrics);

impl Drop for CountDown {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}
