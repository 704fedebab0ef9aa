//! What was answered to whom: a request that comes again gets the same answer, and is not heard twice.
//!
//! In:  requests.   Out: [`Heard`]; the answer's headers. Pure but for the memory, which is bounded in number and time.
//!
//! A request is known by the branch of its Via, who sent it, and its CSeq (RFC 3261, 17.2.3); old devices write no branch of the
//! RFC's kind, so Call-ID and tag are part of it too. A copy that comes while the first is still on its way to the disk gets
//! no answer of its own.

use super::message::{Message, Start, parameter};
use crate::protocol::digest::hex;
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long a device repeats itself (64 times the RFC's T1).
const LIFE: Duration = Duration::from_secs(32);
/// Half a minute of five hundred requests a second.
const REMEMBERED_MAX: usize = 16_384;

/// By what a request is known.
pub(super) type Key = [u8; 32];

/// Whether a request is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// Never heard.
    New,
    /// Being answered.
    Underway,
    /// Answered so.
    Answered(Bytes),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Answers {
    known: HashMap<Key, Option<Bytes>>,
    order: VecDeque<(Instant, Key)>,
}

impl Answers {
    /// Whether this request came before; it is underway from now on.
    pub(super) fn hear(&mut self, key: Key, now: Instant) -> Heard {
        while let Some((since, oldest)) = self.order.front().copied() {
            if now.duration_since(since) < LIFE && self.order.len() < REMEMBERED_MAX {
                break;
            }
            self.order.pop_front();
            self.known.remove(&oldest);
        }
        match self.known.get(&key) {
            Some(Some(answer)) => Heard::Answered(answer.clone()),
            Some(None) => Heard::Underway,
            None => {
                self.known.insert(key, None);
                self.order.push_back((now, key));
                Heard::New
            }
        }
    }

    /// This was its answer.
    pub(super) fn answered(&mut self, key: Key, answer: Bytes) {
        if let Some(place) = self.known.get_mut(&key) {
            *place = Some(answer);
        }
    }

    /// It got none: the next copy is heard as if it were the first.
    pub(super) fn forget(&mut self, key: &Key) {
        self.known.remove(key);
    }
}

/// By what this request is known.
pub(super) fn key(request: &Message, peer: SocketAddr) -> Key {
    let mut hasher = blake3::Hasher::new();
    let mut part = |bytes: &[u8]| {
        hasher.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(bytes);
    };
    part(peer.ip().to_string().as_bytes());
    for name in ["via", "call-id", "cseq", "from"] {
        part(request.bytes(name).unwrap_or_default());
    }
    // Two messages of a device that never changes its numbers are still two.
    part(&request.body);
    part(request.bytes("authorization").unwrap_or_default());
    *hasher.finalize().as_bytes()
}

/// The beginning of an answer to a request: what the RFC has it repeat, with where it came from in its Via.
pub(super) fn answer(request: &Message, peer: SocketAddr, status: u16, reason: &str) -> Message {
    let mut response = Message::response(status, reason);
    for (place, via) in request.all("via").enumerate() {
        response = response.with("Via", if place == 0 { seen_from(via, peer) } else { via.to_vec() });
    }
    for name in ["From", "Call-ID", "CSeq"] {
        response = response.with(name, request.bytes(&name.to_ascii_lowercase()).unwrap_or_default());
    }
    let to = request.bytes("to").unwrap_or_default();
    let has_tag = parameter(&String::from_utf8_lossy(to), "tag").is_some();
    let mut to = to.to_vec();
    if !has_tag {
        // The same for each copy of the request, so that all its answers are of one dialogue.
        let tag = key(request, peer);
        to.extend_from_slice(b";tag=");
        to.extend_from_slice(hex(tag.get(..6).unwrap_or_default()).as_bytes());
    }
    response.with("To", to)
}

/// The top Via with `received`, and `rport` where it was asked for (RFC 3581).
fn seen_from(via: &[u8], peer: SocketAddr) -> Vec<u8> {
    let text = String::from_utf8_lossy(via);
    let mut parts: Vec<String> = text.split(';').map(|part| part.trim().to_owned()).collect();
    let asked = parts.iter().position(|part| part.eq_ignore_ascii_case("rport"));
    if let Some(rport) = asked.and_then(|place| parts.get_mut(place)) {
        *rport = format!("rport={}", peer.port());
    }
    parts.retain(|part| !part.to_ascii_lowercase().starts_with("received="));
    parts.push(format!("received={}", peer.ip()));
    parts.join(";").into_bytes()
}

/// Whether a request has what every request must have.
pub(super) fn is_whole(request: &Message) -> bool {
    let Start::Request { method, .. } = &request.start else { return false };
    let named =
        ["via", "from", "to", "call-id"].into_iter().all(|name| request.bytes(name).is_some_and(|v| !v.is_empty()));
    named && request.sequence().is_some_and(|(_, of)| of == *method)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(branch: &str) -> Message {
        Message::request("MESSAGE", "sip:a@b")
            .with("Via", format!("SIP/2.0/UDP 192.168.1.9:5060;rport;branch={branch}"))
            .with("From", "<sip:1@2>;tag=5")
            .with("To", "<sip:3@4>")
            .with("Call-ID", "c")
            .with("CSeq", "1 MESSAGE")
    }

    #[test]
    fn an_answer_repeats_what_it_must_and_says_where_the_request_came_from() {
        let peer = SocketAddr::from(([10, 0, 0, 7], 4_000));
        let response = answer(&request("z9hG4bK1"), peer, 200, "OK");
        let via = response.text("via").unwrap().into_owned();
        assert_eq!(via, "SIP/2.0/UDP 192.168.1.9:5060;rport=4000;branch=z9hG4bK1;received=10.0.0.7");
        let to = response.text("to").unwrap().into_owned();
        assert!(to.starts_with("<sip:3@4>;tag=") && to.len() > 14, "{to}");
        assert_eq!(answer(&request("z9hG4bK1"), peer, 200, "OK"), response);
        assert_eq!(response.text("cseq").unwrap(), "1 MESSAGE");
        let in_dialogue = request("z9hG4bK1").with("X", "y");
        assert!(is_whole(&in_dialogue));
        assert!(!is_whole(&Message::request("MESSAGE", "sip:a@b").with("Via", "x")));
        assert!(!is_whole(&Message::response(200, "OK")));
    }

    #[test]
    fn a_copy_gets_the_same_answer_until_half_a_minute_has_passed_and_none_while_it_is_underway() {
        let peer = SocketAddr::from(([10, 0, 0, 7], 4_000));
        let (mut answers, start) = (Answers::default(), Instant::now());
        let (first, second) = (key(&request("1"), peer), key(&request("2"), peer));
        assert_ne!(first, second);
        assert_eq!(answers.hear(first, start), Heard::New);
        assert_eq!(answers.hear(first, start), Heard::Underway);
        answers.answered(first, Bytes::from_static(b"ok"));
        assert_eq!(answers.hear(first, start + LIFE / 2), Heard::Answered(Bytes::from_static(b"ok")));
        assert_eq!(answers.hear(second, start), Heard::New);
        answers.forget(&second);
        assert_eq!(answers.hear(second, start), Heard::New);
        assert_eq!(answers.hear(first, start + LIFE), Heard::New);
        for number in 0..3 * REMEMBERED_MAX {
            answers.hear(key(&request(&number.to_string()), peer), start + LIFE);
        }
        assert!(answers.known.len() <= REMEMBERED_MAX && answers.order.len() <= REMEMBERED_MAX);
    }
}
