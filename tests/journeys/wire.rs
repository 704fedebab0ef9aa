//! A device of the tests' own, byte by byte: it shares no fault with the gate's codec, and sees what client libraries hide.

use journeys::{PATIENCE, Platform};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// One connection to the gate.
pub(crate) struct Wire {
    stream: TcpStream,
}

impl Wire {
    /// Connects from 127.0.0.`host`: the gate writes one line for each address and reason, so a case that looks for its own
    /// line needs an address of its own.
    pub(crate) async fn from(host: u8, platform: &Platform) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0))).unwrap();
        Self { stream: socket.connect(platform.mqtt.parse().unwrap()).await.unwrap() }
    }

    /// Sends bytes. The gate may have closed already: what it answered then is for the reader to judge.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        tokio::time::timeout(PATIENCE, self.stream.write_all(bytes)).await.unwrap().ok();
    }

    /// The next packet, as it came; `None` when the gate has closed the connection.
    pub(crate) async fn read(&mut self) -> Option<Vec<u8>> {
        tokio::time::timeout(PATIENCE, self.packet()).await.unwrap()
    }

    async fn packet(&mut self) -> Option<Vec<u8>> {
        let mut packet = vec![self.stream.read_u8().await.ok()?];
        let (mut len, mut shift) = (0_usize, 0);
        loop {
            let byte = self.stream.read_u8().await.ok()?;
            packet.push(byte);
            len |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; len];
        self.stream.read_exact(&mut body).await.ok()?;
        packet.extend(body);
        Some(packet)
    }
}

/// A CONNECT of MQTT 3.1.1 (`level` 4) or 5 that starts anew and keeps nothing.
pub(crate) fn connect(level: u8, device: &str, secret: &str) -> Vec<u8> {
    let mut body = b"\0\x04MQTT".to_vec();
    body.extend([level, 0xc2, 0, 60]);
    if level == 5 {
        body.push(0);
    }
    for text in [&format!("{device}-raw"), device, secret] {
        string(&mut body, text);
    }
    packet(0x10, &body)
}

/// A PUBLISH with QoS 1 and packet id 1.
pub(crate) fn publish(level: u8, topic: &str, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    string(&mut body, topic);
    body.extend([0, 1]);
    if level == 5 {
        body.push(0);
    }
    body.extend(payload);
    packet(0x32, &body)
}

/// A SUBSCRIBE with packet id 1.
pub(crate) fn subscribe(level: u8, filter: &str) -> Vec<u8> {
    let mut body = vec![0, 1];
    if level == 5 {
        body.push(0);
    }
    string(&mut body, filter);
    body.push(1);
    packet(0x82, &body)
}

fn string(body: &mut Vec<u8>, text: &str) {
    body.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    body.extend(text.as_bytes());
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut len = body.len();
    loop {
        let more = if len >= 128 { 0x80 } else { 0 };
        bytes.push(u8::try_from(len % 128).unwrap() | more);
        len /= 128;
        if len == 0 {
            break;
        }
    }
    bytes.extend(body);
    bytes
}
