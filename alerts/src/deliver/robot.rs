//! A robot in a group: WeCom (企业微信), DingTalk (钉钉), Feishu (飞书).
//!
//! In: the text, and the robot's address and secret.   Out: what the robot made of it. Each answers 200 to everything and says in the
//! body whether it took it; that is what is read.   Formats: `docs/telling.md`, after the makers' pages.

use super::sender::{Answer, Http, Reply};
use crate::message::Said;
use crate::store::Due;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use model::{ChannelKind, Subscriber, Timestamp};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;

/// A robot that was spoken to too often is left alone for so long.
const TOO_OFTEN: Duration = Duration::from_secs(60);
/// Their codes for it: WeCom, DingTalk (two), Feishu (two).
const TOO_OFTEN_CODES: [i64; 5] = [45_009, 130_101, 660_026, 9_499, 11_232];

pub(super) async fn send(http: &Http, to: &Subscriber, due: &Due, now: Timestamp) -> Answer {
    let text = Said::parse(&due.body).whole();
    let (url, body) = match to.channel {
        ChannelKind::Dingtalk => {
            (dingtalk_url(&to.url, &to.secret, now), json!({"msgtype": "text", "text": {"content": text}}))
        }
        ChannelKind::Feishu => (to.url.clone(), feishu_body(&text, &to.secret, now)),
        _ => (to.url.clone(), json!({"msgtype": "text", "text": {"content": text}})),
    };
    let request = match http.post(&url) {
        Ok(request) => request.json(&body),
        Err(refused) => return refused,
    };
    match http.ask(request).await {
        Ok(reply) => judge(&reply),
        Err(answer) => answer,
    }
}

/// Whether the robot took it, by the body: `errcode` of WeCom and DingTalk, `code` of Feishu; 0 is yes.
fn judge(reply: &Reply) -> Answer {
    if !reply.status.is_success() {
        return Answer::Later { reason: reply.told(), after: reply.after };
    }
    let said = reply.json();
    let code = ["errcode", "code", "StatusCode"].iter().find_map(|key| said.get(key).and_then(Value::as_i64));
    match code {
        Some(0) => Answer::Accepted(reply.told()),
        Some(code) if TOO_OFTEN_CODES.contains(&code) => Answer::Later { reason: reply.told(), after: Some(TOO_OFTEN) },
        Some(_) => Answer::later(reply.told()),
        None => Answer::later(format!("the robot's answer says neither yes nor no: {}", reply.told())),
    }
}

fn hmac_sha256(key: &[u8], text: &[u8]) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(text);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// With `timestamp` (milliseconds) and `sign` = base64(HMAC-SHA256(secret, "timestamp\nsecret")) in the query; without a secret the
/// address alone (a robot that goes by key words).
fn dingtalk_url(url: &str, secret: &str, now: Timestamp) -> String {
    if secret.is_empty() {
        return url.to_owned();
    }
    let millis = now.as_millis();
    let sign = hmac_sha256(secret.as_bytes(), format!("{millis}\n{secret}").as_bytes());
    let sign = sign.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let join = if url.contains('?') { '&' } else { '?' };
    format!("{url}{join}timestamp={millis}&sign={sign}")
}

/// With `timestamp` (seconds) and `sign` = base64(HMAC-SHA256("timestamp\nsecret", "")) in the body; without a secret the text alone.
fn feishu_body(text: &str, secret: &str, now: Timestamp) -> Value {
    let content = json!({"text": text});
    if secret.is_empty() {
        return json!({"msg_type": "text", "content": content});
    }
    let seconds = now.as_millis().div_euclid(1_000);
    let sign = hmac_sha256(format!("{seconds}\n{secret}").as_bytes(), b"");
    json!({"timestamp": seconds.to_string(), "sign": sign, "msg_type": "text", "content": content})
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;

    #[test]
    fn signatures_are_as_the_makers_compute_them() {
        let now = Timestamp::from_millis(1_795_313_700_000);
        let url = dingtalk_url("https://oapi.dingtalk.com/robot/send?access_token=t", "SEC0000example", now);
        let wanted = "access_token=t&timestamp=1795313700000&sign=o%2FHkc1zu4bl3LAJk7FvvM31AJ2VMACJ8kZVh4cxygUQ%3D";
        assert!(url.ends_with(wanted), "{url}");
        let body = feishu_body("草原", "SEC0000example", now);
        assert_eq!(body["sign"], "aJNd6eWU4OiA9RosKURak8yzg5vRBYax6gMKpJw8Pcg=");
        assert_eq!((&body["timestamp"], &body["content"]["text"]), (&json!("1795313700"), &json!("草原")));
        assert_eq!(dingtalk_url("https://a/?t=1", "", now), "https://a/?t=1");
        assert_eq!(feishu_body("x", "", now), json!({"msg_type": "text", "content": {"text": "x"}}));
    }

    #[track_caller]
    fn check(status: u16, body: &str, wanted: &str) {
        let reply = Reply { status: StatusCode::from_u16(status).unwrap(), after: None, body: body.to_owned() };
        let found = match judge(&reply) {
            Answer::Accepted(_) => "accepted",
            Answer::Refused(_) => "refused",
            Answer::Later { after: Some(_), .. } => "too often",
            Answer::Later { .. } => "later",
            Answer::Turn(_) | Answer::Gone(_) => "turn",
        };
        assert_eq!(found, wanted, "{status} {body}");
    }

    #[test]
    fn two_hundred_is_not_yes() {
        check(200, r#"{"errcode":0,"errmsg":"ok"}"#, "accepted");
        check(200, r#"{"code":0,"msg":"success"}"#, "accepted");
        check(200, r#"{"StatusCode":0,"StatusMessage":"success"}"#, "accepted");
        check(200, r#"{"errcode":310000,"errmsg":"sign not match"}"#, "later");
        check(200, r#"{"code":19021,"msg":"sign match fail"}"#, "later");
        check(200, r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#, "too often");
        check(200, "<html>", "later");
        check(502, "", "later");
    }
}
