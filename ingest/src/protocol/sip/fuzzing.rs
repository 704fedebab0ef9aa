//! What `fuzz/` calls of SIP: the codec and the digest on any bytes, with the promises that are cheap to check.
//!
//! In:  any bytes.   Out: nothing; a panic is a finding.   Never: a part of what serves.

use super::answers;
use super::message::{BODY_BYTES_MAX, Message, parameter, user_of};
use crate::protocol::digest::Authorization;
use bytes::BytesMut;
use std::net::SocketAddr;

/// A stream of SIP, in pieces whose size is the first byte; and the same bytes as one datagram.
pub fn sip_message(input: &[u8]) {
    let Some((&size, stream)) = input.split_first() else { return };
    if let Ok(message) = Message::of_datagram(stream) {
        check(&message);
    }
    let mut bytes = BytesMut::new();
    for piece in stream.chunks(usize::from(size).max(1)) {
        bytes.extend_from_slice(piece);
        loop {
            let before = bytes.len();
            match Message::of_stream(&mut bytes) {
                Ok(Some(message)) => {
                    assert!(bytes.len() < before, "a message takes bytes out of the stream");
                    check(&message);
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

/// A message can be written, read again and answered.
fn check(message: &Message) {
    assert!(message.body.len() <= BODY_BYTES_MAX);
    let again = Message::of_datagram(&message.encode());
    if let Ok(again) = &again {
        assert_eq!(again.body, message.body);
    }
    for name in ["from", "to", "contact", "via"] {
        if let Some(text) = message.text(name) {
            user_of(&text);
            parameter(&text, "tag");
        }
    }
    if let Some(proof) = message.bytes("authorization")
        && let Ok(proof) = Authorization::parse(proof)
    {
        assert!(!proof.proves("REGISTER", "1525250040", "never the password"), "no digest is foreseen");
    }
    let peer = SocketAddr::from(([10, 0, 0, 1], 5_060));
    if answers::is_whole(message) {
        let answer = answers::answer(message, peer, 200, "OK").encode();
        assert!(Message::of_datagram(&answer).is_ok(), "an answer is SIP whatever the request was");
    }
}
