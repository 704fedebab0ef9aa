//! The provider of identities: where it is, what it says of somebody, and whether that can be believed.
//!
//! In: a ticket and the code that came back.   Out: a [`Person`], or a [`Refused`] in a sentence.
//!
//! The crate `openidconnect` checks signature, issuer, audience, expiry and nonce of the token. Its HTTP goes through our client: no redirect
//! is followed, `http` only to this machine, answers and waits are bounded. Where the provider is it says itself, asked when somebody wants to
//! log in and remembered for an hour. Never: a secret, a code or a token in a log or an error.

use super::ticket::{Ticket, Tickets};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use model::Timestamp;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreGenderClaim, CoreIdToken, CoreIdTokenClaims, CoreJwsSigningAlgorithm,
    CoreProviderMetadata,
};
use openidconnect::{
    AdditionalClaims, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, SignatureVerificationError, TokenResponse, UserInfoClaims,
};
use reqwest::{Certificate, Client, Url};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::Mutex;

/// One question to the provider; it is asked up to four in a login.
const ASK_MAX: Duration = Duration::from_secs(5);
/// A provider's keys and tokens have some kilobytes.
const ANSWER_MAX_BYTES: usize = 1024 * 1024;
/// How long what the provider says of itself is believed.
const KNOWN_FOR: Duration = Duration::from_secs(3_600);
/// How soon it is asked again after it did not answer, or about a key that we do not know.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// No name here is longer.
const NAME_MAX: usize = 64;

/// How a token may be signed: by the provider's own key, never by a secret that we know too, and never not at all.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Words of RFC 8176 by which a provider says that there was more than a password.
const SECOND_FACTORS: [&str; 10] = ["mfa", "otp", "hwk", "swk", "sc", "fpt", "face", "iris", "vbm", "sms"];

/// A text that no log shows.
#[derive(Clone)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

/// Where identities come from.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// What the button says.
    pub name: String,
    /// Its address, as its tokens name it.
    pub issuer: String,
    /// What we are called there.
    pub client_id: String,
    /// What proves it.
    pub client_secret: Hidden,
    /// Where browsers come back to: ours, at `/api/v1/session/oidc/callback`.
    pub redirect_url: String,
    /// Which of its claims is somebody's name here.
    pub username_claim: String,
    /// Authorities of its certificate, PEM; none: those that everybody knows.
    pub authorities: Option<String>,
}

/// The same, read.
struct Checked {
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    authorities: Option<Vec<Certificate>>,
}

impl OidcConfig {
    /// Whether a provider can be made of it; nobody is asked.
    pub fn check(&self) -> Result<(), OidcError> {
        self.checked().map(|_| ())
    }

    fn checked(&self) -> Result<Checked, OidcError> {
        let url = Url::parse(&self.issuer).map_err(|_| OidcError::Issuer)?;
        if !is_safe(&url) || url.query().is_some() || url.fragment().is_some() {
            return Err(OidcError::Issuer);
        }
        let pem = self.authorities.as_ref().map(|pem| Certificate::from_pem_bundle(pem.as_bytes())).transpose();
        Ok(Checked {
            issuer: IssuerUrl::new(self.issuer.clone()).map_err(|_| OidcError::Issuer)?,
            redirect: RedirectUrl::new(self.redirect_url.clone()).map_err(|_| OidcError::Redirect)?,
            authorities: pem.map_err(|error| OidcError::Authorities(error.to_string()))?,
        })
    }
}

/// Why there is no provider; the configuration is to be mended.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// Its address.
    #[error("write the provider's address with https (http only for this machine), without ? and #")]
    Issuer,
    /// Ours.
    #[error("write the console's address followed by /api/v1/session/oidc/callback")]
    Redirect,
    /// Its authorities.
    #[error("name a PEM file of certificates: {0}")]
    Authorities(String),
    /// The system.
    #[error("no random bytes: {0}")]
    Random(String),
}

/// Why somebody is not let in by the provider's word.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// Try again, or by a password.
    #[error("the provider does not answer: {0}")]
    Unreachable(String),
    /// The provider would not.
    #[error("the provider said no: {0}")]
    Provider(String),
    /// What it said cannot be believed.
    #[error("the provider's token is not valid: {0}")]
    Token(String),
    /// It did not say who it is.
    #[error("the provider names nobody: its claim `{0}` is missing, empty or longer than a name; set `username_claim`")]
    Nameless(String),
}

/// Somebody whom the provider knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// Their name here, as the claim has it.
    pub name: String,
    /// Their number there.
    pub subject: String,
    /// Whether the provider says that it asked for more than a password.
    pub second_factor: bool,
}

/// All that a provider says, whatever it is called.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Anything {
    #[serde(flatten)]
    claims: BTreeMap<String, Value>,
}

impl AdditionalClaims for Anything {}

type Discovered =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

#[derive(Default)]
struct Known {
    metadata: Option<(Timestamp, CoreProviderMetadata)>,
    failed: Option<(Timestamp, String)>,
}

/// The provider.
pub struct Provider {
    config: OidcConfig,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    http: Client,
    known: Mutex<Known>,
    pub(super) tickets: Tickets,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Provider {
    /// Nothing is asked yet.
    pub fn new(config: OidcConfig) -> Result<Self, OidcError> {
        let Checked { issuer, redirect, authorities } = config.checked()?;
        let mut http = Client::builder()
            .timeout(ASK_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("steppewatch/", env!("CARGO_PKG_VERSION")));
        if let Some(authorities) = authorities {
            http = http.tls_certs_only(authorities);
        }
        let tickets = Tickets::new().map_err(|error| OidcError::Random(error.to_string()))?;
        let http = http.build().map_err(|error| OidcError::Authorities(error.to_string()))?;
        Ok(Self { config, issuer, redirect, http, known: Mutex::default(), tickets })
    }

    /// What the button says.
    pub(super) fn name(&self) -> &str {
        &self.config.name
    }

    /// Whether browsers come back by HTTPS.
    pub(super) fn is_secure(&self) -> bool {
        self.config.redirect_url.starts_with("https:")
    }

    /// Where the browser is sent to.
    pub(super) async fn begin(&self, ticket: &Ticket, now: Timestamp) -> Result<Url, Refused> {
        let client = self.client(self.metadata(now, KNOWN_FOR).await?);
        let verifier = PkceCodeVerifier::new(ticket.verifier.clone());
        let (state, nonce) = (CsrfToken::new(ticket.state.clone()), Nonce::new(ticket.nonce.clone()));
        let request = client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, || state, || nonce);
        let request = request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        Ok(request.add_scope(Scope::new("profile".to_owned())).url().0)
    }

    /// Who came back with this code.
    pub(super) async fn finish(&self, code: String, ticket: &Ticket, now: Timestamp) -> Result<Person, Refused> {
        let client = self.client(self.metadata(now, KNOWN_FOR).await?);
        let http = self.asking();
        let request = client.exchange_code(AuthorizationCode::new(code)).map_err(unusable)?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(ticket.verifier.clone()));
        let tokens = request.request_async(&http).await.map_err(|error| match error {
            openidconnect::RequestTokenError::ServerResponse(said) => Refused::Provider(short(said.error())),
            openidconnect::RequestTokenError::Request(error) => Refused::Unreachable(error.to_string()),
            openidconnect::RequestTokenError::Parse(..) => Refused::Provider("its answer has no token".to_owned()),
            openidconnect::RequestTokenError::Other(why) => Refused::Provider(short(why)),
        })?;
        let token = tokens.id_token().ok_or_else(|| Refused::Token("there is none".to_owned()))?;
        let claims = self.believed(&client, token, ticket, now).await?;
        let mut name = said_in(token).and_then(|said| said.get(&self.config.username_claim).cloned());
        if name.is_none() {
            let subject = Some(claims.subject().clone());
            let request = client.user_info(tokens.access_token().clone(), subject).map_err(unusable)?;
            let said: UserInfoClaims<Anything, CoreGenderClaim> =
                request.request_async(&http).await.map_err(|error| Refused::Unreachable(error.to_string()))?;
            name = serde_json::to_value(&said).ok().and_then(|said| said.get(&self.config.username_claim).cloned());
        }
        let name = name.as_ref().and_then(Value::as_str).filter(|name| (1..=NAME_MAX).contains(&name.len()));
        let name = name.ok_or_else(|| Refused::Nameless(self.config.username_claim.clone()))?.to_owned();
        let factors = claims.auth_method_refs().into_iter().flatten();
        let second_factor = factors.into_iter().any(|word| SECOND_FACTORS.contains(&word.as_str()));
        Ok(Person { name, subject: claims.subject().to_string(), second_factor })
    }

    /// The token's claims, if all of it is right. A key that we do not know may be new there: then the provider is asked once more.
    async fn believed(
        &self,
        client: &Discovered,
        token: &CoreIdToken,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<CoreIdTokenClaims, Refused> {
        let nonce = Nonce::new(ticket.nonce.clone());
        let verify = |client: &Discovered| {
            let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
            token.claims(&verifier, &nonce).cloned()
        };
        let refused = |error: ClaimsVerificationError| Refused::Token(short(error));
        match verify(client) {
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                verify(&self.client(self.metadata(now, ASK_AGAIN_AFTER).await?)).map_err(refused)
            }
            verified => verified.map_err(refused),
        }
    }

    fn client(&self, metadata: CoreProviderMetadata) -> Discovered {
        let (id, secret) = (self.config.client_id.clone(), self.config.client_secret.0.clone());
        CoreClient::from_provider_metadata(metadata, ClientId::new(id), Some(ClientSecret::new(secret)))
            .set_redirect_uri(self.redirect.clone())
    }

    /// What the provider says of itself, not older than `age`.
    async fn metadata(&self, now: Timestamp, age: Duration) -> Result<CoreProviderMetadata, Refused> {
        let mut known = self.known.lock().await;
        if let Some((_, metadata)) = known.metadata.as_ref().filter(|(at, _)| now.since(*at) <= age) {
            return Ok(metadata.clone());
        }
        if let Some((_, why)) = known.failed.as_ref().filter(|(at, _)| now.since(*at) <= ASK_AGAIN_AFTER) {
            return Err(Refused::Unreachable(why.clone()));
        }
        match CoreProviderMetadata::discover_async(self.issuer.clone(), &self.asking()).await {
            Ok(metadata) => {
                *known = Known { metadata: Some((now, metadata.clone())), failed: None };
                Ok(metadata)
            }
            Err(error) => {
                let why = sentence(&error);
                tracing::warn!(
                    issuer = self.config.issuer,
                    why,
                    "the identity provider cannot be asked; passwords work as before"
                );
                known.failed = Some((now, why.clone()));
                Err(Refused::Unreachable(why))
            }
        }
    }

    /// What `openidconnect` asks by.
    fn asking(&self) -> impl Fn(HttpRequest) -> BoxFuture<'static, Result<HttpResponse, AskError>> + use<> {
        let client = self.http.clone();
        move |request| Box::pin(ask(client.clone(), request))
    }
}

async fn ask(client: Client, request: HttpRequest) -> Result<HttpResponse, AskError> {
    let (parts, body) = request.into_parts();
    let url = Url::parse(&parts.uri.to_string()).ok().filter(is_safe).ok_or(AskError::Address)?;
    let mut answer = client.request(parts.method, url).headers(parts.headers).body(body).send().await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if bytes.len() + chunk.len() > ANSWER_MAX_BYTES {
            return Err(AskError::Long);
        }
        bytes.extend_from_slice(&chunk);
    }
    let mut response = HttpResponse::new(bytes);
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}

/// Why a question to the provider was not answered.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("it names an address that is not https")]
    Address,
    #[error("its answer is longer than any should be")]
    Long,
    // An URL may hold a code.
    #[error("{}", plain(.0))]
    Http(#[from] reqwest::Error),
}

fn plain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "no answer in time".to_owned() } else { "no connection".to_owned() };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.chars().take(300).collect()
}

/// An error with its causes.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.chars().take(300).collect()
}

fn unusable(error: openidconnect::ConfigurationError) -> Refused {
    Refused::Provider(format!("it cannot be used: {error}"))
}

/// What others say is told in a line.
fn short(said: impl fmt::Display) -> String {
    said.to_string().chars().filter(|letter| !letter.is_control()).take(200).collect()
}

/// Secrets travel encrypted, or stay on this machine.
fn is_safe(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}

/// The claims of a token that was verified already.
fn said_in(token: &CoreIdToken) -> Option<Value> {
    let text = token.to_string();
    let payload = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(issuer: &str) -> OidcConfig {
        OidcConfig {
            name: "旗政务".into(),
            issuer: issuer.into(),
            client_id: "steppewatch".into(),
            client_secret: Hidden("not to be shown".into()),
            redirect_url: "https://watch.example/api/v1/session/oidc/callback".into(),
            username_claim: "preferred_username".into(),
            authorities: None,
        }
    }

    #[test]
    fn a_provider_speaks_https_or_is_on_this_machine() {
        rustls::crypto::ring::default_provider().install_default().ok();
        for issuer in [
            "https://id.example",
            "https://10.1.2.3:8443/realms/qi",
            "http://127.0.0.1:9000",
            "http://localhost:1",
            "http://[::1]:2",
        ] {
            assert!(Provider::new(config(issuer)).is_ok(), "{issuer}");
        }
        for issuer in ["http://id.example", "http://10.1.2.3", "id.example", "https://id.example/?a=b", "file:///etc"] {
            assert!(matches!(Provider::new(config(issuer)), Err(OidcError::Issuer)), "{issuer}");
        }
    }

    #[test]
    fn its_secret_is_not_shown() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let provider = Provider::new(config("https://id.example")).unwrap();
        assert!(!format!("{provider:?}").contains("shown"));
    }
}
