//! Who is asking, and may they.
//!
//! In:  a user whose password was right ([`Sessions::open`]), and of each later request the cookie, or a program's token ([`Signed`]).
//! Out: [`Who`], or a [`Problem`]: 401 without a session, 403 without the role or the CSRF token.
//!
//! Never: keeps or logs a token; only its BLAKE3 hash is held, in memory, so a restart logs everybody out. Time comes from
//! the platform's clock. A request with `Authorization` needs no CSRF token: no browser sends that header by itself.

use crate::app::{App, blocking};
use crate::listener::Peer;
use crate::problem::Problem;
use crate::refusals::Code;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use blake3::Hash;
use model::Timestamp;
use rand::TryRngCore;
use rand::rngs::OsRng;
use registry::{Registry, Role, TokenHolder, User};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The cookie's name.
pub(crate) const COOKIE: &str = "steppewatch_session";

/// The header that proves a request comes from our own page.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";

/// Sessions held at once: each person of a banner ten times over. The one unused for longest makes room.
const SESSIONS_MAX: usize = 2_000;

/// A session ends when nobody used it for a shift. An open live view uses it.
const IDLE_MAX: Duration = Duration::from_secs(8 * 3_600);

/// A session ends after a day whatever happens.
const AGE_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Bytes of a token: beyond guessing.
const TOKEN_BYTES: usize = 32;

/// A logged in user.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    /// Name, roles, townships.
    pub user: Arc<User>,
    /// What state-changing requests must carry.
    pub csrf: Arc<str>,
}

impl Who {
    /// Refuses who has none of these roles.
    pub fn require(&self, roles: &[Role]) -> Result<(), Problem> {
        if self.user.roles.iter().any(|role| roles.contains(role)) {
            return Ok(());
        }
        let names = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>();
        Err(Problem::forbidden(format!("this needs one of the roles {}; ask an administrator", names.join(", ")))
            .because(Code::RoleNeeded, [names.join(",").into()]))
    }

    /// Whether something in this township is this user's business. No townships means all.
    pub fn sees(&self, township: Option<&str>) -> bool {
        let own = &self.user.townships;
        own.is_empty() || township.is_some_and(|township| own.iter().any(|code| code.as_str() == township))
    }

    /// Refuses who has only some townships: what is decided may hold in the others too.
    pub fn require_everywhere(&self) -> Result<(), Problem> {
        if self.sees_everything() {
            return Ok(());
        }
        let own = self.user.townships.iter().map(|code| code.as_str()).collect::<Vec<_>>();
        Err(Problem::forbidden(format!(
            "your account is for the townships {}; ask somebody whose account is for all",
            own.join(", ")
        ))
        .because(Code::OtherTownships, [own.join(",").into()]))
    }

    /// Whether everything is this user's business.
    pub fn sees_everything(&self) -> bool {
        self.user.townships.is_empty()
    }
}

#[derive(Debug)]
struct Session {
    who: Who,
    opened_at: Timestamp,
    used_at: Timestamp,
}

impl Session {
    fn alive(&self, now: Timestamp) -> bool {
        now.since(self.used_at) <= IDLE_MAX && now.since(self.opened_at) <= AGE_MAX
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

/// All sessions, by the hash of their token.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_hash: Mutex<HashMap<Hash, Session>>,
}

impl Sessions {
    /// Opens one for a user whose password was right.
    pub fn open(&self, user: User, now: Timestamp) -> Result<Opened, Problem> {
        let token = random_token()?;
        let csrf: Arc<str> = Arc::from(random_token()?);
        let who = Who { user: Arc::new(user), csrf: Arc::clone(&csrf) };
        let mut sessions = self.by_hash.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= SESSIONS_MAX {
            sessions.retain(|_, session| session.alive(now));
        }
        if sessions.len() >= SESSIONS_MAX {
            let unused = sessions.iter().min_by_key(|(_, session)| session.used_at).map(|(hash, _)| *hash);
            unused.and_then(|hash| sessions.remove(&hash));
        }
        sessions.insert(blake3::hash(token.as_bytes()), Session { who, opened_at: now, used_at: now });
        Ok(Opened { token, csrf })
    }

    /// Who holds this token, which counts as a use.
    pub fn find(&self, token: &str, now: Timestamp) -> Option<Who> {
        let hash = blake3::hash(token.as_bytes());
        let mut sessions = self.by_hash.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get_mut(&hash)?;
        if session.alive(now) {
            session.used_at = now.max(session.used_at);
            return Some(session.who.clone());
        }
        sessions.remove(&hash);
        None
    }

    /// Ends one.
    pub fn close(&self, token: &str) {
        self.by_hash.lock().unwrap_or_else(PoisonError::into_inner).remove(&blake3::hash(token.as_bytes()));
    }

    /// Ends all of somebody's: they may something else now, or have another password.
    pub fn close_all_of(&self, username: &str) {
        let mut sessions = self.by_hash.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.who.user.username != username);
    }

    /// How many there are, dead ones that were not yet swept included.
    pub fn count(&self) -> usize {
        self.by_hash.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
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

/// By what somebody comes in.
#[derive(Clone)]
pub(crate) enum Credential {
    /// The token in the cookie.
    Session(String),
    /// A program's token.
    Token(String),
}

impl Credential {
    /// Who comes in with it now, which counts as a use.
    pub async fn who(&self, app: &App) -> Result<Option<(Who, Arc<str>)>, Problem> {
        match self {
            Self::Session(token) => Ok(app.sessions.find(token, app.now()).map(|who| {
                let by = Arc::from(who.user.username.as_str());
                (who, by)
            })),
            Self::Token(token) => {
                let (registry, token) = (app.parts.registry.clone(), token.clone());
                let holder = blocking("looking at a token", move || registry.token_holder(&token)).await?;
                Ok(holder.map(|TokenHolder { user, by }| {
                    (Who { user: Arc::new(user), csrf: Arc::default() }, Arc::from(by))
                }))
            }
        }
    }
}

/// A request by somebody known; a state-changing one by a session also carried the CSRF token.
pub(crate) struct Signed {
    /// Who asks.
    pub who: Who,
    /// By what, to end it or to look whether it still lives.
    pub credential: Credential,
    /// What the audit calls them.
    pub by: Arc<str>,
    /// From where.
    pub address: IpAddr,
}

impl Signed {
    /// The registry for a change of theirs, and what the audit calls them.
    pub fn author(&self, app: &App) -> (Registry, String) {
        (app.parts.registry.from_address(self.address), self.by.to_string())
    }

    /// The session's token; refused for a program's token, which has no session.
    pub fn session(&self) -> Result<&str, Problem> {
        match &self.credential {
            Credential::Session(token) => Ok(token),
            Credential::Token(_) => {
                Err(Problem::forbidden("a token of the API cannot do this; log in with a password")
                    .because(Code::PasswordNeeded, []))
            }
        }
    }
}

/// The token after `Authorization: Bearer`.
fn bearer_of(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl FromRequestParts<Arc<App>> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let credential = match (bearer_of(&parts.headers), token_of(&parts.headers)) {
            (Some(token), _) => Credential::Token(token.to_owned()),
            (None, Some(token)) => Credential::Session(token.to_owned()),
            (None, None) => {
                return Err(Problem::not_logged_in(
                    "neither a session's cookie nor a token; log in with POST /api/v1/session, or send Authorization: Bearer swt_…",
                ));
            }
        };
        let ended = || match &credential {
            Credential::Session(_) => "the session has ended; log in again with POST /api/v1/session",
            Credential::Token(_) => {
                "the token is none, has expired or was taken back; ask an administrator for another"
            }
        };
        let (who, by) = credential.who(app).await?.ok_or_else(|| Problem::not_logged_in(ended()))?;
        let changes = !matches!(parts.method, Method::GET | Method::HEAD);
        if changes && matches!(credential, Credential::Session(_)) {
            let given = parts.headers.get(CSRF_HEADER).map_or(&b""[..], |value| value.as_bytes());
            // Hashes compare in constant time.
            if blake3::hash(given) != blake3::hash(who.csrf.as_bytes()) {
                return Err(Problem::csrf());
            }
        }
        let peer = parts.extensions.get::<ConnectInfo<Peer>>();
        let ConnectInfo(Peer(peer)) = peer.ok_or_else(|| Problem::internal("finding the address", "no peer"))?;
        Ok(Self { who, credential, by, address: peer.ip() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> User {
        User {
            username: name.to_owned(),
            roles: vec![Role::Operator],
            townships: Vec::new(),
            disabled: false,
            second_factor: false,
        }
    }

    fn hours(hours: i64) -> Timestamp {
        Timestamp::from_millis(hours * 3_600_000)
    }

    #[test]
    fn a_session_ends_after_eight_hours_unused_and_after_a_day_in_any_case() {
        let sessions = Sessions::default();
        let idle = sessions.open(user("idle"), hours(0)).unwrap();
        let busy = sessions.open(user("busy"), hours(0)).unwrap();
        for hour in [7, 14, 21, 24] {
            assert!(sessions.find(&busy.token, hours(hour)).is_some(), "{hour}");
        }
        assert!(sessions.find(&idle.token, hours(9)).is_none());
        assert!(sessions.find(&busy.token, hours(25)).is_none());
    }

    #[test]
    fn sessions_are_bounded_and_the_one_unused_for_longest_makes_room() {
        let sessions = Sessions::default();
        let first = sessions.open(user("first"), hours(0)).unwrap();
        let second = sessions.open(user("second"), hours(1)).unwrap();
        for _ in 2..=SESSIONS_MAX {
            sessions.open(user("more"), hours(2)).unwrap();
        }
        assert_eq!(sessions.count(), SESSIONS_MAX);
        assert!(sessions.find(&first.token, hours(2)).is_none());
        assert!(sessions.find(&second.token, hours(2)).is_some());
    }

    #[test]
    fn the_token_is_found_among_other_cookies_and_not_in_one_with_a_longer_name() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=b; steppewatch_session2=no; steppewatch_session=yes".parse().unwrap());
        assert_eq!(token_of(&headers), Some("yes"));
    }
}
