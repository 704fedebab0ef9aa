//! How a receiver misbehaves on purpose, and the socket that lets it.
//!
//! In:  a script, or moods.   Out: one behaviour per request: by the script in order, then by the moods; `Ok` without either.

use super::moods::Moods;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
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
    /// Takes it, and breaks the connection in the middle of the answer.
    CutOff,
    /// Sends the sender elsewhere, with this status.
    Redirect(u16),
    /// Takes it with a 200 whose body speaks of an error, as makers of group robots do.
    OkBut(i64),
}

impl Behaviour {
    /// Whether the receiver has the message afterwards, whatever the sender heard.
    pub fn takes(self) -> bool {
        !matches!(self, Self::Status(_) | Self::Redirect(_) | Self::Hang)
    }

    /// Whether a sender that waits for `patience` hears a whole answer.
    pub fn is_heard(self, patience: Duration) -> bool {
        match self {
            Self::Slow(delay) => delay < patience,
            Self::Hang | Self::Reset | Self::CutOff => false,
            Self::Ok | Self::Status(_) | Self::Redirect(_) | Self::OkBut(_) => true,
        }
    }
}

/// The behaviours still to come.
#[derive(Debug, Default)]
pub(super) struct Script {
    written: VecDeque<Behaviour>,
    moods: Option<Moods>,
}

impl Script {
    pub(super) fn new(behaviours: impl IntoIterator<Item = Behaviour>) -> Self {
        Self { written: behaviours.into_iter().collect(), moods: None }
    }

    pub(super) fn of_moods(moods: Moods) -> Self {
        Self { written: VecDeque::new(), moods: Some(moods) }
    }

    /// What is done with this request; `id` is what the sender calls its message.
    pub(super) fn next(&mut self, id: &str) -> Behaviour {
        let by_mood = || self.moods.as_mut().map_or(Behaviour::Ok, |moods| moods.next(id));
        self.written.pop_front().unwrap_or_else(by_mood)
    }
}

/// Breaks one connection from inside a handler; 0 while it is intact.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaker(Arc<AtomicU8>);

/// The next write stops half-way and is the last.
const CUTS: u8 = 1;
const BROKEN: u8 = 2;

impl Breaker {
    pub(super) fn trip(&self) {
        self.0.store(BROKEN, Ordering::SeqCst);
    }

    pub(super) fn cut_next(&self) {
        self.0.store(CUTS, Ordering::SeqCst);
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
        if self.breaker.0.load(Ordering::SeqCst) != BROKEN {
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
        if self.breaker.0.load(Ordering::SeqCst) != CUTS {
            return Pin::new(&mut self.stream).poll_write(cx, bytes);
        }
        let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, half))?;
        self.breaker.trip();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.intact()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
