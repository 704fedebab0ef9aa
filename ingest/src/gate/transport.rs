//! What a connection travels on, hidden behind one type.
//!
//! In:  an accepted TCP connection.   Out: a [`Socket`] that carries MQTT bytes.   Next: `connect`.

use tokio::io::{AsyncRead, AsyncWrite};

/// Something that carries bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection, whatever it travels on.
pub type Socket = Box<dyn Stream>;
