//! A small MQTT client of the tests' own, byte by byte, so that it shares no fault with the gate's codec.

use super::house::House;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One packet from the gate: first byte and body.
pub type Packet = (u8, Vec<u8>);

pub struct Raw {
    pub stream: TcpStream,
    pub level: u8,
}

/// A CONNECT in parts, for a test to change.
#[derive(Debug, Clone)]
pub struct Connect {
    pub level: u8,
    pub client: String,
    pub clean: bool,
    pub keep_alive_s: u16,
    pub username: String,
    pub password: String,
    pub will: Option<(String, Vec<u8>)>,
    /// MQTT 5 properties, encoded.
    pub properties: Vec<u8>,
    /// Those of the will.
    pub will_properties: Vec<u8>,
}

impl Connect {
    pub fn new(house: &House, level: u8, device: &str) -> Self {
        Self {
            level,
            client: format!("{device}-client"),
            clean: true,
            keep_alive_s: 60,
            username: device.to_owned(),
            password: house.secret(device).to_owned(),
            will: None,
            properties: Vec::new(),
            will_properties: Vec::new(),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut flags = 0xc0 | u8::from(self.clean) << 1;
        if self.will.is_some() {
            flags |= 0x04 | 1 << 3;
        }
        let mut body = b"\0\x04MQTT".to_vec();
        body.extend([self.level, flags]);
        body.extend(self.keep_alive_s.to_be_bytes());
        if self.level == 5 {
            body.push(u8::try_from(self.properties.len()).unwrap());
            body.extend(&self.properties);
        }
        string(&mut body, self.client.as_bytes());
        if let Some((topic, payload)) = &self.will {
            if self.level == 5 {
                body.push(u8::try_from(self.will_properties.len()).unwrap());
                body.extend(&self.will_properties);
            }
            string(&mut body, topic.as_bytes());
            string(&mut body, payload);
        }
        string(&mut body, self.username.as_bytes());
        string(&mut body, self.password.as_bytes());
        packet(0x10, &body)
    }

    pub async fn to(&self, address: SocketAddr) -> (Raw, Packet) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&self.encode()).await.unwrap();
        let mut raw = Raw { stream, level: self.level };
        let connack = raw.read().await.expect("a CONNACK");
        (raw, connack)
    }

    pub async fn accepted(&self, address: SocketAddr) -> Raw {
        let (raw, (first, body)) = self.to(address).await;
        assert_eq!((first, body[1]), (0x20, 0));
        raw
    }
}

impl Raw {
    pub async fn connect(house: &House, level: u8, device: &str) -> Self {
        Connect::new(house, level, device).accepted(house.address).await
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub async fn publish(&mut self, qos: u8, packet_id: u16, topic: &str, payload: &[u8]) {
        let bytes = publish(self.level, qos, packet_id, topic, payload);
        self.send(&bytes).await;
    }

    /// The next packet; `None` when the gate closed the connection.
    pub async fn read(&mut self) -> Option<Packet> {
        let first = self.stream.read_u8().await.ok()?;
        let (mut len, mut shift) = (0_usize, 0);
        loop {
            let byte = self.stream.read_u8().await.ok()?;
            len |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; len];
        self.stream.read_exact(&mut body).await.ok()?;
        Some((first, body))
    }

    #[track_caller]
    pub fn expect(&mut self, first: u8, body: &[u8]) -> impl Future<Output = ()> {
        let want = (first, body.to_vec());
        async move { assert_eq!(self.read().await, Some(want)) }
    }

    /// A round trip: all that the gate wanted to say before is read.
    pub async fn ping(&mut self) {
        self.send(&[0xc0, 0]).await;
        assert_eq!(self.read().await, Some((0xd0, vec![])));
    }

    pub async fn subscribe(&mut self, packet_id: u16, filter: &str, qos: u8) -> u8 {
        let mut body = packet_id.to_be_bytes().to_vec();
        if self.level == 5 {
            body.push(0);
        }
        string(&mut body, filter.as_bytes());
        body.push(qos);
        self.send(&packet(0x82, &body)).await;
        let (first, body) = self.read().await.expect("a SUBACK");
        assert_eq!((first, &body[..2]), (0x90, &packet_id.to_be_bytes()[..]));
        *body.last().unwrap()
    }

    /// The connection is closed; for MQTT 5 with this reason.
    pub async fn expect_closed(&mut self, reason: u8) {
        if self.level == 5 {
            assert_eq!(self.read().await, Some((0xe0, vec![reason, 0])));
        }
        assert_eq!(self.read().await, None);
    }

    /// PUBACK or PUBREC (`first`) for `packet_id` with success.
    pub async fn expect_ack(&mut self, first: u8, packet_id: u16) {
        assert_eq!(self.read().await, Some((first, packet_id.to_be_bytes().to_vec())));
    }
}

pub fn string(body: &mut Vec<u8>, text: &[u8]) {
    body.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    body.extend(text);
}

pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
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

pub fn publish(level: u8, qos: u8, packet_id: u16, topic: &str, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    string(&mut body, topic.as_bytes());
    if qos > 0 {
        body.extend(packet_id.to_be_bytes());
    }
    if level == 5 {
        body.push(0);
    }
    body.extend(payload);
    packet(0x30 | qos << 1, &body)
}
