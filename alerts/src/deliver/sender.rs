//! One attempt to tell somebody, by whatever way.
//!
//! In: who, and what was made ready for them.   Out: an [`Answer`].   Never: a redirect followed, an address that is not permitted,
//! an answer read without bound, or an error that names the URL, which may hold a token.

use super::address::{Guarded, permits};
use super::pace::Pace;
use super::platform::{Adapters, Upstream};
use super::sms::Sms;
use super::{robot, webhook};
use crate::store::Due;
use model::{ChannelKind, Networks, Subscriber, Timestamp};
use reqwest::{Client, ClientBuilder, RequestBuilder, StatusCode, Url};
use std::sync::Arc;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// So much of an answer is kept for people.
const ANSWER_MAX: usize = 2_048;

/// What a receiver made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It took it.
    Accepted(String),
    /// It never will.
    Refused(String),
    /// It says that it is no more: neither this nor anything else.
    Gone(String),
    /// Perhaps later.
    Later {
        /// Why not now.
        reason: String,
        /// How long it asks us to wait.
        after: Option<Duration>,
    },
    /// It was not asked: it takes no more for now. No attempt of its three days.
    Turn(Duration),
}

impl Answer {
    pub(super) fn later(reason: impl Into<String>) -> Self {
        Self::Later { reason: reason.into(), after: None }
    }
}

/// What came back over HTTP, as far as it is read.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) after: Option<Duration>,
    /// What was read of it, as text: the first 2 kB, unless more was asked for.
    pub(super) body: String,
}

impl Reply {
    /// Status and beginning of the body, for people.
    pub(super) fn told(&self) -> String {
        format!("{} {}", self.status, self.body.trim())
    }

    /// The body as JSON; `Null` when it is none or longer than is read.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// Whom it can tell, and how.
pub(super) struct Sender {
    http: Http,
    sms: Option<Sms>,
    platform: Option<Upstream>,
    fire: Option<Upstream>,
    pace: Pace,
}

impl Sender {
    pub(super) fn new(
        networks: Networks,
        timeout: Duration,
        sms: Option<Sms>,
        upstream: Adapters,
    ) -> Result<Self, reqwest::Error> {
        let upstream_of = |adapter| Upstream::new(adapter, networks.clone());
        Ok(Self {
            platform: upstream.platform.map(upstream_of).transpose()?,
            fire: upstream.fire.map(upstream_of).transpose()?,
            http: Http::new(networks.clone(), timeout)?,
            sms,
            pace: Pace::default(),
        })
    }

    pub(super) async fn send(&self, to: &Subscriber, due: &Due, now: Timestamp) -> Answer {
        if let Some(wait) = self.pace.wait(to, now) {
            return Answer::Turn(wait);
        }
        match to.channel {
            ChannelKind::Webhook => webhook::send(&self.http, to, due, now).await,
            ChannelKind::Wecom | ChannelKind::Dingtalk | ChannelKind::Feishu => {
                robot::send(&self.http, to, due, now).await
            }
            ChannelKind::Sms => match &self.sms {
                Some(sms) => sms.send(&self.http, to, due, now).await,
                None => Answer::later("no way for text messages is configured; fill in [sms]"),
            },
            // Nothing is put into the outbox for one; should it be, it is told and not tried for ever.
            ChannelKind::Mqtt => Answer::Refused("who listens by MQTT is not sent to".into()),
            ChannelKind::Platform => match &self.platform {
                Some(platform) => platform.send(due, now).await,
                None => Answer::later("no upstream platform is configured; fill in [platform]"),
            },
            ChannelKind::FireWarning => match &self.fire {
                Some(fire) => fire.send(due, now).await,
                None => Answer::later("no fire warning system is configured; fill in [platform.fire]"),
            },
        }
    }
}

/// An HTTP client that follows no redirect and speaks to permitted addresses only.
pub(super) struct Http {
    client: Client,
    networks: Networks,
}

impl Http {
    /// A receiver that answers more slowly than `timeout` has not answered.
    pub(super) fn new(networks: Networks, timeout: Duration) -> Result<Self, reqwest::Error> {
        Self::with(networks, |builder| builder.timeout(timeout).connect_timeout(CONNECT_TIMEOUT.min(timeout)))
    }

    /// With certificates and a patience of its own.
    pub(super) fn with(
        networks: Networks,
        more: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, reqwest::Error> {
        let builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("steppewatch/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(Guarded(networks.clone())));
        Ok(Self { client: more(builder).build()?, networks })
    }

    /// A request that may be filled in and asked; an address that may not be used is refused.
    pub(super) fn post(&self, url: &str) -> Result<RequestBuilder, Answer> {
        let Ok(url) = Url::parse(url) else { return Err(Answer::Refused("the receiver's URL is not valid".into())) };
        // A literal address is not resolved, so it is checked here.
        let literal = url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse().ok());
        if literal.is_some_and(|address| !permits(&self.networks, address)) {
            return Err(Answer::Refused(format!(
                "{} is in a private network; allow it by [webhooks] allow_networks",
                url.host_str().unwrap_or_default()
            )));
        }
        Ok(self.client.post(url))
    }

    /// Asks, and reads what is read of the answer.
    pub(super) async fn ask(&self, request: RequestBuilder) -> Result<Reply, Answer> {
        self.ask_up_to(request, ANSWER_MAX).await
    }

    /// The same where more of the answer is read.
    pub(super) async fn ask_up_to(&self, request: RequestBuilder, bytes: usize) -> Result<Reply, Answer> {
        let mut response = request.send().await.map_err(|error| Answer::later(plain(&error)))?;
        let after = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let mut body = Vec::new();
        // The status has decided; a body that breaks off changes nothing.
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend(chunk.iter().take(bytes.saturating_sub(body.len())));
            if body.len() >= bytes {
                break;
            }
        }
        Ok(Reply { status: response.status(), after, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

/// The error's causes without the URL, which may hold a token.
fn plain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "no answer in time".to_owned() } else { "no connection".to_owned() };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.chars().take(300).collect()
}
