//! What we ask of devices: requests of our own, repeated until they are answered, and what follows from what a device said.
//!
//! In:  a registered device, and what it said.   Out: MESSAGE and SUBSCRIBE requests; what their answers were is counted.
//!
//! Never: waits on a device where it would hold up another; more than [`ASKING_MAX`] requests underway.

use super::Server;
use super::message::Message;
use super::metrics::Asked;
use super::registrations::{Catalogue, News, Way};
use super::words;
use crate::decode::manscdp::Manscdp;
use model::DeviceKind;
use registry::View;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

/// Requests of ours that are underway: a fleet that comes back is introduced in turn.
pub(super) const ASKING_MAX: usize = 256;
/// Channels of one device that are remembered as out of order.
const OUT_OF_ORDER_MAX: usize = 1_024;
/// First pause before a request is repeated over UDP (the RFC's T1); doubles up to [`REPEAT_MAX`].
const REPEAT_FIRST: Duration = Duration::from_millis(500);
const REPEAT_MAX: Duration = Duration::from_secs(4);
/// 64 times T1: then nobody is there.
const PATIENCE: Duration = Duration::from_secs(32);

impl Server {
    /// What a message that is on disk calls for.
    pub(super) fn follow(self: &Arc<Self>, id: &str, said: &Manscdp, view: &View) {
        match (said.root.as_str(), said.command().unwrap_or_default().to_ascii_lowercase().as_str()) {
            ("Notify", "alarm") => self.follow_alarm(id, said),
            (_, "catalog") => self.follow_catalogue(id, said, view),
            _ => {}
        }
    }

    fn follow_alarm(self: &Arc<Self>, id: &str, said: &Manscdp) {
        let about = said.device_id().filter(|about| is_digits(about)).unwrap_or(id).to_owned();
        let (id, number) = (id.to_owned(), said.number().unwrap_or(0));
        // After its own alarm (method 2) a device's input is mute until it is reset.
        let is_mute = said.get("AlarmMethod") == Some("2");
        let server = Arc::clone(self);
        self.spawn(async move {
            server.ask(&id, |uri| words::alarm_heard(uri, &about, number)).await;
            if is_mute {
                server.ask(&id, |uri| words::reset_alarm(uri, &about, server.next_number())).await;
            }
        });
    }

    fn follow_catalogue(&self, id: &str, said: &Manscdp, view: &View) {
        let items = said.items();
        let mut registrations = self.lock(&self.registrations);
        let Some(one) = registrations.get_mut(id) else { return };
        for item in &items {
            match item.works() {
                Some(false) if one.out_of_order.len() < OUT_OF_ORDER_MAX => {
                    one.out_of_order.insert(item.id.to_owned());
                }
                Some(true) => {
                    one.out_of_order.remove(item.id);
                }
                _ => {}
            }
        }
        let Some(catalogue) = one.catalogue.as_mut().filter(|asked| said.number() == Some(asked.number)) else {
            return;
        };
        let total = said.get("SumNum").and_then(|total| total.parse().ok());
        if !catalogue.take(total, items.iter().map(|item| item.id.to_owned())) {
            return;
        }
        let entries = std::mem::take(&mut catalogue.entries);
        one.catalogue = None;
        let device = one.device.clone();
        drop(registrations);
        // Regions and groups have shorter numbers; who sends it is in it too.
        let unknown: Vec<&String> =
            entries.iter().filter(|id| id.len() == 20 && view.by_external("gb28181", id).is_none()).collect();
        tracing::info!(%device, entries = entries.len(), unregistered = unknown.len(), first = ?unknown.first(), "catalogue is whole");
    }

    /// Carries out what is due, and says what happened.
    pub(super) fn sweep(self: &Arc<Self>) {
        let free = self.asking.available_permits() / 3;
        let (news, counts) = {
            let mut registrations = self.lock(&self.registrations);
            (registrations.sweep(self.door.now(), self.config.keepalive_misses, free), registrations.counts())
        };
        self.metrics.devices(counts.0, counts.1);
        for one in news {
            match one {
                News::Lost { id, device, deadline } => {
                    tracing::warn!(%device, id, %deadline, "device missed its keepalives");
                }
                News::Expired { id, device } => tracing::warn!(%device, id, "device did not register again in time"),
                News::Incomplete { id, device, came, total } => {
                    tracing::warn!(%device, id, came, ?total, "pages of the device's catalogue are missing");
                }
                News::Introduce { id } => {
                    let server = Arc::clone(self);
                    self.spawn(async move { server.introduce(&id).await });
                }
            }
        }
    }

    /// Asks a device for its channels and its alarms, and a mover for its way.
    async fn introduce(self: &Arc<Self>, id: &str) {
        let number = self.next_number();
        let known = {
            let mut registrations = self.lock(&self.registrations);
            let Some(one) = registrations.get_mut(id) else { return };
            one.catalogue = Some(Catalogue::new(number, self.door.now()));
            one.device.clone()
        };
        self.ask(id, |uri| words::catalogue(uri, id, number)).await;
        self.ask(id, |uri| words::subscribe_alarms(uri, id, self.next_number())).await;
        let view = self.door.view();
        let Some(device) = view.device(&known) else { return };
        if matches!(device.kind, DeviceKind::Drone | DeviceKind::Collar | DeviceKind::Ranger) {
            let interval_s = device.cadence.as_secs().clamp(1, 3_600);
            self.ask(id, |uri| words::subscribe_position(uri, id, self.next_number(), interval_s)).await;
        }
    }

    /// Sends a request to a registered device until it is answered.
    async fn ask(&self, id: &str, make: impl FnOnce(&str) -> Message) {
        let Some((peer, way)) = self.lock(&self.registrations).get(id).map(|one| (one.peer, one.way)) else { return };
        let uri = format!("sip:{id}@{peer}");
        let branch = format!("z9hG4bK{}", self.unique());
        let request = self.addressed(make(&uri), id, peer, way, &branch);
        let (answered_tx, mut answered) = oneshot::channel();
        self.lock(&self.pending).insert(branch.clone(), answered_tx);
        let (end, mut pause) = (Instant::now() + PATIENCE, REPEAT_FIRST);
        let status = loop {
            self.send(peer, way, request.clone()).await;
            let next = if way == Way::Udp { end.min(Instant::now() + pause) } else { end };
            match timeout_at(next, &mut answered).await {
                Ok(status) => break status.ok(),
                Err(_elapsed) if Instant::now() >= end => break None,
                Err(_elapsed) => pause = (pause * 2).min(REPEAT_MAX),
            }
        };
        self.lock(&self.pending).remove(&branch);
        self.metrics.asked(match status {
            Some(200..300) => Asked::Ok,
            Some(_) => Asked::Refused,
            None => Asked::Timeout,
        });
        if !matches!(status, Some(200..300)) {
            tracing::debug!(id, %peer, ?status, "device did not do what it was asked");
        }
    }

    /// With the headers that every request of ours has.
    fn addressed(&self, request: Message, id: &str, peer: SocketAddr, way: Way, branch: &str) -> bytes::Bytes {
        let local = self.local_towards(peer, way);
        let (ours, realm) = (&self.config.id, &self.config.realm);
        let transport = if way == Way::Udp { "UDP" } else { "TCP" };
        let method = request.method().to_owned();
        let number = self.next_number() % 0x7FFF_FFFF;
        let request = request
            .with("Via", format!("SIP/2.0/{transport} {local};rport;branch={branch}"))
            .with("From", format!("<sip:{ours}@{realm}>;tag={}", self.unique()))
            .with("To", format!("<sip:{id}@{realm}>"))
            .with("Call-ID", format!("{}@{local}", self.unique()))
            .with("CSeq", format!("{number} {method}"))
            .with("Contact", format!("<sip:{ours}@{local}>"))
            .with("Max-Forwards", "70");
        request.encode()
    }

    /// An answer to a request of ours came.
    pub(super) fn settle(&self, answer: &Message, status: u16) {
        // "Trying" is no answer yet.
        if status < 200 {
            return;
        }
        let Some(via) = answer.text("via") else { return };
        let Some(branch) = super::message::parameter(&via, "branch") else { return };
        if let Some(asked) = self.lock(&self.pending).remove(branch) {
            // Whoever asked may have given up a moment ago.
            asked.send(status).ok();
        }
    }

    /// The address at which this device reaches us.
    fn local_towards(&self, peer: SocketAddr, way: Way) -> SocketAddr {
        if let Way::Tcp(line) = way
            && let Some(line) = self.lock(&self.lines).get(&line)
        {
            return line.local;
        }
        if !self.local.ip().is_unspecified() {
            return self.local;
        }
        // Sends nothing: the system only says which of our addresses it would use.
        let any: IpAddr = if peer.is_ipv4() { [0; 4].into() } else { [0_u16; 8].into() };
        let outward = std::net::UdpSocket::bind((any, 0)).and_then(|socket| {
            socket.connect(peer)?;
            socket.local_addr()
        });
        SocketAddr::new(outward.map_or(any, |address| address.ip()), self.local.port())
    }
}

fn is_digits(id: &str) -> bool {
    id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_digit())
}
