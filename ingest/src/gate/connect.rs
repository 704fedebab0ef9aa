//! CONNECT -> an authenticated client, or a refusal in the protocol's own words.
//!
//! In:  the first bytes of a connection.   Out: [`Hello`].   Next: `session`.
//!
//! Never: a session for a device or listener that the registry does not know, a will that the device could not publish itself, a
//! secret in a log line.

use super::acl::{Acl, Allowed, Denied, Roots};
use super::audience::Hearing;
use super::codec::{Codec, Header, Malformed, kind, protocol_level, topic_text};
use super::limits;
use super::refusal::Refusal;
use super::seats::Keep;
use crate::credentials::{Client, Credentials, Wrong, look_again};
use bytes::{Bytes, BytesMut};
use model::DeviceId;
use registry::Registry;
use rumqttd::protocol::{ConnAck, ConnAckProperties, ConnectProperties, ConnectReturnCode, LastWill, Login, Packet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest client id; 3.1.1 promises 23, clients use up to 65.
const CLIENT_ID_CHARS_MAX: usize = 128;

/// Numbers for clients that leave their id to us.
static ASSIGNED: AtomicU64 = AtomicU64::new(0);

/// An authenticated client, before its session begins.
pub struct Hello {
    /// Which MQTT it speaks.
    pub codec: Codec,
    /// What it may say; holds its device id.
    pub acl: Acl,
    /// Its client id, or the one that it was assigned.
    pub client_id: String,
    /// Whether the id was assigned.
    pub assigned: bool,
    /// How long it may be silent.
    pub silence_max: Duration,
    /// Whether it starts anew.
    pub clean: bool,
    /// How long its session outlives the connection.
    pub keep: Keep,
    /// What is to be said for it when it goes without a word.
    pub will: Option<Box<Will>>,
    /// How many unacknowledged messages it takes at a time.
    pub receive_max: usize,
    /// The largest packet it takes.
    pub packet_max: usize,
}

/// A will that passed the access rules.
#[derive(Debug, Clone)]
pub struct Will {
    /// Whom it is about and how it is to be read.
    pub allowed: Allowed,
    /// Its bytes.
    pub payload: Bytes,
    /// How long the client may be gone before it is said, if its session lives that long; zero for MQTT 3.1.1.
    pub delay: Duration,
}

/// Why there is no session.
#[derive(Debug)]
pub enum Turned {
    /// The connection broke or was closed first; nothing to answer.
    Gone,
    /// Refused. `codec` says in which words to answer, if in any.
    Away {
        /// Why.
        refusal: Refusal,
        /// How to say it.
        codec: Option<Codec>,
        /// The device id that was claimed; for the log only.
        claimed: String,
    },
}

impl Turned {
    fn away(refusal: Refusal, codec: Option<Codec>) -> Self {
        Self::Away { refusal, codec, claimed: String::new() }
    }
}

impl From<Malformed> for Turned {
    fn from(_: Malformed) -> Self {
        Self::away(Refusal::Malformed, None)
    }
}

/// What is known of a client before it says a word.
#[derive(Debug, Clone, Copy)]
pub struct Proof<'a> {
    /// Where it comes from.
    pub address: IpAddr,
    /// The name in its certificate, if it showed one that we trust.
    pub certified: Option<&'a str>,
}

/// Reads a whole CONNECT into `buffer` and judges it. What came after it stays in `buffer`.
pub async fn hello(
    socket: &mut (impl AsyncRead + Unpin + ?Sized),
    buffer: &mut BytesMut,
    roots: &Roots,
    credentials: &Credentials,
    proof: Proof<'_>,
) -> Result<Hello, Turned> {
    let header = loop {
        if let Some(header) = Header::peek(buffer)? {
            if header.kind != kind::CONNECT {
                return Err(Turned::away(Refusal::Protocol, None));
            }
            // A will can have 64 KiB of payload besides the rest.
            if header.remaining_len > 2 * limits::CONTROL_BYTES_MAX {
                return Err(Turned::away(Refusal::TooLarge, None));
            }
            if buffer.len() >= header.packet_len() {
                break header;
            }
        }
        match socket.read_buf(buffer).await {
            Ok(0) | Err(_) => return Err(Turned::Gone),
            Ok(_) => {}
        }
    };
    let packet = buffer.split_to(header.packet_len());
    let codec = match protocol_level(&header, &packet)? {
        4 => Codec::V311,
        5 => Codec::V5,
        // The oldest answer is the one that every client understands.
        _ => return Err(Turned::away(Refusal::BadVersion, Some(Codec::V311))),
    };
    check_flags(codec, &header, &packet)?;
    let decoded = codec.decode(&header, packet);
    let Ok(Packet::Connect(connect, properties, will, will_properties, login)) = decoded else {
        // 3.1.1 has no word for it.
        return Err(Turned::away(Refusal::Malformed, (codec == Codec::V5).then_some(codec)));
    };
    let claimed: String = login.iter().flat_map(|login| login.username.chars()).take(64).collect();
    let claimed =
        if claimed.is_empty() { proof.certified.unwrap_or_default().chars().take(64).collect() } else { claimed };
    let registry = credentials.registry();
    let acl = match proof.certified {
        Some(name) => recognise(name, login, registry).map(|device| Acl::new(roots.clone(), device)),
        None => authenticate(login, credentials, proof.address, roots),
    };
    let delay_s = will_properties.and_then(|properties| properties.delay_interval).unwrap_or_default();
    let will = will.map(|will| (will, Duration::from_secs(u64::from(delay_s))));
    acl.and_then(|acl| judge(codec, connect, properties, will, acl, registry)).map_err(|refusal| Turned::Away {
        refusal,
        codec: Some(codec),
        claimed,
    })
}

/// Rules about the CONNECT flags that the decoders leave out.
fn check_flags(codec: Codec, header: &Header, packet: &[u8]) -> Result<(), Malformed> {
    // After length, name and level.
    let flags = packet.get(header.header_len + 7).copied().ok_or(Malformed("CONNECT without flags"))?;
    if flags & 0x01 != 0 {
        return Err(Malformed("reserved flag of CONNECT is set"));
    }
    if codec == Codec::V311 && flags & 0xc0 == 0x40 {
        return Err(Malformed("password without username"));
    }
    Ok(())
}

fn judge(
    codec: Codec,
    connect: rumqttd::protocol::Connect,
    properties: Option<ConnectProperties>,
    will: Option<(LastWill, Duration)>,
    acl: Acl,
    registry: &Registry,
) -> Result<Hello, Refusal> {
    if properties.as_ref().is_some_and(|properties| properties.authentication_method.is_some()) {
        return Err(Refusal::BadAuthenticationMethod);
    }
    let (client_id, assigned) = client_id(codec, connect.client_id, connect.clean_session)?;
    let will = will.map(|(will, delay)| judge_will(&acl, &will, delay, registry).map(Box::new)).transpose()?;
    let keep = match codec {
        Codec::V311 if connect.clean_session => Keep::No,
        Codec::V311 => Keep::Always,
        Codec::V5 => match properties.as_ref().and_then(|properties| properties.session_expiry_interval) {
            None | Some(0) => Keep::No,
            Some(u32::MAX) => Keep::Always,
            Some(seconds) => Keep::For(Duration::from_secs(u64::from(seconds))),
        },
    };
    let receive_max = properties.as_ref().and_then(|properties| properties.receive_maximum);
    let packet_max = properties.as_ref().and_then(|properties| properties.max_packet_size);
    if receive_max == Some(0) || packet_max == Some(0) {
        return Err(Refusal::Protocol);
    }
    Ok(Hello {
        codec,
        acl,
        client_id,
        assigned,
        silence_max: match connect.keep_alive {
            0 => limits::SILENCE_WITHOUT_KEEP_ALIVE,
            seconds => Duration::from_secs(u64::from(seconds)) * 3 / 2,
        },
        clean: connect.clean_session,
        keep,
        will,
        receive_max: usize::from(receive_max.unwrap_or(u16::MAX)),
        packet_max: packet_max.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX),
    })
}

/// A device by its secret, or by its password who listens to alerts; no two have one name.
fn authenticate(
    login: Option<Login>,
    credentials: &Credentials,
    address: IpAddr,
    roots: &Roots,
) -> Result<Acl, Refusal> {
    let login = login.ok_or(Refusal::BadCredentials)?;
    let name = DeviceId::parse(&login.username).map_err(|_| Refusal::BadCredentials)?;
    match credentials.client(&name, &login.password, address) {
        Ok(Client::Device) => Ok(Acl::new(roots.clone(), name)),
        Ok(Client::Listener) => {
            let view = credentials.registry().view().borrow().clone();
            // Removed between the two looks.
            let hearing = Hearing::of(&view.subscribers, name.as_str()).ok_or(Refusal::BadCredentials)?;
            Ok(Acl::of_listener(roots.clone(), name, hearing))
        }
        Err(Wrong::Disabled) => Err(Refusal::Disabled),
        Err(Wrong::Quarantined) => Err(Refusal::Quarantined),
        Err(Wrong::TooOften(_)) => Err(Refusal::Throttled),
        Err(Wrong::Secret) => Err(Refusal::BadCredentials),
    }
}

/// A device by its certificate, which is for nobody else. A username need not be given; one that names another device is a mistake or a trick.
fn recognise(name: &str, login: Option<Login>, registry: &Registry) -> Result<DeviceId, Refusal> {
    let device = DeviceId::parse(name).map_err(|_| Refusal::BadCredentials)?;
    if login.is_some_and(|login| !login.username.is_empty() && login.username != name) {
        return Err(Refusal::BadCredentials);
    }
    let state = |registry: &Registry| {
        registry.view().borrow().device(&device).map(|device| (device.disabled, device.quarantined))
    };
    let mut known = state(registry);
    if known.is_none() && look_again(registry) {
        known = state(registry);
    }
    match known {
        Some((_, true)) => Err(Refusal::Quarantined),
        Some((true, false)) => Err(Refusal::Disabled),
        Some((false, false)) => Ok(device),
        None => Err(Refusal::BadCredentials),
    }
}

fn client_id(codec: Codec, wanted: String, clean: bool) -> Result<(String, bool), Refusal> {
    if wanted.is_empty() {
        return match codec {
            Codec::V311 if !clean => Err(Refusal::BadClientId),
            _ => Ok((format!("auto-{}", ASSIGNED.fetch_add(1, Ordering::Relaxed)), true)),
        };
    }
    let bad = |c: char| matches!(c, '+' | '$' | '#' | '/') || c.is_control();
    if wanted.chars().count() > CLIENT_ID_CHARS_MAX || wanted.contains(bad) {
        return Err(Refusal::BadClientId);
    }
    Ok((wanted, false))
}

fn judge_will(acl: &Acl, will: &LastWill, delay: Duration, registry: &Registry) -> Result<Will, Refusal> {
    let topic = topic_text(&will.topic).map_err(|_| Refusal::BadTopic)?;
    let view = registry.view().borrow().clone();
    match acl.publish(&*view, topic) {
        Ok(allowed) => Ok(Will { allowed, payload: Bytes::copy_from_slice(&will.message), delay }),
        Err(Denied::BadName) => Err(Refusal::BadTopic),
        Err(Denied::Foreign | Denied::Shared | Denied::Listener) => Err(Refusal::BadWill),
    }
}

/// The CONNACK of a refusal.
pub fn refused(refusal: Refusal) -> Packet {
    Packet::ConnAck(ConnAck { session_present: false, code: refusal.connect_code() }, None)
}

/// The CONNACK of a session, with what the gate wants an MQTT 5 client to know.
pub fn accepted(hello: &Hello, session_present: bool) -> Packet {
    let properties = ConnAckProperties {
        receive_max: Some(limits::OUTSTANDING_MAX),
        max_packet_size: u32::try_from(limits::PACKET_BYTES_MAX).ok(),
        topic_alias_max: Some(limits::TOPIC_ALIASES_MAX),
        assigned_client_identifier: hello.assigned.then(|| hello.client_id.clone()),
        shared_subscription_available: Some(0),
        subscription_identifiers_available: Some(0),
        ..ConnAckProperties::default()
    };
    Packet::ConnAck(ConnAck { session_present, code: ConnectReturnCode::Success }, Some(properties))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_client_id_is_assigned_except_where_311_forbids_it() {
        assert!(client_id(Codec::V311, String::new(), true).unwrap().0.starts_with("auto-"));
        assert!(client_id(Codec::V5, String::new(), false).unwrap().1);
        assert_eq!(client_id(Codec::V311, String::new(), false), Err(Refusal::BadClientId));
    }

    #[test]
    fn client_ids_that_would_stop_the_router_are_refused() {
        for bad in ["a+b", "$share", "a#", "a/b", "a\0b", "a\nb", &"x".repeat(129)] {
            assert_eq!(client_id(Codec::V5, bad.to_owned(), true), Err(Refusal::BadClientId), "{bad:?}");
        }
        assert_eq!(client_id(Codec::V5, "相机 1".to_owned(), true), Ok(("相机 1".to_owned(), false)));
    }
}
