//! What the makers of group robots and text messages run: their endpoints, with their checks, their limits and their bad habit of
//! answering 200 to everything.
//!
//! In:  requests as the makers document them.   Out: what was accepted, in memory; what became of a text message and what a phone wrote
//! back, pushed to an address.   Never: shares a line with the code that it checks.

use crate::clock;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// So long somebody waits for a message that never comes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Messages kept.
const MESSAGES_MAX: usize = 10_000;

/// Whose endpoint it is.
#[derive(Debug, Clone)]
pub enum Maker {
    /// WeCom: the address is the secret.
    Wecom,
    /// DingTalk, with the group's secret.
    Dingtalk(String),
    /// Feishu, with the group's secret.
    Feishu(String),
    /// Alibaba Cloud's text messages, with the access key's secret.
    Aliyun(String),
}

/// Something that was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// What a person reads; of a text message the values of its template, as JSON.
    pub text: String,
    /// Whom: the phone; empty for a group.
    pub phone: String,
    /// The sender's own id, where it gave one.
    pub id: String,
}

struct Shared {
    maker: Maker,
    /// Answers still to be given instead of looking at the request.
    moods: Mutex<VecDeque<Value>>,
    accepted: Mutex<Vec<Message>>,
    count: watch::Sender<usize>,
}

/// A running endpoint; it ends when dropped.
pub struct Vendor {
    addr: SocketAddr,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

impl Vendor {
    /// Listens on a free port of this machine. The first requests are answered with `moods`, one each.
    pub async fn start(maker: Maker, moods: impl IntoIterator<Item = Value>) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let stop = CancellationToken::new();
        let moods = Mutex::new(moods.into_iter().collect());
        let shared = Arc::new(Shared { maker, moods, accepted: Mutex::default(), count: watch::Sender::new(0) });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move { axum::serve(listener, app).with_graceful_shutdown(stopped).await });
        Ok(Self { addr, shared, _stop: stop.drop_guard() })
    }

    /// Its address, as a group shows it; the token in it is anybody's.
    pub fn url(&self) -> String {
        let path = match self.shared.maker {
            Maker::Wecom => "/cgi-bin/webhook/send?key=k",
            Maker::Dingtalk(_) => "/robot/send?access_token=t",
            Maker::Feishu(_) => "/open-apis/bot/v2/hook/h",
            Maker::Aliyun(_) => "",
        };
        format!("http://{}{path}", self.addr)
    }

    /// Waits until one that is wanted was accepted, and returns it.
    pub async fn wait_until(&self, wanted: impl Fn(&Message) -> bool) -> Message {
        let find = || {
            let accepted = self.shared.accepted.lock().unwrap_or_else(PoisonError::into_inner);
            accepted.iter().find(|message| wanted(message)).cloned()
        };
        let mut count = self.shared.count.subscribe();
        loop {
            count.borrow_and_update();
            if let Some(message) = find() {
                return message;
            }
            // The sender lives in `shared`, so the wait cannot end by its loss.
            count.changed().await.ok();
        }
    }

    /// Waits until so many were accepted, and returns them.
    pub async fn wait_for(&self, messages: usize) -> Vec<Message> {
        // The sender lives in `shared`, so the wait cannot end by its loss; what never comes is missing in what is returned.
        let mut count = self.shared.count.subscribe();
        tokio::time::timeout(PATIENCE, count.wait_for(|count| *count >= messages)).await.map(drop).ok();
        self.shared.accepted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Pushes what became of a text message, as Alibaba Cloud's SmsReport does, to an address that begins so; `failure` is the code and the reason
/// when it did not arrive. Status and answer.
pub async fn push_receipt(
    base: &str,
    message: &Message,
    failure: Option<(&str, &str)>,
) -> Result<(u16, Value), reqwest::Error> {
    let (code, reason) = failure.unwrap_or(("DELIVERED", "用户接收成功"));
    let now = beijing();
    let report = json!([{
        "phone_number": message.phone, "send_time": now, "report_time": now, "success": failure.is_none(), "err_code": code,
        "err_msg": reason, "sms_size": "1", "biz_id": "9006", "out_id": message.id
    }]);
    push(&format!("{base}/receipts"), &report).await
}

/// Pushes what a phone wrote back, as its SmsUp does. Status and answer.
pub async fn push_reply(base: &str, phone: &str, text: &str, number: u64) -> Result<(u16, Value), reqwest::Error> {
    let up = json!([{
        "phone_number": phone, "content": text, "send_time": beijing(), "dest_code": "1234", "sequence_id": number,
        "sign_name": "草原禁牧"
    }]);
    push(&format!("{base}/replies"), &up).await
}

async fn push(url: &str, body: &Value) -> Result<(u16, Value), reqwest::Error> {
    // A second call only means that the provider is chosen already.
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client.post(url).json(body).send().await?;
    Ok((answer.status().as_u16(), answer.json().await.unwrap_or_default()))
}

/// `2026-05-01 08:00:00`, as clocks in Beijing show it.
fn beijing() -> String {
    let text = clock::rfc3339(clock::now_ms().saturating_add(clock::LEGAL_AHEAD_MS));
    text.chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> String {
    let mood = shared.moods.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    if let Some(mood) = mood {
        return mood.to_string();
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let query = uri.query().unwrap_or_default();
    let (accepted, answer) = match &shared.maker {
        Maker::Wecom => (Some(in_group(&body, "/text/content")), json!({"errcode": 0, "errmsg": "ok"})),
        Maker::Dingtalk(secret) if dingtalk_is_signed(query, secret) => {
            (Some(in_group(&body, "/text/content")), json!({"errcode": 0, "errmsg": "ok"}))
        }
        Maker::Dingtalk(_) => (None, json!({"errcode": 310_000, "errmsg": "sign not match"})),
        Maker::Feishu(secret) if feishu_is_signed(&body, secret) => {
            (Some(in_group(&body, "/content/text")), json!({"code": 0, "msg": "success"}))
        }
        Maker::Feishu(_) => {
            (None, json!({"code": 19_021, "msg": "sign match fail or timestamp is not within one hour"}))
        }
        Maker::Aliyun(secret) => aliyun(&headers, query, secret),
    };
    if let Some(message) = accepted {
        let mut accepted = shared.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        if accepted.len() < MESSAGES_MAX {
            accepted.push(message);
        }
        shared.count.send_replace(accepted.len());
    }
    answer.to_string()
}

fn in_group(body: &Value, path: &str) -> Message {
    let text = body.pointer(path).and_then(Value::as_str).unwrap_or_default();
    Message { text: text.to_owned(), phone: String::new(), id: String::new() }
}

/// The pairs of a query, decoded.
fn pairs(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let (mut bytes, mut rest) = (Vec::new(), text.bytes());
        while let Some(byte) = rest.next() {
            let coded = if byte == b'%' { (rest.next(), rest.next()) } else { (None, None) };
            match coded {
                (Some(high), Some(low)) => {
                    let digits = [high, low];
                    let number = std::str::from_utf8(&digits).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
                    bytes.push(number.unwrap_or(b'?'));
                }
                _ => bytes.push(byte),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

fn mac(key: &str, text: &str) -> Vec<u8> {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn dingtalk_is_signed(query: &str, secret: &str) -> bool {
    let pairs = pairs(query);
    let stamp = value(&pairs, "timestamp");
    stamp.len() == 13 && value(&pairs, "sign") == STANDARD.encode(mac(secret, &format!("{stamp}\n{secret}")))
}

fn feishu_is_signed(body: &Value, secret: &str) -> bool {
    let field = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let stamp = field("timestamp");
    stamp.len() == 10 && field("sign") == STANDARD.encode(mac(&format!("{stamp}\n{secret}"), ""))
}

/// Checks the signature over what came and takes the message.
fn aliyun(headers: &HeaderMap, query: &str, secret: &str) -> (Option<Message>, Value) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let authorization = header("authorization");
    let part = |name: &str| {
        let start = authorization.find(name).map(|at| at + name.len());
        start.and_then(|at| authorization.get(at..)).and_then(|rest| rest.split(',').next()).unwrap_or_default()
    };
    let signed = part("SignedHeaders=");
    let lines: String = signed.split(';').map(|name| format!("{name}:{}\n", header(name))).collect();
    let mut sorted: Vec<&str> = query.split('&').collect();
    sorted.sort_unstable();
    let canonical = format!("POST\n/\n{}\n{lines}\n{signed}\n{}", sorted.join("&"), header("x-acs-content-sha256"));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = format!("ACS3-HMAC-SHA256\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    if part("Signature=") != hex(&mac(secret, &text)) {
        return (None, json!({"Code": "SignatureDoesNotMatch", "Message": "the signature is not right"}));
    }
    let pairs = pairs(query);
    match header("x-acs-action") {
        "SendSms" => {
            let of = |name| value(&pairs, name).to_owned();
            let message = Message { text: of("TemplateParam"), phone: of("PhoneNumbers"), id: of("OutId") };
            (Some(message), json!({"Code": "OK", "Message": "OK", "BizId": "9006"}))
        }
        _ => (None, json!({"Code": "OK", "TotalCount": 0, "SmsSendDetailDTOs": {"SmsSendDetailDTO": []}})),
    }
}
