//! Multipart as cameras write it: bytes as they come -> parts.
//!
//! In:  the `Content-Type` of a body or stream, its bytes in pieces of any size.   Out: [`Part`]s. Used for what cameras post and for
//! their endless streams, so a part is given out as soon as its `Content-Length` is there, without waiting for the next one.
//!
//! Allowed for: a blank line before a part's headers, a length that is not the part's (the boundary decides), no length at all,
//! `multipart/mixed` for a form and the other way round. Never more in memory than one part's bound and a piece.

use bytes::{Buf, Bytes, BytesMut};

/// Of the headers of one part.
const HEAD_BYTES_MAX: usize = 4_096;
/// RFC 2046.
const BOUNDARY_BYTES_MAX: usize = 70;
/// What cameras use that do not say it.
const USUAL_BOUNDARY: &str = "boundary";

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Without its parameters, in lower case; empty if it is not told.
    pub media_type: String,
    pub body: Bytes,
}

/// It is no multipart, or a part is larger than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("a part is larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: usize },
    #[error("a part's headers are longer than {HEAD_BYTES_MAX} bytes")]
    Head,
}

/// Takes bytes, gives parts.
#[derive(Debug)]
pub(crate) struct Parts {
    /// `--` and the boundary.
    delimiter: Vec<u8>,
    buffer: BytesMut,
    /// So far there is no delimiter in the buffer.
    looked: usize,
    part_bytes_max: usize,
    head: Option<Head>,
    is_over: bool,
}

#[derive(Debug)]
struct Head {
    media_type: String,
    length: Option<usize>,
}

impl Parts {
    /// For a `Content-Type`; `None` if that is no multipart.
    pub(crate) fn of(content_type: &str, part_bytes_max: usize) -> Option<Self> {
        let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
        if !kind.trim().get(..10).is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/")) {
            return None;
        }
        let stated = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
        });
        let boundary = stated.filter(|boundary| !boundary.is_empty()).unwrap_or(USUAL_BOUNDARY);
        if boundary.len() > BOUNDARY_BYTES_MAX {
            return None;
        }
        Some(Self {
            delimiter: [b"--", boundary.as_bytes()].concat(),
            buffer: BytesMut::new(),
            looked: 0,
            part_bytes_max,
            head: None,
            is_over: false,
        })
    }

    /// More bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if !self.is_over {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The last boundary has come.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// The next whole part, if it is there.
    pub(crate) fn next(&mut self) -> Result<Option<Part>, Broken> {
        loop {
            if self.is_over {
                return Ok(None);
            }
            let Some(head) = self.head.take() else {
                match self.begin()? {
                    true => continue,
                    false => return Ok(None),
                }
            };
            return match self.body(&head)? {
                Some(body) => Ok(Some(Part { media_type: head.media_type, body })),
                None => {
                    self.head = Some(head);
                    Ok(None)
                }
            };
        }
    }

    /// Reads up to the body of the next part; `false` if that is not there yet.
    fn begin(&mut self) -> Result<bool, Broken> {
        let Some(at) = self.delimiter_at() else {
            // Before the first part, or between two: nobody's.
            let keep = self.delimiter.len() + 2;
            self.buffer.advance(self.buffer.len().saturating_sub(keep));
            self.looked = 0;
            return Ok(false);
        };
        self.buffer.advance(at);
        self.looked = 0;
        let after = self.buffer.get(self.delimiter.len()..).unwrap_or_default();
        if after.starts_with(b"--") {
            self.is_over = true;
            self.buffer.clear();
            return Ok(false);
        }
        let Some(head) = head_in(after) else {
            return if after.len() > HEAD_BYTES_MAX { Err(Broken::Head) } else { Ok(false) };
        };
        if head.len > HEAD_BYTES_MAX {
            return Err(Broken::Head);
        }
        let skip = self.delimiter.len() + head.len;
        self.head = Some(Head { media_type: head.media_type, length: head.length });
        self.buffer.advance(skip);
        Ok(true)
    }

    fn body(&mut self, head: &Head) -> Result<Option<Bytes>, Broken> {
        let too_large = Broken::TooLarge { limit_bytes: self.part_bytes_max };
        let ends_at = self.delimiter_at();
        let whole = match (ends_at, head.length) {
            (Some(at), Some(length)) if length <= at => Some(length),
            (Some(at), _) => Some(at - line_end(self.buffer.get(..at).unwrap_or_default())),
            (None, Some(length)) if length > self.part_bytes_max => return Err(too_large),
            (None, Some(length)) if length <= self.buffer.len() => Some(length),
            (None, _) => None,
        };
        match whole {
            Some(length) if length > self.part_bytes_max => Err(too_large),
            Some(length) => {
                self.looked = 0;
                Ok(Some(self.buffer.split_to(length).freeze()))
            }
            None if self.buffer.len() > self.part_bytes_max + self.delimiter.len() + 4 => Err(too_large),
            None => Ok(None),
        }
    }

    /// Where the next delimiter begins that stands at the beginning of a line; bytes that were looked at are not looked at again.
    fn delimiter_at(&mut self) -> Option<usize> {
        let mut from = self.looked;
        while let Some(found) = find(self.buffer.get(from..).unwrap_or_default(), &self.delimiter) {
            let at = from + found;
            if at == 0 || self.buffer.get(at - 1) == Some(&b'\n') {
                self.looked = at;
                return Some(at);
            }
            from = at + 1;
        }
        self.looked = self.buffer.len().saturating_sub(self.delimiter.len());
        None
    }
}

/// Bytes of the line end before a delimiter, which belongs to it.
fn line_end(body: &[u8]) -> usize {
    if body.ends_with(b"\r\n") { 2 } else { usize::from(body.ends_with(b"\n")) }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(next) = bytes.get(from..)?.iter().position(|byte| *byte == first) {
        let at = from + next;
        if bytes.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

struct ReadHead {
    media_type: String,
    length: Option<usize>,
    /// Bytes up to the body.
    len: usize,
}

/// The headers behind a delimiter, once all of them are there.
fn head_in(bytes: &[u8]) -> Option<ReadHead> {
    let mut read = ReadHead { media_type: String::new(), length: None, len: 0 };
    let mut lines = 0;
    loop {
        let rest = bytes.get(read.len..)?;
        let end = rest.get(..rest.len().min(HEAD_BYTES_MAX + 1))?.iter().position(|byte| *byte == b'\n')?;
        let line = rest.get(..end)?;
        read.len += end + 1;
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        lines += 1;
        if line.is_empty() && lines > 1 {
            // Some firmware leaves a line free before the headers.
            let next = bytes.get(read.len..)?;
            if lines > 2 || !begins_like_a_header(next)? {
                return Some(read);
            }
        }
        if let Some((name, value)) = line.split_once(':') {
            if name.trim().eq_ignore_ascii_case("content-type") {
                read.media_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            } else if name.trim().eq_ignore_ascii_case("content-length") {
                read.length = value.trim().parse().ok();
            }
        }
    }
}

/// `None`: too little is there to tell.
fn begins_like_a_header(bytes: &[u8]) -> Option<bool> {
    const NAME: &[u8] = b"content-";
    let begin = bytes.get(..bytes.len().min(NAME.len()))?;
    if !NAME.get(..begin.len())?.eq_ignore_ascii_case(begin) {
        return Some(false);
    }
    (begin.len() == NAME.len()).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All parts of a body that comes in pieces of this size.
    fn parts(body: &[u8], size: usize) -> Result<Vec<(String, Vec<u8>)>, Broken> {
        let mut parts = Parts::of("multipart/mixed; boundary=edge", 64).unwrap();
        let mut found = Vec::new();
        for piece in body.chunks(size) {
            parts.push(piece);
            while let Some(part) = parts.next()? {
                found.push((part.media_type, part.body.to_vec()));
            }
        }
        Ok(found)
    }

    #[track_caller]
    fn check(body: &[u8], wanted: &[(&str, &[u8])]) {
        let wanted: Vec<_> = wanted.iter().map(|(kind, body)| ((*kind).to_owned(), body.to_vec())).collect();
        for size in [1, 2, 7, 1_000] {
            assert_eq!(parts(body, size).as_ref(), Ok(&wanted), "in pieces of {size}");
        }
    }

    #[test]
    fn parts_come_out_as_they_were_put_in_whatever_pieces_they_come_in() {
        check(
            b"preamble\r\n--edge\r\nContent-Type: application/xml; charset=\"UTF-8\"\r\nContent-Length: 4\r\n\r\n<a/>\r\n\
              --edge\r\nContent-Type: image/jpeg\r\n\r\n\xFF\xD8\xFF--edge \r\n\r\n--edge--\r\nepilogue --edge",
            &[("application/xml", b"<a/>"), ("image/jpeg", b"\xFF\xD8\xFF--edge \r\n")],
        );
        check(b"--edge\n\nx\n--edge--", &[("", b"x")]);
        check(b"", &[]);
    }

    #[test]
    fn what_firmware_gets_wrong_is_allowed_for() {
        // A free line before the headers; a length that is too large, too small, or none.
        let body = |length: &str| {
            format!(
                "--edge\r\n\r\nContent-Disposition: form-data; name=\"x\"\r\nContent-Type: text/xml\r\n{length}\r\n<a/>\r\n--edge--"
            )
        };
        for length in ["Content-Length: 4\r\n", "Content-Length: 40\r\n", "Content-Length: x\r\n", ""] {
            check(body(length).as_bytes(), &[("text/xml", b"<a/>")]);
        }
        check(body("Content-Length: 2\r\n").as_bytes(), &[("text/xml", b"<a")]);
    }

    #[test]
    fn a_part_of_a_stream_is_there_with_its_last_byte() {
        let mut stream = Parts::of("multipart/mixed", 64).unwrap();
        stream.push(b"--boundary\r\nContent-Length: 4\r\n\r\n<a/");
        assert_eq!(stream.next(), Ok(None));
        stream.push(b">");
        assert_eq!(stream.next().unwrap().unwrap().body, "<a/>");
    }

    #[test]
    fn what_is_too_large_is_refused_and_never_kept() {
        let head = b"--edge\r\nContent-Type: image/jpeg\r\n\r\n".to_vec();
        let part = |bytes: usize| [head.clone(), vec![7; bytes], b"\r\n--edge--".to_vec()].concat();
        let large = Err(Broken::TooLarge { limit_bytes: 64 });
        assert_eq!(parts(&part(64), 1).unwrap()[0].1.len(), 64);
        for size in [1, 1_000] {
            assert_eq!(parts(&part(65), size), large);
            assert_eq!(parts(b"--edge\r\nContent-Length: 65\r\n\r\n", size), large);
            assert_eq!(parts(&[b"--edge\r\nx: ".to_vec(), vec![b'x'; 5_000]].concat(), size), Err(Broken::Head));
        }
        let mut endless = Parts::of("multipart/mixed; boundary=edge", 64).unwrap();
        for _ in 0..1_000 {
            endless.push(&[b'x'; 1_000]);
            assert_eq!(endless.next(), Ok(None));
        }
        assert!(endless.buffer.len() < 100);
        for none in ["application/xml", "", "multipart", &format!("multipart/mixed; boundary={}", "x".repeat(71))] {
            assert!(Parts::of(none, 64).is_none(), "{none}");
        }
    }
}
