//! How a receiver misbehaves on purpose, and the socket that lets it.
//!
//! In:  a script.   Out: one behaviour per request, in order; `Ok` when the script has ended.

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// What a receiver does with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Takes it: 204, or 401 when the signature is wrong.
    Ok,
    /// Answers with this status.
    Status(u16),
    /// Takes it, but only after a while.
    Slow(Duration),
    /// Never answers; the sender has to give up.
    Hang,
    /// Breaks the connection before an answer.
    Reset,
}

/// The behaviours still to come.
#[derive(Debug, Default)]
pub(super) struct Script(VecDeque<Behaviour>);

impl Script {
    pub(super) fn new(behaviours: impl IntoIterator<Item = Behaviour>) -> Self {
        Self(behaviours.into_iter().collect())
    }

    pub(super) fn next(&mut self) -> Behaviour {
        self.0.pop_front().unwrap_or(Behaviour::Ok)
    }
}

/// Breaks one connection from inside a handler.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaker(Arc<AtomicBool>);

impl Breaker {
    pub(super) fn trip(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Connected<IncomingStream<'_, BreakableListener>> for Breaker {
    fn connect_info(stream: IncomingStream<'_, BreakableListener>) -> Self {
        stream.io().breaker.clone()
    }
}

/// A listener whose connections can be broken.
pub(super) struct BreakableListener(pub(super) TcpListener);

impl Listener for BreakableListener {
    type Io = Breakable;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, addr) = Listener::accept(&mut self.0).await;
        (Breakable { stream, breaker: Breaker::default() }, addr)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A connection that refuses to write once its breaker has tripped; the server then drops it.
pub(super) struct Breakable {
    stream: TcpStream,
    breaker: Breaker,
}

impl Breakable {
    fn intact(&self) -> io::Result<()> {
        if !self.breaker.0.load(Ordering::SeqCst) {
            return Ok(());
        }
        // Without lingering the peer sees a reset instead of an end. If it cannot be set, an end will do.
        self.stream.set_zero_linger().ok();
        Err(io::Error::new(io::ErrorKind::ConnectionReset, "broken on purpose"))
    }
}

impl AsyncRead for Breakable {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Breakable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.intact()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.intact()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
