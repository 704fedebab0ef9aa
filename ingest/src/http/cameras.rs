//! What cameras post: the events of ISAPI, by a login that cameras can do.
//!
//! In:  `POST /isapi/{device}` with Digest or Basic, or `POST /isapi/{device}/{password}`.   Out: the event and its pictures in the
//! journal, and then 200.
//!
//! What cannot be understood is answered with 200 all the same, and is kept as a dead letter: a camera that is told "no" sends it
//! for ever. Without a login the answer asks for one; the body is read away first, or a camera that is still sending would not
//! hear it.
//!
//! Never: 200 before the journal's proof; a camera speaking as another; a password in a log line or an answer.

use super::refusal::Refusal;
use super::{Door, limits};
use crate::credentials::Wrong;
use crate::protocol::digest::{self, Algorithm, Authorization, Denied};
use crate::protocol::isapi::events::{self, Event, Piece, SYSTEM, Said, events};
use crate::protocol::isapi::multipart::Parts;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use model::{DeviceId, Transport};
use rand::Rng;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError};
use subtle::ConstantTimeEq;

/// What a camera shows whoever asks whither it posts.
const REALM: &str = "steppewatch";

/// Why a camera gets no 200.
enum No {
    Refused(Refusal),
    /// Its proof is too old, or was used.
    Stale,
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// `POST /isapi/{device}`
pub(super) async fn posted(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(named): Path<String>,
    request: Request,
) -> Response {
    door.hear_camera(peer, &named, None, request).await
}

/// `POST /isapi/{device}/{password}`: for cameras whose page has no field for a user.
pub(super) async fn posted_with_password(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((named, password)): Path<(String, String)>,
    request: Request,
) -> Response {
    door.hear_camera(peer, &named, Some(&password), request).await
}

impl Door {
    async fn hear_camera(&self, peer: SocketAddr, named: &str, password: Option<&str>, request: Request) -> Response {
        let outcome = match self.camera(peer.ip(), named, password, &request) {
            Ok(camera) => self.take_events(&camera, request).await.map_err(No::Refused),
            Err(no) => {
                self.room.discard(request, limits::EVENT_BODY_BYTES_MAX).await;
                Err(no)
            }
        };
        let (refusal, stale) = match outcome {
            Ok(()) => return StatusCode::OK.into_response(),
            Err(No::Refused(refusal)) => (refusal, false),
            Err(No::Stale) => (Refusal::NoCredentials, true),
        };
        // Being asked for a login is how every digest begins.
        if !matches!(refusal, Refusal::NoCredentials) {
            self.refusals.note(&refusal, peer, named);
        }
        let mut response = refusal.into_response();
        if response.status() == StatusCode::UNAUTHORIZED {
            self.challenge(peer.ip(), stale, response.headers_mut());
        }
        response
    }

    /// MD5 comes first, since old firmware reads one challenge and knows no other digest; who knows better chooses SHA-256.
    fn challenge(&self, from: IpAddr, stale: bool, headers: &mut HeaderMap) {
        let nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        let nonce = nonces.make(from, self.clock.now(), rand::rng().random());
        let digests = [Algorithm::Md5, Algorithm::Sha256].map(|one| digest::challenge(REALM, &nonce, one, stale));
        headers.remove(header::WWW_AUTHENTICATE);
        for way in digests.into_iter().chain([format!("Basic realm=\"{REALM}\"")]) {
            if let Ok(value) = HeaderValue::from_str(&way) {
                headers.append(header::WWW_AUTHENTICATE, value);
            }
        }
    }

    /// The camera that posts, which is the one that the address names.
    fn camera(&self, from: IpAddr, named: &str, password: Option<&str>, request: &Request) -> Result<DeviceId, No> {
        let same = |known: &str, said: &str| bool::from(known.as_bytes().ct_eq(said.as_bytes()));
        let claim = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let camera = match (password, claim) {
            (Some(said), _) => self.derived(named, from, |known| same(known, said))?,
            (None, None) => return Err(Refusal::NoCredentials.into()),
            (None, Some(claim)) => match pair(claim) {
                Some((user, said)) => self.basic(&user, &said, from)?,
                None => self.digest(claim, from, request.method().as_str(), request.uri())?,
            },
        };
        let is_itself = {
            let view = self.registry.view();
            view.borrow().by_external(SYSTEM, named).is_some_and(|device| device.id == camera)
        };
        if is_itself { Ok(camera) } else { Err(Refusal::Foreign { itself: camera.to_string() }.into()) }
    }

    fn derived(&self, name: &str, from: IpAddr, proves: impl Fn(&str) -> bool) -> Result<DeviceId, Refusal> {
        self.credentials.check_derived((SYSTEM, name), from, proves).map_err(Refusal::from)
    }

    /// The password that is derived, or the device's secret.
    fn basic(&self, user: &str, said: &str, from: IpAddr) -> Result<DeviceId, Refusal> {
        let view = self.registry.view();
        let device = view.borrow().by_external(SYSTEM, user).map(|device| device.id.clone());
        if let Some(device) = device
            && self.registry.check_secret(&device, said).is_ok()
        {
            return Ok(device);
        }
        self.derived(user, from, |known| bool::from(known.as_bytes().ct_eq(said.as_bytes())))
    }

    fn digest(&self, claim: &[u8], from: IpAddr, method: &str, uri: &Uri) -> Result<DeviceId, No> {
        let no = |denied: Denied| match denied {
            Denied::Stale => No::Stale,
            Denied::Malformed | Denied::Wrong => Refusal::BadCredentials.into(),
        };
        let answer = Authorization::parse(claim).map_err(no)?;
        if !is_for(&answer.uri, uri) {
            return Err(Refusal::BadCredentials.into());
        }
        let now = self.clock.now();
        let nonces = || self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        nonces().is_fresh(&answer, from, now).map_err(no)?;
        let camera = self.derived(&answer.username, from, |known| answer.proves(method, REALM, known))?;
        nonces().use_up(&answer, now).map_err(no)?;
        Ok(camera)
    }

    async fn take_events(&self, camera: &DeviceId, request: Request) -> Result<(), Refusal> {
        let _turn = self.turns.take(camera)?;
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let whole = self.room.whole(request, limits::EVENT_BODY_BYTES_MAX).await?;
        let events = events_of(&content_type, &whole.bytes)?;
        let now = self.clock.now();
        let frames: Vec<_> = {
            let view = self.registry.view();
            let view = Arc::clone(&view.borrow());
            let said = Said { speaker: camera, view: &view, transport: Transport::Http, now };
            let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
            events.iter().flat_map(|event| said.frames(event, &mut health)).collect()
        };
        self.record(frames).await
    }
}

/// What a body holds; what is no multipart is one event.
fn events_of(content_type: &str, body: &Bytes) -> Result<Vec<Event>, Refusal> {
    let Some(mut parts) = Parts::of(content_type, events::PICTURE_BYTES_MAX) else {
        if body.len() > events::EVENT_BYTES_MAX {
            return Err(Refusal::TooLarge { limit_bytes: events::EVENT_BYTES_MAX });
        }
        return Ok(vec![Event { alert: body.clone(), pictures: Vec::new() }]);
    };
    parts.push(body);
    let mut pieces = Vec::new();
    loop {
        match parts.next() {
            Ok(Some(part)) if pieces.len() < limits::EVENT_PARTS_MAX => pieces.push(Piece::of(part)),
            Ok(Some(_)) => return Err(Refusal::Malformed("the form has too many parts".to_owned())),
            Ok(None) => break,
            Err(broken) => return Err(Refusal::Malformed(broken.to_string())),
        }
    }
    let events = events(pieces.into_iter());
    if events.is_empty() {
        return Err(Refusal::Malformed("there is no event in the form; one part must be its XML or JSON".to_owned()));
    }
    Ok(events)
}

/// User and password of HTTP Basic.
fn pair(claim: &[u8]) -> Option<(String, String)> {
    const LONGEST: usize = 512;
    let text = std::str::from_utf8(claim).ok().filter(|text| text.len() <= LONGEST)?;
    let (scheme, rest) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok())?;
    decoded.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// Whether a proof is for this address: cameras write the path alone, or the whole URL.
fn is_for(written: &str, asked: &Uri) -> bool {
    let asked = asked.path_and_query().map_or("", |path| path.as_str());
    let path = match written.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default(),
        None => written,
    };
    path == asked
}

impl From<Wrong> for Refusal {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Secret => Self::BadCredentials,
            Wrong::TooOften(wait) => Self::Throttled { wait },
            Wrong::Disabled => Self::Disabled,
            Wrong::Quarantined => Self::Quarantined,
        }
    }
}
