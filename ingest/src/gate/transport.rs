//! What a connection travels on, hidden behind one type.
//!
//! In:  an accepted TCP connection and the way it came.   Out: an [`Opened`] that carries MQTT bytes.   Next: `connect`.

use super::proxy;
use super::tls::{self, Tls};
use super::websocket;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Something that carries bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection, whatever it travels on.
pub type Socket = Box<dyn Stream>;

/// Which listener a connection came in by.
#[derive(Clone)]
pub enum Way {
    /// As it is.
    Plain,
    /// Encrypted.
    Tls(Arc<Tls>),
    /// In websocket messages.
    WebSocket,
}

/// A connection that is ready for MQTT.
pub struct Opened {
    /// Carries the bytes.
    pub socket: Socket,
    /// The common name of the certificate that the client proved to hold.
    pub certified: Option<String>,
}

/// There will be no MQTT on this connection; why, for the log.
pub struct NotOpened(pub String);

/// Who is at the other end, as far as a load balancer says so. The caller bounds the time.
pub async fn client(tcp: &mut TcpStream, peer: SocketAddr, behind_proxy: bool) -> Result<SocketAddr, NotOpened> {
    // A device's small packets should not wait for each other; if the socket cannot say so, they wait.
    tcp.set_nodelay(true).ok();
    if behind_proxy { proxy::client(tcp, peer).await.map_err(not_opened) } else { Ok(peer) }
}

/// Does what comes before MQTT. The caller bounds the time.
pub async fn open(way: &Way, tcp: TcpStream) -> Result<Opened, NotOpened> {
    let (socket, certified): (Socket, _) = match way {
        Way::Plain => (Box::new(tcp), None),
        Way::Tls(tls) => {
            let stream = tls.acceptor().accept(tcp).await.map_err(not_opened)?;
            let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let certified = match certificate {
                Some(certificate) => {
                    let name = tls::common_name(certificate);
                    Some(name.ok_or_else(|| NotOpened("client certificate has no common name".into()))?)
                }
                None => None,
            };
            (Box::new(stream), certified)
        }
        Way::WebSocket => (Box::new(websocket::accept(tcp).await.map_err(not_opened)?), None),
    };
    Ok(Opened { socket, certified })
}

fn not_opened(error: impl std::fmt::Display) -> NotOpened {
    NotOpened(error.to_string())
}
