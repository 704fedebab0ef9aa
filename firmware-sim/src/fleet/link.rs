//! One MQTT connection, version 3.1.1 or 5, through one door.
//!
//! In:  where to connect, as whom.   Out: a client to publish with, and what is heard back.

use bytes::Bytes;
use rumqttc::{Outgoing, QoS, v5};
use std::time::Duration;

/// Messages on their way and not yet acknowledged, per connection.
pub const WINDOW: u16 = 32;
/// Often enough that a cut line is noticed within a minute, rare enough to cost nothing.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// The platform takes snapshots of up to 4 MiB; ours are a few kilobytes.
const MAX_PACKET_BYTES: usize = 1 << 20;

/// Which MQTT a device speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// 3.1.1, as most firmware does.
    V311,
    /// 5.
    V5,
}

/// Who connects, and where.
#[derive(Debug, Clone)]
pub struct Login {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The device's id: username and client id.
    pub device: String,
    /// Its secret: the password.
    pub secret: String,
    /// Which MQTT it speaks.
    pub protocol: Protocol,
}

/// What comes back on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Connected and let in.
    Connected,
    /// The oldest message without a number was written, under this number.
    Sent(u16),
    /// The message of this number was acknowledged.
    Acked(u16),
    /// The message of this number was refused for good (version 5 only).
    Rejected(u16),
    /// We said goodbye.
    Left,
    /// Anything else.
    Other,
}

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkError {
    /// Not let in.
    Refused(String),
    /// Anything else.
    Lost(String),
}

/// The speaking half.
pub enum Client {
    /// 3.1.1
    V311(rumqttc::AsyncClient),
    /// 5
    V5(v5::AsyncClient),
}

/// The listening half; nothing moves unless it is asked for what is next.
pub enum Events {
    /// 3.1.1
    V311(Box<rumqttc::EventLoop>),
    /// 5
    V5(Box<v5::EventLoop>),
}

/// Both halves of a connection that is made when the listening half is first asked.
pub fn open(login: &Login) -> (Client, Events) {
    let capacity = usize::from(WINDOW);
    match login.protocol {
        Protocol::V311 => {
            let mut options = rumqttc::MqttOptions::new(&login.device, &login.host, login.port);
            options.set_credentials(&login.device, &login.secret);
            options.set_keep_alive(KEEP_ALIVE);
            options.set_inflight(WINDOW);
            options.set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES);
            let (client, events) = rumqttc::AsyncClient::new(options, capacity);
            (Client::V311(client), Events::V311(Box::new(events)))
        }
        Protocol::V5 => {
            let mut options = v5::MqttOptions::new(&login.device, &login.host, login.port);
            options.set_credentials(&login.device, &login.secret);
            options.set_keep_alive(KEEP_ALIVE);
            options.set_outgoing_inflight_upper_limit(WINDOW);
            let (client, events) = v5::AsyncClient::new(options, capacity);
            (Client::V5(client), Events::V5(Box::new(events)))
        }
    }
}

impl Client {
    /// Publishes with QoS 1; waits while the window is full. `false` when the connection is over.
    pub async fn publish(&self, topic: String, payload: Bytes) -> bool {
        match self {
            Self::V311(client) => client.publish_bytes(topic, QoS::AtLeastOnce, false, payload).await.is_ok(),
            Self::V5(client) => client.publish(topic, v5::mqttbytes::QoS::AtLeastOnce, false, payload).await.is_ok(),
        }
    }

    /// Says goodbye, behind everything already published.
    pub async fn disconnect(&self) -> bool {
        match self {
            Self::V311(client) => client.disconnect().await.is_ok(),
            Self::V5(client) => client.disconnect().await.is_ok(),
        }
    }
}

impl Events {
    /// What happens next. After an error the pair is spent; open another.
    pub async fn next(&mut self) -> Result<Heard, LinkError> {
        match self {
            Self::V311(events) => match events.poll().await {
                Ok(rumqttc::Event::Outgoing(outgoing)) => Ok(outgoing_heard(&outgoing)),
                Ok(rumqttc::Event::Incoming(packet)) => Ok(match packet {
                    rumqttc::Packet::ConnAck(_) => Heard::Connected,
                    rumqttc::Packet::PubAck(ack) => Heard::Acked(ack.pkid),
                    _ => Heard::Other,
                }),
                Err(rumqttc::ConnectionError::ConnectionRefused(code)) => Err(LinkError::Refused(format!("{code:?}"))),
                Err(error) => Err(LinkError::Lost(error.to_string())),
            },
            Self::V5(events) => match events.poll().await {
                Ok(v5::Event::Outgoing(outgoing)) => Ok(outgoing_heard(&outgoing)),
                Ok(v5::Event::Incoming(packet)) => Ok(v5_heard(&packet)),
                Err(v5::ConnectionError::ConnectionRefused(code)) => Err(LinkError::Refused(format!("{code:?}"))),
                Err(error) => Err(LinkError::Lost(error.to_string())),
            },
        }
    }
}

fn outgoing_heard(outgoing: &Outgoing) -> Heard {
    match outgoing {
        Outgoing::Publish(number) => Heard::Sent(*number),
        Outgoing::Disconnect => Heard::Left,
        _ => Heard::Other,
    }
}

fn v5_heard(packet: &v5::Incoming) -> Heard {
    use v5::mqttbytes::v5::{Packet, PubAckReason};
    match packet {
        Packet::ConnAck(_) => Heard::Connected,
        Packet::PubAck(ack) => match ack.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Heard::Acked(ack.pkid),
            _ => Heard::Rejected(ack.pkid),
        },
        _ => Heard::Other,
    }
}
