//! One session with an ONVIF camera: its clock, its event service, a subscription, and then one question after the other.
//!
//! In:  a [`Link`].   Out: frames in the journal, until something fails; the caller begins anew.
//!
//! The camera's clock is asked for first: WS-Security is refused when it differs, and what the camera says happened is told by its clock.
//! Whatever address a camera gives, only its path and query are believed: behind NAT it knows no better.

use super::super::camera_link::{Failure, Http, Link};
use super::events::Said;
use super::soap::{self, To, Token};
use super::{Patience, soap::answer};
use crate::decode::onvif::utc;
use crate::decode::xml::Element;
use bytes::BytesMut;
use model::{Frame, Timestamp};
use rand::Rng;
use reqwest::Url;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// Where cameras have their device service.
const DEVICE_SERVICE: &str = "/onvif/device_service";
/// And their event service, where they do not say it.
const EVENT_SERVICE: &str = "/onvif/event_service";
/// For how long a subscription is asked for, and how often it is renewed.
const TERM: &str = "PT180S";
const RENEW_EVERY: Duration = Duration::from_secs(60);
/// Notifications in one answer.
const MESSAGE_LIMIT: u32 = 64;
/// Largest answer: so many notifications with scenes in them.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// A camera that has nothing to say lives all the same; more often is only load.
const LIFE_EVERY: Duration = Duration::from_secs(30);
/// Between two questions, at least; so one camera says at most some six hundred things a second.
const PAUSE: Duration = Duration::from_millis(100);
/// Likewise after an answer without events.
const PAUSE_EMPTY: Duration = Duration::from_secs(1);
/// Clocks that differ by less agree.
const SKEW_MIN_MS: i64 = 2_000;

const DEVICE: &str = "http://www.onvif.org/ver10/device/wsdl";
const ACTIONS: &str = "http://www.onvif.org/ver10/events/wsdl";
const NOTIFICATION: &str = "http://docs.oasis-open.org/wsn/bw-2";
const MIB: &str = "http://docs.oasis-open.org/wsn/b-2";

/// See the module.
pub(super) struct Session<'a> {
    link: &'a Link,
    http: Http,
    patience: Patience,
    skew_ms: i64,
}

/// Where a subscription is, and what it wants to hear.
struct Subscription {
    url: Url,
    to: To,
}

impl<'a> Session<'a> {
    /// From the first question until something fails. After `stop` the subscription is ended, and nothing happens any more.
    pub(super) async fn run(link: &'a Link, patience: Patience, stop: &CancellationToken) -> Failure {
        match Self::listen(link, patience, stop).await {
            Err(failure) => failure,
            Ok(()) => std::future::pending().await,
        }
    }

    async fn listen(link: &'a Link, patience: Patience, stop: &CancellationToken) -> Result<(), Failure> {
        link.may_speak()?;
        let mut session = Self { link, http: Http::new(&link.camera)?, patience, skew_ms: 0 };
        session.skew_ms = session.skew().await?;
        let subscription = session.subscribe().await?;
        let outcome = session.pull(&subscription, stop).await;
        // Cameras have few places for subscriptions; what cannot be ended ends by its term.
        let body = format!("<Unsubscribe xmlns=\"{MIB}\"/>");
        timeout(patience.goodbye, session.about(&subscription, "Unsubscribe", &body)).await.ok();
        outcome
    }

    fn now(&self) -> Timestamp {
        self.link.door.now()
    }

    /// By how much the camera's clock is ahead of ours. Who does not tell is taken to be right.
    async fn skew(&self) -> Result<i64, Failure> {
        let url = self.device_service();
        let body = "<GetSystemDateAndTime xmlns=\"http://www.onvif.org/ver10/device/wsdl\"/>";
        // The one question that needs no login: with a wrong clock there could be none.
        let action = format!("{DEVICE}/GetSystemDateAndTime");
        let bytes = self.post(&url, &action, soap::envelope(None, None, body), Duration::ZERO).await?;
        let document = soap::read(&bytes)?;
        let Ok(told) = answer(&document, "GetSystemDateAndTimeResponse") else { return Ok(0) };
        let Some(theirs) = told.at("SystemDateAndTime/UTCDateTime").and_then(civil) else { return Ok(0) };
        let skew_ms = theirs.as_millis() - self.now().as_millis();
        if skew_ms.abs() < SKEW_MIN_MS {
            return Ok(0);
        }
        tracing::info!(device = %self.link.camera.device, skew_ms, "camera's clock differs; its times are corrected");
        Ok(skew_ms)
    }

    fn device_service(&self) -> Url {
        let mut url = self.link.camera.url.clone();
        if matches!(url.path(), "" | "/") {
            url.set_path(DEVICE_SERVICE);
        }
        url
    }

    /// The configured host with the path of an address that the camera gave.
    fn at(&self, address: &str) -> Url {
        let mut url = self.link.camera.url.clone();
        let given = url.join(address.trim()).ok();
        let path = given.as_ref().map_or(EVENT_SERVICE, Url::path);
        url.set_path(path);
        url.set_query(given.as_ref().and_then(Url::query));
        url
    }

    async fn event_service(&self) -> Result<Url, Failure> {
        let body = "<GetCapabilities xmlns=\"http://www.onvif.org/ver10/device/wsdl\"><Category>Events</Category></GetCapabilities>";
        let action = format!("{DEVICE}/GetCapabilities");
        let bytes = self.ask(&self.device_service(), &action, None, body, Duration::ZERO).await?;
        let document = soap::read(&bytes)?;
        let told = match answer(&document, "GetCapabilitiesResponse") {
            Ok(told) => told.text_at("Capabilities/Events/XAddr").unwrap_or(EVENT_SERVICE),
            Err(Failure::Refused) => return Err(Failure::Refused),
            // It does not know the question.
            Err(_) => EVENT_SERVICE,
        };
        Ok(self.at(told))
    }

    async fn subscribe(&self) -> Result<Subscription, Failure> {
        let service = self.event_service().await?;
        let body = format!(
            "<CreatePullPointSubscription xmlns=\"{ACTIONS}\"><InitialTerminationTime>{TERM}</InitialTerminationTime></CreatePullPointSubscription>"
        );
        let to = To { address: service.to_string(), parameters: String::new() };
        let action = format!("{ACTIONS}/EventPortType/CreatePullPointSubscriptionRequest");
        let bytes = self.ask(&service, &action, Some(&to), &body, Duration::ZERO).await?;
        let document = soap::read(&bytes)?;
        let told = answer(&document, "CreatePullPointSubscriptionResponse")?;
        let reference = told.child("SubscriptionReference");
        let address = reference.and_then(|one| one.text_at("Address"));
        let address = address.ok_or_else(|| Failure::Malformed("no address of the subscription".to_owned()))?;
        let parameters = reference.and_then(|one| one.child("ReferenceParameters"));
        let parameters = parameters.into_iter().flat_map(|one| &one.children).map(|one| document.written(one));
        let to = To { address: address.to_owned(), parameters: parameters.collect() };
        Ok(Subscription { url: self.at(address), to })
    }

    /// Question after question, until `stop`; what a camera has handed over is recorded before that.
    async fn pull(&self, subscription: &Subscription, stop: &CancellationToken) -> Result<(), Failure> {
        let wait = self.patience.pull;
        let pull = format!(
            "<PullMessages xmlns=\"{ACTIONS}\"><Timeout>PT{}S</Timeout><MessageLimit>{MESSAGE_LIMIT}</MessageLimit></PullMessages>",
            wait.as_secs_f64()
        );
        let action = format!("{ACTIONS}/PullPointSubscription/PullMessagesRequest");
        let (mut renewed, mut lived) = (Instant::now(), None);
        loop {
            let begun = Instant::now();
            let asked = self.ask(&subscription.url, &action, Some(&subscription.to), &pull, wait);
            let Some(bytes) = stop.run_until_cancelled(asked).await else { return Ok(()) };
            let is_due = lived.is_none_or(|lived: Instant| lived.elapsed() >= LIFE_EVERY);
            let frames = self.frames(&bytes?, is_due)?;
            // A camera that does not hold a question back is not asked without a pause.
            let pause = if frames.is_empty() { PAUSE_EMPTY.min(wait) } else { PAUSE };
            if !frames.is_empty() {
                lived = Some(Instant::now());
                self.link.record(frames).await;
            }
            if stop.run_until_cancelled(sleep_until(begun + pause)).await.is_none() {
                return Ok(());
            }
            if renewed.elapsed() >= RENEW_EVERY {
                renewed = Instant::now();
                let body = format!("<Renew xmlns=\"{MIB}\"><TerminationTime>{TERM}</TerminationTime></Renew>");
                match self.about(subscription, "Renew", &body).await {
                    // Some cameras do not know it: there a question is enough to keep a subscription.
                    Ok(()) | Err(Failure::Malformed(_)) => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
    }

    /// What an answer says; with a sign of life where it says nothing and one is due.
    fn frames(&self, bytes: &[u8], is_due: bool) -> Result<Vec<Frame>, Failure> {
        let document = soap::read(bytes)?;
        let answer = answer(&document, "PullMessagesResponse")?;
        self.link.may_speak()?;
        self.link.is_up();
        let said = Said { device: &self.link.camera.device, now: self.now(), skew_ms: self.skew_ms };
        let mut frames = said.frames(&document, answer, &mut self.link.health());
        if frames.is_empty() && is_due {
            frames.push(said.life(&mut self.link.health()));
        }
        Ok(frames)
    }

    /// Something about the subscription itself.
    async fn about(&self, subscription: &Subscription, what: &str, body: &str) -> Result<(), Failure> {
        let action = format!("{NOTIFICATION}/SubscriptionManager/{what}Request");
        let bytes = self.ask(&subscription.url, &action, Some(&subscription.to), body, Duration::ZERO).await?;
        let document = soap::read(&bytes)?;
        answer(&document, &format!("{what}Response")).map(drop)
    }

    /// A question with a login; `wait` is how long the camera may take beside the usual.
    async fn ask(
        &self,
        url: &Url,
        action: &str,
        to: Option<&To>,
        body: &str,
        wait: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let ours = self.now();
        let off = Duration::from_millis(self.skew_ms.unsigned_abs());
        let token = Token {
            user: &self.link.camera.user,
            password: self.link.camera.password.as_str(),
            created: if self.skew_ms < 0 { ours.minus(off) } else { ours.plus(off) },
            nonce: rand::rng().random(),
        };
        self.post(url, action, soap::envelope(Some(&token), to.map(|to| (action, to)), body), wait).await
    }

    async fn post(&self, url: &Url, action: &str, envelope: String, wait: Duration) -> Result<Vec<u8>, Failure> {
        let patience = self.patience.call + wait;
        // Some cameras look at nothing but the action.
        let kind = format!("application/soap+xml; charset=utf-8; action=\"{action}\"");
        let asking = async {
            let send = |client: &reqwest::Client| {
                client.post(url.clone()).header("content-type", &kind).body(envelope.clone())
            };
            let mut response = self.http.send("POST", url, send).await?;
            let mut bytes = BytesMut::new();
            while let Some(chunk) = response.chunk().await? {
                if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                    return Err(Failure::Malformed(format!("more than {ANSWER_BYTES_MAX} bytes")));
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(bytes.to_vec())
        };
        timeout(patience, asking).await.map_err(|_| Failure::Silent(patience))?
    }
}

/// A time that is told in pieces.
fn civil(time: &Element) -> Option<Timestamp> {
    let part = |path: &str| time.text_at(path)?.parse::<u32>().ok();
    let (year, month, day) = (part("Date/Year")?, part("Date/Month")?, part("Date/Day")?);
    let (hour, minute, second) = (part("Time/Hour")?, part("Time/Minute")?, part("Time/Second")?);
    utc(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}
