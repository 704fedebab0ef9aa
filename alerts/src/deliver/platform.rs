//! One attempt to tell a system above us: the smart forestry-grass platform (智慧林草), the fire warning system.
//!
//! In: what was made for it when the alert was raised, and how the configuration says it wants to be spoken to.   Out: yes only
//! where status and body both say yes.   Never: an answer of 200 taken for a yes, a secret in what is kept of an answer, or another
//! body at the second attempt. Their interfaces are not public, so all of it is configuration (docs/upstream.md, ADR 0028).

mod sign;

pub use sign::{BadHmac, Hmac, HmacSettings, SIGNS};

use super::sender::{Answer, Http, Reply};
use crate::store::Due;
use model::{Networks, Timestamp};
use reqwest::{Certificate, Identity, Url};
use serde_json::Value;
use std::time::Duration;

/// So much of an answer is looked at for its yes or no: some send the whole message back.
const JUDGED_MAX: usize = 64 * 1024;
/// So much of it is kept for people.
const KEPT_MAX: usize = 1_000;

/// Where both systems are, if they are configured.
#[derive(Debug, Clone, Default)]
pub struct Adapters {
    /// The smart forestry-grass platform.
    pub platform: Option<Adapter>,
    /// The fire warning system.
    pub fire: Option<Adapter>,
}

/// How one system is spoken to.
#[derive(Debug, Clone)]
pub struct Adapter {
    /// Its address: http or https.
    pub endpoint: String,
    /// What proves that it is us.
    pub auth: Auth,
    /// The same on the line, and whom we believe.
    pub tls: Tls,
    /// What is a yes.
    pub accept: Accept,
    /// How long it may take.
    pub timeout: Duration,
}

impl Adapter {
    /// Whether an address can be one, or what would do.
    pub fn check_endpoint(address: &str, is_mutual: bool) -> Result<(), &'static str> {
        let url = Url::parse(address)
            .map_err(|_| "write an http or https address, for example https://10.1.0.8/api/alerts")?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err("write an http or https address, for example https://10.1.0.8/api/alerts");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("leave user and password out; what proves who we are is `auth`");
        }
        if is_mutual && url.scheme() != "https" {
            return Err("a certificate is shown by https only");
        }
        Ok(())
    }
}

/// What proves that it is us.
#[derive(Clone, Default)]
pub enum Auth {
    /// Nothing, or the certificate alone.
    #[default]
    None,
    /// `Authorization: Bearer`.
    Token(String),
    /// A signature.
    Hmac(Hmac),
}

/// Without secrets.
impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Token(_) => "Token",
            Self::Hmac(_) => "Hmac",
        })
    }
}

/// Certificates.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    identity: Option<Identity>,
    roots: Option<Vec<Certificate>>,
}

/// Which of the files is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadTls {
    /// Our own certificate or its key.
    Identity,
    /// Whom we believe.
    Authorities,
}

impl Tls {
    /// From PEM: our certificate with its key, and the authorities that are believed instead of the system's.
    pub fn parse(identity: Option<(&str, &str)>, authorities: Option<&str>) -> Result<Self, BadTls> {
        let identity =
            identity.map(|(certificate, key)| Identity::from_pem(format!("{certificate}\n{key}").as_bytes()));
        let roots = authorities.map(|pem| Certificate::from_pem_bundle(pem.as_bytes()));
        let roots = roots.transpose().map_err(|_| BadTls::Authorities)?;
        if roots.as_ref().is_some_and(Vec::is_empty) {
            return Err(BadTls::Authorities);
        }
        Ok(Self { identity: identity.transpose().map_err(|_| BadTls::Identity)?, roots })
    }
}

/// What is a yes, and what is a no for good.
#[derive(Debug, Clone, PartialEq)]
pub struct Accept {
    /// The statuses that may be a yes.
    pub status: Vec<u16>,
    /// Where in the body the yes stands, as a JSON pointer; empty: the status alone decides.
    pub path: String,
    /// What has to stand there.
    pub value: Value,
    /// What there means that it is never tried again.
    pub refuse: Vec<Value>,
}

impl Default for Accept {
    fn default() -> Self {
        Self { status: vec![200], path: "/code".into(), value: 0.into(), refuse: Vec::new() }
    }
}

impl Accept {
    fn judge(&self, reply: &Reply, told: String) -> Answer {
        let later = |reason| Answer::Later { reason, after: reply.after };
        let said: Option<Value> = serde_json::from_str(&reply.body).ok();
        let said = said.as_ref().and_then(|body| body.pointer(&self.path)).filter(|_| !self.path.is_empty());
        if said.is_some_and(|said| self.refuse.iter().any(|value| is_same(value, said))) {
            return Answer::Refused(told);
        }
        if !self.status.contains(&reply.status.as_u16()) {
            return later(told);
        }
        match said {
            _ if self.path.is_empty() => Answer::Accepted(told),
            Some(said) if is_same(&self.value, said) => Answer::Accepted(told),
            Some(_) => later(told),
            None => later(format!("the answer says neither yes nor no at `{}`: {told}", self.path)),
        }
    }
}

/// `0`, `0.0` and `"0"` are the same: platforms are of two minds about it.
fn is_same(one: &Value, other: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    one == other || text(one) == text(other)
}

/// A system with a client of its own, since certificates are the client's.
pub(super) struct Upstream {
    adapter: Adapter,
    http: Http,
}

impl Upstream {
    pub(super) fn new(adapter: Adapter, networks: Networks) -> Result<Self, reqwest::Error> {
        let Tls { identity, roots } = adapter.tls.clone();
        let timeout = adapter.timeout;
        let http = Http::with(networks, |builder| {
            let builder = builder.timeout(timeout);
            let builder = match identity {
                Some(identity) => builder.identity(identity),
                None => builder,
            };
            match roots {
                Some(roots) => builder.tls_certs_only(roots),
                None => builder,
            }
        })?;
        Ok(Self { adapter, http })
    }

    pub(super) async fn send(&self, due: &Due, now: Timestamp) -> Answer {
        let mut request = match self.http.post(&self.adapter.endpoint) {
            // The address is the operator's own: once it is mended the delivery goes out, so it is not given up.
            Err(Answer::Refused(reason)) => return Answer::later(reason),
            Err(answer) => return answer,
            Ok(request) => request,
        };
        // What was kept decides, should the configuration have changed since.
        let is_cap = due.body.starts_with('<');
        let kind = if is_cap { "application/cap+xml; charset=utf-8" } else { "application/json; charset=utf-8" };
        request = request.header("content-type", kind).header("idempotency-key", &due.id);
        request = match &self.adapter.auth {
            Auth::None => request,
            Auth::Token(token) => request.bearer_auth(token),
            Auth::Hmac(hmac) => hmac
                .headers(&due.body, &due.id, due.attempts, now)
                .into_iter()
                .fold(request, |request, (name, value)| request.header(name, value)),
        };
        match self.http.ask_up_to(request.body(due.body.clone()), JUDGED_MAX).await {
            Ok(reply) => {
                let told = self.told(&reply);
                self.adapter.accept.judge(&reply, told)
            }
            Err(answer) => answer,
        }
    }

    /// Status and beginning of the body, for people; without the token, should it have been sent back.
    fn told(&self, reply: &Reply) -> String {
        let told = match &self.adapter.auth {
            Auth::Token(token) if !token.is_empty() => reply.told().replace(token, "…"),
            _ => reply.told(),
        };
        told.chars().take(KEPT_MAX).collect()
    }
}

#[cfg(test)]
#[path = "platform/tests.rs"]
mod tests;
