//! MQTT over websocket: binary messages as a stream of bytes.
//!
//! In:  a connection that asks for `/mqtt` with the subprotocol `mqtt` (MQTT 5, section 6).   Out: a byte stream.
//!
//! A message may hold part of a packet or many packets; nothing here looks at them.

use super::limits;
use bytes::Bytes;
use futures_util::{Sink, Stream};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

const PATH: &str = "/mqtt";
const SUBPROTOCOL: &str = "mqtt";
const PROTOCOL_HEADER: &str = "sec-websocket-protocol";

/// Answers the handshake.
pub async fn accept(tcp: TcpStream) -> Result<ByteStream, Error> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(limits::PACKET_BYTES_MAX))
        .max_frame_size(Some(limits::PACKET_BYTES_MAX))
        .max_write_buffer_size(2 * limits::PACKET_BYTES_MAX)
        .read_buffer_size(4 << 10);
    let socket = tokio_tungstenite::accept_hdr_async_with_config(tcp, answer, Some(config)).await?;
    Ok(ByteStream { socket, unread: Bytes::new() })
}

#[expect(clippy::result_large_err, reason = "the library's callback has this type")]
fn answer(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let refuse = |status, why: &str| {
        let mut refusal = ErrorResponse::new(Some(why.to_owned()));
        *refusal.status_mut() = status;
        Err(refusal)
    };
    if request.uri().path() != PATH {
        return refuse(StatusCode::NOT_FOUND, "MQTT is at /mqtt");
    }
    let offered = request.headers().get_all(PROTOCOL_HEADER);
    let speaks_mqtt = offered
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|name| name.trim() == SUBPROTOCOL));
    if !speaks_mqtt {
        return refuse(StatusCode::BAD_REQUEST, "offer the websocket subprotocol mqtt");
    }
    response.headers_mut().insert(PROTOCOL_HEADER, HeaderValue::from_static(SUBPROTOCOL));
    Ok(response)
}

/// See the module.
pub struct ByteStream {
    socket: WebSocketStream<TcpStream>,
    unread: Bytes,
}

impl AsyncRead for ByteStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                Some(Ok(Message::Binary(bytes))) => self.unread = bytes,
                Some(Ok(Message::Text(_))) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "MQTT is binary")));
                }
                // The library answers pings.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(io_error(error))),
            }
        }
        let here = self.unread.len().min(buffer.remaining());
        buffer.put_slice(&self.unread.split_to(here));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ByteStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut self.socket).poll_ready(cx)).map_err(io_error)?;
        let message = Message::Binary(Bytes::copy_from_slice(bytes));
        Pin::new(&mut self.socket).start_send(message).map_err(io_error)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx).map_err(io_error)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx).map_err(io_error)
    }
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed | Error::AlreadyClosed => io::ErrorKind::ConnectionAborted.into(),
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    }
}
