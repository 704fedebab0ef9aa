//! Digest authentication (RFC 7616, RFC 8760) as devices do it over SIP and HTTP: challenges, and answers to them.
//!
//! In:  an `Authorization` header, the password that the device should know.   Out: whether it knows it, once. Where a device asks
//! us: its challenge, and our password.   Out: [`Challenge::answer`].
//!
//! A nonce carries its own age and address under a key of this process, so that a stranger's challenge costs no memory. It holds for
//! [`NONCE_LIFE`]; what was answered with it once is not taken again, unless its counter has grown.
//! Quirks that are allowed for: the digest is over the `uri` as the header spells it, and over `nc` as it is written.

use crate::network::network;
use md5::Md5;
use model::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Long enough for a retransmission over a bad radio link, short enough that what was listened to is soon worth nothing.
pub(crate) const NONCE_LIFE: Duration = Duration::from_secs(60);
/// Nonces that were answered, kept for their life: a thousand registrations a second.
const ANSWERED_MAX: usize = 65_536;
/// A header beyond this is no device's.
const HEADER_BYTES_MAX: usize = 2_048;

/// What a challenge asks for. SM3, which the edition of 2022 adds, is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Md5,
    Sha256,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, parts: &[&[u8]]) -> String {
        let joined = parts.join(&b':');
        match self {
            Self::Md5 => hex(&Md5::digest(joined)),
            Self::Sha256 => hex(&Sha256::digest(joined)),
        }
    }
}

/// Why an answer is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Not ours, too old, or used before: a new challenge is due.
    Stale,
    /// Not a digest, or one that we did not ask for.
    Malformed,
    /// The password is another.
    Wrong,
}

/// An answer, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub username: String,
    realm: String,
    nonce: String,
    pub uri: String,
    response: String,
    algorithm: Algorithm,
    /// `nc` as written and `cnonce`, with `qop=auth`.
    counted: Option<(String, String)>,
}

impl Authorization {
    /// Reads the header's value.
    pub(crate) fn parse(value: &[u8]) -> Result<Self, Denied> {
        let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= HEADER_BYTES_MAX);
        let text = text.ok_or(Denied::Malformed)?.trim();
        let (scheme, rest) = text.split_once(char::is_whitespace).ok_or(Denied::Malformed)?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return Err(Denied::Malformed);
        }
        let fields = fields(rest);
        let get = |name: &str| fields.get(name).cloned();
        let must = |name: &str| get(name).ok_or(Denied::Malformed);
        let algorithm = match get("algorithm").unwrap_or_else(|| "MD5".to_owned()).to_ascii_uppercase().as_str() {
            "MD5" => Algorithm::Md5,
            "SHA-256" | "SHA256" => Algorithm::Sha256,
            _ => return Err(Denied::Malformed),
        };
        let counted = match get("qop").as_deref() {
            None | Some("") => None,
            Some("auth") => Some((must("nc")?, must("cnonce")?)),
            Some(_) => return Err(Denied::Malformed),
        };
        Ok(Self {
            username: must("username")?,
            realm: must("realm")?,
            nonce: must("nonce")?,
            uri: must("uri")?,
            response: must("response")?.to_ascii_lowercase(),
            algorithm,
            counted,
        })
    }

    /// Whether it is what who knows `password` answers.
    pub(crate) fn proves(&self, method: &str, realm: &str, password: &str) -> bool {
        let expected = self.expected(method, password);
        self.realm == realm && bool::from(expected.as_bytes().ct_eq(self.response.as_bytes()))
    }

    fn expected(&self, method: &str, password: &str) -> String {
        let hash = |parts: &[&[u8]]| self.algorithm.hash(parts);
        let who = hash(&[self.username.as_bytes(), self.realm.as_bytes(), password.as_bytes()]);
        let what = hash(&[method.as_bytes(), self.uri.as_bytes()]);
        let (who, what, nonce) = (who.as_bytes(), what.as_bytes(), self.nonce.as_bytes());
        match &self.counted {
            None => hash(&[who, nonce, what]),
            Some((count, own)) => hash(&[who, nonce, count.as_bytes(), own.as_bytes(), b"auth", what]),
        }
    }

    /// `nc` as a number; 1 for who does not count.
    fn count(&self) -> Option<u32> {
        match &self.counted {
            None => Some(1),
            Some((count, _)) => u32::from_str_radix(count, 16).ok(),
        }
    }
}

/// `key=value` and `key="value"` with commas between.
fn fields(mut rest: &str) -> HashMap<String, String> {
    let mut fields = HashMap::new();
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim().trim_start_matches(',').trim().to_ascii_lowercase();
        let after = after.trim_start();
        let (value, tail) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        // The first wins: a second one would let a proxy and us read different things.
        fields.entry(key).or_insert_with(|| value.trim().to_owned());
        rest = tail.trim_start().trim_start_matches(',');
    }
    fields
}

/// Makes nonces and remembers the answered ones.
pub(crate) struct Nonces {
    key: [u8; 32],
    /// Answered nonces: when they end, and the highest counter.
    answered: HashMap<String, (Timestamp, u32)>,
}

impl Nonces {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { key, answered: HashMap::new() }
    }

    /// A nonce for who asks from this address now.
    pub(crate) fn make(&self, from: IpAddr, now: Timestamp, salt: u64) -> String {
        let issued = format!("{:016x}{salt:016x}", now.as_millis());
        format!("{issued}{}", self.mark(&issued, from))
    }

    fn mark(&self, issued: &str, from: IpAddr) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(issued.as_bytes());
        hasher.update(network(from).to_string().as_bytes());
        hex(hasher.finalize().as_bytes().get(..8).unwrap_or_default())
    }

    /// Whether the nonce is one of ours, for this address, and not too old.
    pub(crate) fn is_fresh(&self, answer: &Authorization, from: IpAddr, now: Timestamp) -> Result<(), Denied> {
        let issued = answer.nonce.get(..32).ok_or(Denied::Stale)?;
        let mark = answer.nonce.get(32..).unwrap_or_default();
        if !bool::from(mark.as_bytes().ct_eq(self.mark(issued, from).as_bytes())) {
            return Err(Denied::Stale);
        }
        let millis = issued.get(..16).and_then(|hex| i64::from_str_radix(hex, 16).ok()).ok_or(Denied::Stale)?;
        let age = now.since(Timestamp::from_millis(millis));
        if age > NONCE_LIFE { Err(Denied::Stale) } else { Ok(()) }
    }

    /// Uses up an answer that was right: it, and every earlier one with this nonce, is not taken again.
    pub(crate) fn use_up(&mut self, answer: &Authorization, now: Timestamp) -> Result<(), Denied> {
        let count = answer.count().ok_or(Denied::Malformed)?;
        if self.answered.len() >= ANSWERED_MAX {
            self.answered.retain(|_, (end, _)| *end > now);
        }
        let is_full = self.answered.len() >= ANSWERED_MAX;
        match self.answered.get_mut(&answer.nonce) {
            Some((_, highest)) if count > *highest && answer.counted.is_some() => {
                *highest = count;
                Ok(())
            }
            Some(_) => Err(Denied::Stale),
            None if is_full => Err(Denied::Stale),
            None => {
                self.answered.insert(answer.nonce.clone(), (now.plus(NONCE_LIFE), count));
                Ok(())
            }
        }
    }
}

/// The value of a `WWW-Authenticate` header.
pub(crate) fn challenge(realm: &str, nonce: &str, algorithm: Algorithm, stale: bool) -> String {
    let stale = if stale { ", stale=true" } else { "" };
    let algorithm = algorithm.name();
    format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"{stale}")
}

/// What a device asks us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// Whether it wants a counter.
    counts: bool,
}

impl Challenge {
    /// The best of those that the headers `WWW-Authenticate` hold and we can answer.
    pub(crate) fn best_of<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let challenges: Vec<Self> = headers.filter_map(Self::parse).collect();
        let better = challenges.iter().find(|one| one.algorithm == Algorithm::Sha256).cloned();
        better.or_else(|| challenges.into_iter().next())
    }

    fn parse(header: &str) -> Option<Self> {
        const SCHEME: &str = "digest ";
        let text = header.get(..header.len().min(HEADER_BYTES_MAX))?;
        let at = text.to_ascii_lowercase().find(SCHEME)?;
        let fields = fields(text.get(at + SCHEME.len()..)?);
        let algorithm = fields.get("algorithm").map_or("MD5", String::as_str).to_ascii_uppercase();
        let ways = fields.get("qop").map_or("", String::as_str);
        let counts = ways.split(',').any(|way| way.trim().eq_ignore_ascii_case("auth"));
        if !counts && !ways.is_empty() {
            return None;
        }
        let algorithm = match algorithm.as_str() {
            "MD5" => Algorithm::Md5,
            "SHA-256" => Algorithm::Sha256,
            _ => return None,
        };
        let opaque = fields.get("opaque").cloned();
        Some(Self {
            realm: fields.get("realm")?.clone(),
            nonce: fields.get("nonce")?.clone(),
            opaque,
            algorithm,
            counts,
        })
    }

    /// The value of our `Authorization` header; `count` grows with each answer to this challenge, and `own` nobody can foresee.
    pub(crate) fn answer(&self, request: (&str, &str), user: (&str, &str), count: u32, own: &str) -> String {
        let ((method, uri), (name, password)) = (request, user);
        let counted = self.counts.then(|| (format!("{count:08x}"), own.to_owned()));
        let proof = Authorization {
            username: name.to_owned(),
            realm: self.realm.clone(),
            nonce: self.nonce.clone(),
            uri: uri.to_owned(),
            response: String::new(),
            algorithm: self.algorithm,
            counted,
        };
        let response = proof.expected(method, password);
        let (realm, nonce, algorithm) = (&self.realm, &self.nonce, self.algorithm.name());
        let mut header = format!(
            "Digest username=\"{name}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", algorithm={algorithm}"
        );
        if let Some((count, own)) = &proof.counted {
            header.push_str(&format!(", qop=auth, nc={count}, cnonce=\"{own}\""));
        }
        if let Some(opaque) = &self.opaque {
            header.push_str(&format!(", opaque=\"{opaque}\""));
        }
        header
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REALM: &str = "1525250040";
    const PASSWORD: &str = "Grass#2026";

    fn answer(rest: &str, response: &str) -> Authorization {
        let header = format!(
            "Digest username=\"15252500401320000001\", realm=\"{REALM}\", nonce=\"6fe9ba44a76be22a\", \
             uri=\"sip:15252500402000000001@1525250040\", response=\"{response}\"{rest}"
        );
        Authorization::parse(header.as_bytes()).unwrap()
    }

    #[test]
    fn the_known_answers_are_right_with_and_without_a_counter_whatever_way_it_is_written() {
        let cases = [
            ("", "fd98749218534c33b3fd276626b8b517"),
            (", qop=auth, nc=00000001, cnonce=\"0a4f113b\"", "4f99cfef31a76470f1ac3d5d20bf99b7"),
            (", qop=\"auth\", nc=0000000a, cnonce=\"0a4f113b\"", "6c58b6d48ae369693fd7a9ff3a42feeb"),
            (",algorithm=MD5", "FD98749218534C33B3FD276626B8B517"),
        ];
        for (rest, response) in cases {
            let answer = answer(rest, response);
            assert!(answer.proves("REGISTER", REALM, PASSWORD), "{rest}");
            assert!(!answer.proves("REGISTER", REALM, "Grass#2027"), "{rest}");
            assert!(!answer.proves("MESSAGE", REALM, PASSWORD), "{rest}");
            assert!(!answer.proves("REGISTER", "3402000000", PASSWORD), "{rest}");
        }
    }

    #[test]
    fn sha_256_gives_the_answer_of_the_rfcs_example() {
        // RFC 7616, 3.9.1; the method is HTTP's.
        let header = "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm=SHA-256, \
            nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", \
            qop=auth, response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\"";
        let answer = Authorization::parse(header.as_bytes()).unwrap();
        assert!(answer.proves("GET", "http-auth@example.org", "Circle of Life"));
    }

    #[test]
    fn a_nonce_is_for_its_address_and_its_minute_and_is_used_up() {
        let mut nonces = Nonces::new([7; 32]);
        let (here, there) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let now = Timestamp::from_millis(1_795_313_700_000);
        let fresh = nonces.make(here, now, 1);
        assert_ne!(fresh, nonces.make(here, now, 2));
        let plain = Authorization { nonce: fresh.clone(), ..answer("", "") };
        assert_eq!(nonces.is_fresh(&plain, here, now.plus(NONCE_LIFE)), Ok(()));
        assert_eq!(nonces.is_fresh(&plain, there, now), Err(Denied::Stale));
        assert_eq!(
            nonces.is_fresh(&plain, here, now.plus(NONCE_LIFE).plus(Duration::from_millis(1))),
            Err(Denied::Stale)
        );
        assert_eq!(nonces.is_fresh(&answer("", ""), here, now), Err(Denied::Stale));
        assert_eq!(nonces.use_up(&plain, now), Ok(()));
        assert_eq!(nonces.use_up(&plain, now), Err(Denied::Stale));
        let counting = |nc: &str| Authorization {
            nonce: nonces.make(here, now, 3),
            ..answer(&format!(", qop=auth, nc={nc}, cnonce=\"x\""), "")
        };
        let (first, second) = (counting("00000001"), counting("00000002"));
        assert_eq!(nonces.use_up(&first, now), Ok(()));
        assert_eq!(nonces.use_up(&first, now), Err(Denied::Stale));
        assert_eq!(nonces.use_up(&second, now), Ok(()));
        assert_eq!(nonces.use_up(&first, now), Err(Denied::Stale));
    }

    #[test]
    fn our_answer_proves_that_we_know_the_password_and_the_better_challenge_is_answered() {
        let headers = [
            "Basic realm=\"camera\"",
            "Digest qop=\"auth\", realm=\"IP Camera(12345)\", nonce=\"4d7a\", stale=\"FALSE\"",
            "Digest realm=\"IP Camera(12345)\", nonce=\"4d7b\", algorithm=SHA-256, qop=\"auth,auth-int\", opaque=\"o\"",
            "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256",
            "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"",
        ];
        let best = Challenge::best_of(headers.into_iter()).unwrap();
        assert_eq!((best.nonce.as_str(), best.algorithm), ("4d7b", Algorithm::Sha256));
        let old = Challenge::best_of(headers.into_iter().take(2)).unwrap();
        let oldest = Challenge::best_of(["digest realm=\"r\",nonce=\"n\""].into_iter()).unwrap();
        for (challenge, realm) in [(best, "IP Camera(12345)"), (old, "IP Camera(12345)"), (oldest, "r")] {
            let header = challenge.answer(("GET", "/ISAPI/x?y=1"), ("admin", PASSWORD), 2, "0a4f113b");
            let answer = Authorization::parse(header.as_bytes()).unwrap();
            assert!(answer.proves("GET", realm, PASSWORD), "{header}");
            assert!(!answer.proves("POST", realm, PASSWORD), "{header}");
        }
        assert_eq!(Challenge::best_of(headers.into_iter().skip(3)), None);
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for bad in ["", "Basic abc", "Digest", "Digest username=\"a\"", "Digest \u{1}=\"", "Digest a=b,c=\"d"] {
            assert_eq!(Authorization::parse(bad.as_bytes()), Err(Denied::Malformed), "{bad}");
        }
        let long = format!("Digest username=\"{}\"", "a".repeat(HEADER_BYTES_MAX));
        assert_eq!(Authorization::parse(long.as_bytes()), Err(Denied::Malformed));
    }
}
