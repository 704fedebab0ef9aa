//! Accepts connections: a bounded number at once, and none that stays idle for long.
//!
//! In: a bound listener, and a certificate if there is one.   Out: streams that hold a permit while they live, and fail when nothing moves on them.
//!
//! A handshake of TLS is part of its stream's first read, so one that takes long keeps nobody else waiting.
//!
//! Why not the plain listener: it accepts without end, and a client that opens connections and says nothing would use up the
//! process's file descriptors, which the journal needs too.

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// The certificate of now, which may be renewed while the server runs.
pub type Certificate = Arc<dyn Fn() -> TlsAcceptor + Send + Sync>;

/// Connections at once; a browser opens six.
const CONNECTIONS_MAX: usize = 1_024;

/// A connection on which no byte moves for this long is dropped. Live sockets are pinged much more often.
const IDLE_MAX: Duration = Duration::from_secs(120);

/// Waits after a failed accept, for example when file descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// The other end's address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub SocketAddr);

impl Connected<IncomingStream<'_, Bounded>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// A listener that waits while too many connections are open.
pub(crate) struct Bounded {
    listener: TcpListener,
    certificate: Option<Certificate>,
    permits: Arc<Semaphore>,
}

impl Bounded {
    /// Takes over a bound listener.
    pub fn new(listener: TcpListener, certificate: Option<Certificate>) -> Self {
        Self { listener, certificate, permits: Arc::new(Semaphore::new(CONNECTIONS_MAX)) }
    }
}

impl Listener for Bounded {
    type Io = Held;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Held, SocketAddr) {
        let permit = match Arc::clone(&self.permits).acquire_owned().await {
            Ok(permit) => permit,
            // We never close the semaphore.
            Err(_) => std::future::pending().await,
        };
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "TCP_NODELAY cannot be set; small messages may wait a little");
                    }
                    let idle = Box::pin(tokio::time::sleep(IDLE_MAX));
                    let stream = match &self.certificate {
                        None => Stream::Plain(stream),
                        Some(certificate) => Stream::Shaking(Box::new(certificate().accept(stream))),
                    };
                    return (Held { stream, idle, _permit: permit }, address);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// What a connection speaks.
enum Stream {
    Plain(TcpStream),
    /// Still agreeing on keys.
    Shaking(Box<Accept<TcpStream>>),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// The stream once it can be read and written.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<&mut Self>> {
        if let Self::Shaking(accept) = self {
            let agreed = ready!(Pin::new(&mut **accept).poll(context))?;
            *self = Self::Tls(Box::new(agreed));
        }
        Poll::Ready(Ok(self))
    }
}

/// Does the same with either kind of stream, once it is ready.
macro_rules! with_stream {
    ($held:expr, $context:expr, $stream:ident => $does:expr) => {
        match ready!($held.stream.poll_ready($context))? {
            Stream::Plain($stream) => $does,
            Stream::Tls($stream) => $does,
            // Ready means that it is over.
            Stream::Shaking(_) => Poll::Pending,
        }
    };
}

/// A connection with its permit and its idle limit.
pub(crate) struct Held {
    stream: Stream,
    idle: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl Held {
    fn read(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        with_stream!(self, context, stream => Pin::new(stream).poll_read(context, buffer))
    }

    fn moved(&mut self) {
        self.idle.as_mut().reset(Instant::now() + IDLE_MAX);
    }
}

impl AsyncRead for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = self.read(context, buffer) {
            self.moved();
            return Poll::Ready(read);
        }
        ready!(self.idle.as_mut().poll(context));
        Poll::Ready(Err(io::Error::from(io::ErrorKind::TimedOut)))
    }
}

impl AsyncWrite for Held {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(with_stream!(self, context, stream => Pin::new(stream).poll_write(context, bytes)));
        self.moved();
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written =
            ready!(with_stream!(self, context, stream => Pin::new(stream).poll_write_vectored(context, slices)));
        self.moved();
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
            Stream::Shaking(_) => false,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_stream!(self, context, stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_stream!(self, context, stream => Pin::new(stream).poll_shutdown(context))
    }
}
