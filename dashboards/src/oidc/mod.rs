//! Logging in by the office's own identity provider (OpenID Connect), where one is configured.
//!
//! In: a browser that is sent to the provider and comes back with a code.   Out: the same session as by a password, or a page that says why not.
//!
//! ```text
//! ticket.rs     binds the answer to the browser that asked
//! provider.rs   asks the provider, and checks what it says
//! ```
//!
//! Never: an account made, or a role given, by what a provider says: an administrator makes accounts here, and they are what they are here. A
//! provider that does not answer keeps nobody from logging in by a password.

mod provider;
mod ticket;

pub use provider::{Hidden, OidcConfig, OidcError, Provider};

use crate::acknowledge_page::{answer, escaped};
use crate::app::{App, blocking};
use crate::extract::Params;
use crate::listener::Peer;
use crate::login;
use crate::problem::Problem;
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use provider::{Person, Refused};
use registry::{RegistryError, User};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::net::IpAddr;
use std::sync::Arc;
use ticket::{TICKET_MAX, Ticket};
use utoipa::{IntoParams, ToSchema};

/// Where a login by the provider begins; its cookie goes nowhere else.
const BEGIN: &str = "/api/v1/session/oidc";
const TICKET_COOKIE: &str = "steppewatch_login";

/// No state and no code is longer.
const LENGTH_MAX: usize = 4_096;

/// What comes back with the browser.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Answer {
    /// Of the provider.
    code: Option<String>,
    /// Of the login that this browser began.
    state: Option<String>,
    /// Why the provider would not.
    error: Option<String>,
}

/// How one can log in.
#[derive(Serialize, ToSchema)]
#[schema(as = LoginWays)]
pub(crate) struct WaysJson {
    password: bool,
    /// The office's own identity provider, where one is configured.
    #[schema(required)]
    provider: Option<ProviderJson>,
}

/// An identity provider: a browser that goes to its `url` is sent there.
#[derive(Serialize, ToSchema)]
#[schema(as = LoginProvider)]
struct ProviderJson {
    name: String,
    url: &'static str,
}

/// What the login page offers.
#[utoipa::path(
    get, path = "/api/v1/login-ways", tag = "session",
    responses((status = 200, body = WaysJson)),
    security(()),
)]
pub(crate) async fn ways(State(app): State<Arc<App>>) -> Json<WaysJson> {
    let provider = app.parts.oidc.as_ref();
    let provider = provider.map(|provider| ProviderJson { name: provider.name().to_owned(), url: BEGIN });
    Json(WaysJson { password: true, provider })
}

/// Sends a browser to the office's identity provider.
#[utoipa::path(
    get, path = "/api/v1/session/oidc", tag = "session",
    responses(
        (status = 303, description = "to the provider; a cookie binds its answer to this browser for ten minutes"),
        (status = 404, body = String, content_type = "text/html", description = "no provider is configured"),
        (status = 502, body = String, content_type = "text/html", description = "the provider does not answer"),
    ),
    security(()),
)]
pub(crate) async fn begin(State(app): State<Arc<App>>) -> Response {
    sent_away(&app).await.unwrap_or_else(|failed| failed.page())
}

async fn sent_away(app: &App) -> Result<Response, Failed> {
    let provider = app.parts.oidc.as_ref().ok_or(Failed::Off)?;
    let ticket = provider.tickets.issue(app.now()).map_err(|error| Failed::ours("making a login", error))?;
    let url = provider.begin(&ticket, app.now()).await?;
    Ok(redirect(url.as_str(), &[ticket_cookie(provider, &ticket.cookie, TICKET_MAX.as_secs())])?)
}

/// Where a browser comes back to from the identity provider.
///
/// The account has to exist here and not be disabled; roles and townships are those that it has here. An account with a second factor is
/// let in if the provider says that it asked for one.
#[utoipa::path(
    get, path = "/api/v1/session/oidc/callback", tag = "session",
    params(Answer),
    responses(
        (status = 303, description = "to the console, with the session's cookie"),
        (status = 400, body = String, content_type = "text/html", description = "no login of this browser's, or too old"),
        (status = 401, body = String, content_type = "text/html",
            description = "the provider said no, or what it says cannot be believed"),
        (status = 403, body = String, content_type = "text/html",
            description = "no such account, disabled, or a second factor is missing"),
        (status = 404, body = String, content_type = "text/html", description = "no provider is configured"),
        (status = 429, body = String, content_type = "text/html", description = "too many attempts from this address"),
        (status = 502, body = String, content_type = "text/html", description = "the provider does not answer"),
    ),
    security(()),
)]
pub(crate) async fn callback(
    State(app): State<Arc<App>>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    headers: HeaderMap,
    Params(answer): Params<Answer>,
) -> Response {
    match come_back(&app, peer.ip(), &headers, answer).await {
        Ok(response) => response,
        Err(failed) => {
            tracing::info!(%peer, reason = failed.reason(), "login by the identity provider refused");
            let mut page = failed.page();
            // Whatever went wrong, the ticket was used.
            if let Some(gone) =
                app.parts.oidc.as_ref().and_then(|provider| ticket_cookie(provider, "", 0).try_into().ok())
            {
                page.headers_mut().append(SET_COOKIE, gone);
            }
            page
        }
    }
}

async fn come_back(app: &App, from: IpAddr, headers: &HeaderMap, answer: Answer) -> Result<Response, Failed> {
    let provider = app.parts.oidc.as_ref().ok_or(Failed::Off)?;
    app.throttle.attempt_from(from, app.now()).map_err(|wait| Failed::Wait(wait.as_secs().max(1)))?;
    let Answer { code, state, error } = answer;
    let ticket = redeemed(app, provider, headers, state.as_deref()).ok_or(Failed::Ticket)?;
    if let Some(error) = error {
        let word = error.chars().filter(char::is_ascii_graphic).take(60).collect();
        return Err(Failed::Refused(Refused::Provider(word)));
    }
    let code = code.filter(|code| (1..=LENGTH_MAX).contains(&code.len())).ok_or(Failed::Ticket)?;
    let person = provider.finish(code, &ticket, app.now()).await?;
    let user = known(app, from, provider, person).await?;
    app.throttle.succeeded_from(from);
    let opened = app.sessions.open(user, app.now())?;
    let session = login::cookie(&opened.token, app.parts.certificate.is_some() || provider.is_secure())?;
    let session = session.to_str().map(str::to_owned).map_err(|error| Failed::ours("setting a cookie", error))?;
    Ok(redirect("/", &[session, ticket_cookie(provider, "", 0)])?)
}

fn redeemed(app: &App, provider: &Provider, headers: &HeaderMap, state: Option<&str>) -> Option<Ticket> {
    let state = state.filter(|state| state.len() <= LENGTH_MAX)?;
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';'));
    let cookie = pairs.find_map(|pair| pair.trim().strip_prefix(TICKET_COOKIE)?.strip_prefix('='))?;
    provider.tickets.redeem(cookie, state, app.now())
}

/// The account of a person whom the provider vouches for, if there is one here that may log in this way.
async fn known(app: &App, from: IpAddr, provider: &Provider, person: Person) -> Result<User, Failed> {
    let registry = app.parts.registry.from_address(from);
    let after = json!({ "provider": provider.name(), "subject": person.subject });
    let found = blocking("looking for an account", move || {
        let Some(user) = registry.user(&person.name)? else { return Ok(Err(Failed::Unknown(person.name))) };
        if user.disabled {
            return Ok(Err(Failed::Disabled(person.name)));
        }
        if user.second_factor && !person.second_factor {
            return Ok(Err(Failed::Factor(person.name)));
        }
        registry.witness("session.open".to_owned(), Some(after), &user.username)?;
        Ok::<_, RegistryError>(Ok(user))
    });
    found.await?
}

/// Only ever back to the page that begins a login, and for its time.
fn ticket_cookie(provider: &Provider, value: &str, seconds: u64) -> String {
    let secure = if provider.is_secure() { "; Secure" } else { "" };
    // Lax: the browser comes back by a link of the provider's.
    format!("{TICKET_COOKIE}={value}; HttpOnly; SameSite=Lax; Path={BEGIN}; Max-Age={seconds}{secure}")
}

fn redirect(to: &str, cookies: &[String]) -> Result<Response, Problem> {
    let header = |text: &str| HeaderValue::try_from(text).map_err(|error| Problem::internal("redirecting", error));
    let mut response = (StatusCode::SEE_OTHER, AppendHeaders([(LOCATION, header(to)?)])).into_response();
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, header(cookie)?);
    }
    Ok(response)
}

/// Why somebody is not in.
enum Failed {
    /// Nothing is configured.
    Off,
    /// Too many tries from one address; seconds.
    Wait(u64),
    /// The answer does not belong to a login that this browser began, or it took too long.
    Ticket,
    /// By the provider, or for what it says.
    Refused(Refused),
    /// No such account.
    Unknown(String),
    /// It may not log in.
    Disabled(String),
    /// It asks for a second factor, and the provider does not say that there was one.
    Factor(String),
    /// Ours to repair; what it was is in the log.
    Ours,
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Problem> for Failed {
    fn from(_: Problem) -> Self {
        Self::Ours
    }
}

impl Failed {
    fn ours(doing: &'static str, cause: impl std::fmt::Display) -> Self {
        Self::from(Problem::internal(doing, cause))
    }

    /// For the log.
    fn reason(&self) -> String {
        self.words().2
    }

    /// Status, and the reason in Chinese and English.
    fn words(&self) -> (StatusCode, String, String) {
        let said = |status, zh: &str, en: &str| (status, zh.to_owned(), en.to_owned());
        match self {
            Self::Off => said(StatusCode::NOT_FOUND, "没有配置统一身份登录。", "No identity provider is configured."),
            Self::Wait(seconds) => (
                StatusCode::TOO_MANY_REQUESTS,
                format!("尝试过多，请 {seconds} 秒后再试。"),
                format!("Too many attempts; try again in {seconds} s."),
            ),
            Self::Ticket => said(
                StatusCode::BAD_REQUEST,
                "这次登录不是由本浏览器发起的，或已超过十分钟，请重新登录。",
                "This login was not begun by this browser, or took more than ten minutes; begin again.",
            ),
            Self::Refused(refused @ Refused::Unreachable(_)) => (
                StatusCode::BAD_GATEWAY,
                "身份平台没有响应，请用本平台的用户名和密码登录。".to_owned(),
                format!("Log in with name and password: {refused}."),
            ),
            Self::Refused(refused) => {
                (StatusCode::UNAUTHORIZED, "身份平台的答复不能采信。".to_owned(), format!("Not logged in: {refused}."))
            }
            Self::Unknown(name) => (
                StatusCode::FORBIDDEN,
                format!("本平台没有账号“{name}”，请管理员先建立。"),
                format!("There is no account `{name}` here; ask an administrator to make it."),
            ),
            Self::Disabled(name) => (
                StatusCode::FORBIDDEN,
                format!("账号“{name}”已停用，请联系管理员。"),
                format!("The account `{name}` is disabled; ask an administrator."),
            ),
            Self::Factor(name) => (
                StatusCode::FORBIDDEN,
                format!("账号“{name}”要求第二因素，而身份平台没有说明已核验，请用密码和验证码登录。"),
                format!(
                    "The account `{name}` asks for a second factor, of which the provider says nothing; log in with password and code."
                ),
            ),
            Self::Ours => said(
                StatusCode::INTERNAL_SERVER_ERROR,
                "平台故障，请看日志。",
                "The platform failed; its log says why.",
            ),
        }
    }

    fn page(&self) -> Response {
        let (status, zh, en) = self.words();
        let body = format!(
            "<h1>{}</h1><p>{}</p><p><a href=\"/\">返回登录页 Back to the login page</a></p>",
            escaped(&zh),
            escaped(&en)
        );
        answer(status, "zh-CN", "草原哨", &body)
    }
}
