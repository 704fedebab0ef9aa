//! What `fuzz/` calls: datagrams of strangers and of friends, as the listener takes them.
//!
//! In:  any bytes.   Out: nothing; a panic is a finding.

use super::listener::Listener;
use super::{MavlinkConfig, MavlinkMetrics, System};
use crate::decode::mavlink::packet::sealed;
use model::{Clock, Device, DeviceId, DeviceKind, External, Frame, Networks, Timestamp};
use registry::View;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// The frames that datagrams make. Even first byte: the rest is datagrams, each after two bytes with its length. Odd: the rest
/// is packets that get a right checksum, each after a byte that picks the message and one with the payload's length.
pub(crate) fn frames(input: &[u8]) -> Vec<Frame> {
    let Some((&how, rest)) = input.split_first() else { return Vec::new() };
    if how % 2 == 0 {
        return taken(rest);
    }
    let mut datagrams = Vec::new();
    let mut rest = rest;
    while let Some(([which, len], more)) = rest.split_first_chunk::<2>() {
        let (payload, more) = more.split_at(more.len().min(usize::from(*len)));
        let packet = sealed(*which, payload);
        datagrams.extend_from_slice(&u16::try_from(packet.len()).unwrap_or(u16::MAX).to_le_bytes());
        datagrams.extend_from_slice(&packet);
        rest = more;
    }
    taken(&datagrams)
}

fn taken(mut input: &[u8]) -> Vec<Frame> {
    let Some(mut listener) = listener() else { return Vec::new() };
    let (frames_tx, mut frames) = mpsc::channel(64);
    let mut now = Instant::now();
    let source = SocketAddr::from(([127, 0, 0, 1], 14_550));
    while let Some(([low, high], rest)) = input.split_first_chunk::<2>() {
        let (datagram, rest) = rest.split_at(rest.len().min(usize::from(u16::from_le_bytes([*low, *high]))));
        listener.datagram(datagram, source, now, &frames_tx);
        input = rest;
        now += Duration::from_millis(700);
    }
    std::iter::from_fn(|| frames.try_recv().ok()).collect()
}

fn listener() -> Option<Listener> {
    let id = DeviceId::parse("drone-7").ok()?;
    let device = Device {
        external: vec![External { system: "mavlink".into(), id: "7".into() }],
        ..Device::new(id.clone(), DeviceKind::Drone)
    };
    let view = View::new(1, BTreeMap::from([(id, device)]), Vec::new(), Vec::new(), Vec::new());
    let config = MavlinkConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        networks: Networks::parse(["127.0.0.0/8"]).ok()?,
        systems: BTreeMap::from([(7, System { tracks: Some(model::Species::Sheep), ..System::default() })]),
        track_interval: Duration::from_secs(1),
    };
    let metrics = MavlinkMetrics::register(&prometheus::Registry::new()).ok()?;
    let clock = Clock::manual(Timestamp::from_millis(1_795_313_700_000));
    Some(Listener::new(config, watch::channel(Arc::new(view)).1, clock, metrics))
}
