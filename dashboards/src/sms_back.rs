//! What providers of text messages push: whether a message is on the phone, and what phones write back.
//!
//! In:  calls to an address that holds a secret, since providers cannot sign.   Out: `SmsReceipt` commands; replies for
//! [`crate::sms_replies`].
//!
//! Never: says by anything but "there is no such address" that a token is wrong; waits for what comes of it.
//!
//! Alibaba Cloud: SmsReport and SmsUp in the mode of HTTP batches (help.aliyun.com, documents 101867 and 101847): arrays; it waits 700 ms for
//! an answer, tries again after 1, 5 and 10 minutes, and promises no order and no "once". `out_id` is the delivery. Tencent Cloud:
//! 短信下发状态通知 (cloud.tencent.com, API document 382/59178), an array of at most 100, and 短信回复 (382/5809), an object. `ext` is the
//! delivery, but only for accounts that have asked for it; `sid` is always there, and what it was answered as `SerialNo` when it took
//! the message stands in the delivery's attempts.

use crate::app::App;
use crate::commands::append;
use crate::extract::Raw;
use crate::openapi::{BadRequest, NotFound, TooLarge, Unavailable};
use crate::platform_ack::Callback;
use crate::problem::Problem;
use crate::sms_replies::{self, Handed, Replies, Reply, cleaned};
use crate::view::View;
use axum::Json;
use axum::extract::{Path, State};
use journal::wire::DeliveryJson;
use model::{Action, ChannelKind, Command, IncidentId};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc;
use utoipa::ToSchema;

/// Longest body of a call.
pub(crate) const BODY_MAX: usize = 64 * 1024;
/// Entries of a call.
const ENTRIES_MAX: usize = 500;
/// Longest reason of a provider that is kept, in characters.
const TOLD_MAX: usize = 200;
/// Messages among which one is found by the provider's own number.
const NUMBERED_MAX: usize = 5_000;

/// How what becomes of text messages, and what phones answer, comes back.
pub struct SmsBack {
    callback: Option<Callback>,
    /// What a modem's folder hands in; taken by the server when it starts.
    pub(crate) modem: Option<mpsc::Receiver<Handed>>,
}

impl SmsBack {
    /// Providers push with this token, or not at all; a modem's replies are handed in by the second part, if there is a modem.
    pub fn new(callback: Option<Callback>) -> (Self, Replies) {
        let (replies, modem) = sms_replies::channel();
        (Self { callback, modem: Some(modem) }, replies)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provider {
    Aliyun,
    Tencent,
}

/// What each provider takes for "heard".
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ProviderAnswer {
    /// Alibaba Cloud.
    Aliyun {
        /// Always 0.
        code: u8,
        /// `成功`.
        msg: &'static str,
    },
    /// Tencent Cloud.
    Tencent {
        /// Always 0.
        result: u8,
        /// `OK`.
        errmsg: &'static str,
    },
}

/// What a provider says of one message.
struct Receipt {
    delivery: String,
    arrived: bool,
    told: String,
}

/// What a provider says of text messages: which are on the phone, and which never got there.
#[utoipa::path(
    post, path = "/api/v1/sms/{provider}/{token}/receipts", tag = "sms",
    params(
        ("provider" = String, Path, description = "aliyun or tencent"),
        ("token" = String, Path, description = "the token of `[sms] callback_token_file`", min_length = 16),
    ),
    request_body(
        content = Option<Vec<Value>>,
        description = "as the provider pushes it, at most 500 entries. Alibaba Cloud, SmsReport: read are `success`, `err_code`, `err_msg` \
                       and `out_id`, which is the delivery. Tencent Cloud, 短信下发状态通知: read are `report_status`, `errmsg`, \
                       `description`, `sid` and `ext`, which is the delivery for accounts that have it",
    ),
    responses(
        (status = 200, body = ProviderAnswer, description = "written down, in the provider's own words for it"),
        BadRequest, NotFound, TooLarge, Unavailable,
    ),
    security(()),
)]
pub(crate) async fn receipts(
    State(app): State<Arc<App>>,
    Path((provider, token)): Path<(String, String)>,
    body: Raw,
) -> Result<Json<ProviderAnswer>, Problem> {
    let provider = admit(&app, &provider, &token)?;
    let entries = entries(&body)?;
    let view = app.view().await?;
    let numbers = if provider == Provider::Tencent { numbers(view) } else { HashMap::new() };
    // Held while they are written, so that the same call twice at once is one.
    let mut recent = app.heard.receipts.lock().await;
    for entry in &entries {
        let key = blake3::hash(entry.to_string().as_bytes());
        if recent.holds(&key) {
            continue;
        }
        if let Some(receipt) = provider.receipt(entry, &numbers)
            && let Some(delivery) = view.delivery(&receipt.delivery).filter(|one| is_sms(one))
        {
            let incident = delivery.incident.as_deref().and_then(|incident| IncidentId::parse(incident).ok());
            let Receipt { delivery, arrived, told } = receipt;
            let action = Action::SmsReceipt { delivery, arrived, told };
            append(&app, None, Command { incident, by: provider.as_str().to_owned(), at: app.now(), action }).await?;
        }
        recent.keep(key);
    }
    Ok(provider.yes())
}

/// What phones write back: a yes acknowledges the case, anything else is written down there.
#[utoipa::path(
    post, path = "/api/v1/sms/{provider}/{token}/replies", tag = "sms",
    params(
        ("provider" = String, Path, description = "aliyun or tencent"),
        ("token" = String, Path, description = "the token of `[sms] callback_token_file`", min_length = 16),
    ),
    request_body(
        content = Option<Value>,
        description = "as the provider pushes it: a list of at most 500 entries, or one. Alibaba Cloud, SmsUp: read are `phone_number`, \
                       `content`, `sequence_id` and `send_time`. Tencent Cloud, 短信回复: read are `nationcode`, `mobile`, `text` and `time`",
    ),
    responses(
        (status = 200, body = ProviderAnswer, description = "written down, in the provider's own words for it"),
        BadRequest, NotFound, TooLarge, Unavailable,
    ),
    security(()),
)]
pub(crate) async fn replies(
    State(app): State<Arc<App>>,
    Path((provider, token)): Path<(String, String)>,
    body: Raw,
) -> Result<Json<ProviderAnswer>, Problem> {
    let provider = admit(&app, &provider, &token)?;
    for entry in entries(&body)? {
        sms_replies::take(&app, &provider.reply(&entry)).await?;
    }
    Ok(provider.yes())
}

/// Wrong tokens are not slowed: a provider that is told to wait gives up, and a token of 16 characters is not guessed.
fn admit(app: &App, provider: &str, token: &str) -> Result<Provider, Problem> {
    let callback = app.parts.sms_back.callback.filter(|callback| callback.is(token.as_bytes()));
    callback
        .and_then(|_| Provider::parse(provider))
        .ok_or_else(|| Problem::not_found("there is no such address here; /api/v1/openapi.json lists what there is"))
}

/// What a call holds. Providers try an address with nothing before they keep it.
fn entries(Raw(bytes): &Raw) -> Result<Vec<Value>, Problem> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let entries = match serde_json::from_slice(bytes) {
        Ok(Value::Array(entries)) => entries,
        Ok(entry @ Value::Object(_)) => vec![entry],
        Ok(_) => return Err(Problem::bad_request("body is neither a list nor an object; push what the provider does")),
        Err(error) => return Err(Problem::bad_request(format!("body is no JSON: {error}"))),
    };
    if entries.len() > ENTRIES_MAX {
        let count = entries.len();
        return Err(Problem::bad_request(format!("body has {count} entries; push at most {ENTRIES_MAX} in a call")));
    }
    Ok(entries)
}

impl Provider {
    fn parse(word: &str) -> Option<Self> {
        [Self::Aliyun, Self::Tencent].into_iter().find(|provider| provider.as_str() == word)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Aliyun => "aliyun",
            Self::Tencent => "tencent",
        }
    }

    /// What it takes for "heard".
    fn yes(self) -> Json<ProviderAnswer> {
        Json(match self {
            Self::Aliyun => ProviderAnswer::Aliyun { code: 0, msg: "成功" },
            Self::Tencent => ProviderAnswer::Tencent { result: 0, errmsg: "OK" },
        })
    }

    /// `None` for an entry that says nothing of a message of ours.
    fn receipt(self, entry: &Value, numbers: &HashMap<String, String>) -> Option<Receipt> {
        let of = |key: &str| text(entry, key);
        let (delivery, word, phone, [code, reason]) = match self {
            Self::Aliyun => (of("out_id"), of("success"), of("phone_number"), ["err_code", "err_msg"]),
            Self::Tencent => {
                let ours = Some(of("ext")).filter(|ext| !ext.is_empty());
                let delivery = ours.or_else(|| numbers.get(&of("sid")).cloned()).unwrap_or_default();
                (delivery, of("report_status"), of("mobile"), ["errmsg", "description"])
            }
        };
        let arrived = match word.as_str() {
            "true" | "SUCCESS" => true,
            "false" | "FAIL" => false,
            _ => return None,
        };
        let told = cleaned(&format!("{} {}", of(code), of(reason)), TOLD_MAX);
        // A provider may repeat the number in its reason; it is shown nowhere.
        let told = if phone.len() >= 6 { told.replace(&phone, "…") } else { told };
        (!delivery.is_empty()).then_some(Receipt { delivery, arrived, told })
    }

    fn reply(self, entry: &Value) -> Reply {
        let of = |key: &str| text(entry, key);
        match self {
            Self::Aliyun => {
                let (phone, text, number) = (of("phone_number"), of("content"), of("sequence_id"));
                let id = if number.is_empty() { format!("{} {text}", of("send_time")) } else { number };
                Reply { phone, text, id: format!("aliyun {id}") }
            }
            Self::Tencent => {
                let (mobile, text) = (of("mobile"), of("text"));
                let phone = if mobile.starts_with('+') { mobile } else { format!("{}{mobile}", of("nationcode")) };
                let id = format!("tencent {} {text}", of("time"));
                Reply { phone, text, id }
            }
        }
    }
}

/// A field as text, whether it is written as text, as a number or as true or false; empty when it is not there.
fn text(entry: &Value, key: &str) -> String {
    match entry.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
        _ => String::new(),
    }
}

fn is_sms(delivery: &DeliveryJson) -> bool {
    delivery.channel == ChannelKind::Sms.as_str()
}

/// The numbers that Tencent Cloud gave the newest messages, each with its delivery.
fn numbers(view: &View) -> HashMap<String, String> {
    let (sent, _) = view.deliveries(None, NUMBERED_MAX, is_sms);
    let of = |delivery: &DeliveryJson| -> Vec<(String, String)> {
        let answers = delivery.tries.iter().map(|one| one.answer.as_str()).chain([delivery.answer.as_str()]);
        answers.filter_map(number).map(|number| (number.to_owned(), delivery.id.clone())).collect()
    };
    sent.iter().flat_map(|delivery| of(delivery)).collect()
}

/// `5000:1045…` of `200 OK {"Response":{"SendStatusSet":[{"SerialNo":"5000:1045…", …`.
fn number(answer: &str) -> Option<&str> {
    let (_, rest) = answer.split_once("\"SerialNo\"")?;
    rest.split('"').nth(1).filter(|number| !number.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_is_found_by_the_number_that_stands_in_the_answer() {
        let answer = "200 OK {\"Response\":{\"SendStatusSet\":[{\"SerialNo\": \"5000:1045\",\"Fee\":1}]}}";
        assert_eq!(number(answer), Some("5000:1045"));
        assert_eq!(number("200 OK {\"SerialNo\":\"\"}"), None);
        assert_eq!(number("503"), None);
    }

    #[test]
    fn a_reason_is_short_and_without_the_phone() {
        let entry = json!({"phone_number": "13900000000", "success": "false", "err_code": "MK:0001",
            "err_msg": format!("13900000000 空号\n{}", "长".repeat(300)), "out_id": "msg_1"});
        let receipt = Provider::Aliyun.receipt(&entry, &HashMap::new()).unwrap();
        assert!(receipt.told.starts_with("MK:0001 … 空号 长") && receipt.told.chars().count() <= TOLD_MAX);
        assert!(Provider::Aliyun.receipt(&json!({"out_id": "msg_1"}), &HashMap::new()).is_none());
    }
}
