//! Bytes in and out of one connection, and when it is time to give up on it.
//!
//! In:  a [`Socket`].   Out: [`Event`]s; what is put into [`Flow::outgoing`] goes to the client.
//!
//! Written as one poll function, so that a session is one task with one waker: at tens of thousands of messages a second a
//! hop between tasks costs more than the message. An idle connection holds no buffer at all.

use super::end::End;
use super::limits;
use super::owed::{Owing, Settled};
use super::transport::Socket;
use bytes::{Buf, BytesMut};
use journal::AppendError;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::Instant;

/// Read at a time: a window of small messages, and a quarter of a second of a mobile link.
const READ_BYTES: usize = 16 << 10;

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// Frames are on disk: this is owed for them.
    Settled(Settled),
    /// There are new bytes in [`Flow::incoming`].
    Heard,
    /// The client has taken what it was told, so more can be gathered for it.
    CaughtUp,
    /// The session cannot go on.
    Over(End),
    /// The journal cannot be written.
    JournalFailed(AppendError),
}

/// See the module.
pub struct Flow {
    socket: Socket,
    /// What the client said and nobody has looked at.
    pub incoming: BytesMut,
    /// What the client is to be told.
    pub outgoing: BytesMut,
    /// What is owed for frames on their way to the disk.
    pub owing: Owing,
    /// Whether the session wants to hear more now; not reading is how a client is slowed.
    pub listening: bool,
    /// Until when nothing is read, since the client speaks too fast.
    paused_until: Option<Instant>,
    silence_max: Duration,
    heard_at: Instant,
    /// Since when bytes wait that the client does not take.
    stuck_since: Option<Instant>,
    unflushed: bool,
}

impl Flow {
    /// Around a socket whose client may be silent for `silence_max`; `incoming` was read already.
    pub fn new(socket: Socket, incoming: BytesMut, silence_max: Duration) -> Self {
        Self {
            socket,
            incoming,
            outgoing: BytesMut::new(),
            owing: Owing::default(),
            listening: true,
            paused_until: None,
            silence_max,
            heard_at: Instant::now(),
            stuck_since: None,
            unflushed: false,
        }
    }

    /// Whether the client takes what it is told, so that more may be gathered for it.
    pub fn keeps_up(&self) -> bool {
        self.outgoing.len() < limits::WRITE_BATCH_BYTES
    }

    /// Reads nothing for a while.
    pub fn pause(&mut self, wait: Duration) {
        self.paused_until = Some(Instant::now() + wait);
    }

    /// The next event. Acknowledgements first, and all that are due in one write; then what the client says.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        match self.owing.poll_settled(cx) {
            Poll::Ready(Ok(settled)) => return Poll::Ready(Event::Settled(settled)),
            Poll::Ready(Err(error)) => return Poll::Ready(Event::JournalFailed(error)),
            Poll::Pending => {}
        }
        let was_behind = !self.keeps_up();
        if self.poll_write(cx).is_err() {
            return Poll::Ready(Event::Over(End::Lost));
        }
        if !self.keeps_up() {
            return Poll::Pending;
        }
        if was_behind {
            return Poll::Ready(Event::CaughtUp);
        }
        if !self.listening || self.paused_until.is_some() {
            return Poll::Pending;
        }
        match self.poll_read(cx) {
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(Event::Over(End::Lost)),
            Poll::Ready(Ok(_)) => Poll::Ready(Event::Heard),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Through a buffer on the stack: what waits for a silent client must not cost memory.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<usize>> {
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut space);
        std::task::ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer))?;
        let heard = buffer.filled();
        self.incoming.extend_from_slice(heard);
        self.heard_at = Instant::now();
        Poll::Ready(Ok(heard.len()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> std::io::Result<()> {
        while !self.outgoing.is_empty() {
            match Pin::new(&mut self.socket).poll_write(cx, &self.outgoing) {
                Poll::Ready(Ok(0)) => return Err(std::io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => {
                    self.outgoing.advance(written);
                    self.unflushed = true;
                    self.stuck_since = None;
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {
                    self.stuck_since.get_or_insert_with(Instant::now);
                    return Ok(());
                }
            }
        }
        if self.outgoing.capacity() > 0 {
            // Nothing waits: an idle connection holds no buffer.
            self.outgoing = BytesMut::new();
        }
        if self.unflushed {
            match Pin::new(&mut self.socket).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {}
            }
        }
        Ok(())
    }

    /// When to look at the clock next.
    pub fn deadline(&self) -> Instant {
        let silent = self.heard_at + self.silence_max;
        let stuck = self.stuck_since.map(|since| since + limits::WRITE_TIMEOUT);
        [stuck, self.paused_until].into_iter().flatten().fold(silent, Instant::min)
    }

    /// What the clock says: a client that took nothing, or said nothing although we listened, is gone.
    pub fn expired(&mut self, now: Instant) -> Option<End> {
        if self.paused_until.is_some_and(|until| now >= until) {
            self.paused_until = None;
            // It may have spoken; nobody listened.
            self.heard_at = now;
        }
        if self.stuck_since.is_some_and(|since| now >= since + limits::WRITE_TIMEOUT) {
            return Some(End::Lost);
        }
        if now < self.heard_at + self.silence_max {
            return None;
        }
        if self.listening && self.keeps_up() && self.paused_until.is_none() {
            return Some(End::KeepAlive);
        }
        // Likewise.
        self.heard_at = now;
        None
    }

    /// Writes what is left and ends the connection; gives up when the client takes it too slowly.
    pub async fn finish(mut self, patience: Duration) {
        let last_words = async {
            self.socket.write_all(&self.outgoing).await?;
            self.socket.shutdown().await
        };
        if !matches!(tokio::time::timeout(patience, last_words).await, Ok(Ok(()))) {
            tracing::debug!("client was gone before the last words");
        }
    }
}
