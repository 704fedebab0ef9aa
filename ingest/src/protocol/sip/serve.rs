//! Requests of devices: who is it, may it say this, onto the disk, and only then "200 OK".
//!
//! In:  a [`Message`] and where it came from.   Out: frames in the journal, an answer, and what is to be said afterwards.
//!
//! What cannot be understood is answered with 200 all the same, and is kept as a dead letter: a device that is told "no" sends it
//! for ever. Refused are only strangers, and what has no answer in this protocol (there is no media here).
//!
//! Never: a 200 before the journal's proof; a message of who has not registered; one device's word about another that it does not
//! speak for.

use super::Server;
use super::answers::{self, Heard};
use super::message::{Message, Start, parameter, user_of};
use super::registrations::{Registration, Way};
use super::subjects::{self, Subject};
use crate::decode::gb28181;
use crate::decode::manscdp::Manscdp;
use crate::protocol::digest::{self, Algorithm, Authorization, Denied};
use crate::protocol::door::Why;
use bytes::Bytes;
use model::{Channel, Device, DeviceId, Frame, ReceivedAt, Timestamp, Transport};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A registration is asked to last at least so long: more often is only load.
const EXPIRES_S_MIN: u64 = 60;
/// And taken for at most so long: a week.
const EXPIRES_S_MAX: u64 = 7 * 86_400;
/// What the standard says where a device does not.
const EXPIRES_S_USUAL: u64 = 3_600;
/// What there is an answer to.
const METHODS: &str = "REGISTER, MESSAGE, NOTIFY, OPTIONS, ACK";

/// A request as it came.
#[derive(Clone, Copy)]
pub(super) struct Came<'a> {
    pub message: &'a Message,
    pub peer: SocketAddr,
    pub way: Way,
    pub now: Timestamp,
}

impl Came<'_> {
    fn answer(&self, status: u16, reason: &str) -> Message {
        answers::answer(self.message, self.peer, status, reason)
    }
}

impl Server {
    /// One message of whoever sent it; resolves when its answer is on its way.
    pub(super) async fn hear(self: &Arc<Self>, message: Message, peer: SocketAddr, way: Way) {
        let method = match &message.start {
            Start::Response { status, .. } => return self.settle(&message, *status),
            Start::Request { method, .. } => method.clone(),
        };
        let came = Came { message: &message, peer, way, now: self.door.now() };
        if !answers::is_whole(&message) {
            self.door.refuse(Why::Malformed, peer, "");
            return self.send(peer, way, came.answer(400, "Bad Request").encode()).await;
        }
        // It ends a dialogue of ours that there is not, and is never answered.
        if method == "ACK" {
            return;
        }
        let key = answers::key(&message, peer);
        let heard = self.lock(&self.answers).hear(key, std::time::Instant::now());
        match heard {
            Heard::New => {}
            Heard::Underway => return,
            Heard::Answered(answer) => return self.send(peer, way, answer).await,
        }
        let answer = match method.as_str() {
            "REGISTER" => self.register(came).await,
            "MESSAGE" | "NOTIFY" => self.said(came).await,
            "OPTIONS" => Some(came.answer(200, "OK").with("Allow", METHODS)),
            _ => {
                self.door.refuse(Why::Protocol, peer, &method);
                Some(came.answer(405, "Method Not Allowed").with("Allow", METHODS))
            }
        };
        match answer.map(|answer| answer.encode()) {
            Some(answer) => {
                self.lock(&self.answers).answered(key, answer.clone());
                self.send(peer, way, answer).await;
            }
            None => self.lock(&self.answers).forget(&key),
        }
    }

    /// "Who are you?", with a nonce. The edition of 2022 knows a better digest than MD5; who says that it is of that edition is
    /// asked for it first.
    fn challenge(&self, came: Came<'_>, stale: bool) -> Message {
        let nonce = self.lock(&self.nonces).make(came.peer.ip(), came.now, self.next_number());
        let of_2022 = came.message.text("x-gb-ver").is_some_and(|version| version.trim().starts_with('3'));
        let offered: &[Algorithm] = if of_2022 { &[Algorithm::Sha256, Algorithm::Md5] } else { &[Algorithm::Md5] };
        offered.iter().fold(came.answer(401, "Unauthorized"), |answer, algorithm| {
            answer.with("WWW-Authenticate", digest::challenge(&self.config.realm, &nonce, *algorithm, stale))
        })
    }

    /// The device that a request proves to be from, or what it is answered.
    fn authenticate(&self, came: Came<'_>, method: &str, id: &str) -> Result<Device, Message> {
        let Some(header) = came.message.bytes("authorization") else { return Err(self.challenge(came, false)) };
        let denied = |why: Denied, who: &str| match why {
            Denied::Stale => self.challenge(came, true),
            Denied::Malformed => self.challenge(came, false),
            Denied::Wrong => {
                self.door.refuse(Why::BadCredentials, came.peer, who);
                came.answer(403, "Forbidden")
            }
        };
        let answer = Authorization::parse(header).map_err(|why| denied(why, id))?;
        // Each in a statement of its own: a challenge locks the nonces again.
        let is_fresh = self.lock(&self.nonces).is_fresh(&answer, came.peer.ip(), came.now);
        is_fresh.map_err(|why| denied(why, id))?;
        let Some(device) = self.door.known_as("gb28181", id, came.peer.ip()) else {
            self.door.refuse(Why::UnknownDevice, came.peer, id);
            return Err(came.answer(403, "Forbidden"));
        };
        let Ok(password) = self.door.registry().sip_password(&device.id) else {
            self.door.refuse(Why::Disabled, came.peer, device.id.as_str());
            return Err(came.answer(403, "Forbidden"));
        };
        if !answer.proves(method, &self.config.realm, password.as_str()) {
            self.door.was_wrong(came.peer.ip());
            return Err(denied(Denied::Wrong, device.id.as_str()));
        }
        let used_up = self.lock(&self.nonces).use_up(&answer, came.now);
        used_up.map_err(|why| denied(why, id))?;
        Ok(device)
    }

    async fn register(self: &Arc<Self>, came: Came<'_>) -> Option<Message> {
        let message = came.message;
        // Some write the platform into To, or only its domain: who registers stands in From.
        let from = message.text("from").unwrap_or_default();
        let Some(id) = user_of(&from).filter(|id| is_identity(id)) else {
            self.door.refuse(Why::Malformed, came.peer, "");
            return Some(came.answer(400, "Bad Request"));
        };
        let device = match self.authenticate(came, "REGISTER", id) {
            Ok(device) => device,
            Err(answer) => return Some(answer),
        };
        let contact = message.text("contact").unwrap_or_default().into_owned();
        let expires = parameter(&contact, "expires").map(str::to_owned).or(message.text("expires").map(Into::into));
        let asked = expires.and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(EXPIRES_S_USUAL);
        if (1..EXPIRES_S_MIN).contains(&asked) {
            return Some(came.answer(423, "Interval Too Brief").with("Min-Expires", EXPIRES_S_MIN.to_string()));
        }
        let granted = asked.min(EXPIRES_S_MAX);
        if granted == 0 {
            tracing::info!(device = %device.id, peer = %came.peer, "device logged off");
            self.lock(&self.registrations).unregister(id);
            return Some(self.welcome(came, &contact, 0));
        }
        let head = message.head_without_proof();
        let subject = Subject { device: device.id.clone(), known_as: id.to_owned() };
        self.door.begin(vec![self.frame(&device.id, subject, head, came.now)]).await.ok()?;
        let registration = Registration {
            interval: device.cadence,
            device: device.id.clone(),
            peer: came.peer,
            way: came.way,
            expires_at: came.now.plus(Duration::from_secs(granted)),
            heard_at: came.now,
            is_lost: false,
            introduce_at: came.now,
            out_of_order: BTreeSet::new(),
            catalogue: None,
        };
        let deadline = registration.deadline(self.config.keepalive_misses);
        if !self.lock(&self.registrations).register(id, registration) {
            return Some(came.answer(503, "Service Unavailable"));
        }
        tracing::info!(device = %device.id, peer = %came.peer, expires_s = granted, %deadline, "device registered");
        self.wake.notify_one();
        Some(self.welcome(came, &contact, granted))
    }

    /// With the time, by which devices set their clocks: Beijing's, without a zone, as the standard writes it.
    fn welcome(&self, came: Came<'_>, contact: &str, expires_s: u64) -> Message {
        let beijing = came.now.plus(Duration::from_secs(8 * 3_600)).to_rfc3339();
        came.answer(200, "OK")
            .with("Contact", contact)
            .with("Expires", expires_s.to_string())
            .with("Date", beijing.trim_end_matches('Z'))
            .with("X-GB-Ver", "3.0")
    }

    async fn said(self: &Arc<Self>, came: Came<'_>) -> Option<Message> {
        let Start::Request { method, .. } = &came.message.start else { return None };
        let from = came.message.text("from").unwrap_or_default();
        let id = user_of(&from).filter(|id| is_identity(id));
        let speaker = id.and_then(|id| self.lock(&self.registrations).speaker(id, came.peer, came.way, came.now));
        let speaker = match (id, speaker) {
            (None, _) => {
                self.door.refuse(Why::Malformed, came.peer, "");
                return Some(came.answer(400, "Bad Request"));
            }
            (Some(id), None) => match self.authenticate(came, method, id) {
                Ok(device) => device.id,
                Err(answer) => {
                    self.door.refuse(Why::NotRegistered, came.peer, id);
                    return Some(answer);
                }
            },
            (Some(_), Some((device, was_lost))) => {
                if was_lost {
                    tracing::info!(%device, peer = %came.peer, "device is heard again");
                }
                device
            }
        };
        let id = id.unwrap_or_default();
        let view = self.door.view();
        // Shut out since it registered.
        if view.device(&speaker).is_none_or(|device| device.disabled) {
            self.lock(&self.registrations).unregister(id);
            self.door.refuse(Why::Disabled, came.peer, speaker.as_str());
            return Some(came.answer(403, "Forbidden"));
        }
        let body = came.message.body.clone();
        // A notice that a subscription begins or ends says nothing else.
        if body.iter().all(u8::is_ascii_whitespace) {
            return Some(came.answer(200, "OK"));
        }
        let read = Manscdp::read(&body).ok();
        let out_of_order = self.lock(&self.registrations).get(id).map(|one| one.out_of_order.clone());
        let about = subjects::of(read.as_ref(), &view, &speaker, id, &out_of_order.unwrap_or_default());
        let frames = match about {
            Ok(subjects) => subjects.into_iter().map(|one| self.frame(&speaker, one, body.clone(), came.now)).collect(),
            Err(stranger) => {
                self.door.refuse(Why::Foreign, came.peer, speaker.as_str());
                vec![self.frame_of_stranger(&speaker, &stranger, body, came.now)]
            }
        };
        self.door.begin(frames).await.ok()?;
        if let Some(read) = read {
            self.follow(id, &read, &view);
        }
        Some(came.answer(200, "OK"))
    }

    fn frame(&self, speaker: &DeviceId, about: Subject, payload: Bytes, now: Timestamp) -> Frame {
        let datum = self.config.datum_of(&about.device);
        Frame {
            device: about.device,
            speaker: speaker.clone(),
            channel: gb28181::channel(&about.known_as, &datum),
            transport: Transport::Sip,
            payload,
            received_at: ReceivedAt(now),
        }
    }

    /// What a device says of somebody whom the registry does not know behind it: kept with its reason.
    fn frame_of_stranger(&self, speaker: &DeviceId, stranger: &str, payload: Bytes, now: Timestamp) -> Frame {
        Frame {
            device: speaker.clone(),
            speaker: speaker.clone(),
            channel: Channel::Other { topic: Arc::from(stranger) },
            transport: Transport::Sip,
            payload,
            received_at: ReceivedAt(now),
        }
    }
}

/// Twenty digits. Which region they name is not judged: many sites use the standard's sample numbers.
fn is_identity(id: &str) -> bool {
    id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_digit())
}
