//! Who is asking, and may they.
//!
//! In:  of each request the cookie of a session ([`crate::sessions`]), or a program's token.
//! Out: [`Signed`] with [`Who`], or a [`Problem`]: 401 without a session, 403 without the role or the CSRF token.
//!
//! Time comes from the platform's clock. A request with `Authorization` needs no CSRF token: no browser sends that header by itself.

use crate::app::{App, blocking};
use crate::listener::Peer;
use crate::problem::Problem;
use crate::refusals::Code;
use crate::sessions::{SessionId, token_of};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use registry::{Registry, Role, TokenHolder, User};
use std::net::IpAddr;
use std::sync::Arc;

/// The cookie's name.
pub(crate) const COOKIE: &str = "steppewatch_session";

/// The header that proves a request comes from our own page.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";

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

/// By what somebody comes in.
#[derive(Clone)]
pub(crate) enum Credential {
    /// The session of the token in the cookie.
    Session(SessionId),
    /// A program's token.
    Token(String),
}

impl Credential {
    /// Who comes in with it now, which counts as a use.
    pub async fn who(&self, app: &App) -> Result<Option<(Who, Arc<str>)>, Problem> {
        match self {
            Self::Session(id) => Ok(app.sessions.still(*id, app.now()).map(|who| {
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

    /// The session; refused for a program's token, which has none.
    pub fn session(&self) -> Result<SessionId, Problem> {
        match &self.credential {
            Credential::Session(id) => Ok(*id),
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
        let session_ended = || Problem::not_logged_in("the session has ended; log in again with POST /api/v1/session");
        let credential = match (bearer_of(&parts.headers), token_of(&parts.headers)) {
            (Some(token), _) => Credential::Token(token.to_owned()),
            (None, Some(token)) => {
                let (id, _) = app.sessions.find(token, app.now()).ok_or_else(session_ended)?;
                Credential::Session(id)
            }
            (None, None) => {
                return Err(Problem::not_logged_in(
                    "neither a session's cookie nor a token; log in with POST /api/v1/session, or send Authorization: Bearer swt_…",
                ));
            }
        };
        let ended = || match &credential {
            Credential::Session(_) => session_ended(),
            Credential::Token(_) => Problem::not_logged_in(
                "the token is none, has expired or was taken back; ask an administrator for another",
            ),
        };
        let (who, by) = credential.who(app).await?.ok_or_else(ended)?;
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
