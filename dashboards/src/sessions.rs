//! Sessions of people who are logged in, and the tokens in their cookies.
//!
//! In: a user whose password was right ([`Sessions::open`]), the cookie of each later request ([`Sessions::find`]).   Out: [`Who`], and now
//! and then a new token ([`renew`]).
//!
//! A token is renewed each hour that it is used. The one before stays good until the browser has shown that it got the new one, and a minute
//! longer for what was on its way: an answer that is lost logs nobody out, and a token that somebody copied is worth an hour.
//!
//! Never: keeps or logs a token; only its BLAKE3 hash is held, in memory, so a restart logs everybody out.

use crate::app::App;
use crate::auth::{COOKIE, Who};
use crate::login::cookie;
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use blake3::Hash;
use model::Timestamp;
use rand::TryRngCore;
use rand::rngs::OsRng;
use registry::User;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Sessions held at once: each person of a banner ten times over. The one unused for longest makes room.
const SESSIONS_MAX: usize = 2_000;

/// A session ends when nobody used it for a shift. An open live view uses it.
const IDLE_MAX: Duration = Duration::from_secs(8 * 3_600);

/// A session ends after a day whatever happens.
const AGE_MAX: Duration = Duration::from_secs(24 * 3_600);

/// A token that is this old is renewed when it is used.
const RENEW_AFTER: Duration = Duration::from_secs(3_600);

/// So long a token stays good after the one that takes its place was used; and so long nobody is sent a third one.
const GRACE: Duration = Duration::from_secs(60);

/// Bytes of a token: beyond guessing.
const TOKEN_BYTES: usize = 32;

/// Which session, while its tokens change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SessionId(u64);

#[derive(Debug)]
struct Session {
    who: Who,
    opened_at: Timestamp,
    used_at: Timestamp,
    token: Hash,
    token_since: Timestamp,
    before: Option<Before>,
}

/// The token before the present one.
#[derive(Debug, Clone, Copy)]
struct Before {
    token: Hash,
    /// Until when it is good; not yet known as long as nobody used the present one.
    until: Option<Timestamp>,
}

impl Session {
    fn alive(&self, now: Timestamp) -> bool {
        now.since(self.used_at) <= IDLE_MAX && now.since(self.opened_at) <= AGE_MAX
    }

    fn tokens(&self) -> impl Iterator<Item = Hash> + use<> {
        [Some(self.token), self.before.map(|before| before.token)].into_iter().flatten()
    }
}

/// What a new session hands to the browser.
#[derive(Debug)]
pub(crate) struct Opened {
    /// For the cookie; nowhere else.
    pub token: String,
    /// For the page.
    pub csrf: Arc<str>,
}

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    by_token: HashMap<Hash, SessionId>,
    sessions: HashMap<SessionId, Session>,
    opened: u64,
}

impl Held {
    fn remove(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.remove(&id) {
            for token in session.tokens() {
                self.by_token.remove(&token);
            }
        }
    }

    fn retain(&mut self, keep: impl Fn(&Session) -> bool) {
        let gone: Vec<SessionId> =
            self.sessions.iter().filter(|(_, session)| !keep(session)).map(|(id, _)| *id).collect();
        gone.into_iter().for_each(|id| self.remove(id));
    }

    /// A session that lives, which counts as a use.
    fn used(&mut self, id: SessionId, now: Timestamp) -> Option<&mut Session> {
        if !self.sessions.get(&id)?.alive(now) {
            self.remove(id);
            return None;
        }
        let session = self.sessions.get_mut(&id)?;
        session.used_at = now.max(session.used_at);
        Some(session)
    }
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens one for a user whose password was right.
    pub fn open(&self, user: User, now: Timestamp) -> Result<Opened, Problem> {
        let token = random_token()?;
        let csrf: Arc<str> = Arc::from(random_token()?);
        let who = Who { user: Arc::new(user), csrf: Arc::clone(&csrf) };
        let mut held = self.lock();
        if held.sessions.len() >= SESSIONS_MAX {
            held.retain(|session| session.alive(now));
        }
        if held.sessions.len() >= SESSIONS_MAX {
            let unused = held.sessions.iter().min_by_key(|(_, session)| session.used_at).map(|(id, _)| *id);
            unused.into_iter().for_each(|id| held.remove(id));
        }
        held.opened += 1;
        let (id, hash) = (SessionId(held.opened), hash(&token));
        held.by_token.insert(hash, id);
        let session = Session { who, opened_at: now, used_at: now, token: hash, token_since: now, before: None };
        held.sessions.insert(id, session);
        Ok(Opened { token, csrf })
    }

    /// Who holds this token, and by which session; it counts as a use.
    pub fn find(&self, token: &str, now: Timestamp) -> Option<(SessionId, Who)> {
        let hash = hash(token);
        let mut held = self.lock();
        let id = *held.by_token.get(&hash)?;
        let session = held.sessions.get_mut(&id)?;
        if let Some(before) = &mut session.before {
            if hash == session.token {
                // It came to the browser: what was on its way with the one before has a minute more.
                before.until.get_or_insert(now.plus(GRACE));
            } else if before.until.is_some_and(|until| now > until) {
                session.before = None;
                held.by_token.remove(&hash);
                return None;
            }
        }
        let session = held.used(id, now)?;
        Some((id, session.who.clone()))
    }

    /// Whose session it is, if it still lives; it counts as a use.
    pub fn still(&self, id: SessionId, now: Timestamp) -> Option<Who> {
        self.lock().used(id, now).map(|session| session.who.clone())
    }

    /// A new token in place of one that a request was just answered for, if it is time. The CSRF token stays.
    fn renew(&self, token: &str, now: Timestamp) -> Result<Option<String>, Problem> {
        let hash = hash(token);
        let mut held = self.lock();
        let held = &mut *held;
        let Some(id) = held.by_token.get(&hash).copied() else { return Ok(None) };
        let Some(session) = held.sessions.get_mut(&id).filter(|session| session.alive(now)) else { return Ok(None) };
        let age = now.since(session.token_since);
        let is_due = if hash == session.token {
            age >= RENEW_AFTER
        } else {
            // Still the one before: the answer with the new one was lost.
            session.before.is_some_and(|before| before.until.is_none()) && age >= GRACE
        };
        if !is_due {
            return Ok(None);
        }
        let token = random_token()?;
        let new = self::hash(&token);
        let replaced = if hash == session.token {
            let older = session.before.replace(Before { token: hash, until: None });
            older.map(|before| before.token)
        } else {
            Some(session.token)
        };
        if let Some(token) = replaced {
            held.by_token.remove(&token);
        }
        (session.token, session.token_since) = (new, now);
        held.by_token.insert(new, id);
        Ok(Some(token))
    }

    /// Ends one.
    pub fn close(&self, id: SessionId) {
        self.lock().remove(id);
    }

    /// Ends all of somebody's: they may something else now, or have another password.
    pub fn close_all_of(&self, username: &str) {
        self.lock().retain(|session| session.who.user.username != username);
    }

    /// How many there are, dead ones that were not yet swept included.
    pub fn count(&self) -> usize {
        self.lock().sessions.len()
    }
}

fn hash(token: &str) -> Hash {
    blake3::hash(token.as_bytes())
}

fn random_token() -> Result<String, Problem> {
    let mut bytes = [0_u8; TOKEN_BYTES];
    // The system's own randomness: a token must not follow from a seed.
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| Problem::internal("making a session token", error))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The session token among a request's cookies.
pub(crate) fn token_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Puts a new token beside an answer where it is time for one.
pub(crate) async fn renew(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let token = token_of(request.headers()).map(str::to_owned);
    let mut response = next.run(request).await;
    // Whoever logged in or out just now has said what becomes of the cookie; a page does not see the cookie of a socket's answer in time.
    let is_settled = response.headers().contains_key(header::SET_COOKIE);
    if let Some(token) = token.filter(|_| !is_settled && response.status() != StatusCode::SWITCHING_PROTOCOLS) {
        // Without randomness the old one goes on; the log has said so.
        let renewed = app.sessions.renew(&token, app.now()).ok().flatten();
        let cookie = renewed.and_then(|token| cookie(&token, app.parts.certificate.is_some()).ok());
        response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    }
    response
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
