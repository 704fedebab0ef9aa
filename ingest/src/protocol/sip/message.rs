//! SIP as bytes (RFC 3261, the part that GB/T 28181 needs): a datagram or a stream -> [`Message`]s, and back.
//!
//! In:  bytes of a stranger.   Out: a [`Message`], or [`Malformed`].
//!
//! A header's value stays bytes: devices write `User-Agent` in GBK, and one line that is no UTF-8 must not cost the others.
//! Never more than [`HEAD_BYTES_MAX`] of head, [`HEADERS_MAX`] headers or [`BODY_BYTES_MAX`] of body; a length is believed only
//! within these. Compact header names and folded lines are understood; parameters keep their order and their spelling.

use bytes::{Buf, Bytes, BytesMut};
use std::borrow::Cow;

/// A head of a real device has half a kilobyte; one with a long Via of proxies two.
pub(super) const HEAD_BYTES_MAX: usize = 16 << 10;
/// Headers of one message; real ones have some fifteen.
const HEADERS_MAX: usize = 96;
/// A page of a catalogue has some ten kilobytes; over TCP some recorders send all at once.
pub(super) const BODY_BYTES_MAX: usize = 512 << 10;

/// Why bytes are not SIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("the first line is neither a request nor a status")]
    StartLine,
    #[error("a header line has no name")]
    Header,
    #[error("the head is too long")]
    HeadTooLong,
    #[error("the body is too long")]
    BodyTooLong,
    #[error("Content-Length is no number")]
    Length,
    #[error("the message ends before its body does")]
    Truncated,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    Request { method: String, uri: String },
    Response { status: u16, reason: String },
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub start: Start,
    /// Full names in lower case, with their values as they stood, in order.
    headers: Vec<(String, Vec<u8>)>,
    pub body: Bytes,
}

impl Message {
    /// A request of ours without headers.
    pub(super) fn request(method: &str, uri: &str) -> Self {
        let start = Start::Request { method: method.to_owned(), uri: uri.to_owned() };
        Self { start, headers: Vec::new(), body: Bytes::new() }
    }

    /// A response of ours without headers.
    pub(super) fn response(status: u16, reason: &str) -> Self {
        let start = Start::Response { status, reason: reason.to_owned() };
        Self { start, headers: Vec::new(), body: Bytes::new() }
    }

    /// With one more header. What it holds is ours, or was a device's own line: a line break in it would end the header.
    pub(super) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref().iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        self.headers.push((name.to_ascii_lowercase(), value));
        self
    }

    /// With a body of this type.
    pub(super) fn with_body(self, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self.with("content-type", content_type) }
    }

    /// One datagram, which is one message; without a length its body is the rest.
    pub(super) fn of_datagram(datagram: &[u8]) -> Result<Self, Malformed> {
        let datagram = skip_line_breaks(datagram);
        let (head, rest) = split_head(datagram).ok_or(if datagram.len() > HEAD_BYTES_MAX {
            Malformed::HeadTooLong
        } else {
            Malformed::StartLine
        })?;
        let message = Self::of_head(head)?;
        let length = message.content_length()?.unwrap_or(rest.len());
        if length > BODY_BYTES_MAX {
            return Err(Malformed::BodyTooLong);
        }
        let body = rest.get(..length).ok_or(Malformed::Truncated)?;
        Ok(Self { body: Bytes::copy_from_slice(body), ..message })
    }

    /// The next whole message of a stream, taken out of `bytes`; `None` when more has to come first.
    pub(super) fn of_stream(bytes: &mut BytesMut) -> Result<Option<Self>, Malformed> {
        // A lone pair of line breaks keeps a connection open.
        let blank = bytes.len() - skip_line_breaks(bytes).len();
        bytes.advance(blank);
        let Some((head, _)) = split_head(bytes) else {
            return if bytes.len() > HEAD_BYTES_MAX { Err(Malformed::HeadTooLong) } else { Ok(None) };
        };
        let head_len = head.len();
        let message = Self::of_head(head)?;
        let length = message.content_length()?.unwrap_or(0);
        if length > BODY_BYTES_MAX {
            return Err(Malformed::BodyTooLong);
        }
        if bytes.len() - head_len < length {
            return Ok(None);
        }
        bytes.advance(head_len);
        Ok(Some(Self { body: bytes.split_to(length).freeze(), ..message }))
    }

    fn of_head(head: &[u8]) -> Result<Self, Malformed> {
        if head.len() > HEAD_BYTES_MAX {
            return Err(Malformed::HeadTooLong);
        }
        let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let start = start_line(lines.next().unwrap_or_default())?;
        let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
        for line in lines.take_while(|line| !line.is_empty()) {
            match line.first() {
                // A line that begins with a blank goes on with the one before.
                Some(b' ' | b'\t') => {
                    let (_, value) = headers.last_mut().ok_or(Malformed::Header)?;
                    value.push(b' ');
                    value.extend_from_slice(line.trim_ascii());
                }
                _ => {
                    let colon = line.iter().position(|byte| *byte == b':').ok_or(Malformed::Header)?;
                    let (name, value) = line.split_at_checked(colon).ok_or(Malformed::Header)?;
                    let name = header_name(name)?;
                    headers.push((name, value.get(1..).unwrap_or_default().trim_ascii().to_vec()));
                }
            }
            if headers.len() > HEADERS_MAX {
                return Err(Malformed::HeadTooLong);
            }
        }
        Ok(Self { start, headers, body: Bytes::new() })
    }

    fn content_length(&self) -> Result<Option<usize>, Malformed> {
        let Some(value) = self.bytes("content-length") else { return Ok(None) };
        let text = std::str::from_utf8(value).map_err(|_| Malformed::Length)?;
        if text.is_empty() || text.len() > 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Malformed::Length);
        }
        text.parse().map(Some).map_err(|_| Malformed::Length)
    }

    /// The first header of that name, in lower case.
    pub(super) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(at, _)| at == name).map(|(_, value)| value.as_slice())
    }

    /// The same as text; what is no UTF-8 in it is replaced.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.bytes(name).map(String::from_utf8_lossy)
    }

    /// Every header of that name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(at, _)| at == name).map(|(_, value)| value.as_slice())
    }

    /// The request's method; empty for a response.
    pub(super) fn method(&self) -> &str {
        match &self.start {
            Start::Request { method, .. } => method,
            Start::Response { .. } => "",
        }
    }

    /// Number and method of `CSeq`.
    pub(super) fn sequence(&self) -> Option<(u32, String)> {
        let text = self.text("cseq")?;
        let (number, method) = text.split_once(char::is_whitespace)?;
        Some((number.parse().ok()?, method.trim().to_owned()))
    }

    /// As it is sent.
    pub(super) fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(512 + self.body.len());
        let start = match &self.start {
            Start::Request { method, uri } => format!("{method} {uri} SIP/2.0\r\n"),
            Start::Response { status, reason } => format!("SIP/2.0 {status} {reason}\r\n"),
        };
        out.extend_from_slice(start.as_bytes());
        for (name, value) in self.headers.iter().filter(|(name, _)| name != "content-length") {
            out.extend_from_slice(title(name).as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", self.body.len()).as_bytes());
        out.extend_from_slice(&self.body);
        out.into()
    }

    /// First line and headers as text for the journal, without what proves the sender's identity.
    pub(super) fn head_without_proof(&self) -> Bytes {
        let headers = self.headers.iter().filter(|(name, _)| !name.ends_with("authorization")).cloned().collect();
        Self { start: self.start.clone(), headers, body: Bytes::new() }.encode()
    }
}

fn skip_line_breaks(bytes: &[u8]) -> &[u8] {
    let first = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n' | 0)).unwrap_or(bytes.len());
    bytes.get(first..).unwrap_or_default()
}

/// The head with the blank line that ends it, and the rest. Bare line feeds are understood too.
fn split_head(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let within = bytes.get(..bytes.len().min(HEAD_BYTES_MAX + 4)).unwrap_or(bytes);
    let mut at = 0;
    while let Some(found) = within.get(at..)?.iter().position(|byte| *byte == b'\n') {
        at += found + 1;
        let rest = within.get(at..)?;
        let blank = if rest.starts_with(b"\r\n") {
            2
        } else if rest.starts_with(b"\n") {
            1
        } else {
            continue;
        };
        return bytes.split_at_checked(at + blank);
    }
    None
}

fn start_line(line: &[u8]) -> Result<Start, Malformed> {
    let line = std::str::from_utf8(line).map_err(|_| Malformed::StartLine)?;
    if let Some(rest) = line.strip_prefix("SIP/2.0 ") {
        let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let status = status.parse().ok().filter(|status| (100..700).contains(status)).ok_or(Malformed::StartLine)?;
        return Ok(Start::Response { status, reason: reason.to_owned() });
    }
    let rest = line.strip_suffix(" SIP/2.0").ok_or(Malformed::StartLine)?;
    let (method, uri) = rest.split_once(' ').ok_or(Malformed::StartLine)?;
    let is_method = (1..=16).contains(&method.len()) && method.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_method || uri.is_empty() || uri.contains(char::is_whitespace) {
        return Err(Malformed::StartLine);
    }
    Ok(Start::Request { method: method.to_owned(), uri: uri.to_owned() })
}

fn header_name(name: &[u8]) -> Result<String, Malformed> {
    let name = std::str::from_utf8(name.trim_ascii()).map_err(|_| Malformed::Header)?.to_ascii_lowercase();
    let is_token = !name.is_empty() && name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_token {
        return Err(Malformed::Header);
    }
    let full = match name.as_str() {
        "v" => "via",
        "f" => "from",
        "t" => "to",
        "i" => "call-id",
        "m" => "contact",
        "l" => "content-length",
        "c" => "content-type",
        "o" => "event",
        _ => return Ok(name),
    };
    Ok(full.to_owned())
}

/// As headers are written: some devices look for the letters and not for the name.
fn title(name: &str) -> String {
    match name {
        "call-id" => "Call-ID".to_owned(),
        "cseq" => "CSeq".to_owned(),
        "www-authenticate" => "WWW-Authenticate".to_owned(),
        "x-gb-ver" => "X-GB-Ver".to_owned(),
        _ => {
            let mut start = true;
            let capital = |letter: char| {
                let written = if start { letter.to_ascii_uppercase() } else { letter };
                start = letter == '-';
                written
            };
            name.chars().map(capital).collect()
        }
    }
}

/// The user part of a `sip:` address in a header or a request line: mostly 20 digits.
pub(super) fn user_of(address: &str) -> Option<&str> {
    let from = address.find("sip:")? + 4;
    let rest = address.get(from..)?;
    let end = rest.find(['@', '>', ';', ':', ' '])?;
    rest.get(..end).filter(|user| !user.is_empty())
}

/// A parameter behind a `;` of a header's value, as it is written: `Some("")` for one without a value.
pub(super) fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    // What stands within angle brackets belongs to the address.
    let after = value.rfind('>').map_or(value, |end| value.get(end + 1..).unwrap_or_default());
    after.split(';').skip(1).find_map(|part| {
        let (key, text) = part.split_once('=').unwrap_or((part, ""));
        key.trim().eq_ignore_ascii_case(name).then(|| text.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTER: &[u8] = b"REGISTER sip:15252500402000000001@1525250040 SIP/2.0\r\n\
        v: SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bK1\r\n\
        From: <sip:15252500401320000001@1525250040>;tag=77\r\nTo: <sip:15252500401320000001@1525250040>\r\n\
        Call-ID: abc\r\nCSeq: 2 REGISTER\r\nUser-Agent: \xB2\xDD\xD4\xAD\r\nSubject: one\r\n two\r\nContent-Length: 3\r\n\r\nxyzJUNK";

    #[test]
    fn a_request_is_read_whatever_charset_a_header_is_in_and_whatever_follows_its_body() {
        let message = Message::of_datagram(REGISTER).unwrap();
        assert_eq!(
            message.start,
            Start::Request { method: "REGISTER".into(), uri: "sip:15252500402000000001@1525250040".into() }
        );
        assert_eq!(message.text("via").unwrap(), "SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bK1");
        assert_eq!(parameter(&message.text("via").unwrap(), "rport"), Some(""));
        assert_eq!(parameter(&message.text("via").unwrap(), "branch"), Some("z9hG4bK1"));
        assert_eq!(user_of(&message.text("from").unwrap()), Some("15252500401320000001"));
        assert_eq!(parameter(&message.text("from").unwrap(), "tag"), Some("77"));
        assert_eq!(message.bytes("user-agent"), Some(&b"\xB2\xDD\xD4\xAD"[..]));
        assert_eq!(message.text("subject").unwrap(), "one two");
        assert_eq!(message.sequence(), Some((2, "REGISTER".into())));
        assert_eq!(&message.body[..], b"xyz");
    }

    #[test]
    fn a_stream_gives_its_messages_one_by_one_however_it_is_cut() {
        let one: Vec<u8> = REGISTER.strip_suffix(b"JUNK").unwrap().to_vec();
        let stream = [b"\r\n\r\n".to_vec(), one.clone(), one.clone()].concat();
        let (mut bytes, mut found) = (BytesMut::new(), 0);
        for byte in stream {
            bytes.extend_from_slice(&[byte]);
            while let Some(message) = Message::of_stream(&mut bytes).unwrap() {
                assert_eq!(message, Message::of_datagram(&one).unwrap());
                found += 1;
            }
        }
        assert_eq!((found, bytes.len()), (2, 0));
    }

    #[test]
    fn what_was_read_is_written_so_that_it_is_read_again() {
        let message = Message::of_datagram(REGISTER).unwrap();
        assert_eq!(Message::of_datagram(&message.encode()).unwrap().body, message.body);
        let head = message.with("Authorization", "Digest secret").head_without_proof();
        let text = String::from_utf8_lossy(&head);
        assert!(
            text.starts_with("REGISTER sip:") && text.contains("Call-ID: abc") && !text.contains("secret"),
            "{text}"
        );
        let answer = Message::response(200, "OK").with("Via", "a\r\nEvil: 1").encode();
        assert_eq!(&answer[..], b"SIP/2.0 200 OK\r\nVia: aEvil: 1\r\nContent-Length: 0\r\n\r\n");
    }

    #[track_caller]
    fn check(datagram: &[u8], why: Malformed) {
        assert_eq!(Message::of_datagram(datagram), Err(why));
    }

    #[test]
    fn what_is_no_sip_is_refused_and_no_length_is_believed_beyond_its_bound() {
        check(b"", Malformed::StartLine);
        check(b"GET / HTTP/1.1\r\n\r\n", Malformed::StartLine);
        check(b"register sip:a SIP/2.0\r\n\r\n", Malformed::StartLine);
        check(b"SIP/2.0 99 Low\r\n\r\n", Malformed::StartLine);
        check(b"MESSAGE sip:a SIP/2.0\r\nno colon\r\n\r\n", Malformed::Header);
        check(b"MESSAGE sip:a SIP/2.0\r\n folded\r\n\r\n", Malformed::Header);
        check(b"MESSAGE sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n", Malformed::Length);
        check(b"MESSAGE sip:a SIP/2.0\r\nContent-Length: 99999999\r\n\r\n", Malformed::BodyTooLong);
        check(b"MESSAGE sip:a SIP/2.0\r\nContent-Length: 5\r\n\r\nabc", Malformed::Truncated);
        check(&[b'x'; HEAD_BYTES_MAX + 1], Malformed::HeadTooLong);
        let mut endless = BytesMut::from(&vec![b'x'; HEAD_BYTES_MAX + 1][..]);
        assert_eq!(Message::of_stream(&mut endless), Err(Malformed::HeadTooLong));
        let many = format!("MESSAGE sip:a SIP/2.0\r\n{}\r\n", "a: b\r\n".repeat(HEADERS_MAX + 1));
        check(many.as_bytes(), Malformed::HeadTooLong);
    }
}
