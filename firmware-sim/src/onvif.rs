//! An ONVIF camera with a pull point: it tells its time, takes subscriptions, and holds questions back until it has events.
//!
//! In:  what it is to notify, what is to go wrong.   Out: SOAP 1.2 over HTTP, with texts of its own.
//!
//! If asked to it gives, like a camera behind NAT, its own idea of its address; and then, like some makers' cameras, it wants a number of its
//! own to be said back in each question. It asks for a UsernameToken of WS-Security: the right digest, made within five seconds of its own clock, each once.
//!
//! Never: uses the platform's XML; both ends agree because both follow the specification.

use crate::clock;
use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How far a token's time may be from the camera's.
const TOKEN_LIFE_MS: i64 = 5_000;
/// The longest that a question is held back, whatever it asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Places for subscriptions, as few as in a real camera.
const SUBSCRIPTIONS_MAX: usize = 4;

/// What goes wrong with the next answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It does not know the subscription any more.
    Forgets,
    /// An answer that is no XML.
    Garbage,
    /// No answer, ever.
    Hangs,
}

struct Shared {
    user: String,
    password: String,
    /// Its clock is this much ahead of the machine's.
    ahead_ms: AtomicI64,
    /// How it calls itself.
    own: Mutex<String>,
    inner: Mutex<Inner>,
    wake: Notify,
    asked: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    /// What each subscription has not heard yet.
    subscriptions: BTreeMap<u64, VecDeque<String>>,
    used_nonces: BTreeSet<String>,
    faults: VecDeque<Fault>,
    /// Kept and told to each new subscription as `Initialized`.
    properties: BTreeMap<String, String>,
}

/// A running camera; it ends when dropped.
pub struct OnvifCamera {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

impl OnvifCamera {
    /// Listens on a free port of this machine.
    pub async fn start(user: &str, password: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            user: user.to_owned(),
            password: password.to_owned(),
            ahead_ms: AtomicI64::new(0),
            own: Mutex::new(format!("http://{address}")),
            inner: Mutex::default(),
            wake: Notify::new(),
            asked: watch::Sender::new(0),
        });
        let routes = Router::new().route("/onvif/{*service}", post(answer)).with_state(Arc::clone(&shared));
        let stop = CancellationToken::new();
        let ended = stop.clone();
        tokio::spawn(async move {
            let serving = async { axum::serve(listener, routes).await };
            ended.run_until_cancelled(serving).await
        });
        Ok(Self { address, shared, _stop: stop.drop_guard() })
    }

    /// What is configured: scheme, host and port.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// It calls itself by an address that nobody reaches it by.
    pub fn stand_behind_nat(&self) {
        "http://192.168.1.64".clone_into(&mut self.shared.own.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Its clock is wrong by this much.
    pub fn set_clock_ahead(&self, ahead_ms: i64) {
        self.shared.ahead_ms.store(ahead_ms, Ordering::Relaxed);
    }

    /// Notifies whoever has subscribed. `data` are the items of the message, for example `[("IsInside", "true")]`.
    pub fn notify(&self, topic: &str, data: &[(&str, &str)]) {
        self.notify_with(topic, &items(data));
    }

    /// The same with any content of `tt:Data`.
    pub fn notify_with(&self, topic: &str, data: &str) {
        let message = notification(topic, &clock::rfc3339(self.shared.now_ms()), "Changed", data);
        let mut inner = self.shared.inner();
        inner.subscriptions.values_mut().for_each(|waiting| waiting.push_back(message.clone()));
        drop(inner);
        self.shared.wake.notify_waiters();
    }

    /// How something stands now; who subscribes hears it as `Initialized`.
    pub fn holds(&self, topic: &str, data: &[(&str, &str)]) {
        self.shared.inner().properties.insert(topic.to_owned(), items(data));
    }

    /// The next question is answered so.
    pub fn fails(&self, fault: Fault) {
        self.shared.inner().faults.push_back(fault);
        self.shared.wake.notify_waiters();
    }

    /// How many subscriptions there are.
    pub fn subscriptions(&self) -> usize {
        self.shared.inner().subscriptions.len()
    }

    /// Waits until it was asked `count` times for messages since it began.
    pub async fn was_asked(&self, count: u64) -> Result<()> {
        self.shared.asked.subscribe().wait_for(|asked| *asked >= count).await?;
        Ok(())
    }
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> i64 {
        clock::now_ms() + self.ahead_ms.load(Ordering::Relaxed)
    }

    /// Whether a request carries a right token that was not used before.
    fn admits(&self, request: &str) -> bool {
        let told = || {
            Some((
                text(request, "Username")?,
                text(request, "Password")?,
                text(request, "Nonce")?,
                text(request, "Created")?,
            ))
        };
        let Some((user, digest, nonce, created)) = told() else { return false };
        let Ok(raw) = STANDARD.decode(nonce) else { return false };
        let mut hasher = Sha1::new();
        hasher.update(raw);
        hasher.update(created);
        hasher.update(&self.password);
        let is_right = STANDARD.encode(hasher.finalize()) == digest && user == self.user;
        let is_now = clock::parse_rfc3339_utc(created).is_some_and(|at| (at - self.now_ms()).abs() <= TOKEN_LIFE_MS);
        is_right && is_now && self.inner().used_nonces.insert(nonce.to_owned())
    }
}

/// The text of the first element of that name, whatever its prefix and attributes.
fn text<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    xml.split('<').find_map(|piece| {
        let (tag, text) = piece.split_once('>')?;
        let full = tag.split_whitespace().next()?;
        let local = full.rsplit(':').next()?;
        (local == name && !full.starts_with('/')).then(|| text.trim())
    })
}

fn items(data: &[(&str, &str)]) -> String {
    data.iter().map(|(name, value)| format!("<tt:SimpleItem Name=\"{name}\" Value=\"{value}\"/>")).collect()
}

fn notification(topic: &str, time: &str, operation: &str, data: &str) -> String {
    format!(
        "<wsnt:NotificationMessage><wsnt:Topic Dialect=\"http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet\">{topic}</wsnt:Topic>\
         <wsnt:Message><tt:Message UtcTime=\"{time}\" PropertyOperation=\"{operation}\"><tt:Source>\
         <tt:SimpleItem Name=\"VideoSourceConfigurationToken\" Value=\"1\"/><tt:SimpleItem Name=\"Rule\" Value=\"MyRule\"/></tt:Source>\
         <tt:Data>{data}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>"
    )
}

fn soap(body: &str) -> Response {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:tt=\"http://www.onvif.org/ver10/schema\" xmlns:tds=\"http://www.onvif.org/ver10/device/wsdl\" \
         xmlns:tev=\"http://www.onvif.org/ver10/events/wsdl\" xmlns:wsnt=\"http://docs.oasis-open.org/wsn/b-2\" \
         xmlns:wsa5=\"http://www.w3.org/2005/08/addressing\" xmlns:tns1=\"http://www.onvif.org/ver10/topics\" \
         xmlns:ter=\"http://www.onvif.org/ver10/error\"><env:Body>{body}</env:Body></env:Envelope>"
    );
    ([("content-type", "application/soap+xml; charset=utf-8")], text).into_response()
}

fn fault(subcode: &str, reason: &str) -> Response {
    let mut response = soap(&format!(
        "<env:Fault><env:Code><env:Value>env:Sender</env:Value><env:Subcode><env:Value>{subcode}</env:Value></env:Subcode></env:Code>\
         <env:Reason><env:Text xml:lang=\"en\">{reason}</env:Text></env:Reason></env:Fault>"
    ));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, request: String) -> Response {
    let tag = |piece: &str| piece.split(['>', ' ', '/']).next()?.rsplit(':').next().map(str::to_owned);
    let tags: BTreeSet<String> = request.split('<').filter_map(tag).collect();
    let asks = |name: &str| tags.contains(name);
    if asks("GetSystemDateAndTime") {
        return soap(&date_and_time(shared.now_ms()));
    }
    if !shared.admits(&request) {
        return fault("ter:NotAuthorized", "Sender not Authorized");
    }
    let own = shared.own.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if asks("GetCapabilities") {
        return soap(&format!(
            "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Events><tt:XAddr>{own}/onvif/Events</tt:XAddr>\
             <tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport><tt:WSPullPointSupport>true</tt:WSPullPointSupport>\
             </tt:Events></tds:Capabilities></tds:GetCapabilitiesResponse>"
        ));
    }
    if asks("CreatePullPointSubscription") && uri.path() == "/onvif/Events" {
        return subscribe(&shared, &own);
    }
    // A number of its own, or the address's.
    let said = text(&request, "SubscriptionId");
    let said = if own.contains("192.168.") { said } else { uri.query().and_then(|query| query.strip_prefix("Idx=")) };
    let number = said.and_then(|number| number.parse::<u64>().ok());
    let Some(number) = number.filter(|number| shared.inner().subscriptions.contains_key(number)) else {
        return fault("wsnt:ResourceUnknownFault", "no such subscription");
    };
    if asks("PullMessages") {
        return pull(&shared, number, &request).await;
    }
    let now = clock::rfc3339(shared.now_ms());
    if asks("Renew") {
        return soap(&format!(
            "<wsnt:RenewResponse><wsnt:TerminationTime>{now}</wsnt:TerminationTime><wsnt:CurrentTime>{now}</wsnt:CurrentTime></wsnt:RenewResponse>"
        ));
    }
    if asks("Unsubscribe") {
        shared.inner().subscriptions.remove(&number);
        return soap("<wsnt:UnsubscribeResponse/>");
    }
    fault("ter:ActionNotSupported", "not implemented")
}

fn date_and_time(now_ms: i64) -> String {
    let now = clock::rfc3339(now_ms);
    let number =
        |from: usize, to: usize| now.get(from..to).and_then(|part| part.parse::<u32>().ok()).unwrap_or_default();
    format!(
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>\
         <tt:UTCDateTime><tt:Time><tt:Hour>{}</tt:Hour><tt:Minute>{}</tt:Minute><tt:Second>{}</tt:Second></tt:Time>\
         <tt:Date><tt:Year>{}</tt:Year><tt:Month>{}</tt:Month><tt:Day>{}</tt:Day></tt:Date></tt:UTCDateTime>\
         </tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>",
        number(11, 13),
        number(14, 16),
        number(17, 19),
        number(0, 4),
        number(5, 7),
        number(8, 10)
    )
}

fn subscribe(shared: &Shared, own: &str) -> Response {
    let now = clock::rfc3339(shared.now_ms());
    let mut inner = shared.inner();
    if inner.subscriptions.len() >= SUBSCRIPTIONS_MAX {
        return fault("ter:MaximumNumberOfPullPoints", "too many subscriptions");
    }
    inner.next += 1;
    let number = inner.next;
    let held = inner.properties.iter().map(|(topic, data)| notification(topic, &now, "Initialized", data)).collect();
    inner.subscriptions.insert(number, held);
    soap(&format!(
        "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><wsa5:Address>{own}/onvif/Subscription?Idx={number}</wsa5:Address>\
         <wsa5:ReferenceParameters><sim:SubscriptionId xmlns:sim=\"urn:sim\">{number}</sim:SubscriptionId></wsa5:ReferenceParameters>\
         </tev:SubscriptionReference><wsnt:CurrentTime>{now}</wsnt:CurrentTime><wsnt:TerminationTime>{now}</wsnt:TerminationTime>\
         </tev:CreatePullPointSubscriptionResponse>"
    ))
}

async fn pull(shared: &Shared, number: u64, request: &str) -> Response {
    let seconds =
        text(request, "Timeout").and_then(|text| text.strip_prefix("PT")?.strip_suffix('S')?.parse::<f64>().ok());
    let wait = Duration::from_secs_f64(seconds.unwrap_or(1.0).clamp(0.0, 60.0)).min(LONGEST_WAIT);
    let limit = text(request, "MessageLimit").and_then(|limit| limit.parse::<usize>().ok()).unwrap_or(1);
    shared.asked.send_modify(|asked| *asked += 1);
    let deadline = tokio::time::Instant::now() + wait;
    loop {
        // Listens before it looks: what comes in between is not missed.
        let woken = shared.wake.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        let (fault_due, ready) = {
            let mut inner = shared.inner();
            let fault_due = inner.faults.pop_front();
            let waiting = inner.subscriptions.get_mut(&number);
            let ready: Vec<String> =
                waiting.map(|waiting| waiting.drain(..limit.min(waiting.len())).collect()).unwrap_or_default();
            (fault_due, ready)
        };
        match fault_due {
            Some(Fault::Forgets) => {
                shared.inner().subscriptions.remove(&number);
                return fault("wsnt:ResourceUnknownFault", "no such subscription");
            }
            Some(Fault::Garbage) => return "<html><body>busy".into_response(),
            Some(Fault::Hangs) => std::future::pending().await,
            None => {}
        }
        let is_over = ready.is_empty() && tokio::time::timeout_at(deadline, woken).await.is_err();
        if !ready.is_empty() || is_over {
            let now = clock::rfc3339(shared.now_ms());
            return soap(&format!(
                "<tev:PullMessagesResponse><tev:CurrentTime>{now}</tev:CurrentTime><tev:TerminationTime>{now}</tev:TerminationTime>{}</tev:PullMessagesResponse>",
                ready.concat()
            ));
        }
    }
}
